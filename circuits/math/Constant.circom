pragma circom 2.2.3;

include "bitWidth.circom";

/**
 * @title  Constant
 * @notice A compile-time number as a tagged signal.
 * @param  VALUE  0 to 2^253 - 1
 * @output out    []  VALUE; maxbit = the fewest bits that hold it; max = VALUE
 *
 * No rows. Claim: M18.
 */
template Constant(VALUE) {
    signal output {maxbit, max} out;

    out.maxbit = bitWidth(VALUE);
    out.max = VALUE;
    out <== VALUE;
}
