pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/Exp2Negative.circom";
include "../math/Multiply.circom";
include "BlendUp.circom";
include "PeriodVariance.circom";
include "WinsorisedReturn.circom";

/**
 * @title  GarchStep
 * @notice GARCH(1,1) on irregular times: v' = D * (C * v + (1 - C) * r^2 * Year / elapsed) + (1 - D) * longRun, with
 *         C = 2^(-elapsed * reactionRate) and D = 2^(-elapsed * reversionRate). Claim: V2.
 * @input  varianceX36, longRunVarianceX36  []  46 bits
 * @input  previousLnPriceX26, lnPriceX26   []  32 bits
 * @input  elapsed  []  seconds, 32 bits; 0 only in an unused slot
 * @input  unused   []  boolean
 * @input  reactionRateX36, reversionRateX36  []  half-lives per second, 25 bits
 * @input  maxReturnX16  []  winsorising bound of |r|, 16 bits
 * @output out  []  46 bits, rounded up, saturating
 *
 * At elapsed = step it is the GARCH(1,1) of a grid with alpha = (1 - C) * D, beta = C * D. Two averages, so that no
 * difference of two approximated weights can be negative. elapsed = 0 has weights exactly 1: the state stays. The
 * forecast over a horizon is BlendUp with a weight that the policy holds.
 */
template GarchStep() {
    signal input {maxbit} varianceX36, longRunVarianceX36, previousLnPriceX26, lnPriceX26;
    signal input {maxbit} elapsed, reactionRateX36, reversionRateX36, maxReturnX16;
    signal input unused;
    signal output {maxbit} out;

    signal {maxbit} returnX26 <== WinsorisedReturn()(previousLnPriceX26, lnPriceX26, maxReturnX16);
    signal {maxbit} squaredX52 <== Multiply()(returnX26, returnX26);
    signal {maxbit} annualisedX52 <== AssumeBits(77)(squaredX52 * 31536000); // 52 + 25 bits
    signal {maxbit} periodX36 <== PeriodVariance()(annualisedX52, elapsed, unused);

    signal {maxbit} reaction <== Multiply()(elapsed, reactionRateX36);
    signal {maxbit} reversion <== Multiply()(elapsed, reversionRateX36);
    signal {maxbit} kept <== Exp2Negative(36)(reaction);
    signal {maxbit} away <== Exp2Negative(36)(reversion);
    signal {maxbit} averageX36 <== BlendUp(46)(varianceX36, periodX36, kept);
    out <== BlendUp(46)(averageX36, longRunVarianceX36, away);
}
