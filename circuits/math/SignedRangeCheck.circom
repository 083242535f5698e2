pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  SignedRangeCheck
 * @notice Proves -2^BITS <= in < 2^BITS, where a field element above p / 2 stands for itself less p, and
 *         records it as a tag. The only door from an unchecked signal to a signed one.
 * @param  BITS  1 to 252
 * @input  in    []  any field element
 * @output out   []  the same value; signedbit = BITS
 *
 * in + 2^BITS lies in [0, 2^(BITS + 1)), at most 2^253 < p, for no other in. BITS + 1 rows. Claim: M19.
 */
template SignedRangeCheck(BITS) {
    signal input in;
    signal output {signedbit} out;

    assert(BITS >= 1);
    assert(BITS <= 252);

    signal bits[BITS + 1] <== Num2Bits(BITS + 1)(in + 2 ** BITS);
    out.signedbit = BITS;
    out <== in;
}
