pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/IsLess.circom";

/**
 * @title  MultiplierStep
 * @notice One step of adaptive conformal inference (Gibbs, Candes 2021): a breach raises the multiplier by stepUp, at
 *         most to the ceiling; a quiet horizon lowers it by stepDown, at least to the floor. Claim: C2.
 * @input  multiplierX18, floorX18, ceilingX18  []  22 bits
 * @input  stepUpX18, stepDownX18  []  18 bits
 * @input  due, breach  []  boolean; breach only if due
 * @output out  []  22 bits; the multiplier itself unless due
 *
 * One comparison serves both bounds, since only the bound ahead of the step can hold it back.
 */
template MultiplierStep() {
    signal input {maxbit} multiplierX18, floorX18, ceilingX18, stepUpX18, stepDownX18;
    signal input due, breach;
    signal output {maxbit} out;

    // breach: is ceiling < multiplier + stepUp?   quiet: is multiplier < floor + stepDown?
    signal left <== multiplierX18 + breach * (ceilingX18 - multiplierX18);
    signal quietRight <== floorX18 + stepDownX18;
    signal right <== quietRight + breach * (multiplierX18 + stepUpX18 - quietRight);
    signal {maxbit} left22 <== AssumeBits(22)(left); // one of two 22-bit numbers
    signal {maxbit} right23 <== AssumeBits(23)(right); // a 22-bit and an 18-bit number
    signal bounded <== IsLess()(left22, right23);

    signal bound <== floorX18 + breach * (ceilingX18 - floorX18);
    signal change <== breach * (stepUpX18 + stepDownX18) - stepDownX18;
    signal stepped <== multiplierX18 + change + bounded * (bound - multiplierX18 - change);
    // Between floor and ceiling, or the old multiplier: 22 bits.
    signal next <== multiplierX18 + due * (stepped - multiplierX18);
    out <== AssumeBits(22)(next);
}
