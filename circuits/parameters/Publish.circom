pragma circom 2.2.3;

include "../generated/packedWords.circom";
include "Dampers.circom";
include "LoanToValue.circom";
include "ScanRange.circom";
include "TargetMargins.circom";

/**
 * @title  Publish
 * @notice Risk parameters from the volatility and the predictions in force. Claims: P3 to P7.
 * @input  asOf, elapsed  []  time of the parameters, and seconds since the margins in force
 * @input  multipliers, volatility and moves after the last observation; margins in force; policy fields
 * @output initialX24, maintenanceX24  []  margins after dampers
 * @output parameters  []  packed word
 */
template Publish() {
    signal input {maxbit} asOf, elapsed, multiplierDownX18, multiplierUpX18, volatilityX24, moveDownX24, moveUpX24;
    signal input {maxbit} previousInitialX24, previousMaintenanceX24;
    signal input {maxbit} sqrtHorizonX24, stressWeightX10, scanMultipleX8;
    signal input {maxbit} loosenPerSecondX32, tightenPerSecondX32, initialMarginBufferX10;
    signal input {maxbit} stressVolatilityX16, liquidationCostX16, liquidationBonusX16;
    signal input {maxbit} maintenanceMarginFloorX16, maintenanceMarginCeilingX16, scanRangeFloorX16, scanRangeCeilingX16;
    signal output {maxbit} initialX24, maintenanceX24;
    signal output parameters;

    signal {maxbit} multiplierX18, scanRangeX24, targetMaintenanceX24, targetInitialX24;
    (multiplierX18, scanRangeX24) <== ScanRange()(
        moveDownX24, moveUpX24, multiplierDownX18, multiplierUpX18, scanMultipleX8, scanRangeFloorX16, scanRangeCeilingX16
    );
    (targetMaintenanceX24, targetInitialX24) <== TargetMargins()(
        volatilityX24, multiplierX18, sqrtHorizonX24, stressVolatilityX16, stressWeightX10, liquidationCostX16,
        maintenanceMarginFloorX16, maintenanceMarginCeilingX16, initialMarginBufferX10
    );
    (initialX24, maintenanceX24) <== Dampers()(
        targetInitialX24, targetMaintenanceX24, previousInitialX24, previousMaintenanceX24,
        elapsed, loosenPerSecondX32, tightenPerSecondX32
    );
    signal {maxbit} thresholdX24 <== LoanToValue()(maintenanceX24, liquidationBonusX16);
    signal {maxbit} maxLoanToValueX24 <== LoanToValue()(initialX24, liquidationBonusX16);
    parameters <== PackParameters()(
        initialX24, maintenanceX24, thresholdX24, maxLoanToValueX24, scanRangeX24,
        volatilityX24, moveDownX24, moveUpX24, asOf
    );
}
