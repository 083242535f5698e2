pragma circom 2.2.3;

include "../generated/packedWords.circom";
include "../math/AssumeBits.circom";
include "ObservationStep.circom";
include "Publish.circom";

/**
 * @title  MarketStep
 * @notice One market of a batch: its words before and its observations in, its words after out. Claims: O1, O2, V1, C1,
 *         C2, P1 to P7.
 * @param  SLOTS            observation slots; unused ones come first
 * @param  TEST_EVERY_SLOT  1: every slot may try the running prediction. 0: only the last one, and an earlier
 *                          observation must not be due, so that a batch ends where a prediction is tried and the
 *                          estimate does not depend on how observations are cut into batches
 * @param  SLOW_SHIFT       slow half-life = fast half-life * 2^SLOW_SHIFT
 * @input  previousVolatilityState, previousAnchorState, marketPolicy  []  packed words
 * @input  slotBits  [SLOTS][108]  bits of packed observations, oldest first
 * @input  engine policy fields, unpacked once for all markets
 * @output volatilityState, anchorState, parameters  []  packed words
 */
template MarketStep(SLOTS, TEST_EVERY_SLOT, SLOW_SHIFT) {
    signal input previousVolatilityState, previousAnchorState, marketPolicy, slotBits[SLOTS][108];
    signal input {maxbit} decayRateX36, horizonSeconds, sqrtHorizonX24, stepUpX18, stepDownX18;
    signal input {maxbit} multiplierFloorX18, multiplierCeilingX18;
    signal input {maxbit} impliedWeightX10, stressWeightX10, scanMultipleX8;
    signal input {maxbit} loosenPerSecondX32, tightenPerSecondX32, initialMarginBufferX10;
    signal output volatilityState, anchorState, parameters;

    component volatility = UnpackVolatilityState();
    volatility.word <== previousVolatilityState;
    component anchor = UnpackAnchorState();
    anchor.word <== previousAnchorState;
    component policy = UnpackMarketPolicy();
    policy.word <== marketPolicy;

    component step[SLOTS];
    for (var i = 0; i < SLOTS; i++) {
        step[i] = ObservationStep(TEST_EVERY_SLOT == 1 || i == SLOTS - 1 ? 1 : 0, SLOW_SHIFT);
        step[i].bits <== slotBits[i];
        if (i == 0) {
            step[i].asOf <== volatility.asOf;
            step[i].lnPriceX26 <== volatility.lnPriceX26;
            step[i].varianceFastX36 <== volatility.varianceFastX36;
            step[i].varianceSlowX36 <== volatility.varianceSlowX36;
            step[i].multiplierDownX18 <== volatility.multiplierDownX18;
            step[i].multiplierUpX18 <== volatility.multiplierUpX18;
            step[i].anchorLnPriceX26 <== anchor.anchorLnPriceX26;
            step[i].anchorAsOf <== anchor.anchorAsOf;
            step[i].anchorMoveDownX24 <== anchor.anchorMoveDownX24;
            step[i].anchorMoveUpX24 <== anchor.anchorMoveUpX24;
        } else {
            step[i].asOf <== step[i - 1].nextAsOf;
            step[i].lnPriceX26 <== step[i - 1].nextLnPriceX26;
            step[i].varianceFastX36 <== step[i - 1].nextFastX36;
            step[i].varianceSlowX36 <== step[i - 1].nextSlowX36;
            step[i].multiplierDownX18 <== step[i - 1].nextMultiplierDownX18;
            step[i].multiplierUpX18 <== step[i - 1].nextMultiplierUpX18;
            step[i].anchorLnPriceX26 <== step[i - 1].nextAnchorLnPriceX26;
            step[i].anchorAsOf <== step[i - 1].nextAnchorAsOf;
            step[i].anchorMoveDownX24 <== step[i - 1].nextAnchorMoveDownX24;
            step[i].anchorMoveUpX24 <== step[i - 1].nextAnchorMoveUpX24;
        }
        step[i].decayRateX36 <== decayRateX36;
        step[i].horizonSeconds <== horizonSeconds;
        step[i].sqrtHorizonX24 <== sqrtHorizonX24;
        step[i].stepUpX18 <== stepUpX18;
        step[i].stepDownX18 <== stepDownX18;
        step[i].multiplierFloorX18 <== multiplierFloorX18;
        step[i].multiplierCeilingX18 <== multiplierCeilingX18;
        step[i].impliedWeightX10 <== impliedWeightX10;
        step[i].maxReturnX16 <== policy.maxReturnX16;
        step[i].volatilityFloorX16 <== policy.volatilityFloorX16;
        step[i].volatilityCeilingX16 <== policy.volatilityCeilingX16;
    }

    var LAST = SLOTS - 1;
    // Times only move forward from slot to slot, so the sum of 32-bit steps is a difference of two 32-bit times.
    signal {maxbit} elapsed <== AssumeBits(32)(step[LAST].nextAsOf - volatility.asOf);
    component publish = Publish();
    publish.asOf <== step[LAST].nextAsOf;
    publish.elapsed <== elapsed;
    publish.multiplierDownX18 <== step[LAST].nextMultiplierDownX18;
    publish.multiplierUpX18 <== step[LAST].nextMultiplierUpX18;
    publish.volatilityX24 <== step[LAST].volatilityX24;
    publish.moveDownX24 <== step[LAST].moveDownX24;
    publish.moveUpX24 <== step[LAST].moveUpX24;
    publish.previousInitialX24 <== anchor.initialMarginX24;
    publish.previousMaintenanceX24 <== anchor.maintenanceMarginX24;
    publish.sqrtHorizonX24 <== sqrtHorizonX24;
    publish.stressWeightX10 <== stressWeightX10;
    publish.scanMultipleX8 <== scanMultipleX8;
    publish.loosenPerSecondX32 <== loosenPerSecondX32;
    publish.tightenPerSecondX32 <== tightenPerSecondX32;
    publish.initialMarginBufferX10 <== initialMarginBufferX10;
    publish.stressVolatilityX16 <== policy.stressVolatilityX16;
    publish.liquidationCostX16 <== policy.liquidationCostX16;
    publish.maintenanceMarginFloorX16 <== policy.maintenanceMarginFloorX16;
    publish.maintenanceMarginCeilingX16 <== policy.maintenanceMarginCeilingX16;
    publish.liquidationBonusX16 <== policy.liquidationBonusX16;
    publish.scanRangeFloorX16 <== policy.scanRangeFloorX16;
    publish.scanRangeCeilingX16 <== policy.scanRangeCeilingX16;
    parameters <== publish.parameters;

    volatilityState <== PackVolatilityState()(
        step[LAST].nextFastX36, step[LAST].nextSlowX36, step[LAST].nextLnPriceX26, step[LAST].nextAsOf,
        step[LAST].nextMultiplierDownX18, step[LAST].nextMultiplierUpX18
    );
    anchorState <== PackAnchorState()(
        step[LAST].nextAnchorLnPriceX26, step[LAST].nextAnchorAsOf,
        step[LAST].nextAnchorMoveDownX24, step[LAST].nextAnchorMoveUpX24, publish.initialX24, publish.maintenanceX24
    );
}
