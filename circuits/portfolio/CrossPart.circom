pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/Concentration.circom";
include "../generated/words/Contingencies.circom";
include "../math/AssumeSigned.circom";
include "AccountHoldings.circom";
include "BookTotals.circom";
include "HoldingTerms.circom";
include "InitialTerms.circom";
include "ScenarioTerms.circom";
include "WorstLoss.circom";
include "layout.circom";

/** What one of several markets leaves of an account: from CrossPart to SpreadLeg and CrossSum; M = 2^32 E20. */
bus PartBalance() {
    signal {signedbit} netDeltaE20X20; // 141 bits and a sign: of all that moves with spot, in money
    signal {signedbit} worstLossM; // 98 bits and a sign, never positive
    signal {maxbit} worstScenario; // 6 bits
    signal {signedbit} maintenanceE20X60; // 196 bits and a sign
    signal {signedbit} initialE20X100; // 245 bits and a sign
}

/**
 * @title  CrossPart
 * @notice What one of several markets leaves of an account. Claims: L30, L31.
 * @input  holdings    word of the account in the market
 * @input  amountsE12, amountsQ  [collaterals]  of the collateral that counts in the market
 * @input  bookTotals  []  of the account's options in the market
 * @input  holdingTerms, scenarioTerms, initialTerms, contingencyFields, concentrationFields  []
 * @output part        []
 *
 * Bit budget: that of AccountMargins; a hedge of 88 + 52 bits, a delta of 84 and a spot of 48.
 */
template CrossPart() {
    signal input holdings;
    signal input {maxbit} amountsE12[collaterals()], amountsQ[collaterals()];
    input BookTotals() bookTotals;
    input HoldingTerms() holdingTerms;
    input ScenarioTerms() scenarioTerms;
    input InitialTerms() initialTerms;
    input ContingenciesFields() contingencyFields;
    input ConcentrationFields() concentrationFields;
    output PartBalance() part;

    component held = PartHoldings();
    held.holdings <== holdings;
    held.amountsE12 <== amountsE12;
    held.amountsQ <== amountsQ;
    held.bookTotals <== bookTotals;
    held.holdingTerms <== holdingTerms;
    held.contingencyFields <== contingencyFields;
    held.concentrationFields <== concentrationFields;
    component loss = WorstLoss();
    loss.bookTotals <== bookTotals;
    loss.scenarioTerms <== scenarioTerms;
    loss.hedgeM <== held.balance.hedgeM;
    component needs = InitialNeeds();
    needs.exposure <== held.exposure;
    needs.initialTerms <== initialTerms;
    needs.contingencyFields <== contingencyFields;

    assert(held.balance.hedgeM.signedbit + 52 <= 140);
    assert(bookTotals.deltaE12X20.signedbit + holdingTerms.spotE8.maxbit <= 140);
    part.netDeltaE20X20 <== AssumeSigned(141)(
        held.balance.hedgeM * 2 ** 52 + bookTotals.deltaE12X20 * holdingTerms.spotE8
    );
    part.worstLossM <== loss.worstLossM;
    part.worstScenario <== loss.worstScenario;

    assert(loss.worstLossM.signedbit <= 98 && held.balance.equityE20X60.signedbit <= 180);
    assert(scenarioTerms.maintenanceFactorX40.maxbit <= 44 && initialTerms.initialFactorX40.maxbit <= 53);
    assert(held.balance.maintenanceContingencyE20X60.maxbit <= contingencyBits());
    assert(needs.initialNeed.outE20X100.maxbit <= 231);
    signal maintenanceLoss <== loss.worstLossM * scenarioTerms.maintenanceFactorX40;
    signal initialLoss <== loss.worstLossM * initialTerms.initialFactorX40;
    signal base <== held.balance.equityE20X60 - held.balance.maintenanceContingencyE20X60;
    part.maintenanceE20X60 <== AssumeSigned(196)(maintenanceLoss * 2 ** 52 + base);
    part.initialE20X100 <== AssumeSigned(245)(
        (initialLoss * 2 ** 52 + base) * 2 ** 40 - needs.initialNeed.outE20X100
    );
}
