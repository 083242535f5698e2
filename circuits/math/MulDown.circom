pragma circom 2.2.3;

include "Multiply.circom";
include "ShiftRightDown.circom";

/**
 * @title  MulDown
 * @notice Fixed-point product, rounded down: out = floor(a * b / 2^FRACTION_BITS).
 * @param  FRACTION_BITS  fraction bits to drop; 24 turns X24 times X36 into X36
 * @input  a, b  []  tagged widths A and B
 * @output out   []  maxbit = A + B - FRACTION_BITS
 *
 * Bit budget: a * b < 2^(A + B) <= 2^253 < p, so the product cannot wrap and there is no hint.
 * Error: in (-1, 0] units of the result. A + B + 1 rows. Claim: M2.
 */
template MulDown(FRACTION_BITS) {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    signal {maxbit} product <== Multiply()(a, b);
    signal {maxbit} quotient <== ShiftRightDown(FRACTION_BITS)(product);
    out.maxbit = a.maxbit + b.maxbit - FRACTION_BITS;
    out <== quotient;
}
