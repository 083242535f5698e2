pragma circom 2.2.3;

include "../generated/packedWords.circom";
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
 * @input  words of the round and of the policy, see circuits/statements.ts
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
    assert(prices.spotE8.maxbit <= 48);
    assert(prices.perpPriceE8.maxbit <= 48);
    assert(factors.maintenanceFactorX40.maxbit <= 44);
    assert(margin.maintenancePerpX40.maxbit <= 42);
    assert(margin.initialPerpX40.maxbit <= 42);
    assert(margin.maintenanceOptionX40.maxbit <= 42);
    assert(margin.initialOptionX40.maxbit <= 42);
    assert(margin.confidenceMarginX40.maxbit <= 45);
    spotE8 <== prices.spotE8;
    perpPriceE8 <== prices.perpPriceE8;
    asOf <== prices.asOf;
    maintenancePerpX40 <== margin.maintenancePerpX40;
    initialPerpX40 <== margin.initialPerpX40;
    maintenanceOptionX40 <== margin.maintenanceOptionX40;
    initialOptionX40 <== margin.initialOptionX40;
    confidenceMarginX40 <== margin.confidenceMarginX40;

    component regular[7];
    for (var r = 0; r < 7; r++) {
        regular[r] = UnpackScenarioRegular();
        regular[r].word <== scenarioRegular[r];
        assert(regular[r].shockX40.maxbit <= 43);
        assert(regular[r].dampingNoneX40.maxbit <= 43);
        for (var v = 0; v < 3; v++) {
            shocksX40[3 * r + v] <== regular[r].shockX40;
        }
        dampingX40[3 * r] <== regular[r].dampingUpX40;
        dampingX40[3 * r + 1] <== regular[r].dampingNoneX40;
        dampingX40[3 * r + 2] <== regular[r].dampingDownX40;
    }
    // The middle scenario is the mark: books take its value from there, and thresholds start there.
    regular[3].shockX40 === 2 ** 40;
    component upOnly[5];
    for (var i = 0; i < 5; i++) {
        upOnly[i] = UnpackScenarioUpOnlyPair();
        upOnly[i].word <== scenarioUpOnly[i];
        assert(upOnly[i].firstShockX40.maxbit <= 43);
        assert(upOnly[i].firstDampingX40.maxbit <= 43);
        shocksX40[21 + 2 * i] <== upOnly[i].firstShockX40;
        dampingX40[21 + 2 * i] <== upOnly[i].firstDampingX40;
        shocksX40[22 + 2 * i] <== upOnly[i].secondShockX40;
        dampingX40[22 + 2 * i] <== upOnly[i].secondDampingX40;
    }
    component special = UnpackScenarioSpecial();
    special.word <== scenarioSpecial;
    assert(special.dampingLinearX40.maxbit <= 43);
    shocksX40[31] <== 2 ** 40;
    shocksX40[32] <== 2 ** 40;
    dampingX40[31] <== special.dampingLinearX40;
    dampingX40[32] <== special.dampingAbsoluteX40;

    component market[4];
    component policy[4];
    component value[8];
    component shortfall[8];
    for (var i = 0; i < 4; i++) {
        market[i] = UnpackCollateralPricePair();
        market[i].word <== collateralPrices[i];
        policy[i] = UnpackCollateralPolicyPair();
        policy[i].word <== collateralPolicy[i];
        assert(policy[i].firstMaintenanceHaircutX40.maxbit <= 41);
        assert(policy[i].firstInitialHaircutX40.maxbit <= 41);
        for (var j = 0; j < 2; j++) {
            value[2 * i + j] = CollateralValue();
            value[2 * i + j].stablePriceE12 <== prices.stablePriceE12;
            shortfall[2 * i + j] = Shortfall();
            shortfall[2 * i + j].spotConfidenceX40 <== confidences.spotConfidenceX40;
        }
        value[2 * i].priceE12 <== market[i].firstPriceE12;
        value[2 * i + 1].priceE12 <== market[i].secondPriceE12;
        shortfall[2 * i].confidenceX40 <== market[i].firstConfidenceX40;
        shortfall[2 * i + 1].confidenceX40 <== market[i].secondConfidenceX40;
        shortfall[2 * i].thresholdX40 <== policy[i].firstConfidenceThresholdX40;
        shortfall[2 * i + 1].thresholdX40 <== policy[i].secondConfidenceThresholdX40;
        for (var j = 0; j < 2; j++) {
            valueE8X20[2 * i + j] <== value[2 * i + j].out;
            uncertainE8X60[2 * i + j] <== value[2 * i + j].out * shortfall[2 * i + j].out;
        }
        movingE8X20[2 * i] <== value[2 * i].out * policy[i].firstMovesWithSpot;
        movingE8X20[2 * i + 1] <== value[2 * i + 1].out * policy[i].secondMovesWithSpot;
        maintenanceE8X60[2 * i] <== value[2 * i].out * policy[i].firstMaintenanceHaircutX40;
        maintenanceE8X60[2 * i + 1] <== value[2 * i + 1].out * policy[i].secondMaintenanceHaircutX40;
        initialE8X60[2 * i] <== value[2 * i].out * policy[i].firstInitialHaircutX40;
        initialE8X60[2 * i + 1] <== value[2 * i + 1].out * policy[i].secondInitialHaircutX40;
    }

    maintenanceFactorX40 <== factors.maintenanceFactorX40;
    initialFactorX40 <== InitialFactor()(
        factors.initialFactorX40, factors.pegThresholdX40, factors.pegLossX40, prices.stablePriceE12
    );
    perpShortfallX40 <== Shortfall()(
        confidences.perpConfidenceX40, confidences.spotConfidenceX40, factors.confidenceThresholdX40
    );
    signal {maxbit} one <== Constant(2 ** 70)();
    inverseVolatilityX30 <== DivDown(71)(one, confidences.horizonVolatilityX40);
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
