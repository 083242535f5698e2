pragma circom 2.2.3;

include "../generated/words/AccountMargins.circom";
include "../math/AssumeEachSigned.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "AccountBalance.circom";
include "BookTotals.circom";
include "InitialTerms.circom";
include "ScenarioTerms.circom";
include "WorstScenario.circom";
include "layout.circom";

/**
 * @title  AccountMargins
 * @notice Margins of an account from its book and what else it holds. Claims: L8, L9.
 * @input  bookTotals, balance, scenarioTerms, initialNeed, initialTerms  []
 * @output marginFields  []   margins rounded down; more than 79 bits has no witness
 *                            as have scenarios that are 2^88 M apart
 * @output worstLossM    []   of the worst scenario, rounded down; 98 bits and a sign
 * @output regularMX40   [7]  of the regular shocks with volatility as it is, undamped; pnlBits and a sign
 *
 * Bit budget: options change by 128 bits and the hedge by 88 + 43, damping adds 43 bits; the basis contingency has 137
 * and 40. Margins are exact up to their one rounding: a loss of 98 bits times a factor of 44 or 53 bits at M = 2^32 E20
 * is 194 or 203 bits at E20X60; the initial one is 243 at E20X100. The other terms stay below 190 and 225.
 */
template AccountMargins() {
    input BookTotals() bookTotals;
    input AccountBalance() balance;
    input ScenarioTerms() scenarioTerms;
    input InitialNeed() initialNeed;
    input InitialTerms() initialTerms;
    output AccountMarginsFields() marginFields;
    signal output {signedbit} worstLossM, regularMX40[7];

    assert(bookTotals.pnlMX40.signedbit < pnlBits());
    assert(balance.hedgeM.signedbit + scenarioTerms.shocksX40.maxbit < pnlBits());
    assert(pnlBits() + scenarioTerms.dampingX40.maxbit <= lossBits());
    assert(bookTotals.basisMX40.signedbit + 40 <= lossBits());
    signal hedged[33], pnl[33];
    signal losses[34];
    for (var s = 0; s < 33; s++) {
        // Three scenarios of a regular shock move spot alike.
        if (s < 21 && s % 3 > 0) {
            hedged[s] <== hedged[s - 1];
        } else {
            hedged[s] <== balance.hedgeM * (scenarioTerms.shocksX40[s] - 2 ** 40);
        }
        pnl[s] <== bookTotals.pnlMX40[s] + hedged[s];
        losses[s] <== pnl[s] * scenarioTerms.dampingX40[s];
    }
    losses[33] <== bookTotals.basisMX40 * 2 ** 40;
    component worst = WorstScenario(34, spreadBits());
    worst.losses <== AssumeEachSigned(lossBits(), 34)(losses);
    marginFields.worstScenario <== worst.index;
    component span = FloorAndSign(80);
    span.in <== worst.least;

    assert(span.out.signedbit <= 98);
    assert(scenarioTerms.maintenanceFactorX40.maxbit <= 44 && initialTerms.initialFactorX40.maxbit <= 53);
    assert(balance.equityE20X60.signedbit <= 180);
    assert(balance.maintenanceContingencyE20X60.maxbit <= contingencyBits());
    assert(initialNeed.outE20X100.maxbit <= 231);
    signal maintenanceLoss <== span.out * scenarioTerms.maintenanceFactorX40;
    signal initialLoss <== span.out * initialTerms.initialFactorX40;
    signal base <== balance.equityE20X60 - balance.maintenanceContingencyE20X60;
    component maintenance = FloorToUnit(72, fiveToTwelve(), 79);
    maintenance.in <== AssumeSigned(196)(maintenanceLoss * 2 ** 52 + base);
    marginFields.maintenanceE8 <== maintenance.out;
    component initial = FloorToUnit(112, fiveToTwelve(), 79);
    initial.in <== AssumeSigned(245)(
        (initialLoss * 2 ** 52 + base) * 2 ** 40 - initialNeed.outE20X100
    );
    marginFields.initialE8 <== initial.out;
    worstLossM <== span.out;
    signal regular[7];
    for (var r = 0; r < 7; r++) {
        regular[r] <== pnl[3 * r + 1];
    }
    regularMX40 <== AssumeEachSigned(pnlBits(), 7)(regular);
}
