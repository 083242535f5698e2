pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/LnDown.circom";
include "../math/Multiply.circom";
include "../math/NormalCdfDown.circom";
include "../math/ShiftRightDownSaturate.circom";
include "../math/SubtractOrZero.circom";

/**
 * @title  ProbabilityBeyond
 * @notice Probability that a lognormal spot without drift ends the horizon beyond a threshold, rounded up. Claim: L11.
 * @param  IS_UP      1: the threshold lies above spot; 0: below
 * @input  spotE8, thresholdE8  []  48 bits
 * @input  exists     []  boolean; without a threshold the probability is 0
 * @input  lnSpotX28  []  LnDown(28) of spot
 * @input  inverseVolatilityX30  []  71 bits, rounded down
 * @output out        []  X32, at most 2^31 + 2
 *
 * Logarithms are rounded down by less than 1.3 units of X28, so a difference of two is wrong by less than 2, which it is
 * lowered by; every further rounding lowers the distance in deviations as well, and the distribution function is rounded
 * down, so 1 less it is rounded up.
 */
template ProbabilityBeyond(IS_UP) {
    signal input {maxbit} spotE8, thresholdE8;
    signal input exists;
    signal input {maxbit} lnSpotX28, inverseVolatilityX30;
    signal output {maxbit} out;

    assert(spotE8.maxbit <= 48 && thresholdE8.maxbit <= 48);
    signal {maxbit} known <== AssumeBits(48)(spotE8 + exists * (thresholdE8 - spotE8));
    signal {maxbit} lnKnownX28 <== LnDown(28)(known);
    signal {maxbit} high <== AssumeBits(35)(IS_UP == 1 ? lnKnownX28 : lnSpotX28);
    signal {maxbit} low <== AssumeBits(35)(IS_UP == 1 ? lnSpotX28 + 2 : lnKnownX28 + 2);
    signal {maxbit} distanceX28 <== SubtractOrZero()(high, low);
    signal {maxbit} productX58 <== Multiply()(distanceX28, inverseVolatilityX30); // 35 + 71 bits
    signal {maxbit} deviations <== ShiftRightDownSaturate(30, 32)(productX58);
    signal {maxbit} within <== NormalCdfDown()(AssumeSigned(32)(deviations));
    out <== AssumeBits(32)(exists * (2 ** 32 - within)); // at most 2^31 + 2
}
