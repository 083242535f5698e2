// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";

/// @title IHedgingAgent
/// @notice Holds the hedge of a book of proven, complete open interest, and trades it in one Uniswap v3 pool: toward minus the net
/// delta, when the gap is worth the costs, never far from the proven spot or from the pool's time-weighted price.
/// @dev Its funds are the treasury's, which the council brings and takes; no account's cash is ever here. Quantities in E12 are as deltas
/// are, of 10^k units of the asset where prices are; amounts are of smallest units of the tokens. Prices in Wad are of 10^k units, too. The
/// pool calls back for what it is owed, within a swap that the agent began and no further than that may take.
interface IHedgingAgent {
    /// @notice What is governed.
    /// @param bandFloorE12         least gap that is traded, whatever gamma is
    /// @param riskAversionE12      of exponential utility, by the unit of cash: greater is a narrower band
    /// @param maxTradeE12          most that one trade moves
    /// @param bypassE12            gap from which on no interval is waited for
    /// @param costBps              what a trade is taken to cost, of its worth, for the band
    /// @param slippageBps          most that a trade loses against the proven spot and the mean price, the pool's fee included
    /// @param maxDeviationBps      of the pool's price from its mean; a tick is a basis point
    /// @param windowSeconds        that the mean is of
    /// @param intervalSeconds      between two trades
    /// @param maxFiguresAgeSeconds age of the round behind the open interest
    struct Rules {
        uint128 bandFloorE12;
        uint128 riskAversionE12;
        uint128 maxTradeE12;
        uint128 bypassE12;
        uint16 costBps;
        uint16 slippageBps;
        uint16 maxDeviationBps;
        uint32 windowSeconds;
        uint32 intervalSeconds;
        uint32 maxFiguresAgeSeconds;
    }

    /// @notice A trade as it would be made.
    /// @param figuresAsOf       round of the open interest
    /// @param targetE12         minus its net delta
    /// @param positionE12       held beyond the neutral amount
    /// @param bandE12           gap that is left alone
    /// @param amount            of the asset that is bought; negative: sold
    /// @param spotE8            proven, of the newest round
    /// @param meanWad           pool's time-weighted price
    /// @param poolWad           pool's price
    /// @param sqrtPriceLimitX96 pool's square root of the price at which the trade stops
    struct Plan {
        uint256 figuresAsOf;
        int256 targetE12;
        int256 positionE12;
        uint256 bandE12;
        int256 amount;
        uint256 spotE8;
        uint256 meanWad;
        uint256 poolWad;
        uint160 sqrtPriceLimitX96;
    }

    /// @notice A trade was made: amounts that came in, negative: went out. `gapE12` is what was wanted, which a cap, a price limit or too
    /// little of a token may have left in part.
    event Rebalanced(
        uint256 indexed figuresAsOf,
        int256 targetE12,
        int256 gapE12,
        uint256 bandE12,
        int256 assetAmount,
        int256 cashAmount,
        uint256 spotE8,
        uint256 meanWad
    );
    /// @notice Tokens came in for the treasury.
    event Funded(address indexed by, address indexed token, uint256 amount);
    /// @notice The treasury took tokens out.
    event Withdrawn(address indexed to, address indexed token, uint256 amount);
    /// @notice Rules changed.
    event RulesSet(Rules rules);

    /// @notice Tokens have 6 to 18 decimals.
    error UnsupportedDecimals(address token, uint256 decimals, uint256 least, uint256 most);
    /// @notice The pool is not the factory's.
    error NotThatFactorysPool(address pool, address expected);
    /// @notice The asset is neither of the pool's tokens.
    error NotInPool(address asset, address token0, address token1);
    /// @notice A rule, by its name, is outside what it may be.
    error RuleOutOfRange(bytes32 rule, uint256 value, uint256 least, uint256 most);
    /// @notice There is one thing to pause.
    error UnknownPause(bytes32 id, bytes32 expected);
    /// @notice Nothing is traded until then.
    error HedgingPaused(uint256 until);
    /// @notice The market has a newer round.
    error RoundNotNewest(uint256 asOf, uint256 newest);
    /// @notice Prices are at another scale than this agent's quantities.
    error PriceScaleDiffers(int256 scale, int256 expected);
    /// @notice The open interest is of a round older than the rules take.
    error FiguresStale(uint256 asOf, uint256 oldest);
    /// @notice The open interest's net delta or gamma stands at its limit, so it may be more.
    error GreekAtLimit(bytes32 greek, int256 value, int256 limit);
    /// @notice The gap is not worth a trade.
    error GapWithinBand(int256 gapE12, uint256 bandE12);
    /// @notice The last trade was lately, and the gap does not go past the interval; in one second nothing is traded twice.
    error IntervalNotOver(uint256 nextAt, uint256 gapE12, uint256 bypassE12);
    /// @notice The pool does not remember as far back as the mean is of.
    error PoolMemoryShort(uint256 windowSeconds, uint256 observations);
    /// @notice The pool's price is away from its mean.
    error PoolAwayFromMean(int256 tick, int256 meanTick, uint256 maxDeviationBps);
    /// @notice The pool's price is at or beyond what a trade may reach.
    error PoolBeyondSlippage(uint256 poolWad, uint256 limitWad);
    /// @notice There is too little of a token for any trade.
    error FundsShort(address token, uint256 held);
    /// @notice The pool gave nothing up to the price limit: it has no liquidity there.
    error NothingFilled(uint256 poolWad, uint256 limitWad);
    /// @notice What was traded came to a worse price than the slippage allows.
    error SlippageExceeded(uint256 cash, uint256 limit);
    /// @notice The pool refused, in its own words.
    error PoolRefused(string reason);
    /// @notice The pool alone asks for what it is owed.
    error NotThePool(address caller, address pool);
    /// @notice More is owed than the trade may take; none may be outside a trade.
    error OwedBeyondLimit(uint256 owed, uint256 limit);
    /// @notice The token brought less than it was asked for, or more.
    error TransferDiffers(address token, uint256 moved, uint256 amount);
    /// @notice More than is held.
    error BeyondHoldings(address token, uint256 amount, uint256 held);

    /// @notice Trades toward the target, once. Restricted: the keeper may call it without delay, and nothing else; a council that
    /// trusts the bounds alone opens it to everybody.
    /// @param round the market's newest
    /// @return assetAmount that came in; negative: went out
    /// @return cashAmount  that came in; negative: went out
    /// @custom:reverts HedgingPaused, RoundNotNewest, PriceScaleDiffers, FiguresStale, GreekAtLimit for what it rests on, and as
    /// {IRiskArrays-requireRound} and {IOpenInterest-openInterest} do
    /// @custom:reverts GapWithinBand, IntervalNotOver, FundsShort where there is nothing to do
    /// @custom:reverts PoolMemoryShort, PoolAwayFromMean, PoolBeyondSlippage, NothingFilled, SlippageExceeded, PoolRefused for the pool
    /// @custom:reverts TransferDiffers for a token
    function rebalance(
        IPortfolioRegistry.Round calldata round
    ) external returns (int256 assetAmount, int256 cashAmount);

    /// @notice Brings tokens of the asset, which become part of the neutral amount: the hedge stays as it is.
    /// @custom:reverts TransferDiffers
    function fundAsset(uint256 amount) external;

    /// @notice Brings cash.
    /// @custom:reverts TransferDiffers
    function fundCash(uint256 amount) external;

    /// @notice Counts as brought what was sent to this contract without a call.
    function absorb() external;

    /// @notice Takes out tokens of the asset, which are no longer part of the neutral amount: the hedge stays as it is, and counts
    /// what the treasury holds elsewhere. Restricted.
    /// @custom:reverts BeyondHoldings, TransferDiffers
    function withdrawAsset(uint256 amount, address to) external;

    /// @notice Takes out cash. Restricted.
    /// @custom:reverts BeyondHoldings, TransferDiffers
    function withdrawCash(uint256 amount, address to) external;

    /// @notice Sets the rules. Restricted.
    /// @custom:reverts RuleOutOfRange
    function setRules(Rules calldata rules_) external;

    /// @notice The trade that {rebalance} would make now.
    /// @custom:reverts as {rebalance} does before it trades
    function plan(IPortfolioRegistry.Round calldata round) external view returns (Plan memory);

    /// @notice Where the hedge stands, whatever may be traded.
    /// @return targetE12   minus the net delta of the last complete open interest, however old
    /// @return positionE12 held beyond the neutral amount
    /// @return bandE12     gap that is left alone, at the round's spot
    /// @return refusal     error with which {rebalance} would be refused before it trades, encoded; empty: it would not be
    function assess(
        IPortfolioRegistry.Round calldata round
    ) external view returns (int256 targetE12, int256 positionE12, uint256 bandE12, bytes memory refusal);

    /// @notice What is held, as counted.
    /// @return assetHeld     tokens of the asset
    /// @return cashHeld      tokens of cash
    /// @return neutralAmount tokens of the asset that would be held against no delta; negative where the treasury took out more
    function holdings() external view returns (uint256 assetHeld, uint256 cashHeld, int256 neutralAmount);
}
