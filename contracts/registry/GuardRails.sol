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
        _fits(update.marketId, "parameters", update.parameters, ParametersWord.BITS);
        checkState(update.marketId, update.volatilityState, update.anchorState, newestAsOf);
        _checkAgreement(update, newestAsOf);
        _checkLoanToValue(update.marketId, update.parameters, marketPolicy);
        _checkRanges(update.marketId, update.parameters, marketPolicy);
        uint256 previousAsOf = VolatilityStateWord.asOf(update.previousVolatilityState);
        _checkSpeeds(update, newestAsOf - previousAsOf, marketPolicy, marginPolicy);
    }

    /// @notice Checks a state by itself: widths, its time, and 0 < maintenance <= initial.
    function checkState(bytes32 marketId, uint256 volatilityState, uint256 anchorState, uint256 asOf) internal pure {
        _fits(marketId, "volatilityState", volatilityState, VolatilityStateWord.BITS);
        _fits(marketId, "anchorState", anchorState, AnchorStateWord.BITS);
        _sameTime(marketId, VolatilityStateWord.asOf(volatilityState), asOf);
        uint256 maintenance = AnchorStateWord.maintenanceMarginX24(anchorState);
        uint256 initial = AnchorStateWord.initialMarginX24(anchorState);
        if (maintenance == 0 || maintenance > initial) {
            revert IRiskRegistry.MarginsOutOfOrder(marketId, maintenance, initial);
        }
    }

    /// @dev Parameters tell the same time and margins as the states; both margins are below 1 by their width.
    function _checkAgreement(IRiskRegistry.MarketUpdate calldata update, uint256 newestAsOf) private pure {
        bytes32 marketId = update.marketId;
        _sameTime(marketId, ParametersWord.asOf(update.parameters), newestAsOf);
        _sameMargin(
            marketId,
            AnchorStateWord.initialMarginX24(update.anchorState),
            ParametersWord.initialMarginX24(update.parameters)
        );
        _sameMargin(
            marketId,
            AnchorStateWord.maintenanceMarginX24(update.anchorState),
            ParametersWord.maintenanceMarginX24(update.parameters)
        );
    }

    /// @dev With maintenance <= initial, exact limits are in order too: borrowing limit <= threshold < 1.
    function _checkLoanToValue(bytes32 marketId, uint256 parameters, uint256 policy) private pure {
        uint256 bonusX24 = MarketPolicyWord.liquidationBonusX16(policy) << X16_TO_X24;
        uint256 threshold = ParametersWord.liquidationThresholdX24(parameters);
        uint256 expected = _subtractOrZero(ONE_X24, ParametersWord.maintenanceMarginX24(parameters) + bonusX24);
        if (threshold != expected) revert IRiskRegistry.LoanToValueMismatch(marketId, threshold, expected);
        uint256 maxLoanToValue = ParametersWord.maxLoanToValueX24(parameters);
        expected = _subtractOrZero(ONE_X24, ParametersWord.initialMarginX24(parameters) + bonusX24);
        if (maxLoanToValue != expected) revert IRiskRegistry.LoanToValueMismatch(marketId, maxLoanToValue, expected);
    }

    /// @dev Volatility and scan range are clamped afresh each time, so their bounds hold whatever was in force before.
    function _checkRanges(bytes32 marketId, uint256 parameters, uint256 policy) private pure {
        uint256 volatility = ParametersWord.volatilityX24(parameters);
        uint256 least = MarketPolicyWord.volatilityFloorX16(policy) << X16_TO_X24;
        uint256 greatest = MarketPolicyWord.volatilityCeilingX16(policy) << X16_TO_X24;
        if (volatility < least || volatility > greatest) {
            revert IRiskRegistry.VolatilityOutOfBounds(marketId, volatility, least, greatest);
        }
        uint256 move = _max(
            ParametersWord.horizonMoveDownX24(parameters),
            ParametersWord.horizonMoveUpX24(parameters)
        );
        uint256 range = ParametersWord.scanRangeX24(parameters);
        greatest = MarketPolicyWord.scanRangeCeilingX16(policy) << X16_TO_X24;
        least = _max(MarketPolicyWord.scanRangeFloorX16(policy) << X16_TO_X24, _min(move, greatest));
        if (range < least || range > greatest) {
            revert IRiskRegistry.ScanRangeOutOfBounds(marketId, range, least, greatest);
        }
    }

    /// @dev The initial margin may rise at once and falls slowly; the maintenance margin moves slowly both ways.
    function _checkSpeeds(
        IRiskRegistry.MarketUpdate calldata update,
        uint256 elapsed,
        uint256 marketPolicy,
        uint256 marginPolicy
    ) private pure {
        uint256 loosen = _allowance(elapsed, MarginPolicyWord.loosenPerSecondX32(marginPolicy));
        uint256 initial = ParametersWord.initialMarginX24(update.parameters);
        uint256 least = _subtractOrZero(AnchorStateWord.initialMarginX24(update.previousAnchorState), loosen);
        if (initial < least) revert IRiskRegistry.InitialMarginTooFast(update.marketId, initial, least);

        uint256 maintenance = ParametersWord.maintenanceMarginX24(update.parameters);
        uint256 previous = AnchorStateWord.maintenanceMarginX24(update.previousAnchorState);
        least = _subtractOrZero(previous, loosen);
        uint256 greatest = previous + _allowance(elapsed, MarginPolicyWord.tightenPerSecondX32(marginPolicy));
        if (maintenance < least || maintenance > greatest) {
            revert IRiskRegistry.MaintenanceMarginTooFast(update.marketId, maintenance, least, greatest);
        }
        least = _min(MarketPolicyWord.maintenanceMarginFloorX16(marketPolicy) << X16_TO_X24, previous);
        greatest = _max(MarketPolicyWord.maintenanceMarginCeilingX16(marketPolicy) << X16_TO_X24, previous);
        if (maintenance < least || maintenance > greatest) {
            revert IRiskRegistry.MaintenanceMarginOutOfBounds(update.marketId, maintenance, least, greatest);
        }
    }

    /// @dev Rounded down, saturating below 1, as the circuit's Allowance.
    function _allowance(uint256 elapsed, uint256 perSecondX32) private pure returns (uint256) {
        return _min((elapsed * perSecondX32) >> X32_TO_X24, ONE_X24 - 1);
    }

    function _fits(bytes32 marketId, string memory word, uint256 value, uint256 bits) private pure {
        if (value >> bits != 0) revert IRiskRegistry.WordOutOfRange(marketId, word, value, bits);
    }

    function _sameTime(bytes32 marketId, uint256 asOf, uint256 newestAsOf) private pure {
        if (asOf != newestAsOf) revert IRiskRegistry.AsOfMismatch(marketId, asOf, newestAsOf);
    }

    function _sameMargin(bytes32 marketId, uint256 inAnchorState, uint256 inParameters) private pure {
        if (inAnchorState != inParameters) {
            revert IRiskRegistry.MarginsMismatch(marketId, inAnchorState, inParameters);
        }
    }

    function _subtractOrZero(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : 0;
    }

    function _min(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
