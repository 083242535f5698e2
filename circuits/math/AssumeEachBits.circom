pragma circom 2.2.3;

/**
 * @title  AssumeEachBits
 * @notice AssumeBits of every element of an array: circom gives an array one width.
 * @param  BITS, COUNT  the width, how many
 * @input  in   [COUNT]  each below 2^BITS by the argument that stands beside each use
 * @output out  [COUNT]  maxbit = BITS
 */
template AssumeEachBits(BITS, COUNT) {
    signal input in[COUNT];
    signal output {maxbit} out[COUNT];

    assert(BITS <= 253);
    out.maxbit = BITS;
    out <== in;
}
