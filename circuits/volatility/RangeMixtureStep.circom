pragma circom 2.2.3;

include "bitify.circom";
include "../math/AbsoluteDifference.circom";
include "../math/AssumeBits.circom";
include "../math/Exp2NegativeOfBits.circom";
include "../math/Max.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "../math/RangeCheck.circom";
include "BlendUp.circom";
include "PeriodVariance.circom";

/**
 * @title  RangeOrReturn
 * @notice Squared range times seconds a year over 4 ln(2), as Parkinson has it, or squared return times seconds a year
 *         where no range was attested; winsorised where both say as much. Claim: V3.
 * @input  previousLnPriceX26, lnPriceX26, lnHighX26, lnLowX26  []  32 bits; a high below the low has no witness
 * @input  hasRange      []  boolean; without it high and low say nothing, and are equal
 * @input  maxReturnX16  []  16 bits
 * @output out           []  X52, below 2^77
 *
 * The range is at least the return, so a gap between the price before and the attested prices counts. The cut of a range
 * is 2 sqrt(ln(2)) * 2^10 = 1706 times maxReturnX16, rounded up, that of a return 2^10 times. Both squares at their
 * largest times their seconds, (65535 * 1706)^2 * 11374208 and (65535 * 1024)^2 * 31536000, are below 2^77.
 */
template RangeOrReturn() {
    signal input {maxbit} previousLnPriceX26, lnPriceX26, lnHighX26, lnLowX26, maxReturnX16;
    signal input hasRange;
    signal output {maxbit} out;

    assert(previousLnPriceX26.maxbit <= 32);
    assert(lnPriceX26.maxbit <= 32);
    assert(maxReturnX16.maxbit <= 16);
    signal {maxbit} rangeX26 <== RangeCheck(32)(lnHighX26 - lnLowX26);
    signal {maxbit} returnX26 <== AbsoluteDifference()(lnPriceX26, previousLnPriceX26);
    signal {maxbit} widerX26 <== Max()(rangeX26, returnX26);
    signal {maxbit} raisedX26 <== AssumeBits(33)(widerX26 + 2); // 32 bits + 2
    signal {maxbit} boundX26 <== AssumeBits(27)(maxReturnX16 * (1024 + 682 * hasRange)); // 16 + 11 bits
    signal {maxbit} cutX26 <== Min()(raisedX26, boundX26);
    signal {maxbit} squaredX52 <== Multiply()(cutX26, cutX26);
    signal annualised <== squaredX52 * (31536000 - 20161792 * hasRange);
    out <== AssumeBits(77)(annualised);
}

/**
 * @title  RangeMixtureStep
 * @notice Four exponentially weighted averages of range variance on irregular times: v' = w * v + (1 - w) * range^2 *
 *         Year / (4 ln(2) * elapsed), w = 2^(-elapsed / half-life), of which the mean is used. Claim: V3.
 * @param  SHIFTS  [4]  half-lives are the policy's fast one times 2^SHIFT, so one time product serves all weights
 * @input  variancesX36  [4]  46 bits
 * @input  previousLnPriceX26, lnPriceX26, lnHighX26, lnLowX26  []  32 bits
 * @input  hasRange, unused  []  boolean; an unused slot has no range
 * @input  elapsed       []  seconds, 32 bits; 0 only in an unused slot
 * @input  decayRateX36  []  fast half-lives per second, 25 bits
 * @input  maxReturnX16  []  winsorising bound of a return, 16 bits
 * @output nextX36       [4]  46 bits, rounded up, saturating
 * @output usedX38       []   their sum, which is their mean in quarters of a unit; 48 bits
 */
template RangeMixtureStep(SHIFTS) {
    signal input {maxbit} variancesX36[4];
    signal input {maxbit} previousLnPriceX26, lnPriceX26, lnHighX26, lnLowX26;
    signal input {maxbit} elapsed, decayRateX36, maxReturnX16;
    signal input hasRange, unused;
    signal output {maxbit} nextX36[4];
    signal output {maxbit} usedX38;

    signal {maxbit} annualisedX52 <== RangeOrReturn()(
        previousLnPriceX26, lnPriceX26, lnHighX26, lnLowX26, maxReturnX16, hasRange
    );
    signal {maxbit} periodX36 <== PeriodVariance()(annualisedX52, elapsed, unused);

    signal {maxbit} decayX36 <== Multiply()(elapsed, decayRateX36);
    var DECAY_BITS = decayX36.maxbit;
    signal decayBits[DECAY_BITS] <== Num2Bits(DECAY_BITS)(decayX36);
    component weight[4];
    component blend[4];
    for (var i = 0; i < 4; i++) {
        weight[i] = Exp2NegativeOfBits(DECAY_BITS, 36 + SHIFTS[i]);
        weight[i].bits <== decayBits;
        blend[i] = BlendUp(46);
        blend[i].old <== variancesX36[i];
        blend[i].new <== periodX36;
        blend[i].weight <== weight[i].out;
        nextX36[i] <== blend[i].out;
    }
    usedX38 <== AssumeBits(48)(nextX36[0] + nextX36[1] + nextX36[2] + nextX36[3]); // four of 46 bits
}
