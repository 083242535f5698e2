pragma circom 2.2.3;

include "comparators.circom";
include "../generated/sizes.circom";
include "../generated/words/CollateralPolicy.circom";
include "../generated/words/CollateralPrice.circom";
include "../generated/words/Contingencies.circom";
include "../generated/words/LossFactors.circom";
include "../generated/words/RoundConfidences.circom";
include "../generated/words/RoundPrices.circom";
include "../generated/words/ScenarioRegular.circom";
include "../generated/words/ScenarioSkew.circom";
include "../generated/words/ScenarioUpOnly.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/DivDown.circom";
include "ConcentrationCharge.circom";
include "HoldingTerms.circom";
include "InitialTerms.circom";
include "ScenarioTerms.circom";

/**
 * @title  GridTerms
 * @notice Shocks and damping factors of the 33 scenarios. Claim: L8.
 * @input  words of the grid, see circuits/statements/
 * @output shocksX40, dampingX40  [33]  43 bits; a skew scenario's shock moves the hedge alone
 */
template GridTerms() {
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], scenarioSkew;
    signal output {maxbit} shocksX40[33], dampingX40[33];

    signal shocks[33], dampings[33];
    component regular[7];
    for (var r = 0; r < 7; r++) {
        regular[r] = UnpackScenarioRegular();
        regular[r].word <== scenarioRegular[r];
        assert(regular[r].fields.shockX40.maxbit <= 43);
        assert(regular[r].fields.dampingUpX40.maxbit <= 43);
        assert(regular[r].fields.dampingNoneX40.maxbit <= 43);
        assert(regular[r].fields.dampingDownX40.maxbit <= 43);
        for (var v = 0; v < 3; v++) {
            shocks[3 * r + v] <== regular[r].fields.shockX40;
        }
        dampings[3 * r] <== regular[r].fields.dampingUpX40;
        dampings[3 * r + 1] <== regular[r].fields.dampingNoneX40;
        dampings[3 * r + 2] <== regular[r].fields.dampingDownX40;
    }
    // The middle scenario is the mark: books take its value from there, and thresholds start there.
    regular[3].fields.shockX40 === 2 ** 40;
    component upOnlyBits = ScenarioUpOnlyBits(10);
    upOnlyBits.words <== scenarioUpOnly;
    component upOnly[10];
    for (var i = 0; i < 10; i++) {
        upOnly[i] = ScenarioUpOnlyOfBits();
        upOnly[i].bits <== upOnlyBits.bits[i];
        assert(upOnly[i].fields.shockX40.maxbit <= 43);
        assert(upOnly[i].fields.dampingX40.maxbit <= 43);
        shocks[21 + i] <== upOnly[i].fields.shockX40;
        dampings[21 + i] <== upOnly[i].fields.dampingX40;
    }
    component skew = UnpackScenarioSkew();
    skew.word <== scenarioSkew;
    assert(skew.fields.shockLinearX40.maxbit <= 43 && skew.fields.dampingLinearX40.maxbit <= 43);
    assert(skew.fields.shockAbsoluteX40.maxbit <= 43 && skew.fields.dampingAbsoluteX40.maxbit <= 43);
    shocks[31] <== skew.fields.shockLinearX40;
    shocks[32] <== skew.fields.shockAbsoluteX40;
    dampings[31] <== skew.fields.dampingLinearX40;
    dampings[32] <== skew.fields.dampingAbsoluteX40;
    shocksX40 <== AssumeEachBits(43, 33)(shocks);
    dampingX40 <== AssumeEachBits(43, 33)(dampings);
}

/**
 * @title  CollateralTerms
 * @notice What each collateral asset counts. Claims: L7, L9.
 * @input  collateralPrices, collateralPolicy  words of the round and of the policy
 * @input  stablePriceE12  []
 * @output valueE8X20, movingE8X20, maintenanceE8X60  [collaterals]  see HoldingTerms
 * @output haircutX40, confidenceX40, thresholdX40    [collaterals]  see InitialFields
 */
template CollateralTerms() {
    signal input collateralPrices[collateralPricesWords()], collateralPolicy[collateralPolicyWords()];
    signal input {maxbit} stablePriceE12;
    signal output {maxbit} valueE8X20[collaterals()], movingE8X20[collaterals()];
    signal output {maxbit} maintenanceE8X60[collaterals()];
    signal output {maxbit} haircutX40[collaterals()], confidenceX40[collaterals()], thresholdX40[collaterals()];

    component priceBits = CollateralPriceBits(collaterals());
    priceBits.words <== collateralPrices;
    component policyBits = CollateralPolicyBits(collaterals());
    policyBits.words <== collateralPolicy;
    component price[collaterals()];
    component policy[collaterals()];
    component value[collaterals()];
    signal values[collaterals()], moving[collaterals()], maintenance[collaterals()];
    signal haircuts[collaterals()], confidences[collaterals()], thresholds[collaterals()];
    for (var i = 0; i < collaterals(); i++) {
        price[i] = CollateralPriceOfBits();
        price[i].bits <== priceBits.bits[i];
        policy[i] = CollateralPolicyOfBits();
        policy[i].bits <== policyBits.bits[i];
        value[i] = CollateralValue();
        value[i].stablePriceE12 <== stablePriceE12;
        value[i].priceE12 <== price[i].fields.priceE12;
        assert(value[i].out.maxbit <= 73);
        assert(policy[i].fields.movesWithSpot.maxbit <= 1);
        assert(policy[i].fields.maintenanceHaircutX40.maxbit <= 41);
        assert(policy[i].fields.initialHaircutX40.maxbit <= 41);
        assert(policy[i].fields.confidenceThresholdX40.maxbit <= 41 && price[i].fields.confidenceX40.maxbit <= 41);
        values[i] <== value[i].out;
        moving[i] <== value[i].out * policy[i].fields.movesWithSpot;
        maintenance[i] <== value[i].out * policy[i].fields.maintenanceHaircutX40;
        haircuts[i] <== policy[i].fields.initialHaircutX40;
        confidences[i] <== price[i].fields.confidenceX40;
        thresholds[i] <== policy[i].fields.confidenceThresholdX40;
    }
    valueE8X20 <== AssumeEachBits(73, collaterals())(values);
    movingE8X20 <== AssumeEachBits(73, collaterals())(moving); // the value or 0
    maintenanceE8X60 <== AssumeEachBits(73 + 41, collaterals())(maintenance);
    haircutX40 <== AssumeEachBits(41, collaterals())(haircuts); // fields of words, as the next two
    confidenceX40 <== AssumeEachBits(41, collaterals())(confidences);
    thresholdX40 <== AssumeEachBits(41, collaterals())(thresholds);
}

/**
 * @title  RoundTerms
 * @notice What is the same for all accounts of a round: fields of its words and of the policy's, prices of collateral in
 *         the settlement currency, and what they are multiplied by. Claims: L7, L9.
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @output asOf, horizonVolatilityX40  []  32 and 43 bits
 * @output holdingTerms, scenarioTerms  []
 * @output initialFields  []  what InitialRound takes
 * @output contingencyFields, concentrationFields  []  what AccountHoldings and InitialNeeds charge
 *
 * A settlement currency or perpetuals of price 0 and a collateral dearer than 2^73 units have no witness.
 */
template RoundTerms() {
    signal input roundPrices, roundConfidences, collateralPrices[collateralPricesWords()];
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], scenarioSkew;
    signal input lossFactors, contingencies, collateralPolicy[collateralPolicyWords()];
    signal input concentration, collateralSizes[collateralSizesWords()];
    signal output {maxbit} asOf, horizonVolatilityX40;
    output HoldingTerms() holdingTerms;
    output ScenarioTerms() scenarioTerms;
    output InitialFields() initialFields;
    output ContingenciesFields() contingencyFields;
    output ConcentrationFields() concentrationFields;

    component prices = UnpackRoundPrices();
    prices.word <== roundPrices;
    component confidences = UnpackRoundConfidences();
    confidences.word <== roundConfidences;
    component factors = UnpackLossFactors();
    factors.word <== lossFactors;
    component margin = UnpackContingencies();
    margin.word <== contingencies;
    contingencyFields <== margin.fields;
    component concentrated = UnpackConcentration();
    concentrated.word <== concentration;
    concentrationFields <== concentrated.fields;
    asOf <== prices.fields.asOf;
    holdingTerms.spotE8 <== prices.fields.spotE8;
    holdingTerms.perpPriceE8 <== prices.fields.perpPriceE8;
    // A feed that is not there says 0, at which perpetuals would cost nothing.
    signal isPerpMissing <== IsZero()(prices.fields.perpPriceE8);
    isPerpMissing === 0;
    holdingTerms.sizesQ <== CollateralSizes()(collateralSizes);
    component collateral = CollateralTerms();
    collateral.collateralPrices <== collateralPrices;
    collateral.collateralPolicy <== collateralPolicy;
    collateral.stablePriceE12 <== prices.fields.stablePriceE12;
    holdingTerms.valueE8X20 <== collateral.valueE8X20;
    holdingTerms.movingE8X20 <== collateral.movingE8X20;
    holdingTerms.maintenanceE8X60 <== collateral.maintenanceE8X60;

    component grid = GridTerms();
    grid.scenarioRegular <== scenarioRegular;
    grid.scenarioUpOnly <== scenarioUpOnly;
    grid.scenarioSkew <== scenarioSkew;
    scenarioTerms.shocksX40 <== grid.shocksX40;
    scenarioTerms.dampingX40 <== grid.dampingX40;
    scenarioTerms.spotE8 <== prices.fields.spotE8;
    scenarioTerms.maintenanceFactorX40 <== factors.fields.maintenanceFactorX40;

    initialFields.stablePriceE12 <== prices.fields.stablePriceE12;
    initialFields.spotConfidenceX40 <== confidences.fields.spotConfidenceX40;
    initialFields.perpConfidenceX40 <== confidences.fields.perpConfidenceX40;
    horizonVolatilityX40 <== confidences.fields.horizonVolatilityX40;
    initialFields.initialFactorX40 <== factors.fields.initialFactorX40;
    initialFields.pegThresholdX40 <== factors.fields.pegThresholdX40;
    initialFields.pegLossX40 <== factors.fields.pegLossX40;
    initialFields.confidenceThresholdX40 <== factors.fields.confidenceThresholdX40;
    initialFields.valueE8X20 <== collateral.valueE8X20;
    initialFields.haircutX40 <== collateral.haircutX40;
    initialFields.confidenceX40 <== collateral.confidenceX40;
    initialFields.thresholdX40 <== collateral.thresholdX40;
}

/**
 * @title  CollateralValue
 * @notice Price of a collateral in the settlement currency, rounded down. Claim: L7.
 * @input  priceE12        []  62 bits
 * @input  stablePriceE12  []  44 bits; 0 has no witness
 * @output out             []  E8X20, 73 bits; more has no witness
 */
template CollateralValue() {
    signal input {maxbit} priceE12, stablePriceE12;
    signal output {maxbit} out;

    assert(priceE12.maxbit <= 62);
    signal {maxbit} numerator <== AssumeBits(109)(priceE12 * (10 ** 8 * 2 ** 20)); // 62 + 27 + 20 bits
    out <== DivDown(73)(numerator, stablePriceE12);
}
