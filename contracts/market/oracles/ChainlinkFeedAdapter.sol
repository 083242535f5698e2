// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IAggregatorV3} from "./IAggregatorV3.sol";
import {IChainlinkFeedAdapter} from "./IChainlinkFeedAdapter.sol";
import {OracleInbox} from "./OracleInbox.sol";

/// @title ChainlinkFeedAdapter
/// @notice Observation source that takes the latest answers of feeds that are pushed to the chain.
contract ChainlinkFeedAdapter is IChainlinkFeedAdapter, OracleInbox {
    /// @dev Two slots.
    struct Entry {
        address feed;
        uint8 decimals;
        uint32 maxAgeSeconds;
        uint128 leastAnswer;
        uint128 greatestAnswer;
    }

    mapping(bytes32 marketId => Entry) private _entries;

    /// @param feeds  of the markets
    /// @param fresh  when a price is one of now; confidence is of no account
    /// @param bounds what can be a market
    constructor(
        PushedFeed[] memory feeds,
        Freshness memory fresh,
        Plausibility memory bounds
    ) OracleInbox(fresh, bounds) {
        _requireMarkets(feeds.length);
        for (uint256 i = 0; i < feeds.length; ++i) _add(feeds[i], fresh.maxAgeSeconds);
    }

    /// @inheritdoc IChainlinkFeedAdapter
    function take(bytes32 marketId) external {
        uint256 upSince = _requireSequencerUp();
        Entry memory entry = _entries[marketId];
        if (entry.feed == address(0)) revert UnknownMarket(marketId);
        IAggregatorV3 feed = IAggregatorV3(entry.feed);
        _requireSameDecimals(marketId, feed, entry.decimals);
        (int256 answer, uint256 updatedAt) = _answerOf(marketId, feed);
        if (answer > 0 && (answer <= int256(uint256(entry.leastAnswer)) || answer >= int256(uint256(entry.greatestAnswer)))) {
            revert AnswerAtBound(marketId, answer, entry.leastAnswer, entry.greatestAnswer);
        }
        _take(
            marketId,
            Reading({price: answer, confidence: 0, decimals: entry.decimals, asOf: updatedAt}),
            _oldest(entry.maxAgeSeconds, upSince)
        );
    }

    /// @inheritdoc IChainlinkFeedAdapter
    function feedOf(bytes32 marketId) external view returns (PushedFeed memory) {
        Entry memory entry = _entries[marketId];
        return
            PushedFeed({
                marketId: entry.feed == address(0) ? bytes32(0) : marketId,
                feed: entry.feed,
                decimals: entry.decimals,
                maxAgeSeconds: entry.maxAgeSeconds,
                leastAnswer: entry.leastAnswer,
                greatestAnswer: entry.greatestAnswer
            });
    }

    function _add(PushedFeed memory feed, uint256 maxAgeSeconds) private {
        if (_entries[feed.marketId].feed != address(0)) revert MarketListedTwice(feed.marketId);
        _requireContract(feed.feed);
        _requireDecimals(feed.decimals);
        _requireSameDecimals(feed.marketId, IAggregatorV3(feed.feed), feed.decimals);
        _requireWithin("maxAgeSeconds", feed.maxAgeSeconds, 1, maxAgeSeconds);
        _requireWithin("greatestAnswer", feed.greatestAnswer, 2, type(uint128).max);
        _requireWithin("leastAnswer", feed.leastAnswer, 0, feed.greatestAnswer - 2);
        _entries[feed.marketId] = Entry({
            feed: feed.feed,
            decimals: uint8(feed.decimals),
            maxAgeSeconds: uint32(feed.maxAgeSeconds),
            leastAnswer: uint128(feed.leastAnswer),
            greatestAnswer: uint128(feed.greatestAnswer)
        });
    }

    /// @dev Asked every time: whoever keeps the proxy may put another aggregator behind it.
    function _requireSameDecimals(bytes32 marketId, IAggregatorV3 feed, uint256 expected) private view {
        try feed.decimals() returns (uint8 found) {
            if (found != expected) revert DecimalsMismatch(marketId, int256(uint256(found)), int256(expected));
        } catch (bytes memory reason) {
            revert VerificationFailed(address(feed), reason);
        }
    }

    function _answerOf(bytes32 marketId, IAggregatorV3 feed) private view returns (int256 answer, uint256 updatedAt) {
        // slither-disable-next-line unused-return
        try feed.latestRoundData() returns (uint80 round, int256 found, uint256, uint256 time, uint80 answeredInRound) {
            if (time == 0 || answeredInRound < round) revert RoundIncomplete(marketId, round, answeredInRound, time);
            return (found, time);
        } catch (bytes memory reason) {
            revert VerificationFailed(address(feed), reason);
        }
    }
}
