pragma circom 2.2.3;

include "../math/AbsoluteDifference.circom";
include "../math/AssumeBits.circom";
include "../math/Min.circom";
include "../math/ShiftLeft.circom";

/**
 * @title  WinsorisedReturn
 * @notice Absolute log return, raised by more than two logarithms rounded down can hide, at most maxReturn. Claim: V2.
 * @input  previousLnPriceX26, lnPriceX26  []  32 bits
 * @input  maxReturnX16  []  16 bits
 * @output out  []  X26, 26 bits
 */
template WinsorisedReturn() {
    signal input {maxbit} previousLnPriceX26, lnPriceX26, maxReturnX16;
    signal output {maxbit} out;

    assert(previousLnPriceX26.maxbit <= 32);
    assert(lnPriceX26.maxbit <= 32);
    assert(maxReturnX16.maxbit <= 16);
    signal {maxbit} absoluteX26 <== AbsoluteDifference()(lnPriceX26, previousLnPriceX26);
    signal {maxbit} raisedX26 <== AssumeBits(33)(absoluteX26 + 2); // 32 bits + 2
    signal {maxbit} boundX26 <== ShiftLeft(10)(maxReturnX16); // 26 bits
    out <== Min()(raisedX26, boundX26); // at most boundX26: 26 bits
}
