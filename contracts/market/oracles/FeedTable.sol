// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IFeedTable} from "./IFeedTable.sol";
import {OracleInbox} from "./OracleInbox.sol";

/// @title FeedTable
/// @notice The feeds of a source whose oracle names them by 32 bytes.
abstract contract FeedTable is IFeedTable, OracleInbox {
    struct Entry {
        bytes32 feedId;
        uint256 decimals;
    }

    mapping(bytes32 marketId => Entry) private _entries;

    constructor(Feed[] memory feeds) {
        _requireMarkets(feeds.length);
        for (uint256 i = 0; i < feeds.length; ++i) {
            Feed memory feed = feeds[i];
            if (_entries[feed.marketId].feedId != 0) revert MarketListedTwice(feed.marketId);
            if (feed.feedId == 0) revert FeedIdEmpty(feed.marketId);
            _requireDecimals(feed.decimals);
            _entries[feed.marketId] = Entry({feedId: feed.feedId, decimals: feed.decimals});
        }
    }

    /// @inheritdoc IFeedTable
    function feedOf(bytes32 marketId) external view returns (bytes32 feedId, uint256 decimals) {
        return (_entries[marketId].feedId, _entries[marketId].decimals);
    }

    function _feedIdOf(bytes32 marketId) internal view returns (bytes32 feedId) {
        feedId = _entries[marketId].feedId;
        if (feedId == 0) revert UnknownMarket(marketId);
    }

    function _decimalsOf(bytes32 marketId) internal view returns (uint256) {
        return _entries[marketId].decimals;
    }
}
