pragma circom 2.2.3;

include "../generated/packedWords.circom";
include "../market/ObservationBits.circom";
include "../parameters/MarketStep.circom";
include "Commitment.circom";
include "Evaluation.circom";

/**
 * @title  MarketRisk
 * @notice A batch of markets: observations to volatility state to risk parameters. Claims: Q2, Q3, and those of
 *         MarketStep for every market.
 * @param  MARKETS, SLOTS, TEST_EVERY_SLOT, SLOW_SHIFT  see MarketStep
 * @input  challenge      []  public; chosen by the contract after the commitment
 * @input  learningPolicy, marginPolicy  []  packed words
 * @input  previousVolatilityState, previousAnchorState, marketPolicy  [MARKETS]  packed words
 * @input  observations   [MARKETS][ceil(SLOTS / 2)]  two slots a word, the earlier one in the low bits
 * @output commitment     []  to the input words
 * @output evaluation     []  of all words at the challenge
 *
 * The outputs of MarketStep follow from its inputs alone, so the commitment to the inputs fixes every word before the
 * challenge exists (docs/statement.md). A smaller batch repeats its first market: nothing needs masking.
 */
template MarketRisk(MARKETS, SLOTS, TEST_EVERY_SLOT, SLOW_SHIFT) {
    var PAIRS = (SLOTS + 1) \ 2;
    signal input challenge;
    signal input learningPolicy, marginPolicy;
    signal input previousVolatilityState[MARKETS], previousAnchorState[MARKETS], marketPolicy[MARKETS];
    signal input observations[MARKETS][PAIRS];
    signal output commitment, evaluation;

    component learning = UnpackLearningPolicy();
    learning.word <== learningPolicy;
    component margin = UnpackMarginPolicy();
    margin.word <== marginPolicy;

    var INPUT_WORDS = 2 + MARKETS * (3 + PAIRS);
    var WORDS = INPUT_WORDS + MARKETS * 3;
    component commit = Commitment(INPUT_WORDS);
    component evaluate = Evaluation(WORDS);
    evaluate.challenge <== challenge;

    signal words[WORDS];
    words[0] <== learningPolicy;
    words[1] <== marginPolicy;
    component market[MARKETS];
    for (var m = 0; m < MARKETS; m++) {
        market[m] = MarketStep(SLOTS, TEST_EVERY_SLOT, SLOW_SHIFT);
        market[m].previousVolatilityState <== previousVolatilityState[m];
        market[m].previousAnchorState <== previousAnchorState[m];
        market[m].marketPolicy <== marketPolicy[m];
        market[m].slotBits <== ObservationBits(SLOTS)(observations[m]);
        market[m].decayRateX36 <== learning.decayRateX36;
        market[m].horizonSeconds <== learning.horizonSeconds;
        market[m].sqrtHorizonX24 <== learning.sqrtHorizonX24;
        market[m].stepUpX18 <== learning.stepUpX18;
        market[m].stepDownX18 <== learning.stepDownX18;
        market[m].multiplierFloorX18 <== learning.multiplierFloorX18;
        market[m].multiplierCeilingX18 <== learning.multiplierCeilingX18;
        market[m].impliedWeightX10 <== margin.impliedWeightX10;
        market[m].stressWeightX10 <== margin.stressWeightX10;
        market[m].scanMultipleX8 <== margin.scanMultipleX8;
        market[m].loosenPerSecondX32 <== margin.loosenPerSecondX32;
        market[m].tightenPerSecondX32 <== margin.tightenPerSecondX32;
        market[m].initialMarginBufferX10 <== margin.initialMarginBufferX10;

        var IN = 2 + m * (3 + PAIRS);
        words[IN] <== previousVolatilityState[m];
        words[IN + 1] <== previousAnchorState[m];
        words[IN + 2] <== marketPolicy[m];
        for (var j = 0; j < PAIRS; j++) {
            words[IN + 3 + j] <== observations[m][j];
        }
        var OUT = INPUT_WORDS + m * 3;
        words[OUT] <== market[m].volatilityState;
        words[OUT + 1] <== market[m].anchorState;
        words[OUT + 2] <== market[m].parameters;
    }

    for (var i = 0; i < INPUT_WORDS; i++) {
        commit.words[i] <== words[i];
    }
    evaluate.words <== words;
    commitment <== commit.out;
    evaluation <== evaluate.out;
}
