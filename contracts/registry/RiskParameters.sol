// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ParametersFields, ParametersWord} from "../generated/Words.sol";
import {RiskPolicy} from "../parameters/RiskPolicy.sol";
import {IRiskParameters} from "./IRiskParameters.sol";
import {ShadowId} from "./ShadowId.sol";

/// @title RiskParameters
/// @notice The read side of the registry.
abstract contract RiskParameters is IRiskParameters, RiskPolicy {
    using ShadowId for bytes32;

    /// @notice What the chain keeps of a market, in two slots.
    /// @param parametersAndSequence `ParametersWord`, and above it how many batches have moved the market
    /// @param stateHash             binds model state, inbox position and source, which updates present
    struct Market {
        uint256 parametersAndSequence;
        bytes32 stateHash;
    }

    /// @dev The sequence starts where the parameters end.
    uint256 internal constant SEQUENCE_SHIFT = ParametersFields.BITS;

    uint256 private constant ONE_WAD = 1e18;
    uint256 private constant FRACTION_BITS = 24;

    mapping(bytes32 marketId => Market) internal _markets;

    /// @inheritdoc IRiskParameters
    function parameters(bytes32 marketId) public view returns (Parameters memory proven) {
        proven = _proven(marketId);
        uint256 oldest = block.timestamp - _policyOfReads().maxParameterAgeSeconds;
        if (proven.asOf < oldest) revert ParametersStale(proven.asOf, oldest);
    }

    /// @inheritdoc IRiskParameters
    function parametersForLiquidation(
        bytes32 marketId
    ) external view returns (Parameters memory tightened, bool stale) {
        tightened = _proven(marketId);
        FreshnessPolicy memory policy = _policyOfReads();
        uint256 staleFrom = tightened.asOf + policy.maxParameterAgeSeconds;
        stale = block.timestamp > staleFrom;
        if (stale) _tighten(tightened, block.timestamp - staleFrom, policy);
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
        return _markets[marketId].parametersAndSequence >> SEQUENCE_SHIFT;
    }

    function _proven(bytes32 marketId) private view returns (Parameters memory) {
        if (marketId.isShadow()) revert ShadowNotInForce(marketId);
        uint256 stored = _markets[marketId].parametersAndSequence;
        if (stored == 0) revert NotYetProven(marketId);
        ParametersWord word = ParametersWord.wrap(stored); // readers pass over the sequence above
        return
            Parameters({
                initialMarginX24: word.initialMarginX24(),
                maintenanceMarginX24: word.maintenanceMarginX24(),
                liquidationThresholdX24: word.liquidationThresholdX24(),
                maxLoanToValueX24: word.maxLoanToValueX24(),
                scanRangeX24: word.scanRangeX24(),
                volatilityX24: word.volatilityX24(),
                horizonMoveDownX24: word.horizonMoveDownX24(),
                horizonMoveUpX24: word.horizonMoveUpX24(),
                asOf: word.asOf(),
                sequence: stored >> SEQUENCE_SHIFT
            });
    }

    /// @dev Only ever tightens: a maintenance margin above the cap stays where it is.
    function _tighten(Parameters memory held, uint256 staleSeconds, FreshnessPolicy memory policy) private pure {
        uint256 addOnX24 = (policy.stalenessAddOnPerHourX24 * staleSeconds + 1 hours - 1) / 1 hours;
        uint256 raisedX24 = held.maintenanceMarginX24 + addOnX24;
        if (raisedX24 > policy.maintenanceMarginCapX24) raisedX24 = policy.maintenanceMarginCapX24;
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
