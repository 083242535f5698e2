pragma circom 2.2.3;

include "../math/AssumeEachSigned.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../options/ArrayHeader.circom";
include "ExpiryGreeks.circom";
include "layout.circom";

/**
 * @title  CloseExpiry
 * @notice What an account's options of one expiry are worth: change of value in every scenario, basis contingency, mark,
 *         Greeks. Claims: L3, L4.
 * @input  arrayHeader  []  of the expiry's array
 * @input  sums    [41]  over all strikes, see SegmentSums
 * @output pnlMX40  [33]  127 bits and a sign
 * @output basisMX40, markMX40  []  136 and 124 bits and a sign
 * @output greeks  [5]  delta, gamma, vega, theta, rho; see ExpiryGreeks
 *
 * A put is a call less the forward plus the strike, so value = sum (calls + puts) * call + sum puts * strike -
 * F * sum puts. Bit budget: prices are at most 2^52 E8, quantities add up to less than 2^62, so a value stays below 2^241
 * at 2^126, and below 2^83 in units of M (2^158 times as large). Cut once for each point, downwards.
 */
template CloseExpiry() {
    input ArrayHeader() arrayHeader;
    signal input sums[sumElements()];
    signal output {signedbit} pnlMX40[33], basisMX40, markMX40;
    signal output greeks[5];

    assert(arrayHeader.forwardsE8.maxbit <= 52);
    assert(arrayHeader.longFactorX40.maxbit <= 43 && arrayHeader.shortFactorX40.maxbit <= 43);
    assert(arrayHeader.discountX40.maxbit <= 41);
    assert(arrayHeader.basisFactorX40.maxbit <= 52);

    signal forwardPuts[20];
    for (var f = 0; f < 20; f++) {
        forwardPuts[f] <== arrayHeader.forwardsE8[f] * sums[sumPuts()];
    }

    var CALL_BITS = callFractionBits();
    component value[36];
    for (var p = 0; p < 36; p++) {
        if (p != unshockedPoint()) {
            value[p] = FloorAndSign(CALL_BITS + 32);
            var parity = sums[sumStrikePuts()] - forwardPuts[forwardOfPoint(p)];
            value[p].in <== AssumeSigned(241)(sums[leafOfPoint(p) - sumsFrom()] + parity * 2 ** CALL_BITS);
        }
    }
    markMX40 <== AssumeSigned(124)(value[0].out * arrayHeader.discountX40); // 83 + 41 bits

    signal factor[33];
    signal changes[33];
    signal pnl[33]; // 83 bits times a factor of 43, less 83 times 41
    component skew[2];
    for (var s = 0; s < 33; s++) {
        var p = s + 1 == unshockedPoint() ? 0 : s + 1;
        var LONG = arrayHeader.longFactorX40;
        var SHORT = arrayHeader.shortFactorX40;
        factor[s] <== LONG + value[p].negative * (SHORT - LONG);
        changes[s] <== value[p].out * factor[s];
        if (s < 31) {
            pnl[s] <== changes[s] - markMX40;
        } else {
            // -|change|
            skew[s - 31] = FloorAndSign(0);
            skew[s - 31].in <== AssumeSigned(127)(changes[s] - markMX40);
            pnl[s] <== (2 * skew[s - 31].negative - 1) * skew[s - 31].in;
        }
    }
    pnlMX40 <== AssumeEachSigned(127, 33)(pnl);

    // Least of up - mark, down - mark and 0.
    component upIsLower = FloorAndSign(0);
    upIsLower.in <== AssumeSigned(84)(value[34].out - value[35].out);
    signal lower <== value[35].out + upIsLower.negative * (value[34].out - value[35].out) - value[0].out;
    component fall = FloorAndSign(0);
    fall.in <== AssumeSigned(84)(lower);
    signal fallM <== fall.negative * lower;
    basisMX40 <== AssumeSigned(136)(fallM * arrayHeader.basisFactorX40); // 84 + 52 bits

    component expiryGreeks = ExpiryGreeks();
    expiryGreeks.nd1Sum <== sums[sumGreeks()];
    expiryGreeks.pdfSum <== sums[sumGreeks() + 1];
    expiryGreeks.gammaSum <== sums[sumGreeks() + 2];
    expiryGreeks.thetaSum <== sums[sumGreeks() + 3];
    expiryGreeks.putsE12 <== sums[sumPuts()];
    expiryGreeks.forwardE8 <== arrayHeader.forwardsE8[0];
    expiryGreeks.sqrtTauX40 <== arrayHeader.sqrtTauX40;
    expiryGreeks.secondsToExpiry <== arrayHeader.secondsToExpiry;
    expiryGreeks.markM <== value[0].out;
    greeks[0] <== expiryGreeks.deltaE12X20;
    greeks[1] <== expiryGreeks.gammaE20;
    greeks[2] <== expiryGreeks.vegaE20X60;
    greeks[3] <== expiryGreeks.thetaE20X20;
    greeks[4] <== expiryGreeks.rhoE20X20;
}
