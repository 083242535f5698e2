pragma circom 2.2.3;

/**
 * @title  Select
 * @notice out = whenTrue if condition, else whenFalse.
 * @input  condition            []  binary
 * @input  whenTrue, whenFalse  []  tagged widths
 * @output out                  []  maxbit = the wider of the two
 *
 * One row. Claim: M13.
 */
template Select() {
    signal input {binary} condition;
    signal input {maxbit} whenTrue, whenFalse;
    signal output {maxbit} out;

    out.maxbit = whenTrue.maxbit > whenFalse.maxbit ? whenTrue.maxbit : whenFalse.maxbit;
    out <== whenFalse + condition * (whenTrue - whenFalse);
}
