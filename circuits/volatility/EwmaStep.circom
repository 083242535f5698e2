pragma circom 2.2.3;

include "bitify.circom";
include "../math/AbsoluteDifference.circom";
include "../math/AssumeBits.circom";
include "../math/DivUp.circom";
include "../math/Exp2Negative.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "BlendUp.circom";

/** Bits of a saturating X36 variance: a volatility of at most 3,200 %. */
function VARIANCE_BITS() {
    return 46;
}

/**
 * @title  EwmaStep
 * @notice Exponentially weighted variance on irregular times, fast and slow half-life side by side:
 *         v' = w * v + (1 - w) * r^2 * Year / elapsed, w = 2^(-elapsed / half-life). Claim: V1.
 * @param  SLOW_SHIFT  slow half-life = fast half-life * 2^SLOW_SHIFT, so one time product serves both weights
 * @input  varianceFastX36, varianceSlowX36  []  46 bits
 * @input  previousLnPriceX26, lnPriceX26    []  32 bits
 * @input  elapsed       []  seconds, 32 bits; 0 only in an unused slot
 * @input  unused        []  boolean
 * @input  decayRateX36  []  fast half-lives per second
 * @input  maxReturnX16  []  winsorising bound of |r|, 16 bits
 * @output nextFastX36, nextSlowX36  []  rounded up, saturating at 2^46 - 1
 *
 * The absolute return is raised by two units of X26, more than two logarithms rounded down can hide, and the period's
 * variance is rounded up, so rounding never understates risk. elapsed = 0 has weight exactly 1: the state stays.
 */
template EwmaStep(SLOW_SHIFT) {
    signal input {maxbit} varianceFastX36, varianceSlowX36, previousLnPriceX26, lnPriceX26;
    signal input {maxbit} elapsed, decayRateX36, maxReturnX16;
    signal input unused;
    signal output {maxbit} nextFastX36, nextSlowX36;

    signal {maxbit} absoluteX26 <== AbsoluteDifference()(lnPriceX26, previousLnPriceX26);
    signal {maxbit} raisedX26 <== AssumeBits(33)(absoluteX26 + 2); // 32 bits + 2
    signal {maxbit} boundX26 <== ShiftLeft(10)(maxReturnX16); // 26 bits
    signal {maxbit} returnX26 <== Min()(raisedX26, boundX26); // at most boundX26: 26 bits

    signal {maxbit} squaredX52 <== Multiply()(returnX26, returnX26);
    signal {maxbit} annualisedX52 <== AssumeBits(77)(squaredX52 * 31536000); // 52 + 25 bits
    signal {maxbit} denominator <== AssumeBits(49)((elapsed + unused) * 2 ** 16); // 32 bits + 1, + 16
    // Quotient X36: below 2^77 / 2^16.
    signal {maxbit} periodVarianceX36 <== DivUp(61)(annualisedX52, denominator);

    signal {maxbit} decayX36 <== Multiply()(elapsed, decayRateX36);
    var DECAY_BITS = decayX36.maxbit;
    signal decayBits[DECAY_BITS] <== Num2Bits(DECAY_BITS)(decayX36);
    signal {maxbit} fastWeight <== Exp2NegativeOfBits(DECAY_BITS, 36)(decayBits);
    signal {maxbit} slowWeight <== Exp2NegativeOfBits(DECAY_BITS, 36 + SLOW_SHIFT)(decayBits);
    nextFastX36 <== BlendUp(VARIANCE_BITS())(varianceFastX36, periodVarianceX36, fastWeight);
    nextSlowX36 <== BlendUp(VARIANCE_BITS())(varianceSlowX36, periodVarianceX36, slowWeight);
}
