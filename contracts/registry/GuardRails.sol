// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {
    AnchorStateWord,
    MarginPolicyWord,
    MarketPolicyWord,
    ParametersWord,
    VolatilityStateWord
} from "../generated/PackedWords.sol";
import {IRiskRegistry} from "./IRiskRegistry.sol";

/// @title GuardRails
/// @notice What must hold of a market's proven result even if the circuit were broken.
/// @dev Every check restates something the circuit computes, from the same policy words and with the same rounding, so
/// an honest update is never refused. Bounds that governance may have moved past the value in force (maintenance
/// margin) only demand that the value does not move further away.
library GuardRails {
    uint256 private constant ONE_X24 = 2 ** 24;
    /// @dev Policy bounds are X16, results X24.
    uint256 private constant X16_TO_X24 = 8;
    /// @dev Speeds are X32, margins X24.
    uint256 private constant X32_TO_X24 = 8;

    /// @notice Checks the result of one market.
    /// @param newestAsOf   time of the newest observation consumed; later than the previous state's
    /// @param marketPolicy `MarketPolicyWord` in force
    /// @param marginPolicy `MarginPolicyWord` in force
    function check(
        IRiskRegistry.MarketUpdate calldata update,
        uint256 newestAsOf,
        uint256 marketPolicy,
        uint256 marginPolicy
    ) internal pure {
        bytes32 marketId = update.marketId;
        uint256 parameters = update.parameters;
        (uint256 maintenance, uint256 initial) = checkState(
            marketId,
            update.volatilityState,
            update.anchorState,
            newestAsOf
        );
        _checkAgreement(marketId, parameters, newestAsOf, maintenance, initial);
        _checkLoanToValue(marketId, parameters, maintenance, initial, marketPolicy);
        _checkRanges(marketId, parameters, marketPolicy);
        unchecked {
            uint256 elapsed = newestAsOf - VolatilityStateWord.asOf(update.previousVolatilityState);
            _checkSpeeds(marketId, update.previousAnchorState, maintenance, initial, elapsed, marginPolicy);
        }
        _checkMaintenanceMargin(marketId, update.previousAnchorState, maintenance, marketPolicy);
    }

    /// @notice Checks a state by itself: widths, its time, and 0 < maintenance <= initial.
    /// @return maintenance the state's maintenance margin, X24
    /// @return initial     its initial margin, X24
    function checkState(
        bytes32 marketId,
        uint256 volatilityState,
        uint256 anchorState,
        uint256 asOf
    ) internal pure returns (uint256 maintenance, uint256 initial) {
        if (volatilityState >> VolatilityStateWord.BITS != 0) {
            revert IRiskRegistry.WordOutOfRange(marketId, volatilityState, VolatilityStateWord.BITS);
        }
        if (anchorState >> AnchorStateWord.BITS != 0) {
            revert IRiskRegistry.WordOutOfRange(marketId, anchorState, AnchorStateWord.BITS);
        }
        uint256 stateAsOf = VolatilityStateWord.asOf(volatilityState);
        if (stateAsOf != asOf) revert IRiskRegistry.AsOfMismatch(marketId, stateAsOf, asOf);
        maintenance = AnchorStateWord.maintenanceMarginX24(anchorState);
        initial = AnchorStateWord.initialMarginX24(anchorState);
        if (maintenance == 0) revert IRiskRegistry.MarginsOutOfOrder(marketId, maintenance, initial);
        if (maintenance > initial) revert IRiskRegistry.MarginsOutOfOrder(marketId, maintenance, initial);
    }

    /// @dev Parameters tell the same time and margins as the states; both margins are below 1 by their width.
    function _checkAgreement(
        bytes32 marketId,
        uint256 parameters,
        uint256 newestAsOf,
        uint256 maintenance,
        uint256 initial
    ) private pure {
        if (parameters >> ParametersWord.BITS != 0) {
            revert IRiskRegistry.WordOutOfRange(marketId, parameters, ParametersWord.BITS);
        }
        uint256 stated = ParametersWord.asOf(parameters);
        if (stated != newestAsOf) revert IRiskRegistry.AsOfMismatch(marketId, stated, newestAsOf);
        stated = ParametersWord.initialMarginX24(parameters);
        if (stated != initial) revert IRiskRegistry.MarginsMismatch(marketId, initial, stated);
        stated = ParametersWord.maintenanceMarginX24(parameters);
        if (stated != maintenance) revert IRiskRegistry.MarginsMismatch(marketId, maintenance, stated);
    }

    /// @dev With maintenance <= initial, exact limits are in order too: borrowing limit <= threshold < 1.
    function _checkLoanToValue(
        bytes32 marketId,
        uint256 parameters,
        uint256 maintenance,
        uint256 initial,
        uint256 policy
    ) private pure {
        unchecked {
            uint256 withoutBonus = ONE_X24 - (MarketPolicyWord.liquidationBonusX16(policy) << X16_TO_X24);
            uint256 stated = ParametersWord.liquidationThresholdX24(parameters);
            uint256 expected;
            if (withoutBonus > maintenance) expected = withoutBonus - maintenance;
            if (stated != expected) revert IRiskRegistry.LoanToValueMismatch(marketId, stated, expected);
            stated = ParametersWord.maxLoanToValueX24(parameters);
            expected = 0;
            if (withoutBonus > initial) expected = withoutBonus - initial;
            if (stated != expected) revert IRiskRegistry.LoanToValueMismatch(marketId, stated, expected);
        }
    }

    /// @dev Volatility and scan range are clamped afresh each time, so their bounds hold whatever was in force before.
    function _checkRanges(bytes32 marketId, uint256 parameters, uint256 policy) private pure {
        uint256 stated = ParametersWord.volatilityX24(parameters);
        uint256 least = MarketPolicyWord.volatilityFloorX16(policy) << X16_TO_X24;
        uint256 greatest = MarketPolicyWord.volatilityCeilingX16(policy) << X16_TO_X24;
        if (stated < least) revert IRiskRegistry.VolatilityOutOfBounds(marketId, stated, least, greatest);
        if (stated > greatest) revert IRiskRegistry.VolatilityOutOfBounds(marketId, stated, least, greatest);

        stated = ParametersWord.scanRangeX24(parameters);
        least = MarketPolicyWord.scanRangeFloorX16(policy) << X16_TO_X24;
        greatest = MarketPolicyWord.scanRangeCeilingX16(policy) << X16_TO_X24;
        if (stated > greatest) revert IRiskRegistry.ScanRangeOutOfBounds(marketId, stated, least, greatest);
        if (stated < greatest) {
            // Only at the ceiling may it be narrower than a move.
            uint256 move = ParametersWord.horizonMoveDownX24(parameters);
            if (move > least) least = move;
            move = ParametersWord.horizonMoveUpX24(parameters);
            if (move > least) least = move;
            if (stated < least) revert IRiskRegistry.ScanRangeOutOfBounds(marketId, stated, least, greatest);
        }
    }

    /// @dev The initial margin may rise at once and falls slowly; the maintenance margin moves slowly both ways.
    function _checkSpeeds(
        bytes32 marketId,
        uint256 previousAnchorState,
        uint256 maintenance,
        uint256 initial,
        uint256 elapsed,
        uint256 marginPolicy
    ) private pure {
        unchecked {
            // 32 bits of time and 20 of speed; margins and allowances have 24.
            uint256 loosen = _allowance(elapsed * MarginPolicyWord.loosenPerSecondX32(marginPolicy));
            uint256 previous = AnchorStateWord.initialMarginX24(previousAnchorState);
            if (initial + loosen < previous) {
                revert IRiskRegistry.InitialMarginTooFast(marketId, initial, previous - loosen);
            }
            previous = AnchorStateWord.maintenanceMarginX24(previousAnchorState);
            if (maintenance + loosen < previous) {
                revert IRiskRegistry.MaintenanceMarginTooFast(marketId, maintenance, previous - loosen);
            }
            uint256 tighten = _allowance(elapsed * MarginPolicyWord.tightenPerSecondX32(marginPolicy));
            if (maintenance > previous + tighten) {
                revert IRiskRegistry.MaintenanceMarginTooFast(marketId, maintenance, previous + tighten);
            }
        }
    }

    /// @dev Inside the policy's bounds, or between them and the margin in force if they have moved past it.
    function _checkMaintenanceMargin(
        bytes32 marketId,
        uint256 previousAnchorState,
        uint256 maintenance,
        uint256 policy
    ) private pure {
        uint256 previous = AnchorStateWord.maintenanceMarginX24(previousAnchorState);
        uint256 bound = MarketPolicyWord.maintenanceMarginFloorX16(policy) << X16_TO_X24;
        if (maintenance < bound) {
            if (maintenance < previous) revert IRiskRegistry.MaintenanceMarginOutOfBounds(marketId, maintenance, bound);
        }
        bound = MarketPolicyWord.maintenanceMarginCeilingX16(policy) << X16_TO_X24;
        if (maintenance > bound) {
            if (maintenance > previous) revert IRiskRegistry.MaintenanceMarginOutOfBounds(marketId, maintenance, bound);
        }
    }

    /// @dev Rounded down, saturating below 1, as the circuit's Allowance.
    function _allowance(uint256 allowedX32) private pure returns (uint256 allowanceX24) {
        allowanceX24 = allowedX32 >> X32_TO_X24;
        if (allowanceX24 >= ONE_X24) allowanceX24 = ONE_X24 - 1;
    }
}
