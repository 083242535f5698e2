pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "ExpiryGreeks.circom";
include "layout.circom";

/**
 * @title  CloseExpiry
 * @notice What an account's options of one expiry are worth: change of value in every scenario, basis contingency, mark,
 *         Greeks. Claims: L3, L4.
 * @input  header  [29]  of the expiry's array
 * @input  sums    [41]  over all strikes, see SegmentSums
 * @output pnlMX40  [33]
 * @output basisMX40, markMX40  []
 * @output greeks  [5]  delta, gamma, vega, theta, rho; see ExpiryGreeks
 *
 * A put is a call less the forward plus the strike, so value = sum (calls + puts) * call + sum puts * strike -
 * F * sum puts. Bit budget: prices are at most 2^52 E8, quantities add up to less than 2^62, so a value stays below 2^241
 * at 2^126, and below 2^83 in units of M (2^158 times as large). Cut once for each point, downwards.
 */
template CloseExpiry() {
    signal input header[headerElements()], sums[sumElements()];
    signal output pnlMX40[33], basisMX40, markMX40, greeks[5];

    signal forwardPuts[20];
    for (var f = 0; f < 20; f++) {
        forwardPuts[f] <== header[headerForward() + f] * sums[sumPuts()];
    }

    var CALL_BITS = callFractionBits();
    component value[36];
    var k = 0;
    for (var p = 0; p < 36; p++) {
        if (p != unshockedPoint()) {
            value[p] = FloorAndSign(CALL_BITS + 32);
            var parity = sums[sumStrikePuts()] - forwardPuts[forwardOfPoint(p)];
            value[p].in <== AssumeSigned(241)(sums[k] + parity * 2 ** CALL_BITS);
            k++;
        }
    }
    markMX40 <== value[0].out * header[headerDiscount()];

    signal factor[33];
    signal changes[33];
    component skew[2];
    for (var s = 0; s < 33; s++) {
        var p = s + 1 == unshockedPoint() ? 0 : s + 1;
        var LONG = header[headerLongFactor()];
        var SHORT = header[headerShortFactor()];
        factor[s] <== LONG + value[p].negative * (SHORT - LONG);
        changes[s] <== value[p].out * factor[s];
        if (s < 31) {
            pnlMX40[s] <== changes[s] - markMX40;
        } else {
            // -|change|; 83 bits times a factor of 43, less 83 times 41.
            skew[s - 31] = FloorAndSign(0);
            skew[s - 31].in <== AssumeSigned(127)(changes[s] - markMX40);
            pnlMX40[s] <== (2 * skew[s - 31].negative - 1) * skew[s - 31].in;
        }
    }

    // Least of up - mark, down - mark and 0.
    component upIsLower = FloorAndSign(0);
    upIsLower.in <== AssumeSigned(84)(value[34].out - value[35].out);
    signal lower <== value[35].out + upIsLower.negative * (value[34].out - value[35].out) - value[0].out;
    component fall = FloorAndSign(0);
    fall.in <== AssumeSigned(84)(lower);
    signal fallM <== fall.negative * lower;
    basisMX40 <== fallM * header[headerBasisFactor()];

    component expiryGreeks = ExpiryGreeks();
    expiryGreeks.nd1Sum <== sums[sumGreeks()];
    expiryGreeks.pdfSum <== sums[sumGreeks() + 1];
    expiryGreeks.gammaSum <== sums[sumGreeks() + 2];
    expiryGreeks.thetaSum <== sums[sumGreeks() + 3];
    expiryGreeks.putsE12 <== sums[sumPuts()];
    expiryGreeks.forwardE8 <== header[headerForward()];
    expiryGreeks.sqrtTauX40 <== header[headerSqrtTau()];
    expiryGreeks.secondsToExpiry <== header[headerSeconds()];
    expiryGreeks.markM <== value[0].out;
    greeks[0] <== expiryGreeks.deltaE12X20;
    greeks[1] <== expiryGreeks.gammaE20;
    greeks[2] <== expiryGreeks.vegaE20X60;
    greeks[3] <== expiryGreeks.thetaE20X20;
    greeks[4] <== expiryGreeks.rhoE20X20;
}
