pragma circom 2.2.3;

include "../generated/words/AccountMargins.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorToUnit.circom";
include "AccountBalance.circom";
include "BookTotals.circom";
include "InitialTerms.circom";
include "ScenarioTerms.circom";
include "WorstLoss.circom";
include "layout.circom";

/**
 * @title  AccountMargins
 * @notice Margins of an account from its book and what else it holds. Claims: L8, L9.
 * @input  bookTotals, balance, scenarioTerms, initialNeed, initialTerms  []
 * @output marginFields  []   margins rounded down; more than 79 bits has no witness
 *                            as have scenarios that are 2^88 M apart
 * @output worstLossM, regularMX40  [], [7]  see WorstLoss
 *
 * Bit budget: margins are exact up to their one rounding: a loss of 98 bits times a factor of 44 or 53 bits at M = 2^32 E20
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

    component loss = WorstLoss();
    loss.bookTotals <== bookTotals;
    loss.scenarioTerms <== scenarioTerms;
    loss.hedgeM <== balance.hedgeM;
    marginFields.worstScenario <== loss.worstScenario;

    assert(loss.worstLossM.signedbit <= 98);
    assert(scenarioTerms.maintenanceFactorX40.maxbit <= 44 && initialTerms.initialFactorX40.maxbit <= 53);
    assert(balance.equityE20X60.signedbit <= 180);
    assert(balance.maintenanceContingencyE20X60.maxbit <= contingencyBits());
    assert(initialNeed.outE20X100.maxbit <= 231);
    signal maintenanceLoss <== loss.worstLossM * scenarioTerms.maintenanceFactorX40;
    signal initialLoss <== loss.worstLossM * initialTerms.initialFactorX40;
    signal base <== balance.equityE20X60 - balance.maintenanceContingencyE20X60;
    component maintenance = FloorToUnit(72, fiveToTwelve(), 79);
    maintenance.in <== AssumeSigned(196)(maintenanceLoss * 2 ** 52 + base);
    marginFields.maintenanceE8 <== maintenance.out;
    component initial = FloorToUnit(112, fiveToTwelve(), 79);
    initial.in <== AssumeSigned(245)(
        (initialLoss * 2 ** 52 + base) * 2 ** 40 - initialNeed.outE20X100
    );
    marginFields.initialE8 <== initial.out;
    worstLossM <== loss.worstLossM;
    regularMX40 <== loss.regularMX40;
}
