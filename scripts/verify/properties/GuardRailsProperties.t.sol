// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketState} from "../src/generated/MarketState.sol";
import {
    AnchorStateWord,
    MarginPolicyWord,
    MarketPolicyWord,
    ParametersWord,
    VolatilityStateWord
} from "../src/generated/Words.sol";
import {GuardRails} from "../src/registry/GuardRails.sol";

/// @notice What holds of every result that passes a part of the guard-rails, from every state and under every policy. Parts
/// are called one by one, for the paths through all of them at once are too many; what is refused reverts, and says nothing here.
contract GuardRailsProperties {
    /// @custom:twin registry/GuardRails.sol ~> if (maintenance == 0) revert IRiskRegistry.MarginsOutOfOrder(marketId, maintenance, initial); ~>
    function check_marginsAreInOrder(MarketState calldata state, uint256 asOf) external pure {
        (uint256 maintenance, uint256 initial) = GuardRails.checkState(0, state, asOf);
        assert(maintenance == state.anchorState.maintenanceMarginX24() && initial == state.anchorState.initialMarginX24());
        assert(maintenance > 0 && maintenance <= initial && initial < 2 ** 24);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (stateAsOf != asOf) ~> if (stateAsOf > asOf)
    function check_theStateTellsTheTime(MarketState calldata state, uint256 asOf) external pure {
        GuardRails.checkState(0, state, asOf);
        assert(state.volatilityState.asOf() == asOf);
    }

    /// @custom:twin generated/MarketState.sol ~> if (!self.anchorState.fits()) return ~> if (false) return
    function check_statesHaveNoBitBeyondTheirFields(MarketState calldata state) external pure {
        GuardRails.checkWidths(0, state);
        assert(VolatilityStateWord.unwrap(state.volatilityState) < 2 ** 248);
        assert(AnchorStateWord.unwrap(state.anchorState) < 2 ** 204);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (!parameters.fits()) { ~> if (false) {
    function check_parametersHaveNoBitBeyondTheirFields(ParametersWord parameters) external pure {
        GuardRails.checkWidth(0, parameters);
        assert(ParametersWord.unwrap(parameters) < 2 ** 230);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (stated != newestAsOf) revert IRiskRegistry.AsOfMismatch(marketId, stated, newestAsOf); ~>
    function check_parametersTellTheTime(ParametersWord parameters, uint256 asOf, uint256 maintenance, uint256 initial) external pure {
        GuardRails._checkAgreement(0, parameters, asOf, maintenance, initial);
        assert(parameters.asOf() == asOf && parameters.fits());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (stated != maintenance) revert ~> if (stated > maintenance) revert
    function check_parametersStateTheMargins(ParametersWord parameters, uint256 asOf, uint256 maintenance, uint256 initial) external pure {
        GuardRails._checkAgreement(0, parameters, asOf, maintenance, initial);
        assert(parameters.maintenanceMarginX24() == maintenance && parameters.initialMarginX24() == initial);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (withoutBonus > initial) expected = withoutBonus - initial; ~> if (withoutBonus > initial) expected = withoutBonus - maintenance;
    function check_loanToValueIsWhatMarginsLeave(ParametersWord parameters, uint24 maintenance, uint24 initial, MarketPolicyWord market) external pure {
        GuardRails._checkLoanToValue(0, parameters, maintenance, initial, market);
        uint256 taken = market.liquidationBonusX16() * 256;
        assert(parameters.liquidationThresholdX24() == left(taken + maintenance));
        assert(parameters.maxLoanToValueX24() == left(taken + initial));
    }

    /// @custom:twin registry/GuardRails.sol ~> if (withoutBonus > maintenance) expected = ~> if (withoutBonus >= maintenance) expected = 1 +
    function check_whoMayBorrowIsNotLiquidated(ParametersWord parameters, uint24 maintenance, uint24 initial, MarketPolicyWord market) external pure {
        if (maintenance > initial || maintenance == 0) return;
        GuardRails._checkLoanToValue(0, parameters, maintenance, initial, market);
        assert(parameters.maxLoanToValueX24() <= parameters.liquidationThresholdX24());
        assert(parameters.liquidationThresholdX24() + market.liquidationBonusX16() * 256 < 2 ** 24 || parameters.liquidationThresholdX24() == 0);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (stated > greatest) revert IRiskRegistry.VolatilityOutOfBounds(marketId, stated, least, greatest); ~>
    function check_volatilityIsBetweenItsLimits(ParametersWord parameters, MarketPolicyWord market) external pure {
        GuardRails._checkRanges(0, parameters, market);
        uint256 volatility = parameters.volatilityX24();
        assert(volatility >= market.volatilityFloorX16() * 256 && volatility <= market.volatilityCeilingX16() * 256);
    }

    /// @custom:twin registry/GuardRails.sol ~> move = parameters.horizonMoveUpX24(); ~> move = parameters.horizonMoveDownX24();
    function check_scanRangeCoversTheMoves(ParametersWord parameters, MarketPolicyWord market) external pure {
        GuardRails._checkRanges(0, parameters, market);
        uint256 range = parameters.scanRangeX24();
        uint256 ceiling = market.scanRangeCeilingX16() * 256;
        assert(range <= ceiling);
        if (range == ceiling) return;
        assert(range >= market.scanRangeFloorX16() * 256);
        assert(range >= parameters.horizonMoveDownX24() && range >= parameters.horizonMoveUpX24());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (initial + loosen < previous) { ~> if (initial + 2 * loosen < previous) {
    function check_initialMarginLoosensNoFaster(AnchorStateWord before, uint24 maintenance, uint24 initial, uint32 elapsed, MarginPolicyWord margin) external pure {
        GuardRails._checkSpeeds(0, before, maintenance, initial, elapsed, margin);
        assert(initial + allowance(elapsed, margin.loosenPerSecondX32()) >= before.initialMarginX24());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (maintenance + loosen < previous) { ~> if (maintenance + loosen + 1 < previous) {
    function check_maintenanceMarginLoosensNoFaster(AnchorStateWord before, uint24 maintenance, uint24 initial, uint32 elapsed, MarginPolicyWord margin) external pure {
        GuardRails._checkSpeeds(0, before, maintenance, initial, elapsed, margin);
        assert(maintenance + allowance(elapsed, margin.loosenPerSecondX32()) >= before.maintenanceMarginX24());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (maintenance > previous + tighten) { ~> if (maintenance > previous + tighten + 1) {
    function check_maintenanceMarginTightensNoFaster(AnchorStateWord before, uint24 maintenance, uint24 initial, uint32 elapsed, MarginPolicyWord margin) external pure {
        GuardRails._checkSpeeds(0, before, maintenance, initial, elapsed, margin);
        assert(maintenance <= before.maintenanceMarginX24() + allowance(elapsed, margin.tightenPerSecondX32()));
    }

    /// @custom:twin registry/GuardRails.sol ~> if (maintenance > previous) revert IRiskRegistry.MaintenanceMarginOutOfBounds ~> if (maintenance > previous + 1) revert IRiskRegistry.MaintenanceMarginOutOfBounds
    function check_maintenanceMarginLeavesItsBoundsNoFurther(AnchorStateWord before, uint24 maintenance, MarketPolicyWord market) external pure {
        GuardRails._checkMaintenanceMargin(0, before, maintenance, market);
        uint256 previous = before.maintenanceMarginX24();
        assert(maintenance >= market.maintenanceMarginFloorX16() * 256 || maintenance >= previous);
        assert(maintenance <= market.maintenanceMarginCeilingX16() * 256 || maintenance <= previous);
    }

    function left(uint256 taken) private pure returns (uint256) {
        return taken < 2 ** 24 ? 2 ** 24 - taken : 0;
    }

    function allowance(uint256 elapsed, uint256 perSecondX32) private pure returns (uint256) {
        uint256 allowed = (elapsed * perSecondX32) >> 8;
        return allowed < 2 ** 24 ? allowed : 2 ** 24 - 1;
    }
}
