pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/Exp2Negative.circom";
include "../math/ShiftRightUpSaturate.circom";

/**
 * @title  BlendUp
 * @notice weight * old + (1 - weight) * new, rounded up, saturating at 2^BITS - 1. Claim: V1.
 * @param  BITS  width of the result
 * @input  old, new  []  non-negative, same scale
 * @input  weight    []  in [0, 1], scale EXP2_SCALE()
 * @output out       []  maxbit = BITS
 *
 * new * 2^S + weight * (old - new) = weight * old + (2^S - weight) * new lies in [0, max(old, new) * 2^S], so it fits
 * max(old.maxbit, new.maxbit) + S bits; the shift decomposes it at that width.
 */
template BlendUp(BITS) {
    signal input {maxbit} old, new, weight;
    signal output {maxbit} out;

    var WIDTH = (old.maxbit > new.maxbit ? old.maxbit : new.maxbit) + EXP2_SCALE();
    assert(WIDTH <= 253);
    signal toOld <== weight * (old - new);
    signal {maxbit} blended <== AssumeBits(WIDTH)(new * 2 ** EXP2_SCALE() + toOld);
    out <== ShiftRightUpSaturate(EXP2_SCALE(), BITS)(blended);
}
