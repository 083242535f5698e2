pragma circom 2.2.3;

/**
 * @title  AssumeEachSigned
 * @notice AssumeSigned of every element of an array: circom gives an array one width.
 * @param  BITS, COUNT  the width, how many
 * @input  in   [COUNT]  each in [-2^BITS, 2^BITS) by the argument that stands beside each use
 * @output out  [COUNT]  signedbit = BITS
 */
template AssumeEachSigned(BITS, COUNT) {
    signal input in[COUNT];
    signal output {signedbit} out[COUNT];

    assert(BITS <= 252);
    out.signedbit = BITS;
    out <== in;
}
