// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {ROUND_MARKET_WORDS, RoundMarketList} from "../generated/WordLists.sol";
import {IOpenInterest} from "../registry/IOpenInterest.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IRiskArrays} from "../registry/IRiskArrays.sol";
import {OpenInterest} from "../registry/OpenInterest.sol";
import {Pauses} from "../registry/Pauses.sol";
import {HedgeBand} from "./HedgeBand.sol";
import {HedgeFunds} from "./HedgeFunds.sol";
import {HedgeTrades} from "./HedgeTrades.sol";
import {IHedgingAgent} from "./IHedgingAgent.sol";
import {IUniswapFactory, IUniswapPool} from "./IUniswapPool.sol";
import {UniswapPrices} from "./UniswapPrices.sol";
import {IRoundCheck} from "./VenueAccounts.sol";

/// @title HedgingAgent
/// @notice Holds the hedge of a book and trades it toward minus the book's proven, complete net delta.
contract HedgingAgent is HedgeTrades, Pauses {
    using RoundMarketList for uint256[ROUND_MARKET_WORDS];
    using UniswapPrices for uint160;

    /// @notice What a guardian pauses here.
    bytes32 public constant HEDGE = "hedge";

    uint256 private constant ONE_E12 = 1e12;
    /// @dev As {IOpenInterest-Figures} has them.
    int256 private constant DELTA_LIMIT = type(int80).max;
    int256 private constant GAMMA_LIMIT = type(int96).max;

    /// @notice Whose figures.
    IOpenInterest public immutable counts;
    /// @notice Which rounds prices are taken from.
    IRiskArrays public immutable arrays;
    /// @notice k: quantities are of 10^k units of the asset, as prices are.
    int256 public immutable priceScale;

    /// @dev Tokens of the asset in a quantity of 10^12, as a fraction.
    uint256 private immutable _amountUnder;

    /// @notice Block time of the last trade; 0 before the first.
    uint256 public lastTradeAt;

    /// @param authority AccessManager that knows who may set rules, take funds, pause and trade
    /// @param counts_   open interest of the book
    /// @param factory   Uniswap's
    /// @param pool_     one of the factory's
    /// @param asset_    what the book's delta is of; the pool's other token is cash
    /// @param rules_    rules to begin with
    constructor(
        address authority,
        OpenInterest counts_,
        IUniswapFactory factory,
        IUniswapPool pool_,
        address asset_,
        Rules memory rules_
    )
        AccessManaged(authority)
        HedgeFunds(factory, pool_, asset_)
        HedgeTrades(counts_.arrays().priceScale())
    {
        counts = IOpenInterest(address(counts_));
        arrays = counts_.arrays();
        int256 scale = arrays.priceScale();
        priceScale = scale;
        _amountUnder = ONE_E12 * (scale < 0 ? 10 ** uint256(-scale) : 1);
        _setRules(rules_);
    }

    /// @inheritdoc IHedgingAgent
    function rebalance(
        IPortfolioRegistry.Round calldata round
    ) external restricted nonReentrant returns (int256 assetAmount, int256 cashAmount) {
        Plan memory made = plan(round);
        lastTradeAt = block.timestamp;
        (assetAmount, cashAmount) = _trade(made.amount, made.sqrtPriceLimitX96, made.spotE8);
        emit Rebalanced(
            made.figuresAsOf,
            made.targetE12,
            made.targetE12 - made.positionE12,
            made.bandE12,
            assetAmount,
            cashAmount,
            made.spotE8,
            made.meanWad
        );
    }

    /// @inheritdoc IHedgingAgent
    function assess(
        IPortfolioRegistry.Round calldata round
    ) external view returns (int256 targetE12, int256 positionE12, uint256 bandE12, bytes memory refusal) {
        (IOpenInterest.Figures memory figures, ) = counts.unsafeOpenInterest();
        (targetE12, positionE12) = (-figures.deltaE12, _positionE12());
        bandE12 = _bandOf(figures.gammaE20, _spotOf(round));
        try this.plan(round) returns (Plan memory) {
            refusal = "";
        } catch (bytes memory reason) {
            refusal = reason;
        }
    }

    /// @inheritdoc IHedgingAgent
    function plan(IPortfolioRegistry.Round calldata round) public view returns (Plan memory made) {
        uint256 until = pauseOf(HEDGE).until;
        if (block.timestamp < until) revert HedgingPaused(until);
        made.spotE8 = _spotOf(round);
        IOpenInterest.Figures memory figures = _figures();
        made.figuresAsOf = figures.asOf;
        made.targetE12 = -figures.deltaE12;
        made.positionE12 = _positionE12();
        made.bandE12 = _bandOf(figures.gammaE20, made.spotE8);
        int256 gapE12 = made.targetE12 - made.positionE12;
        uint256 sizeE12 = SignedMath.abs(gapE12);
        if (sizeE12 <= made.bandE12) revert GapWithinBand(gapE12, made.bandE12);
        _requireInterval(sizeE12);
        bool isSale = gapE12 < 0;
        (uint160 poolX96, uint160 meanX96) = _poolPrices();
        (made.poolWad, made.meanWad) = (poolX96.priceWad(_units()), meanX96.priceWad(_units()));
        made.sqrtPriceLimitX96 = _limitOf(isSale, made.spotE8, meanX96, poolX96);
        int256 amount = int256(_affordable(isSale, sizeE12, made.spotE8)); // of tokens that there are, or below 2^79 of 10^k assets
        made.amount = isSale ? -amount : amount;
    }

    /// @dev Exact but for rounding down.
    function _amountOf(uint256 quantityE12) internal view override returns (uint256) {
        return Math.mulDiv(quantityE12, _assetUnits, _amountUnder);
    }

    /// @dev Rounded up.
    function _leastTradeE12() internal view override returns (uint256) {
        return Math.ceilDiv(_amountUnder, _assetUnits);
    }

    /// @dev There is one thing to pause.
    function _paused(bytes32 id, uint40, uint40) internal pure override {
        if (id != HEDGE) revert UnknownPause(id, HEDGE);
    }

    /// @dev Spot of the market's newest round, if that is fresh.
    function _spotOf(IPortfolioRegistry.Round calldata round) private view returns (uint256) {
        uint256 newest = arrays.newestRound();
        if (round.asOf != newest) revert RoundNotNewest(round.asOf, newest);
        int256 scale = arrays.priceScale();
        if (scale != priceScale) revert PriceScaleDiffers(scale, priceScale);
        IRoundCheck(address(arrays)).requireRound(round.asOf, round.marketWords, round.expiriesHash, false);
        return round.marketWords.roundPrices().spotE8();
    }

    function _figures() private view returns (IOpenInterest.Figures memory figures) {
        figures = counts.openInterest();
        uint256 oldest = block.timestamp - rules.maxFiguresAgeSeconds;
        if (figures.asOf < oldest) revert FiguresStale(figures.asOf, oldest);
        _requireWithin("delta", figures.deltaE12, DELTA_LIMIT);
        _requireWithin("gamma", figures.gammaE20, GAMMA_LIMIT);
    }

    function _bandOf(int256 gammaE20, uint256 spotE8) private view returns (uint256) {
        uint256 half = HedgeBand.halfWidthE12(rules.costBps, spotE8, gammaE20, rules.riskAversionE12);
        return Math.max(half, rules.bandFloorE12);
    }

    function _positionE12() private view returns (int256) {
        int256 amount = int256(_assetHeld) - _neutralAmount; // supplies of tokens
        int256 size = int256(Math.mulDiv(SignedMath.abs(amount), _amountUnder, _assetUnits));
        return amount < 0 ? -size : size;
    }

    function _requireInterval(uint256 sizeE12) private view {
        uint256 last = lastTradeAt;
        if (last == 0) return;
        bool mayPass = sizeE12 >= rules.bypassE12 && block.timestamp > last;
        uint256 nextAt = last + rules.intervalSeconds;
        if (!mayPass && block.timestamp < nextAt) revert IntervalNotOver(nextAt, sizeE12, rules.bypassE12);
    }

    /// @dev The pool's price and its time-weighted mean, if they are near each other.
    function _poolPrices() private view returns (uint160 poolX96, uint160 meanX96) {
        int24 tick;
        uint16 observations;
        (poolX96, tick, , observations, , , ) = pool.slot0();
        int256 meanTick = _meanTick(observations);
        uint256 most = rules.maxDeviationBps;
        if (SignedMath.abs(tick - meanTick) > most) revert PoolAwayFromMean(tick, meanTick, most);
        meanX96 = UniswapPrices.sqrtPriceAtTick(meanTick);
    }

    /// @dev Rounded down, as Uniswap's own library has it.
    function _meanTick(uint256 observations) private view returns (int256 meanTick) {
        uint32 window = rules.windowSeconds;
        uint32[] memory secondsAgo = new uint32[](2);
        secondsAgo[0] = window;
        try pool.observe(secondsAgo) returns (int56[] memory sums, uint160[] memory) {
            int256 moved = int256(sums[1]) - sums[0];
            int256 span = int256(uint256(window));
            meanTick = moved / span;
            if (moved < 0 && moved % span != 0) --meanTick;
        } catch {
            revert PoolMemoryShort(window, observations);
        }
    }

    function _requireWithin(bytes32 greek, int256 value, int256 limit) private pure {
        if (value >= limit || value <= -limit) revert GreekAtLimit(greek, value, limit);
    }
}
