pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "PositionQuantities.circom";
include "layout.circom";

/**
 * @title  SegmentSums
 * @notice Adds the positions in one array to the sums of its expiry. Claims: L1, L2.
 * @param  SLOTS   strikes of the array
 * @input  expiry  []  32 bits
 * @input  leaves  [SLOTS][41]  as the array's root commits to them
 * @input  words   [SLOTS]      position words
 * @input  before  [41]  sums so far
 * @output after   [41]  with this array's positions
 * @output grossE12, nakedShortE12  []  of this array
 *
 * Bit budget: quantities of a book add up to less than 2^62 (BookTotals), a leaf's raw values stay below 2^180, so sums
 * stay below 2^242. Sums of one array have no width of their own: OptionBook checks the book's.
 */
template SegmentSums(SLOTS) {
    signal input {maxbit} expiry;
    signal input leaves[SLOTS][leafElements()], words[SLOTS], before[sumElements()];
    signal output after[sumElements()], grossE12, nakedShortE12;

    assert(grossBits() + 180 <= 242);

    component quantities[SLOTS];
    signal products[SLOTS][sumElements()];
    var gross = 0;
    var nakedShort = 0;
    for (var j = 0; j < SLOTS; j++) {
        quantities[j] = PositionQuantities();
        quantities[j].word <== words[j];
        quantities[j].expiry <== expiry;
        quantities[j].strikeE8 <== AssumeBits(48)(leaves[j][0]); // as the array proves
        gross += quantities[j].grossE12;
        nakedShort += quantities[j].nakedShortE12;

        // In the order of leaves, the strike apart; their last element is the one a book does not need.
        for (var k = 0; k < sumPuts(); k++) {
            products[j][k] <== quantities[j].netE12 * leaves[j][sumsFrom() + k];
        }
        products[j][sumPuts()] <== quantities[j].putsE12;
        products[j][sumStrikePuts()] <== quantities[j].putsE12 * leaves[j][0];
    }

    for (var k = 0; k < sumElements(); k++) {
        var sum = before[k];
        for (var j = 0; j < SLOTS; j++) {
            sum += products[j][k];
        }
        after[k] <== sum;
    }
    grossE12 <== gross;
    nakedShortE12 <== nakedShort;
}
