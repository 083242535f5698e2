pragma circom 2.2.3;

include "layout.circom";

/**
 * @title  PackHeader
 * @notice A risk array's header in few elements, so that it is cheap to hand on. Claim: L6.
 * @input  header  [29]
 * @output out     [7]  forwards by fours, five factors, and expiry, time, seconds and basis factor
 *
 * Injective because RiskArray proves forwards, and the basis factor, to be below 2^52, the other factors below 2^44, and
 * times are fields of words; four times 52 and five times 44 bits stay below 2^253. Linear: no rows.
 */
template PackHeader() {
    signal input header[headerElements()];
    signal output out[packedHeaderElements()];

    for (var i = 0; i < 5; i++) {
        var forwards = 0;
        for (var f = 3; f >= 0; f--) {
            forwards = forwards * 2 ** 52 + header[headerForward() + 4 * i + f];
        }
        out[i] <== forwards;
    }
    out[5] <== header[headerDiscount()] + header[headerLongFactor()] * 2 ** 44 + header[headerShortFactor()] * 2 ** 88
        + header[headerShortfall()] * 2 ** 132 + header[headerSqrtTau()] * 2 ** 176;
    out[6] <== header[headerExpiry()] + header[headerAsOf()] * 2 ** 52 + header[headerSeconds()] * 2 ** 104
        + header[headerBasisFactor()] * 2 ** 156;
}
