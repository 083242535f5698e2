pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  RangeCheck
 * @notice Proves 0 <= in < 2^BITS and records the width as a tag. The only door from an unchecked
 *         signal to one the other templates of this folder accept.
 * @param  BITS  1 to 253, so that 2^BITS < p and the decomposition is unique
 * @input  in    []  any field element
 * @output out   []  the same value; maxbit = BITS
 *
 * BITS rows: k quadratic rows have at most 2^k isolated solutions, so fewer cannot do. Claim: M1.
 */
template RangeCheck(BITS) {
    signal input in;
    signal output {maxbit} out;

    assert(BITS >= 1);
    assert(BITS <= 253);

    signal bits[BITS] <== Num2Bits(BITS)(in);
    out.maxbit = BITS;
    out <== in;
}
