pragma circom 2.2.3;

include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/Clamp.circom";
include "../math/Max.circom";
include "../math/MulUp.circom";
include "../math/Multiply.circom";
include "../math/ShiftLeft.circom";
include "../math/ShiftRightUpSaturate.circom";
include "../math/SqrtUp.circom";

/**
 * @title  TargetMargins
 * @notice Margins before dampers. Claims: P4 (maintenance), P5 (initial).
 *         maintenance = clamp(move + liquidationCost, floor, ceiling), initial = maintenance * (1 + buffer), where the
 *         move's variance is max(sigma^2, w * stress^2 + (1 - w) * sigma^2).
 * @input  volatilityX24        []  28 bits
 * @input  multiplierX18        []  22 bits, the greater of the two sides
 * @input  sqrtHorizonX24       []  24 bits
 * @input  stressVolatilityX16, stressWeightX10  []  20 and 11 bits, weight at most 1
 * @input  liquidationCostX16, floorX16, ceilingX16, bufferX10  []  16, 16, 16 and 10 bits
 * @output maintenanceX24, initialX24  []  24 bits; every step rounds up. initial < 1 is RiskPolicy's to ensure:
 *         ceiling * (1 + buffer) < 1
 */
template TargetMargins() {
    signal input {maxbit} volatilityX24, multiplierX18, sqrtHorizonX24, stressVolatilityX16, stressWeightX10;
    signal input {maxbit} liquidationCostX16, floorX16, ceilingX16, bufferX10;
    signal output {maxbit} maintenanceX24, initialX24;

    signal {maxbit} stressX24 <== ShiftLeft(8)(stressVolatilityX16);
    // max(sigma, stress) in the blend makes it at least sigma^2 without a second comparison.
    signal {maxbit} stressedX24 <== Max()(stressX24, volatilityX24);
    signal variance <== volatilityX24 * volatilityX24;
    signal stressedVariance <== stressedX24 * stressedX24;
    signal weighted <== stressWeightX10 * (stressedVariance - variance);
    // X58: a blend of two 56-bit squares, times 2^10.
    signal {maxbit} blendedX58 <== AssumeBits(66)(variance * 2 ** 10 + weighted);
    signal {maxbit} marginVolatilityX29 <== SqrtUp()(blendedX58);

    signal {maxbit} scaledX53 <== Multiply()(marginVolatilityX29, sqrtHorizonX24);
    signal {maxbit} moveX71 <== Multiply()(scaledX53, multiplierX18); // 34 + 24 + 22 bits
    signal {maxbit} moveX24 <== ShiftRightUpSaturate(47, 24)(moveX71);
    signal {maxbit} costX24 <== ShiftLeft(8)(liquidationCostX16);
    signal {maxbit} asked <== Add()(moveX24, costX24);

    signal {maxbit} floorX24 <== ShiftLeft(8)(floorX16);
    signal {maxbit} ceilingX24 <== ShiftLeft(8)(ceilingX16);
    maintenanceX24 <== Clamp()(asked, floorX24, ceilingX24); // at most the ceiling: 24 bits

    signal {maxbit} onePlusBuffer <== AssumeBits(11)(2 ** 10 + bufferX10); // 2^10 + 10 bits
    signal {maxbit} initial <== MulUp(10)(maintenanceX24, onePlusBuffer);
    initialX24 <== AssumeBits(24)(initial); // ceiling * (1 + buffer) < 1; Dampers compares it at 24 bits
}
