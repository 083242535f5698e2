pragma circom 2.2.3;

include "ShiftRightDownSaturate.circom";

/**
 * @title  Saturate
 * @notice out = min(in, 2^BITS - 1).
 * @param  BITS  width of the result, below in.maxbit
 * @input  in    []  tagged width, at most 253
 * @output out   []  maxbit = BITS
 *
 * After a shift use ShiftRightDownSaturate, which shares its decomposition. Claim: M6.
 */
template Saturate(BITS) {
    signal input {maxbit} in;
    signal output {maxbit} out;

    signal {maxbit} saturated <== ShiftRightDownSaturate(0, BITS)(in);
    out.maxbit = BITS;
    out <== saturated;
}
