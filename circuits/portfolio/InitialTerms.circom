pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/AssumeSigned.circom";
include "../math/Constant.circom";
include "../math/FloorToUnit.circom";
include "../math/IsLess.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "../math/SubtractOrZero.circom";
include "layout.circom";

/** Fields of a round's and a policy's words that maintenance margin does not need: from RoundTerms to InitialRound. */
bus InitialFields() {
    signal {maxbit} stablePriceE12; // 44 bits
    signal {maxbit} spotConfidenceX40; // 41 bits
    signal {maxbit} perpConfidenceX40; // 41 bits
    signal {maxbit} initialFactorX40; // 44 bits
    signal {maxbit} pegThresholdX40; // 47 bits
    signal {maxbit} pegLossX40; // 44 bits
    signal {maxbit} confidenceThresholdX40; // 41 bits
    signal {maxbit} valueE8X20[collaterals()]; // 73 bits
    signal {maxbit} haircutX40[collaterals()]; // 41 bits
    signal {maxbit} confidenceX40[collaterals()]; // 41 bits
    signal {maxbit} thresholdX40[collaterals()]; // 41 bits
}

/** What all accounts of a round share of initial margin: from InitialRound to InitialNeeds and AccountMargins. */
bus InitialTerms() {
    signal {maxbit} initialFactorX40; // 53 bits
    signal {maxbit} needE8X100[collaterals()]; // 159 bits: a collateral's value times its initial haircut, and what confidence asks
    signal {maxbit} perpShortfallX40; // 41 bits
}

/**
 * @title  Shortfall
 * @notice 1 - confidence if the lesser of two confidences is below a threshold and below 1, else 0. Claim: L9.
 * @input  confidenceX40, thresholdX40  []  41 bits
 * @input  cappedSpotX40  []  the confidence in spot, at most 1
 * @output out  []  X40, exact, at most 1
 *
 * Capped at 1, a confidence that is not below 1 is short by 0, whatever the threshold.
 */
template Shortfall() {
    signal input {maxbit} confidenceX40, cappedSpotX40, thresholdX40;
    signal output {maxbit} out;

    signal {maxbit} lesser <== Min()(confidenceX40, cappedSpotX40);
    signal isLow <== IsLess()(lesser, thresholdX40);
    out <== AssumeBits(41)(isLow * (2 ** 40 - lesser)); // at most 1, as the lesser is
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

    // E12X28 on both sides, which is 5^12 X40.
    signal {maxbit} unit <== Constant(fiveToTwelve())();
    signal {maxbit} threshold <== Multiply()(pegThresholdX40, unit);
    signal {maxbit} price <== ShiftLeft(28)(stablePriceE12);
    signal {maxbit} below <== SubtractOrZero()(threshold, price);
    signal {maxbit} loss <== Multiply()(below, pegLossX40);
    // Up is down of the negated: at most 2^(75 + 44), over 2^67.
    assert(below.maxbit <= 75 && pegLossX40.maxbit <= 44);
    component added = FloorToUnit(40, fiveToTwelve(), 52);
    added.in <== AssumeSigned(119)(-loss);
    signal {maxbit} addedX40 <== AssumeBits(52)(-added.out);
    out <== Add()(initialFactorX40, addedX40);
}

/**
 * @title  InitialRound
 * @notice What initial margin adds to the terms of a round: the peg, confidences, initial haircuts. Claim: L9.
 * @input  initialFields  []
 * @input  confidenceMarginX40  []  45 bits: what a unit of missing confidence asks
 * @output initialTerms   []
 */
template InitialRound() {
    input InitialFields() initialFields;
    signal input {maxbit} confidenceMarginX40;
    output InitialTerms() initialTerms;

    assert(initialFields.valueE8X20.maxbit <= 73 && initialFields.haircutX40.maxbit <= 41);
    assert(confidenceMarginX40.maxbit <= 45);
    signal {maxbit} one <== Constant(2 ** 40)();
    signal {maxbit} cappedSpotX40 <== Min()(initialFields.spotConfidenceX40, one);
    component shortfall[collaterals()];
    signal needX80[collaterals()], needs[collaterals()];
    for (var i = 0; i < collaterals(); i++) {
        shortfall[i] = Shortfall();
        shortfall[i].cappedSpotX40 <== cappedSpotX40;
        shortfall[i].confidenceX40 <== initialFields.confidenceX40[i];
        shortfall[i].thresholdX40 <== initialFields.thresholdX40[i];
        // A haircut and the confidence margin times a shortfall of at most 1: 81 and 85 bits.
        needX80[i] <== initialFields.haircutX40[i] * 2 ** 40 + confidenceMarginX40 * shortfall[i].out;
        needs[i] <== initialFields.valueE8X20[i] * needX80[i];
    }
    initialTerms.needE8X100 <== AssumeEachBits(73 + 86, collaterals())(needs);
    initialTerms.perpShortfallX40 <== Shortfall()(
        initialFields.perpConfidenceX40, cappedSpotX40, initialFields.confidenceThresholdX40
    );
    initialTerms.initialFactorX40 <== InitialFactor()(
        initialFields.initialFactorX40, initialFields.pegThresholdX40, initialFields.pegLossX40,
        initialFields.stablePriceE12
    );
}
