pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  SignAndMagnitude
 * @notice in = (1 - 2 negative) * magnitude; zero is not negative.
 * @input  in         []  tagged signed width S, at most 252
 * @output negative   []  binary
 * @output magnitude  []  |in|; maxbit = S + 1, as -2^S is allowed
 *
 * The sign is the top bit of in + 2^S, not a hint. S + 2 rows. Claim: M19.
 */
template SignAndMagnitude() {
    signal input {signedbit} in;
    signal output {binary, maxbit} negative;
    signal output {maxbit} magnitude;

    var SIGNED_BITS = in.signedbit;
    signal bits[SIGNED_BITS + 1] <== Num2Bits(SIGNED_BITS + 1)(in + 2 ** SIGNED_BITS);
    negative.maxbit = 1;
    negative <== 1 - bits[SIGNED_BITS];
    magnitude.maxbit = SIGNED_BITS + 1;
    magnitude <== (1 - 2 * negative) * in;
}
