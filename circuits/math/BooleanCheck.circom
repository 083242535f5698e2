pragma circom 2.2.3;

/**
 * @title  BooleanCheck
 * @notice Proves that in is 0 or 1 and tags it as a condition for Select and the logic templates.
 * @input  in    []  any field element
 * @output out   []  the same value; binary, maxbit = 1
 *
 * One row. Claim: M1.
 */
template BooleanCheck() {
    signal input in;
    signal output {binary, maxbit} out;

    in * (1 - in) === 0;
    out.maxbit = 1;
    out <== in;
}
