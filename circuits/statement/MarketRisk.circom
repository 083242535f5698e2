pragma circom 2.2.3;

include "../generated/frames/MarketRiskFrame.circom";
include "../generated/words/LearningPolicy.circom";
include "../generated/words/MarginPolicy.circom";
include "../generated/words/Observation.circom";
include "../parameters/MarketStep.circom";

/**
 * @title  MarketRisk
 * @notice A batch of markets: observations to volatility state to risk parameters. Claims: Q2, Q3, and those of
 *         MarketStep for every market.
 * @param  MARKETS, SLOTS, TEST_EVERY_SLOT, MODEL  see MarketStep
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
template MarketRisk(MARKETS, SLOTS, TEST_EVERY_SLOT, MODEL) {
    signal input challenge;
    signal input learningPolicy, marginPolicy;
    signal input previousVolatilityState[MARKETS], previousAnchorState[MARKETS], marketPolicy[MARKETS];
    signal input observations[MARKETS][(SLOTS + 1) \ 2];
    signal output commitment, evaluation;

    component learning = UnpackLearningPolicy();
    learning.word <== learningPolicy;
    component margin = UnpackMarginPolicy();
    margin.word <== marginPolicy;

    component frame = MarketRiskFrame(MARKETS, SLOTS);
    frame.challenge <== challenge;
    frame.learningPolicy <== learningPolicy;
    frame.marginPolicy <== marginPolicy;
    frame.previousVolatilityState <== previousVolatilityState;
    frame.previousAnchorState <== previousAnchorState;
    frame.marketPolicy <== marketPolicy;
    frame.observations <== observations;

    component market[MARKETS];
    for (var m = 0; m < MARKETS; m++) {
        market[m] = MarketStep(SLOTS, TEST_EVERY_SLOT, MODEL);
        market[m].previousVolatilityState <== previousVolatilityState[m];
        market[m].previousAnchorState <== previousAnchorState[m];
        market[m].marketPolicy <== marketPolicy[m];
        market[m].slotBits <== ObservationBits(SLOTS)(observations[m]);
        market[m].learning <== learning.fields;
        market[m].margin <== margin.fields;
        frame.volatilityState[m] <== market[m].volatilityState;
        frame.anchorState[m] <== market[m].anchorState;
        frame.parameters[m] <== market[m].parameters;
    }
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
