// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {
    COLLATERAL_AMOUNTS_WORDS,
    PORTFOLIO_POLICY_WORDS,
    PortfolioPolicyList,
    ROUND_MARKET_WORDS,
    RoundMarketList
} from "../generated/WordLists.sol";
import {
    BasisShocksWord,
    CollateralAmountElement,
    CollateralAmountElements,
    CollateralAmountWord,
    CollateralPolicyElement,
    CollateralPolicyElements,
    CollateralPolicyWord,
    CollateralPriceElement,
    CollateralPriceElements,
    CollateralPriceWord,
    ConcentrationWord,
    ContingenciesWord,
    HoldingsWord,
    LossFactorsWord,
    OptionPositionWord,
    RoundPricesWord,
    ScenarioRegularWord,
    ScenarioSkewWord,
    ScenarioUpOnlyElement,
    ScenarioUpOnlyElements,
    ScenarioUpOnlyWord
} from "../generated/Words.sol";
import {MAX_PRICE_GAP_BPS} from "../parameters/PortfolioPolicyBounds.sol";
import {IImprovement} from "./IImprovement.sol";

/// @title Improvement
/// @notice Twin of prover/portfolio/improvement.ts, bit for bit. A contract of its own, for the registry has no room for it.
/// @dev Of a scenario, maintenance is equity + damping · factor · (change of options + hedge · (shock − 1)) − charges: linear in
/// cash, perpetuals and collateral but for the charges, and Lipschitz in each option's quantity. Everything is rounded up.
contract Improvement is IImprovement {
    using PortfolioPolicyList for uint256[PORTFOLIO_POLICY_WORDS];
    using RoundMarketList for uint256[ROUND_MARKET_WORDS];

    uint256 private constant REGULAR = 3 * PortfolioPolicyList.SCENARIO_REGULAR_COUNT;
    uint256 private constant LINEAR_SKEW = REGULAR + PortfolioPolicyList.SCENARIO_UP_ONLY_COUNT * ScenarioUpOnlyElements.PER_WORD;
    uint256 private constant BASIS = LINEAR_SKEW + 2;
    uint256 private constant ONE_X40 = 2 ** 40;
    /// @dev Bounds of an array header's factors, by their widths.
    uint256 private constant DISCOUNT_FACTOR = 2 ** 3;
    uint256 private constant BASIS_FACTOR = 2 ** 12;
    /// @dev Of the policy's loss factors, by their width.
    uint256 private constant LOSS_FACTOR = 2 ** 4;
    /// @dev The registry takes no forward that is further from spot.
    uint256 private constant FORWARD_FACTOR = 1 + MAX_PRICE_GAP_BPS / 10_000;
    /// @dev Words before the positions.
    uint256 private constant BESIDES = 1 + COLLATERAL_AMOUNTS_WORDS;
    /// @dev Results that are cut to a unit of M: one an expiry, the hedge, the worst of scenarios.
    uint256 private constant CUTS = 4;
    uint256 private constant M = 2 ** 32;

    /// @dev What a scenario does to what an account holds.
    /// @param swingX120  what a hedge gains in it, times damping and loss factor; signed
    /// @param weight    most that a unit of an option's value counts: its change, and its mark
    /// @param mostE8    most that an option is worth besides its strike: any forward, up or down
    struct Effect {
        int256 swingX120;
        uint256 weight;
        uint256 mostE8;
    }

    /// @inheritdoc IImprovement
    function atMost(
        uint256 scenario,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        uint256[] calldata policy,
        uint256[] calldata before,
        uint256[] calldata present
    ) external pure returns (int256 improvementE20) {
        uint256[PORTFOLIO_POLICY_WORDS] memory words;
        for (uint256 i = 0; i < PORTFOLIO_POLICY_WORDS; ++i) {
            words[i] = policy[i];
        }
        RoundPricesWord prices = marketWords.roundPrices();
        Effect memory effect = _effectOf(scenario, words, prices.spotE8());
        improvementE20 = _ofCash(HoldingsWord.wrap(before[0]), HoldingsWord.wrap(present[0]));
        improvementE20 += _ofPerps(effect, words, prices, HoldingsWord.wrap(before[0]), HoldingsWord.wrap(present[0]));
        for (uint256 i = 0; i < COLLATERAL_AMOUNTS_WORDS * CollateralAmountElements.PER_WORD; ++i) {
            int256 change = _amountOf(present, i) - _amountOf(before, i);
            if (change != 0) improvementE20 += _ofCollateral(effect, words, marketWords, i, change);
        }
        return improvementE20 + int256(_ofOptions(effect, words, prices.spotE8(), before, present));
    }

    function _effectOf(
        uint256 scenario,
        uint256[PORTFOLIO_POLICY_WORDS] memory words,
        uint256 spotE8
    ) private pure returns (Effect memory effect) {
        LossFactorsWord factors = words.lossFactors();
        uint256 factorX40 = factors.maintenanceFactorX40();
        if (scenario >= BASIS) {
            BasisShocksWord basis = words.basisShocks();
            effect.weight = 2 * BASIS_FACTOR * _up(factorX40, ONE_X40) + 1;
            effect.mostE8 = _up(FORWARD_FACTOR * spotE8 * basis.basisUpX40(), ONE_X40);
            return effect; // a hedge has no basis
        }
        (uint256 shockX40, uint256 dampingX40) = _scenarioOf(scenario, words);
        effect.swingX120 = (int256(shockX40) - int256(ONE_X40)) * int256(dampingX40 * factorX40);
        uint256 damped = _up(dampingX40 * factorX40, ONE_X40 * ONE_X40);
        effect.weight = (DISCOUNT_FACTOR + 1) * damped + 1;
        uint256 highestX40 = shockX40 > ONE_X40 ? shockX40 : ONE_X40;
        effect.mostE8 = _up(FORWARD_FACTOR * spotE8 * highestX40, ONE_X40);
    }

    function _scenarioOf(
        uint256 scenario,
        uint256[PORTFOLIO_POLICY_WORDS] memory words
    ) private pure returns (uint256 shockX40, uint256 dampingX40) {
        if (scenario < REGULAR) {
            ScenarioRegularWord regular = words.scenarioRegular(scenario / 3);
            uint256 way = scenario % 3;
            dampingX40 = way == 0 ? regular.dampingUpX40() : way == 1 ? regular.dampingNoneX40() : regular.dampingDownX40();
            return (regular.shockX40(), dampingX40);
        }
        if (scenario < LINEAR_SKEW) {
            uint256 index = scenario - REGULAR;
            ScenarioUpOnlyWord word = words.scenarioUpOnly(index / ScenarioUpOnlyElements.PER_WORD);
            ScenarioUpOnlyElement upOnly = word.element(index % ScenarioUpOnlyElements.PER_WORD);
            return (upOnly.shockX40(), upOnly.dampingX40());
        }
        ScenarioSkewWord skew = words.scenarioSkew();
        if (scenario == LINEAR_SKEW) return (skew.shockLinearX40(), skew.dampingLinearX40());
        return (skew.shockAbsoluteX40(), skew.dampingAbsoluteX40());
    }

    /// @dev Exact: nothing is charged on cash.
    function _ofCash(HoldingsWord before, HoldingsWord present) private pure returns (int256) {
        int256 change = present.cashE12() + present.perpPnlE12() - before.cashE12() - before.perpPnlE12();
        return change * 10 ** 8;
    }

    function _ofPerps(
        Effect memory effect,
        uint256[PORTFOLIO_POLICY_WORDS] memory words,
        RoundPricesWord prices,
        HoldingsWord held,
        HoldingsWord holds
    ) private pure returns (int256) {
        int256 change = holds.perpsE12() - held.perpsE12();
        uint256 fewer = 0;
        if (_size(holds.perpsE12()) < _size(held.perpsE12())) fewer = _size(held.perpsE12()) - _size(holds.perpsE12());
        ContingenciesWord charged = words.contingencies();
        ConcentrationWord concentrated = words.concentration();
        uint256 chargeX40 = charged.maintenancePerpX40() + concentrated.concentrationX40();
        uint256 freedE20 = _up(fewer * prices.spotE8() * chargeX40, ONE_X40);
        return _scaled(change * int256(prices.perpPriceE8()), effect.swingX120) + int256(freedE20);
    }

    function _amountOf(uint256[] calldata held, uint256 i) private pure returns (int256) {
        CollateralAmountWord word = CollateralAmountWord.wrap(held[1 + i / CollateralAmountElements.PER_WORD]);
        CollateralAmountElement amount = word.element(i % CollateralAmountElements.PER_WORD);
        return int256(amount.amountE12());
    }

    function _ofCollateral(
        Effect memory effect,
        uint256[PORTFOLIO_POLICY_WORDS] memory words,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        uint256 i,
        int256 change
    ) private pure returns (int256 improvementE20) {
        CollateralPolicyWord policyWord = words.collateralPolicy(i / CollateralPolicyElements.PER_WORD);
        CollateralPolicyElement policy = policyWord.element(i % CollateralPolicyElements.PER_WORD);
        int256 valueE20 = _scaledX20(change * int256(_priceE8X20(marketWords, i)));
        improvementE20 = valueE20;
        if (policy.movesWithSpot() != 0) {
            improvementE20 += _scaled(valueE20, effect.swingX120) + int256(_size(effect.swingX120) >> 120) + 1;
        }
        if (change >= 0) return improvementE20;
        ConcentrationWord concentrated = words.concentration();
        uint256 chargeX40 = policy.maintenanceHaircutX40() + concentrated.concentrationX40();
        return improvementE20 + int256(_up((_size(valueE20) + 1) * chargeX40, ONE_X40));
    }

    /// @dev Price of a collateral in the settlement currency, as the circuits have it.
    function _priceE8X20(uint256[ROUND_MARKET_WORDS] calldata marketWords, uint256 i) private pure returns (uint256) {
        RoundPricesWord prices = marketWords.roundPrices();
        CollateralPriceWord word = marketWords.collateralPrices(i / CollateralPriceElements.PER_WORD);
        CollateralPriceElement price = word.element(i % CollateralPriceElements.PER_WORD);
        return ((price.priceE12() * 10 ** 8) << 20) / prices.stablePriceE12();
    }

    /// @dev Each option that is held of more or of less, once; so lists that are not in order only count for more.
    function _ofOptions(
        Effect memory effect,
        uint256[PORTFOLIO_POLICY_WORDS] memory words,
        uint256 spotE8,
        uint256[] calldata before,
        uint256[] calldata present
    ) private pure returns (uint256 sum) {
        ContingenciesWord charged = words.contingencies();
        ConcentrationWord concentrated = words.concentration();
        uint256 chargeE8 = _up(spotE8 * (charged.maintenanceOptionX40() + concentrated.concentrationX40()), ONE_X40);
        uint256 i = BESIDES;
        uint256 j = BESIDES;
        while (i < before.length || j < present.length) {
            uint256 one = i < before.length ? _key(before[i]) : type(uint256).max;
            uint256 other = j < present.length ? _key(present[j]) : type(uint256).max;
            OptionPositionWord any = OptionPositionWord.wrap(one <= other ? before[i] : present[j]);
            uint256 quantity = one == other ? _difference(any, OptionPositionWord.wrap(present[j])) : _quantity(any);
            uint256 worthE8 = any.strikeE8() > effect.mostE8 ? any.strikeE8() : effect.mostE8;
            sum += quantity * ((worthE8 + 1) * effect.weight + chargeE8);
            if (one <= other) ++i;
            if (other <= one) ++j;
        }
        return sum + (before.length + present.length - 2 * BESIDES + CUTS) * (effect.weight + LOSS_FACTOR) * M;
    }

    function _key(uint256 position) private pure returns (uint256) {
        OptionPositionWord word = OptionPositionWord.wrap(position);
        return (word.expiry() << 48) | word.strikeE8();
    }

    function _quantity(OptionPositionWord word) private pure returns (uint256) {
        return _size(word.callsE12()) + _size(word.putsE12());
    }

    function _difference(OptionPositionWord one, OptionPositionWord other) private pure returns (uint256) {
        return _size(one.callsE12() - other.callsE12()) + _size(one.putsE12() - other.putsE12());
    }

    function _size(int256 value) private pure returns (uint256) {
        return uint256(value < 0 ? -value : value);
    }

    /// @dev value · factor · 2^-120, rounded up; |value| is below 2^116 and |factor| below 2^130.
    function _scaled(int256 value, int256 factorX120) private pure returns (int256) {
        return ((value * factorX120) >> 120) + 1;
    }

    function _scaledX20(int256 valueX20) private pure returns (int256) {
        return (valueX20 >> 20) + 1;
    }

    function _up(uint256 numerator, uint256 denominator) private pure returns (uint256) {
        return (numerator + denominator - 1) / denominator;
    }
}
