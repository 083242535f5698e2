pragma circom 2.2.3;

/**
 * @title  Multiply
 * @notice out = a * b, exactly: the product before any truncation.
 * @input  a, b  []  tagged widths A and B
 * @output out   []  maxbit = A + B
 *
 * Bit budget: a * b < 2^(A + B) <= 2^253 < p. One row, none if a factor is constant. Claim: M18.
 */
template Multiply() {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    assert(a.maxbit + b.maxbit <= 253);
    out.maxbit = a.maxbit + b.maxbit;
    out <== a * b;
}
