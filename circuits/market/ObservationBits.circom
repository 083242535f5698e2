pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  ObservationBits
 * @notice Splits observation words, two slots each, into the bits of their slots. Claim: Q1.
 * @param  SLOTS  how many
 * @input  words  [ceil(SLOTS / 2)]  slot j in word j / 2, the even one in the low bits
 * @output bits   [SLOTS][108]  boolean
 *
 * A word of two slots is refused at 2^216 and above, a last word of one slot at 2^108: no bit goes unused.
 */
template ObservationBits(SLOTS) {
    var PAIRS = (SLOTS + 1) \ 2;
    signal input words[PAIRS];
    signal output bits[SLOTS][108];

    component wordBits[PAIRS];
    for (var j = 0; j < PAIRS; j++) {
        var IN_WORD = 2 * j + 1 < SLOTS ? 2 : 1;
        wordBits[j] = Num2Bits(108 * IN_WORD);
        wordBits[j].in <== words[j];
        for (var s = 0; s < IN_WORD; s++) {
            for (var i = 0; i < 108; i++) {
                bits[2 * j + s][i] <== wordBits[j].out[108 * s + i];
            }
        }
    }
}
