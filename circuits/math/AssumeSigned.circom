pragma circom 2.2.3;

/**
 * @title  AssumeSigned
 * @notice Says how wide a signed value is without proving it; costs nothing.
 * @param  BITS  the width
 * @input  in   []  in [-2^BITS, 2^BITS) by the argument that stands beside each use
 * @output out  []  signedbit = BITS
 *
 * As AssumeBits: safe where the value is a sum of products whose widths give the bound, or where the next template
 * decomposes it at BITS and so proves the bound.
 */
template AssumeSigned(BITS) {
    signal input in;
    signal output {signedbit} out;

    assert(BITS <= 252);
    out.signedbit = BITS;
    out <== in;
}
