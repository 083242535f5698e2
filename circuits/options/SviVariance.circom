pragma circom 2.2.3;

include "bitify.circom";
include "../math/AllZero.circom";
include "../math/AssumeBits.circom";
include "../math/Min.circom";
include "../math/SignAndMagnitude.circom";
include "../math/SignedDifference.circom";
include "../math/SqrtDown.circom";

/**
 * @title  SviVariance
 * @notice SVI total variance w = a + b (rho (k - m) + sqrt((k - m)^2 + s^2)), k cut off at +-4 sqrt(a + b s); at most
 *         20. A negative one has no witness. Claim: B2.
 * @input  lnStrikeX36, lnReferenceX36  []  42 bits
 * @input  largestX44   []  where k is cut off, 57 bits
 * @input  aX48, bX48, rhoX40, mX40     []  signed 59, 56, signed 47 and signed 47 bits
 * @input  sSquaredX80  []  104 bits
 * @output out          []  X48; maxbit = 53
 *
 * Bit budget: |k| < 2^51 and |m| < 2^51 at X44, so (k - m)^2 + s^2 < 2^104 + 2^112 < 2^113; its root is below 2^57;
 * |rho (k - m) + root| < 2^99 + 2^97 at X84; w < 2^156 + 2^143 < 2^157 at X132.
 */
template SviVariance() {
    signal input {maxbit} lnStrikeX36, lnReferenceX36, largestX44, bX48, sSquaredX80;
    signal input {signedbit} aX48, rhoX40, mX40;
    signal output {maxbit} out;

    assert(bX48.maxbit == 56 && sSquaredX80.maxbit == 104);
    assert(aX48.signedbit <= 59 && rhoX40.signedbit <= 47 && mX40.signedbit <= 47);
    signal {signedbit} logMoneyness <== SignedDifference()(lnStrikeX36, lnReferenceX36);
    signal isLeft;
    signal {maxbit} magnitude;
    (isLeft, magnitude) <== SignAndMagnitude()(logMoneyness);
    signal {maxbit} magnitudeX44 <== AssumeBits(51)(magnitude * 2 ** 8); // 43 bits and 8 more
    signal {maxbit} within <== Min()(magnitudeX44, largestX44);
    signal distanceX44 <== (1 - 2 * isLeft) * within - mX40 * 2 ** 4;
    signal {maxbit} squareX88 <== AssumeBits(113)(distanceX44 * distanceX44 + sSquaredX80 * 2 ** 8);
    signal {maxbit} rootX44 <== SqrtDown()(squareX88);
    signal slopeX84 <== rhoX40 * distanceX44;
    signal varianceX132 <== bX48 * (slopeX84 + rootX44 * 2 ** 40) + aX48 * 2 ** 84;
    signal bits[157] <== Num2Bits(157)(varianceX132);

    var low = 0;
    for (var i = 136; i >= 84; i--) {
        low += low + bits[i];
    }
    signal beyond[20];
    for (var i = 0; i < 20; i++) {
        beyond[i] <== bits[137 + i];
    }
    signal isBelow32 <== AllZero(20)(beyond);
    signal hasFourOrEight <== bits[134] + bits[135] - bits[134] * bits[135];
    signal isTwenty <== bits[136] * hasFourOrEight;
    signal fits <== isBelow32 * (1 - isTwenty);
    out <== AssumeBits(53)(20 * 2 ** 48 + fits * (low - 20 * 2 ** 48)); // at most 20
}
