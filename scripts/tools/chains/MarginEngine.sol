// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {FixedPointMathLib} from "solady/src/utils/FixedPointMathLib.sol";

/// @title MarginEngine
/// @notice What margins cost without proofs: the same portfolio margin, computed on the chain option by option and scenario by
/// scenario. The benchmark's other side; straightforward, with solady's logarithm, exponential and square root.
/// @dev Numbers are WAD (value * 1e18) unless named otherwise. Years have 365 days.
contract MarginEngine {
    using FixedPointMathLib for int256;

    int256 private constant ONE = 1e18;
    uint256 private constant YEAR_SECONDS = 31_536_000;
    int256 private constant MONTH_SECONDS = 30 days;
    int256 private constant MOST_DEVIATIONS = 24e18;
    int256 private constant MOST_VARIANCE = 20e18;

    enum Move {
        None,
        Up,
        Down,
        Linear,
        Absolute
    }

    struct Option {
        uint256 expiry; // index
        int256 strike;
        int256 amount;
        bool isCall;
    }

    struct Expiry {
        uint256 secondsToExpiry;
        int256 forwardVariable;
        int256 forwardFixed;
        int256 rate;
        int256 confidence;
        int256[5] svi; // a, b, rho, m, sigma
        int256 forwardRef;
        int256 tauRef;
    }

    struct Scenario {
        int256 shock;
        int256 damping;
        Move move;
    }

    struct Collateral {
        int256 amount;
        int256 price;
        int256 confidence;
        int256 confidenceThreshold;
        int256 initialHaircut;
        int256 maintenanceHaircut;
        bool movesWithSpot;
    }

    struct Market {
        int256 spot;
        int256 spotConfidence;
        int256 perpPrice;
        int256 perpConfidence;
        int256 stablePrice;
    }

    struct Parameters {
        Scenario[] scenarios;
        int256[5] volatility; // range up, range down, short power, long power, floor of a raised volatility
        int256 tenorFloorSeconds;
        int256[8] skew; // linear cap, its slope, absolute cap, its slope, width floor, width scale, volatility, its slope
        int256[3] longDiscount; // base, rate multiple, rate add
        int256[3] shortDiscount;
        int256[4] basis; // up, down, add, slope
        int256[5] loss; // maintenance factor, initial factor, peg threshold, peg loss, confidence threshold
        int256[5] contingency; // perp maintenance, perp initial, option maintenance, option initial, confidence margin
    }

    struct Portfolio {
        int256 cash;
        int256 perps;
        int256 perpPnl;
        Option[] options; // by expiry, then strike
        Expiry[] expiries;
        Collateral[] collateral;
        Market market;
    }

    /// @dev What is the same for all options of an expiry.
    struct Terms {
        int256 tau;
        int256 sqrtTau;
        int256 forward;
        int256 discount;
        int256 long;
        int256 short;
        int256 up;
        int256 down;
        int256 linearCap;
        int256 absoluteCap;
        int256 width;
    }

    /// @notice Margins of an account, and the gas that their computation took.
    function margins(
        Portfolio memory portfolio,
        Parameters memory parameters
    ) external view returns (int256 initial, int256 maintenance, uint256 spent) {
        uint256 before = gasleft();
        (initial, maintenance) = _margins(portfolio, parameters);
        spent = before - gasleft();
    }

    /// @notice Undiscounted price of a call.
    function black76(int256 forward, int256 strike, int256 deviation) public pure returns (int256) {
        if (deviation == 0) return forward > strike ? forward - strike : int256(0);
        if (deviation >= MOST_DEVIATIONS) return forward;
        int256 logarithm = FixedPointMathLib.lnWad(_div(forward, strike));
        int256 d1 = _div(logarithm + _mul(deviation, deviation) / 2, deviation);
        return _mul(forward, normal(d1)) - _mul(strike, normal(d1 - deviation));
    }

    /// @notice Normal distribution function, error below 1e-15: J. F. Hart et al., Computer Approximations (1968), 5666,
    /// in the form of G. West, Better approximations to cumulative normal functions, Wilmott (2005).
    function normal(int256 x) public pure returns (int256 probability) {
        int256 z = x < 0 ? -x : x;
        if (z > 37e18) return x < 0 ? int256(0) : ONE;
        int256 exponential = FixedPointMathLib.expWad(-_mul(z, z) / 2);
        if (z < 7.07106781186547e18) {
            int256 top = 0.0352624965998911e18;
            top = _mul(top, z) + 0.700383064443688e18;
            top = _mul(top, z) + 6.37396220353165e18;
            top = _mul(top, z) + 33.912866078383e18;
            top = _mul(top, z) + 112.079291497871e18;
            top = _mul(top, z) + 221.213596169931e18;
            top = _mul(top, z) + 220.206867912376e18;
            int256 bottom = 0.0883883476483184e18;
            bottom = _mul(bottom, z) + 1.75566716318264e18;
            bottom = _mul(bottom, z) + 16.064177579207e18;
            bottom = _mul(bottom, z) + 86.7807322029461e18;
            bottom = _mul(bottom, z) + 296.564248779674e18;
            bottom = _mul(bottom, z) + 637.333633378831e18;
            bottom = _mul(bottom, z) + 793.826512519948e18;
            bottom = _mul(bottom, z) + 440.413735824752e18;
            probability = _div(_mul(exponential, top), bottom);
        } else {
            int256 tail = z + 0.65e18;
            tail = z + _div(4e18, tail);
            tail = z + _div(3e18, tail);
            tail = z + _div(2e18, tail);
            tail = z + _div(ONE, tail);
            probability = _div(exponential, _mul(tail, 2.506628274631e18));
        }
        if (x > 0) probability = ONE - probability;
    }

    function _margins(
        Portfolio memory portfolio,
        Parameters memory parameters
    ) private pure returns (int256 initial, int256 maintenance) {
        Market memory market = portfolio.market;
        (int256[] memory pnl, int256 basis, int256 mark) = _options(portfolio, parameters);
        int256 hedge = _mul(portfolio.perps, market.perpPrice);
        int256 collateralValue;
        for (uint256 i = 0; i < portfolio.collateral.length; ++i) {
            int256 value = _value(portfolio.collateral[i], market);
            collateralValue += value;
            if (portfolio.collateral[i].movesWithSpot) hedge += value;
        }
        int256 worst = basis;
        for (uint256 i = 0; i < pnl.length; ++i) {
            Scenario memory scenario = parameters.scenarios[i];
            int256 change = _mul(pnl[i] + _mul(hedge, scenario.shock - ONE), scenario.damping);
            if (change < worst) worst = change;
        }
        (int256 ofBoth, int256 ofInitial) = _contingencies(portfolio, parameters);
        int256 equity = mark + collateralValue + portfolio.perpPnl + portfolio.cash;
        maintenance = _mul(worst, parameters.loss[0]) - ofBoth + equity;
        int256 factor = parameters.loss[1];
        if (market.stablePrice < parameters.loss[2]) {
            factor += _mul(parameters.loss[2] - market.stablePrice, parameters.loss[3]);
        }
        initial = _mul(worst, factor) - ofBoth - ofInitial + equity;
    }

    /// @dev Gain or loss of all options in every scenario, basis contingency, discounted value.
    function _options(
        Portfolio memory portfolio,
        Parameters memory parameters
    ) private pure returns (int256[] memory pnl, int256 basis, int256 mark) {
        pnl = new int256[](parameters.scenarios.length);
        for (uint256 e = 0; e < portfolio.expiries.length; ++e) {
            Expiry memory expiry = portfolio.expiries[e];
            Terms memory terms = _terms(expiry, parameters);
            int256[] memory volatilities = _volatilities(portfolio.options, e, expiry);
            int256 value = _worth(portfolio.options, e, expiry, terms, volatilities, parameters, ONE, Move.None);
            mark += value;
            for (uint256 s = 0; s < pnl.length; ++s) {
                Scenario memory scenario = parameters.scenarios[s];
                int256 shocked = _worth(
                    portfolio.options,
                    e,
                    expiry,
                    terms,
                    volatilities,
                    parameters,
                    scenario.shock,
                    scenario.move
                );
                int256 change = _mul(shocked, shocked >= 0 ? terms.long : terms.short) - value;
                if (scenario.move >= Move.Linear && change > 0) change = -change;
                pnl[s] += change;
            }
            int256 fall;
            for (uint256 i = 0; i < 2; ++i) {
                int256 moved = _worth(
                    portfolio.options,
                    e,
                    expiry,
                    terms,
                    volatilities,
                    parameters,
                    parameters.basis[i],
                    Move.None
                ) - value;
                if (moved < fall) fall = moved;
            }
            basis += _mul(fall, parameters.basis[2] + _mul(parameters.basis[3], terms.tau));
        }
    }

    /// @dev Discounted value of the options of an expiry under one shock.
    function _worth(
        Option[] memory options,
        uint256 index,
        Expiry memory expiry,
        Terms memory terms,
        int256[] memory volatilities,
        Parameters memory parameters,
        int256 shock,
        Move move
    ) private pure returns (int256 value) {
        int256 forward = _mul(expiry.forwardVariable, shock) + expiry.forwardFixed;
        for (uint256 i = 0; i < options.length; ++i) {
            Option memory option = options[i];
            if (option.expiry != index) continue;
            int256 volatility = _shocked(volatilities[i], option.strike, terms, parameters, move);
            int256 price = black76(forward, option.strike, _mul(volatility, terms.sqrtTau));
            if (!option.isCall) price += option.strike - forward;
            value += _mul(option.amount, price);
        }
        value = _mul(value, terms.discount);
    }

    function _shocked(
        int256 volatility,
        int256 strike,
        Terms memory terms,
        Parameters memory parameters,
        Move move
    ) private pure returns (int256 shocked) {
        if (move == Move.None) return volatility;
        if (move == Move.Up) {
            shocked = _mul(volatility, terms.up);
            int256 least = parameters.volatility[4];
            return shocked < least ? least : shocked;
        }
        if (move == Move.Down) return _mul(volatility, terms.down);
        int256 moneyness = FixedPointMathLib.lnWad(_div(strike, terms.forward));
        int256 cap = move == Move.Linear ? terms.linearCap : terms.absoluteCap;
        int256 reach = _div(_mul(moneyness < 0 ? -moneyness : moneyness, cap), terms.width);
        if (reach > cap) reach = cap;
        int256 factor = moneyness < 0 && move == Move.Linear ? ONE - reach : ONE + reach;
        return factor > 0 ? _mul(volatility, factor) : int256(0);
    }

    function _terms(Expiry memory expiry, Parameters memory parameters) private pure returns (Terms memory terms) {
        uint256 left = expiry.secondsToExpiry;
        int256 tau = int256((left * uint256(ONE)) / YEAR_SECONDS);
        int256 rate = expiry.rate > 0 ? expiry.rate : int256(0);
        terms.tau = tau;
        terms.sqrtTau = int256(FixedPointMathLib.sqrt(uint256(tau) * uint256(ONE)));
        terms.forward = expiry.forwardVariable + expiry.forwardFixed;
        terms.discount = FixedPointMathLib.expWad(-_mul(rate, tau));
        (terms.long, terms.short) = _staticDiscounts(left, tau, rate, terms.discount, parameters);
        int256 tenor = int256(left) > parameters.tenorFloorSeconds ? int256(left) : parameters.tenorFloorSeconds;
        int256 power = parameters.volatility[int256(left) <= MONTH_SECONDS ? 2 : 3];
        int256 scale = FixedPointMathLib.powWad((MONTH_SECONDS * ONE) / tenor, power);
        terms.up = ONE + _mul(parameters.volatility[0], scale);
        terms.down = ONE - _mul(parameters.volatility[1], scale);
        if (terms.down < 0) terms.down = 0;
        int256[8] memory skew = parameters.skew;
        terms.linearCap = skew[0] + _mul(skew[1], terms.sqrtTau);
        terms.absoluteCap = skew[2] + _mul(skew[3], terms.sqrtTau);
        terms.width = _mul(_mul(terms.sqrtTau, skew[5]), skew[6] + _mul(terms.sqrtTau, skew[7]));
        if (terms.width < skew[4]) terms.width = skew[4];
    }

    function _staticDiscounts(
        uint256 left,
        int256 tau,
        int256 rate,
        int256 discount,
        Parameters memory parameters
    ) private pure returns (int256 long, int256 short) {
        if (left == 0) return (ONE, ONE);
        int256[3] memory words = parameters.longDiscount;
        long = _mul(words[0], FixedPointMathLib.expWad(-_mul(tau, _mul(rate, words[1]) + words[2])));
        words = parameters.shortDiscount;
        short = _mul(words[0], FixedPointMathLib.expWad(_mul(tau, _mul(rate, words[1]) + words[2])));
        int256 most = _div(ONE, discount);
        if (short > most) short = most;
    }

    /// @dev SVI volatility of every option of the expiry.
    function _volatilities(
        Option[] memory options,
        uint256 index,
        Expiry memory expiry
    ) private pure returns (int256[] memory volatilities) {
        volatilities = new int256[](options.length);
        int256[5] memory svi = expiry.svi;
        int256 most = 4 * int256(FixedPointMathLib.sqrt(uint256(svi[0] + _mul(svi[1], svi[4])) * uint256(ONE)));
        for (uint256 i = 0; i < options.length; ++i) {
            if (options[i].expiry != index) continue;
            int256 k = FixedPointMathLib.lnWad(_div(options[i].strike, expiry.forwardRef));
            if (k > most) k = most;
            if (k < -most) k = -most;
            int256 off = k - svi[3];
            int256 root = int256(FixedPointMathLib.sqrt(uint256(_mul(off, off) + _mul(svi[4], svi[4])) * uint256(ONE)));
            int256 variance = svi[0] + _mul(svi[1], _mul(svi[2], off) + root);
            if (variance > MOST_VARIANCE) variance = MOST_VARIANCE;
            volatilities[i] = int256(FixedPointMathLib.sqrt(uint256(_div(variance, expiry.tauRef)) * uint256(ONE)));
        }
    }

    /// @dev Contingencies of both margins, and those of the initial margin besides.
    function _contingencies(
        Portfolio memory portfolio,
        Parameters memory parameters
    ) private pure returns (int256 ofBoth, int256 ofInitial) {
        Market memory market = portfolio.market;
        int256[5] memory rates = parameters.contingency;
        int256 perps = _mul(portfolio.perps < 0 ? -portfolio.perps : portfolio.perps, market.spot);
        int256 naked = _mul(_nakedShorts(portfolio.options), market.spot);
        ofBoth = _mul(perps, rates[0]) + _mul(naked, rates[2]);
        ofInitial = _mul(perps, rates[1]) + _mul(naked, rates[3]);
        int256 unsure = _mul(perps, _missing(market.perpConfidence, market.spotConfidence, parameters.loss[4]));
        for (uint256 i = 0; i < portfolio.options.length; ++i) {
            Option memory option = portfolio.options[i];
            int256 confidence = portfolio.expiries[option.expiry].confidence;
            int256 amount = option.amount < 0 ? -option.amount : option.amount;
            unsure += _mul(_mul(amount, market.spot), _missing(confidence, market.spotConfidence, parameters.loss[4]));
        }
        for (uint256 i = 0; i < portfolio.collateral.length; ++i) {
            Collateral memory held = portfolio.collateral[i];
            int256 value = _value(held, market);
            ofBoth += _mul(value, held.maintenanceHaircut);
            ofInitial += _mul(value, held.initialHaircut);
            unsure += _mul(value, _missing(held.confidence, market.spotConfidence, held.confidenceThreshold));
        }
        ofInitial += _mul(unsure, rates[4]);
    }

    /// @dev Options sold beyond those held, calls and puts of a strike together; they stand side by side.
    function _nakedShorts(Option[] memory options) private pure returns (int256 naked) {
        int256 net;
        for (uint256 i = 0; i < options.length; ++i) {
            net += options[i].amount;
            bool isLast = i + 1 == options.length ||
                options[i + 1].strike != options[i].strike ||
                options[i + 1].expiry != options[i].expiry;
            if (!isLast) continue;
            if (net < 0) naked -= net;
            net = 0;
        }
    }

    function _value(Collateral memory held, Market memory market) private pure returns (int256) {
        return _div(_mul(held.amount, held.price), market.stablePrice);
    }

    function _missing(int256 one, int256 other, int256 threshold) private pure returns (int256) {
        int256 confidence = one < other ? one : other;
        return confidence < threshold ? ONE - confidence : int256(0);
    }

    function _mul(int256 a, int256 b) private pure returns (int256) {
        return (a * b) / ONE;
    }

    function _div(int256 a, int256 b) private pure returns (int256) {
        return (a * ONE) / b;
    }
}
