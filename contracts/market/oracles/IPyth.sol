// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IPyth
/// @notice What is asked of Pyth's contract. As `IPyth` and `PythStructs` of pythnetwork/pyth-sdk-solidity 4.3.1 (Apache-2.0) have
/// it.
interface IPyth {
    /// @notice price ± conf, times 10^expo.
    struct Price {
        int64 price;
        uint64 conf;
        int32 expo;
        uint256 publishTime;
    }

    /// @notice A feed's price, and its moving average.
    struct PriceFeed {
        bytes32 id;
        Price price;
        Price emaPrice;
    }

    /// @notice What {parsePriceFeedUpdates} takes for these updates, in wei.
    function getUpdateFee(bytes[] calldata updateData) external view returns (uint256 feeAmount);

    /// @notice Verifies updates and gives the prices of some feeds in them, in the order asked for; stores nothing. It reverts if a
    /// feed is not in them with a time from `minPublishTime` to `maxPublishTime`.
    function parsePriceFeedUpdates(
        bytes[] calldata updateData,
        bytes32[] calldata priceIds,
        uint64 minPublishTime,
        uint64 maxPublishTime
    ) external payable returns (PriceFeed[] memory priceFeeds);
}
