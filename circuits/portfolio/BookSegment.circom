pragma circom 2.2.3;

include "../options/ArrayHeader.circom";
include "CloseExpiry.circom";
include "SegmentSums.circom";
include "layout.circom";

/**
 * @title  BookSegment
 * @notice Adds the positions in one array to a book. Claims: L1, L2, L3, L4.
 * @param  SLOTS  strikes of the array
 * @input  arrayHeader []
 * @input  leaves      [SLOTS][42]
 * @input  words       [SLOTS]  position words
 * @input  continues   []    boolean: the next array is of the same expiry
 * @input  sumsBefore  [41]  of the expiry under way; 0 where it begins
 * @input  totalsBefore  [43]
 * @output sumsAfter   [41]  handed on if the expiry continues, else 0
 * @output totalsAfter [43]
 */
template BookSegment(SLOTS) {
    input ArrayHeader() arrayHeader;
    signal input leaves[SLOTS][leafElements()], words[SLOTS], continues;
    signal input sumsBefore[sumElements()], totalsBefore[totalElements()];
    signal output sumsAfter[sumElements()], totalsAfter[totalElements()];

    component sums = SegmentSums(SLOTS);
    sums.expiry <== arrayHeader.expiry;
    sums.leaves <== leaves;
    sums.words <== words;
    sums.before <== sumsBefore;
    for (var k = 0; k < sumElements(); k++) {
        sumsAfter[k] <== continues * sums.after[k];
    }

    component expiry = CloseExpiry();
    expiry.arrayHeader <== arrayHeader;
    expiry.sums <== sums.after;
    for (var s = 0; s < 33; s++) {
        totalsAfter[s] <== totalsBefore[s] + (1 - continues) * expiry.pnlMX40[s];
    }
    totalsAfter[totalBasis()] <== totalsBefore[totalBasis()] + (1 - continues) * expiry.basisMX40;
    totalsAfter[totalMark()] <== totalsBefore[totalMark()] + (1 - continues) * expiry.markMX40;
    totalsAfter[totalNakedShort()] <== totalsBefore[totalNakedShort()] + sums.nakedShortE12;
    totalsAfter[totalShortfall()] <== totalsBefore[totalShortfall()] + sums.grossE12 * arrayHeader.shortfallX40;
    totalsAfter[totalGross()] <== totalsBefore[totalGross()] + sums.grossE12;
    for (var g = 0; g < 5; g++) {
        totalsAfter[totalGreeks() + g] <== totalsBefore[totalGreeks() + g] + (1 - continues) * expiry.greeks[g];
    }
}
