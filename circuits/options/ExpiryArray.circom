pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/BasisShocks.circom";
include "../generated/words/ExpiryForward.circom";
include "../generated/words/ExpirySurface.circom";
include "../generated/words/ExpirySurfaceShape.circom";
include "../generated/words/LongDiscount.circom";
include "../generated/words/ScenarioRegular.circom";
include "../generated/words/ScenarioUpOnly.circom";
include "../generated/words/ShortDiscount.circom";
include "../generated/words/SkewAbsolute.circom";
include "../generated/words/SkewLinear.circom";
include "../generated/words/Strike.circom";
include "../generated/words/VolatilityShocks.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/LnDown.circom";
include "../math/RangeCheck.circom";
include "../math/SqrtDown.circom";
include "ArrayHeader.circom";
include "Discounts.circom";
include "ShockedForwards.circom";
include "StrikeLeaf.circom";
include "Tenor.circom";
include "leafLayout.circom";

/**
 * @title  GridShocks
 * @notice The shock of each of the twenty forwards, from the grid's words. Damping factors are not needed here.
 * @input  scenarioRegular, scenarioUpOnly, basisShocks  packed words
 * @output shocks     [20]  X40, 43 bits
 * @output basisAdd   []    X40, 45 bits
 */
template GridShocks() {
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], basisShocks;
    signal output {maxbit} shocks[20], basisAdd;

    signal each[20];
    each[0] <== 2 ** 40;
    component regular[7];
    for (var i = 0; i < 7; i++) {
        regular[i] = UnpackScenarioRegular();
        regular[i].word <== scenarioRegular[i];
        each[1 + i] <== regular[i].fields.shockX40;
    }
    component upOnlyBits = ScenarioUpOnlyBits(10);
    upOnlyBits.words <== scenarioUpOnly;
    component upOnly[10];
    for (var i = 0; i < 10; i++) {
        upOnly[i] = ScenarioUpOnlyOfBits();
        upOnly[i].bits <== upOnlyBits.bits[i];
        each[8 + i] <== upOnly[i].fields.shockX40;
    }
    component basis = UnpackBasisShocks();
    basis.word <== basisShocks;
    each[18] <== basis.fields.basisUpX40;
    each[19] <== basis.fields.basisDownX40;
    assert(basis.fields.basisUpX40.maxbit <= 43);
    shocks <== AssumeEachBits(43, 20)(each); // fields of words
    basisAdd <== basis.fields.basisAddX40;
}

/**
 * @title  ExpiryArray
 * @notice One expiry: what its strikes share, and a leaf of each. Claims: B1, B2, B7, B8.
 * @param  STRIKES  how many
 * @input  policy words, expiry words  packed
 * @input  strikeBits  [STRIKES][48]  E8, boolean, least significant first
 * @output header   [29]            see ArrayHeader
 * @output leaves   [STRIKES][41]   see StrikeLeaf
 */
template ExpiryArray(STRIKES) {
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], basisShocks;
    signal input volatilityShocks, skewLinear, skewAbsolute, longDiscount, shortDiscount;
    signal input expiryForward, expirySurface, expirySurfaceShape;
    signal input strikeBits[STRIKES][48];
    signal output header[headerElements()], leaves[STRIKES][leafElements()];

    component grid = GridShocks();
    grid.scenarioRegular <== scenarioRegular;
    grid.scenarioUpOnly <== scenarioUpOnly;
    grid.basisShocks <== basisShocks;
    component shocks = UnpackVolatilityShocks();
    shocks.word <== volatilityShocks;
    component linear = UnpackSkewLinear();
    linear.word <== skewLinear;
    component absolute = UnpackSkewAbsolute();
    absolute.word <== skewAbsolute;
    component long = UnpackLongDiscount();
    long.word <== longDiscount;
    component short = UnpackShortDiscount();
    short.word <== shortDiscount;
    component forward = UnpackExpiryForward();
    forward.word <== expiryForward;
    component surface = UnpackExpirySurface();
    surface.word <== expirySurface;
    component shape = UnpackExpirySurfaceShape();
    shape.word <== expirySurfaceShape;

    component tenor = Tenor();
    tenor.expiry <== forward.fields.expiry;
    tenor.asOf <== forward.fields.asOf;
    tenor.tauRefSecondsX20 <== surface.fields.tauRefSecondsX20;
    tenor.rangeUpX40 <== shocks.fields.rangeUpX40;
    tenor.rangeDownX40 <== shocks.fields.rangeDownX40;
    tenor.shortPowerX40 <== shocks.fields.shortPowerX40;
    tenor.longPowerX40 <== shocks.fields.longPowerX40;
    tenor.tenorFloorSeconds <== shocks.fields.tenorFloorSeconds;
    tenor.floorUpX40 <== shocks.fields.floorUpX40;
    tenor.widthFloorX40 <== linear.fields.widthFloorX40;
    tenor.widthScaleX40 <== linear.fields.widthScaleX40;
    tenor.linearCapX40 <== linear.fields.capX40;
    tenor.linearCapSlopeX40 <== linear.fields.capSlopeX40;
    tenor.absoluteCapX40 <== absolute.fields.capX40;
    tenor.absoluteCapSlopeX40 <== absolute.fields.capSlopeX40;
    tenor.typicalVolatilityX40 <== absolute.fields.volatilityX40;
    tenor.typicalVolatilitySlopeX40 <== absolute.fields.volatilitySlopeX40;

    component discounts = Discounts();
    discounts.secondsToExpiry <== tenor.secondsToExpiry;
    discounts.tauX40 <== tenor.tauX40;
    discounts.tauX56 <== tenor.tauX56;
    discounts.rateX40 <== surface.fields.rateX40;
    discounts.longBaseX40 <== long.fields.baseX40;
    discounts.longMultipleX40 <== long.fields.rateMultipleX40;
    discounts.longAddX40 <== long.fields.rateAddX40;
    discounts.shortBaseX40 <== short.fields.baseX40;
    discounts.shortMultipleX40 <== short.fields.rateMultipleX40;
    discounts.shortAddX40 <== short.fields.rateAddX40;
    discounts.basisAddX40 <== grid.basisAdd;
    discounts.basisSlopeX40 <== short.fields.basisSlopeX40;
    discounts.confidenceX40 <== forward.fields.confidenceX40;
    discounts.spotConfidenceX40 <== forward.fields.spotConfidenceX40;
    discounts.confidenceThresholdX40 <== short.fields.confidenceThresholdX40;

    component forwards = ShockedForwards();
    forwards.variable <== forward.fields.forwardVariableE8;
    forwards.fixed <== forward.fields.forwardFixedE8;
    forwards.shocks <== grid.shocks;

    // Where the surface's log-moneyness is cut off: 4 sqrt(a + b s), refused if it is imaginary. 100 and 108 bits.
    signal {maxbit} wingX88 <== RangeCheck(109)(
        surface.fields.sviAX48 * 2 ** 40 + surface.fields.sviBX48 * shape.fields.sviSX40
    );
    signal {maxbit} wingX44 <== SqrtDown()(wingX88);
    signal {maxbit} largestX44 <== AssumeBits(57)(4 * wingX44); // 55 bits and 2 more
    signal {maxbit} sSquaredX80 <== AssumeBits(104)(shape.fields.sviSX40 * shape.fields.sviSX40); // 52 bits
    signal {maxbit} lnReferenceX36 <== LnDown(36)(shape.fields.forwardRefE8);

    component packed = HeaderToElements();
    packed.arrayHeader.expiry <== forward.fields.expiry;
    packed.arrayHeader.asOf <== forward.fields.asOf;
    packed.arrayHeader.forwardsE8 <== forwards.forwards;
    packed.arrayHeader.discountX40 <== discounts.discountX40;
    packed.arrayHeader.longFactorX40 <== discounts.longFactorX40;
    packed.arrayHeader.shortFactorX40 <== discounts.shortFactorX40;
    packed.arrayHeader.basisFactorX40 <== discounts.basisFactorX40;
    packed.arrayHeader.shortfallX40 <== discounts.shortfallX40;
    packed.arrayHeader.sqrtTauX40 <== tenor.sqrtTauX40;
    packed.arrayHeader.secondsToExpiry <== tenor.secondsToExpiry;
    header <== packed.elements;

    component strike[STRIKES];
    component leaf[STRIKES];
    for (var i = 0; i < STRIKES; i++) {
        leaf[i] = StrikeLeaf();
        strike[i] = StrikeOfBits();
        strike[i].bits <== strikeBits[i];
        leaf[i].strike <== strike[i].fields.strikeE8;
        leaf[i].forwards <== forwards.forwards;
        leaf[i].lnForwardX36 <== forwards.lnForwardX36;
        leaf[i].lnForwardX32 <== forwards.lnForwardX32;
        leaf[i].lnForwardsX26 <== forwards.lnForwardsX26;
        leaf[i].lnReferenceX36 <== lnReferenceX36;
        leaf[i].largestX44 <== largestX44;
        leaf[i].aX48 <== surface.fields.sviAX48;
        leaf[i].bX48 <== surface.fields.sviBX48;
        leaf[i].rhoX40 <== shape.fields.sviRhoX40;
        leaf[i].mX40 <== shape.fields.sviMX40;
        leaf[i].sSquaredX80 <== sSquaredX80;
        leaf[i].ratioX40 <== tenor.ratioX40;
        leaf[i].upX40 <== tenor.upX40;
        leaf[i].downX40 <== tenor.downX40;
        leaf[i].leastUpX40 <== tenor.leastUpX40;
        leaf[i].widthX36 <== tenor.widthX36;
        leaf[i].linearIsNegative <== tenor.linearIsNegative;
        leaf[i].linearSlopeX44 <== tenor.linearSlopeX44;
        leaf[i].absoluteIsNegative <== tenor.absoluteIsNegative;
        leaf[i].absoluteSlopeX44 <== tenor.absoluteSlopeX44;
        leaves[i] <== leaf[i].elements;
    }
}
