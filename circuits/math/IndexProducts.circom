pragma circom 2.2.3;

/**
 * @title  IndexProducts
 * @notice Products of the bits of a table's index, one for every set of them: what makes a coefficient linear.
 * @param  INDEX_BITS  2^INDEX_BITS segments
 * @input  bits      [INDEX_BITS]    binary by the caller's decomposition
 * @output products  [2^INDEX_BITS]  the product of the bits that are set in the position's number; the first is 1
 *
 * As in PiecewisePolynomial, for several tables with one index. 2^INDEX_BITS - INDEX_BITS - 1 rows, no hints.
 */
template IndexProducts(INDEX_BITS) {
    signal input bits[INDEX_BITS];
    signal output products[2 ** INDEX_BITS];

    products[0] <== 1;
    var known = 1;
    for (var i = 0; i < INDEX_BITS; i++) {
        for (var j = 0; j < known; j++) {
            products[known + j] <== products[j] * bits[i];
        }
        known += known;
    }
}
