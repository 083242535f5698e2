pragma circom 2.2.3;

/**
 * @title  ShiftLeft
 * @notice out = in * 2^BITS, exactly: the same number at a finer scale.
 * @param  BITS  zero bits to append
 * @input  in    []  tagged width
 * @output out   []  maxbit = in.maxbit + BITS, at most 253
 *
 * No rows. Claim: M18.
 */
template ShiftLeft(BITS) {
    signal input {maxbit} in;
    signal output {maxbit} out;

    assert(BITS >= 0);
    assert(in.maxbit + BITS <= 253);
    out.maxbit = in.maxbit + BITS;
    out <== in * 2 ** BITS;
}
