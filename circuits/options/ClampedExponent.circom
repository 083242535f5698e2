pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "../math/AssumeSigned.circom";

/**
 * @title  ClampedExponent
 * @notice floor(in / 2^DROP), moved into [-2^44, 2^44): an X40 exponent that ExpFineDown takes. Part of claim B7.
 * @param  DROP  bits to drop
 * @input  in    []  tagged signed width S, S - DROP > 45, at most 251
 * @output out   []  signedbit = 44
 *
 * in + 2^S has S + 1 bits, the top one saying in >= 0. The quotient fits if the bits between it and the lower 44 all
 * differ from it.
 */
template ClampedExponent(DROP) {
    signal input {signedbit} in;
    signal output {signedbit} out;

    var SIGNED_BITS = in.signedbit;
    assert(SIGNED_BITS <= 251);
    assert(SIGNED_BITS - DROP > 45);
    signal bits[SIGNED_BITS + 1] <== Num2Bits(SIGNED_BITS + 1)(in + 2 ** SIGNED_BITS);
    signal isPositive <== bits[SIGNED_BITS];
    var low = 0;
    for (var i = DROP + 43; i >= DROP; i--) {
        low += low + bits[i];
    }
    var set = 0;
    for (var i = DROP + 44; i < SIGNED_BITS; i++) {
        set += bits[i];
    }
    var BETWEEN = SIGNED_BITS - DROP - 44;
    signal differing <== BETWEEN - set + isPositive * (2 * set - BETWEEN);
    signal fits <== IsZero()(differing);
    var limit = isPositive * (2 ** 45 - 1) - 2 ** 44;
    signal clamped <== limit + fits * (low - (1 - isPositive) * 2 ** 44 - limit);
    out <== AssumeSigned(44)(clamped); // a limit, or 44 bits with their sign
}
