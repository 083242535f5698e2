// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ParametersFields, ParametersWord} from "../generated/Words.sol";
import {RiskPolicy} from "../parameters/RiskPolicy.sol";
import {IRiskParameters} from "./IRiskParameters.sol";
import {ParameterReads} from "./ParameterReads.sol";
import {Pauses} from "./Pauses.sol";
import {ShadowId} from "./ShadowId.sol";

/// @title RiskParameters
/// @notice What the registry holds of markets, for those who read it.
abstract contract RiskParameters is ParameterReads, RiskPolicy, Pauses {
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

    mapping(bytes32 marketId => Market) internal _markets;
    mapping(bytes32 marketId => address) internal _sources;

    /// @inheritdoc IRiskParameters
    function sequence(bytes32 marketId) external view returns (uint256) {
        return _markets[marketId].parametersAndSequence >> SEQUENCE_SHIFT;
    }

    /// @inheritdoc IRiskParameters
    function pausedUntil(bytes32 marketId) public view override returns (uint256 until) {
        bytes32 ownId = marketId.marketOf();
        until = _pausedUntil(ownId, _sources[ownId]);
        uint256 ofBefore = _pausedUntil(ownId, _sourceInForce(ownId));
        if (ofBefore > until) until = ofBefore;
    }

    /// @dev Source that the parameters in force come from; another than the market's while it is being replaced.
    function _sourceInForce(bytes32 marketId) internal view virtual returns (address);

    /// @dev When the pause of a market or of a source ends; zero if neither is paused.
    function _pausedUntil(bytes32 marketId, address source) internal view returns (uint256 until) {
        until = pauseOf(marketId).until;
        uint256 ofSource = pauseOf(_idOf(source)).until;
        if (ofSource > until) until = ofSource;
        if (until <= block.timestamp) until = 0;
    }

    function _idOf(address source) internal pure returns (bytes32) {
        return bytes32(uint256(uint160(source)));
    }

    function _proven(bytes32 marketId) internal view override returns (Parameters memory) {
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

    function _freshnessOfReads() internal view override returns (Freshness memory) {
        ReadPolicy memory policy = _policyOfReads();
        return
            Freshness({
                maxParameterAgeSeconds: policy.maxParameterAgeSeconds,
                stalenessAddOnPerHourX24: policy.stalenessAddOnPerHourX24,
                maintenanceMarginCapX24: policy.maintenanceMarginCapX24,
                pausedUntil: policy.pausedUntil
            });
    }
}
