pragma circom 2.2.3;

include "layout.circom";

/** Where a chosen scenario stands in arrays and their headers; all but `forwards` are boolean: from ScenarioPlaces. */
bus ScenarioPlace() {
    signal groups[13]; // the group of columns that has its prices
    signal places[3]; // the column in it; the basis contingency's other one is the second
    signal isMark; // it is unshocked: its price is the mark
    signal forwards[20]; // the forward that it is priced on
    signal isSkew;
}

/**
 * @title  ScenarioPlaces
 * @notice Where the prices of a chosen scenario are. Claims: L12, L18.
 * @input  chosen         [34]  boolean, one of them 1
 * @output scenarioPlace  []
 *
 * The unshocked scenario needs no column and opens the first group all the same. Linear: no rows.
 */
template ScenarioPlaces() {
    signal input chosen[34];
    output ScenarioPlace() scenarioPlace;

    var groups[13];
    var places[3];
    var forwards[20];
    for (var s = 0; s < 34; s++) {
        // Of the basis contingency the forward up, which the one down stands beside.
        var p = s + 1;
        forwards[forwardOfPoint(p)] += chosen[s];
        if (p == unshockedPoint()) {
            groups[0] += chosen[s];
        } else {
            var column = leafOfPoint(p) - leafColumns();
            groups[column \ groupColumns()] += chosen[s];
            places[column % groupColumns()] += chosen[s];
        }
    }
    scenarioPlace.groups <== groups;
    scenarioPlace.places <== places;
    scenarioPlace.forwards <== forwards;
    scenarioPlace.isMark <== chosen[unshockedPoint() - 1];
    scenarioPlace.isSkew <== chosen[31] + chosen[32];
}
