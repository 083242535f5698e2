pragma circom 2.2.3;

/**
 * @title  PowerOfTwo
 * @notice out = 2^exponent, the exponent given by its bits.
 * @param  BITS  width of the exponent, at most 7, so that out < 2^128
 * @input  bits  [BITS]  least significant first, binary by the caller's decomposition
 * @output out   []
 *
 * BITS - 1 rows. Part of claims M16 and M17.
 */
template PowerOfTwo(BITS) {
    signal input bits[BITS];
    signal output out;

    assert(BITS <= 7);
    signal powers[BITS];
    powers[0] <== 1 + bits[0];
    var factor = 2;
    for (var i = 1; i < BITS; i++) {
        factor *= factor; // 2^(2^i)
        powers[i] <== powers[i - 1] * (1 + bits[i] * (factor - 1));
    }
    out <== powers[BITS - 1];
}
