pragma circom 2.2.3;

include "IsLess.circom";

/**
 * @title  AbsoluteDifference
 * @notice out = |a - b|.
 * @input  a, b  []  tagged widths; the wider, N, at most 252
 * @output out   []  maxbit = N
 *
 * The sign is a bit of the comparison, not a hint, so equal inputs leave nothing free. N + 2 rows.
 * Claim: M14.
 */
template AbsoluteDifference() {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    signal {binary} aIsLess <== IsLess()(a, b);
    out.maxbit = a.maxbit > b.maxbit ? a.maxbit : b.maxbit;
    out <== (1 - 2 * aIsLess) * (a - b);
}
