pragma circom 2.2.3;

include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarginPolicy.circom";
include "../generated/words/MarketPolicy.circom";
include "../market/Slot.circom";
include "../volatility/EwmaStep.circom";
include "Evaluate.circom";
include "Keep.circom";

/**
 * @title  ObservationStep
 * @notice Takes one observation slot into a market's state. Claims: O1, O2, V1, C1, C2.
 * @param  TEST        1: the slot may try the running prediction. 0: its observation must not be due
 * @param  SLOW_SHIFT  slow half-life = fast half-life * 2^SLOW_SHIFT
 * @input  bits  [108]  the slot
 * @input  state fields
 * @input  learning, margin, market  policy
 * @output state fields after the slot; volatilityX24, moveDownX24, moveUpX24 of this slot, only with TEST
 */
template ObservationStep(TEST, SLOW_SHIFT) {
    signal input bits[108];
    signal input {maxbit} asOf, lnPriceX26, varianceFastX36, varianceSlowX36, multiplierDownX18, multiplierUpX18;
    signal input {maxbit} anchorLnPriceX26, anchorAsOf, anchorMoveDownX24, anchorMoveUpX24;
    input LearningPolicyFields() learning;
    input MarginPolicyFields() margin;
    input MarketPolicyFields() market;
    signal output {maxbit} nextAsOf, nextLnPriceX26, nextFastX36, nextSlowX36, nextMultiplierDownX18, nextMultiplierUpX18;
    signal output {maxbit} nextAnchorLnPriceX26, nextAnchorAsOf, nextAnchorMoveDownX24, nextAnchorMoveUpX24;
    signal output {maxbit} volatilityX24, moveDownX24, moveUpX24;

    component slot = Slot();
    slot.bits <== bits;
    slot.previousAsOf <== asOf;
    slot.previousLnPriceX26 <== lnPriceX26;
    nextAsOf <== slot.asOf;
    nextLnPriceX26 <== slot.lnPriceX26;

    (nextFastX36, nextSlowX36) <== EwmaStep(SLOW_SHIFT)(
        varianceFastX36, varianceSlowX36, lnPriceX26, slot.lnPriceX26, slot.elapsed,
        learning.decayRateX36, market.maxReturnX16,
        1 - slot.used
    );

    if (TEST == 1) {
        signal due <== IsDue()(slot.asOf, anchorAsOf, learning.horizonSeconds, slot.used);
        (nextMultiplierDownX18, nextMultiplierUpX18, volatilityX24, moveDownX24, moveUpX24) <== Evaluate()(
            due, slot.lnPriceX26, anchorLnPriceX26, anchorMoveDownX24, anchorMoveUpX24,
            multiplierDownX18, multiplierUpX18, nextFastX36, nextSlowX36, slot.impliedVolatilityX24,
            margin.impliedWeightX10, market.volatilityFloorX16, market.volatilityCeilingX16, learning
        );
        nextAnchorLnPriceX26 <== Keep(32)(due, slot.lnPriceX26, anchorLnPriceX26);
        nextAnchorAsOf <== Keep(32)(due, slot.asOf, anchorAsOf);
        nextAnchorMoveDownX24 <== Keep(24)(due, moveDownX24, anchorMoveDownX24);
        nextAnchorMoveUpX24 <== Keep(24)(due, moveUpX24, anchorMoveUpX24);
    } else {
        IsNotDue()(slot.asOf, anchorAsOf, learning.horizonSeconds, slot.used);
        nextMultiplierDownX18 <== multiplierDownX18;
        nextMultiplierUpX18 <== multiplierUpX18;
        nextAnchorLnPriceX26 <== anchorLnPriceX26;
        nextAnchorAsOf <== anchorAsOf;
        nextAnchorMoveDownX24 <== anchorMoveDownX24;
        nextAnchorMoveUpX24 <== anchorMoveUpX24;
        volatilityX24 <== AssumeBits(1)(0); // nothing is published between the slots of a batch
        moveDownX24 <== AssumeBits(1)(0);
        moveUpX24 <== AssumeBits(1)(0);
    }
}
