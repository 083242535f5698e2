pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "D1OnGrid.circom";
include "ScenarioPrice.circom";

/**
 * @title  ScenarioPoint
 * @notice One raw price of a call on one forward at one volatility: D1OnGrid, then ScenarioPrice. Claims: B4, B5.
 * @param  RECIPROCAL_BITS  fraction bits of 1 / v
 * @input  lnForwardX26, lnStrikeX26  []  32 bits
 * @input  forward, strike            []  E8, 52 and 48 bits
 * @input  volatilityX40, reciprocal, onGrid, restX40, restX33, restSquaredX66, isFlat  see VolatilityParts
 * @output call                       []  E8 * 2^126
 */
template ScenarioPoint(RECIPROCAL_BITS) {
    signal input lnForwardX26, lnStrikeX26, forward, strike;
    signal input {maxbit} volatilityX40;
    signal input reciprocal, onGrid, restX40, restX33, restSquaredX66, isFlat;
    signal output call;

    component d1 = D1OnGrid(26, RECIPROCAL_BITS, 20);
    d1.logarithm <== AssumeSigned(32)(lnForwardX26 - lnStrikeX26); // both are of 32 bits
    d1.reciprocal <== AssumeBits(RECIPROCAL_BITS + 17)(reciprocal); // VolatilityParts
    d1.volatilityX40 <== volatilityX40;
    d1.isFlat <== isFlat;

    component price = ScenarioPrice();
    price.negative <== d1.negative;
    price.inTable <== d1.inTable;
    price.cellBits <== d1.cellBits;
    price.point <== d1.point;
    price.remainderBits <== d1.remainderBits;
    price.forward <== forward;
    price.strike <== strike;
    price.onGrid <== onGrid;
    price.restX40 <== restX40;
    price.restX33 <== restX33;
    price.restSquaredX66 <== restSquaredX66;
    call <== price.call;
}
