pragma circom 2.2.3;

include "../generated/packedWords.circom";
include "../math/AssumeBits.circom";
include "../math/LnDown.circom";
include "../math/RangeCheck.circom";
include "../math/SqrtDown.circom";
include "Discounts.circom";
include "ShockedForwards.circom";
include "StrikeLeaf.circom";
include "Tenor.circom";

/**
 * @title  GridShocks
 * @notice The shock of each of the twenty forwards, from the grid's words. Damping factors are not needed here.
 * @input  scenarioRegular, scenarioUpOnly, scenarioSpecial  [7], [5] and []  packed words
 * @output shocks     [20]  X40, 43 bits
 * @output basisAdd   []    X40, 45 bits
 */
template GridShocks() {
    signal input scenarioRegular[7], scenarioUpOnly[5], scenarioSpecial;
    signal output {maxbit} shocks[20], basisAdd;

    shocks.maxbit = 43;
    shocks[0] <== 2 ** 40;
    component regular[7];
    for (var i = 0; i < 7; i++) {
        regular[i] = UnpackScenarioRegular();
        regular[i].word <== scenarioRegular[i];
        shocks[1 + i] <== regular[i].shockX40;
    }
    component pair[5];
    for (var i = 0; i < 5; i++) {
        pair[i] = UnpackScenarioUpOnlyPair();
        pair[i].word <== scenarioUpOnly[i];
        shocks[8 + 2 * i] <== pair[i].firstShockX40;
        shocks[9 + 2 * i] <== pair[i].secondShockX40;
    }
    component special = UnpackScenarioSpecial();
    special.word <== scenarioSpecial;
    shocks[18] <== special.basisUpX40;
    shocks[19] <== special.basisDownX40;
    basisAdd <== special.basisAddX40;
}

/**
 * @title  ExpiryArray
 * @notice One expiry: what its strikes share, and a leaf of each. Claims: B1, B2, B7, B8.
 * @param  STRIKES  how many
 * @input  policy words, expiry words  packed
 * @input  strikes  [STRIKES]       E8, 48 bits
 * @output header   [29]            expiry, asOf, forwards[20], discount, long, short and basis factor, shortfall,
 *                                  sqrt(tau), seconds to expiry
 * @output leaves   [STRIKES][42]   see StrikeLeaf
 */
template ExpiryArray(STRIKES) {
    signal input scenarioRegular[7], scenarioUpOnly[5], scenarioSpecial;
    signal input volatilityShocks, skewLinear, skewAbsolute, longDiscount, shortDiscount;
    signal input expiryForward, expirySurface, expirySurfaceShape;
    signal input {maxbit} strikes[STRIKES];
    signal output header[29], leaves[STRIKES][42];

    component grid = GridShocks();
    grid.scenarioRegular <== scenarioRegular;
    grid.scenarioUpOnly <== scenarioUpOnly;
    grid.scenarioSpecial <== scenarioSpecial;
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
    tenor.expiry <== forward.expiry;
    tenor.asOf <== forward.asOf;
    tenor.tauRefSecondsX20 <== surface.tauRefSecondsX20;
    tenor.rangeUpX40 <== shocks.rangeUpX40;
    tenor.rangeDownX40 <== shocks.rangeDownX40;
    tenor.shortPowerX40 <== shocks.shortPowerX40;
    tenor.longPowerX40 <== shocks.longPowerX40;
    tenor.tenorFloorSeconds <== shocks.tenorFloorSeconds;
    tenor.floorUpX40 <== shocks.floorUpX40;
    tenor.widthFloorX40 <== linear.widthFloorX40;
    tenor.widthScaleX40 <== linear.widthScaleX40;
    tenor.linearCapX40 <== linear.capX40;
    tenor.linearCapSlopeX40 <== linear.capSlopeX40;
    tenor.absoluteCapX40 <== absolute.capX40;
    tenor.absoluteCapSlopeX40 <== absolute.capSlopeX40;
    tenor.typicalVolatilityX40 <== absolute.volatilityX40;
    tenor.typicalVolatilitySlopeX40 <== absolute.volatilitySlopeX40;

    component discounts = Discounts();
    discounts.secondsToExpiry <== tenor.secondsToExpiry;
    discounts.tauX40 <== tenor.tauX40;
    discounts.tauX56 <== tenor.tauX56;
    discounts.rateX40 <== surface.rateX40;
    discounts.longBaseX40 <== long.baseX40;
    discounts.longMultipleX40 <== long.rateMultipleX40;
    discounts.longAddX40 <== long.rateAddX40;
    discounts.shortBaseX40 <== short.baseX40;
    discounts.shortMultipleX40 <== short.rateMultipleX40;
    discounts.shortAddX40 <== short.rateAddX40;
    discounts.basisAddX40 <== grid.basisAdd;
    discounts.basisSlopeX40 <== short.basisSlopeX40;
    discounts.confidenceX40 <== forward.confidenceX40;
    discounts.spotConfidenceX40 <== forward.spotConfidenceX40;
    discounts.confidenceThresholdX40 <== short.confidenceThresholdX40;

    component forwards = ShockedForwards();
    forwards.variable <== forward.forwardVariableE8;
    forwards.fixed <== forward.forwardFixedE8;
    forwards.shocks <== grid.shocks;

    // Where the surface's log-moneyness is cut off: 4 sqrt(a + b s), refused if it is imaginary. 100 and 108 bits.
    signal {maxbit} wingX88 <== RangeCheck(109)(surface.sviAX48 * 2 ** 40 + surface.sviBX48 * shape.sviSX40);
    signal {maxbit} wingX44 <== SqrtDown()(wingX88);
    signal {maxbit} largestX44 <== AssumeBits(57)(4 * wingX44); // 55 bits and 2 more
    signal {maxbit} sSquaredX80 <== AssumeBits(104)(shape.sviSX40 * shape.sviSX40); // 52 bits
    signal {maxbit} lnReferenceX36 <== LnDown(36)(shape.forwardRefE8);

    header[0] <== forward.expiry;
    header[1] <== forward.asOf;
    for (var j = 0; j < 20; j++) {
        header[2 + j] <== forwards.forwards[j];
    }
    header[22] <== discounts.discountX40;
    header[23] <== discounts.longFactorX40;
    header[24] <== discounts.shortFactorX40;
    header[25] <== discounts.basisFactorX40;
    header[26] <== discounts.shortfallX40;
    header[27] <== tenor.sqrtTauX40;
    header[28] <== tenor.secondsToExpiry;

    component leaf[STRIKES];
    for (var i = 0; i < STRIKES; i++) {
        leaf[i] = StrikeLeaf();
        leaf[i].strike <== strikes[i];
        leaf[i].forwards <== forwards.forwards;
        leaf[i].lnForwardX36 <== forwards.lnForwardX36;
        leaf[i].lnForwardX32 <== forwards.lnForwardX32;
        leaf[i].lnForwardsX26 <== forwards.lnForwardsX26;
        leaf[i].lnReferenceX36 <== lnReferenceX36;
        leaf[i].largestX44 <== largestX44;
        leaf[i].aX48 <== surface.sviAX48;
        leaf[i].bX48 <== surface.sviBX48;
        leaf[i].rhoX40 <== shape.sviRhoX40;
        leaf[i].mX40 <== shape.sviMX40;
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
