// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IOracleInbox} from "./IOracleInbox.sol";

/// @title IFeedTable
/// @notice Which feed of an oracle is a market's, where an oracle names its feeds by 32 bytes; fixed for ever.
interface IFeedTable is IOracleInbox {
    /// @notice A market's feed.
    /// @param marketId market, as the registry knows it
    /// @param feedId   the oracle's name for it
    /// @param decimals of its prices, at most 18
    struct Feed {
        bytes32 marketId;
        bytes32 feedId;
        uint256 decimals;
    }

    /// @notice A feed has no name.
    error FeedIdEmpty(bytes32 marketId);
    /// @notice The oracle answered for another feed than the market's.
    error WrongFeed(bytes32 marketId, bytes32 feedId, bytes32 expected);

    /// @notice The feed of a market; zeros if it has none.
    function feedOf(bytes32 marketId) external view returns (bytes32 feedId, uint256 decimals);
}
