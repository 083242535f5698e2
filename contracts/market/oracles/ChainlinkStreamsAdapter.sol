// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {FeedTable} from "./FeedTable.sol";
import {IChainlinkStreamsAdapter} from "./IChainlinkStreamsAdapter.sol";
import {IStreamFees, IVerifierProxy} from "./IVerifierProxy.sol";
import {OracleInbox} from "./OracleInbox.sol";

/// @title ChainlinkStreamsAdapter
/// @notice Observation source that takes prices of Chainlink's Data Streams.
contract ChainlinkStreamsAdapter is IChainlinkStreamsAdapter, FeedTable {
    /// @dev Schema 3 of reports, whose numbers are in 1/10^decimals.
    struct Report {
        bytes32 feedId;
        uint32 validFrom;
        uint32 observedAt;
        uint192 nativeFee;
        uint192 linkFee;
        uint32 expiresAt;
        int192 price;
        int192 bid;
        int192 ask;
    }

    bytes2 private constant SCHEMA = 0x0003;
    uint256 private constant REPORT_BYTES = 288;
    /// @dev Three words of context, places of report and both parts of signatures, and how to recover them.
    uint256 private constant HEAD_BYTES = 224;
    /// @dev Half of secp256k1's order.
    uint256 private constant GREATEST_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @inheritdoc IChainlinkStreamsAdapter
    IVerifierProxy public immutable verifier;

    /// @param verifier_ Chainlink's verifier proxy of this chain
    /// @param feeds     of the markets
    /// @param fresh     when a price is one of now
    /// @param bounds    what can be a market
    constructor(
        IVerifierProxy verifier_,
        Feed[] memory feeds,
        Freshness memory fresh,
        Plausibility memory bounds
    ) OracleInbox(fresh, bounds) FeedTable(feeds) {
        _requireContract(address(verifier_));
        for (uint256 i = 0; i < feeds.length; ++i) {
            if (bytes2(feeds[i].feedId) != SCHEMA) revert NotSchema3(feeds[i].marketId, feeds[i].feedId);
        }
        verifier = verifier_;
    }

    /// @inheritdoc IChainlinkStreamsAdapter
    function take(bytes32 marketId, bytes calldata payload) external payable {
        uint256 oldest = _oldest(_maxAgeSeconds, _requireSequencerUp());
        bytes32 feedId = _feedIdOf(marketId);
        (bytes memory answer, uint256 fee) = _verified(payload);
        Report memory report = abi.decode(answer, (Report));
        if (report.feedId != feedId) revert WrongFeed(marketId, report.feedId, feedId);
        _requireValid(marketId, report);
        (int256 price, int256 bid, int256 ask) = (report.price, report.bid, report.ask);
        if (bid > price || price > ask) revert QuotesCrossed(marketId, bid, price, ask);
        int256 confidence = ask - price > price - bid ? ask - price : price - bid;
        _take(
            marketId,
            Reading({
                price: price,
                confidence: uint256(confidence),
                decimals: _decimalsOf(marketId),
                asOf: report.observedAt
            }),
            oldest
        );
        _refundBeyond(fee);
    }

    function _verified(bytes calldata payload) private returns (bytes memory answer, uint256 fee) {
        bytes memory report = _canonicalReport(payload);
        bytes memory parameters;
        (fee, parameters) = _feeOf(report);
        _requirePaid(fee);
        try verifier.verify{value: fee}(payload, parameters) returns (bytes memory found) {
            answer = found;
        } catch (bytes memory reason) {
            revert VerificationFailed(address(verifier), reason);
        }
        // What was verified is what was brought, or this is no verifier.
        if (keccak256(answer) != keccak256(report)) revert VerificationFailed(address(verifier), answer);
    }

    /// @dev What the verifier's own fee manager asks, in the chain's own coin.
    function _feeOf(bytes memory report) private returns (uint256 fee, bytes memory parameters) {
        IStreamFees fees = verifier.s_feeManager();
        if (address(fees) == address(0)) return (0, "");
        address native = fees.i_nativeAddress();
        parameters = abi.encode(native);
        // slither-disable-next-line unused-return
        try fees.getFeeAndReward(address(this), report, native) returns (
            IStreamFees.Asset memory asked,
            IStreamFees.Asset memory,
            uint256
        ) {
            fee = asked.amount;
        } catch (bytes memory reason) {
            revert VerificationFailed(address(fees), reason);
        }
    }

    /// @dev The report in a payload whose encoding has no freedom: nothing between, behind or beside what is signed.
    function _canonicalReport(bytes calldata payload) private pure returns (bytes memory) {
        uint256 length = _wordAt(payload, HEAD_BYTES);
        if (length != REPORT_BYTES) revert ReportLengthMismatch(length, REPORT_BYTES);
        uint256 rs = HEAD_BYTES + 32 + REPORT_BYTES;
        // More would not fit the word that says how to recover them.
        uint256 signatures = _wordAt(payload, rs);
        if (signatures > 31) revert PayloadNotCanonical(payload.length, rs + 32 + 31 * 32);
        uint256 ss = rs + 32 + signatures * 32;
        uint256 end = ss + 32 + signatures * 32;
        bool isPlaced = _wordAt(payload, 96) == HEAD_BYTES && _wordAt(payload, 128) == rs && _wordAt(payload, 160) == ss;
        if (payload.length != end || !isPlaced || _wordAt(payload, ss) != signatures) {
            revert PayloadNotCanonical(payload.length, end);
        }
        uint256 recoveries = _wordAt(payload, 192);
        if (recoveries << (8 * signatures) != 0) revert SpareSignatures(bytes32(recoveries), signatures);
        for (uint256 offset = ss + 32; offset < end; offset += 32) {
            uint256 s = _wordAt(payload, offset);
            if (s > GREATEST_S) revert SignatureNotLow(s, GREATEST_S);
        }
        return payload[HEAD_BYTES + 32:rs];
    }

    function _wordAt(bytes calldata payload, uint256 offset) private pure returns (uint256) {
        if (payload.length < offset + 32) revert PayloadNotCanonical(payload.length, offset + 32);
        return uint256(bytes32(payload[offset:offset + 32]));
    }

    function _requireValid(bytes32 marketId, Report memory report) private view {
        uint256 newest = block.timestamp + CLOCK_SKEW_SECONDS;
        if (report.validFrom > newest) revert ReportNotYetValid(marketId, report.validFrom, newest);
        if (report.expiresAt < block.timestamp) revert ReportExpired(marketId, report.expiresAt, block.timestamp);
    }
}
