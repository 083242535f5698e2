pragma circom 2.2.3;

/**
 * @title  Add
 * @notice out = a + b, exactly.
 * @input  a, b  []  tagged widths A and B
 * @output out   []  maxbit = max(A, B) + 1
 *
 * Bit budget: a + b < 2^(max(A, B) + 1) <= 2^253 < p. No rows. Claim: M18.
 */
template Add() {
    signal input {maxbit} a, b;
    signal output {maxbit} out;

    var WIDER = a.maxbit > b.maxbit ? a.maxbit : b.maxbit;
    assert(WIDER + 1 <= 253);
    out.maxbit = WIDER + 1;
    out <== a + b;
}
