pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  ShiftRightDown
 * @notice out = floor(in / 2^DROP).
 * @param  DROP  bits to drop, 0 < DROP < in.maxbit
 * @input  in    []  tagged width, at most 253
 * @output out   []  maxbit = in.maxbit - DROP
 *
 * in < 2^253 < p has one decomposition, and the quotient is its upper part: no hint to constrain.
 * in.maxbit rows wherever the cut is, so sum first and truncate once. Claim: M4.
 */
template ShiftRightDown(DROP) {
    signal input {maxbit} in;
    signal output {maxbit} out;

    var IN_BITS = in.maxbit;
    assert(IN_BITS <= 253);
    assert(DROP > 0);
    assert(DROP < IN_BITS);

    signal bits[IN_BITS] <== Num2Bits(IN_BITS)(in);
    var quotient = 0;
    for (var i = IN_BITS - 1; i >= DROP; i--) {
        quotient += quotient + bits[i];
    }

    out.maxbit = IN_BITS - DROP;
    out <== quotient;
}
