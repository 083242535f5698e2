pragma circom 2.2.3;

/**
 * @title  Or
 * @notice out = 1 if a or b, else 0.
 * @input  a, b  []  binary
 * @output out   []  binary
 *
 * One row. Claim: M13.
 */
template Or() {
    signal input {binary} a, b;
    signal output {binary, maxbit} out;

    out.maxbit = 1;
    out <== a + b - a * b;
}
