pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  FloorAndSign
 * @notice out = floor(in / 2^DROP), towards minus infinity, and whether in is negative.
 * @param  DROP  bits to drop, from 0
 * @input  in        []  tagged signed width S, at most 252
 * @output out       []  signedbit = S - DROP
 * @output negative  []  binary
 *
 * in + 2^S lies in [0, 2^(S + 1)), at most 2^253 < p: its bits are unique, the top one says in >= 0 and those from DROP
 * on are the quotient. S + 1 rows. Claim: M25.
 */
template FloorAndSign(DROP) {
    signal input {signedbit} in;
    signal output {signedbit} out;
    signal output {binary, maxbit} negative;

    var SIGNED_BITS = in.signedbit;
    assert(SIGNED_BITS <= 252);
    assert(DROP <= SIGNED_BITS);

    signal bits[SIGNED_BITS + 1] <== Num2Bits(SIGNED_BITS + 1)(in + 2 ** SIGNED_BITS);
    var quotient = 0;
    for (var i = SIGNED_BITS; i >= DROP; i--) {
        quotient += quotient + bits[i];
    }
    out.signedbit = SIGNED_BITS - DROP;
    out <== quotient - 2 ** (SIGNED_BITS - DROP);
    negative.maxbit = 1;
    negative <== 1 - bits[SIGNED_BITS];
}
