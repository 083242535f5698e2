pragma circom 2.2.3;

include "IsLess.circom";

/**
 * @title  Min
 * @notice out = the smaller of a and b.
 * @input  a, b  []  tagged widths; the wider, N, at most 252
 * @output out   []  maxbit = the narrower of the two
 *
 * N + 2 rows. Claim: M12.
 */
template Min() {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    signal {binary} aIsLess <== IsLess()(a, b);
    out.maxbit = a.maxbit < b.maxbit ? a.maxbit : b.maxbit;
    out <== b + aIsLess * (a - b);
}
