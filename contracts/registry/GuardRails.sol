// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketState, MarketStates} from "../generated/MarketState.sol";
import {MarketUpdate, MarketUpdates} from "../generated/MarketUpdate.sol";
import {
    AnchorStateWord,
    MarginPolicyWord,
    MarketPolicyWord,
    ParametersFields,
    ParametersWord
} from "../generated/Words.sol";
import {IRiskRegistry} from "./IRiskRegistry.sol";

/// @title GuardRails
/// @notice What must hold of a market's proven result even if the circuit were broken.
/// @dev Every check restates something the circuit computes, from the same policy words and with the same rounding, so
/// an honest update is never refused. Bounds that governance may have moved past the value in force (maintenance
/// margin) only demand that the value does not move further away.
library GuardRails {
    using MarketStates for MarketState;
    using MarketUpdates for MarketUpdate;

    uint256 private constant ONE_X24 = 2 ** 24;
    /// @dev Policy bounds are X16, results X24.
    uint256 private constant X16_TO_X24 = 8;
    /// @dev Speeds are X32, margins X24.
    uint256 private constant X32_TO_X24 = 8;

    /// @notice Checks the result of one market.
    /// @param newestAsOf   time of the newest observation consumed; later than the previous state's
    function check(
        MarketUpdate calldata update,
        uint256 newestAsOf,
        MarketPolicyWord marketPolicy,
        MarginPolicyWord marginPolicy
    ) internal pure {
        bytes32 marketId = update.marketId;
        ParametersWord parameters = update.parameters;
        (uint256 maintenance, uint256 initial) = checkState(marketId, update.state(), newestAsOf);
        _checkAgreement(marketId, parameters, newestAsOf, maintenance, initial);
        _checkLoanToValue(marketId, parameters, maintenance, initial, marketPolicy);
        _checkRanges(marketId, parameters, marketPolicy);
        unchecked {
            uint256 elapsed = newestAsOf - update.previousVolatilityState.asOf();
            _checkSpeeds(marketId, update.previousAnchorState, maintenance, initial, elapsed, marginPolicy);
        }
        _checkMaintenanceMargin(marketId, update.previousAnchorState, maintenance, marketPolicy);
    }

    /// @notice Checks a state by itself: widths, its time, and 0 < maintenance <= initial.
    /// @return maintenance the state's maintenance margin, X24
    /// @return initial     its initial margin, X24
    function checkState(
        bytes32 marketId,
        MarketState calldata state,
        uint256 asOf
    ) internal pure returns (uint256 maintenance, uint256 initial) {
        checkWidths(marketId, state);
        uint256 stateAsOf = state.volatilityState.asOf();
        if (stateAsOf != asOf) revert IRiskRegistry.AsOfMismatch(marketId, stateAsOf, asOf);
        maintenance = state.anchorState.maintenanceMarginX24();
        initial = state.anchorState.initialMarginX24();
        if (maintenance == 0) revert IRiskRegistry.MarginsOutOfOrder(marketId, maintenance, initial);
        if (maintenance > initial) revert IRiskRegistry.MarginsOutOfOrder(marketId, maintenance, initial);
    }

    /// @notice Checks that a state's words hold their fields and nothing else.
    function checkWidths(bytes32 marketId, MarketState calldata state) internal pure {
        (uint256 word, uint256 bits) = state.excess();
        if (bits != 0) revert IRiskRegistry.WordOutOfRange(marketId, word, bits);
    }

    /// @notice The same of parameters.
    function checkWidth(bytes32 marketId, ParametersWord parameters) internal pure {
        if (!parameters.fits()) {
            revert IRiskRegistry.WordOutOfRange(marketId, ParametersWord.unwrap(parameters), ParametersFields.BITS);
        }
    }

    /// @dev Parameters tell the same time and margins as the states; both margins are below 1 by their width.
    function _checkAgreement(
        bytes32 marketId,
        ParametersWord parameters,
        uint256 newestAsOf,
        uint256 maintenance,
        uint256 initial
    ) private pure {
        checkWidth(marketId, parameters);
        uint256 stated = parameters.asOf();
        if (stated != newestAsOf) revert IRiskRegistry.AsOfMismatch(marketId, stated, newestAsOf);
        stated = parameters.initialMarginX24();
        if (stated != initial) revert IRiskRegistry.MarginsMismatch(marketId, initial, stated);
        stated = parameters.maintenanceMarginX24();
        if (stated != maintenance) revert IRiskRegistry.MarginsMismatch(marketId, maintenance, stated);
    }

    /// @dev With maintenance <= initial, exact limits are in order too: borrowing limit <= threshold < 1.
    function _checkLoanToValue(
        bytes32 marketId,
        ParametersWord parameters,
        uint256 maintenance,
        uint256 initial,
        MarketPolicyWord policy
    ) private pure {
        unchecked {
            uint256 withoutBonus = ONE_X24 - (policy.liquidationBonusX16() << X16_TO_X24);
            uint256 stated = parameters.liquidationThresholdX24();
            uint256 expected;
            if (withoutBonus > maintenance) expected = withoutBonus - maintenance;
            if (stated != expected) revert IRiskRegistry.LoanToValueMismatch(marketId, stated, expected);
            stated = parameters.maxLoanToValueX24();
            expected = 0;
            if (withoutBonus > initial) expected = withoutBonus - initial;
            if (stated != expected) revert IRiskRegistry.LoanToValueMismatch(marketId, stated, expected);
        }
    }

    /// @dev Volatility and scan range are clamped afresh each time, so their bounds hold whatever was in force before.
    function _checkRanges(bytes32 marketId, ParametersWord parameters, MarketPolicyWord policy) private pure {
        uint256 stated = parameters.volatilityX24();
        uint256 least = policy.volatilityFloorX16() << X16_TO_X24;
        uint256 greatest = policy.volatilityCeilingX16() << X16_TO_X24;
        if (stated < least) revert IRiskRegistry.VolatilityOutOfBounds(marketId, stated, least, greatest);
        if (stated > greatest) revert IRiskRegistry.VolatilityOutOfBounds(marketId, stated, least, greatest);

        stated = parameters.scanRangeX24();
        least = policy.scanRangeFloorX16() << X16_TO_X24;
        greatest = policy.scanRangeCeilingX16() << X16_TO_X24;
        if (stated > greatest) revert IRiskRegistry.ScanRangeOutOfBounds(marketId, stated, least, greatest);
        if (stated < greatest) {
            // Only at the ceiling may it be narrower than a move.
            uint256 move = parameters.horizonMoveDownX24();
            if (move > least) least = move;
            move = parameters.horizonMoveUpX24();
            if (move > least) least = move;
            if (stated < least) revert IRiskRegistry.ScanRangeOutOfBounds(marketId, stated, least, greatest);
        }
    }

    /// @dev The initial margin may rise at once and falls slowly; the maintenance margin moves slowly both ways.
    function _checkSpeeds(
        bytes32 marketId,
        AnchorStateWord previousAnchorState,
        uint256 maintenance,
        uint256 initial,
        uint256 elapsed,
        MarginPolicyWord marginPolicy
    ) private pure {
        unchecked {
            // 32 bits of time and 20 of speed; margins and allowances have 24.
            uint256 loosen = _allowance(elapsed * marginPolicy.loosenPerSecondX32());
            uint256 previous = previousAnchorState.initialMarginX24();
            if (initial + loosen < previous) {
                revert IRiskRegistry.InitialMarginTooFast(marketId, initial, previous - loosen);
            }
            previous = previousAnchorState.maintenanceMarginX24();
            if (maintenance + loosen < previous) {
                revert IRiskRegistry.MaintenanceMarginTooFast(marketId, maintenance, previous - loosen);
            }
            uint256 tighten = _allowance(elapsed * marginPolicy.tightenPerSecondX32());
            if (maintenance > previous + tighten) {
                revert IRiskRegistry.MaintenanceMarginTooFast(marketId, maintenance, previous + tighten);
            }
        }
    }

    /// @dev Inside the policy's bounds, or between them and the margin in force if they have moved past it.
    function _checkMaintenanceMargin(
        bytes32 marketId,
        AnchorStateWord previousAnchorState,
        uint256 maintenance,
        MarketPolicyWord policy
    ) private pure {
        uint256 previous = previousAnchorState.maintenanceMarginX24();
        uint256 bound = policy.maintenanceMarginFloorX16() << X16_TO_X24;
        if (maintenance < bound) {
            if (maintenance < previous) revert IRiskRegistry.MaintenanceMarginOutOfBounds(marketId, maintenance, bound);
        }
        bound = policy.maintenanceMarginCeilingX16() << X16_TO_X24;
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
