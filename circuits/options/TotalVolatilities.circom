pragma circom 2.2.3;

include "bitify.circom";
include "comparators.circom";
include "../math/AllZero.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/IsLess.circom";
include "../math/SignAndMagnitude.circom";
include "../math/SqrtDown.circom";
include "VolatilityParts.circom";

/**
 * @title  UnshockedVolatility
 * @notice v = sqrt(w * ratio), X40, saturating just below 16. Claim: B3.
 * @input  varianceX48, ratioX40  []  53 and 54 bits
 * @output parts, as of VolatilityParts(24, 4)
 */
template UnshockedVolatility() {
    signal input {maxbit} varianceX48, ratioX40;
    signal output {maxbit} volatilityX40, reciprocal;
    signal output onGrid, restX40, restX33, restSquaredX66, isFlat;

    signal {maxbit} squareX88 <== AssumeBits(107)(varianceX48 * ratioX40);
    assert(varianceX48.maxbit + ratioX40.maxbit == 107);
    signal {maxbit} rootX44 <== SqrtDown()(squareX88);
    signal bits[54] <== Num2Bits(54)(rootX44);
    component parts = VolatilityParts(24, 4);
    signal beyond[6];
    for (var i = 0; i < 44; i++) {
        parts.bits[i] <== bits[4 + i];
    }
    for (var i = 0; i < 6; i++) {
        beyond[i] <== bits[48 + i];
    }
    signal fits <== AllZero(6)(beyond);
    parts.fits <== fits;
    parts.isMax <== 1 - fits;
    volatilityX40 <== parts.volatilityX40;
    reciprocal <== parts.reciprocal;
    onGrid <== parts.onGrid;
    restX40 <== parts.restX40;
    restX33 <== parts.restX33;
    restSquaredX66 <== parts.restSquaredX66;
    isFlat <== parts.isFlat;
}

/**
 * @title  RaisedVolatility
 * @notice max(floor, v * up), saturating. Claim: B3.
 * @input  volatilityX40, upX40  []  44 and 60 bits
 * @input  floorX40              []  46 bits
 * @output parts, as of VolatilityParts(22, 12)
 *
 * The bits of v * up - floor * 2^40 + 2^104 say whether the product is the larger and by how much, floored: one
 * decomposition for comparison and cut.
 */
template RaisedVolatility() {
    signal input {maxbit} volatilityX40, upX40, floorX40;
    signal output {maxbit} outX40, reciprocal;
    signal output onGrid, restX40, restX33, restSquaredX66, isFlat;

    assert(volatilityX40.maxbit + upX40.maxbit == 104);
    assert(floorX40.maxbit <= 46);
    signal excess <== volatilityX40 * upX40 - floorX40 * 2 ** 40 + 2 ** 104;
    signal excessBits[105] <== Num2Bits(105)(excess);
    var above = 0;
    for (var i = 103; i >= 40; i--) {
        above += above + excessBits[i];
    }
    signal raised <== floorX40 + excessBits[104] * above;
    signal bits[64] <== Num2Bits(64)(raised);
    component parts = VolatilityParts(22, 12);
    signal beyond[20];
    for (var i = 0; i < 44; i++) {
        parts.bits[i] <== bits[i];
    }
    for (var i = 0; i < 20; i++) {
        beyond[i] <== bits[44 + i];
    }
    signal fits <== AllZero(20)(beyond);
    parts.fits <== fits;
    parts.isMax <== 1 - fits;
    outX40 <== parts.volatilityX40;
    reciprocal <== parts.reciprocal;
    onGrid <== parts.onGrid;
    restX40 <== parts.restX40;
    restX33 <== parts.restX33;
    restSquaredX66 <== parts.restSquaredX66;
    isFlat <== parts.isFlat;
}

/**
 * @title  LoweredVolatility
 * @notice v * down. Claim: B3.
 * @input  volatilityX40  []  44 bits
 * @input  downX40        []  at most 2^40, so that the product stays below 2^84
 * @output parts, as of VolatilityParts(22, 12)
 */
template LoweredVolatility() {
    signal input {maxbit} volatilityX40, downX40;
    signal output {maxbit} outX40, reciprocal;
    signal output onGrid, restX40, restX33, restSquaredX66, isFlat;

    signal product <== volatilityX40 * downX40;
    signal bits[84] <== Num2Bits(84)(product);
    component parts = VolatilityParts(22, 12);
    for (var i = 0; i < 44; i++) {
        parts.bits[i] <== bits[40 + i];
    }
    parts.fits <== 1;
    parts.isMax <== 0;
    outX40 <== parts.volatilityX40;
    reciprocal <== parts.reciprocal;
    onGrid <== parts.onGrid;
    restX40 <== parts.restX40;
    restX33 <== parts.restX33;
    restSquaredX66 <== parts.restSquaredX66;
    isFlat <== parts.isFlat;
}

/**
 * @title  SkewedVolatility
 * @notice v * max(0, 1 + change), saturating. Claim: B3.
 * @input  volatilityX40  []  44 bits
 * @input  changeX80      []  below 2^110 in size
 * @output parts, as of VolatilityParts(22, 12)
 *
 * |v * (2^80 + change)| < 2^154: the sign is the top bit of the product raised by 2^154.
 */
template SkewedVolatility() {
    signal input {maxbit} volatilityX40;
    signal input changeX80;
    signal output {maxbit} outX40, reciprocal;
    signal output onGrid, restX40, restX33, restSquaredX66, isFlat;

    signal product <== volatilityX40 * (2 ** 80 + changeX80) + 2 ** 154;
    signal bits[155] <== Num2Bits(155)(product);
    component parts = VolatilityParts(22, 12);
    signal beyond[30];
    for (var i = 0; i < 44; i++) {
        parts.bits[i] <== bits[80 + i];
    }
    for (var i = 0; i < 30; i++) {
        beyond[i] <== bits[124 + i];
    }
    signal isWithin <== AllZero(30)(beyond);
    parts.fits <== bits[154] * isWithin;
    parts.isMax <== bits[154] - parts.fits;
    outX40 <== parts.volatilityX40;
    reciprocal <== parts.reciprocal;
    onGrid <== parts.onGrid;
    restX40 <== parts.restX40;
    restX33 <== parts.restX33;
    restSquaredX66 <== parts.restSquaredX66;
    isFlat <== parts.isFlat;
}

/**
 * @title  TotalVolatilities
 * @notice The five total volatilities of a strike: unshocked, up, down, linear and absolute skew. Claim: B3.
 * @input  varianceX48       []  SVI total variance, 53 bits
 * @input  logMoneynessX36   []  ln(K / F)
 * @input  ratioX40, upX40, downX40, floorUpX40, widthX36, linear and absolute skews  see Tenor
 * @output volatilityX40, reciprocal, onGrid, restX40, restX33, restSquaredX66, isFlat  [5]  see VolatilityParts
 *
 * A skew's change is slope * distance, where the distance is |k| up to the width if the cap is positive, and the width
 * or more if it is negative. The linear skew changes sign with k.
 */
template TotalVolatilities() {
    signal input {maxbit} varianceX48, ratioX40, upX40, downX40, floorUpX40, widthX36;
    signal input {signedbit} logMoneynessX36;
    signal input linearIsNegative, linearSlopeX44, absoluteIsNegative, absoluteSlopeX44; // slopes signed, below 2^67
    signal output {maxbit} volatilityX40[5];
    signal output reciprocal[5], onGrid[5], restX40[5], restX33[5], restSquaredX66[5], isFlat[5];

    component none = UnshockedVolatility();
    none.varianceX48 <== varianceX48;
    none.ratioX40 <== ratioX40;
    component up = RaisedVolatility();
    up.volatilityX40 <== none.volatilityX40;
    up.upX40 <== upX40;
    up.floorX40 <== floorUpX40;
    component down = LoweredVolatility();
    down.volatilityX40 <== none.volatilityX40;
    down.downX40 <== downX40;

    signal isLeft;
    signal {maxbit} distance;
    (isLeft, distance) <== SignAndMagnitude()(logMoneynessX36);
    signal isInside <== IsLess()(distance, widthX36);
    signal linearTakesDistance <== isInside + linearIsNegative * (1 - 2 * isInside);
    signal absoluteTakesDistance <== isInside + absoluteIsNegative * (1 - 2 * isInside);
    signal linearWithin <== widthX36 + linearTakesDistance * (distance - widthX36);
    signal absoluteWithin <== widthX36 + absoluteTakesDistance * (distance - widthX36);
    signal linearChange <== linearWithin * linearSlopeX44;

    component linear = SkewedVolatility();
    linear.volatilityX40 <== none.volatilityX40;
    linear.changeX80 <== (1 - 2 * isLeft) * linearChange;
    component absolute = SkewedVolatility();
    absolute.volatilityX40 <== none.volatilityX40;
    absolute.changeX80 <== absoluteWithin * absoluteSlopeX44;

    volatilityX40 <== AssumeEachBits(44, 5)( // VolatilityParts
        [none.volatilityX40, up.outX40, down.outX40, linear.outX40, absolute.outX40]
    );
    reciprocal <== [none.reciprocal, up.reciprocal, down.reciprocal, linear.reciprocal, absolute.reciprocal];
    onGrid <== [none.onGrid, up.onGrid, down.onGrid, linear.onGrid, absolute.onGrid];
    restX40 <== [none.restX40, up.restX40, down.restX40, linear.restX40, absolute.restX40];
    restX33 <== [none.restX33, up.restX33, down.restX33, linear.restX33, absolute.restX33];
    restSquaredX66 <== [
        none.restSquaredX66, up.restSquaredX66, down.restSquaredX66, linear.restSquaredX66, absolute.restSquaredX66
    ];
    isFlat <== [none.isFlat, up.isFlat, down.isFlat, linear.isFlat, absolute.isFlat];
}
