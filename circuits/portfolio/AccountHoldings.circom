pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/CollateralAmount.circom";
include "../generated/words/Contingencies.circom";
include "../generated/words/Holdings.circom";
include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/AssumeSigned.circom";
include "../math/BitsToNumber.circom";
include "../math/FloorAndSign.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "../math/SumOfProducts.circom";
include "AccountBalance.circom";
include "BookTotals.circom";
include "ConcentrationCharge.circom";
include "HoldingTerms.circom";
include "InitialTerms.circom";

/**
 * @title  CollateralAmounts
 * @notice What an account holds of each collateral asset. Claim: Q1.
 * @input  words    packed
 * @output outE12   [collaterals]  62 bits
 * @output wholeQ   [collaterals]  30 bits: the same in whole units of sizes, rounded down
 */
template CollateralAmounts() {
    signal input words[collateralAmountsWords()];
    signal output {maxbit} outE12[collaterals()], wholeQ[collaterals()];

    signal bits[collaterals()][62] <== CollateralAmountBits(collaterals())(words);
    component amount[collaterals()];
    component whole[collaterals()];
    signal each[collaterals()], eachQ[collaterals()];
    for (var i = 0; i < collaterals(); i++) {
        amount[i] = CollateralAmountOfBits();
        amount[i].bits <== bits[i];
        assert(amount[i].fields.amountE12.maxbit <= 62);
        each[i] <== amount[i].fields.amountE12;
        whole[i] = BitsToNumber(62, sizeUnitBits(), 62 - sizeUnitBits());
        whole[i].bits <== bits[i];
        eachQ[i] <== whole[i].out;
    }
    outE12 <== AssumeEachBits(62, collaterals())(each); // fields of words
    wholeQ <== AssumeEachBits(62 - sizeUnitBits(), collaterals())(eachQ); // their high bits
}

/**
 * @title  PerpSize
 * @notice How many perpetuals an account has, long or short. Claim: Q1.
 * @input  bits      [229]  boolean, of the word of holdings; perpetuals come first
 * @input  perpsE12  []     60 bits and a sign: the number that they are
 * @output magnitudeE12  []  61 bits, at most 2^60
 * @output wholeQ        []  28 bits: whole units of sizes, rounded down. Of exactly so many short, one less: what has no excess
 *                           either way
 *
 * A short of m units of 10^-12 stands as -m: its floor in whole units is -ceil(m / 2^32), and less 1 negated floor((m - 1) / 2^32).
 */
template PerpSize() {
    signal input bits[229];
    signal input {signedbit} perpsE12;
    signal output {maxbit} magnitudeE12, wholeQ;

    var SIGN = perpsE12.signedbit;
    signal isShort <== 1 - bits[SIGN];
    signal magnitude <== (1 - 2 * isShort) * perpsE12;
    magnitudeE12 <== AssumeBits(61)(magnitude); // at most 2^60
    signal floorQ <== BitsToNumber(229, sizeUnitBits(), SIGN + 1 - sizeUnitBits())(bits);
    signal flooredQ <== floorQ - 2 ** (SIGN - sizeUnitBits());
    signal whole <== flooredQ - isShort * (2 * flooredQ + 1);
    wholeQ <== AssumeBits(28)(whole); // a number of 28 bits and a sign, or its complement
}

/**
 * @title  Contingency
 * @notice Margin on perpetuals, naked short options and collateral, exact. Claim: L9.
 * @input  perpNotionalE20, nakedNotionalE20  []
 * @input  perpX40, optionX40   []  fractions of them
 * @input  collateralsE20X60    []  what collateral asks for
 * @output outE20X60            []  three bits more than the widest term, at most
 */
template Contingency() {
    signal input {maxbit} perpNotionalE20, nakedNotionalE20, perpX40, optionX40, collateralsE20X60;
    signal output {maxbit} outE20X60;

    signal {maxbit} perp <== Multiply()(perpNotionalE20, perpX40);
    signal {maxbit} option <== Multiply()(nakedNotionalE20, optionX40);
    signal {maxbit} notionalE20X40 <== Add()(perp, option);
    signal {maxbit} notionalE20X60 <== ShiftLeft(20)(notionalE20X40);
    outE20X60 <== Add()(notionalE20X60, collateralsE20X60);
}

/**
 * @title  PartHoldings
 * @notice What an account owns in a market, collateral that counts there included, and what margin it needs whatever the scenario.
 *         Claims: L7, L9, L13, L30, L31.
 * @input  holdings   word of the account in the market
 * @input  amountsE12, amountsQ  [collaterals]  of the collateral that counts in the market, 0 of any other: see CollateralAmounts
 * @input  bookTotals, holdingTerms, contingencyFields, concentrationFields  []
 * @output balance    []
 * @output exposure   []  what InitialNeeds takes
 *
 * Bit budget: an amount of 62 bits times 73 bits of price, summed, is 135 and the bits of the number of collaterals;
 * haircuts and shortfalls add 41, the confidence margin 45 more. What is concentrated has 181 bits.
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
 * @title  AccountHoldings
 * @notice The same of an account in one market, all of whose collateral counts there. Claims: L7, L9, L13.
 * @input  holdings, collateralAmounts  words of the account
 * @input  bookTotals    []
 * @input  holdingTerms, contingencyFields, concentrationFields  []
 * @output balance, exposure  []
 */
template AccountHoldings() {
    signal input holdings, collateralAmounts[collateralAmountsWords()];
    input BookTotals() bookTotals;
    input HoldingTerms() holdingTerms;
    input ContingenciesFields() contingencyFields;
    input ConcentrationFields() concentrationFields;
    output AccountBalance() balance;
    output Exposure() exposure;

    component amounts = CollateralAmounts();
    amounts.words <== collateralAmounts;
    component held = PartHoldings();
    held.holdings <== holdings;
    held.amountsE12 <== amounts.outE12;
    held.amountsQ <== amounts.wholeQ;
    held.bookTotals <== bookTotals;
    held.holdingTerms <== holdingTerms;
    held.contingencyFields <== contingencyFields;
    held.concentrationFields <== concentrationFields;
    balance <== held.balance;
    exposure <== held.exposure;
}

/**
 * @title  InitialNeeds
 * @notice What initial margin asks an account for whatever the scenario, on top of maintenance. Claim: L9.
 * @input  exposure      []
 * @input  initialTerms, contingencyFields  []
 * @output initialNeed   []
 */
template InitialNeeds() {
    input Exposure() exposure;
    input InitialTerms() initialTerms;
    input ContingenciesFields() contingencyFields;
    output InitialNeed() initialNeed;

    signal {maxbit} perp <== Multiply()(exposure.perpNotionalE20, contingencyFields.initialPerpX40);
    signal {maxbit} option <== Multiply()(exposure.nakedNotionalE20, contingencyFields.initialOptionX40);
    signal {maxbit} notionalE20X40 <== Add()(perp, option);
    signal {maxbit} notionalE20X100 <== ShiftLeft(60)(notionalE20X40);

    signal {maxbit} uncertainPerps <== Multiply()(exposure.perpNotionalE20, initialTerms.perpShortfallX40);
    signal {maxbit} uncertainE20X40 <== Add()(exposure.shortfallNotionalE20X40, uncertainPerps);
    signal {maxbit} uncertainE20X80 <== Multiply()(uncertainE20X40, contingencyFields.confidenceMarginX40);
    signal {maxbit} uncertainE20X100 <== ShiftLeft(20)(uncertainE20X80);
    signal {maxbit} ofNotionalE20X100 <== Add()(notionalE20X100, uncertainE20X100);

    signal {maxbit} collateralsE20X100 <== SumOfProducts(collaterals())(exposure.amountsE12, initialTerms.needE8X100);
    initialNeed.outE20X100 <== Add()(ofNotionalE20X100, collateralsE20X100);
}
