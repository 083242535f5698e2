pragma circom 2.2.3;

include "../options/ArrayHeader.circom";
include "../portfolio/layout.circom";
include "Commitment.circom";

/**
 * @title  ArrayRoot
 * @notice Root of a risk array: commitment to its header and to each strike's leaf. Claim: L5.
 * @param  SLOTS   strikes
 * @input  header  [29]
 * @input  leaves  [SLOTS][42]
 * @output out     []
 */
template ArrayRoot(SLOTS) {
    signal input header[headerElements()], leaves[SLOTS][leafElements()];
    signal output out;

    component root = Commitment(headerElements() + SLOTS);
    for (var i = 0; i < headerElements(); i++) {
        root.words[i] <== header[i];
    }
    component leaf[SLOTS];
    for (var j = 0; j < SLOTS; j++) {
        leaf[j] = Commitment(leafElements());
        leaf[j].words <== leaves[j];
        root.words[headerElements() + j] <== leaf[j].out;
    }
    out <== root.out;
}
