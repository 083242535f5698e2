pragma circom 2.2.3;

/**
 * @title  And
 * @notice out = 1 if a and b, else 0.
 * @input  a, b  []  binary
 * @output out   []  binary
 *
 * One row. Claim: M13.
 */
template And() {
    signal input {binary} a, b;
    signal output {binary, maxbit} out;

    out.maxbit = 1;
    out <== a * b;
}
