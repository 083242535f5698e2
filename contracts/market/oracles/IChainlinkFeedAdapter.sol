// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IOracleInbox} from "./IOracleInbox.sol";

/// @title IChainlinkFeedAdapter
/// @notice Observations from feeds that are pushed to the chain, and speak Chainlink's `AggregatorV3Interface`: anyone has the latest
/// round taken.
/// @dev A pushed price has no confidence. It is as old as its feed lets it become: a feed that is pushed once an hour or at a move
/// of half a per cent needs an age of more than an hour here, and a registry that takes observations that old.
interface IChainlinkFeedAdapter is IOracleInbox {
    /// @notice A market's feed.
    /// @param marketId       market, as the registry knows it
    /// @param feed           the feed's proxy
    /// @param decimals       of its answers, at most 18
    /// @param maxAgeSeconds  age up to which its answer is taken: its heartbeat and a little, at most the source's own
    /// @param leastAnswer    answers at or below are none: the aggregator's least, above which it never falls, or more
    /// @param greatestAnswer answers at or above are none: the aggregator's greatest, or less
    struct PushedFeed {
        bytes32 marketId;
        address feed;
        uint256 decimals;
        uint256 maxAgeSeconds;
        uint256 leastAnswer;
        uint256 greatestAnswer;
    }

    /// @notice The feed's latest round has no answer of its own yet.
    error RoundIncomplete(bytes32 marketId, uint80 roundId, uint80 answeredInRound, uint256 updatedAt);
    /// @notice The answer is at a bound of its aggregator, or beyond: the price may be anywhere past it.
    error AnswerAtBound(bytes32 marketId, int256 answer, uint256 least, uint256 greatest);

    /// @notice Takes the latest answer of a market's feed, at the time it was updated.
    /// @custom:reverts SequencerDown, SequencerJustUp, UnknownMarket, VerificationFailed if the feed does not answer
    /// @custom:reverts DecimalsMismatch, RoundIncomplete, AnswerAtBound for the round
    /// @custom:reverts ObservationStale, ObservationInFuture, ObservationNotLater, PriceNotPositive, PriceOutOfRange for the price
    function take(bytes32 marketId) external;

    /// @notice The feed of a market; zeros if it has none.
    function feedOf(bytes32 marketId) external view returns (PushedFeed memory);
}
