pragma circom 2.2.3;

include "../math/AssumeSigned.circom";
include "layout.circom";

/**
 * @title  ScenarioLoss
 * @notice The damped loss of an account in the scenario that is chosen. Claim: L12.
 * @input  chosen     [34]  see ScenarioChoice
 * @input  pnlMX40    []    of the account's options in that scenario; of no account if it is the basis contingency
 * @input  basisMX40  []    basis contingency; of no account if it is another one
 * @input  shocksX40, dampingX40  [33]
 * @input  hedgeM     []
 * @output lossMX80   []    178 bits and a sign
 */
template ScenarioLoss() {
    signal input chosen[34];
    signal input {signedbit} pnlMX40, basisMX40, hedgeM;
    signal input {maxbit} shocksX40[33], dampingX40[33];
    signal output {signedbit} lossMX80;

    assert(pnlMX40.signedbit < pnlBits());
    assert(hedgeM.signedbit + shocksX40.maxbit < pnlBits());
    assert(pnlBits() + dampingX40.maxbit <= lossBits());
    assert(basisMX40.signedbit + 40 <= lossBits());

    signal shocks[33], dampings[33];
    var shock = 0;
    var damping = 0;
    for (var s = 0; s < 33; s++) {
        shocks[s] <== chosen[s] * (shocksX40[s] - 2 ** 40);
        dampings[s] <== chosen[s] * dampingX40[s];
        shock += shocks[s];
        damping += dampings[s];
    }
    signal hedged <== hedgeM * shock;
    signal basis <== chosen[33] * basisMX40;
    lossMX80 <== AssumeSigned(lossBits())((pnlMX40 + hedged) * damping + basis * 2 ** 40); // one of the two is 0
}
