pragma circom 2.2.3;

include "Max.circom";
include "Min.circom";

/**
 * @title  Clamp
 * @notice out = min(max(in, low), high): in, moved into [low, high].
 * @input  in, low, high  []  tagged widths; low <= high is the caller's duty, else out = high
 * @output out            []  maxbit = high's, or less if in and low are both narrower
 *
 * Claim: M12.
 */
template Clamp() {
    signal input {maxbit} in, low, high;
    signal output {maxbit} out;

    signal {maxbit} raised <== Max()(in, low);
    signal {maxbit} clamped <== Min()(raised, high);
    out.maxbit = raised.maxbit < high.maxbit ? raised.maxbit : high.maxbit;
    out <== clamped;
}
