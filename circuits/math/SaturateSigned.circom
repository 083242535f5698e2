pragma circom 2.2.3;

include "bitify.circom";
include "AllZero.circom";

/**
 * @title  SaturateSigned
 * @notice out = in, moved into [-2^BITS, 2^BITS - 1].
 * @param  BITS  width of the result, below in.signedbit
 * @input  in   []  tagged signed width S, at most 250
 * @output out  []  signedbit = BITS
 *
 * in + 2^BITS + 2^(S + 1) lies in [0, 2^(S + 2)): its top bit says in >= -2^BITS, and of the bits below, those from
 * BITS + 1 on are all zero exactly if in < 2^BITS. S + 6 rows. Claim: M25.
 */
template SaturateSigned(BITS) {
    signal input {signedbit} in;
    signal output {signedbit} out;

    var SIGNED_BITS = in.signedbit;
    assert(SIGNED_BITS <= 250);
    assert(BITS < SIGNED_BITS);

    signal bits[SIGNED_BITS + 2] <== Num2Bits(SIGNED_BITS + 2)(in + 2 ** BITS + 2 ** (SIGNED_BITS + 1));
    signal notBelow <== bits[SIGNED_BITS + 1];
    signal above[SIGNED_BITS - BITS];
    for (var i = 0; i < SIGNED_BITS - BITS; i++) {
        above[i] <== bits[BITS + 1 + i];
    }
    signal notAbove <== AllZero(SIGNED_BITS - BITS)(above);

    var LIMIT = 2 ** BITS;
    signal lowered <== LIMIT - 1 + notAbove * (in - LIMIT + 1);
    out.signedbit = BITS;
    out <== -LIMIT + notBelow * (lowered + LIMIT);
}
