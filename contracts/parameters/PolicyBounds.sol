// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {LearningPolicyWord, MarginPolicyWord, MarketPolicyWord} from "../generated/PackedWords.sol";
import {IRiskPolicy} from "./IRiskPolicy.sol";

/// @title PolicyBounds
/// @notice Which policy words make sense alone and together.
/// @dev The circuit relies on these bounds (widths it does not check again), so every setter goes through here.
library PolicyBounds {
    /// @notice Actual/365 Fixed.
    uint256 internal constant YEAR_SECONDS = 31_536_000;

    uint256 private constant ONE_X8 = 2 ** 8;
    uint256 private constant ONE_X10 = 2 ** 10;
    uint256 private constant ONE_X24 = 2 ** 24;
    uint256 private constant ONE_X48 = 2 ** 48;
    uint256 private constant MAX_AGE_SECONDS = 30 days;

    /// @notice Learning policy alone.
    function checkLearning(uint256 word) internal pure {
        _fits(word, LearningPolicyWord.BITS);
        _least("decayRateX36", LearningPolicyWord.decayRateX36(word), 1);
        uint256 horizonSeconds = LearningPolicyWord.horizonSeconds(word);
        _least("horizonSeconds", horizonSeconds, 1);
        _checkSqrtHorizon(LearningPolicyWord.sqrtHorizonX24(word), horizonSeconds);
        uint256 stepDown = LearningPolicyWord.stepDownX18(word);
        _least("stepDownX18", stepDown, 1);
        _least("stepUpX18", LearningPolicyWord.stepUpX18(word), stepDown + 1);
        uint256 floor = LearningPolicyWord.multiplierFloorX18(word);
        _least("multiplierFloorX18", floor, 1);
        _least("multiplierCeilingX18", LearningPolicyWord.multiplierCeilingX18(word), floor);
    }

    /// @notice Margin policy alone.
    function checkMargin(uint256 word) internal pure {
        _fits(word, MarginPolicyWord.BITS);
        _greatest("impliedWeightX10", MarginPolicyWord.impliedWeightX10(word), ONE_X10);
        _greatest("stressWeightX10", MarginPolicyWord.stressWeightX10(word), ONE_X10);
        _least("scanMultipleX8", MarginPolicyWord.scanMultipleX8(word), ONE_X8);
        _least("tightenPerSecondX32", MarginPolicyWord.tightenPerSecondX32(word), 1);
    }

    /// @notice Market policy alone.
    function checkMarket(uint256 word) internal pure {
        _fits(word, MarketPolicyWord.BITS);
        _least("maxReturnX16", MarketPolicyWord.maxReturnX16(word), 1);
        uint256 floor = MarketPolicyWord.volatilityFloorX16(word);
        _least("volatilityFloorX16", floor, 1);
        _least("volatilityCeilingX16", MarketPolicyWord.volatilityCeilingX16(word), floor);
        floor = MarketPolicyWord.maintenanceMarginFloorX16(word);
        _least("maintenanceMarginFloorX16", floor, 1);
        _least("maintenanceMarginCeilingX16", MarketPolicyWord.maintenanceMarginCeilingX16(word), floor);
        floor = MarketPolicyWord.scanRangeFloorX16(word);
        _least("scanRangeCeilingX16", MarketPolicyWord.scanRangeCeilingX16(word), floor);
    }

    /// @notice Margin and market policy together: the greatest initial margin and the liquidation bonus leave
    /// something to lend, ceiling * (1 + buffer) + bonus < 1 with the product rounded up to X24 as the circuit does.
    function checkJointly(uint256 marginWord, uint256 marketWord) internal pure {
        uint256 onePlusBufferX10 = ONE_X10 + MarginPolicyWord.initialMarginBufferX10(marginWord);
        uint256 ceilingX24 = MarketPolicyWord.maintenanceMarginCeilingX16(marketWord) << 8;
        uint256 greatestInitialX24 = (ceilingX24 * onePlusBufferX10 + ONE_X10 - 1) >> 10;
        uint256 takenX24 = greatestInitialX24 + (MarketPolicyWord.liquidationBonusX16(marketWord) << 8);
        _greatest("initialMarginX24", takenX24, ONE_X24 - 1);
    }

    /// @notice Freshness policy alone.
    function checkFreshness(IRiskPolicy.FreshnessPolicy memory policy) internal pure {
        _least("maxObservationAgeSeconds", policy.maxObservationAgeSeconds, 1);
        _least("maxParameterAgeSeconds", policy.maxParameterAgeSeconds, policy.maxObservationAgeSeconds);
        _greatest("maxParameterAgeSeconds", policy.maxParameterAgeSeconds, MAX_AGE_SECONDS);
    }

    /// @dev The least s with (s / 2^24)^2 >= horizon in years: the square root rounded up, without taking one.
    function _checkSqrtHorizon(uint256 sqrtHorizonX24, uint256 horizonSeconds) private pure {
        uint256 horizonX48 = horizonSeconds * ONE_X48; // times YEAR_SECONDS on the other side
        if (sqrtHorizonX24 ** 2 * YEAR_SECONDS < horizonX48) {
            revert IRiskPolicy.PolicyBelow("sqrtHorizonX24", sqrtHorizonX24, sqrtHorizonX24 + 1);
        }
        if (sqrtHorizonX24 != 0 && (sqrtHorizonX24 - 1) ** 2 * YEAR_SECONDS >= horizonX48) {
            revert IRiskPolicy.PolicyAbove("sqrtHorizonX24", sqrtHorizonX24, sqrtHorizonX24 - 1);
        }
    }

    function _fits(uint256 word, uint256 bits) private pure {
        if (word >> bits != 0) revert IRiskPolicy.PolicyWordOutOfRange(word, bits);
    }

    function _least(string memory field, uint256 value, uint256 least) private pure {
        if (value < least) revert IRiskPolicy.PolicyBelow(field, value, least);
    }

    function _greatest(string memory field, uint256 value, uint256 greatest) private pure {
        if (value > greatest) revert IRiskPolicy.PolicyAbove(field, value, greatest);
    }
}
