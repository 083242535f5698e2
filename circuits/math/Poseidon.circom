pragma circom 2.2.3;

include "poseidon_constants.circom";

/**
 * @title  Poseidon
 * @notice circomlib's Poseidon of up to 16 field elements with as many constraints (test/math/poseidon.test.ts). There, what
 *         is linear is made of signals, which take the compiler most of its time to remove, and each round of each instance
 *         copies the constants of all rounds at run time.
 * @param  INPUTS  1 to 16
 * @input  inputs  [INPUTS]
 * @output out     []
 * @see    https://github.com/iden3/circomlib/blob/v2.0.5/circuits/poseidon.circom
 */
template Poseidon(INPUTS) {
    signal input inputs[INPUTS];
    signal output out;

    component permutation = PoseidonPermutation(INPUTS);
    permutation.initialState <== 0;
    for (var i = 0; i < INPUTS; i++) {
        permutation.inputs[i] <== inputs[i];
    }
    out <== permutation.out;
}

/**
 * @title  PoseidonPermutation
 * @notice Four full rounds, partial rounds on the first element alone, four full rounds; the first element of the result.
 * @param  INPUTS        1 to 16
 * @input  inputs        [INPUTS]
 * @input  initialState  []
 * @output out           []
 *
 * The constants are those of the optimised form: P goes over to partial rounds, whose matrices are sparse. What is linear
 * stays an expression: as signals it would be a thousand constraints of a permutation that the compiler has to take out.
 * @see    https://eprint.iacr.org/2019/458.pdf, tables 2 and 8
 */
template PoseidonPermutation(INPUTS) {
    signal input inputs[INPUTS];
    signal input initialState;
    signal output out;

    var PARTIAL_ROUNDS[16] = [56, 57, 56, 60, 60, 63, 64, 63, 60, 66, 60, 65, 70, 60, 64, 68];
    var PARTIAL = PARTIAL_ROUNDS[INPUTS - 1];
    var WIDTH = INPUTS + 1;
    var C[8 * WIDTH + PARTIAL] = POSEIDON_C(WIDTH);
    var S[PARTIAL * (2 * WIDTH - 1)] = POSEIDON_S(WIDTH);
    var M[WIDTH][WIDTH] = POSEIDON_M(WIDTH);
    var P[WIDTH][WIDTH] = POSEIDON_P(WIDTH);

    var POWERS = 8 * WIDTH + PARTIAL;
    signal square[POWERS], fourth[POWERS], fifth[POWERS];
    var k = 0;
    var state[WIDTH];
    var next[WIDTH];
    for (var j = 0; j < WIDTH; j++) {
        state[j] = (j == 0 ? initialState : inputs[j - 1]) + C[j];
    }
    for (var r = 0; r < 8; r++) {
        if (r == 4) {
            for (var p = 0; p < PARTIAL; p++) {
                square[k] <== state[0] * state[0];
                fourth[k] <== square[k] * square[k];
                fifth[k] <== fourth[k] * state[0];
                state[0] = fifth[k] + C[5 * WIDTH + p];
                k++;
                var AT = (2 * WIDTH - 1) * p;
                var sum = 0;
                for (var j = 0; j < WIDTH; j++) {
                    sum += S[AT + j] * state[j];
                }
                for (var j = 1; j < WIDTH; j++) {
                    state[j] += S[AT + WIDTH + j - 1] * state[0];
                }
                state[0] = sum;
            }
        }
        for (var j = 0; j < WIDTH; j++) {
            square[k] <== state[j] * state[j];
            fourth[k] <== square[k] * square[k];
            fifth[k] <== fourth[k] * state[j];
            state[j] = fifth[k] + (r < 7 ? C[(r + 1) * WIDTH + (r < 4 ? 0 : PARTIAL) + j] : 0);
            k++;
        }
        for (var i = 0; i < WIDTH; i++) {
            next[i] = 0;
            for (var j = 0; j < WIDTH; j++) {
                next[i] += (r == 3 ? P[j][i] : M[j][i]) * state[j];
            }
        }
        state = next;
    }
    out <== state[0];
}
