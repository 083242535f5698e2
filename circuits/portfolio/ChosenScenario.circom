pragma circom 2.2.3;

include "../math/AssumeSigned.circom";
include "ScenarioLoss.circom";

/**
 * @title  ChosenScenario
 * @notice What one scenario makes of an account whose book has all: its damped loss. Claim: L12.
 * @input  chosen    [34]  see ScenarioChoice
 * @input  pnlMX40, basisMX40     [33], []  of the account's book
 * @input  shocksX40, dampingX40  [33]
 * @input  hedgeM    []
 * @output lossMX80  []  177 bits and a sign
 */
template ChosenScenario() {
    signal input chosen[34];
    signal input {signedbit} pnlMX40[33], basisMX40, hedgeM;
    signal input {maxbit} shocksX40[33], dampingX40[33];
    signal output {signedbit} lossMX80;

    signal pnls[33];
    var pnl = 0;
    for (var s = 0; s < 33; s++) {
        pnls[s] <== chosen[s] * pnlMX40[s];
        pnl += pnls[s];
    }
    component loss = ScenarioLoss();
    loss.chosen <== chosen;
    loss.pnlMX40 <== AssumeSigned(pnlMX40.signedbit)(pnl); // one of them, or 0
    loss.basisMX40 <== basisMX40;
    loss.shocksX40 <== shocksX40;
    loss.dampingX40 <== dampingX40;
    loss.hedgeM <== hedgeM;
    lossMX80 <== loss.lossMX80;
}
