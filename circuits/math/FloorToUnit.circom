pragma circom 2.2.3;

include "bitify.circom";
include "RangeCheck.circom";
include "bitWidth.circom";

/**
 * @title  FloorToUnit
 * @notice out = floor(in / (2^DROP * ODD)), towards minus infinity, and whether it is negative: from a fine scale to a
 *         decimal one. No witness if the result does not fit.
 * @param  DROP  power of 2 in the unit
 * @param  ODD   the rest of the unit
 * @param  BITS  the result lies in [-2^BITS, 2^BITS)
 * @input  in        []  tagged signed width, at most 252
 * @output out       []  signedbit = BITS
 * @output negative  []  binary; whether in is negative
 *
 * in + 2^BITS * UNIT = quotient * UNIT + remainder with the quotient below 2^(BITS + 1) and the remainder in [0, UNIT):
 * its bits from DROP on are at most ODD - 1. Both sides stay below 2^(BITS + 2) * UNIT <= 2^253, so the equation holds
 * between integers, where the quotient is unique. BITS + 1 + DROP + 2 * bitWidth(ODD) rows. Claim: M25.
 */
template FloorToUnit(DROP, ODD, BITS) {
    signal input {signedbit} in;
    signal output {signedbit} out;
    signal output {binary, maxbit} negative;

    var ODD_BITS = bitWidth(ODD);
    var UNIT = 2 ** DROP * ODD;
    assert(in.signedbit <= 252);
    assert(BITS + 2 + ODD_BITS + DROP <= 253);

    signal raised <== in + 2 ** BITS * UNIT;
    signal quotient <-- raised \ UNIT;
    signal quotientBits[BITS + 1] <== Num2Bits(BITS + 1)(quotient);
    signal remainderBits[DROP + ODD_BITS] <== Num2Bits(DROP + ODD_BITS)(raised - quotient * UNIT);
    var high = 0;
    for (var i = DROP + ODD_BITS - 1; i >= DROP; i--) {
        high += high + remainderBits[i];
    }
    signal {maxbit} distance <== RangeCheck(ODD_BITS)(ODD - 1 - high);

    out.signedbit = BITS;
    out <== quotient - 2 ** BITS;
    negative.maxbit = 1;
    negative <== 1 - quotientBits[BITS];
}
