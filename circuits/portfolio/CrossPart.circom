pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/Concentration.circom";
include "../generated/words/Contingencies.circom";
include "../generated/words/Holdings.circom";
include "../math/Add.circom";
include "../math/AssumeEachBits.circom";
include "../math/AssumeEachSigned.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/Multiply.circom";
include "../math/SumOfProducts.circom";
include "AccountHoldings.circom";
include "BookTotals.circom";
include "ConcentrationCharge.circom";
include "HoldingTerms.circom";
include "InitialTerms.circom";
include "ScenarioTerms.circom";
include "WorstScenario.circom";
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
 * @title  PartHoldings
 * @notice AccountHoldings of one of several markets: the same of its holdings and of the collateral that counts in it. Claims: L30, L31.
 * @input  holdings   word of the account in the market
 * @input  amountsE12, amountsQ  [collaterals]  of the collateral that counts in the market, 0 of any other
 * @input  bookTotals, holdingTerms, contingencyFields, concentrationFields  []
 * @output balance, exposure  []  as those of AccountHoldings
 *
 * Bit budget: that of AccountHoldings.
 */
template PartHoldings() {
    signal input holdings;
    signal input {maxbit} amountsE12[collaterals()], amountsQ[collaterals()];
    input BookTotals() bookTotals;
    input HoldingTerms() holdingTerms;
    input ContingenciesFields() contingencyFields;
    input ConcentrationFields() concentrationFields;
    output AccountBalance() balance;
    output Exposure() exposure;

    component heldBits = HoldingsBits(1);
    heldBits.words[0] <== holdings;
    component held = HoldingsOfBits();
    held.bits <== heldBits.bits[0];
    signal {maxbit} valuesE20X20 <== SumOfProducts(collaterals())(amountsE12, holdingTerms.valueE8X20);
    signal {maxbit} movingE20X20 <== SumOfProducts(collaterals())(amountsE12, holdingTerms.movingE8X20);
    signal {maxbit} haircutE20X60 <== SumOfProducts(collaterals())(amountsE12, holdingTerms.maintenanceE8X60);

    assert(held.fields.perpsE12.signedbit <= 60 && holdingTerms.perpPriceE8.maxbit <= 48);
    assert(movingE20X20.maxbit <= 139);
    signal perpValueE20 <== held.fields.perpsE12 * holdingTerms.perpPriceE8;
    component hedge = FloorAndSign(52);
    hedge.in <== AssumeSigned(140)(perpValueE20 * 2 ** 20 + movingE20X20); // 108 + 20 and 139 bits
    balance.hedgeM <== hedge.out;

    // 125 + 52, 139 + 40, and 90 + 87 bits.
    assert(bookTotals.markMX40.signedbit <= 125 && valuesE20X20.maxbit <= 139);
    assert(held.fields.cashE12.signedbit <= 89 && held.fields.perpPnlE12.signedbit <= 89);
    balance.equityE20X60 <== AssumeSigned(180)(
        bookTotals.markMX40 * 2 ** 52 + valuesE20X20 * 2 ** 40
        + (held.fields.cashE12 + held.fields.perpPnlE12) * (10 ** 8 * 2 ** 60)
    );

    component perps = PerpSize();
    perps.bits <== heldBits.bits[0];
    perps.perpsE12 <== held.fields.perpsE12;
    signal {maxbit} perpsMagnitude <== perps.magnitudeE12;
    exposure.amountsE12 <== amountsE12;
    exposure.perpNotionalE20 <== Multiply()(perpsMagnitude, holdingTerms.spotE8);
    exposure.nakedNotionalE20 <== Multiply()(bookTotals.nakedShortE12, holdingTerms.spotE8);
    exposure.shortfallNotionalE20X40 <== Multiply()(bookTotals.shortfallE12X40, holdingTerms.spotE8);
    signal {maxbit} contingencyE20X60 <== Contingency()(
        exposure.perpNotionalE20, exposure.nakedNotionalE20, contingencyFields.maintenancePerpX40,
        contingencyFields.maintenanceOptionX40, haircutE20X60
    );
    signal {maxbit} concentrationE20X60 <== ConcentrationCharge()(
        amountsE12, amountsQ, holdingTerms.valueE8X20, holdingTerms.sizesQ, perpsMagnitude,
        perps.wholeQ, bookTotals.nakedShortE12, holdingTerms.spotE8, concentrationFields
    );
    balance.maintenanceContingencyE20X60 <== Add()(contingencyE20X60, concentrationE20X60);
}

/**
 * @title  PartLoss
 * @notice The worst of a market's scenarios for an account. Claim: L8.
 * @input  bookTotals, scenarioTerms, hedgeM  []
 * @output worstLossM     []  rounded down; 98 bits and a sign
 * @output worstScenario  []
 *
 * Bit budget: options change by 128 bits and the hedge by 88 + 43, damping adds 43 bits; the basis contingency has 137 and 40.
 */
template PartLoss() {
    input BookTotals() bookTotals;
    input ScenarioTerms() scenarioTerms;
    signal input {signedbit} hedgeM;
    signal output {signedbit} worstLossM;
    signal output {maxbit} worstScenario;

    assert(bookTotals.pnlMX40.signedbit < pnlBits());
    assert(hedgeM.signedbit + scenarioTerms.shocksX40.maxbit < pnlBits());
    assert(pnlBits() + scenarioTerms.dampingX40.maxbit <= lossBits());
    assert(bookTotals.basisMX40.signedbit + 40 <= lossBits());
    signal hedged[33], losses[34];
    for (var s = 0; s < 33; s++) {
        // Three scenarios of a regular shock move spot alike.
        if (s < 21 && s % 3 > 0) {
            hedged[s] <== hedged[s - 1];
        } else {
            hedged[s] <== hedgeM * (scenarioTerms.shocksX40[s] - 2 ** 40);
        }
        losses[s] <== (bookTotals.pnlMX40[s] + hedged[s]) * scenarioTerms.dampingX40[s];
    }
    losses[33] <== bookTotals.basisMX40 * 2 ** 40;
    component worst = WorstScenario(34, spreadBits());
    worst.losses <== AssumeEachSigned(lossBits(), 34)(losses);
    worstScenario <== worst.index;
    component span = FloorAndSign(80);
    span.in <== worst.least;
    worstLossM <== span.out;
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
    component loss = PartLoss();
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
