pragma circom 2.2.3;

include "../math/Clamp.circom";
include "../math/IsLess.circom";
include "../math/MulUp.circom";
include "../math/ShiftLeft.circom";
include "Keep.circom";

/**
 * @title  ScanRange
 * @notice The wider side of the prediction, and the spot scan range: clamp(scanMultiple * move, floor, ceiling), rounded
 *         up. Claim: P3.
 * @input  moveDownX24, moveUpX24  []  24 bits; a move grows with its multiplier, so the greater multiplier's is the greater
 * @input  multiplierDownX18, multiplierUpX18  []  22 bits
 * @input  scanMultipleX8          []  12 bits
 * @input  floorX16, ceilingX16    []  18 bits
 * @output multiplierX18           []  the greater of the two
 * @output out                     []  X24, 26 bits
 */
template ScanRange() {
    signal input {maxbit} moveDownX24, moveUpX24, multiplierDownX18, multiplierUpX18, scanMultipleX8;
    signal input {maxbit} floorX16, ceilingX16;
    signal output {maxbit} multiplierX18, out;

    signal upIsWider <== IsLess()(multiplierDownX18, multiplierUpX18);
    multiplierX18 <== Keep(22)(upIsWider, multiplierUpX18, multiplierDownX18);
    signal {maxbit} moveX24 <== Keep(24)(upIsWider, moveUpX24, moveDownX24);
    signal {maxbit} rangeX24 <== MulUp(8)(moveX24, scanMultipleX8);
    signal {maxbit} floorX24 <== ShiftLeft(8)(floorX16);
    signal {maxbit} ceilingX24 <== ShiftLeft(8)(ceilingX16);
    out <== Clamp()(rangeX24, floorX24, ceilingX24); // at most the ceiling: 26 bits
}
