pragma circom 2.2.3;

include "IsLess.circom";

/**
 * @title  Max
 * @notice out = the larger of a and b.
 * @input  a, b  []  tagged widths; the wider, N, at most 252
 * @output out   []  maxbit = N
 *
 * N + 2 rows. Claim: M12.
 */
template Max() {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    signal {binary} aIsLess <== IsLess()(a, b);
    out.maxbit = a.maxbit > b.maxbit ? a.maxbit : b.maxbit;
    out <== a + aIsLess * (b - a);
}
