// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ClockSkew} from "../ClockSkew.sol";
import {PlausibleInbox} from "../PlausibleInbox.sol";
import {IAggregatorV3} from "./IAggregatorV3.sol";
import {IOracleInbox} from "./IOracleInbox.sol";
import {PriceScale} from "./PriceScale.sol";

/// @title OracleInbox
/// @notice What every source that reads an oracle checks before its door.
abstract contract OracleInbox is IOracleInbox, PlausibleInbox {
    /// @dev What an oracle says of a market.
    struct Reading {
        int256 price;
        uint256 confidence;
        uint256 decimals;
        uint256 asOf;
    }

    /// @notice Clocks of oracle and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = ClockSkew.SECONDS;

    uint256 internal constant MOST_AGE_SECONDS = 30 days;
    uint256 private constant MOST_MARKETS = 256;
    uint256 private constant MOST_GRACE_SECONDS = 1 days;
    uint256 private constant MOST_PRICE_E8 = type(uint48).max;
    /// @dev Below, a step is more than a thousandth of the price, and would be taken for a move.
    uint256 private constant LEAST_STEPS = 1000;

    uint256 internal immutable _maxAgeSeconds;
    uint256 private immutable _maxConfidenceBps;
    IAggregatorV3 private immutable _uptimeFeed;
    uint256 private immutable _graceSeconds;

    constructor(Freshness memory fresh, Plausibility memory bounds) PlausibleInbox(bounds) {
        _requireWithin("maxAgeSeconds", fresh.maxAgeSeconds, 1, MOST_AGE_SECONDS);
        _requireWithin("maxConfidenceBps", fresh.maxConfidenceBps, 0, ONE_BPS);
        bool hasSequencer = fresh.uptimeFeed != address(0);
        if (hasSequencer) _requireContract(fresh.uptimeFeed);
        _requireWithin("graceSeconds", fresh.graceSeconds, 0, hasSequencer ? MOST_GRACE_SECONDS : 0);
        _maxAgeSeconds = fresh.maxAgeSeconds;
        _maxConfidenceBps = fresh.maxConfidenceBps;
        _uptimeFeed = IAggregatorV3(fresh.uptimeFeed);
        _graceSeconds = fresh.graceSeconds;
    }

    /// @inheritdoc IOracleInbox
    function freshness() external view returns (Freshness memory) {
        return
            Freshness({
                maxAgeSeconds: _maxAgeSeconds,
                maxConfidenceBps: _maxConfidenceBps,
                uptimeFeed: address(_uptimeFeed),
                graceSeconds: _graceSeconds
            });
    }

    /// @dev Nothing is taken while the sequencer is down, nor until those that it kept out had time to act. What is of before it came
    /// up is never taken: a pushed price stood still meanwhile. Answers when it came up, or zero where there is none.
    function _requireSequencerUp() internal view returns (uint256 upSince) {
        if (address(_uptimeFeed) == address(0)) return 0;
        // slither-disable-next-line unused-return
        try _uptimeFeed.latestRoundData() returns (uint80, int256 status, uint256 since, uint256, uint80) {
            if (status != 0 || since == 0) revert SequencerDown(status, since);
            uint256 until = since + _graceSeconds;
            if (block.timestamp <= until) revert SequencerJustUp(since, until);
            return since;
        } catch (bytes memory reason) {
            revert VerificationFailed(address(_uptimeFeed), reason);
        }
    }

    /// @dev Brings to the door what is a price of now, from `oldest` on; everything else is refused by name.
    function _take(bytes32 marketId, Reading memory reading, uint256 oldest) internal {
        _requireTimely(marketId, reading.asOf, oldest);
        if (reading.price <= 0) revert PriceNotPositive(marketId, reading.price);
        uint256 price = uint256(reading.price);
        // Prices are below 2^191 in every oracle's own type, so no product overflows.
        uint256 most = (price * _maxConfidenceBps) / ONE_BPS;
        if (reading.confidence > most) revert ConfidenceTooWide(marketId, reading.confidence, most);
        uint256 priceE8 = PriceScale.toE8Down(price, reading.decimals);
        if (priceE8 == 0 || priceE8 > MOST_PRICE_E8) revert PriceOutOfRange(marketId, priceE8, 1, MOST_PRICE_E8);
        if (priceE8 < LEAST_STEPS) revert PriceTooCoarse(marketId, priceE8, LEAST_STEPS);
        _offer(marketId, Offer({priceE8: priceE8, asOf: reading.asOf, impliedVolatilityX16: 0, rangeCode: 0}));
    }

    /// @dev The time before which a price is none of now: by its age, or by when the sequencer came up.
    function _oldest(uint256 maxAgeSeconds, uint256 upSince) internal view returns (uint256) {
        uint256 oldest = block.timestamp - maxAgeSeconds;
        return oldest < upSince ? upSince : oldest;
    }

    function _requireTimely(bytes32 marketId, uint256 asOf, uint256 oldest) private view {
        if (asOf < oldest) revert ObservationStale(marketId, asOf, oldest);
        uint256 newest = block.timestamp + CLOCK_SKEW_SECONDS;
        if (asOf > newest) revert ObservationInFuture(marketId, asOf, newest);
        uint256 last = _lastAsOf(marketId);
        if (asOf <= last) revert ObservationNotLater(marketId, asOf, last);
    }

    /// @dev What was paid beyond the fee goes back to who paid; nothing else is ever sent.
    function _refundBeyond(uint256 fee) internal {
        uint256 rest = msg.value - fee;
        if (rest == 0) return;
        (bool taken, ) = msg.sender.call{value: rest}("");
        if (!taken) revert RefundFailed(msg.sender, rest);
    }

    function _requirePaid(uint256 fee) internal view {
        if (msg.value < fee) revert FeeTooLow(msg.value, fee);
    }

    function _requireMarkets(uint256 markets) internal pure {
        if (markets == 0 || markets > MOST_MARKETS) revert MarketsOutOfRange(markets, MOST_MARKETS);
    }

    function _requireContract(address account) internal view {
        if (account.code.length == 0) revert NoContract(account);
    }

    function _requireDecimals(uint256 decimals) internal pure {
        _requireWithin("decimals", decimals, 0, PriceScale.MOST_DECIMALS);
    }

    function _requireWithin(string memory field, uint256 value, uint256 least, uint256 greatest) internal pure {
        if (value < least || value > greatest) revert BoundOutOfRange(field, value, least, greatest);
    }
}
