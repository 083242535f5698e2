pragma circom 2.2.3;

include "bitify.circom";
include "AllZero.circom";
include "PiecewisePolynomial.circom";
include "SignAndBits.circom";
include "../generated/tables/normalCdf.circom";

/**
 * @title  NormalCdfDown
 * @notice Standard normal distribution function, rounded down: X28 in, X32 out.
 * @input  in   []  X28; signedbit 32 or more. Beyond 6.5 the function is taken as flat, hence saturates.
 * @output out  []  X32, at most 2^32 - 1; maxbit = 32
 *
 * cdf(x) = 1/2 + sign(x) * (table(|x|) - 1/2), less a margin that exceeds the table's error: below the true value on
 * either side of 0, and not below 0 since the table is within the margin of 1 from where it turns flat.
 * Error: out > cdf(in) - 1.2 units. Claim: M21.
 */
template NormalCdfDown() {
    signal input {signedbit} in;
    signal output {maxbit} out;

    var IN_BITS = in.signedbit;
    var ARGUMENT_BITS = normalCdfArgumentBits(); // X28 below 8
    var RESULT_BITS = normalCdfResultBits();
    assert(ARGUMENT_BITS == 31);
    assert(IN_BITS > ARGUMENT_BITS);

    signal negative, foldedBits[IN_BITS];
    (negative, foldedBits) <== SignAndBits(IN_BITS)(in);
    signal argument[ARGUMENT_BITS];
    for (var i = 0; i < ARGUMENT_BITS; i++) {
        argument[i] <== foldedBits[i];
    }
    signal beyond[IN_BITS - ARGUMENT_BITS];
    for (var i = 0; i < IN_BITS - ARGUMENT_BITS; i++) {
        beyond[i] <== foldedBits[ARGUMENT_BITS + i];
    }
    signal inTable <== AllZero(IN_BITS - ARGUMENT_BITS)(beyond);
    signal magnitude <== PiecewisePolynomial(
        ARGUMENT_BITS, normalCdfIndexBits(), normalCdfDegree(), normalCdfOffsetBits(), normalCdfCoefficients()
    )(argument, negative);

    var ONE = 2 ** RESULT_BITS;
    var HALF = ONE \ 2;
    var FLAT = ONE - normalCdfMargin();
    signal saturated <== FLAT + inTable * (magnitude - FLAT);
    signal distance <== (1 - 2 * negative) * (saturated - HALF);
    signal bits[RESULT_BITS] <== Num2Bits(RESULT_BITS)(HALF + distance - normalCdfMargin());
    var kept = 0;
    for (var i = RESULT_BITS - 1; i >= RESULT_BITS - 32; i--) {
        kept += kept + bits[i];
    }

    out.maxbit = 32;
    out <== kept;
}
