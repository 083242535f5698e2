pragma circom 2.2.3;

include "../portfolio/ScenarioPlaces.circom";
include "ArrayRoot.circom";

/**
 * @title  ScenarioArray
 * @notice Root of a risk array of which one scenario alone is opened. Claims: L5, L18.
 * @param  SLOTS       strikes
 * @input  headerRoot  []
 * @input  expiry, asOf, shortfallX40  []  as the header has them
 * @input  strikesE8, marks  [SLOTS]
 * @input  columnRoots [13]
 * @input  columns     [3][SLOTS]  of the group that the scenario is in; others than its root commits to have no witness
 * @input  scenarioPlace []
 * @output out         []
 */
template ScenarioArray(SLOTS) {
    signal input headerRoot, expiry, asOf, shortfallX40, strikesE8[SLOTS], marks[SLOTS], columnRoots[columnGroups()];
    signal input columns[groupColumns()][SLOTS];
    input ScenarioPlace() scenarioPlace;
    signal output out;

    component top = ArrayTop(SLOTS);
    top.headerRoot <== headerRoot;
    top.expiry <== expiry;
    top.asOf <== asOf;
    top.shortfallX40 <== shortfallX40;
    top.strikesE8 <== strikesE8;
    top.marks <== marks;
    top.columnRoots <== columnRoots;
    out <== top.out;

    signal roots[columnGroups()];
    var root = 0;
    for (var g = 0; g < columnGroups(); g++) {
        roots[g] <== scenarioPlace.groups[g] * columnRoots[g];
        root += roots[g];
    }
    component opened = ColumnRoot(SLOTS);
    opened.columns <== columns;
    opened.out === root;
}
