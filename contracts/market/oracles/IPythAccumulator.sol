// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPyth} from "./IPyth.sol";

/// @title IPythAccumulator
/// @notice Verifies Pyth's updates by Wormhole's core contract alone: for chains where Pyth has no contract, and for who would not
/// rely on one that can be upgraded. It takes no fee and stores nothing.
/// @dev Strict where Pyth's own is lenient: no header that it does not know, nothing after the last price, signatures with the lower
/// `s` only. No byte of an update can be another.
interface IPythAccumulator is IPyth {
    /// @notice No fee is taken.
    error FeeNotTaken(uint256 paid, uint256 fee);
    /// @notice An update ends before what it says it has.
    error UpdateTruncated(uint256 length, uint256 needed);
    /// @notice An update goes on after its last price.
    error UpdateTooLong(uint256 length, uint256 expected);
    /// @notice An update's first eight bytes are not those of a Merkle update of version 1.0.
    error NotAnUpdate(bytes8 header, bytes8 expected);
    /// @notice Guardians have not signed it, as Wormhole says.
    error NotVerified(string reason);
    /// @notice A signature is the other one of two that say the same.
    error SignatureNotLow(uint256 s, uint256 greatest);
    /// @notice Somebody else's message.
    error WrongEmitter(uint16 chain, bytes32 emitter, uint16 expectedChain, bytes32 expectedEmitter);
    /// @notice The message has no root of prices.
    error NoRoot(uint256 length, bytes5 header);
    /// @notice A price is not below the root.
    error NotBelowRoot(uint256 index, bytes20 found, bytes20 root);
    /// @notice A message below the root is no price.
    error NotAPrice(uint256 index, uint256 length, uint256 expected);
    /// @notice The updates do not have the feed, within the times asked for.
    error FeedNotInUpdates(bytes32 feedId);

    /// @notice Wormhole's core contract.
    function wormhole() external view returns (address);

    /// @notice Chain, as Wormhole counts them, that Pyth's messages come from.
    function emitterChain() external view returns (uint16);

    /// @notice Who sends them there.
    function emitter() external view returns (bytes32);
}
