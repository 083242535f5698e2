pragma circom 2.2.3;

include "../generated/words/AnchorState.circom";
include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarginPolicy.circom";
include "../generated/words/MarketPolicy.circom";
include "../generated/words/VolatilityState.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "ObservationStep.circom";
include "Publish.circom";

/**
 * @title  MarketStep
 * @notice One market of a batch: its words before and its observations in, its words after out. Claims: O1, O2, C1, C2,
 *         P1 to P7, and the volatility model's.
 * @param  SLOTS            observation slots; unused ones come first
 * @param  TEST_EVERY_SLOT  1: every slot may try the running prediction. 0: only the last one, and an earlier
 *                          observation must not be due, so that a batch ends where a prediction is tried and the
 *                          estimate does not depend on how observations are cut into batches
 * @param  MODEL            id of the volatility model
 * @input  previousVolatilityState, previousAnchorState, marketPolicy  []  packed words
 * @input  observations  [SLOTS][112]  bits of packed observations, oldest first
 * @input  learningPolicy, marginPolicy  engine policy, unpacked once for all markets
 * @output volatilityState, anchorState, parameters  []  packed words
 */
template MarketStep(SLOTS, TEST_EVERY_SLOT, MODEL) {
    signal input previousVolatilityState, previousAnchorState, marketPolicy, observations[SLOTS][112];
    input LearningPolicyFields() learningPolicy;
    input MarginPolicyFields() marginPolicy;
    signal output volatilityState, anchorState, parameters;

    component volatility = UnpackVolatilityState(volatilityStateBits(MODEL));
    volatility.word <== previousVolatilityState;
    component anchor = UnpackAnchorState();
    anchor.word <== previousAnchorState;
    component policy = UnpackMarketPolicy(marketPolicyBits(MODEL));
    policy.word <== marketPolicy;

    component step[SLOTS];
    for (var i = 0; i < SLOTS; i++) {
        step[i] = ObservationStep(TEST_EVERY_SLOT == 1 || i == SLOTS - 1 ? 1 : 0, MODEL);
        step[i].bits <== observations[i];
        if (i == 0) {
            step[i].asOf <== volatility.fields.asOf;
            step[i].lnPriceX26 <== volatility.fields.lnPriceX26;
            step[i].variancesX36 <== AssumeEachBits(46, 4)([
                volatility.fields.variance0X36, volatility.fields.variance1X36,
                volatility.fields.variance2X36, volatility.fields.variance3X36
            ]); // fields of a word
            step[i].multiplierDownX18 <== anchor.fields.multiplierDownX18;
            step[i].multiplierUpX18 <== anchor.fields.multiplierUpX18;
            step[i].anchorLnPriceX26 <== anchor.fields.anchorLnPriceX26;
            step[i].anchorAsOf <== anchor.fields.anchorAsOf;
            step[i].anchorMoveDownX24 <== anchor.fields.anchorMoveDownX24;
            step[i].anchorMoveUpX24 <== anchor.fields.anchorMoveUpX24;
        } else {
            step[i].asOf <== step[i - 1].nextAsOf;
            step[i].lnPriceX26 <== step[i - 1].nextLnPriceX26;
            step[i].variancesX36 <== step[i - 1].nextVariancesX36;
            step[i].multiplierDownX18 <== step[i - 1].nextMultiplierDownX18;
            step[i].multiplierUpX18 <== step[i - 1].nextMultiplierUpX18;
            step[i].anchorLnPriceX26 <== step[i - 1].nextAnchorLnPriceX26;
            step[i].anchorAsOf <== step[i - 1].nextAnchorAsOf;
            step[i].anchorMoveDownX24 <== step[i - 1].nextAnchorMoveDownX24;
            step[i].anchorMoveUpX24 <== step[i - 1].nextAnchorMoveUpX24;
        }
        step[i].learning <== learningPolicy;
        step[i].margin <== marginPolicy;
        step[i].market <== policy.fields;
    }

    var LAST = SLOTS - 1;
    // Times only move forward from slot to slot, so the sum of 32-bit steps is a difference of two 32-bit times.
    signal {maxbit} elapsed <== AssumeBits(32)(step[LAST].nextAsOf - volatility.fields.asOf);
    component publish = Publish();
    publish.asOf <== step[LAST].nextAsOf;
    publish.elapsed <== elapsed;
    publish.multiplierDownX18 <== step[LAST].nextMultiplierDownX18;
    publish.multiplierUpX18 <== step[LAST].nextMultiplierUpX18;
    publish.volatilityX24 <== step[LAST].volatilityX24;
    publish.moveDownX24 <== step[LAST].moveDownX24;
    publish.moveUpX24 <== step[LAST].moveUpX24;
    publish.previousInitialX24 <== anchor.fields.initialMarginX24;
    publish.previousMaintenanceX24 <== anchor.fields.maintenanceMarginX24;
    publish.learning <== learningPolicy;
    publish.margin <== marginPolicy;
    publish.market <== policy.fields;
    parameters <== publish.parameters;

    component nextVolatility = PackVolatilityState();
    nextVolatility.fields.variance0X36 <== AssumeBits(46)(step[LAST].nextVariancesX36[0]); // the array's own width
    nextVolatility.fields.variance1X36 <== AssumeBits(46)(step[LAST].nextVariancesX36[1]);
    nextVolatility.fields.variance2X36 <== AssumeBits(46)(step[LAST].nextVariancesX36[2]);
    nextVolatility.fields.variance3X36 <== AssumeBits(46)(step[LAST].nextVariancesX36[3]);
    assert(step[LAST].nextVariancesX36.maxbit <= 46);
    nextVolatility.fields.lnPriceX26 <== step[LAST].nextLnPriceX26;
    nextVolatility.fields.asOf <== step[LAST].nextAsOf;
    volatilityState <== nextVolatility.word;
    component nextAnchor = PackAnchorState();
    nextAnchor.fields.anchorLnPriceX26 <== step[LAST].nextAnchorLnPriceX26;
    nextAnchor.fields.anchorAsOf <== step[LAST].nextAnchorAsOf;
    nextAnchor.fields.anchorMoveDownX24 <== step[LAST].nextAnchorMoveDownX24;
    nextAnchor.fields.anchorMoveUpX24 <== step[LAST].nextAnchorMoveUpX24;
    nextAnchor.fields.initialMarginX24 <== publish.initialX24;
    nextAnchor.fields.maintenanceMarginX24 <== publish.maintenanceX24;
    nextAnchor.fields.multiplierDownX18 <== step[LAST].nextMultiplierDownX18;
    nextAnchor.fields.multiplierUpX18 <== step[LAST].nextMultiplierUpX18;
    anchorState <== nextAnchor.word;
}
