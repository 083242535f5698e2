pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/RangeCheck.circom";
include "../math/bitWidth.circom";

/**
 * @title  WorstScenario
 * @notice The least of CHOICES numbers, and the index of the first that has it. Claim: L8.
 * @param  CHOICES, BITS
 * @input  losses  [CHOICES]  in [-2^BITS, 2^BITS)
 * @output least   []
 * @output index   []
 *
 * `chosen` is a hint: one of its bits is set. Every number is at least the chosen one, and more than it if it comes
 * before; differences stay below 2^(BITS + 1), so one choice is accepted. CHOICES * (BITS + 3) rows.
 */
template WorstScenario(CHOICES, BITS) {
    signal input {signedbit} losses[CHOICES];
    signal output {signedbit} least;
    signal output {maxbit} index;

    assert(losses.signedbit <= BITS);

    var first = 0;
    for (var s = 1; s < CHOICES; s++) {
        if (losses[s] < losses[first]) {
            first = s;
        }
    }
    signal chosen[CHOICES];
    signal products[CHOICES];
    var count = 0;
    var sum = 0;
    var weighted = 0;
    for (var s = 0; s < CHOICES; s++) {
        chosen[s] <-- s == first ? 1 : 0;
        chosen[s] * (1 - chosen[s]) === 0;
        products[s] <== chosen[s] * losses[s];
        count += chosen[s];
        sum += products[s];
        weighted += s * chosen[s];
    }
    signal ones <== count;
    ones === 1;
    least <== AssumeSigned(BITS)(sum); // one of them
    index <== AssumeBits(bitWidth(CHOICES - 1))(weighted);

    component above[CHOICES];
    var comesBefore = 1;
    for (var s = 0; s < CHOICES; s++) {
        comesBefore -= chosen[s];
        above[s] = RangeCheck(BITS + 1);
        above[s].in <== losses[s] - least - comesBefore;
    }
}
