pragma circom 2.2.3;

/**
 * @title  SignedDifference
 * @notice out = a - b, exactly, with its sign.
 * @input  a, b  []  tagged widths; the wider, N, at most 252
 * @output out   []  signedbit = N
 *
 * -2^N < a - b < 2^N. No rows. Claim: M19.
 */
template SignedDifference() {
    signal input {maxbit} a, b;
    signal output {signedbit} out;

    var WIDER = a.maxbit > b.maxbit ? a.maxbit : b.maxbit;
    assert(WIDER <= 252);
    out.signedbit = WIDER;
    out <== a - b;
}
