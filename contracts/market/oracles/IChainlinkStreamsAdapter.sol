// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IFeedTable} from "./IFeedTable.sol";
import {IVerifierProxy} from "./IVerifierProxy.sol";

/// @title IChainlinkStreamsAdapter
/// @notice Observations from Chainlink's Data Streams: anyone carries signed reports of schema 3; Chainlink's contract verifies them.
/// @dev The confidence of a price is the greater of its distances from bid and ask. The schema does not say decimals: those of a
/// stream are Chainlink's documentation of it, 18 for nearly all, and the door refuses a price that is ten times another.
/// No byte of a report can be another: none is of no account to its signatures.
interface IChainlinkStreamsAdapter is IFeedTable {
    /// @notice A stream's name does not begin with the schema of prices with bid and ask.
    error NotSchema3(bytes32 marketId, bytes32 feedId);
    /// @notice A payload is not a context, a report and signatures one after the other, as their encoder places them.
    error PayloadNotCanonical(uint256 length, uint256 expected);
    /// @notice A payload says how to recover signatures that it does not have.
    error SpareSignatures(bytes32 recoveries, uint256 signatures);
    /// @notice A signature is the other one of two that say the same.
    error SignatureNotLow(uint256 s, uint256 greatest);
    /// @notice The report is longer or shorter than schema 3 has it.
    error ReportLengthMismatch(uint256 length, uint256 expected);
    /// @notice The report is not valid yet.
    error ReportNotYetValid(bytes32 marketId, uint256 validFrom, uint256 newest);
    /// @notice The report is valid no longer.
    error ReportExpired(bytes32 marketId, uint256 expiresAt, uint256 timestamp);
    /// @notice The price is not between bid and ask.
    error QuotesCrossed(bytes32 marketId, int256 bid, int256 price, int256 ask);

    /// @notice Takes a market's price from a signed report, at its observations' time. A fee is paid in the chain's own coin; what is
    /// paid beyond it comes back.
    /// @custom:reverts SequencerDown, SequencerJustUp, UnknownMarket
    /// @custom:reverts PayloadNotCanonical, ReportLengthMismatch, SpareSignatures, SignatureNotLow for the payload
    /// @custom:reverts FeeTooLow; VerificationFailed if Chainlink refuses
    /// @custom:reverts WrongFeed, ReportNotYetValid, ReportExpired, QuotesCrossed for the report
    /// @custom:reverts ObservationStale, ObservationInFuture, ObservationNotLater, PriceNotPositive, ConfidenceTooWide,
    /// PriceOutOfRange for the price
    function take(bytes32 marketId, bytes calldata payload) external payable;

    /// @notice The contract that verifies reports.
    function verifier() external view returns (IVerifierProxy);
}
