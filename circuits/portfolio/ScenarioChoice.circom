pragma circom 2.2.3;

/**
 * @title  ScenarioChoice
 * @notice Which of the scenarios an index is of. Claim: L12.
 * @input  scenario  []    0 to 33, the last one the basis contingency; no other has a witness
 * @output chosen    [34]  boolean: the one that is chosen
 *
 * `chosen` is a hint with one accepted value: one bit is set, and its place is the scenario.
 */
template ScenarioChoice() {
    signal input scenario;
    signal output chosen[34];

    var count = 0;
    var index = 0;
    for (var s = 0; s < 34; s++) {
        chosen[s] <-- scenario == s ? 1 : 0;
        chosen[s] * (1 - chosen[s]) === 0;
        count += chosen[s];
        index += s * chosen[s];
    }
    signal ones <== count;
    ones === 1;
    index === scenario;
}
