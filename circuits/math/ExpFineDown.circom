pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "PiecewisePolynomial.circom";
include "PowerOfTwo.circom";
include "../generated/tables/expFine.circom";

/**
 * @title  ExpFineDown
 * @notice Exponential of a signed number, rounded down: out <= e^in, both X40; exactly 1 at 0.
 * @input  in   []  X40 in [-16, 16): signedbit = 44 or less
 * @output out  []  X40; maxbit = 64, as e^16 < 2^24
 *
 * ExpDown at a finer scale: in * log2(e) is off by at most 2^44 times half a unit of log2(e), and 2^43 is taken away
 * except at 0, where the table gets its shortfall back. Bit budget: 24 + 23.1 < 48, the table's result is below 2.
 * Error: out > e^in * (1 - 2^-39.8) - 1 unit. Claim: M23.
 */
template ExpFineDown() {
    signal input {signedbit} in;
    signal output {maxbit} out;

    assert(in.signedbit <= 44);
    var SHIFT = 24;
    var PRODUCT_BITS = 40 + expFineLog2EBits();
    var ARGUMENT_BITS = expFineArgumentBits();
    var RESULT_BITS = expFineResultBits();

    signal isZero <== IsZero()(in);
    signal power <== in * expFineLog2E() + SHIFT * 2 ** PRODUCT_BITS - (1 - isZero) * 2 ** 43;
    signal powerBits[PRODUCT_BITS + 6] <== Num2Bits(PRODUCT_BITS + 6)(power);

    signal argument[ARGUMENT_BITS];
    for (var i = 0; i < ARGUMENT_BITS; i++) {
        argument[i] <== powerBits[PRODUCT_BITS - ARGUMENT_BITS + i];
    }
    signal fraction <== PiecewisePolynomial(
        ARGUMENT_BITS, expFineIndexBits(), expFineDegree(), expFineOffsetBits(), expFineCoefficients()
    )(argument, 0);
    signal integerBits[6];
    for (var i = 0; i < 6; i++) {
        integerBits[i] <== powerBits[PRODUCT_BITS + i];
    }
    signal integer <== PowerOfTwo(6)(integerBits);

    var SHORTFALL = (2 ** RESULT_BITS - expFineAtZero()) * 2 ** SHIFT;
    signal exponential <== integer * fraction;
    signal bits[RESULT_BITS + 48] <== Num2Bits(RESULT_BITS + 48)(exponential + isZero * SHORTFALL);
    var kept = 0;
    for (var i = RESULT_BITS + 47; i >= RESULT_BITS + SHIFT - 40; i--) {
        kept += kept + bits[i];
    }

    out.maxbit = 64;
    out <== kept;
}
