pragma circom 2.2.3;

include "bitify.circom";
include "Exp2NegativeOfBits.circom";

/**
 * @title  Exp2Negative
 * @notice Exp2NegativeOfBits of a number. Claim: M17.
 * @param  FRACTION_BITS  fraction bits of the input, 32 or more
 * @input  in   []  x * 2^FRACTION_BITS; tagged width, at most 253
 * @output out  []  maxbit = EXP2_SCALE() + 1; max = 2^EXP2_SCALE()
 */
template Exp2Negative(FRACTION_BITS) {
    signal input {maxbit} in;
    signal output {maxbit, max} out;

    var IN_BITS = in.maxbit;
    signal bits[IN_BITS] <== Num2Bits(IN_BITS)(in);
    out <== Exp2NegativeOfBits(IN_BITS, FRACTION_BITS)(bits);
}
