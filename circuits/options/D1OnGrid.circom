pragma circom 2.2.3;

include "comparators.circom";
include "../math/AssumeSigned.circom";
include "../math/SignAndBits.circom";

/**
 * @title  D1OnGrid
 * @notice d1 = ln(F / K) / v + v / 2 on the half-cell grid of 2^-13, with what the grid leaves over. Claim: B4.
 * @param  LOGARITHM_BITS, RECIPROCAL_BITS  fraction bits of ln(F / K) and of 1 / v
 * @param  REMAINDER_BITS  upper bits of the remainder to hand on
 * @input  logarithm      []  at most 36.1 in size, as F < 2^52 and K >= 1
 * @input  reciprocal     []  below 2^17: VolatilityParts
 * @input  volatilityX40  []  44 bits
 * @input  isFlat         []  1 if there is no volatility
 * @output negative       []  binary
 * @output inTable        []  binary; |d1| < 8, and there is volatility: without, the sign alone decides
 * @output cellBits       [16]  |d1| = (cell + 1/2) * 2^-13 + remainder; meaningless outside the table
 * @output remainderBits  [REMAINDER_BITS]  least significant first, from the cell's lower end
 * @output point          []  d1's grid point is (point + 1/2) * 2^-13; saturates at 8 + 2^-14 in size
 *
 * Bit budget: 36.1 * 2^17 + 8 < 2^23 and LOGARITHM_BITS + RECIPROCAL_BITS fraction bits. The decomposition is exact, so
 * d1 is rounded once; the only hint is the sign, of SignAndBits.
 */
template D1OnGrid(LOGARITHM_BITS, RECIPROCAL_BITS, REMAINDER_BITS) {
    signal input {signedbit} logarithm;
    signal input {maxbit} reciprocal, volatilityX40;
    signal input isFlat;
    signal output negative, inTable, cellBits[16], remainderBits[REMAINDER_BITS], point;

    var SCALE = LOGARITHM_BITS + RECIPROCAL_BITS;
    var BITS = SCALE + 23;
    var DROPPED = SCALE - 13;
    assert(logarithm.signedbit <= LOGARITHM_BITS + 6);
    assert(reciprocal.maxbit <= RECIPROCAL_BITS + 17);
    assert(volatilityX40.maxbit <= 44);

    signal {signedbit} d1 <== AssumeSigned(BITS)( // SignAndBits proves it
        logarithm * reciprocal + volatilityX40 * 2 ** (SCALE - 41)
    );
    signal bits[BITS];
    (negative, bits) <== SignAndBits(BITS)(d1);

    for (var i = 0; i < 16; i++) {
        cellBits[i] <== bits[DROPPED + i];
    }
    var cell = 0;
    for (var i = 15; i >= 0; i--) {
        cell += cell + cellBits[i];
    }
    for (var i = 0; i < REMAINDER_BITS; i++) {
        remainderBits[i] <== bits[DROPPED - REMAINDER_BITS + i];
    }
    var beyond = isFlat;
    for (var i = DROPPED + 16; i < BITS; i++) {
        beyond += bits[i];
    }
    inTable <== IsZero()(beyond);
    signal saturated <== inTable * (cell - 2 ** 16);
    point <== (1 - 2 * negative) * (saturated + 2 ** 16) - negative;
}
