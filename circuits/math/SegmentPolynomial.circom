pragma circom 2.2.3;

/**
 * @title  SegmentPolynomial
 * @notice A tabulated function by Horner's rule, its index given by IndexProducts; see PiecewisePolynomial.
 * @param  SEGMENTS         segments of the table
 * @param  ALL_OFFSET_BITS  bits of the offset
 * @param  DEGREE           degree of the polynomials
 * @param  OFFSET_BITS      [DEGREE]; level k multiplies by the offset's upper OFFSET_BITS[k] bits only
 * @param  COEFFICIENTS     [DEGREE + 1][SEGMENTS], by set of index bits
 * @input  products         [SEGMENTS]
 * @input  bits             [ALL_OFFSET_BITS]  least significant first, binary by the caller's decomposition
 * @output out              []  untruncated, at the table's result scale
 *
 * Inner levels take fewer bits than outer ones, so the offset grows from level to level. DEGREE rows, no hints.
 */
template SegmentPolynomial(SEGMENTS, ALL_OFFSET_BITS, DEGREE, OFFSET_BITS, COEFFICIENTS) {
    signal input products[SEGMENTS], bits[ALL_OFFSET_BITS];
    signal output out;

    signal levels[DEGREE + 1];
    var offset = bits[ALL_OFFSET_BITS - 1] - 1; // the offset's top bit, less half a segment
    var taken = 1;
    for (var k = DEGREE; k >= 0; k--) {
        var coefficient = 0;
        for (var j = 0; j < SEGMENTS; j++) {
            coefficient += COEFFICIENTS[k][j] * products[j];
        }
        if (k == DEGREE) {
            levels[k] <== coefficient;
        } else {
            assert(taken <= OFFSET_BITS[k] && OFFSET_BITS[k] <= ALL_OFFSET_BITS);
            while (taken < OFFSET_BITS[k]) {
                taken++;
                offset += offset + bits[ALL_OFFSET_BITS - taken];
            }
            levels[k] <== levels[k + 1] * offset + coefficient;
        }
    }
    out <== levels[0];
}
