pragma circom 2.2.3;

include "comparators.circom";
include "../generated/sizes.circom";
include "../generated/words/Concentration.circom";
include "../generated/words/Contingencies.circom";
include "../generated/words/LossFactors.circom";
include "../generated/words/RoundConfidences.circom";
include "../generated/words/RoundPrices.circom";
include "../math/Min.circom";
include "CollateralPool.circom";
include "HoldingTerms.circom";
include "InitialTerms.circom";
include "RoundTerms.circom";
include "ScenarioTerms.circom";

/**
 * @title  MarketTerms
 * @notice What is the same for all accounts of one of several markets: its own round and policy, and what the pool says of the
 *         settlement currency and of collateral. The same terms as RoundTerms and InitialRound have of one market. Claims: L30, L31.
 * @input  words of the market's round and policy, see circuits/statements/portfolio.ts
 * @input  pool         []
 * @output asOf         []  32 bits
 * @output spreadFactorX40  []  44 bits: the lesser of the two loss factors, at which a loss offsets
 * @output holdingTerms, scenarioTerms, initialTerms, contingencyFields, concentrationFields  []  as those of one market alone
 *
 * Perpetuals of price 0 have no witness.
 */
template MarketTerms() {
    signal input roundPrices, roundConfidences;
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], scenarioSkew;
    signal input lossFactors, contingencies, concentration;
    input CollateralPool() pool;
    signal output {maxbit} asOf, spreadFactorX40;
    output HoldingTerms() holdingTerms;
    output ScenarioTerms() scenarioTerms;
    output InitialTerms() initialTerms;
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
    // A feed that is not there says 0, at which perpetuals would cost nothing.
    signal isPerpMissing <== IsZero()(prices.fields.perpPriceE8);
    isPerpMissing === 0;

    component grid = GridTerms();
    grid.scenarioRegular <== scenarioRegular;
    grid.scenarioUpOnly <== scenarioUpOnly;
    grid.scenarioSkew <== scenarioSkew;
    asOf <== prices.fields.asOf;
    scenarioTerms.shocksX40 <== grid.shocksX40;
    scenarioTerms.dampingX40 <== grid.dampingX40;
    scenarioTerms.spotE8 <== prices.fields.spotE8;
    scenarioTerms.maintenanceFactorX40 <== factors.fields.maintenanceFactorX40;
    holdingTerms.spotE8 <== prices.fields.spotE8;
    holdingTerms.perpPriceE8 <== prices.fields.perpPriceE8;
    holdingTerms.valueE8X20 <== pool.valueE8X20;
    holdingTerms.movingE8X20 <== pool.movingE8X20;
    holdingTerms.maintenanceE8X60 <== pool.maintenanceE8X60;
    holdingTerms.sizesQ <== pool.sizesQ;

    component initial = InitialRound();
    initial.confidenceMarginX40 <== margin.fields.confidenceMarginX40;
    initial.initialFields.stablePriceE12 <== pool.stablePriceE12;
    initial.initialFields.spotConfidenceX40 <== confidences.fields.spotConfidenceX40;
    initial.initialFields.perpConfidenceX40 <== confidences.fields.perpConfidenceX40;
    initial.initialFields.initialFactorX40 <== factors.fields.initialFactorX40;
    initial.initialFields.pegThresholdX40 <== pool.pegThresholdX40;
    initial.initialFields.pegLossX40 <== pool.pegLossX40;
    initial.initialFields.confidenceThresholdX40 <== factors.fields.confidenceThresholdX40;
    initial.initialFields.valueE8X20 <== pool.valueE8X20;
    initial.initialFields.haircutX40 <== pool.haircutX40;
    initial.initialFields.confidenceX40 <== pool.confidenceX40;
    initial.initialFields.thresholdX40 <== pool.thresholdX40;
    initialTerms <== initial.initialTerms;
    spreadFactorX40 <== Min()(factors.fields.maintenanceFactorX40, initial.initialTerms.initialFactorX40);
}
