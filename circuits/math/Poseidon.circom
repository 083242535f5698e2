pragma circom 2.2.3;

include "poseidon_constants.circom";

/**
 * @title  Poseidon
 * @notice circomlib's Poseidon of up to 16 field elements, constraint for constraint (test/math/poseidon.test.ts). circom
 *         copies a template's array parameters at run time, for every instance, and circomlib passes the constants of
 *         all rounds to each: most of a generator's code and a quarter of its work. Here a round gets its own.
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
 * The constants are those of the optimised form: P goes over to partial rounds, whose matrices are sparse.
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

    // Signals are numbered by these names in alphabetical order, which is that of circomlib's.
    component constants[8], mix[7], mixSparse[PARTIAL], powerFull[8][WIDTH], powerPartial[PARTIAL];
    constants[0] = PoseidonConstants(WIDTH, poseidonPart(WIDTH, POSEIDON_C(WIDTH), 0));
    for (var j = 0; j < WIDTH; j++) {
        constants[0].in[j] <== j == 0 ? initialState : inputs[j - 1];
    }

    for (var r = 0; r < 8; r++) {
        if (r == 4) {
            for (var p = 0; p < PARTIAL; p++) {
                powerPartial[p] = FifthPower();
                powerPartial[p].in <== p == 0 ? mix[3].out[0] : mixSparse[p - 1].out[0];
                mixSparse[p] = PoseidonSparseMix(WIDTH, poseidonPart(2 * WIDTH - 1, POSEIDON_S(WIDTH), (2 * WIDTH - 1) * p));
                mixSparse[p].in[0] <== powerPartial[p].out + C[5 * WIDTH + p];
                for (var j = 1; j < WIDTH; j++) {
                    mixSparse[p].in[j] <== p == 0 ? mix[3].out[j] : mixSparse[p - 1].out[j];
                }
            }
        }
        for (var j = 0; j < WIDTH; j++) {
            powerFull[r][j] = FifthPower();
            powerFull[r][j].in <== r == 0 ? constants[0].out[j]
                : (r == 4 ? mixSparse[PARTIAL - 1].out[j] : mix[r - 1].out[j]);
        }
        if (r < 7) {
            constants[r + 1] = PoseidonConstants(
                WIDTH, poseidonPart(WIDTH, POSEIDON_C(WIDTH), (r + 1) * WIDTH + (r < 4 ? 0 : PARTIAL))
            );
            for (var j = 0; j < WIDTH; j++) {
                constants[r + 1].in[j] <== powerFull[r][j].out;
            }
            mix[r] = PoseidonMix(WIDTH, r == 3 ? POSEIDON_P(WIDTH) : POSEIDON_M(WIDTH));
            mix[r].in <== constants[r + 1].out;
        }
    }

    component mixLast = WeightedSum(WIDTH, poseidonColumn(WIDTH, POSEIDON_M(WIDTH)));
    for (var j = 0; j < WIDTH; j++) {
        mixLast.in[j] <== powerFull[7][j].out;
    }
    out <== mixLast.out;
}

/** out = in + CONSTANTS, each [WIDTH]. */
template PoseidonConstants(WIDTH, CONSTANTS) {
    signal input in[WIDTH];
    signal output out[WIDTH];

    for (var i = 0; i < WIDTH; i++) {
        out[i] <== in[i] + CONSTANTS[i];
    }
}

/** out = in^5: a permutation of the field, as 5 does not divide p - 1. */
template FifthPower() {
    signal input in;
    signal output out;

    signal square <== in * in;
    signal fourth <== square * square;
    out <== fourth * in;
}

/** out[i] is the sum of MATRIX[j][i] * in[j] over j. */
template PoseidonMix(WIDTH, MATRIX) {
    signal input in[WIDTH];
    signal output out[WIDTH];

    for (var i = 0; i < WIDTH; i++) {
        var sum = 0;
        for (var j = 0; j < WIDTH; j++) {
            sum += MATRIX[j][i] * in[j];
        }
        out[i] <== sum;
    }
}

/** A matrix with a row, a column and ones on the diagonal: the row is WEIGHTS' first WIDTH, the rest the column. */
template PoseidonSparseMix(WIDTH, WEIGHTS) {
    signal input in[WIDTH];
    signal output out[WIDTH];

    var sum = 0;
    for (var i = 0; i < WIDTH; i++) {
        sum += WEIGHTS[i] * in[i];
    }
    out[0] <== sum;
    for (var i = 1; i < WIDTH; i++) {
        out[i] <== in[i] + in[0] * WEIGHTS[WIDTH + i - 1];
    }
}

/** out is the sum of WEIGHTS[j] * in[j] over j. */
template WeightedSum(WIDTH, WEIGHTS) {
    signal input in[WIDTH];
    signal output out;

    var sum = 0;
    for (var j = 0; j < WIDTH; j++) {
        sum += WEIGHTS[j] * in[j];
    }
    out <== sum;
}

/** SIZE values from FROM on, then zeros. */
function poseidonPart(SIZE, VALUES, FROM) {
    var values[33];
    for (var i = 0; i < SIZE; i++) {
        values[i] = VALUES[FROM + i];
    }
    return values;
}

/** The first column of a matrix of WIDTH rows, then zeros. */
function poseidonColumn(WIDTH, MATRIX) {
    var values[33];
    for (var i = 0; i < WIDTH; i++) {
        values[i] = MATRIX[i][0];
    }
    return values;
}
