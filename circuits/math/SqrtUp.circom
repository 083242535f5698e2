pragma circom 2.2.3;

include "comparators.circom";
include "RangeCheck.circom";
include "integerSquareRoot.circom";

/**
 * @title  SqrtUp
 * @notice out = ceil(sqrt(in)).
 * @input  in   []  tagged width, at most 248
 * @output out  []  maxbit = in.maxbit / 2 + 1, or (in.maxbit + 1) / 2 if in.maxbit is odd
 *
 * For in >= 1 the root s is the one with r = s^2 - in in [0, 2s - 2]; s needs no range check of its own,
 * by the argument of SqrtDown with t = r + (2s - 2 - r) and (s - 1)^2 = in - 1 - (2s - 2 - r).
 * Zero is treated as one and the root lowered again: the isZero row of IsZero fixes it; its
 * inverse is free at zero and reaches no other row. 2 HALF + 5 rows. Claim: M10.
 */
template SqrtUp() {
    signal input {maxbit} in;
    signal output {maxbit} out;

    assert(in.maxbit <= 248);
    var HALF = (in.maxbit + 1) \ 2;

    signal isZero <== IsZero()(in);
    signal positive <== in + isZero;
    signal root <-- integerSquareRoot(positive - 1) + 1;
    signal excess <== root * root - positive;
    signal {maxbit} boundedExcess <== RangeCheck(HALF + 1)(excess);
    signal {maxbit} distance <== RangeCheck(HALF + 1)(2 * root - 2 - excess);

    out.maxbit = in.maxbit \ 2 + 1;
    out <== root - isZero;
}
