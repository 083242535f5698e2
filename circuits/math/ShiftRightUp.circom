pragma circom 2.2.3;

include "ShiftRightDown.circom";

/**
 * @title  ShiftRightUp
 * @notice out = ceil(in / 2^DROP) = floor((in + 2^DROP - 1) / 2^DROP).
 * @param  DROP  bits to drop, 0 < DROP < in.maxbit
 * @input  in    []  tagged width, at most 252
 * @output out   []  maxbit = in.maxbit - DROP + 1: rounding up can carry into one more bit
 *
 * Bit budget: in + 2^DROP - 1 < 2^(in.maxbit + 1) <= 2^253. in.maxbit + 1 rows. Claim: M5.
 */
template ShiftRightUp(DROP) {
    signal input {maxbit} in;
    signal output {maxbit} out;

    signal {maxbit} raised;
    raised.maxbit = in.maxbit + 1;
    raised <== in + 2 ** DROP - 1;

    signal {maxbit} quotient <== ShiftRightDown(DROP)(raised);
    out.maxbit = raised.maxbit - DROP;
    out <== quotient;
}
