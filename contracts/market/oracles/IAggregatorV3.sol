// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IAggregatorV3
/// @notice What is read of a Chainlink push feed, and of a sequencer's uptime feed. As `AggregatorV3Interface` of
/// chainlink/contracts (MIT) has it.
interface IAggregatorV3 {
    /// @notice Decimals of its answers.
    function decimals() external view returns (uint8);

    /// @notice The latest round.
    /// @return roundId         its number
    /// @return answer          the price; of an uptime feed 0 while the sequencer is up
    /// @return startedAt       when it began; of an uptime feed, when the status changed
    /// @return updatedAt       when its answer was computed, 0 if it has none
    /// @return answeredInRound the round that the answer is of
    function latestRoundData()
        external
        view
        returns (uint80 roundId, int256 answer, uint256 startedAt, uint256 updatedAt, uint80 answeredInRound);
}
