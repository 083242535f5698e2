// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ObservationElement} from "../generated/Words.sol";
import {ClockSkew} from "./ClockSkew.sol";
import {IMedianFeed} from "./IMedianFeed.sol";
import {IObservationSource} from "./IObservationSource.sol";
import {IPriceScale} from "./IPriceScale.sol";
import {PlausibleInbox} from "./PlausibleInbox.sol";
import {PriceScale} from "./PriceScale.sol";

/// @title MedianFeed
/// @notice Observation source that takes the median of others: fewer than half of the fresh ones move it within what the
/// others say.
contract MedianFeed is IMedianFeed, PlausibleInbox {
    /// @notice Clocks of sources and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = ClockSkew.SECONDS;

    uint256 private constant MAX_SOURCES = 15;
    uint256 private constant MAX_AGE_SECONDS = 30 days;
    /// @dev What a source's answer may take: reads of a few slots. One that takes more has no fresh price.
    uint256 private constant ANSWER_GAS = 60_000;
    uint256 private constant ANSWER_BYTES = 128;

    /// @inheritdoc IMedianFeed
    uint256 public immutable leastSources;
    /// @inheritdoc IMedianFeed
    uint256 public immutable maxDeviationBps;
    /// @inheritdoc IMedianFeed
    address public immutable impliedSource;
    /// @inheritdoc IMedianFeed
    uint256 public immutable impliedMaxAgeSeconds;

    /// @dev One slot.
    struct Source {
        address account;
        uint32 maxAgeSeconds;
    }

    Source[] private _sources;

    /// @param sources_              strictly increasing
    /// @param maxAgesSeconds_       of a price, of each
    /// @param leastSources_         more than half of them
    /// @param maxDeviationBps_      of a price from the median
    /// @param impliedSource_        where implied volatilities come from alone; zero if from the sources
    /// @param impliedMaxAgeSeconds_ of an implied volatility from there
    /// @param bounds                what can be a market; the least spacing is about how often sources have a new price
    constructor(
        address[] memory sources_,
        uint256[] memory maxAgesSeconds_,
        uint256 leastSources_,
        uint256 maxDeviationBps_,
        address impliedSource_,
        uint256 impliedMaxAgeSeconds_,
        Plausibility memory bounds
    ) PlausibleInbox(bounds) {
        if (sources_.length == 0 || sources_.length > MAX_SOURCES) revert SourcesOutOfRange(sources_.length, MAX_SOURCES);
        for (uint256 i = 1; i < sources_.length; ++i) {
            if (sources_[i] <= sources_[i - 1]) revert SourcesNotIncreasing(sources_[i], sources_[i - 1]);
        }
        uint256 least = sources_.length / 2 + 1;
        if (leastSources_ < least || leastSources_ > sources_.length) {
            revert LeastSourcesOutOfRange(leastSources_, least, sources_.length);
        }
        if (maxAgesSeconds_.length != sources_.length) revert AgesMismatch(sources_.length, maxAgesSeconds_.length);
        for (uint256 i = 0; i < sources_.length; ++i) {
            uint256 age = maxAgesSeconds_[i];
            _requireBound(age, 1, MAX_AGE_SECONDS);
            _requireBound(bounds.leastSpacingSeconds, 1, age);
            _sources.push(Source({account: sources_[i], maxAgeSeconds: uint32(age)}));
        }
        _requireBound(maxDeviationBps_, 1, ONE_BPS - 1);
        bool hasImplied = impliedSource_ != address(0);
        _requireBound(impliedMaxAgeSeconds_, hasImplied ? 1 : 0, hasImplied ? MAX_AGE_SECONDS : 0);
        leastSources = leastSources_;
        maxDeviationBps = maxDeviationBps_;
        impliedSource = impliedSource_;
        impliedMaxAgeSeconds = impliedMaxAgeSeconds_;
    }

    /// @inheritdoc IMedianFeed
    function take(bytes32 marketId) external {
        ObservationElement[] memory fresh = _freshOf(marketId);
        if (fresh.length < leastSources) revert TooFewFresh(marketId, fresh.length, leastSources);
        uint256[] memory prices = new uint256[](fresh.length);
        uint256[] memory times = new uint256[](fresh.length);
        uint256[] memory volatilities = new uint256[](fresh.length);
        uint256 attested = 0;
        for (uint256 i = 0; i < fresh.length; ++i) {
            prices[i] = fresh[i].priceE8();
            times[i] = fresh[i].asOf();
            volatilities[i] = fresh[i].impliedVolatilityX16();
            if (volatilities[i] != 0) ++attested;
        }
        uint256 priceE8 = _medianDown(prices);
        _requireAgreement(marketId, prices, priceE8);
        uint256 asOf = _medianDown(times);
        // Later on the door tells scales apart, whose prices are a decimal place from each other.
        if (_lastAsOf(marketId) == 0) priceScale(marketId);
        uint256 earliest = _lastAsOf(marketId) + leastSpacingSeconds;
        if (asOf < earliest) revert ObservationTooSoon(asOf, earliest);
        uint256 implied = _impliedAlone(marketId);
        // Of all that are fresh, and not of those that attest one: of these, half may lie.
        if (impliedSource == address(0) && attested >= leastSources) implied = _medianDown(volatilities);
        _offer(marketId, Offer({priceE8: priceE8, asOf: asOf, impliedVolatilityX16: implied, rangeCode: 0}));
    }

    /// @inheritdoc IMedianFeed
    function sources() external view returns (address[] memory accounts) {
        accounts = new address[](_sources.length);
        for (uint256 i = 0; i < accounts.length; ++i) accounts[i] = _sources[i].account;
    }

    /// @inheritdoc IMedianFeed
    function maxAgesSeconds() external view returns (uint256[] memory ages) {
        ages = new uint256[](_sources.length);
        for (uint256 i = 0; i < ages.length; ++i) ages[i] = _sources[i].maxAgeSeconds;
    }

    /// @dev The implied volatility of the source that has nothing else to say; none if it is too old or from the future.
    function _impliedAlone(bytes32 marketId) private view returns (uint256) {
        if (impliedSource == address(0)) return 0;
        ObservationElement word = _latestOf(impliedSource, marketId);
        return _isFresh(word, impliedMaxAgeSeconds) ? word.impliedVolatilityX16() : 0;
    }

    function _isFresh(ObservationElement word, uint256 maxAgeSeconds) private view returns (bool) {
        uint256 asOf = word.asOf();
        return asOf >= block.timestamp - maxAgeSeconds && asOf <= block.timestamp + CLOCK_SKEW_SECONDS;
    }

    function _requireBound(uint256 bound, uint256 least, uint256 greatest) private pure {
        if (bound < least || bound > greatest) revert BoundOutOfRange(bound, least, greatest);
    }

    /// @inheritdoc IPriceScale
    /// @dev That of as many sources as have to agree, whatever the others say or fail to: these are more than half, so less gas makes it
    /// unknown and never another. Each may use its share of the gas that is left, so none uses up that of the others.
    function priceScale(bytes32 marketId) public view returns (int256 scale) {
        uint256 length = _sources.length;
        int256[] memory stated = new int256[](length);
        uint256 known = 0;
        for (uint256 i = 0; i < length; ++i) {
            bool isKnown;
            (isKnown, scale) = PriceScale.ask(_sources[i].account, marketId, gasleft() / (length - i + 1));
            if (!isKnown) continue;
            stated[known] = scale;
            ++known;
            uint256 alike = 0;
            for (uint256 j = 0; j < known; ++j) if (stated[j] == scale) ++alike;
            if (alike == leastSources) return scale;
        }
        revert NoCommonPriceScale(marketId, leastSources);
    }

    /// @dev Latest observations that are neither too old nor from the future; a source that fails has none.
    function _freshOf(bytes32 marketId) private view returns (ObservationElement[] memory fresh) {
        uint256 length = _sources.length;
        fresh = new ObservationElement[](length);
        uint256 found = 0;
        for (uint256 i = 0; i < length; ++i) {
            Source memory source = _sources[i];
            ObservationElement word = _latestOf(source.account, marketId);
            if (!_isFresh(word, source.maxAgeSeconds) || word.priceE8() == 0) continue;
            fresh[found] = word;
            ++found;
        }
        assembly ("memory-safe") {
            mstore(fresh, found)
        }
    }

    /// @dev The last word of a source; zero if it does not answer as a source does. Nothing it does makes this fail.
    function _latestOf(address source, bytes32 marketId) private view returns (ObservationElement word) {
        bytes memory call_ = abi.encodeCall(IObservationSource.latest, (marketId));
        assembly ("memory-safe") {
            let free := mload(0x40)
            let answered := staticcall(ANSWER_GAS, source, add(call_, 0x20), mload(call_), free, ANSWER_BYTES)
            if and(answered, gt(returndatasize(), sub(ANSWER_BYTES, 1))) {
                word := mload(add(free, 0x60))
            }
        }
    }

    function _requireAgreement(bytes32 marketId, uint256[] memory prices, uint256 median) private view {
        uint256 most = (median * maxDeviationBps) / ONE_BPS;
        uint256 agreeing = 0;
        for (uint256 i = 0; i < prices.length; ++i) {
            uint256 distance = prices[i] > median ? prices[i] - median : median - prices[i];
            if (distance <= most) ++agreeing;
        }
        if (agreeing < leastSources) revert TooFewAgree(marketId, agreeing, leastSources);
    }

    /// @dev Sorts them; of two middle ones the mean.
    function _medianDown(uint256[] memory values) private pure returns (uint256) {
        uint256 length = values.length;
        for (uint256 i = 1; i < length; ++i) {
            uint256 value = values[i];
            uint256 j = i;
            for (; j > 0 && values[j - 1] > value; --j) values[j] = values[j - 1];
            values[j] = value;
        }
        return (values[(length - 1) / 2] + values[length / 2]) / 2;
    }
}
