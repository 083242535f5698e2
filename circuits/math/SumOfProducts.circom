pragma circom 2.2.3;

include "bitWidth.circom";

/**
 * @title  SumOfProducts
 * @notice out = a[0] * b[0] + a[1] * b[1] + ..., exactly.
 * @param  COUNT  at least 2
 * @input  a, b  [COUNT]  tagged widths A and B
 * @output out   []       maxbit = A + B and the bits of COUNT - 1
 *
 * Bit budget: a sum of at most 2^bits products below 2^(A + B); at most 2^253 < p. COUNT rows. Claim: M18.
 */
template SumOfProducts(COUNT) {
    signal input {maxbit} a[COUNT], b[COUNT];
    signal output {maxbit} out;

    var BITS = a.maxbit + b.maxbit + bitWidth(COUNT - 1);
    assert(BITS <= 253);
    signal products[COUNT];
    var sum = 0;
    for (var i = 0; i < COUNT; i++) {
        products[i] <== a[i] * b[i];
        sum += products[i];
    }
    out.maxbit = BITS;
    out <== sum;
}
