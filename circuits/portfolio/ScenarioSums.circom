pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "PositionQuantities.circom";
include "layout.circom";

/** Sums over the strikes of an expiry, as far as one scenario needs them: mark, three columns, puts, puts times strike. */
function scenarioSumElements() { return 6; }

/**
 * @title  ScenarioSums
 * @notice Adds the positions in one array to the sums of its expiry, at the mark and in one group of columns. Claims: L1, L2.
 * @param  SLOTS      strikes of the array
 * @input  expiry     []  32 bits
 * @input  strikesE8, marks  [SLOTS]     as the array's root commits to them
 * @input  columns    [3][SLOTS]
 * @input  words      [SLOTS]  position words
 * @input  before     [6]  sums so far
 * @output after      [6]  with this array's positions
 * @output grossE12, nakedShortE12  []  of this array
 *
 * Bit budget: that of SegmentSums.
 */
template ScenarioSums(SLOTS) {
    signal input {maxbit} expiry;
    signal input strikesE8[SLOTS], marks[SLOTS], columns[groupColumns()][SLOTS], words[SLOTS];
    signal input before[scenarioSumElements()];
    signal output after[scenarioSumElements()], grossE12, nakedShortE12;

    assert(grossBits() + 180 <= 242);

    component quantities[SLOTS];
    signal products[SLOTS][scenarioSumElements()];
    var sums[scenarioSumElements()] = before;
    var gross = 0;
    var nakedShort = 0;
    for (var j = 0; j < SLOTS; j++) {
        quantities[j] = PositionQuantities();
        quantities[j].word <== words[j];
        quantities[j].expiry <== expiry;
        quantities[j].strikeE8 <== AssumeBits(48)(strikesE8[j]); // as the array proves
        gross += quantities[j].grossE12;
        nakedShort += quantities[j].nakedShortE12;
        products[j][0] <== quantities[j].netE12 * marks[j];
        for (var i = 0; i < groupColumns(); i++) {
            products[j][1 + i] <== quantities[j].netE12 * columns[i][j];
        }
        products[j][4] <== quantities[j].putsE12;
        products[j][5] <== quantities[j].putsE12 * strikesE8[j];
        for (var k = 0; k < scenarioSumElements(); k++) {
            sums[k] += products[j][k];
        }
    }
    after <== sums;
    grossE12 <== gross;
    nakedShortE12 <== nakedShort;
}
