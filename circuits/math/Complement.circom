pragma circom 2.2.3;

include "bitWidth.circom";

/**
 * @title  Complement
 * @notice out = in.max - in, where in.max is the proven largest value of in: 1 - weight for a weight.
 * @input  in    []  tagged with its largest value, not only its width
 * @output out   []  in [0, in.max]; maxbit and max as in's
 *
 * No rows: the max tag is the proof that the difference is not negative. Claim: M18.
 */
template Complement() {
    signal input {maxbit, max} in;
    signal output {maxbit, max} out;

    out.maxbit = bitWidth(in.max);
    out.max = in.max;
    out <== in.max - in;
}
