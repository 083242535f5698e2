pragma circom 2.2.3;

include "SegmentSums.circom";
include "layout.circom";

/**
 * @title  BookSegment
 * @notice Adds the positions in one array to the sums of its expiry. Claims: L1, L2.
 * @param  SLOTS  strikes of the array
 * @input  expiry        []  32 bits
 * @input  shortfallX40  []  41 bits
 * @input  leaves        [SLOTS][41]
 * @input  words         [SLOTS]  position words
 * @input  continues     []    boolean: the next array is of the same expiry
 * @input  sumsBefore    [41]  of the expiry under way; 0 where it begins
 * @output sums          [41]  with this array's positions
 * @output sumsAfter     [41]  the same if the expiry continues, else 0
 * @output grossE12, nakedShortE12, shortfallE12X40  []  of this array
 */
template BookSegment(SLOTS) {
    signal input {maxbit} expiry, shortfallX40;
    signal input leaves[SLOTS][leafElements()], words[SLOTS], continues, sumsBefore[sumElements()];
    signal output sums[sumElements()], sumsAfter[sumElements()], grossE12, nakedShortE12, shortfallE12X40;

    component added = SegmentSums(SLOTS);
    added.expiry <== expiry;
    added.leaves <== leaves;
    added.words <== words;
    added.before <== sumsBefore;
    sums <== added.after;
    for (var k = 0; k < sumElements(); k++) {
        sumsAfter[k] <== continues * added.after[k];
    }
    grossE12 <== added.grossE12;
    nakedShortE12 <== added.nakedShortE12;
    assert(shortfallX40.maxbit <= 41);
    shortfallE12X40 <== added.grossE12 * shortfallX40;
}
