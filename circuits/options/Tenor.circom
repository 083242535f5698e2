pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/BitsToNumber.circom";
include "../math/Constant.circom";
include "../math/DivDown.circom";
include "../math/ExpFineDown.circom";
include "../math/IsLess.circom";
include "../math/LnDown.circom";
include "../math/Max.circom";
include "../math/MulDown.circom";
include "../math/Multiply.circom";
include "../math/RangeCheck.circom";
include "../math/Saturate.circom";
include "../math/ShiftLeft.circom";
include "../math/ShiftRightDown.circom";
include "../math/ShiftRightDownSaturate.circom";
include "../math/SignAndMagnitude.circom";
include "../math/SignedMulDown.circom";
include "../math/SignedShiftRightDown.circom";
include "../math/SqrtDown.circom";
include "../math/SubtractOrZero.circom";
include "ClampedExponent.circom";

/** @notice floor(ln(30 days in seconds) * 2^36), as LnDown(36) has it. */
function LN_SHOCK_TENOR_X36() {
    return 1014845132389;
}

/**
 * @title  VolatilityFactors
 * @notice What a tenor makes of the volatility shocks: up = 1 + range ms, down = max(0, 1 - range ms), with
 *         ms = (30 d / max(T, floor))^power. Claim: B7.
 * @input  secondsToExpiry, tenorFloorSeconds  []  26 bits
 * @input  shortPowerX40, longPowerX40         []  44 bits; short up to 30 days
 * @input  rangeUpX40, rangeDownX40            []  44 bits
 * @output upX40, downX40  []  60 bits, saturating: any volatility is then beyond bounds; at most 2^40
 */
template VolatilityFactors() {
    signal input {maxbit} secondsToExpiry, tenorFloorSeconds, shortPowerX40, longPowerX40, rangeUpX40, rangeDownX40;
    signal output {maxbit} upX40, downX40;

    signal {maxbit} floored <== Max()(secondsToExpiry, tenorFloorSeconds);
    signal isNone <== IsZero()(floored);
    signal {maxbit} tenor <== AssumeBits(40)(floored + isNone); // 26 bits; LnDown takes 40 or more
    signal {maxbit} lnTenorX36 <== LnDown(36)(tenor);
    signal {maxbit} shockTenor <== Constant(2592000)();
    signal isLong <== IsLess()(shockTenor, secondsToExpiry);
    signal powerX40 <== shortPowerX40 + isLong * (longPowerX40 - shortPowerX40);
    assert(shortPowerX40.maxbit <= 44 && longPowerX40.maxbit <= 44 && lnTenorX36.maxbit <= 42);
    // 44 bits times the difference of two logarithms of 42 bits
    signal {signedbit} exponentX76 <== AssumeSigned(86)(powerX40 * (LN_SHOCK_TENOR_X36() - lnTenorX36));
    signal {signedbit} exponentX40 <== ClampedExponent(36)(exponentX76);
    signal {maxbit} multipleX40 <== ExpFineDown()(exponentX40);

    signal {maxbit} raisedX80 <== AssumeBits(109)(rangeUpX40 * multipleX40 + 2 ** 80); // 44 + 64 bits
    upX40 <== ShiftRightDownSaturate(40, 60)(raisedX80);
    signal {maxbit} fallX80 <== AssumeBits(108)(rangeDownX40 * multipleX40);
    signal {maxbit} fallX40 <== ShiftRightDownSaturate(40, 41)(fallX80);
    signal {maxbit, max} one <== Constant(2 ** 40)();
    downX40 <== SubtractOrZero()(one, fallX40);
}

/**
 * @title  SkewWidth
 * @notice Log-moneyness at which the skews reach their caps, from 2^-12 to 2^10:
 *         max(floor, sqrt(tau) scale (volatility + sqrt(tau) slope)). Claim: B7.
 * @input  sqrtTauX40                                          []  41 bits
 * @input  widthFloorX40, widthScaleX40, volatilityX40         []  44 bits
 * @input  volatilitySlopeX40                                  []  signed 47 bits
 * @output out  []  X36; maxbit = 46
 */
template SkewWidth() {
    signal input {maxbit} sqrtTauX40, widthFloorX40, widthScaleX40, volatilityX40;
    signal input {signedbit} volatilitySlopeX40;
    signal output {maxbit} out;

    signal {signedbit} signedSqrtTau <== AssumeSigned(sqrtTauX40.maxbit)(sqrtTauX40); // not negative
    signal {signedbit} slope <== SignedMulDown(40)(signedSqrtTau, volatilitySlopeX40);
    signal {maxbit} scaled <== Multiply()(sqrtTauX40, widthScaleX40);
    assert(scaled.maxbit <= 85 && volatilityX40.maxbit <= 49 && slope.signedbit <= 49);
    // 85 bits times a sum of 50
    signal {signedbit} wantedX120 <== AssumeSigned(136)(scaled * (volatilityX40 + slope));
    signal {signedbit} wantedX36 <== SignedShiftRightDown(84)(wantedX120);

    signal {maxbit} floorX36 <== ShiftRightDown(4)(widthFloorX40);
    signal {maxbit} least <== Constant(2 ** 24)();
    signal {maxbit} floored <== Max()(floorX36, least);
    // Raised by 2^52 to compare a number of either sign.
    signal {maxbit} raisedWanted <== AssumeBits(53)(wantedX36 + 2 ** 52);
    signal {maxbit} raisedFloor <== AssumeBits(53)(floored + 2 ** 52);
    signal {maxbit} larger <== Max()(raisedWanted, raisedFloor);
    signal {maxbit} width <== AssumeBits(52)(larger - 2 ** 52); // at least the floor
    out <== Saturate(46)(width);
}

/**
 * @title  SkewSlope
 * @notice A skew's cap, base + slope * sqrt(tau), over its width. Claim: B7.
 * @input  sqrtTauX40, widthX36  []  41 and 46 bits
 * @input  capX40, capSlopeX40   []  signed 47 bits
 * @output isNegative            []  binary
 * @output slopeX44              []  with the cap's sign; below 2^67 in size, as the width is at least 2^24
 */
template SkewSlope() {
    signal input {maxbit} sqrtTauX40, widthX36;
    signal input {signedbit} capX40, capSlopeX40;
    signal output isNegative, slopeX44;

    signal {signedbit} signedSqrtTau <== AssumeSigned(sqrtTauX40.maxbit)(sqrtTauX40); // not negative
    signal {signedbit} slope <== SignedMulDown(40)(signedSqrtTau, capSlopeX40);
    assert(capX40.signedbit <= 49 && slope.signedbit <= 49);
    signal {signedbit} cap <== AssumeSigned(50)(capX40 + slope);
    signal {maxbit} magnitude;
    (isNegative, magnitude) <== SignAndMagnitude()(cap);
    signal {maxbit} numerator <== ShiftLeft(40)(magnitude);
    signal {maxbit} quotient <== DivDown(67)(numerator, widthX36);
    slopeX44 <== (1 - 2 * isNegative) * quotient;
}

/**
 * @title  Tenor
 * @notice Time to expiry and what it makes of the policy. Expired options have no witness. Claim: B7.
 * @input  expiry, asOf, tauRefSecondsX20  []  32, 32 and 52 bits
 * @input  the fields of the policy words volatilityShocks, skewLinear (linear…) and skewAbsolute (absolute…)
 * @output secondsToExpiry       []  26 bits
 * @output tauX40, tauX56, sqrtTauX40  []  42, 58 and 41 bits
 * @output ratioX40              []  time to expiry over the surface's tenor, 54 bits; more has no witness
 * @output upX40, downX40, floorUpX40  []  60, 41 and 46 bits
 * @output widthX36              []  46 bits
 * @output linear and absolute skews  see SkewSlope
 */
template Tenor() {
    signal input {maxbit} expiry, asOf, tauRefSecondsX20;
    signal input {maxbit} rangeUpX40, rangeDownX40, shortPowerX40, longPowerX40, tenorFloorSeconds, floorUpX40;
    signal input {maxbit} widthFloorX40, widthScaleX40, typicalVolatilityX40;
    signal input {signedbit} linearCapX40, linearCapSlopeX40, absoluteCapX40, absoluteCapSlopeX40;
    signal input {signedbit} typicalVolatilitySlopeX40;
    signal output {maxbit} secondsToExpiry, tauX40, tauX56, sqrtTauX40, ratioX40, upX40, downX40, leastUpX40, widthX36;
    signal output linearIsNegative, linearSlopeX44, absoluteIsNegative, absoluteSlopeX44;

    secondsToExpiry <== RangeCheck(26)(expiry - asOf);
    signal {maxbit} scaledTime <== ShiftLeft(60)(secondsToExpiry);
    ratioX40 <== DivDown(54)(scaledTime, tauRefSecondsX20);

    signal {maxbit} timeX80 <== ShiftLeft(80)(secondsToExpiry);
    signal {maxbit} year <== Constant(31536000)();
    signal {maxbit} tauX80 <== DivDown(82)(timeX80, year);
    signal tauBits[82] <== Num2Bits(82)(tauX80);
    tauX40 <== BitsToNumber(82, 40, 42)(tauBits);
    tauX56 <== BitsToNumber(82, 24, 58)(tauBits);
    sqrtTauX40 <== SqrtDown()(tauX80);

    (upX40, downX40) <== VolatilityFactors()(
        secondsToExpiry, tenorFloorSeconds, shortPowerX40, longPowerX40, rangeUpX40, rangeDownX40
    );
    signal {maxbit} leastUp <== MulDown(40)(floorUpX40, sqrtTauX40);
    leastUpX40 <== AssumeBits(46)(leastUp); // 45 + 41 - 40 bits
    widthX36 <== SkewWidth()(sqrtTauX40, widthFloorX40, widthScaleX40, typicalVolatilityX40, typicalVolatilitySlopeX40);
    (linearIsNegative, linearSlopeX44) <== SkewSlope()(sqrtTauX40, widthX36, linearCapX40, linearCapSlopeX40);
    (absoluteIsNegative, absoluteSlopeX44) <== SkewSlope()(sqrtTauX40, widthX36, absoluteCapX40, absoluteCapSlopeX40);
}
