pragma circom 2.2.3;

/**
 * @title  Not
 * @notice out = 1 - in.
 * @input  in   []  binary
 * @output out  []  binary
 *
 * No rows. Claim: M13.
 */
template Not() {
    signal input {binary} in;
    signal output {binary, maxbit} out;

    out.maxbit = 1;
    out <== 1 - in;
}
