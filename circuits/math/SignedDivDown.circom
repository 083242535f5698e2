pragma circom 2.2.3;

include "AssumeBits.circom";
include "DivDown.circom";

/**
 * @title  SignedDivDown
 * @notice out = floor(numerator / denominator), towards minus infinity. Claim: M25.
 * @param  QUOTIENT_BITS  the quotient must lie in [-2^QUOTIENT_BITS, 2^QUOTIENT_BITS), else there is no witness
 * @input  numerator    []  tagged signed width
 * @input  denominator  []  tagged width; 0 has no witness
 * @output out          []  signedbit = QUOTIENT_BITS
 */
template SignedDivDown(QUOTIENT_BITS) {
    signal input {signedbit} numerator;
    signal input {maxbit} denominator;
    signal output {signedbit} out;

    var RAISED_BITS = QUOTIENT_BITS + 1 + denominator.maxbit;
    assert(numerator.signedbit <= 252);
    // A numerator too low to be raised above 0 would have a quotient beyond 2^(QUOTIENT_BITS + 1): DivDown refuses it.
    signal {maxbit} raised <== AssumeBits(RAISED_BITS)(numerator + denominator * 2 ** QUOTIENT_BITS);
    signal {maxbit} quotient <== DivDown(QUOTIENT_BITS + 1)(raised, denominator);
    out.signedbit = QUOTIENT_BITS;
    out <== quotient - 2 ** QUOTIENT_BITS;
}
