pragma circom 2.2.3;

include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarginPolicy.circom";
include "../generated/words/MarketPolicy.circom";
include "../generated/words/Parameters.circom";
include "Dampers.circom";
include "LoanToValue.circom";
include "ScanRange.circom";
include "TargetMargins.circom";

/**
 * @title  Publish
 * @notice Risk parameters from the volatility and the predictions in force. Claims: P3 to P7.
 * @input  asOf, elapsed  []  time of the parameters, and seconds since the margins in force
 * @input  multipliers, volatility and moves after the last observation; margins in force
 * @input  learning, margin, market  policy
 * @output initialX24, maintenanceX24  []  margins after dampers
 * @output parameters  []  packed word
 */
template Publish() {
    signal input {maxbit} asOf, elapsed, multiplierDownX18, multiplierUpX18, volatilityX24, moveDownX24, moveUpX24;
    signal input {maxbit} previousInitialX24, previousMaintenanceX24;
    input LearningPolicyFields() learning;
    input MarginPolicyFields() margin;
    input MarketPolicyFields() market;
    signal output {maxbit} initialX24, maintenanceX24;
    signal output parameters;

    signal {maxbit} multiplierX18, scanRangeX24, targetMaintenanceX24, targetInitialX24;
    (multiplierX18, scanRangeX24) <== ScanRange()(
        moveDownX24, moveUpX24, multiplierDownX18, multiplierUpX18,
        margin.scanMultipleX8, market.scanRangeFloorX16, market.scanRangeCeilingX16
    );
    (targetMaintenanceX24, targetInitialX24) <== TargetMargins()(
        volatilityX24, multiplierX18, learning.sqrtHorizonX24, market.stressVolatilityX16, margin.stressWeightX10,
        market.liquidationCostX16, market.maintenanceMarginFloorX16, market.maintenanceMarginCeilingX16,
        margin.initialMarginBufferX10
    );
    (initialX24, maintenanceX24) <== Dampers()(
        targetInitialX24, targetMaintenanceX24, previousInitialX24, previousMaintenanceX24,
        elapsed, margin.loosenPerSecondX32, margin.tightenPerSecondX32
    );
    signal {maxbit} thresholdX24 <== LoanToValue()(maintenanceX24, market.liquidationBonusX16);
    signal {maxbit} maxLoanToValueX24 <== LoanToValue()(initialX24, market.liquidationBonusX16);
    component packed = PackParameters();
    packed.fields.initialMarginX24 <== initialX24;
    packed.fields.maintenanceMarginX24 <== maintenanceX24;
    packed.fields.liquidationThresholdX24 <== thresholdX24;
    packed.fields.maxLoanToValueX24 <== maxLoanToValueX24;
    packed.fields.scanRangeX24 <== scanRangeX24;
    packed.fields.volatilityX24 <== volatilityX24;
    packed.fields.horizonMoveDownX24 <== moveDownX24;
    packed.fields.horizonMoveUpX24 <== moveUpX24;
    packed.fields.asOf <== asOf;
    parameters <== packed.word;
}
