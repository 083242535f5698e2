pragma circom 2.2.3;

include "IsLess.circom";

/**
 * @title  SubtractOrZero
 * @notice out = max(a - b, 0).
 * @input  a, b  []  tagged widths; the wider, N, at most 252
 * @output out   []  maxbit = a's
 *
 * N + 2 rows. Claim: M15.
 */
template SubtractOrZero() {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    signal {binary} aIsLess <== IsLess()(a, b);
    out.maxbit = a.maxbit;
    out <== (1 - aIsLess) * (a - b);
}
