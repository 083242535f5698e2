pragma circom 2.2.3;

include "../options/ArrayHeader.circom";
include "layout.circom";

/**
 * @title  PackHeader
 * @notice A risk array's header in few elements, so that it is cheap to hand on. Claim: L6.
 * @input  arrayHeader  []
 * @output out          [7]  forwards by fours, five factors, and expiry, time, seconds and basis factor
 *
 * Injective because four times 52 and five times 44 bits stay below 2^253. Linear: no rows.
 */
template PackHeader() {
    input ArrayHeader() arrayHeader;
    signal output out[packedHeaderElements()];

    assert(arrayHeader.forwardsE8.maxbit <= 52);
    for (var i = 0; i < 5; i++) {
        var forwards = 0;
        for (var f = 3; f >= 0; f--) {
            forwards = forwards * 2 ** 52 + arrayHeader.forwardsE8[4 * i + f];
        }
        out[i] <== forwards;
    }
    assert(arrayHeader.discountX40.maxbit <= 44 && arrayHeader.longFactorX40.maxbit <= 44);
    assert(arrayHeader.shortFactorX40.maxbit <= 44 && arrayHeader.shortfallX40.maxbit <= 44);
    assert(arrayHeader.sqrtTauX40.maxbit <= 44);
    out[5] <== arrayHeader.discountX40 + arrayHeader.longFactorX40 * 2 ** 44 + arrayHeader.shortFactorX40 * 2 ** 88
        + arrayHeader.shortfallX40 * 2 ** 132 + arrayHeader.sqrtTauX40 * 2 ** 176;
    assert(arrayHeader.expiry.maxbit <= 52 && arrayHeader.asOf.maxbit <= 52);
    assert(arrayHeader.secondsToExpiry.maxbit <= 52 && arrayHeader.basisFactorX40.maxbit <= 52);
    out[6] <== arrayHeader.expiry + arrayHeader.asOf * 2 ** 52 + arrayHeader.secondsToExpiry * 2 ** 104
        + arrayHeader.basisFactorX40 * 2 ** 156;
}
