pragma circom 2.2.3;

include "bitify.circom";
include "AllZero.circom";

/**
 * @title  ShiftRightDownSaturate
 * @notice out = min(floor(in / 2^DROP), 2^BITS - 1).
 * @param  DROP  bits to drop, 0 or more
 * @param  BITS  width of the result; DROP + BITS < in.maxbit, else there is nothing to saturate
 * @input  in    []  tagged width, at most 253
 * @output out   []  maxbit = BITS
 *
 * One decomposition serves the cut and the overflow test. in.maxbit + 1 rows, and up to two more for
 * AllZero. Claim: M6.
 */
template ShiftRightDownSaturate(DROP, BITS) {
    signal input {maxbit} in;
    signal output {maxbit} out;

    var IN_BITS = in.maxbit;
    assert(IN_BITS <= 253);
    assert(DROP >= 0);
    assert(BITS >= 1);
    assert(DROP + BITS < IN_BITS);

    signal bits[IN_BITS] <== Num2Bits(IN_BITS)(in);
    var kept = 0;
    for (var i = DROP + BITS - 1; i >= DROP; i--) {
        kept += kept + bits[i];
    }
    var OVERFLOW_BITS = IN_BITS - DROP - BITS;
    signal overflow[OVERFLOW_BITS];
    for (var i = 0; i < OVERFLOW_BITS; i++) {
        overflow[i] <== bits[DROP + BITS + i];
    }

    var LARGEST = 2 ** BITS - 1;
    signal fits <== AllZero(OVERFLOW_BITS)(overflow);
    out.maxbit = BITS;
    out <== LARGEST + fits * (kept - LARGEST);
}
