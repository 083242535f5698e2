pragma circom 2.2.3;

include "../options/ArrayHeader.circom";
include "../options/leafLayout.circom";
include "Commitment.circom";

/**
 * @title  HeaderRoot
 * @notice Commitment to a risk array's header. Claim: L5.
 * @input  header  [29]
 * @output out     []
 */
template HeaderRoot() {
    signal input header[headerElements()];
    signal output out;

    component root = Commitment(headerElements());
    root.words <== header;
    out <== root.out;
}

/**
 * @title  ColumnRoot
 * @notice Commitment to three columns of a risk array. Claims: L5, L16.
 * @param  SLOTS    strikes
 * @input  columns  [3][SLOTS]
 * @output out      []
 */
template ColumnRoot(SLOTS) {
    signal input columns[groupColumns()][SLOTS];
    signal output out;

    component root = Commitment(groupColumns() * SLOTS);
    for (var i = 0; i < groupColumns(); i++) {
        for (var j = 0; j < SLOTS; j++) {
            root.words[i * SLOTS + j] <== columns[i][j];
        }
    }
    out <== root.out;
}

/**
 * @title  ArrayTop
 * @notice Root of a risk array from the roots of its header and of its columns. What every use of an array needs stands
 *         here: its expiry, strikes and marks. Claims: L5, L16.
 * @param  SLOTS       strikes
 * @input  headerRoot  []
 * @input  expiry, asOf, shortfallX40  []  as the header has them
 * @input  strikesE8, marks  [SLOTS]
 * @input  columnRoots [13]
 * @output out         []
 */
template ArrayTop(SLOTS) {
    signal input headerRoot, expiry, asOf, shortfallX40, strikesE8[SLOTS], marks[SLOTS], columnRoots[columnGroups()];
    signal output out;

    component root = Commitment(4 + 2 * SLOTS + columnGroups());
    root.words[0] <== headerRoot;
    root.words[1] <== expiry;
    root.words[2] <== asOf;
    root.words[3] <== shortfallX40;
    for (var j = 0; j < SLOTS; j++) {
        root.words[4 + j] <== strikesE8[j];
        root.words[4 + SLOTS + j] <== marks[j];
    }
    for (var g = 0; g < columnGroups(); g++) {
        root.words[4 + 2 * SLOTS + g] <== columnRoots[g];
    }
    out <== root.out;
}

/**
 * @title  ArrayRoot
 * @notice Root of a risk array: commitment to its header and to each strike's leaf, by columns, so that one scenario can
 *         be opened without the others. Claims: L5, L16.
 * @param  SLOTS       strikes
 * @input  headerRoot  []
 * @input  expiry, asOf, shortfallX40  []  as the header has them
 * @input  leaves      [SLOTS][41]
 * @output out         []
 */
template ArrayRoot(SLOTS) {
    signal input headerRoot, expiry, asOf, shortfallX40, leaves[SLOTS][leafElements()];
    signal output out;

    assert(leafColumns() + groupColumns() * columnGroups() == leafElements());

    component top = ArrayTop(SLOTS);
    top.headerRoot <== headerRoot;
    top.expiry <== expiry;
    top.asOf <== asOf;
    top.shortfallX40 <== shortfallX40;
    for (var j = 0; j < SLOTS; j++) {
        top.strikesE8[j] <== leaves[j][0];
        top.marks[j] <== leaves[j][leafOfPoint(0)];
    }
    component group[columnGroups()];
    for (var g = 0; g < columnGroups(); g++) {
        group[g] = ColumnRoot(SLOTS);
        for (var i = 0; i < groupColumns(); i++) {
            for (var j = 0; j < SLOTS; j++) {
                group[g].columns[i][j] <== leaves[j][leafColumns() + groupColumns() * g + i];
            }
        }
        top.columnRoots[g] <== group[g].out;
    }
    out <== top.out;
}
