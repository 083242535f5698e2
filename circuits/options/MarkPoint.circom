pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "D1OnGrid.circom";
include "ScenarioPrice.circom";
include "StrikeGreeks.circom";

/**
 * @title  MarkPoint
 * @notice The raw price and Greeks of a call as it stands; d1 at the precision that Greeks need. Claims: B4, B5, B6.
 * @input  lnForwardX32, lnStrikeX32  []  38 bits
 * @input  forward, strike            []  E8, 52 and 48 bits
 * @input  volatilityX40, reciprocal, onGrid, restX40, restX33, restSquaredX66, isFlat  see VolatilityParts(24, 4)
 * @output call, nd1, pdf, gammaN, thetaN, kNd2  see ScenarioPrice and StrikeGreeks
 */
template MarkPoint() {
    signal input lnForwardX32, lnStrikeX32, forward, strike;
    signal input {maxbit} volatilityX40;
    signal input reciprocal, onGrid, restX40, restX33, restSquaredX66, isFlat;
    signal output call, nd1, pdf, gammaN, thetaN, kNd2;

    component d1 = D1OnGrid(32, 24, 27);
    d1.logarithm <== AssumeSigned(38)(lnForwardX32 - lnStrikeX32); // both are of 38 bits
    d1.reciprocal <== AssumeBits(41)(reciprocal); // VolatilityParts
    d1.volatilityX40 <== volatilityX40;
    d1.isFlat <== isFlat;

    component price = ScenarioPrice();
    price.negative <== d1.negative;
    price.inTable <== d1.inTable;
    price.cellBits <== d1.cellBits;
    price.point <== d1.point;
    for (var i = 0; i < 20; i++) {
        price.remainderBits[i] <== d1.remainderBits[7 + i];
    }
    price.forward <== forward;
    price.strike <== strike;
    price.onGrid <== onGrid;
    price.restX40 <== restX40;
    price.restX33 <== restX33;
    price.restSquaredX66 <== restSquaredX66;
    call <== price.call;

    component greeks = StrikeGreeks();
    greeks.cellBits <== d1.cellBits;
    greeks.inTable <== d1.inTable;
    greeks.remainderBits <== d1.remainderBits;
    greeks.signInTable <== price.signInTable;
    greeks.cdf <== price.cdf;
    greeks.products <== price.products;
    greeks.pdf <== price.pdf;
    greeks.pdfCoarse <== price.pdfCoarse;
    greeks.forward <== forward;
    greeks.call <== price.call;
    greeks.volatilityX40 <== volatilityX40;
    greeks.reciprocalX24 <== reciprocal;
    nd1 <== greeks.nd1;
    pdf <== greeks.pdfOut;
    gammaN <== greeks.gammaN;
    thetaN <== greeks.thetaN;
    kNd2 <== greeks.kNd2;
}
