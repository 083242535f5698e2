pragma circom 2.2.3;

include "bitify.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/BitsToSignedNumber.circom";
include "../math/FloorAndSign.circom";

/**
 * @title  PositionQuantities
 * @notice What a position word holds of a given strike of a given expiry. No witness if the word is of another strike or
 *         expiry. Claim: L1.
 * @input  word      []  see optionPosition in circuits/statements/portfolio.ts; a field element
 * @input  expiry    []  32 bits
 * @input  strikeE8  []  48 bits
 * @output callsE12, putsE12, netE12  []  60, 60 and 61 bits and a sign; net is their sum
 * @output grossE12       []  |calls| + |puts|, at most 2^61
 * @output nakedShortE12  []  what net is below 0, at most 2^61
 *
 * word = expiry + 2^32 * strike + 2^80 * quantities with the quantities below 2^122: the right side is below 2^202 < p,
 * so the equation holds between integers, and its fields are those of the word.
 */
template PositionQuantities() {
    signal input word;
    signal input {maxbit} expiry, strikeE8;
    signal output {signedbit} callsE12, putsE12, netE12;
    signal output {maxbit} grossE12, nakedShortE12;

    var BITS = 61;
    assert(expiry.maxbit <= 32 && strikeE8.maxbit <= 48);
    signal bits[2 * BITS] <== Num2Bits(2 * BITS)((word - expiry - strikeE8 * 2 ** 32) / 2 ** 80);
    callsE12 <== BitsToSignedNumber(2 * BITS, 0, BITS)(bits);
    putsE12 <== BitsToSignedNumber(2 * BITS, BITS, BITS)(bits);
    netE12 <== AssumeSigned(BITS)(callsE12 + putsE12); // two quantities of 60 bits

    // The top bit of a field says that it is not negative.
    signal callsMagnitude <== (2 * bits[BITS - 1] - 1) * callsE12;
    signal putsMagnitude <== (2 * bits[2 * BITS - 1] - 1) * putsE12;
    grossE12 <== AssumeBits(BITS + 1)(callsMagnitude + putsMagnitude); // each at most 2^60

    component net = FloorAndSign(0);
    net.in <== netE12;
    nakedShortE12 <== AssumeBits(BITS + 1)(-net.negative * netE12);
}
