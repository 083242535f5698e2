pragma circom 2.2.3;

include "ShiftRightDownSaturate.circom";

/**
 * @title  ShiftRightUpSaturate
 * @notice out = min(ceil(in / 2^DROP), 2^BITS - 1).
 * @param  DROP  bits to drop, at least 1
 * @param  BITS  width of the result; DROP + BITS <= in.maxbit
 * @input  in    []  tagged width, at most 252
 * @output out   []  maxbit = BITS
 *
 * Bit budget: in + 2^DROP - 1 < 2^(in.maxbit + 1) <= 2^253. Claim: M6.
 */
template ShiftRightUpSaturate(DROP, BITS) {
    signal input {maxbit} in;
    signal output {maxbit} out;

    assert(DROP >= 1);
    assert(DROP <= in.maxbit);
    signal {maxbit} raised;
    raised.maxbit = in.maxbit + 1;
    raised <== in + 2 ** DROP - 1;

    signal {maxbit} quotient <== ShiftRightDownSaturate(DROP, BITS)(raised);
    out.maxbit = BITS;
    out <== quotient;
}
