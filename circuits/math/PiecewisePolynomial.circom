pragma circom 2.2.3;

/**
 * @title  PiecewisePolynomial
 * @notice A tabulated function: the upper bits of the argument choose a segment, the lower ones are the
 *         offset from its centre, at which that segment's polynomial is evaluated by Horner's rule.
 * @param  ARGUMENT_BITS  width of the argument; its scale is the table's
 * @param  INDEX_BITS     2^INDEX_BITS segments
 * @param  DEGREE         degree of the polynomials
 * @param  OFFSET_BITS    [DEGREE]; level k multiplies by the offset's upper OFFSET_BITS[k] bits only
 * @param  COEFFICIENTS   [DEGREE + 1][2^INDEX_BITS]; see below
 * @input  bits           [ARGUMENT_BITS]  least significant first, binary by the caller's decomposition
 * @input  carry          []  0 or 1, added to the argument; it may reach the segment's end, not the next one
 * @output out            []  untruncated, at the table's result scale; its range is the table's
 *
 * Segment i's coefficient is the sum of COEFFICIENTS[k][j] over all j whose bits are within i's, so it
 * is linear in the products of index bits: all columns share 2^INDEX_BITS - INDEX_BITS - 1 rows.
 * Inner levels need fewer bits since they are multiplied by small offsets, so the offset grows from level to
 * level; levels that use all bits also see the carry. scripts/generateTables.ts bounds the error. DEGREE more rows; no hints.
 */
template PiecewisePolynomial(ARGUMENT_BITS, INDEX_BITS, DEGREE, OFFSET_BITS, COEFFICIENTS) {
    signal input bits[ARGUMENT_BITS];
    signal input carry;
    signal output out;

    var SEGMENTS = 2 ** INDEX_BITS;
    var ALL_OFFSET_BITS = ARGUMENT_BITS - INDEX_BITS;
    signal products[SEGMENTS];
    products[0] <== 1;
    var known = 1;
    for (var i = 0; i < INDEX_BITS; i++) {
        for (var j = 0; j < known; j++) {
            products[known + j] <== products[j] * bits[ALL_OFFSET_BITS + i];
        }
        known += known;
    }

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
            var factor = offset;
            if (OFFSET_BITS[k] == ALL_OFFSET_BITS) {
                factor += carry;
            }
            levels[k] <== levels[k + 1] * factor + coefficient;
        }
    }
    out <== levels[0];
}
