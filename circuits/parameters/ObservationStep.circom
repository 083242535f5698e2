pragma circom 2.2.3;

include "../generated/VolatilityModels.circom";
include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarginPolicy.circom";
include "../generated/words/MarketPolicy.circom";
include "../market/Slot.circom";
include "Evaluate.circom";
include "Keep.circom";

/**
 * @title  ObservationStep
 * @notice Takes one observation slot into a market's state. Claims: O1, O2, C1, C2, and the volatility model's.
 * @param  TEST   1: the slot may try the running prediction. 0: its observation must not be due
 * @param  MODEL  id of the volatility model
 * @input  bits  [112]  the slot
 * @input  state fields
 * @input  learning, margin, market  policy
 * @output state fields after the slot; volatilityX24, moveDownX24, moveUpX24 of this slot, only with TEST
 */
template ObservationStep(TEST, MODEL) {
    signal input bits[112];
    signal input {maxbit} asOf, lnPriceX26, variancesX36[4], multiplierDownX18, multiplierUpX18;
    signal input {maxbit} anchorLnPriceX26, anchorAsOf, anchorMoveDownX24, anchorMoveUpX24;
    input LearningPolicyFields() learning;
    input MarginPolicyFields() margin;
    input MarketPolicyFields() market;
    signal output {maxbit} nextAsOf, nextLnPriceX26, nextVariancesX36[4], nextMultiplierDownX18, nextMultiplierUpX18;
    signal output {maxbit} nextAnchorLnPriceX26, nextAnchorAsOf, nextAnchorMoveDownX24, nextAnchorMoveUpX24;
    signal output {maxbit} volatilityX24, moveDownX24, moveUpX24;

    component slot = Slot();
    slot.bits <== bits;
    slot.previousAsOf <== asOf;
    slot.previousLnPriceX26 <== lnPriceX26;
    nextAsOf <== slot.asOf;
    nextLnPriceX26 <== slot.lnPriceX26;

    component step = VolatilityStep(MODEL);
    step.move.previousAsOf <== asOf;
    step.move.previousLnPriceX26 <== lnPriceX26;
    step.move.lnPriceX26 <== slot.lnPriceX26;
    step.move.elapsed <== slot.elapsed;
    step.move.unused <== 1 - slot.used;
    step.move.rangeCodeBits <== slot.rangeCodeBits;
    step.variancesX36 <== variancesX36;
    step.learning <== learning;
    step.market <== market;
    nextVariancesX36 <== step.nextX36;

    if (TEST == 1) {
        signal due <== IsDue()(slot.asOf, anchorAsOf, learning.horizonSeconds, slot.used);
        component used = VolatilityUsed(MODEL);
        used.variancesX36 <== step.nextX36;
        used.asOf <== slot.asOf;
        used.learning <== learning;
        used.market <== market;
        (nextMultiplierDownX18, nextMultiplierUpX18, volatilityX24, moveDownX24, moveUpX24) <== Evaluate()(
            due, slot.lnPriceX26, anchorLnPriceX26, anchorMoveDownX24, anchorMoveUpX24,
            multiplierDownX18, multiplierUpX18, used.out, slot.impliedVolatilityX16,
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
