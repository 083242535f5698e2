pragma circom 2.2.3;

include "bitify.circom";
include "../math/LnDown.circom";
include "../math/SignedDifference.circom";
include "MarkPoint.circom";
include "ScenarioPoint.circom";
include "SviVariance.circom";
include "TotalVolatilities.circom";
include "leafLayout.circom";

/** @notice Position, among the twenty forwards, of the one that a point is priced at; prover/options/grid.ts. */
function pointForward(POINT) {
    if (POINT >= 1 && POINT < 22) {
        return 1 + (POINT - 1) \ 3;
    }
    if (POINT >= 22 && POINT < 32) {
        return POINT - 14;
    }
    if (POINT >= 34) {
        return POINT - 16;
    }
    return 0;
}

/** @notice Position, among the five volatilities of a strike, of the one that a point is priced at. */
function pointVolatility(POINT) {
    if (POINT >= 1 && POINT < 22) {
        var KINDS[3] = [1, 0, 2];
        return KINDS[(POINT - 1) % 3];
    }
    if (POINT >= 22 && POINT < 32) {
        return 1;
    }
    if (POINT == 32) {
        return 3;
    }
    if (POINT == 33) {
        return 4;
    }
    return 0;
}

/**
 * @title  StrikeLeaf
 * @notice All of one strike: 36 raw prices of a call and the raw Greeks of its mark. Claims: B2, B3, B4, B5, B6.
 * @input  strike   []  E8, 48 bits; 0 has no witness
 * @input  forwards, lnForwardX36, lnForwardX32, lnForwardsX26  see ShockedForwards
 * @input  lnReferenceX36, largestX44, aX48, bX48, rhoX40, mX40, sSquaredX80  see SviVariance
 * @input  ratioX40 and following  see Tenor
 * @output elements [41]  strike, calls, N(d1), phi(d1), phi(d1) / v, phi(d1) * v, K * N(d2); see leafLayout
 *
 * Points at the unshocked forward and volatility are the mark itself.
 */
template StrikeLeaf() {
    signal input {maxbit} strike, forwards[20], lnForwardX36, lnForwardsX26[20];
    signal input lnForwardX32;
    signal input {maxbit} lnReferenceX36, largestX44, bX48, sSquaredX80;
    signal input {signedbit} aX48, rhoX40, mX40;
    signal input {maxbit} ratioX40, upX40, downX40, leastUpX40, widthX36;
    signal input linearIsNegative, linearSlopeX44, absoluteIsNegative, absoluteSlopeX44;
    signal output elements[leafElements()];

    assert(strike.maxbit == 48 && forwards.maxbit == 52);
    signal {maxbit} lnStrikeX36 <== LnDown(36)(strike);
    signal bits[42] <== Num2Bits(42)(lnStrikeX36);
    var lnStrikeX32 = 0;
    var lnStrikeX26 = 0;
    for (var i = 41; i >= 4; i--) {
        lnStrikeX32 += lnStrikeX32 + bits[i];
        if (i >= 10) {
            lnStrikeX26 += lnStrikeX26 + bits[i];
        }
    }

    signal {maxbit} varianceX48 <== SviVariance()(
        lnStrikeX36, lnReferenceX36, largestX44, bX48, sSquaredX80, aX48, rhoX40, mX40
    );
    component volatilities = TotalVolatilities();
    volatilities.varianceX48 <== varianceX48;
    volatilities.logMoneynessX36 <== SignedDifference()(lnStrikeX36, lnForwardX36);
    volatilities.ratioX40 <== ratioX40;
    volatilities.upX40 <== upX40;
    volatilities.downX40 <== downX40;
    volatilities.floorUpX40 <== leastUpX40;
    volatilities.widthX36 <== widthX36;
    volatilities.linearIsNegative <== linearIsNegative;
    volatilities.linearSlopeX44 <== linearSlopeX44;
    volatilities.absoluteIsNegative <== absoluteIsNegative;
    volatilities.absoluteSlopeX44 <== absoluteSlopeX44;

    component mark = MarkPoint();
    mark.lnForwardX32 <== lnForwardX32;
    mark.lnStrikeX32 <== lnStrikeX32;
    mark.forward <== forwards[0];
    mark.strike <== strike;
    mark.volatilityX40 <== volatilities.volatilityX40[0];
    mark.reciprocal <== volatilities.reciprocal[0];
    mark.onGrid <== volatilities.onGrid[0];
    mark.restX40 <== volatilities.restX40[0];
    mark.restX33 <== volatilities.restX33[0];
    mark.restSquaredX66 <== volatilities.restSquaredX66[0];
    mark.isFlat <== volatilities.isFlat[0];

    elements[0] <== strike;
    elements[leafOfPoint(0)] <== mark.call;
    component point[36];
    for (var p = 1; p < 36; p++) {
        var j = pointForward(p);
        var kind = pointVolatility(p);
        if (p != unshockedPoint()) {
            point[p] = ScenarioPoint(kind == 0 ? 24 : 22);
            point[p].lnForwardX26 <== lnForwardsX26[j];
            point[p].lnStrikeX26 <== lnStrikeX26;
            point[p].forward <== forwards[j];
            point[p].strike <== strike;
            point[p].volatilityX40 <== volatilities.volatilityX40[kind];
            point[p].reciprocal <== volatilities.reciprocal[kind];
            point[p].onGrid <== volatilities.onGrid[kind];
            point[p].restX40 <== volatilities.restX40[kind];
            point[p].restX33 <== volatilities.restX33[kind];
            point[p].restSquaredX66 <== volatilities.restSquaredX66[kind];
            point[p].isFlat <== volatilities.isFlat[kind];
            elements[leafOfPoint(p)] <== point[p].call;
        }
    }
    elements[leafGreeks()] <== mark.nd1;
    elements[leafGreeks() + 1] <== mark.pdf;
    elements[leafGreeks() + 2] <== mark.gammaN;
    elements[leafGreeks() + 3] <== mark.thetaN;
    elements[leafGreeks() + 4] <== mark.kNd2;
}
