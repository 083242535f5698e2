pragma circom 2.2.3;

include "../generated/words/LearningPolicy.circom";
include "../math/Multiply.circom";
include "HorizonMove.circom";
include "MultiplierStep.circom";
include "PredictionTest.circom";
include "UsedVolatility.circom";

/**
 * @title  Evaluate
 * @notice What happens at an observation that may end a horizon: the running prediction is tried, multipliers learn,
 *         the volatility in use and the next prediction follow. Claims: C1, C2, P1, P2.
 * @input  state and anchor before, policy; the observation's time and log price; due from IsDue
 * @output multipliers after, volatility used, moves predicted now
 */
template Evaluate() {
    signal input due;
    signal input {maxbit} lnPriceX26, anchorLnPriceX26, anchorMoveDownX24, anchorMoveUpX24;
    signal input {maxbit} multiplierDownX18, multiplierUpX18;
    signal input {maxbit} varianceX38, impliedVolatilityX16;
    signal input {maxbit} impliedWeightX10, volatilityFloorX16, volatilityCeilingX16;
    input LearningPolicyFields() learning;
    signal output {maxbit} nextMultiplierDownX18, nextMultiplierUpX18, volatilityX24, moveDownX24, moveUpX24;

    signal breachDown;
    signal breachUp;
    (breachDown, breachUp) <== PredictionTest()(due, lnPriceX26, anchorLnPriceX26, anchorMoveDownX24, anchorMoveUpX24);
    nextMultiplierDownX18 <== MultiplierStep()(
        multiplierDownX18, learning.multiplierFloorX18, learning.multiplierCeilingX18,
        learning.stepUpX18, learning.stepDownX18, due, breachDown
    );
    nextMultiplierUpX18 <== MultiplierStep()(
        multiplierUpX18, learning.multiplierFloorX18, learning.multiplierCeilingX18,
        learning.stepUpX18, learning.stepDownX18, due, breachUp
    );

    volatilityX24 <== UsedVolatility()(
        varianceX38, impliedVolatilityX16, impliedWeightX10, volatilityFloorX16, volatilityCeilingX16
    );
    signal {maxbit} scaledX48 <== Multiply()(volatilityX24, learning.sqrtHorizonX24);
    moveDownX24 <== HorizonMove()(nextMultiplierDownX18, scaledX48);
    moveUpX24 <== HorizonMove()(nextMultiplierUpX18, scaledX48);
}
