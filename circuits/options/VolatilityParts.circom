pragma circom 2.2.3;

include "comparators.circom";
include "../math/AssumeBits.circom";
include "../math/Constant.circom";
include "../math/DivDown.circom";

/**
 * @title  VolatilityParts
 * @notice What pricing takes from a total volatility: v on the grid of 2^-13, what is left of it, 1 / v. Claim: B3.
 * @param  RECIPROCAL_BITS  fraction bits of 1 / v
 * @param  DROPPED_BITS     of v, cut before it is inverted
 * @input  bits         [44]  X40, boolean, least significant first
 * @input  fits, isMax  []    1, 0: v is what the bits say; 0, 1: it saturates just below 16; 0, 0: it is 0
 * @output volatilityX40  []  maxbit = 44
 * @output onGrid         []  v rounded to 2^-13; at most 2^17
 * @output restX40, restX33, restSquaredX66  []  v less that, in [-2^26, 2^26); floored to 2^-33; squared
 * @output isFlat         []  1 if v is 0
 * @output reciprocal     []  floor((2^(40 - DROPPED + RECIPROCAL) - 1) / (max(v, 2^-17) cut)), below 2^17
 */
template VolatilityParts(RECIPROCAL_BITS, DROPPED_BITS) {
    signal input bits[44], fits, isMax;
    signal output {maxbit} volatilityX40, reciprocal;
    signal output onGrid, restX40, restX33, restSquaredX66, isFlat;

    var value = 0;
    var cut = 0;
    var rounded = 0;
    for (var i = 43; i >= 0; i--) {
        value += value + bits[i];
        if (i == 27) {
            rounded = value + bits[26];
        }
        if (i == DROPPED_BITS) {
            cut = value;
        }
    }
    var rest = -bits[26]; // the point is the one above: after twenty doublings this takes 2^20 off
    for (var i = 26; i >= 7; i--) {
        rest += rest + bits[i];
    }
    var large = 0;
    for (var i = 23; i < 44; i++) {
        large += bits[i];
    }
    signal kept <== fits * value + isMax * (2 ** 44 - 1);
    volatilityX40 <== AssumeBits(44)(kept); // the bits, 0 or all of them set
    onGrid <== fits * rounded + isMax * 2 ** 17;
    restX40 <== volatilityX40 - onGrid * 2 ** 27;
    restX33 <== fits * rest - isMax; // saturated, v lies a unit below a grid point
    restSquaredX66 <== restX33 * restX33;
    isFlat <== IsZero()(volatilityX40);

    signal isLarge <== fits * large + isMax;
    signal isSmall <== IsZero()(isLarge);
    signal cutVolatility <== fits * cut + isMax * (2 ** (44 - DROPPED_BITS) - 1);
    signal floored <== cutVolatility + isSmall * (2 ** (23 - DROPPED_BITS) - cutVolatility);
    signal {maxbit} divisor <== AssumeBits(44 - DROPPED_BITS)(floored); // a part of 44 bits, or 2^-17 in its stead
    signal {maxbit} numerator <== Constant(2 ** (40 - DROPPED_BITS + RECIPROCAL_BITS) - 1)();
    reciprocal <== DivDown(RECIPROCAL_BITS + 17)(numerator, divisor);
}
