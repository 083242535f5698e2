pragma circom 2.2.3;

/**
 * @title  ClosingPlaces
 * @notice Which segment ends the first expiry of a book's proof, the second, and so on. No witness if more end. Claim: L17.
 * @param  SEGMENTS, EXPIRIES
 * @input  continues  [SEGMENTS]            boolean: a segment leaves its expiry to the next one
 * @output closes     [EXPIRIES][SEGMENTS]  boolean: the segment ends this expiry; none does if fewer end
 *
 * ended[c] of a segment says that c expiries have ended before it: one of them is 1, until more have ended than EXPIRIES.
 * Nothing is a hint.
 */
template ClosingPlaces(SEGMENTS, EXPIRIES) {
    signal input continues[SEGMENTS];
    signal output closes[EXPIRIES][SEGMENTS];

    signal ended[SEGMENTS][EXPIRIES];
    for (var e = 0; e < SEGMENTS; e++) {
        var closings = 0;
        for (var c = 0; c < EXPIRIES; c++) {
            if (e == 0) {
                ended[e][c] <== c == 0 ? 1 : 0;
            } else {
                ended[e][c] <== ended[e - 1][c] - closes[c][e - 1] + (c == 0 ? 0 : closes[c - 1][e - 1]);
            }
            closes[c][e] <== ended[e][c] * (1 - continues[e]);
            closings += closes[c][e];
        }
        closings === 1 - continues[e];
    }
}
