pragma circom 2.2.3;

include "bitify.circom";

/**
 * @title  SignAndBits
 * @notice Bits of in if in >= 0, of -in - 1 if not: a number's magnitude for table look-ups, where the
 *         missing unit of a negative one is added as a carry. Unlike a magnitude it has one zero.
 * @param  BITS      in.signedbit
 * @input  in        []  tagged signed width, at most 252
 * @output negative  []  binary
 * @output bits      [BITS]  least significant first, binary
 *
 * negative is a hint with one accepted value: in >= 0 with negative = 1 would need -in - 1 >= 0, and in < 0 with
 * negative = 0 would need in >= 0. BITS + 2 rows. Claim: M19.
 */
template SignAndBits(BITS) {
    signal input {signedbit} in;
    signal output {binary, maxbit} negative;
    signal output bits[BITS];

    assert(in.signedbit == BITS);
    assert(BITS <= 252);

    signal isNegative <-- in < 0 ? 1 : 0;
    isNegative * (1 - isNegative) === 0;
    signal folded <== (1 - 2 * isNegative) * in - isNegative;
    bits <== Num2Bits(BITS)(folded);

    negative.maxbit = 1;
    negative <== isNegative;
}
