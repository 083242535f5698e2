pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "PiecewisePolynomial.circom";
include "PowerOfTwo.circom";
include "../generated/tables/exp.circom";

/**
 * @title  ExpDown
 * @notice Exponential of a signed number, rounded down: out <= e^in, both X32; exactly 1 at 0.
 * @input  in   []  X32 in [-16, 16): signedbit = 36 or less
 * @output out  []  X32; maxbit = 56, as e^16 < 2^24
 *
 * e^in = 2^y with y = in * log2(e), raised by 24 to be positive: an integer part below 48 is a shift, the fraction's
 * upper bits go through a table that never lies above 2^x. log2(e) is off by at most half a unit, so in * log2(e) by
 * at most 2^35; taking 2^35 away keeps y below the true one, except at in = 0 where nothing is taken and the table
 * gets its shortfall back. Bit budget: 24 + 23.1 < 48 and the table's result is below 2: the
 * shifted result is below 2^(RESULT_BITS + 48).
 * Error: out > e^in * (1 - 2^-33) - 1 unit. Claim: M20.
 */
template ExpDown() {
    signal input {signedbit} in;
    signal output {maxbit} out;

    assert(in.signedbit <= 36);
    var SHIFT = 24;
    var PRODUCT_BITS = 32 + expLog2EBits();
    var ARGUMENT_BITS = expArgumentBits();
    var RESULT_BITS = expResultBits();

    signal isZero <== IsZero()(in);
    signal power <== in * expLog2E() + SHIFT * 2 ** PRODUCT_BITS - (1 - isZero) * 2 ** 35;
    signal powerBits[PRODUCT_BITS + 6] <== Num2Bits(PRODUCT_BITS + 6)(power);

    signal argument[ARGUMENT_BITS];
    for (var i = 0; i < ARGUMENT_BITS; i++) {
        argument[i] <== powerBits[PRODUCT_BITS - ARGUMENT_BITS + i];
    }
    signal fraction <== PiecewisePolynomial(
        ARGUMENT_BITS, expIndexBits(), expDegree(), expOffsetBits(), expCoefficients()
    )(argument, 0);
    signal integerBits[6];
    for (var i = 0; i < 6; i++) {
        integerBits[i] <== powerBits[PRODUCT_BITS + i];
    }
    signal integer <== PowerOfTwo(6)(integerBits);

    var SHORTFALL = (2 ** RESULT_BITS - expAtZero()) * 2 ** SHIFT;
    signal exponential <== integer * fraction;
    signal bits[RESULT_BITS + 48] <== Num2Bits(RESULT_BITS + 48)(exponential + isZero * SHORTFALL);
    var kept = 0;
    for (var i = RESULT_BITS + 47; i >= RESULT_BITS + SHIFT - 32; i--) {
        kept += kept + bits[i];
    }

    out.maxbit = 56;
    out <== kept;
}
