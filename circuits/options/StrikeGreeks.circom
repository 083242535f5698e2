pragma circom 2.2.3;

include "../generated/tables/gridPdfFine.circom";
include "../math/SegmentPolynomial.circom";

/**
 * @title  StrikeGreeks
 * @notice Raw Greeks of a mark: N(d1) repaired to second order of what the grid leaves over, phi(d1) to first.
 *         Claim: B6.
 * @input  cellBits, inTable, signInTable, cdf, products, pdf, pdfCoarse  see ScenarioPrice
 * @input  remainderBits  [27]  upper bits, X40
 * @input  forward, call  []    of the mark
 * @input  volatilityX40, reciprocalX24  []  v and 1 / v
 * @output nd1, pdfOut, gammaN, thetaN, kNd2  []  N(d1) * 2^126, phi(d1) * 2^133, phi(d1) / v * 2^157,
 *         phi(d1) * v * 2^173, K * N(d2) E8 * 2^126 = F * N(d1) - call; each below 2^180 in size
 *
 * Bit budget: phi(d1) * 2^133 < 2^132, v < 2^44, 1 / v < 2^41, F < 2^52.
 */
template StrikeGreeks() {
    signal input cellBits[16], inTable, signInTable, cdf, products[16], pdf, pdfCoarse, remainderBits[27];
    signal input forward, call, volatilityX40, reciprocalX24;
    signal output nd1, pdfOut, gammaN, thetaN, kNd2;

    signal offsetBits[12];
    var cell = 0;
    for (var i = 15; i >= 0; i--) {
        cell += cell + cellBits[i];
    }
    for (var i = 0; i < 12; i++) {
        offsetBits[i] <== cellBits[i];
    }
    var remainderX33 = 0;
    for (var i = 26; i >= 7; i--) {
        remainderX33 += remainderX33 + remainderBits[i];
    }
    var remainderX40 = remainderX33;
    for (var i = 6; i >= 0; i--) {
        remainderX40 += remainderX40 + remainderBits[i];
    }

    signal firstOrderX47 <== (2 * cell + 1) * (remainderX33 - 2 ** 19);
    signal secondOrderX80 <== firstOrderX47 * (remainderX33 - 2 ** 19);
    signal slope <== pdf * (remainderX40 - 2 ** 26);
    signal bend <== pdfCoarse * 2 * secondOrderX80;
    nd1 <== cdf + signInTable * (slope - bend);

    signal fine <== SegmentPolynomial(
        16, 12, gridPdfFineDegree(), gridPdfFineOffsetBits(), gridPdfFineCoefficients()
    )(products, offsetBits);
    signal tilt <== pdf * firstOrderX47;
    pdfOut <== inTable * (fine * 2 ** (133 - gridPdfFineResultBits()) - tilt);
    gammaN <== pdfOut * reciprocalX24;
    thetaN <== pdfOut * volatilityX40;
    kNd2 <== forward * nd1 - call;
}
