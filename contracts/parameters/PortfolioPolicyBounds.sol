// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {
    CollateralPolicyWord,
    ContingenciesWord,
    LongDiscountWord,
    LossFactorsWord,
    ScenarioRegularWord,
    ScenarioSpecialWord,
    ScenarioUpOnlyWord,
    ShortDiscountWord,
    SkewAbsoluteWord,
    SkewLinearWord,
    VolatilityShocksWord
} from "../generated/PackedWords.sol";
import {IPortfolioPolicy} from "./IPortfolioPolicy.sol";

/// @title PortfolioPolicyBounds
/// @notice Which words of a portfolio policy make sense, alone and together.
/// @dev The initial factor may be below the maintenance factor: initial margin has contingencies of its own on top.
library PortfolioPolicyBounds {
    /// @notice Where the kinds of words begin in a policy.
    uint256 internal constant UP_ONLY = 7;
    uint256 internal constant SPECIAL = 12;
    uint256 internal constant VOLATILITY_SHOCKS = 13;
    uint256 internal constant SKEW_LINEAR = 14;
    uint256 internal constant SKEW_ABSOLUTE = 15;
    uint256 internal constant LONG_DISCOUNT = 16;
    uint256 internal constant SHORT_DISCOUNT = 17;
    uint256 internal constant LOSS_FACTORS = 18;
    uint256 internal constant CONTINGENCIES = 19;
    uint256 internal constant COLLATERAL = 20;
    uint256 internal constant WORDS = 24;

    /// @dev The shock of the scenario that leaves spot where it is.
    uint256 private constant CENTRE = 3;
    uint256 private constant ONE_X40 = 2 ** 40;
    /// @dev Three times notional, the most that Derive's own policy setter takes.
    uint256 private constant MAX_CONTINGENCY_X40 = 3 * ONE_X40;
    uint256 private constant MAX_AGE_SECONDS = 30 days;

    /// @notice A whole policy.
    function check(uint256[24] memory words) internal pure {
        for (uint256 i = 0; i < WORDS; ++i) {
            uint256 bits = _bitsOf(i);
            if (words[i] >> bits != 0) revert IPortfolioPolicy.PortfolioWordOutOfRange(i, words[i], bits);
        }
        _checkRegular(words);
        _checkUpOnly(words);
        uint256 special = words[SPECIAL];
        _least("basisUpX40", ScenarioSpecialWord.basisUpX40(special), ONE_X40);
        _greatest("basisDownX40", ScenarioSpecialWord.basisDownX40(special), ONE_X40);
        uint256 threshold = ShortDiscountWord.confidenceThresholdX40(words[SHORT_DISCOUNT]);
        _greatest("confidenceThresholdX40", threshold, ONE_X40);
        uint256 marginThreshold = LossFactorsWord.confidenceThresholdX40(words[LOSS_FACTORS]);
        // One threshold for all feeds, which stands in two words because two circuits read it.
        _least("confidenceThresholdX40", marginThreshold, threshold);
        _greatest("confidenceThresholdX40", marginThreshold, threshold);
        _checkContingencies(words[CONTINGENCIES]);
        for (uint256 i = COLLATERAL; i < WORDS; ++i) _checkCollateral(words[i]);
    }

    /// @notice Policy of freshness.
    function checkFreshness(IPortfolioPolicy.PortfolioFreshness memory freshness) internal pure {
        _least("maxRoundAgeSeconds", freshness.maxRoundAgeSeconds, 1);
        _least("maxMarginAgeSeconds", freshness.maxMarginAgeSeconds, freshness.maxRoundAgeSeconds);
        _greatest("maxMarginAgeSeconds", freshness.maxMarginAgeSeconds, MAX_AGE_SECONDS);
    }

    /// @dev Shocks from the highest to the lowest, the middle one none at all: thresholds are found by walking outwards.
    function _checkRegular(uint256[24] memory words) private pure {
        uint256 previous = type(uint256).max;
        for (uint256 i = 0; i < UP_ONLY; ++i) {
            uint256 shock = ScenarioRegularWord.shockX40(words[i]);
            _least("regularShockX40", shock, 1);
            _greatest("regularShockX40", shock, previous);
            previous = shock;
        }
        uint256 centre = ScenarioRegularWord.shockX40(words[CENTRE]);
        _least("regularShockX40", centre, ONE_X40);
        _greatest("regularShockX40", centre, ONE_X40);
    }

    function _checkUpOnly(uint256[24] memory words) private pure {
        for (uint256 i = UP_ONLY; i < SPECIAL; ++i) {
            for (uint256 j = 0; j < ScenarioUpOnlyWord.PER_WORD; ++j) {
                _least("upOnlyShockX40", ScenarioUpOnlyWord.shockX40(words[i], j), 1);
            }
        }
    }

    function _checkContingencies(uint256 word) private pure {
        _greatest("maintenancePerpX40", ContingenciesWord.maintenancePerpX40(word), MAX_CONTINGENCY_X40);
        _greatest("initialPerpX40", ContingenciesWord.initialPerpX40(word), MAX_CONTINGENCY_X40);
        _greatest("maintenanceOptionX40", ContingenciesWord.maintenanceOptionX40(word), MAX_CONTINGENCY_X40);
        _greatest("initialOptionX40", ContingenciesWord.initialOptionX40(word), MAX_CONTINGENCY_X40);
    }

    function _checkCollateral(uint256 word) private pure {
        for (uint256 j = 0; j < CollateralPolicyWord.PER_WORD; ++j) {
            _greatest("haircutX40", CollateralPolicyWord.initialHaircutX40(word, j), ONE_X40);
            _greatest("haircutX40", CollateralPolicyWord.maintenanceHaircutX40(word, j), ONE_X40);
            uint256 threshold = CollateralPolicyWord.confidenceThresholdX40(word, j);
            _greatest("collateralConfidenceThresholdX40", threshold, ONE_X40);
        }
    }

    function _bitsOf(uint256 index) private pure returns (uint256) {
        if (index < UP_ONLY) return ScenarioRegularWord.BITS;
        if (index < SPECIAL) return ScenarioUpOnlyWord.BITS;
        if (index == SPECIAL) return ScenarioSpecialWord.BITS;
        if (index == VOLATILITY_SHOCKS) return VolatilityShocksWord.BITS;
        if (index == SKEW_LINEAR) return SkewLinearWord.BITS;
        if (index == SKEW_ABSOLUTE) return SkewAbsoluteWord.BITS;
        if (index == LONG_DISCOUNT) return LongDiscountWord.BITS;
        if (index == SHORT_DISCOUNT) return ShortDiscountWord.BITS;
        if (index == LOSS_FACTORS) return LossFactorsWord.BITS;
        if (index == CONTINGENCIES) return ContingenciesWord.BITS;
        return CollateralPolicyWord.BITS;
    }

    function _least(string memory field, uint256 value, uint256 least) private pure {
        if (value < least) revert IPortfolioPolicy.PortfolioPolicyBelow(field, value, least);
    }

    function _greatest(string memory field, uint256 value, uint256 greatest) private pure {
        if (value > greatest) revert IPortfolioPolicy.PortfolioPolicyAbove(field, value, greatest);
    }
}
