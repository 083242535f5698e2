pragma circom 2.2.3;

include "AllZero.circom";
include "PiecewisePolynomial.circom";
include "PowerOfTwo.circom";
include "../generated/tables/exp2.circom";

/** @notice Fraction bits of the weight: the table's, and 15 for the largest integer part. */
function EXP2_SCALE() {
    return exp2ResultBits() + 15;
}

/**
 * @title  Exp2NegativeOfBits
 * @notice Decay weight out = 2^-x * 2^EXP2_SCALE(), untruncated: multiply first, truncate the product once.
 * @param  IN_BITS        bits of the input, at most 253
 * @param  FRACTION_BITS  fraction bits of the input, 32 or more; the upper 32 of them are used
 * @input  bits [IN_BITS]  x * 2^FRACTION_BITS, boolean, least significant first; weights of one time at several
 *                         half-lives that differ by powers of two share them
 * @output out  []  maxbit = EXP2_SCALE() + 1; max = 2^EXP2_SCALE(), taken at x = 0 and nowhere exceeded
 *
 * x = i + f, i below 16: out = table(f) * 2^(15 - i), and 0 from x = 16 on. Reading f to 32 bits raises the
 * weight by less than 2^-32 ln(2); the table adds at most 2^-33.3 on either side, both times 2^-i. At f = 0
 * the table is exact; from f = 2^-32 on, 2^-f is further below 1 than the table's error.
 * Beyond 16 the weight is below 2^-16, and read as 0. Claim: M17.
 */
template Exp2NegativeOfBits(IN_BITS, FRACTION_BITS) {
    signal input bits[IN_BITS];
    signal output {maxbit, max} out;

    var ARGUMENT_BITS = exp2ArgumentBits();
    assert(ARGUMENT_BITS == 32);
    assert(FRACTION_BITS >= 32);
    assert(IN_BITS <= 253);

    signal argument[ARGUMENT_BITS];
    for (var i = 0; i < ARGUMENT_BITS; i++) {
        if (FRACTION_BITS - ARGUMENT_BITS + i < IN_BITS) {
            argument[i] <== bits[FRACTION_BITS - ARGUMENT_BITS + i];
        } else {
            argument[i] <== 0;
        }
    }
    signal fractionWeight <== PiecewisePolynomial(
        ARGUMENT_BITS, exp2IndexBits(), exp2Degree(), exp2OffsetBits(), exp2Coefficients()
    )(argument, 0);

    signal clearBits[4];
    for (var i = 0; i < 4; i++) {
        if (FRACTION_BITS + i < IN_BITS) {
            clearBits[i] <== 1 - bits[FRACTION_BITS + i];
        } else {
            clearBits[i] <== 1;
        }
    }
    signal integerWeight <== PowerOfTwo(4)(clearBits);

    var OVERFLOW_BITS = IN_BITS - FRACTION_BITS - 4;
    signal weightInRange;
    if (OVERFLOW_BITS > 0) {
        signal overflow[OVERFLOW_BITS];
        for (var i = 0; i < OVERFLOW_BITS; i++) {
            overflow[i] <== bits[FRACTION_BITS + 4 + i];
        }
        signal inRange <== AllZero(OVERFLOW_BITS)(overflow);
        weightInRange <== integerWeight * inRange;
    } else {
        weightInRange <== integerWeight;
    }

    out.maxbit = EXP2_SCALE() + 1;
    out.max = 2 ** EXP2_SCALE();
    out <== weightInRange * fractionWeight;
}
