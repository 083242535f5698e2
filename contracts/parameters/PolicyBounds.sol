// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {FieldBounds} from "../generated/FieldBounds.sol";
import {
    LearningPolicyFields,
    LearningPolicyWord,
    MarginPolicyFields,
    MarginPolicyWord,
    MarketPolicyFields,
    MarketPolicyWord
} from "../generated/Words.sol";
import {IRiskPolicy} from "./IRiskPolicy.sol";

/// @title PolicyBounds
/// @notice Which policy words make sense alone and together; what each field may be is declared beside it.
/// @dev The circuit relies on these bounds (widths it does not check again), so every setter goes through here.
library PolicyBounds {
    /// @notice Actual/365 Fixed.
    uint256 internal constant YEAR_SECONDS = 31_536_000;

    uint256 private constant ONE_X10 = 2 ** 10;
    uint256 private constant ONE_X24 = 2 ** 24;
    uint256 private constant ONE_X48 = 2 ** 48;
    /// @dev What is known of a market of a day ago bounds nothing of today's.
    uint256 private constant MAX_AGE_SECONDS = 1 days;
    /// @dev 0.5 % and 12.5 % of notional an hour: a market that nobody proves gets stricter, and an account that had twice the
    /// margin it needed has hours to be mended in.
    uint256 private constant MIN_ADD_ON_PER_HOUR_X24 = 83_886;
    uint256 private constant MAX_ADD_ON_PER_HOUR_X24 = 2 ** 21;
    /// @dev Three quarters of notional: beyond it staleness alone would liquidate what is hardly a loan.
    uint256 private constant MAX_MARGIN_CAP_X24 = 3 * 2 ** 22;
    /// @dev An expected breach in 18 horizons: 5 %, and room for the rounding of both steps.
    uint256 private constant MIN_STEP_RATIO = 18;

    /// @notice Learning policy alone.
    function checkLearning(LearningPolicyWord word) internal pure {
        if (!word.fits()) revert IRiskPolicy.PolicyWordOutOfRange(LearningPolicyWord.unwrap(word), LearningPolicyFields.BITS);
        FieldBounds.checkLearningPolicy(word);
        _least("stepUpX18", word.stepUpX18(), MIN_STEP_RATIO * word.stepDownX18());
        _checkSqrtHorizon(word.sqrtHorizonX24(), word.horizonSeconds());
    }

    /// @notice Margin policy alone.
    function checkMargin(MarginPolicyWord word) internal pure {
        if (!word.fits()) revert IRiskPolicy.PolicyWordOutOfRange(MarginPolicyWord.unwrap(word), MarginPolicyFields.BITS);
        FieldBounds.checkMarginPolicy(word);
    }

    /// @notice Market policy alone.
    function checkMarket(MarketPolicyWord word) internal pure {
        if (!word.fits()) revert IRiskPolicy.PolicyWordOutOfRange(MarketPolicyWord.unwrap(word), MarketPolicyFields.BITS);
        FieldBounds.checkMarketPolicy(word);
    }

    /// @notice Margin and market policy together: the greatest initial margin and the liquidation bonus leave
    /// something to lend, ceiling * (1 + buffer) + bonus < 1 with the product rounded up to X24 as the circuit does.
    function checkJointly(MarginPolicyWord marginWord, MarketPolicyWord marketWord) internal pure {
        uint256 onePlusBufferX10 = ONE_X10 + marginWord.initialMarginBufferX10();
        uint256 ceilingX24 = marketWord.maintenanceMarginCeilingX16() << 8;
        uint256 greatestInitialX24 = (ceilingX24 * onePlusBufferX10 + ONE_X10 - 1) >> 10;
        uint256 takenX24 = greatestInitialX24 + (marketWord.liquidationBonusX16() << 8);
        _greatest("initialMarginX24", takenX24, ONE_X24 - 1);
    }

    /// @notice Freshness policy alone.
    function checkFreshness(IRiskPolicy.FreshnessPolicy memory policy) internal pure {
        _least("maxObservationAgeSeconds", policy.maxObservationAgeSeconds, 1);
        _least("maxParameterAgeSeconds", policy.maxParameterAgeSeconds, policy.maxObservationAgeSeconds);
        _greatest("maxParameterAgeSeconds", policy.maxParameterAgeSeconds, MAX_AGE_SECONDS);
        _least("stalenessAddOnPerHourX24", policy.stalenessAddOnPerHourX24, MIN_ADD_ON_PER_HOUR_X24);
        _greatest("stalenessAddOnPerHourX24", policy.stalenessAddOnPerHourX24, MAX_ADD_ON_PER_HOUR_X24);
        _greatest("maintenanceMarginCapX24", policy.maintenanceMarginCapX24, MAX_MARGIN_CAP_X24);
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

    function _least(string memory field, uint256 value, uint256 least) private pure {
        if (value < least) revert IRiskPolicy.PolicyBelow(field, value, least);
    }

    function _greatest(string memory field, uint256 value, uint256 greatest) private pure {
        if (value > greatest) revert IRiskPolicy.PolicyAbove(field, value, greatest);
    }
}
