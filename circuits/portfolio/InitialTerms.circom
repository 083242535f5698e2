pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/Constant.circom";
include "../math/DivDown.circom";
include "../math/DivUp.circom";
include "../math/IsLess.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "../math/SubtractOrZero.circom";

/** Fields of a round's and a policy's words that maintenance margin does not need: from RoundTerms to InitialRound. */
bus InitialFields() {
    signal {maxbit} stablePriceE12; // 44 bits
    signal {maxbit} spotConfidenceX40; // 41 bits
    signal {maxbit} perpConfidenceX40; // 41 bits
    signal {maxbit} horizonVolatilityX40; // 43 bits
    signal {maxbit} initialFactorX40; // 44 bits
    signal {maxbit} pegThresholdX40; // 47 bits
    signal {maxbit} pegLossX40; // 44 bits
    signal {maxbit} confidenceThresholdX40; // 41 bits
    signal {maxbit} valueE8X20[collaterals()]; // 73 bits
    signal {maxbit} haircutX40[collaterals()]; // 41 bits
    signal {maxbit} confidenceX40[collaterals()]; // 41 bits
    signal {maxbit} thresholdX40[collaterals()]; // 41 bits
}

/** What all accounts of a round share of initial margin and of default: from InitialRound to InitialNeeds and AccountMargins. */
bus InitialTerms() {
    signal {maxbit} inverseVolatilityX30; // 71 bits: one over the volatility of the default horizon, rounded down
    signal {maxbit} initialFactorX40; // 53 bits
    signal {maxbit} initialE8X60[collaterals()]; // 114 bits: a collateral's value times its initial haircut
    signal {maxbit} uncertainE8X60[collaterals()]; // 113 bits: times what its confidence is short of 1
    signal {maxbit} perpShortfallX40; // 41 bits
}

/**
 * @title  Shortfall
 * @notice 1 - confidence if the lesser of two confidences is below a threshold and below 1, else 0. Claim: L9.
 * @input  confidenceX40, spotConfidenceX40, thresholdX40  []  41 bits
 * @output out  []  X40, exact, at most 1
 */
template Shortfall() {
    signal input {maxbit} confidenceX40, spotConfidenceX40, thresholdX40;
    signal output {maxbit} out;

    signal {maxbit} lesser <== Min()(confidenceX40, spotConfidenceX40);
    signal {maxbit} one <== Constant(2 ** 40)();
    signal {maxbit} limit <== Min()(thresholdX40, one);
    signal isLow <== IsLess()(lesser, limit);
    out <== AssumeBits(41)(isLow * (2 ** 40 - lesser)); // below the limit, which is at most 1
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
    signal output {maxbit} out;

    // E12X40 on both sides.
    signal {maxbit} unitE12 <== Constant(10 ** 12)();
    signal {maxbit} threshold <== Multiply()(pegThresholdX40, unitE12);
    signal {maxbit} price <== ShiftLeft(40)(stablePriceE12);
    signal {maxbit} below <== SubtractOrZero()(threshold, price);
    signal {maxbit} loss <== Multiply()(below, pegLossX40);
    signal {maxbit} unitE12X40 <== Constant(10 ** 12 * 2 ** 40)();
    var ADDED_BITS = 52;
    assert(loss.maxbit - unitE12X40.maxbit < ADDED_BITS); // so that every quotient has a witness
    signal {maxbit} added <== DivUp(ADDED_BITS)(loss, unitE12X40);
    out <== Add()(initialFactorX40, added);
}

/**
 * @title  InitialRound
 * @notice What initial margin and default add to the terms of a round: the peg, confidences, initial haircuts. Claim: L9.
 * @input  initialFields  []
 * @output initialTerms   []
 *
 * A horizon volatility of 0 has no witness.
 */
template InitialRound() {
    input InitialFields() initialFields;
    output InitialTerms() initialTerms;

    assert(initialFields.valueE8X20.maxbit <= 73 && initialFields.haircutX40.maxbit <= 41);
    component shortfall[collaterals()];
    signal initial[collaterals()], uncertain[collaterals()];
    for (var i = 0; i < collaterals(); i++) {
        shortfall[i] = Shortfall();
        shortfall[i].spotConfidenceX40 <== initialFields.spotConfidenceX40;
        shortfall[i].confidenceX40 <== initialFields.confidenceX40[i];
        shortfall[i].thresholdX40 <== initialFields.thresholdX40[i];
        initial[i] <== initialFields.valueE8X20[i] * initialFields.haircutX40[i];
        uncertain[i] <== initialFields.valueE8X20[i] * shortfall[i].out;
    }
    initialTerms.initialE8X60 <== AssumeEachBits(73 + 41, collaterals())(initial);
    initialTerms.uncertainE8X60 <== AssumeEachBits(73 + 40, collaterals())(uncertain); // a shortfall is at most 1
    initialTerms.perpShortfallX40 <== Shortfall()(
        initialFields.perpConfidenceX40, initialFields.spotConfidenceX40, initialFields.confidenceThresholdX40
    );
    initialTerms.initialFactorX40 <== InitialFactor()(
        initialFields.initialFactorX40, initialFields.pegThresholdX40, initialFields.pegLossX40,
        initialFields.stablePriceE12
    );
    signal {maxbit} one <== Constant(2 ** 70)();
    initialTerms.inverseVolatilityX30 <== DivDown(71)(one, initialFields.horizonVolatilityX40);
}
