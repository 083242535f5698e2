// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {PORTFOLIO_POLICY_WORDS, PortfolioPolicyList} from "../generated/WordLists.sol";
import {
    BasisShocksWord,
    CollateralPolicyElement,
    CollateralPolicyElements,
    CollateralPolicyWord,
    ConcentrationWord,
    ContingenciesWord,
    LossFactorsWord,
    ScenarioRegularWord,
    ScenarioSkewWord,
    ScenarioUpOnlyElement,
    ScenarioUpOnlyElements,
    ScenarioUpOnlyWord,
    ShortDiscountWord
} from "../generated/Words.sol";
import {ClockSkew} from "../market/ClockSkew.sol";
import {IPortfolioPolicy} from "./IPortfolioPolicy.sol";

/// @dev A factor of 2, which carry has never come to; witnesses rely on it, see {Improvement}.
uint32 constant MAX_PRICE_GAP_BPS = 10_000;

/// @title PortfolioPolicyBounds
/// @notice Which words of a portfolio policy make sense, alone and together.
/// @dev A contract of its own, for the registry has no room for it. The initial factor may be below the maintenance factor:
/// initial margin has contingencies of its own on top.
contract PortfolioPolicyBounds {
    using PortfolioPolicyList for uint256[PORTFOLIO_POLICY_WORDS];

    /// @dev The shock of the scenario that leaves spot where it is.
    uint256 private constant CENTRE = PortfolioPolicyList.SCENARIO_REGULAR_COUNT / 2;
    uint256 private constant ONE_X40 = 2 ** 40;
    /// @dev Three times notional, the most that Derive's own policy setter takes.
    uint256 private constant MAX_CONTINGENCY_X40 = 3 * ONE_X40;
    uint256 private constant MAX_AGE_SECONDS = 30 days;
    /// @dev A tenth: forwards of two years have been as far from spot.
    uint256 private constant MIN_PRICE_GAP_BPS = 1_000;

    /// @notice A whole policy.
    function check(uint256[PORTFOLIO_POLICY_WORDS] calldata given) external pure {
        uint256[PORTFOLIO_POLICY_WORDS] memory words = given;
        for (uint256 i = 0; i < PORTFOLIO_POLICY_WORDS; ++i) {
            uint256 bits = PortfolioPolicyList.bitsAt(i);
            if (words[i] >> bits != 0) revert IPortfolioPolicy.PortfolioWordOutOfRange(i, words[i], bits);
        }
        _checkRegular(words);
        _checkUpOnly(words);
        BasisShocksWord basis = words.basisShocks();
        _least("basisUpX40", basis.basisUpX40(), ONE_X40);
        _greatest("basisDownX40", basis.basisDownX40(), ONE_X40);
        ScenarioSkewWord skew = words.scenarioSkew();
        _least("skewShockX40", skew.shockLinearX40(), 1);
        _least("skewShockX40", skew.shockAbsoluteX40(), 1);
        ShortDiscountWord discount = words.shortDiscount();
        uint256 threshold = discount.confidenceThresholdX40();
        _greatest("confidenceThresholdX40", threshold, ONE_X40);
        LossFactorsWord loss = words.lossFactors();
        // One threshold for all feeds, which stands in two words because two circuits read it.
        _least("confidenceThresholdX40", loss.confidenceThresholdX40(), threshold);
        _greatest("confidenceThresholdX40", loss.confidenceThresholdX40(), threshold);
        _checkContingencies(words.contingencies(), words.concentration());
        for (uint256 i = 0; i < PortfolioPolicyList.COLLATERAL_POLICY_COUNT; ++i) {
            _checkCollateral(words.collateralPolicy(i));
        }
    }

    /// @notice Policy of freshness.
    function checkFreshness(IPortfolioPolicy.PortfolioFreshness calldata freshness) external pure {
        _least("maxRoundAgeSeconds", freshness.maxRoundAgeSeconds, ClockSkew.SECONDS);
        _least("maxMarginAgeSeconds", freshness.maxMarginAgeSeconds, freshness.maxRoundAgeSeconds);
        _greatest("maxMarginAgeSeconds", freshness.maxMarginAgeSeconds, MAX_AGE_SECONDS);
        // A round of a clock that is ahead would outdate the others at once.
        _least("maxRoundLagSeconds", freshness.maxRoundLagSeconds, ClockSkew.SECONDS);
        _greatest("maxRoundLagSeconds", freshness.maxRoundLagSeconds, freshness.maxRoundAgeSeconds);
    }

    /// @notice How far a round's prices may be apart.
    function checkPriceGap(uint256 gapBps) external pure {
        _least("roundPriceGapBps", gapBps, MIN_PRICE_GAP_BPS);
        _greatest("roundPriceGapBps", gapBps, MAX_PRICE_GAP_BPS);
    }

    /// @dev Shocks from the highest to the lowest, the middle one none at all: thresholds are found by walking outwards.
    function _checkRegular(uint256[PORTFOLIO_POLICY_WORDS] memory words) private pure {
        uint256 previous = type(uint256).max;
        for (uint256 i = 0; i < PortfolioPolicyList.SCENARIO_REGULAR_COUNT; ++i) {
            ScenarioRegularWord scenario = words.scenarioRegular(i);
            uint256 shock = scenario.shockX40();
            _least("regularShockX40", shock, 1);
            _greatest("regularShockX40", shock, previous);
            previous = shock;
        }
        uint256 centre = words.scenarioRegular(CENTRE).shockX40();
        _least("regularShockX40", centre, ONE_X40);
        _greatest("regularShockX40", centre, ONE_X40);
    }

    function _checkUpOnly(uint256[PORTFOLIO_POLICY_WORDS] memory words) private pure {
        for (uint256 i = 0; i < PortfolioPolicyList.SCENARIO_UP_ONLY_COUNT; ++i) {
            ScenarioUpOnlyWord word = words.scenarioUpOnly(i);
            for (uint256 j = 0; j < ScenarioUpOnlyElements.PER_WORD; ++j) {
                ScenarioUpOnlyElement scenario = word.element(j);
                _least("upOnlyShockX40", scenario.shockX40(), 1);
            }
        }
    }

    function _checkContingencies(ContingenciesWord word, ConcentrationWord concentration) private pure {
        _greatest("maintenancePerpX40", word.maintenancePerpX40(), MAX_CONTINGENCY_X40);
        _greatest("initialPerpX40", word.initialPerpX40(), MAX_CONTINGENCY_X40);
        _greatest("maintenanceOptionX40", word.maintenanceOptionX40(), MAX_CONTINGENCY_X40);
        _greatest("initialOptionX40", word.initialOptionX40(), MAX_CONTINGENCY_X40);
        _greatest("concentrationX40", concentration.concentrationX40(), ONE_X40);
    }

    function _checkCollateral(CollateralPolicyWord word) private pure {
        for (uint256 j = 0; j < CollateralPolicyElements.PER_WORD; ++j) {
            CollateralPolicyElement asset = word.element(j);
            _greatest("haircutX40", asset.initialHaircutX40(), ONE_X40);
            _greatest("haircutX40", asset.maintenanceHaircutX40(), ONE_X40);
            uint256 threshold = asset.confidenceThresholdX40();
            _greatest("collateralConfidenceThresholdX40", threshold, ONE_X40);
        }
    }

    function _least(string memory field, uint256 value, uint256 least) private pure {
        if (value < least) revert IPortfolioPolicy.PortfolioPolicyBelow(field, value, least);
    }

    function _greatest(string memory field, uint256 value, uint256 greatest) private pure {
        if (value > greatest) revert IPortfolioPolicy.PortfolioPolicyAbove(field, value, greatest);
    }
}
