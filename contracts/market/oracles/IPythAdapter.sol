// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IFeedTable} from "./IFeedTable.sol";
import {IPyth} from "./IPyth.sol";

/// @title IPythAdapter
/// @notice Observations from Pyth: anyone carries updates as Pyth's price service gives them; Pyth's contract verifies them.
interface IPythAdapter is IFeedTable {
    /// @notice Takes a market's price from updates, at its publish time. What is paid beyond Pyth's fee comes back.
    /// @custom:reverts SequencerDown, SequencerJustUp, UnknownMarket
    /// @custom:reverts FeeTooLow; VerificationFailed if Pyth refuses, or if the updates do not have the market's feed
    /// @custom:reverts DecimalsMismatch, ObservationStale, ObservationInFuture, ObservationNotLater, PriceNotPositive,
    /// ConfidenceTooWide, PriceOutOfRange for the price
    function take(bytes32 marketId, bytes[] calldata updates) external payable;

    /// @notice Takes prices of several markets from updates. One that is not later than its market's last is passed over; for the
    /// rest it reverts as {take} does, for all if for one.
    function takeAll(bytes32[] calldata marketIds, bytes[] calldata updates) external payable;

    /// @notice The contract that verifies updates.
    function pyth() external view returns (IPyth);
}
