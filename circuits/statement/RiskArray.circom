pragma circom 2.2.3;

include "../generated/packedWords.circom";
include "../options/ExpiryArray.circom";
include "Commitment.circom";
include "Evaluation.circom";

/**
 * @title  RiskArray
 * @notice One expiry priced under every scenario, for all accounts to share. Claims: Q2, Q3, and those of ExpiryArray.
 * @param  STRIKES   how many
 * @input  challenge      []  public; chosen by the contract after the commitment
 * @input  words as circuits/statements.ts has them; strikes five a word, places after the last are 0
 * @output commitment     []  to the input words
 * @output evaluation     []  of all words at the challenge; the one output word is the array's root, the commitment to
 *                            the header and to each leaf's commitment
 */
template RiskArray(STRIKES) {
    var STRIKE_WORDS = (STRIKES + 4) \ 5;
    var INPUT_WORDS = 21 + STRIKE_WORDS;
    signal input challenge;
    signal input scenarioRegular[7], scenarioUpOnly[5], scenarioSpecial;
    signal input volatilityShocks, skewLinear, skewAbsolute, longDiscount, shortDiscount;
    signal input expiryForward, expirySurface, expirySurfaceShape, strikes[STRIKE_WORDS];
    signal output commitment, evaluation;

    component array = ExpiryArray(STRIKES);
    array.scenarioRegular <== scenarioRegular;
    array.scenarioUpOnly <== scenarioUpOnly;
    array.scenarioSpecial <== scenarioSpecial;
    array.volatilityShocks <== volatilityShocks;
    array.skewLinear <== skewLinear;
    array.skewAbsolute <== skewAbsolute;
    array.longDiscount <== longDiscount;
    array.shortDiscount <== shortDiscount;
    array.expiryForward <== expiryForward;
    array.expirySurface <== expirySurface;
    array.expirySurfaceShape <== expirySurfaceShape;

    // A word of fewer strikes is checked at their width: what comes after them is 0.
    component strikeBits[STRIKE_WORDS];
    signal {maxbit} strike[STRIKES];
    strike.maxbit = 48;
    for (var w = 0; w < STRIKE_WORDS; w++) {
        var HERE = w < STRIKE_WORDS - 1 ? 5 : STRIKES - 5 * w;
        strikeBits[w] = Num2Bits(48 * HERE);
        strikeBits[w].in <== strikes[w];
        for (var i = 0; i < HERE; i++) {
            var number = 0;
            for (var b = 48 * i + 47; b >= 48 * i; b--) {
                number += number + strikeBits[w].out[b];
            }
            strike[5 * w + i] <== number;
        }
    }

    array.strikes <== strike;

    signal words[INPUT_WORDS + 1];
    for (var i = 0; i < 7; i++) {
        words[i] <== scenarioRegular[i];
    }
    for (var i = 0; i < 5; i++) {
        words[7 + i] <== scenarioUpOnly[i];
    }
    words[12] <== scenarioSpecial;
    words[13] <== volatilityShocks;
    words[14] <== skewLinear;
    words[15] <== skewAbsolute;
    words[16] <== longDiscount;
    words[17] <== shortDiscount;
    words[18] <== expiryForward;
    words[19] <== expirySurface;
    words[20] <== expirySurfaceShape;
    for (var w = 0; w < STRIKE_WORDS; w++) {
        words[21 + w] <== strikes[w];
    }

    component leafRoot[STRIKES];
    component root = Commitment(29 + STRIKES);
    for (var i = 0; i < 29; i++) {
        root.words[i] <== array.header[i];
    }
    for (var i = 0; i < STRIKES; i++) {
        leafRoot[i] = Commitment(42);
        leafRoot[i].words <== array.leaves[i];
        root.words[29 + i] <== leafRoot[i].out;
    }
    words[INPUT_WORDS] <== root.out;

    component commit = Commitment(INPUT_WORDS);
    for (var i = 0; i < INPUT_WORDS; i++) {
        commit.words[i] <== words[i];
    }
    commitment <== commit.out;
    evaluation <== Evaluation(INPUT_WORDS + 1)(words, challenge);
}
