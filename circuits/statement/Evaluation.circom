pragma circom 2.2.3;

/**
 * @title  Evaluation
 * @notice The statement as a polynomial at the challenge: sum of words[i] * challenge^i. Claim: Q3.
 * @param  WORDS  how many, at least 2
 * @input  words      [WORDS]
 * @input  challenge  []
 * @output out        []
 */
template Evaluation(WORDS) {
    signal input words[WORDS], challenge;
    signal output out;

    signal sums[WORDS];
    sums[WORDS - 1] <== words[WORDS - 1];
    for (var i = WORDS - 2; i >= 0; i--) {
        sums[i] <== sums[i + 1] * challenge + words[i];
    }
    out <== sums[0];
}
