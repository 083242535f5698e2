pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/RangeCheck.circom";
include "../math/bitWidth.circom";

/**
 * @title  WorstScenario
 * @notice The least of CHOICES numbers, and the index of the first that has it. Claim: L8.
 * @param  CHOICES, SPREAD_BITS
 * @input  losses  [CHOICES]  tagged signed width, at most 250; further apart than 2^SPREAD_BITS they have no witness
 * @output least   []         losses' width
 * @output index   []
 *
 * `chosen` is a hint: one of its bits is set. The others close up over it, so the chosen number is what their sum lacks. Each of
 * them is at least the chosen one, and more than it if it comes before; differences stay below 2^251 either way, so what
 * lies in [0, 2^SPREAD_BITS) modulo p does so between integers, and one choice is accepted.
 * (CHOICES - 1) * (SPREAD_BITS + 1) + CHOICES rows.
 */
template WorstScenario(CHOICES, SPREAD_BITS) {
    signal input {signedbit} losses[CHOICES];
    signal output {signedbit} least;
    signal output {maxbit} index;

    assert(losses.signedbit <= 250 && SPREAD_BITS <= 251);

    var first = 0;
    for (var s = 1; s < CHOICES; s++) {
        if (losses[s] < losses[first]) {
            first = s;
        }
    }
    signal chosen[CHOICES];
    signal others[CHOICES - 1];
    var comesBefore[CHOICES];
    var count = 0;
    var sum = 0;
    var weighted = 0;
    for (var s = 0; s < CHOICES; s++) {
        chosen[s] <-- s == first ? 1 : 0;
        chosen[s] * (1 - chosen[s]) === 0;
        count += chosen[s];
        weighted += s * chosen[s];
        comesBefore[s] = 1 - count;
        sum += losses[s];
        if (s < CHOICES - 1) {
            others[s] <== losses[s + 1] + comesBefore[s] * (losses[s] - losses[s + 1]);
            sum -= others[s];
        }
    }
    signal ones <== count;
    ones === 1;
    least <== AssumeSigned(losses.signedbit)(sum); // one of them
    index <== AssumeBits(bitWidth(CHOICES - 1))(weighted);

    component above[CHOICES - 1];
    for (var s = 0; s < CHOICES - 1; s++) {
        above[s] = RangeCheck(SPREAD_BITS);
        above[s].in <== others[s] - least - comesBefore[s];
    }
}
