pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/DivDown.circom";
include "../math/DivUp.circom";
include "../math/Saturate.circom";

/**
 * @title  Crossing
 * @notice Spot at the first point, going outward, where equity falls below 0, rounded towards spot. Claim: L10.
 * @param  IS_UP      1: outward is up, and 2^48 - 1 stands for none; 0: down, and 0 does
 * @input  spotE8     []   48 bits
 * @input  shocksX40  [4]  of the nodes from the present outward, 43 bits
 * @input  equityM    [4]  equity there, floored; 93 bits and a sign
 * @input  negative   [4]  boolean; whether equity is below 0
 * @output out        []   48 bits; spot itself if equity is negative already; saturates
 * @output exists     []   boolean
 *
 * Between the nodes on either side of the crossing equity is linear: shock = (outer * above - inner * below) /
 * (above - below) with above >= 0 > below, so that nothing in it is negative. Where there is no crossing all four are 0
 * and the divisor is 1.
 */
template Crossing(IS_UP) {
    signal input {maxbit} spotE8, shocksX40[4];
    signal input {signedbit} equityM[4];
    signal input negative[4];
    signal output {maxbit} out;
    signal output exists;

    signal holds[4]; // up to and including the node
    holds[0] <== 1 - negative[0];
    for (var i = 1; i < 4; i++) {
        holds[i] <== holds[i - 1] * (1 - negative[i]);
    }

    signal aboves[3], belows[3], inners[3], outers[3];
    var above = 0;
    var below = 0;
    var inner = 0;
    var outer = 0;
    for (var i = 0; i < 3; i++) {
        var crosses = holds[i] - holds[i + 1];
        aboves[i] <== crosses * equityM[i];
        belows[i] <== crosses * equityM[i + 1];
        inners[i] <== crosses * shocksX40[i];
        outers[i] <== crosses * shocksX40[i + 1];
        above += aboves[i];
        below += belows[i];
        inner += inners[i];
        outer += outers[i];
    }

    signal fromOuter <== outer * above;
    signal fromInner <== inner * below;
    // Neither term is negative.
    assert(equityM.signedbit <= 93 && shocksX40.maxbit <= 43 && spotE8.maxbit <= 48);
    signal {maxbit} numerator <== AssumeBits(185)(spotE8 * (fromOuter - fromInner)); // 48 + 43 + 94 bits
    signal {maxbit} denominator <== AssumeBits(134)((above - below + 1 - holds[0] + holds[3]) * 2 ** 40); // 94 + 40
    signal {maxbit} level; // below 8 times spot
    if (IS_UP == 1) {
        level <== DivDown(52)(numerator, denominator);
    } else {
        level <== DivUp(52)(numerator, denominator);
    }
    signal saturated <== Saturate(48)(level);
    signal already <== negative[0] * spotE8;
    out <== AssumeBits(48)(saturated + already + IS_UP * (2 ** 48 - 1) * holds[3]); // at most one is not 0
    exists <== 1 - holds[3];
}
