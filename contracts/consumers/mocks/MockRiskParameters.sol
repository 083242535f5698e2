// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IRiskParameters} from "../../registry/IRiskParameters.sol";
import {ShadowId} from "../../registry/ShadowId.sol";

/// @title MockRiskParameters
/// @notice Parameters that anybody sets, to test consumers with: it answers as the registry does, fresh, stale and unproven.
/// @dev For tests only. It holds whatever it is given; the registry holds what was proven and its guard-rails let pass.
contract MockRiskParameters is IRiskParameters {
    using ShadowId for bytes32;

    uint256 private constant ONE_WAD = 1e18;
    uint256 private constant FRACTION_BITS = 24;

    /// @notice Age from which on parameters are stale; what follows is as in a deployment that states nothing else.
    uint256 public maxParameterAgeSeconds = 3_900;
    /// @notice What liquidations tighten stale maintenance margins by, per hour.
    uint256 public stalenessAddOnPerHourX24 = 1 << 20;
    /// @notice Up to which they do.
    uint256 public maintenanceMarginCapX24 = 1 << 23;

    mapping(bytes32 marketId => bool) private _isProven;
    mapping(bytes32 marketId => Parameters) private _parameters;

    /// @notice Puts parameters in force, as they are.
    function setParameters(bytes32 marketId, Parameters calldata values) external {
        _isProven[marketId] = true;
        _parameters[marketId] = values;
    }

    /// @notice Makes the data behind a market's parameters as old as this now; older than the limit is stale.
    function setAge(bytes32 marketId, uint256 ageSeconds) external {
        _parameters[marketId].asOf = block.timestamp - ageSeconds;
    }

    /// @notice Forgets a market, as if nothing had been proven of it.
    function forget(bytes32 marketId) external {
        _isProven[marketId] = false;
    }

    /// @notice Sets when parameters are stale, and what that costs.
    function setFreshness(uint256 maxAgeSeconds, uint256 addOnPerHourX24, uint256 capX24) external {
        maxParameterAgeSeconds = maxAgeSeconds;
        stalenessAddOnPerHourX24 = addOnPerHourX24;
        maintenanceMarginCapX24 = capX24;
    }

    /// @inheritdoc IRiskParameters
    function parametersForLiquidation(
        bytes32 marketId
    ) external view returns (Parameters memory tightened, bool stale) {
        tightened = _proven(marketId);
        uint256 staleFrom = tightened.asOf + maxParameterAgeSeconds;
        stale = block.timestamp > staleFrom;
        if (stale) _tighten(tightened, block.timestamp - staleFrom);
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
    function sequence(bytes32 marketId) external view returns (uint256) {
        return _isProven[marketId] ? _parameters[marketId].sequence : 0;
    }

    /// @inheritdoc IRiskParameters
    function parameters(bytes32 marketId) public view returns (Parameters memory proven) {
        proven = _proven(marketId);
        uint256 oldest = block.timestamp - maxParameterAgeSeconds;
        if (proven.asOf < oldest) revert ParametersStale(proven.asOf, oldest);
    }

    function _proven(bytes32 marketId) private view returns (Parameters memory) {
        if (marketId.isShadow()) revert ShadowNotInForce(marketId);
        if (!_isProven[marketId]) revert NotYetProven(marketId);
        return _parameters[marketId];
    }

    function _tighten(Parameters memory held, uint256 staleSeconds) private view {
        uint256 raisedX24 = held.maintenanceMarginX24 + (stalenessAddOnPerHourX24 * staleSeconds + 1 hours - 1) / 1 hours;
        if (raisedX24 > maintenanceMarginCapX24) raisedX24 = maintenanceMarginCapX24;
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
