pragma circom 2.2.3;

include "../math/Clamp.circom";
include "../math/Max.circom";
include "../math/MulUp.circom";
include "../math/ShiftLeft.circom";
include "../math/SqrtUp.circom";

/**
 * @title  UsedVolatility
 * @notice clamp(max(sqrt(max(fast, slow)), impliedWeight * implied), floor, ceiling). Claim: P1.
 * @input  varianceFastX36, varianceSlowX36  []  46 bits
 * @input  impliedVolatilityX24  []  28 bits; 0 when none was attested
 * @input  impliedWeightX10      []  11 bits
 * @input  floorX16, ceilingX16  []  20 bits, floor <= ceiling
 * @output out  []  X24, 28 bits; every step rounds up
 */
template UsedVolatility() {
    signal input {maxbit} varianceFastX36, varianceSlowX36, impliedVolatilityX24, impliedWeightX10, floorX16, ceilingX16;
    signal output {maxbit} out;

    signal {maxbit} varianceX36 <== Max()(varianceFastX36, varianceSlowX36);
    signal {maxbit} varianceX48 <== ShiftLeft(12)(varianceX36); // 58 bits
    signal {maxbit} realised <== SqrtUp()(varianceX48);
    signal {maxbit} implied <== MulUp(10)(impliedVolatilityX24, impliedWeightX10);
    signal {maxbit} highest <== Max()(realised, implied);
    signal {maxbit} floorX24 <== ShiftLeft(8)(floorX16);
    signal {maxbit} ceilingX24 <== ShiftLeft(8)(ceilingX16);
    out <== Clamp()(highest, floorX24, ceilingX24); // at most the ceiling: 28 bits
}
