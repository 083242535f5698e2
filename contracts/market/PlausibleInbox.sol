// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ObservationElement, packObservation} from "../generated/Words.sol";
import {IPlausibleInbox} from "./IPlausibleInbox.sol";
import {ObservationInbox} from "./ObservationInbox.sol";

/// @title PlausibleInbox
/// @notice The door between a source and its inbox. What is near the last observation passes on the slot that is read anyway;
/// slots of their own are touched only for what is not.
abstract contract PlausibleInbox is IPlausibleInbox, ObservationInbox {
    /// @dev What a source brings, before it is known to fit a word.
    struct Offer {
        uint256 priceE8;
        uint256 asOf;
        uint256 impliedVolatilityX16;
        uint256 rangeCode;
    }

    /// @dev A jump that waits. `afterAsOf` is the time of the last observation when it was held: it is forgotten with the next.
    struct HeldPrice {
        uint48 priceE8;
        uint32 asOf;
        uint32 afterAsOf;
        uint32 countedAt;
        uint8 confirmations;
    }

    /// @dev Where the last word has no implied volatility: the last accepted one, and one that waits.
    struct HeldImplied {
        uint32 acceptedX16;
        uint32 waitingX16;
        uint32 asOf;
        uint32 countedAt;
        uint8 confirmations;
    }

    uint256 internal constant ONE_BPS = 10_000;
    uint256 private constant MOST_PRICE_E8 = type(uint48).max;
    uint256 private constant MOST_SPACING_SECONDS = 1 hours;
    uint256 private constant MOST_WINDOW_SECONDS = 30 days;
    uint256 private constant MOST_CONFIRMATIONS = 10;

    /// @dev One observation alone never moves a price by twice.
    uint256 private constant MOST_JUMP_BPS = 19_999;
    /// @dev A decimal place never passes.
    uint256 private constant MOST_FACTOR_BPS = 99_999;
    uint256 private constant MOST_IMPLIED_JUMP_BPS = 20_000;
    /// @dev 50 %, which quiet markets have, to 800 %, half of what the word holds.
    uint256 private constant LEAST_CEILING_X16 = 1 << 15;
    uint256 private constant MOST_CEILING_X16 = 1 << 19;
    uint256 private constant MOST_RANGE_CODE = 4095;

    /// @inheritdoc IPlausibleInbox
    uint256 public immutable leastSpacingSeconds;
    uint256 private immutable _jumpBps;
    uint256 private immutable _greatestFactorBps;
    uint256 private immutable _agreementBps;
    uint256 private immutable _confirmations;
    uint256 private immutable _windowSeconds;
    uint256 private immutable _greatestImpliedX16;
    uint256 private immutable _impliedJumpBps;
    uint256 private immutable _greatestRangeCode;

    mapping(bytes32 marketId => HeldPrice) private _heldPrice;
    mapping(bytes32 marketId => HeldImplied) private _heldImplied;

    constructor(Plausibility memory bounds) {
        _requireBetween("leastSpacingSeconds", bounds.leastSpacingSeconds, 1, MOST_SPACING_SECONDS);
        _requireBetween("jumpBps", bounds.jumpBps, ONE_BPS + 1, MOST_JUMP_BPS);
        _requireBetween("greatestFactorBps", bounds.greatestFactorBps, bounds.jumpBps + 1, MOST_FACTOR_BPS);
        _requireBetween("agreementBps", bounds.agreementBps, ONE_BPS + 1, bounds.jumpBps);
        _requireBetween("confirmations", bounds.confirmations, 1, MOST_CONFIRMATIONS);
        _requireBetween("windowSeconds", bounds.windowSeconds, bounds.leastSpacingSeconds, MOST_WINDOW_SECONDS);
        _requireBetween("greatestImpliedX16", bounds.greatestImpliedX16, LEAST_CEILING_X16, MOST_CEILING_X16);
        _requireBetween("impliedJumpBps", bounds.impliedJumpBps, ONE_BPS + 1, MOST_IMPLIED_JUMP_BPS);
        _requireBetween("greatestRangeCode", bounds.greatestRangeCode, 1, MOST_RANGE_CODE);
        leastSpacingSeconds = bounds.leastSpacingSeconds;
        _jumpBps = bounds.jumpBps;
        _greatestFactorBps = bounds.greatestFactorBps;
        _agreementBps = bounds.agreementBps;
        _confirmations = bounds.confirmations;
        _windowSeconds = bounds.windowSeconds;
        _greatestImpliedX16 = bounds.greatestImpliedX16;
        _impliedJumpBps = bounds.impliedJumpBps;
        _greatestRangeCode = bounds.greatestRangeCode;
    }

    /// @inheritdoc IPlausibleInbox
    function plausibility() external view returns (Plausibility memory) {
        return
            Plausibility({
                leastSpacingSeconds: leastSpacingSeconds,
                jumpBps: _jumpBps,
                greatestFactorBps: _greatestFactorBps,
                agreementBps: _agreementBps,
                confirmations: _confirmations,
                windowSeconds: _windowSeconds,
                greatestImpliedX16: _greatestImpliedX16,
                impliedJumpBps: _impliedJumpBps,
                greatestRangeCode: _greatestRangeCode
            });
    }

    /// @inheritdoc IPlausibleInbox
    function heldPrice(
        bytes32 marketId
    ) external view returns (uint256 priceE8, uint256 asOf, uint256 confirmations) {
        HeldPrice memory held = _heldPrice[marketId];
        if (held.asOf == 0 || held.afterAsOf != _lastAsOf(marketId)) return (0, 0, 0);
        return (held.priceE8, held.asOf, held.confirmations);
    }

    /// @dev Appends, holds or refuses what the source stands for; it is later than the last one.
    function _offer(bytes32 marketId, Offer memory offer) internal {
        if (offer.priceE8 == 0 || offer.priceE8 > MOST_PRICE_E8) {
            _refuse(marketId, offer.asOf, offer.priceE8, Refusal.NoPrice);
            return;
        }
        ObservationElement last = _last(marketId);
        // A market is added after the council has seen its first observation: there is nothing to compare that one with.
        bool isFirst = last.asOf() == 0;
        if (!isFirst && !_mayFollow(marketId, offer, last)) return;
        (uint256 given, uint256 range) = (offer.impliedVolatilityX16, offer.rangeCode);
        uint256 implied = _impliedToKeep(marketId, offer, last.impliedVolatilityX16(), isFirst);
        if (range > _greatestRangeCode) offer.rangeCode = 0;
        if (implied != given || offer.rangeCode != range) {
            emit AttestedLeftOut(marketId, offer.asOf, given - implied, range - offer.rangeCode);
        }
        _append(
            marketId,
            packObservation({
                priceE8: offer.priceE8,
                asOf: offer.asOf,
                impliedVolatilityX16: implied,
                rangeCode: offer.rangeCode
            })
        );
    }

    function _refuse(bytes32 marketId, uint256 asOf, uint256 priceE8, Refusal reason) internal {
        emit ObservationRefused(marketId, asOf, priceE8, reason);
    }

    function _mayFollow(bytes32 marketId, Offer memory offer, ObservationElement last) private returns (bool) {
        uint256 lastPriceE8 = last.priceE8();
        uint256 lastAsOf = last.asOf();
        if (offer.asOf < lastAsOf + leastSpacingSeconds) {
            _refuse(marketId, offer.asOf, offer.priceE8, Refusal.TooSoon);
            return false;
        }
        if (_isWithin(offer.priceE8, lastPriceE8, _jumpBps)) return true;
        if (!_isWithin(offer.priceE8, lastPriceE8, _greatestFactorBps)) {
            _refuse(marketId, offer.asOf, offer.priceE8, Refusal.BeyondFactor);
            return false;
        }
        return _isConfirmed(marketId, offer, lastPriceE8, lastAsOf);
    }

    /// @dev Whether a jump is the last of as many alike as it takes; else it is held.
    function _isConfirmed(
        bytes32 marketId,
        Offer memory offer,
        uint256 lastPriceE8,
        uint256 lastAsOf
    ) private returns (bool) {
        HeldPrice memory held = _heldPrice[marketId];
        bool isAlike = false;
        if (held.afterAsOf == lastAsOf) {
            if (offer.asOf < held.asOf + leastSpacingSeconds) {
                _refuse(marketId, offer.asOf, offer.priceE8, Refusal.TooSoon);
                return false;
            }
            isAlike =
                offer.asOf <= held.asOf + _windowSeconds &&
                _isWithin(offer.priceE8, held.priceE8, _agreementBps);
        }
        (held.confirmations, held.countedAt) = _count(isAlike, held.confirmations, held.countedAt);
        if (held.confirmations == _confirmations) return true;
        // No narrowing loses a bit: a price that no word holds was refused, and times are at most the skew ahead of the chain's.
        (held.priceE8, held.asOf, held.afterAsOf) = (uint48(offer.priceE8), uint32(offer.asOf), uint32(lastAsOf));
        _heldPrice[marketId] = held;
        emit ObservationHeld(marketId, offer.asOf, offer.priceE8, lastPriceE8, held.confirmations);
        return false;
    }

    /// @dev Confirmations with one more observation, and when the last of them was carried. What is carried sooner than the
    /// least spacing after that, by the chain's clock, is held and does not count: else who carries three old attestations at
    /// once would leave nobody the time to carry one that contradicts them.
    function _count(bool isAlike, uint8 confirmations, uint32 countedAt) private view returns (uint8, uint32) {
        if (!isAlike) return (0, uint32(block.timestamp));
        if (block.timestamp < countedAt + leastSpacingSeconds) return (confirmations, countedAt);
        return (confirmations + 1, uint32(block.timestamp));
    }

    /// @dev The implied volatility that the observation is appended with: its own, or none. The price goes on without: it is what
    /// margins must follow, while an implied volatility may only raise what prices say. Left out, it becomes what later ones may
    /// confirm; the last accepted one stays what they are compared with.
    function _impliedToKeep(
        bytes32 marketId,
        Offer memory offer,
        uint256 lastX16,
        bool isFirst
    ) private returns (uint256) {
        uint256 given = offer.impliedVolatilityX16;
        bool isAbsurd = given > _greatestImpliedX16;
        if (isFirst) return isAbsurd ? 0 : given;
        if (given == 0 || isAbsurd) {
            // Kept as what the next one is compared with, since the word says none.
            if (lastX16 != 0) _heldImplied[marketId] = HeldImplied(uint32(lastX16), 0, 0, 0, 0);
            return 0;
        }
        HeldImplied memory held;
        if (lastX16 != 0) held.acceptedX16 = uint32(lastX16);
        else held = _heldImplied[marketId];
        if (_isWithin(given, held.acceptedX16, _impliedJumpBps)) return given;
        bool isAlike = offer.asOf <= held.asOf + _windowSeconds && _isWithin(given, held.waitingX16, _agreementBps);
        (held.confirmations, held.countedAt) = _count(isAlike, held.confirmations, held.countedAt);
        if (held.confirmations == _confirmations) return given;
        (held.waitingX16, held.asOf) = (uint32(given), uint32(offer.asOf));
        _heldImplied[marketId] = held;
        return 0;
    }

    /// @dev value / ratio <= other <= value · ratio; never of zero. Products stay below 2^48 · 2^17.
    function _isWithin(uint256 value, uint256 other, uint256 ratioBps) private pure returns (bool) {
        return value * ONE_BPS <= other * ratioBps && other * ONE_BPS <= value * ratioBps;
    }

    function _requireBetween(string memory field, uint256 value, uint256 least, uint256 greatest) private pure {
        if (value < least || value > greatest) revert PlausibilityOutOfRange(field, value, least, greatest);
    }
}
