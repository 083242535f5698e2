pragma circom 2.2.3;

include "RangeCheck.circom";
include "integerSquareRoot.circom";

/**
 * @title  SqrtDown
 * @notice out = floor(sqrt(in)). An even number of fraction bits 2F going in gives F coming out.
 * @input  in   []  tagged width, at most 248
 * @output out  []  maxbit = ceil(in.maxbit / 2), below called HALF
 *
 * The root s is fixed by r = in - s^2 and 2s - r both lying in [0, 2^(HALF + 1)): then r is in [0, 2s].
 * s needs no range check of its own. Let t = r + (2s - r) < 2^(HALF + 2). If t is even, s = t / 2 and
 * s^2 = in - r holds between integers. If t were odd, s = (t + p) / 2 and t^2 = 4 (in - r) mod p; both
 * sides are below 2^(2 HALF + 5) <= 2^253 in size, so t^2 = 4 (in - r) and t would be even.
 * 2 HALF + 3 rows. Claim: M9.
 */
template SqrtDown() {
    signal input {maxbit} in;
    signal output {maxbit} out;

    assert(in.maxbit <= 248);
    var HALF = (in.maxbit + 1) \ 2;

    signal root <-- integerSquareRoot(in);
    signal remainder <== in - root * root;
    signal {maxbit} boundedRemainder <== RangeCheck(HALF + 1)(remainder);
    signal {maxbit} distance <== RangeCheck(HALF + 1)(2 * root - remainder);

    out.maxbit = HALF;
    out <== root;
}
