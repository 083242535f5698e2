pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/CollateralSize.circom";
include "../generated/words/Concentration.circom";
include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/IsLess.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "../math/SubtractOrZero.circom";
include "../math/SumOfProducts.circom";

/** Sizes are whole in Q, 2^32 units of 10^-12. */
function sizeUnitBits() { return 32; }

/**
 * @title  CollateralSizes
 * @notice From which size on each collateral asset is concentrated. Claim: Q1.
 * @input  words  of the policy
 * @output outQ   [collaterals]  30 bits
 */
template CollateralSizes() {
    signal input words[collateralSizesWords()];
    signal output {maxbit} outQ[collaterals()];

    signal bits[collaterals()][30] <== CollateralSizeBits(collaterals())(words);
    component size[collaterals()];
    signal each[collaterals()];
    for (var i = 0; i < collaterals(); i++) {
        size[i] = CollateralSizeOfBits();
        size[i].bits <== bits[i];
        assert(size[i].fields.sizeQ.maxbit <= 30);
        each[i] <== size[i].fields.sizeQ;
    }
    outQ <== AssumeEachBits(30, collaterals())(each); // fields of words
}

/**
 * @title  ConcentrationCharge
 * @notice A fraction of what positions exceed their sizes by, at their prices, exact. Claim: L13.
 * @input  amountsE12   [collaterals]  62 bits
 * @input  amountsQ     [collaterals]  30 bits: the same in whole units of sizes, rounded down
 * @input  valueE8X20, sizesQ  [collaterals]  see HoldingTerms
 * @input  perpsE12, perpsQ  []  61 and 28 bits, see PerpSize
 * @input  nakedShortE12     []  62 bits
 * @input  spotE8       []  48 bits
 * @input  concentrationFields  []
 * @output outE20X60    []  181 bits
 *
 * A size is whole in Q, so an amount is below it if its whole units are: their bits are those of its word, and 31 rows
 * compare where the whole amount would take 63.
 */
template ConcentrationCharge() {
    signal input {maxbit} amountsE12[collaterals()], amountsQ[collaterals()];
    signal input {maxbit} valueE8X20[collaterals()], sizesQ[collaterals()];
    signal input {maxbit} perpsE12, perpsQ, nakedShortE12, spotE8;
    input ConcentrationFields() concentrationFields;
    signal output {maxbit} outE20X60;

    assert(amountsE12.maxbit <= 62 && sizesQ.maxbit + sizeUnitBits() <= 62);
    component isBelow[collaterals()];
    signal excess[collaterals()];
    for (var i = 0; i < collaterals(); i++) {
        isBelow[i] = IsLess();
        isBelow[i].a <== amountsQ[i];
        isBelow[i].b <== sizesQ[i];
        excess[i] <== (1 - isBelow[i].out) * (amountsE12[i] - sizesQ[i] * 2 ** sizeUnitBits());
    }
    signal {maxbit} excessE12[collaterals()] <== AssumeEachBits(62, collaterals())(excess); // at most the amount
    signal {maxbit} collateralE20X20 <== SumOfProducts(collaterals())(excessE12, valueE8X20);

    assert(perpsE12.maxbit <= 61);
    signal isPerpBelow <== IsLess()(perpsQ, concentrationFields.perpSizeQ);
    signal perpExcess <== (1 - isPerpBelow) * (perpsE12 - concentrationFields.perpSizeQ * 2 ** sizeUnitBits());
    signal {maxbit} perpExcessE12 <== AssumeBits(61)(perpExcess); // at most the perpetuals
    signal {maxbit} optionSizeE12 <== ShiftLeft(sizeUnitBits())(concentrationFields.optionSizeQ);
    signal {maxbit} optionExcessE12 <== SubtractOrZero()(nakedShortE12, optionSizeE12);
    signal {maxbit} underlyingE12 <== Add()(perpExcessE12, optionExcessE12);
    signal {maxbit} underlyingE20 <== Multiply()(underlyingE12, spotE8);
    signal {maxbit} underlyingE20X20 <== ShiftLeft(20)(underlyingE20);
    signal {maxbit} concentratedE20X20 <== Add()(collateralE20X20, underlyingE20X20);
    outE20X60 <== Multiply()(concentratedE20X20, concentrationFields.concentrationX40);
}
