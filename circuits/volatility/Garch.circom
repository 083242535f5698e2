pragma circom 2.2.3;

include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarketPolicy.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/Exp2Negative.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "BlendUp.circom";
include "PeriodVariance.circom";
include "PriceMove.circom";
include "WinsorisedReturn.circom";

/** Half-life of the reaction over the policy's fast half-life, a power of two. */
function garchReactionShift() {
    return 1;
}

/**
 * @title  GarchStep
 * @notice GARCH(1,1) on irregular times: v' = D * (C * v + (1 - C) * r^2 * Year / elapsed) + (1 - D) * longRun, with
 *         C = 2^(-elapsed / reaction half-life) and D = 2^(-elapsed / reversion half-life). Claim: V2.
 * @input  move, learning, market
 * @input  variancesX36  [4]  46 bits: the conditional variance
 * @output nextX36       [4]  rounded up, saturating at 2^46 - 1
 *
 * At elapsed = step it is the GARCH(1,1) of a grid with alpha = (1 - C) * D, beta = C * D. Two averages, so that no
 * difference of two approximated weights can be negative. elapsed = 0 has weights exactly 1: the state stays.
 */
template GarchStep() {
    input PriceMove() move;
    signal input {maxbit} variancesX36[4];
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} nextX36[4];

    signal {maxbit} returnX26 <== WinsorisedReturn()(move.previousLnPriceX26, move.lnPriceX26, market.maxReturnX16);
    signal {maxbit} squaredX52 <== Multiply()(returnX26, returnX26);
    signal {maxbit} annualisedX52 <== AssumeBits(77)(squaredX52 * 31536000); // 52 + 25 bits
    signal {maxbit} periodX36 <== PeriodVariance(0, 61)(annualisedX52, move.elapsed, move.unused);

    signal {maxbit} reaction <== Multiply()(move.elapsed, learning.decayRateX36);
    signal {maxbit} reversion <== Multiply()(move.elapsed, market.reversionRateX36);
    signal {maxbit} kept <== Exp2Negative(36 + garchReactionShift())(reaction);
    signal {maxbit} away <== Exp2Negative(36)(reversion);
    signal {maxbit} varianceX36 <== AssumeBits(46)(variancesX36[0]); // the array's own width
    signal {maxbit} averageX36 <== BlendUp(46)(varianceX36, periodX36, kept);
    signal {maxbit} longRunX36 <== GarchLongRun()(market.longRunVolatilityX16);
    signal {maxbit} conditionalX36 <== BlendUp(46)(averageX36, longRunX36, away);
    nextX36 <== AssumeEachBits(46, 4)([conditionalX36, 0, 0, 0]);
}

/**
 * @title  GarchUsed
 * @notice Mean of the variance expected over the horizon: longRun + w * (v - longRun), w the policy's. Claim: V2.
 * @input  variancesX36  [4]
 * @input  market        forecastWeightX26 at most 1
 * @output out  []  X38, 48 bits, rounded up
 */
template GarchUsed() {
    signal input {maxbit} variancesX36[4], asOf;
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} out;

    signal {maxbit} longRunX36 <== GarchLongRun()(market.longRunVolatilityX16);
    signal {maxbit} varianceX36 <== AssumeBits(46)(variancesX36[0]); // the array's own width
    signal {maxbit} weight <== ShiftLeft(EXP2_SCALE() - 26)(market.forecastWeightX26);
    signal {maxbit} expectedX36 <== BlendUp(46)(varianceX36, longRunX36, weight);
    out <== ShiftLeft(2)(expectedX36);
}

/**
 * @title  GarchLongRun
 * @notice The long-run variance of a policy: its volatility, squared. Claim: V2.
 * @input  volatilityX16  []  20 bits
 * @output out  []  X36, 44 bits, exact
 */
template GarchLongRun() {
    signal input {maxbit} volatilityX16;
    signal output {maxbit} out;

    signal {maxbit} squaredX32 <== Multiply()(volatilityX16, volatilityX16);
    out <== ShiftLeft(4)(squaredX32);
}
