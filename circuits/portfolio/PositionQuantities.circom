pragma circom 2.2.3;

include "bitify.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";

/**
 * @title  PositionQuantities
 * @notice What a position word holds of a given strike of a given expiry. No witness if the word is of another strike or
 *         expiry. Claim: L1.
 * @input  word      []  see optionPosition in circuits/statements.ts; a field element
 * @input  expiry    []  below 2^32, as the array proves
 * @input  strikeE8  []  below 2^48, as the array proves
 * @output callsE12, putsE12, netE12  []  signed; net is their sum
 * @output grossE12       []  |calls| + |puts|, at most 2^61
 * @output nakedShortE12  []  what net is below 0
 *
 * word = expiry + 2^32 * strike + 2^80 * quantities with the quantities below 2^122: the right side is below 2^202 < p,
 * so the equation holds between integers, and its fields are those of the word.
 */
template PositionQuantities() {
    signal input word, expiry, strikeE8;
    signal output callsE12, putsE12, netE12, grossE12, nakedShortE12;

    var BITS = 61;
    signal bits[2 * BITS] <== Num2Bits(2 * BITS)((word - expiry - strikeE8 * 2 ** 32) / 2 ** 80);
    var calls = 0;
    var puts = 0;
    for (var i = BITS - 1; i >= 0; i--) {
        calls += calls + bits[i];
        puts += puts + bits[BITS + i];
    }
    callsE12 <== calls - 2 ** (BITS - 1);
    putsE12 <== puts - 2 ** (BITS - 1);
    netE12 <== callsE12 + putsE12;

    // The top bit of a field says that it is not negative.
    signal callsMagnitude <== (2 * bits[BITS - 1] - 1) * callsE12;
    signal putsMagnitude <== (2 * bits[2 * BITS - 1] - 1) * putsE12;
    grossE12 <== callsMagnitude + putsMagnitude;

    component net = FloorAndSign(0);
    net.in <== AssumeSigned(BITS)(netE12); // two quantities of 60 bits
    nakedShortE12 <== -net.negative * netE12;
}
