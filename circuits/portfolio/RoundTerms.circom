pragma circom 2.2.3;

include "../generated/words/CollateralPolicy.circom";
include "../generated/words/CollateralPrice.circom";
include "../generated/words/Contingencies.circom";
include "../generated/words/LossFactors.circom";
include "../generated/words/RoundConfidences.circom";
include "../generated/words/RoundPrices.circom";
include "../generated/words/ScenarioRegular.circom";
include "../generated/words/ScenarioSpecial.circom";
include "../generated/words/ScenarioUpOnly.circom";
include "../math/AssumeBits.circom";
include "../math/Constant.circom";
include "../math/DivDown.circom";
include "../math/DivUp.circom";
include "../math/IsLess.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "../math/SubtractOrZero.circom";

/**
 * @title  Shortfall
 * @notice 1 - confidence if the lesser of two confidences is below a threshold and below 1, else 0. Claim: L9.
 * @input  confidenceX40, spotConfidenceX40, thresholdX40  []  41 bits
 * @output out  []  X40, exact, at most 1
 */
template Shortfall() {
    signal input {maxbit} confidenceX40, spotConfidenceX40, thresholdX40;
    signal output out;

    signal {maxbit} lesser <== Min()(confidenceX40, spotConfidenceX40);
    signal {maxbit} one <== Constant(2 ** 40)();
    signal {maxbit} limit <== Min()(thresholdX40, one);
    signal isLow <== IsLess()(lesser, limit);
    out <== isLow * (2 ** 40 - lesser);
}

/**
 * @title  InitialFactor
 * @notice Loss factor of the initial margin: what the policy says, and more where the settlement currency has fallen below
 *         its peg. Rounded up. Claim: L9.
 * @input  initialFactorX40, pegLossX40  []  44 bits
 * @input  pegThresholdX40, stablePriceE12  []  47 and 44 bits
 * @output out  []  X40, 53 bits
 */
template InitialFactor() {
    signal input {maxbit} initialFactorX40, pegThresholdX40, pegLossX40, stablePriceE12;
    signal output out;

    // E12X40 on both sides.
    signal {maxbit} unitE12 <== Constant(10 ** 12)();
    signal {maxbit} threshold <== Multiply()(pegThresholdX40, unitE12);
    signal {maxbit} price <== ShiftLeft(40)(stablePriceE12);
    signal {maxbit} below <== SubtractOrZero()(threshold, price);
    signal {maxbit} loss <== Multiply()(below, pegLossX40);
    signal {maxbit} unitE12X40 <== Constant(10 ** 12 * 2 ** 40)();
    var ADDED_BITS = 52;
    assert(loss.maxbit - unitE12X40.maxbit < ADDED_BITS); // so that every quotient has a witness
    assert(initialFactorX40.maxbit <= ADDED_BITS);
    signal {maxbit} added <== DivUp(ADDED_BITS)(loss, unitE12X40);
    out <== initialFactorX40 + added;
}

/**
 * @title  RoundTerms
 * @notice What is the same for all accounts of a round: fields of its words and of the policy's, prices of collateral in
 *         the settlement currency, and what they are multiplied by. Claims: L7, L9.
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @output spotE8, perpPriceE8, asOf  []  48, 48 and 32 bits
 * @output shocksX40, dampingX40  [33]  43 bits; skew scenarios leave spot alone
 * @output valueE8X20  [8]  price of a collateral in the settlement currency, rounded down, 73 bits
 * @output movingE8X20  [8]  the same of collateral that moves with spot, else 0
 * @output maintenanceE8X60, initialE8X60, uncertainE8X60  [8]  the same times maintenance haircut, initial haircut, and
 *         what its confidence is short of 1
 * @output maintenanceFactorX40, initialFactorX40, perpShortfallX40  []  44, 52 and 41 bits
 * @output maintenancePerpX40, initialPerpX40, maintenanceOptionX40, initialOptionX40, confidenceMarginX40  []  42 bits, the
 *         last one 45
 * @output inverseVolatilityX30  []  one over the volatility of the default horizon, rounded down, 71 bits
 *
 * A settlement currency of price 0, a horizon volatility of 0 and a collateral dearer than 2^73 units have no witness.
 */
template RoundTerms() {
    signal input roundPrices, roundConfidences, collateralPrices[4];
    signal input scenarioRegular[7], scenarioUpOnly[5], scenarioSpecial;
    signal input lossFactors, contingencies, collateralPolicy[4];
    signal output spotE8, perpPriceE8, asOf, shocksX40[33], dampingX40[33];
    signal output valueE8X20[8], movingE8X20[8], maintenanceE8X60[8], initialE8X60[8], uncertainE8X60[8];
    signal output maintenanceFactorX40, initialFactorX40, perpShortfallX40;
    signal output maintenancePerpX40, initialPerpX40, maintenanceOptionX40, initialOptionX40, confidenceMarginX40;
    signal output inverseVolatilityX30;

    component prices = UnpackRoundPrices();
    prices.word <== roundPrices;
    component confidences = UnpackRoundConfidences();
    confidences.word <== roundConfidences;
    component factors = UnpackLossFactors();
    factors.word <== lossFactors;
    component margin = UnpackContingencies();
    margin.word <== contingencies;
    // Widths that AccountHoldings and AccountMargins count on: a wider field does not compile.
    assert(prices.fields.spotE8.maxbit <= 48);
    assert(prices.fields.perpPriceE8.maxbit <= 48);
    assert(factors.fields.maintenanceFactorX40.maxbit <= 44);
    assert(margin.fields.maintenancePerpX40.maxbit <= 42);
    assert(margin.fields.initialPerpX40.maxbit <= 42);
    assert(margin.fields.maintenanceOptionX40.maxbit <= 42);
    assert(margin.fields.initialOptionX40.maxbit <= 42);
    assert(margin.fields.confidenceMarginX40.maxbit <= 45);
    spotE8 <== prices.fields.spotE8;
    perpPriceE8 <== prices.fields.perpPriceE8;
    asOf <== prices.fields.asOf;
    maintenancePerpX40 <== margin.fields.maintenancePerpX40;
    initialPerpX40 <== margin.fields.initialPerpX40;
    maintenanceOptionX40 <== margin.fields.maintenanceOptionX40;
    initialOptionX40 <== margin.fields.initialOptionX40;
    confidenceMarginX40 <== margin.fields.confidenceMarginX40;

    component regular[7];
    for (var r = 0; r < 7; r++) {
        regular[r] = UnpackScenarioRegular();
        regular[r].word <== scenarioRegular[r];
        assert(regular[r].fields.shockX40.maxbit <= 43);
        assert(regular[r].fields.dampingNoneX40.maxbit <= 43);
        for (var v = 0; v < 3; v++) {
            shocksX40[3 * r + v] <== regular[r].fields.shockX40;
        }
        dampingX40[3 * r] <== regular[r].fields.dampingUpX40;
        dampingX40[3 * r + 1] <== regular[r].fields.dampingNoneX40;
        dampingX40[3 * r + 2] <== regular[r].fields.dampingDownX40;
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
        shocksX40[21 + i] <== upOnly[i].fields.shockX40;
        dampingX40[21 + i] <== upOnly[i].fields.dampingX40;
    }
    component special = UnpackScenarioSpecial();
    special.word <== scenarioSpecial;
    assert(special.fields.dampingLinearX40.maxbit <= 43);
    shocksX40[31] <== 2 ** 40;
    shocksX40[32] <== 2 ** 40;
    dampingX40[31] <== special.fields.dampingLinearX40;
    dampingX40[32] <== special.fields.dampingAbsoluteX40;

    component priceBits = CollateralPriceBits(8);
    priceBits.words <== collateralPrices;
    component policyBits = CollateralPolicyBits(8);
    policyBits.words <== collateralPolicy;
    component price[8];
    component policy[8];
    component value[8];
    component shortfall[8];
    for (var i = 0; i < 8; i++) {
        price[i] = CollateralPriceOfBits();
        price[i].bits <== priceBits.bits[i];
        policy[i] = CollateralPolicyOfBits();
        policy[i].bits <== policyBits.bits[i];
        assert(policy[i].fields.maintenanceHaircutX40.maxbit <= 41);
        assert(policy[i].fields.initialHaircutX40.maxbit <= 41);
        value[i] = CollateralValue();
        value[i].stablePriceE12 <== prices.fields.stablePriceE12;
        value[i].priceE12 <== price[i].fields.priceE12;
        shortfall[i] = Shortfall();
        shortfall[i].spotConfidenceX40 <== confidences.fields.spotConfidenceX40;
        shortfall[i].confidenceX40 <== price[i].fields.confidenceX40;
        shortfall[i].thresholdX40 <== policy[i].fields.confidenceThresholdX40;
        valueE8X20[i] <== value[i].out;
        uncertainE8X60[i] <== value[i].out * shortfall[i].out;
        movingE8X20[i] <== value[i].out * policy[i].fields.movesWithSpot;
        maintenanceE8X60[i] <== value[i].out * policy[i].fields.maintenanceHaircutX40;
        initialE8X60[i] <== value[i].out * policy[i].fields.initialHaircutX40;
    }

    maintenanceFactorX40 <== factors.fields.maintenanceFactorX40;
    initialFactorX40 <== InitialFactor()(
        factors.fields.initialFactorX40, factors.fields.pegThresholdX40, factors.fields.pegLossX40, prices.fields.stablePriceE12
    );
    perpShortfallX40 <== Shortfall()(
        confidences.fields.perpConfidenceX40, confidences.fields.spotConfidenceX40, factors.fields.confidenceThresholdX40
    );
    signal {maxbit} one <== Constant(2 ** 70)();
    inverseVolatilityX30 <== DivDown(71)(one, confidences.fields.horizonVolatilityX40);
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
    signal output out;

    assert(priceE12.maxbit <= 62);
    signal {maxbit} numerator <== AssumeBits(109)(priceE12 * (10 ** 8 * 2 ** 20)); // 62 + 27 + 20 bits
    out <== DivDown(73)(numerator, stablePriceE12);
}
