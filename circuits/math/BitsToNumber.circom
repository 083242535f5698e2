pragma circom 2.2.3;

/**
 * @title  BitsToNumber
 * @notice Linear form of the bits [FROM, FROM + BITS) of a word. Claim: Q1.
 * @param  TOTAL_BITS, FROM, BITS  width of the word, lowest bit, how many; at most 253
 * @input  bits  [TOTAL_BITS]  boolean, least significant first
 * @output out   []  maxbit = BITS
 */
template BitsToNumber(TOTAL_BITS, FROM, BITS) {
    signal input bits[TOTAL_BITS];
    signal output {maxbit} out;

    assert(BITS <= 253);
    var number = 0;
    for (var i = FROM + BITS - 1; i >= FROM; i--) {
        number += number + bits[i];
    }
    out.maxbit = BITS;
    out <== number;
}
