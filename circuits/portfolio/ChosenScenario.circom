pragma circom 2.2.3;

include "../math/AssumeSigned.circom";
include "layout.circom";

/**
 * @title  ChosenScenario
 * @notice What one scenario makes of an account: its damped loss. Claim: L12.
 * @input  scenario  []  0 to 33, the last one the basis contingency; no other has a witness
 * @input  pnlMX40, basisMX40     [33], []  of the account's book
 * @input  shocksX40, dampingX40  [33]
 * @input  hedgeM    []
 * @output lossMX80  []  177 bits and a sign
 *
 * `chosen` is a hint with one accepted value: one bit is set, and its place is the scenario.
 */
template ChosenScenario() {
    signal input scenario;
    signal input {signedbit} pnlMX40[33], basisMX40, hedgeM;
    signal input {maxbit} shocksX40[33], dampingX40[33];
    signal output {signedbit} lossMX80;

    assert(pnlMX40.signedbit < pnlBits());
    assert(hedgeM.signedbit + shocksX40.maxbit < pnlBits());
    assert(pnlBits() + dampingX40.maxbit <= lossBits());
    assert(basisMX40.signedbit + 40 <= lossBits());

    signal chosen[34];
    signal pnls[33], shocks[33], dampings[33];
    var count = 0;
    var index = 0;
    var pnl = 0;
    var shock = 0;
    var damping = 0;
    for (var s = 0; s < 34; s++) {
        chosen[s] <-- scenario == s ? 1 : 0;
        chosen[s] * (1 - chosen[s]) === 0;
        count += chosen[s];
        index += s * chosen[s];
        if (s < 33) {
            pnls[s] <== chosen[s] * pnlMX40[s];
            shocks[s] <== chosen[s] * (shocksX40[s] - 2 ** 40);
            dampings[s] <== chosen[s] * dampingX40[s];
            pnl += pnls[s];
            shock += shocks[s];
            damping += dampings[s];
        }
    }
    signal ones <== count;
    ones === 1;
    index === scenario;

    signal hedged <== hedgeM * shock;
    signal basis <== chosen[33] * basisMX40;
    lossMX80 <== AssumeSigned(lossBits())((pnl + hedged) * damping + basis * 2 ** 40); // one of the two is 0
}
