pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/Constant.circom";
include "../math/ExpFineDown.circom";
include "../math/IsLess.circom";
include "../math/Min.circom";
include "../math/MulDown.circom";
include "../math/MulUp.circom";
include "../math/ShiftRightUp.circom";
include "ClampedExponent.circom";

/**
 * @title  Discounts
 * @notice What an expiry's value is multiplied by, the factors rounded against the account: discount = e^(-r tau),
 *         long = base e^(-tau (r + r multiple + add)), short = min(1, base e^(tau (r multiple + add - r))), both 1 at
 *         expiry; basis = discount (add + slope tau); r is the rate, at least 0. Claim: B8.
 * @input  secondsToExpiry, tauX40, tauX56  []  26, 42 and 58 bits, the latter rounded down
 * @input  rateX40                  []  signed 47 bits
 * @input  longBaseX40, shortBaseX40, basisAddX40    []  43, 43 and 45 bits
 * @input  long and short rateMultiple and rateAdd, basisSlopeX40  []  X40, 48 bits
 * @input  confidenceX40, spotConfidenceX40, confidenceThresholdX40  []  41 bits
 * @output discountX40, longFactorX40, shortFactorX40, basisFactorX40  []  41, 43, 41 and 52 bits
 * @output shortfallX40  []  41 bits: 1 less the lower confidence if that is below the threshold, and 0 if it is 1 or more
 */
template Discounts() {
    signal input {maxbit} secondsToExpiry, tauX40, tauX56;
    signal input {signedbit} rateX40;
    signal input {maxbit} longBaseX40, longMultipleX40, longAddX40;
    signal input {maxbit} shortBaseX40, shortMultipleX40, shortAddX40, basisAddX40, basisSlopeX40;
    signal input {maxbit} confidenceX40, spotConfidenceX40, confidenceThresholdX40;
    signal output {maxbit} discountX40, longFactorX40, shortFactorX40, basisFactorX40, shortfallX40;

    assert(rateX40.signedbit == 47);
    signal rateBits[48] <== Num2Bits(48)(rateX40 + 2 ** 47);
    signal rate <== rateBits[47] * rateX40;
    signal isExpiring <== IsZero()(secondsToExpiry);

    // Negated before they are floored, exponents of what is to be rounded down are rounded up.
    assert(tauX40.maxbit <= 42);
    signal {signedbit} discountExponentX80 <== AssumeSigned(90)(-tauX40 * rate); // 42 + 47 bits
    signal {signedbit} discountExponent <== ClampedExponent(40)(discountExponentX80);
    signal {maxbit} discount <== ExpFineDown()(discountExponent);
    discountX40 <== AssumeBits(41)(discount); // at most 1: its exponent is not positive

    signal longGrowth <== rate * longMultipleX40;
    // A unit more makes up for the year fraction: rates are below 2^16, and 2^-56 of them below a unit.
    assert(tauX56.maxbit <= 58);
    assert(longMultipleX40.maxbit <= 48 && longAddX40.maxbit <= 48);
    signal {signedbit} longExponentX136 <== AssumeSigned(156)( // 58 bits times 95 and 89
        -tauX56 * (longGrowth + (rate + longAddX40) * 2 ** 40) - 2 ** 96
    );
    signal {signedbit} longExponent <== ClampedExponent(96)(longExponentX136);
    signal {maxbit} longExponential <== ExpFineDown()(longExponent);
    signal {maxbit} longFactor <== MulDown(40)(longBaseX40, longExponential);
    assert(longBaseX40.maxbit <= 43);
    signal longOrOne <== longFactor + isExpiring * (2 ** 40 - longFactor);
    longFactorX40 <== AssumeBits(43)(longOrOne); // at most its base, or 1

    signal shortGrowth <== rate * shortMultipleX40;
    assert(shortMultipleX40.maxbit <= 48 && shortAddX40.maxbit <= 48);
    // Rounded up, and a unit more
    signal {signedbit} shortExponentX136 <== AssumeSigned(156)(
        tauX56 * (shortGrowth + (shortAddX40 - rate) * 2 ** 40) + 2 ** 97 - 1
    );
    signal {signedbit} shortExponent <== ClampedExponent(96)(shortExponentX136);
    signal {maxbit} shortExponential <== ExpFineDown()(shortExponent);
    // The exponential lies below by less than 2^-38 of itself and two units.
    signal {maxbit} shortX118 <== AssumeBits(146)(shortBaseX40 * (shortExponential * (2 ** 38 + 1) + 2 ** 39));
    signal {maxbit} shortFactor <== ShiftRightUp(78)(shortX118);
    signal {maxbit, max} one <== Constant(2 ** 40)();
    signal {maxbit} shortAtMostOne <== Min()(shortFactor, one);
    signal shortOrOne <== shortAtMostOne + isExpiring * (2 ** 40 - shortAtMostOne);
    shortFactorX40 <== AssumeBits(41)(shortOrOne);

    // The discount is short by less than 4 units, the year fraction by less than one.
    signal slope <== basisSlopeX40 * (tauX40 + 1);
    signal {maxbit} basisX80 <== AssumeBits(92)(basisAddX40 * 2 ** 40 + slope); // 85 and 90 bits
    signal {maxbit} raisedDiscount <== AssumeBits(41)(discount + 4); // at most 2^40 and 4
    signal {maxbit} basis <== MulUp(80)(basisX80, raisedDiscount);
    assert(basisAddX40.maxbit <= 45 && basisSlopeX40.maxbit <= 48);
    basisFactorX40 <== AssumeBits(52)(basis); // below 2^91 times just over 2^40, less 80 bits

    signal {maxbit} confidence <== Min()(confidenceX40, spotConfidenceX40);
    signal {maxbit} limit <== Min()(confidenceThresholdX40, one);
    signal isShort <== IsLess()(confidence, limit);
    shortfallX40 <== AssumeBits(41)(isShort * (2 ** 40 - confidence));
}
