// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IRiskParameters} from "./IRiskParameters.sol";

/// @title ParameterReads
/// @notice How parameters are read, whoever holds them: fresh ones as they are, stale ones refused or tightened.
abstract contract ParameterReads is IRiskParameters {
    /// @dev From which age on parameters are stale, what liquidations tighten the maintenance margin by then, and up to which;
    /// nothing is paused from `pausedUntil` on.
    struct Freshness {
        uint256 maxParameterAgeSeconds;
        uint256 stalenessAddOnPerHourX24;
        uint256 maintenanceMarginCapX24;
        uint256 pausedUntil;
    }

    uint256 private constant ONE_WAD = 1e18;
    uint256 private constant FRACTION_BITS = 24;

    /// @inheritdoc IRiskParameters
    function parametersForLiquidation(
        bytes32 marketId
    ) external view returns (Parameters memory tightened, bool stale) {
        tightened = _proven(marketId);
        Freshness memory freshness = _freshnessOfReads();
        uint256 staleFrom = tightened.asOf + freshness.maxParameterAgeSeconds;
        stale = block.timestamp > staleFrom;
        if (!stale) return (tightened, stale);
        uint256 paused = _pausedSeconds(marketId, tightened.asOf, freshness.maxParameterAgeSeconds);
        uint256 staleSeconds = _subtractOrZero(block.timestamp - staleFrom, paused);
        if (staleSeconds != 0) _tighten(tightened, staleSeconds, freshness);
    }

    /// @inheritdoc IRiskParameters
    function unsafeParameters(
        bytes32 marketId
    ) external view returns (Parameters memory proven, uint256 ageSeconds) {
        proven = _proven(marketId);
        ageSeconds = _subtractOrZero(block.timestamp, proven.asOf);
    }

    /// @inheritdoc IRiskParameters
    function initialMarginWad(bytes32 marketId) external view returns (uint256) {
        return _wadUp(parameters(marketId).initialMarginX24);
    }

    /// @inheritdoc IRiskParameters
    function maintenanceMarginWad(bytes32 marketId) external view returns (uint256) {
        return _wadUp(parameters(marketId).maintenanceMarginX24);
    }

    /// @inheritdoc IRiskParameters
    function liquidationThresholdWad(bytes32 marketId) external view returns (uint256) {
        return _wadDown(parameters(marketId).liquidationThresholdX24);
    }

    /// @inheritdoc IRiskParameters
    function maxLoanToValueWad(bytes32 marketId) external view returns (uint256) {
        return _wadDown(parameters(marketId).maxLoanToValueX24);
    }

    /// @inheritdoc IRiskParameters
    function volatilityWad(bytes32 marketId) external view returns (uint256) {
        return _wadUp(parameters(marketId).volatilityX24);
    }

    /// @inheritdoc IRiskParameters
    function parameters(bytes32 marketId) public view returns (Parameters memory proven) {
        proven = _proven(marketId);
        Freshness memory freshness = _freshnessOfReads();
        if (block.timestamp < freshness.pausedUntil) {
            uint256 until = pausedUntil(marketId);
            if (until != 0) revert MarketPaused(marketId, until);
        }
        uint256 oldest = block.timestamp - freshness.maxParameterAgeSeconds;
        if (proven.asOf < oldest) revert ParametersStale(proven.asOf, oldest);
    }

    /// @inheritdoc IRiskParameters
    function pausedUntil(bytes32 marketId) public view virtual returns (uint256);

    /// @dev What is held of a market, of whatever age.
    function _proven(bytes32 marketId) internal view virtual returns (Parameters memory);

    /// @dev When it is stale, and what that costs.
    function _freshnessOfReads() internal view virtual returns (Freshness memory);

    /// @dev Seconds since `from` in which a market could not be moved for governance's sake, with a grace after each pause.
    function _pausedSeconds(bytes32 marketId, uint256 from, uint256 graceSeconds) internal view virtual returns (uint256);

    /// @dev Only ever tightens: a maintenance margin above the cap stays where it is.
    function _tighten(Parameters memory held, uint256 staleSeconds, Freshness memory freshness) private pure {
        uint256 addOnX24 = (freshness.stalenessAddOnPerHourX24 * staleSeconds + 1 hours - 1) / 1 hours;
        uint256 raisedX24 = held.maintenanceMarginX24 + addOnX24;
        if (raisedX24 > freshness.maintenanceMarginCapX24) raisedX24 = freshness.maintenanceMarginCapX24;
        if (raisedX24 <= held.maintenanceMarginX24) return;

        uint256 riseX24 = raisedX24 - held.maintenanceMarginX24;
        held.maintenanceMarginX24 = raisedX24;
        if (held.initialMarginX24 < raisedX24) held.initialMarginX24 = raisedX24;
        held.liquidationThresholdX24 = _subtractOrZero(held.liquidationThresholdX24, riseX24);
        if (held.maxLoanToValueX24 > held.liquidationThresholdX24) {
            held.maxLoanToValueX24 = held.liquidationThresholdX24;
        }
    }

    function _wadUp(uint256 valueX24) private pure returns (uint256) {
        return (valueX24 * ONE_WAD + 2 ** FRACTION_BITS - 1) >> FRACTION_BITS;
    }

    function _wadDown(uint256 valueX24) private pure returns (uint256) {
        return (valueX24 * ONE_WAD) >> FRACTION_BITS;
    }

    function _subtractOrZero(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : 0;
    }
}
