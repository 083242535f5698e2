// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IRoundSource
/// @notice Where market rounds come from. A round is everything a margin needs of the market at one time: prices,
/// confidences, and forward, rate and surface of every expiry. Only hashes are kept; whoever proves brings the words.
interface IRoundSource {
    /// @notice A round was published. `expiryHashes` hash the three words of each expiry, `marketHash` those of the market.
    event RoundPublished(
        bytes32 indexed marketId,
        uint256 indexed asOf,
        bytes32 roundId,
        bytes32 marketHash,
        bytes32[] expiryHashes
    );

    /// @notice Id of a market's round of a time; zero if there is none.
    function roundOf(bytes32 marketId, uint256 asOf) external view returns (bytes32 roundId);

    /// @notice Time of a market's newest round; zero if there is none.
    function latestAsOf(bytes32 marketId) external view returns (uint256);
}
