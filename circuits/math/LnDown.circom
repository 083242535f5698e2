pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "PiecewisePolynomial.circom";
include "PowerOfTwo.circom";
include "bitWidth.circom";
include "../generated/tables/lnX28.circom";
include "../generated/tables/lnX36.circom";

/**
 * @title  LnDown
 * @notice Natural logarithm of an integer, rounded down: out <= ln(in) * 2^FRACTION_BITS.
 * @param  FRACTION_BITS  of the result, at most 36; up to 28 a smaller table serves
 * @input  in   []  in >= 1 (0 has no witness); tagged width W, 32 to 64, from 40 on if FRACTION_BITS > 28
 * @output out  []  maxbit = FRACTION_BITS + 6, as ln(2^64) < 2^6
 *
 * in = 2^(W - 1 - shift) * (1 + x) with x in [0, 1): ln(in) = (W - 1 - shift) ln(2) + ln(1 + x). The shift is
 * a hint with one accepted value, the one that brings in * 2^shift into [2^(W - 1), 2^W); the product stays
 * below 2^(W + 64) <= 2^128 whatever its bits. The table never lies above ln(1 + x) and ln(2) is rounded
 * down, so out never lies above; it would fall below 0 only at in = 1, which gets the table's shortfall back.
 * Error: out > ln(in) * 2^FRACTION_BITS - 1.3, of which 1 is the final truncation. Claim: M16.
 */
template LnDown(FRACTION_BITS) {
    signal input {maxbit} in;
    signal output {maxbit} out;

    assert(FRACTION_BITS <= 36);
    var IS_X28 = FRACTION_BITS <= 28;
    var IN_BITS = in.maxbit;
    assert(IN_BITS >= (IS_X28 ? 32 : 40));
    assert(IN_BITS <= 64);
    var TOP = 2 ** (IN_BITS - 1);
    var SHIFT_BITS = bitWidth(IN_BITS - 1);
    var ARGUMENT_BITS = IS_X28 ? lnX28ArgumentBits() : lnX36ArgumentBits();
    var RESULT_BITS = IS_X28 ? lnX28ResultBits() : lnX36ResultBits();
    var LN2 = IS_X28 ? lnX28Ln2() : lnX36Ln2();
    var AT_ONE = IS_X28 ? lnX28AtZero() : lnX36AtZero();

    var leadingZeros = 0;
    var scaled = in;
    while (leadingZeros < IN_BITS - 1 && scaled < TOP) {
        leadingZeros++;
        scaled += scaled;
    }
    signal shift <-- leadingZeros;
    signal shiftBits[SHIFT_BITS] <== Num2Bits(SHIFT_BITS)(shift);
    signal power <== PowerOfTwo(SHIFT_BITS)(shiftBits);
    signal mantissa <== in * power;
    signal mantissaBits[IN_BITS - 1] <== Num2Bits(IN_BITS - 1)(mantissa - TOP);

    signal argument[ARGUMENT_BITS];
    for (var i = 0; i < ARGUMENT_BITS; i++) {
        argument[i] <== mantissaBits[IN_BITS - 1 - ARGUMENT_BITS + i];
    }
    signal lnMantissa;
    if (IS_X28) {
        lnMantissa <== PiecewisePolynomial(
            ARGUMENT_BITS, lnX28IndexBits(), lnX28Degree(), lnX28OffsetBits(), lnX28Coefficients()
        )(argument, 0);
    } else {
        lnMantissa <== PiecewisePolynomial(
            ARGUMENT_BITS, lnX36IndexBits(), lnX36Degree(), lnX36OffsetBits(), lnX36Coefficients()
        )(argument, 0);
    }

    signal isOne <== IsZero()(in - 1);
    signal logarithm <== (IN_BITS - 1 - shift) * LN2 + lnMantissa - isOne * AT_ONE;
    signal bits[RESULT_BITS + 6] <== Num2Bits(RESULT_BITS + 6)(logarithm);
    var kept = 0;
    for (var i = RESULT_BITS + 5; i >= RESULT_BITS - FRACTION_BITS; i--) {
        kept += kept + bits[i];
    }

    out.maxbit = FRACTION_BITS + 6;
    out <== kept;
}
