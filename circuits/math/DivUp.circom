pragma circom 2.2.3;

include "RangeCheck.circom";

/**
 * @title  DivUp
 * @notice out = ceil(numerator / denominator).
 * @param  QUOTIENT_BITS  the quotient must be below 2^QUOTIENT_BITS, else there is no witness
 * @input  numerator    []  tagged width, at most 252
 * @input  denominator  []  tagged width D; zero has no witness
 * @output out          []  maxbit = QUOTIENT_BITS
 *
 * out * denominator = numerator + excess with 0 <= excess < denominator: the ceiling and nothing else.
 * Both sides stay below 2^253 < p. QUOTIENT_BITS + 2 D + 1 rows. Claim: M8.
 */
template DivUp(QUOTIENT_BITS) {
    signal input {maxbit} numerator, denominator;
    signal output {maxbit} out;

    var DENOMINATOR_BITS = denominator.maxbit;
    assert(numerator.maxbit <= 252);
    assert(QUOTIENT_BITS + DENOMINATOR_BITS <= 252);

    signal quotient <-- denominator == 0 ? 0 : (numerator + denominator - 1) \ denominator;
    signal {maxbit} boundedQuotient <== RangeCheck(QUOTIENT_BITS)(quotient);
    signal excess <== boundedQuotient * denominator - numerator;
    signal {maxbit} boundedExcess <== RangeCheck(DENOMINATOR_BITS)(excess);
    signal {maxbit} distance <== RangeCheck(DENOMINATOR_BITS)(denominator - 1 - excess);

    out.maxbit = QUOTIENT_BITS;
    out <== boundedQuotient;
}
