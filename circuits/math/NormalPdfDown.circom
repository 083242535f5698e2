pragma circom 2.2.3;

include "bitify.circom";
include "AllZero.circom";
include "PiecewisePolynomial.circom";
include "SignAndBits.circom";
include "../generated/tables/normalPdf.circom";

/**
 * @title  NormalPdfDown
 * @notice Standard normal density, rounded down: X28 in, X32 out.
 * @input  in   []  X28; signedbit 32 or more. Beyond 6.75 the density is taken as 0.
 * @output out  []  X32, at most 0.3990; maxbit = 31
 *
 * The table never lies above the density and is not negative: where the density falls to the table's error
 * the table is 0. Error: out > pdf(in) - 1.3 units. Claim: M22.
 */
template NormalPdfDown() {
    signal input {signedbit} in;
    signal output {maxbit} out;

    var IN_BITS = in.signedbit;
    var ARGUMENT_BITS = normalPdfArgumentBits(); // X28 below 8
    var RESULT_BITS = normalPdfResultBits();
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
    signal density <== PiecewisePolynomial(
        ARGUMENT_BITS, normalPdfIndexBits(), normalPdfDegree(), normalPdfOffsetBits(), normalPdfCoefficients()
    )(argument, negative);

    signal saturated <== inTable * density;
    signal bits[RESULT_BITS - 1] <== Num2Bits(RESULT_BITS - 1)(saturated);
    var kept = 0;
    for (var i = RESULT_BITS - 2; i >= RESULT_BITS - 32; i--) {
        kept += kept + bits[i];
    }

    out.maxbit = 31;
    out <== kept;
}
