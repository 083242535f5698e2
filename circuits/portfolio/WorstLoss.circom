pragma circom 2.2.3;

include "../math/AssumeEachSigned.circom";
include "../math/FloorAndSign.circom";
include "BookTotals.circom";
include "ScenarioTerms.circom";
include "WorstScenario.circom";
include "layout.circom";

/**
 * @title  WorstLoss
 * @notice The worst of a market's scenarios for an account. Claim: L8.
 * @input  bookTotals, scenarioTerms, hedgeM  []
 * @output worstLossM     []   rounded down; 98 bits and a sign
 * @output worstScenario  []   6 bits
 * @output regularMX40    [7]  of the regular shocks with volatility as it is, undamped; pnlBits and a sign
 *
 * Bit budget: options change by 128 bits and the hedge by 88 + 43, damping adds 43 bits; the basis contingency has 137 and 40.
 */
template WorstLoss() {
    input BookTotals() bookTotals;
    input ScenarioTerms() scenarioTerms;
    signal input {signedbit} hedgeM;
    signal output {signedbit} worstLossM, regularMX40[7];
    signal output {maxbit} worstScenario;

    assert(bookTotals.pnlMX40.signedbit < pnlBits());
    assert(hedgeM.signedbit + scenarioTerms.shocksX40.maxbit < pnlBits());
    assert(pnlBits() + scenarioTerms.dampingX40.maxbit <= lossBits());
    assert(bookTotals.basisMX40.signedbit + 40 <= lossBits());
    signal hedged[33], pnl[33];
    signal losses[34];
    for (var s = 0; s < 33; s++) {
        // Three scenarios of a regular shock move spot alike.
        if (s < 21 && s % 3 > 0) {
            hedged[s] <== hedged[s - 1];
        } else {
            hedged[s] <== hedgeM * (scenarioTerms.shocksX40[s] - 2 ** 40);
        }
        pnl[s] <== bookTotals.pnlMX40[s] + hedged[s];
        losses[s] <== pnl[s] * scenarioTerms.dampingX40[s];
    }
    losses[33] <== bookTotals.basisMX40 * 2 ** 40;
    component worst = WorstScenario(34, spreadBits());
    worst.losses <== AssumeEachSigned(lossBits(), 34)(losses);
    worstScenario <== worst.index;
    component span = FloorAndSign(80);
    span.in <== worst.least;
    worstLossM <== span.out;
    signal regular[7];
    for (var r = 0; r < 7; r++) {
        regular[r] <== pnl[3 * r + 1];
    }
    regularMX40 <== AssumeEachSigned(pnlBits(), 7)(regular);
}
