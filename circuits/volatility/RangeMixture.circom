pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarketPolicy.circom";
include "../math/AbsoluteDifference.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/BitsToNumber.circom";
include "../math/DivUp.circom";
include "../math/Exp2NegativeOfBits.circom";
include "../math/Max.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "../math/PowerOfTwo.circom";
include "BlendUp.circom";
include "BusyTime.circom";
include "PeriodVariance.circom";
include "PriceMove.circom";

/** Half-life of the i-th average over the policy's fast one, as a power of two, so that one time product serves all. */
function rangeMixtureShift(i) {
    if (i == 0) { return -3; }
    if (i == 1) { return 1; }
    return 6;
}

/**
 * @title  AttestedRange
 * @notice ln(high / low) of a range code: 8 bits of X22 below an exponent of 4; with an exponent e above 0 a ninth bit
 *         stands before the 8, and all are shifted up by e - 1. Claim: V3.
 * @input  codeBits  [12]  boolean, least significant first
 * @output out       []    X26, 27 bits, exact
 * @output isAttested []   boolean: the code is not 0
 */
template AttestedRange() {
    signal input codeBits[12];
    signal output {maxbit} out;
    signal output isAttested;

    signal code <== BitsToNumber(12, 0, 12)(codeBits);
    signal digits <== BitsToNumber(12, 0, 8)(codeBits);
    signal exponent <== BitsToNumber(12, 8, 4)(codeBits);
    signal isMissing <== IsZero()(code);
    isAttested <== 1 - isMissing;
    signal isPlain <== IsZero()(exponent);
    signal exponentBits[4];
    for (var i = 0; i < 4; i++) {
        exponentBits[i] <== codeBits[8 + i];
    }
    signal power <== PowerOfTwo(4)(exponentBits);
    signal shifted <== (digits + 256 - 256 * isPlain) * power;
    // X22 to X26 is 16 = 2^e * 8 of 2^(e - 1), and of no shift at all 8 twice. 9 + 14 + 4 bits.
    out <== AssumeBits(27)(shifted * (8 + 8 * isPlain));
}

/**
 * @title  RangeOrReturn
 * @notice Squared range times seconds a year over 4 ln(2), as Parkinson has it, or squared return times seconds a year
 *         where no range was attested; winsorised where both say as much. Claim: V3.
 * @input  move
 * @input  maxReturnX16  []  16 bits
 * @output out           []  X52, below 2^77
 *
 * The range is at least the return, so a gap between the price before and the attested prices counts. The cut of a range
 * is 2 sqrt(ln(2)) * 2^10 = 1706 times maxReturnX16, rounded up, that of a return 2^10 times. Both squares at their
 * largest times their seconds, (65535 * 1706)^2 * 11374208 and (65535 * 1024)^2 * 31536000, are below 2^77.
 */
template RangeOrReturn() {
    input PriceMove() move;
    signal input {maxbit} maxReturnX16;
    signal output {maxbit} out;

    assert(move.previousLnPriceX26.maxbit <= 32);
    assert(move.lnPriceX26.maxbit <= 32);
    assert(maxReturnX16.maxbit <= 16);
    signal {maxbit} rangeX26;
    signal hasRange;
    (rangeX26, hasRange) <== AttestedRange()(move.rangeCodeBits);
    signal {maxbit} returnX26 <== AbsoluteDifference()(move.lnPriceX26, move.previousLnPriceX26);
    signal {maxbit} raisedX26 <== AssumeBits(33)(returnX26 + 2); // 32 bits + 2
    signal {maxbit} widerX26 <== Max()(rangeX26, raisedX26);
    signal {maxbit} boundX26 <== AssumeBits(27)(maxReturnX16 * (1024 + 682 * hasRange)); // 16 + 11 bits
    signal {maxbit} cutX26 <== Min()(widerX26, boundX26);
    signal {maxbit} squaredX52 <== Multiply()(cutX26, cutX26);
    signal annualised <== squaredX52 * (31536000 - 20161792 * hasRange);
    out <== AssumeBits(77)(annualised);
}

/**
 * @title  RangeMixtureStep
 * @notice Three exponentially weighted averages of range variance in busy time: v' = w * v + (1 - w) * range^2 *
 *         Year / (4 ln 2 * elapsed), w = 2^(-elapsed / half-life), of which the mean is used. Claim: V3.
 * @input  move, learning, market
 * @input  variancesX36  [4]  46 bits, by growing half-life
 * @output nextX36       [4]  rounded up, saturating at 2^46 - 1
 *
 * A second counts for more than 1/2, so a period's variance is below 2^77 / 2^15.
 */
template RangeMixtureStep() {
    input PriceMove() move;
    signal input {maxbit} variancesX36[4];
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} nextX36[4];

    signal {maxbit} annualisedX52 <== RangeOrReturn()(move, market.maxReturnX16);
    signal {maxbit} asOf <== AssumeBits(33)(move.previousAsOf + move.elapsed); // two of 32 bits
    signal {maxbit} busyBeforeX6 <== BusyTime()(move.previousAsOf);
    signal {maxbit} busyAfterX6 <== BusyTime()(asOf);
    signal {maxbit} busyElapsedX6 <== AssumeBits(39)(busyAfterX6 - busyBeforeX6); // 32 bits of at most 112/64, X6
    signal {maxbit} periodX36 <== PeriodVariance(6, 62)(annualisedX52, busyElapsedX6, move.unused);

    signal {maxbit} decayX42 <== Multiply()(busyElapsedX6, learning.decayRateX36);
    var DECAY_BITS = decayX42.maxbit;
    signal decayBits[DECAY_BITS] <== Num2Bits(DECAY_BITS)(decayX42);
    component blend[3];
    signal next[4];
    for (var i = 0; i < 3; i++) {
        blend[i] = BlendUp(46);
        blend[i].old <== AssumeBits(46)(variancesX36[i]); // the array's own width
        blend[i].new <== periodX36;
        blend[i].weight <== Exp2NegativeOfBits(DECAY_BITS, 42 + rangeMixtureShift(i))(decayBits);
        next[i] <== blend[i].out;
    }
    next[3] <== 0;
    nextX36 <== AssumeEachBits(46, 4)(next); // as BlendUp leaves them
}

/**
 * @title  RangeMixtureUsed
 * @notice The mean of the three over the horizon that starts: by how much busier it usually is than the mean hour.
 *         Claim: V3.
 * @input  variancesX36  [4]
 * @input  asOf          []  32 bits
 * @input  learning      horizonSeconds, at least 1
 * @output out  []  X38, 49 bits, rounded up
 *
 * sum / 3 * aheadX6 / 2^6 / horizon in X36 is 4 / 192 = 1/48 of sum * aheadX6 / horizon in X38. No second counts for
 * 2, so the quotient is below 2^46 * 4 * 2 = 2^49.
 */
template RangeMixtureUsed() {
    signal input {maxbit} variancesX36[4], asOf;
    input LearningPolicyFields() learning;
    input MarketPolicyFields() market;
    signal output {maxbit} out;

    assert(variancesX36.maxbit <= 46);
    assert(asOf.maxbit <= 32);
    assert(learning.horizonSeconds.maxbit <= 24);
    signal {maxbit} sumX36 <== AssumeBits(48)(variancesX36[0] + variancesX36[1] + variancesX36[2]); // three of 46 bits
    signal {maxbit} until <== AssumeBits(33)(asOf + learning.horizonSeconds); // 32 bits + 24 bits
    signal {maxbit} busyNowX6 <== BusyTime()(asOf);
    signal {maxbit} busyThenX6 <== BusyTime()(until);
    signal {maxbit} aheadX6 <== AssumeBits(31)(busyThenX6 - busyNowX6); // 24 bits of at most 112/64, X6
    signal {maxbit} expected <== Multiply()(sumX36, aheadX6);
    signal {maxbit} horizons <== AssumeBits(30)(learning.horizonSeconds * 48); // 24 + 6 bits
    out <== DivUp(49)(expected, horizons);
}
