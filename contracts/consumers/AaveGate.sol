// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IRiskParameters} from "../registry/IRiskParameters.sol";
import {AaveAccounts} from "./AaveAccounts.sol";
import {AaveReserves} from "./AaveReserves.sol";
import {IAaveGate} from "./IAaveGate.sol";
import {IAavePool} from "./IAavePool.sol";
import {ProvenCollateral} from "./ProvenCollateral.sol";

/// @title AaveGate
/// @notice Moves what assets of an Aave v3 market are worth as collateral to what was proven.
contract AaveGate is AaveAccounts, AccessManaged {
    using ProvenCollateral for ProvenCollateral.Collateral;
    using SafeCast for uint256;

    /// @dev Of an asset that moves.
    struct Bound {
        bytes32 marketId;
        Rules rules;
        Announcement announced;
        Window window;
    }

    /// @dev A fraction of a way, at most 1.
    struct Fraction {
        uint256 numerator;
        uint256 denominator;
    }

    /// @notice Where parameters come from.
    IRiskParameters public immutable registry;

    mapping(address asset => Bound) private _bounds;

    /// @param authority AccessManager that knows who may bind assets and set rules
    /// @param registry_ where parameters come from
    /// @param pool_     of an Aave v3 market, which makes this contract a risk admin
    constructor(address authority, IRiskParameters registry_, IAavePool pool_) AaveReserves(pool_) AccessManaged(authority) {
        registry = registry_;
    }

    /// @inheritdoc IAaveGate
    function bindAsset(address asset, bytes32 marketId, Rules calldata rules) external restricted {
        Bound storage bound = _bounds[asset];
        if (bound.marketId != 0) revert AssetBoundAlready(asset, bound.marketId);
        _reserve(asset);
        ProvenCollateral.held(registry, marketId);
        _requireRules(rules);
        bound.marketId = marketId;
        bound.rules = rules;
        emit AssetBound(asset, marketId, rules);
    }

    /// @inheritdoc IAaveGate
    function setRules(address asset, Rules calldata rules) external restricted {
        Bound storage bound = _bound(asset);
        _requireRules(rules);
        bound.rules = rules;
        emit AssetBound(asset, bound.marketId, rules);
    }

    /// @inheritdoc IAaveGate
    function releaseAsset(address asset) external restricted {
        emit AssetReleased(asset, _bound(asset).marketId);
        delete _bounds[asset];
    }

    /// @inheritdoc IAaveGate
    function announce(address asset) external {
        Bound storage bound = _bound(asset);
        (Reserve memory reserve, ProvenCollateral.Collateral memory held, uint256 sequence) = _look(asset, bound);
        if (held.isSame(reserve.current)) revert NothingToMove(asset);
        Announcement memory pending = bound.announced;
        if (block.timestamp <= pending.until && _mayStillMove(reserve.current, pending, held))
            revert AnnouncementPending(asset, pending.from, pending.until);

        uint256 from = block.timestamp + bound.rules.delaySeconds;
        uint256 until = from + bound.rules.validSeconds;
        bound.announced = Announcement(
            held.loanToValueBps.toUint16(),
            held.thresholdBps.toUint16(),
            held.bonusBps.toUint16(),
            from.toUint40(),
            until.toUint40()
        );
        emit Announced(asset, sequence, held, from, until);
    }

    /// @inheritdoc IAaveGate
    function applyAnnounced(address asset, address[] calldata accounts) external {
        Bound storage bound = _bound(asset);
        Announcement memory announced = bound.announced;
        if (block.timestamp > announced.until) revert NothingAnnounced(asset, announced.until);
        if (block.timestamp < announced.from) revert DelayNotOver(asset, block.timestamp, announced.from);

        (Reserve memory reserve, ProvenCollateral.Collateral memory held, ) = _look(asset, bound);
        ProvenCollateral.Collateral memory current = reserve.current;
        (ProvenCollateral.Collateral memory target, bool isAhead) = _target(current, announced, held);
        if (!isAhead)
            revert AnnouncementOutdated(asset, held.thresholdBps, announced.thresholdBps, current.thresholdBps);
        if (target.isSame(current)) revert NothingToMove(asset);
        Window memory window = _runningWindow(bound);
        ProvenCollateral.Collateral memory next = _step(current, target, bound.rules, window);
        if (next.isSame(current)) revert StepsTaken(asset, window.since + bound.rules.windowSeconds);

        ProvenCollateral.requireJoint(next);
        _requireBelowCategory(asset, reserve, next);
        uint256 liquidatable = _move(asset, reserve, next, accounts, bound.rules, window);
        bound.window = window;
        emit CollateralMoved(asset, current, next, liquidatable);
    }

    /// @inheritdoc IAaveGate
    function lowerLoanToValue(address asset) external {
        (Reserve memory reserve, ProvenCollateral.Collateral memory held, ) = _look(asset, _bound(asset));
        ProvenCollateral.Collateral memory current = reserve.current;
        if (held.loanToValueBps >= current.loanToValueBps) revert NothingToMove(asset);
        ProvenCollateral.Collateral memory next = ProvenCollateral.Collateral(
            held.loanToValueBps,
            current.thresholdBps,
            current.bonusBps
        );
        emit CollateralMoved(asset, current, next, 0);
        // Below the threshold it stays; threshold with bonus is the pool's own, which Aave may have rounded.
        _configure(asset, next);
    }

    /// @inheritdoc IAaveGate
    function marketOf(address asset) external view returns (bytes32) {
        return _bound(asset).marketId;
    }

    /// @inheritdoc IAaveGate
    function rulesOf(address asset) external view returns (Rules memory) {
        return _bound(asset).rules;
    }

    /// @inheritdoc IAaveGate
    function announcementOf(address asset) external view returns (Announcement memory) {
        return _bound(asset).announced;
    }

    /// @inheritdoc IAaveGate
    function windowOf(address asset) external view returns (Window memory) {
        return _runningWindow(_bound(asset));
    }

    /// @inheritdoc IAaveGate
    function standingOf(
        address asset
    ) external view returns (ProvenCollateral.Collateral memory current, ProvenCollateral.Collateral memory held) {
        Reserve memory reserve;
        (reserve, held, ) = _look(asset, _bound(asset));
        current = reserve.current;
    }

    /// @dev Configures, and counts whom that makes liquidatable if the threshold falls.
    function _move(
        address asset,
        Reserve memory reserve,
        ProvenCollateral.Collateral memory next,
        address[] calldata accounts,
        Rules memory rules,
        Window memory window
    ) private returns (uint256 liquidatable) {
        if (next.thresholdBps >= reserve.current.thresholdBps) {
            _configure(asset, next);
            return 0;
        }
        bool[] memory healthy = _healthy(asset, reserve.aToken, accounts, rules);
        _configure(asset, next);
        liquidatable = _countLiquidatable(accounts, healthy);
        uint256 left = _left(rules.mostLiquidatable, window.liquidatable);
        if (liquidatable > left) revert TooManyLiquidatable(asset, liquidatable, left);
        window.liquidatable += liquidatable.toUint16();
    }

    function _bound(address asset) private view returns (Bound storage bound) {
        bound = _bounds[asset];
        if (bound.marketId == 0) revert AssetNotBound(asset);
    }

    /// @dev The two sides of a move, each of which must be fit for one.
    function _look(
        address asset,
        Bound storage bound
    ) private view returns (Reserve memory reserve, ProvenCollateral.Collateral memory held, uint256 sequence) {
        IRiskParameters.Parameters memory proven;
        (held, proven) = ProvenCollateral.held(registry, bound.marketId);
        sequence = proven.sequence;
        reserve = _reserve(asset);
        _requireRiskAdmin();
    }

    /// @dev A window begins with the first move after the last one ended.
    function _runningWindow(Bound storage bound) private view returns (Window memory window) {
        window = bound.window;
        if (block.timestamp >= window.since + bound.rules.windowSeconds) {
            delete window;
            window.since = block.timestamp.toUint40();
        }
    }

    /// @dev Whether applying the announcement, now or later, would move anything.
    function _mayStillMove(
        ProvenCollateral.Collateral memory current,
        Announcement memory announced,
        ProvenCollateral.Collateral memory held
    ) private pure returns (bool) {
        (ProvenCollateral.Collateral memory target, bool isAhead) = _target(current, announced, held);
        return isAhead && !target.isSame(current);
    }

    /// @dev Of what was announced and what is held now the triple with the threshold nearer to the pool's, as long as both are on one side
    /// of it: whoever was warned is hit by no more than that, and nothing moves past what is held. Loan-to-value is the lower of
    /// both.
    function _target(
        ProvenCollateral.Collateral memory current,
        Announcement memory announced,
        ProvenCollateral.Collateral memory held
    ) private pure returns (ProvenCollateral.Collateral memory target, bool isAhead) {
        uint256 warnedBps = announced.thresholdBps;
        uint256 pooledBps = current.thresholdBps;
        isAhead =
            (warnedBps < pooledBps) == (held.thresholdBps < pooledBps) &&
            (warnedBps > pooledBps) == (held.thresholdBps > pooledBps);
        bool isHeldNearer = warnedBps < pooledBps ? held.thresholdBps >= warnedBps : held.thresholdBps <= warnedBps;
        target = ProvenCollateral.Collateral(
            Math.min(announced.loanToValueBps, held.loanToValueBps),
            isHeldNearer ? held.thresholdBps : warnedBps,
            isHeldNearer ? held.bonusBps : announced.bonusBps
        );
    }

    /// @dev As much of the way as the window leaves: threshold and bonus by one fraction, each rounded towards where it was;
    /// loan-to-value rises no further than both that fraction and its own step, and falls the whole way.
    function _step(
        ProvenCollateral.Collateral memory current,
        ProvenCollateral.Collateral memory target,
        Rules memory rules,
        Window memory window
    ) private pure returns (ProvenCollateral.Collateral memory next) {
        bool falls = target.thresholdBps < current.thresholdBps;
        Fraction memory way = Fraction(1, 1);
        _bind(
            way,
            _distance(current.thresholdBps, target.thresholdBps),
            falls ? _left(rules.lowerBps, window.loweredBps) : _left(rules.raiseBps, window.raisedBps)
        );
        _bind(way, _distance(current.bonusBps, target.bonusBps), _left(rules.bonusBps, window.bonusMovedBps));
        next.thresholdBps = _towards(current.thresholdBps, target.thresholdBps, way);
        next.bonusBps = _towards(current.bonusBps, target.bonusBps, way);
        next.loanToValueBps = target.loanToValueBps <= current.loanToValueBps
            ? target.loanToValueBps
            : Math.min(
                _towards(current.loanToValueBps, target.loanToValueBps, way),
                current.loanToValueBps + _left(rules.raiseBps, window.loanToValueRaisedBps)
            );

        uint16 moved = _distance(current.thresholdBps, next.thresholdBps).toUint16();
        if (falls) window.loweredBps += moved;
        else window.raisedBps += moved;
        window.bonusMovedBps += _distance(current.bonusBps, next.bonusBps).toUint16();
        if (next.loanToValueBps > current.loanToValueBps)
            window.loanToValueRaisedBps += (next.loanToValueBps - current.loanToValueBps).toUint16();
    }

    /// @dev Shortens a way so that a part of it, of this length, is no longer than may be.
    function _bind(Fraction memory way, uint256 length, uint256 most) private pure {
        if (length * way.numerator <= most * way.denominator) return;
        way.numerator = most;
        way.denominator = length;
    }

    function _towards(uint256 from, uint256 to, Fraction memory way) private pure returns (uint256) {
        uint256 moved = (_distance(from, to) * way.numerator) / way.denominator;
        return to < from ? from - moved : from + moved;
    }

    function _distance(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : b - a;
    }

    /// @dev Rules may have become tighter than what the window has used.
    function _left(uint256 most, uint256 used) private pure returns (uint256) {
        return most > used ? most - used : 0;
    }

    function _requireRules(Rules calldata rules) private pure {
        _require("delaySeconds", rules.delaySeconds, 5 minutes, 7 days);
        _require("validSeconds", rules.validSeconds, 1 hours, 14 days);
        _require("windowSeconds", rules.windowSeconds, 1 hours, 30 days);
        _require("lowerBps", rules.lowerBps, 1, 2_000);
        _require("raiseBps", rules.raiseBps, 1, 500);
        _require("bonusBps", rules.bonusBps, 1, 500);
        _require("mostLiquidatable", rules.mostLiquidatable, 0, 1_000);
    }

    function _require(bytes32 rule, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert RuleOutOfRange(rule, value, least, most);
    }
}
