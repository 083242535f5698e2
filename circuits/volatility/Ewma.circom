pragma circom 2.2.3;

include "bitify.circom";
include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarketPolicy.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/Exp2NegativeOfBits.circom";
include "../math/Max.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "BlendUp.circom";
include "PeriodVariance.circom";
include "PriceMove.circom";
include "WinsorisedReturn.circom";

/** Slow half-life over the fast one, a power of two, so that one time product serves both weights. */
function ewmaSlowShift() {
    return 4;
}

/**
 * @title  EwmaStep
 * @notice Exponentially weighted variance on irregular times, fast and slow half-life side by side:
 *         v' = w * v + (1 - w) * r^2 * Year / elapsed, w = 2^(-elapsed / half-life). Claim: V1.
 * @input  move, learning, market
 * @input  variancesX36  [4]  46 bits: fast, slow
 * @output nextX36       [4]  rounded up, saturating at 2^46 - 1
 *
 * The absolute return is raised by two units of X26, more than two logarithms rounded down can hide, and the period's
 * variance is rounded up, so rounding never understates risk. elapsed = 0 has weight exactly 1: the state stays.
 */
template EwmaStep() {
    input PriceMove() move;
    signal input {maxbit} variancesX36[4];
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} nextX36[4];

    signal {maxbit} returnX26 <== WinsorisedReturn()(move.previousLnPriceX26, move.lnPriceX26, market.maxReturnX16);
    signal {maxbit} squaredX52 <== Multiply()(returnX26, returnX26);
    signal {maxbit} annualisedX52 <== AssumeBits(77)(squaredX52 * 31536000); // 52 + 25 bits
    signal {maxbit} periodX36 <== PeriodVariance(0, 61)(annualisedX52, move.elapsed, move.unused);

    signal {maxbit} decayX36 <== Multiply()(move.elapsed, learning.decayRateX36);
    var DECAY_BITS = decayX36.maxbit;
    signal decayBits[DECAY_BITS] <== Num2Bits(DECAY_BITS)(decayX36);
    component blend[2];
    signal next[4];
    for (var i = 0; i < 2; i++) {
        blend[i] = BlendUp(46);
        blend[i].old <== AssumeBits(46)(variancesX36[i]);
        blend[i].new <== periodX36;
        blend[i].weight <== Exp2NegativeOfBits(DECAY_BITS, 36 + i * ewmaSlowShift())(decayBits);
        next[i] <== blend[i].out;
    }
    next[2] <== 0;
    next[3] <== 0;
    nextX36 <== AssumeEachBits(46, 4)(next); // as BlendUp leaves them
}

/**
 * @title  EwmaUsed
 * @notice The greater of fast and slow. Claim: P1.
 * @input  variancesX36  [4]
 * @output out  []  X38, 48 bits, exact
 */
template EwmaUsed() {
    signal input {maxbit} variancesX36[4], asOf;
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} out;

    signal {maxbit} fastX36 <== AssumeBits(46)(variancesX36[0]); // the array's own width
    signal {maxbit} slowX36 <== AssumeBits(46)(variancesX36[1]);
    signal {maxbit} greaterX36 <== Max()(fastX36, slowX36);
    out <== ShiftLeft(2)(greaterX36);
}
