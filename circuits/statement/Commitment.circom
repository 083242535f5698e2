pragma circom 2.2.3;

include "../math/Poseidon.circom";

/**
 * @title  Commitment
 * @notice Poseidon chain over blocks of 15 words, starting from their number. Claim: Q2.
 * @param  WORDS  how many
 * @input  words  [WORDS]
 * @output out    []
 *
 * The start value separates vectors of different lengths; collision resistance is Poseidon's.
 */
template Commitment(WORDS) {
    signal input words[WORDS];
    signal output out;

    var RATE = 15;
    var BLOCKS = (WORDS + RATE - 1) \ RATE;
    component hash[BLOCKS];
    for (var b = 0; b < BLOCKS; b++) {
        var SIZE = b < BLOCKS - 1 ? RATE : WORDS - RATE * b;
        hash[b] = Poseidon(SIZE + 1);
        hash[b].inputs[0] <== b == 0 ? WORDS : hash[b - 1].out;
        for (var i = 0; i < SIZE; i++) {
            hash[b].inputs[i + 1] <== words[RATE * b + i];
        }
    }
    out <== hash[BLOCKS - 1].out;
}
