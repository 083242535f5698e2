pragma circom 2.2.3;

include "ShiftRightDown.circom";

/**
 * @title  SignedShiftRightDown
 * @notice out = floor(in / 2^DROP), towards minus infinity.
 * @param  DROP  bits to drop, 0 < DROP <= in.signedbit
 * @input  in    []  tagged signed width S, at most 252
 * @output out   []  signedbit = S - DROP
 *
 * floor(in / 2^DROP) = floor((in + 2^S) / 2^DROP) - 2^(S - DROP), of a sum in [0, 2^(S + 1)). S + 1 rows. Claim: M19.
 */
template SignedShiftRightDown(DROP) {
    signal input {signedbit} in;
    signal output {signedbit} out;

    var SIGNED_BITS = in.signedbit;
    signal {maxbit} raised;
    raised.maxbit = SIGNED_BITS + 1;
    raised <== in + 2 ** SIGNED_BITS;

    signal {maxbit} quotient <== ShiftRightDown(DROP)(raised);
    out.signedbit = SIGNED_BITS - DROP;
    out <== quotient - 2 ** (SIGNED_BITS - DROP);
}
