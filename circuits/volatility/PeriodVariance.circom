pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/DivUp.circom";

/**
 * @title  PeriodVariance
 * @notice What one period alone says of the annualised variance: a squared move times seconds a year, over the seconds
 *         it took. Claims: V2, V3.
 * @param  SCALE_BITS     fraction bits of the seconds, at most 16
 * @param  QUOTIENT_BITS  2^(QUOTIENT_BITS - 61) times 2^-SCALE_BITS is no more than the shortest period
 * @input  annualisedX52  []  squared move * seconds a year, below 2^77
 * @input  elapsed  []  seconds, at most 39 bits; 0 only in an unused slot
 * @input  unused   []  boolean
 * @output out      []  X36, QUOTIENT_BITS bits, rounded up
 */
template PeriodVariance(SCALE_BITS, QUOTIENT_BITS) {
    signal input {maxbit} annualisedX52, elapsed;
    signal input unused;
    signal output {maxbit} out;

    assert(annualisedX52.maxbit <= 77);
    assert(elapsed.maxbit <= 39);
    signal {maxbit} denominator <== AssumeBits(elapsed.maxbit + 17 - SCALE_BITS)(
        (elapsed + unused) * 2 ** (16 - SCALE_BITS)
    ); // a bit more for an elapsed that is full
    out <== DivUp(QUOTIENT_BITS)(annualisedX52, denominator);
}
