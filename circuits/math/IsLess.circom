pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  IsLess
 * @notice out = 1 if a < b, else 0.
 * @input  a, b  []  tagged widths; the wider, N, at most 252
 * @output out   []  binary
 *
 * a - b + 2^N lies in (0, 2^(N + 1)), below p, and its top bit says whether a >= b. Unlike circomlib's
 * LessThan the inputs are range-checked by their tags. N + 1 rows. Claim: M11.
 */
template IsLess() {
    signal input {maxbit} a, b;
    signal output {binary, maxbit} out;

    var WIDER = a.maxbit > b.maxbit ? a.maxbit : b.maxbit;
    assert(WIDER <= 252);

    signal bits[WIDER + 1] <== Num2Bits(WIDER + 1)(a - b + 2 ** WIDER);
    out.maxbit = 1;
    out <== 1 - bits[WIDER];
}
