pragma circom 2.2.3;

include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/ShiftLeft.circom";
include "../math/SubtractOrZero.circom";

/**
 * @title  LoanToValue
 * @notice 1 - margin - bonus, never below 0; exact. Claim: P7.
 * @input  marginX24  []  24 bits, above 0
 * @input  bonusX16   []  16 bits
 * @output out        []  X24, 24 bits
 */
template LoanToValue() {
    signal input {maxbit} marginX24, bonusX16;
    signal output {maxbit} out;

    signal {maxbit} bonusX24 <== ShiftLeft(8)(bonusX16);
    signal {maxbit} taken <== Add()(marginX24, bonusX24);
    signal {maxbit} one <== AssumeBits(25)(2 ** 24);
    signal {maxbit} left <== SubtractOrZero()(one, taken);
    out <== AssumeBits(24)(left); // below 2^24 since a margin is above 0
}
