// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {FeedTable} from "./FeedTable.sol";
import {IPyth} from "./IPyth.sol";
import {IPythAdapter} from "./IPythAdapter.sol";
import {OracleInbox} from "./OracleInbox.sol";

/// @title PythAdapter
/// @notice Observation source that takes Pyth's prices.
contract PythAdapter is IPythAdapter, FeedTable {
    /// @inheritdoc IPythAdapter
    IPyth public immutable pyth;

    /// @param pyth_  Pyth's contract, or a {PythAccumulator}
    /// @param feeds  of the markets; decimals are what Pyth calls the exponent, without its sign
    /// @param fresh  when a price is one of now
    /// @param bounds what can be a market
    constructor(
        IPyth pyth_,
        Feed[] memory feeds,
        Freshness memory fresh,
        Plausibility memory bounds
    ) OracleInbox(fresh, bounds) FeedTable(feeds) {
        _requireContract(address(pyth_));
        pyth = pyth_;
    }

    /// @inheritdoc IPythAdapter
    function take(bytes32 marketId, bytes[] calldata updates) external payable {
        uint256 oldest = _oldest(_maxAgeSeconds, _requireSequencerUp());
        bytes32[] memory feedIds = new bytes32[](1);
        feedIds[0] = _feedIdOf(marketId);
        (IPyth.PriceFeed[] memory prices, uint256 fee) = _verified(updates, feedIds);
        _takePrice(marketId, feedIds[0], prices[0], oldest);
        _refundBeyond(fee);
    }

    /// @inheritdoc IPythAdapter
    function takeAll(bytes32[] calldata marketIds, bytes[] calldata updates) external payable {
        uint256 oldest = _oldest(_maxAgeSeconds, _requireSequencerUp());
        bytes32[] memory feedIds = new bytes32[](marketIds.length);
        for (uint256 i = 0; i < feedIds.length; ++i) feedIds[i] = _feedIdOf(marketIds[i]);
        (IPyth.PriceFeed[] memory prices, uint256 fee) = _verified(updates, feedIds);
        for (uint256 i = 0; i < feedIds.length; ++i) {
            // Somebody has carried it, or a later one: that must not stop the others.
            if (prices[i].price.publishTime <= _lastAsOf(marketIds[i])) continue;
            _takePrice(marketIds[i], feedIds[i], prices[i], oldest);
        }
        _refundBeyond(fee);
    }

    function _verified(
        bytes[] calldata updates,
        bytes32[] memory feedIds
    ) private returns (IPyth.PriceFeed[] memory prices, uint256 fee) {
        try pyth.getUpdateFee(updates) returns (uint256 asked) {
            fee = asked;
        } catch (bytes memory reason) {
            revert VerificationFailed(address(pyth), reason);
        }
        _requirePaid(fee);
        try pyth.parsePriceFeedUpdates{value: fee}(updates, feedIds, 0, type(uint64).max) returns (
            IPyth.PriceFeed[] memory found
        ) {
            prices = found;
        } catch (bytes memory reason) {
            revert VerificationFailed(address(pyth), reason);
        }
    }

    function _takePrice(
        bytes32 marketId,
        bytes32 feedId,
        IPyth.PriceFeed memory feed,
        uint256 oldest
    ) private {
        if (feed.id != feedId) revert WrongFeed(marketId, feed.id, feedId);
        IPyth.Price memory price = feed.price;
        uint256 decimals = _decimalsOf(marketId);
        int256 found = -int256(price.expo);
        if (found != int256(decimals)) revert DecimalsMismatch(marketId, found, int256(decimals));
        _take(
            marketId,
            Reading({price: price.price, confidence: price.conf, decimals: decimals, asOf: price.publishTime}),
            oldest
        );
    }
}
