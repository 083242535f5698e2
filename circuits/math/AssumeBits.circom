pragma circom 2.2.3;

/**
 * @title  AssumeBits
 * @notice Says how wide a value is without proving it; costs nothing.
 * @param  BITS  the width
 * @input  in   []  below 2^BITS by the argument that stands beside each use
 * @output out  []  maxbit = BITS
 *
 * Safe in two cases only, and each use names its own: the value is a sum or product of tagged signals whose widths
 * give the bound, or the next template decomposes the value at BITS and so proves the bound itself.
 */
template AssumeBits(BITS) {
    signal input in;
    signal output {maxbit} out;

    assert(BITS <= 253);
    out.maxbit = BITS;
    out <== in;
}
