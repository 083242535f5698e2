pragma circom 2.2.3;

include "../math/Multiply.circom";
include "../math/ShiftRightUpSaturate.circom";

/**
 * @title  HorizonMove
 * @notice Predicted move over one horizon, multiplier * sigma * sqrt(horizon in years), rounded up. Claim: P2.
 * @input  multiplierX18        []  22 bits
 * @input  scaledVolatilityX48  []  volatilityX24 * sqrtHorizonX24, 52 bits, exact
 * @output out  []  X24 log return; saturates at 2^24 - 1, just below 1
 */
template HorizonMove() {
    signal input {maxbit} multiplierX18, scaledVolatilityX48;
    signal output {maxbit} out;

    signal {maxbit} moveX66 <== Multiply()(multiplierX18, scaledVolatilityX48); // 22 + 52 bits
    out <== ShiftRightUpSaturate(42, 24)(moveX66);
}
