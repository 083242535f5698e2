// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IRedStoneReader
/// @notice A contract that derives from RedStone's consumer of a data service, which checks signatures, and their number, of the
/// packages at the end of a call's data; what it needs besides is in docs/oracles.md.
interface IRedStoneReader {
    /// @notice The value of a feed in the packages at the end of the call's data.
    /// @return value       with 8 decimals, for feeds of prices
    /// @return timestampMs time of the packages, milliseconds
    function read(bytes32 feedId) external view returns (uint256 value, uint256 timestampMs);
}
