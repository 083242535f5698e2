pragma circom 2.2.3;

include "RangeCheck.circom";

/**
 * @title  DivDown
 * @notice out = floor(numerator / denominator).
 * @param  QUOTIENT_BITS  the quotient must be below 2^QUOTIENT_BITS, else there is no witness
 * @input  numerator    []  tagged width, at most 253
 * @input  denominator  []  tagged width D; zero has no witness
 * @output out          []  maxbit = QUOTIENT_BITS
 *
 * Sound because 0 <= remainder < denominator and out * denominator + remainder
 * < 2^(QUOTIENT_BITS + D) + 2^D < p, so the equation holds between integers, where the quotient is
 * unique. With denominator 0 the third check would need -1 - remainder >= 0.
 * QUOTIENT_BITS + 2 D + 1 rows. Claim: M7.
 */
template DivDown(QUOTIENT_BITS) {
    signal input {maxbit} numerator, denominator;
    signal output {maxbit} out;

    var DENOMINATOR_BITS = denominator.maxbit;
    assert(numerator.maxbit <= 253);
    assert(QUOTIENT_BITS + DENOMINATOR_BITS <= 252);

    signal quotient <-- denominator == 0 ? 0 : numerator \ denominator;
    signal {maxbit} boundedQuotient <== RangeCheck(QUOTIENT_BITS)(quotient);
    signal remainder <== numerator - boundedQuotient * denominator;
    signal {maxbit} boundedRemainder <== RangeCheck(DENOMINATOR_BITS)(remainder);
    signal {maxbit} distance <== RangeCheck(DENOMINATOR_BITS)(denominator - 1 - remainder);

    out.maxbit = QUOTIENT_BITS;
    out <== boundedQuotient;
}
