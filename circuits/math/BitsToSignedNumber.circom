pragma circom 2.2.3;

include "BitsToNumber.circom";

/**
 * @title  BitsToSignedNumber
 * @notice The bits [FROM, FROM + BITS) of a word, which hold a number plus 2^(BITS - 1). Claim: Q1.
 * @param  TOTAL_BITS, FROM, BITS  as BitsToNumber has them
 * @input  bits  [TOTAL_BITS]  boolean, least significant first
 * @output out   []  signedbit = BITS - 1
 */
template BitsToSignedNumber(TOTAL_BITS, FROM, BITS) {
    signal input bits[TOTAL_BITS];
    signal output {signedbit} out;

    signal number <== BitsToNumber(TOTAL_BITS, FROM, BITS)(bits);
    out.signedbit = BITS - 1;
    out <== number - 2 ** (BITS - 1);
}
