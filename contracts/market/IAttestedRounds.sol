// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IRoundSource} from "./IRoundSource.sol";
import {ISignerCommittee} from "./ISignerCommittee.sol";

/// @title IAttestedRounds
/// @notice Market rounds attested by k of n signers (EIP-712; contracts sign by ERC-1271). Anyone may publish one.
/// @dev Nobody but the signers has a say in a round; the greatest age is fixed for ever.
interface IAttestedRounds is IRoundSource, ISignerCommittee {
    /// @notice What a signer attests; also the EIP-712 type.
    /// @param marketId     market, as the registry knows it
    /// @param asOf         time of every price in it
    /// @param marketHash   keccak256 of the market's words: prices, confidences, collateral
    /// @param expiryHashes keccak256 of the words of each expiry, by increasing expiry
    /// @param deadline     last second at which the round may be published
    struct Round {
        bytes32 marketId;
        uint256 asOf;
        bytes32 marketHash;
        bytes32[] expiryHashes;
        uint256 deadline;
    }

    /// @notice A round is taken for at least a second and at most a day.
    error RoundAgeOutOfRange(uint256 maxAgeSeconds, uint256 limit);
    /// @notice The round may no longer be published.
    error RoundExpired(uint256 deadline, uint256 timestamp);
    /// @notice The round is older than this source publishes.
    error RoundStale(uint256 asOf, uint256 oldest);
    /// @notice The round claims a time later than the clock skew allows.
    error RoundInFuture(uint256 asOf, uint256 latest);
    /// @notice The round is not later than the market's last one.
    error RoundNotLater(uint256 asOf, uint256 lastAsOf);

    /// @notice Publishes an attested round.
    /// @param signatures exactly `threshold()` of them, by strictly increasing signer
    /// @custom:reverts RoundExpired, RoundStale, RoundInFuture, RoundNotLater for its times
    /// @custom:reverts SignatureCountMismatch, SignersNotIncreasing, UnknownSigner, SignatureRejected for its signatures
    function publish(Round calldata round, Signature[] calldata signatures) external;

    /// @notice EIP-712 digest that a signer signs.
    function digest(Round calldata round) external view returns (bytes32);

    /// @notice Age up to which a round may be published.
    function maxAgeSeconds() external view returns (uint256);
}
