pragma circom 2.2.3;

include "../math/Clamp.circom";
include "../math/Max.circom";
include "../math/MulUp.circom";
include "../math/ShiftLeft.circom";
include "../math/SqrtUp.circom";

/**
 * @title  UsedVolatility
 * @notice clamp(max(sqrt(variance), impliedWeight * implied), floor, ceiling). Claim: P1.
 * @input  varianceX38  []  at most 49 bits: what the volatility model says to use
 * @input  impliedVolatilityX16  []  20 bits; 0 when none was attested
 * @input  impliedWeightX10      []  11 bits
 * @input  floorX16, ceilingX16  []  20 bits, floor <= ceiling
 * @output out  []  X24, 28 bits; every step rounds up
 */
template UsedVolatility() {
    signal input {maxbit} varianceX38, impliedVolatilityX16, impliedWeightX10, floorX16, ceilingX16;
    signal output {maxbit} out;

    signal {maxbit} varianceX48 <== ShiftLeft(10)(varianceX38); // 59 bits
    signal {maxbit} realised <== SqrtUp()(varianceX48);
    signal {maxbit} impliedX24 <== ShiftLeft(8)(impliedVolatilityX16);
    signal {maxbit} implied <== MulUp(10)(impliedX24, impliedWeightX10);
    signal {maxbit} highest <== Max()(realised, implied);
    signal {maxbit} floorX24 <== ShiftLeft(8)(floorX16);
    signal {maxbit} ceilingX24 <== ShiftLeft(8)(ceilingX16);
    out <== Clamp()(highest, floorX24, ceilingX24); // at most the ceiling: 28 bits
}
