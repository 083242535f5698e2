pragma circom 2.2.3;

include "SignedShiftRightDown.circom";

/**
 * @title  SignedMulDown
 * @notice Fixed-point product of signed numbers: out = floor(a * b / 2^FRACTION_BITS), towards minus infinity.
 * @param  FRACTION_BITS  fraction bits to drop, at least 1
 * @input  a, b  []  tagged signed widths A and B
 * @output out   []  signedbit = A + B + 1 - FRACTION_BITS
 *
 * |a * b| <= 2^(A + B), which both at their lowest reach: hence the bit more. A + B + 1 <= 252.
 * A + B + 3 rows. Claim: M19.
 */
template SignedMulDown(FRACTION_BITS) {
    signal input {signedbit} a, b;
    signal output {signedbit} out;

    signal {signedbit} product;
    product.signedbit = a.signedbit + b.signedbit + 1;
    product <== a * b;

    signal {signedbit} quotient <== SignedShiftRightDown(FRACTION_BITS)(product);
    out.signedbit = product.signedbit - FRACTION_BITS;
    out <== quotient;
}
