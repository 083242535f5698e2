pragma circom 2.2.3;

include "ShiftRightDown.circom";

/**
 * @title  MulUp
 * @notice Fixed-point product, rounded up: out = ceil(a * b / 2^FRACTION_BITS).
 * @param  FRACTION_BITS  fraction bits to drop
 * @input  a, b  []  tagged widths A and B
 * @output out   []  maxbit = A + B - FRACTION_BITS, or one more if FRACTION_BITS > max(A, B)
 *
 * Bit budget: a * b + 2^F - 1 <= 2^(A + B) - 2^A - 2^B + 2^F, which stays below 2^(A + B) as long as
 * F <= max(A, B); only beyond is one more bit needed. At most 253.
 * Error: in [0, 1) units of the result. A + B + 1 rows. Claim: M3.
 */
template MulUp(FRACTION_BITS) {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    var WIDER = a.maxbit > b.maxbit ? a.maxbit : b.maxbit;
    signal {maxbit} raised;
    raised.maxbit = a.maxbit + b.maxbit + (FRACTION_BITS > WIDER ? 1 : 0);
    raised <== a * b + 2 ** FRACTION_BITS - 1;

    signal {maxbit} quotient <== ShiftRightDown(FRACTION_BITS)(raised);
    out.maxbit = raised.maxbit - FRACTION_BITS;
    out <== quotient;
}
