pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/DivUp.circom";

/**
 * @title  PeriodVariance
 * @notice What one period alone says of the annualised variance: a squared move times seconds a year, over the seconds
 *         it took. Claims: V2, V3.
 * @input  annualisedX52  []  squared move * seconds a year, below 2^77
 * @input  elapsed  []  seconds, 32 bits; 0 only in an unused slot
 * @input  unused   []  boolean
 * @output out      []  X36, 61 bits, rounded up
 */
template PeriodVariance() {
    signal input {maxbit} annualisedX52, elapsed;
    signal input unused;
    signal output {maxbit} out;

    assert(annualisedX52.maxbit <= 77);
    assert(elapsed.maxbit <= 32);
    signal {maxbit} denominator <== AssumeBits(49)((elapsed + unused) * 2 ** 16); // 32 bits + 1, + 16
    out <== DivUp(61)(annualisedX52, denominator); // below 2^77 / 2^16
}
