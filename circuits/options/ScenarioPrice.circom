pragma circom 2.2.3;

include "../generated/tables/gridCdf.circom";
include "../generated/tables/gridPdf.circom";
include "../generated/tables/gridPdfCoarse.circom";
include "../math/AssumeSigned.circom";
include "../math/IndexProducts.circom";
include "../math/SegmentPolynomial.circom";
include "../math/SignAndBits.circom";

/**
 * @title  ScenarioPrice
 * @notice A call from d1 on the grid, raw: F * N(d1) - K * N(d2), both functions read at grid points and repaired by
 *         F * phi(a) * (r - a r^2 / 2 + V delta^2 / 2), where v = V + r, d1 is at a, d2 at a - V + delta. Claim: B5.
 * @input  negative, inTable, cellBits, point  see D1OnGrid
 * @input  remainderBits   [20]  upper bits, X33
 * @input  forward, strike []    E8, 52 and 48 bits
 * @input  onGrid          []    V at 2^-13, at most 2^17
 * @input  restX40, restX33, restSquaredX66  []  r, cut to 2^-33, and squared: VolatilityParts
 * @output call            []    E8 * 2^126; |call| < 2^179; may be negative by its error
 * @output signInTable     []    sign of d1, 0 outside the table
 * @output cdf             []    N at d1's grid point, * 2^126
 * @output products        [16]  of the index bits
 * @output pdf, pdfCoarse  []    phi at the grid point, * 2^86 and * 2^44; meaningless outside the table
 *
 * Bit budget: |point - onGrid| <= 2^16 + 1 + 2^17 < 2^18. pdf * rest: 86 + 27 bits; pdfCoarse * second order: 44 +
 * 2 + 18 + 42 bits; the repair is below 2^115 and 52 bits of forward keep the call below 2^179.
 * Beyond the table N is 0 or 1 and the repair 0, which is off by less than 10^-15. No hint but the sign of d2.
 */
template ScenarioPrice() {
    signal input negative, inTable, cellBits[16], point, remainderBits[20];
    signal input forward, strike, onGrid, restX40, restX33, restSquaredX66;
    signal output call, signInTable, cdf, products[16], pdf, pdfCoarse;

    var ONE = 2 ** gridCdfResultBits();
    var OFFSET_BITS = gridCdfArgumentBits() - gridCdfIndexBits();
    assert(gridCdfArgumentBits() == 16 && gridCdfIndexBits() == 4);
    assert(gridPdfResultBits() + 40 == gridCdfResultBits() && gridPdfCoarseResultBits() + 82 == gridCdfResultBits());

    signal indexBits[4], offsetBits[OFFSET_BITS];
    for (var i = 0; i < OFFSET_BITS; i++) {
        offsetBits[i] <== cellBits[i];
    }
    for (var i = 0; i < 4; i++) {
        indexBits[i] <== cellBits[OFFSET_BITS + i];
    }
    products <== IndexProducts(4)(indexBits);
    signal upper <== SegmentPolynomial(
        16, OFFSET_BITS, gridCdfDegree(), gridCdfOffsetBits(), gridCdfCoefficients()
    )(products, offsetBits);
    pdf <== SegmentPolynomial(
        16, OFFSET_BITS, gridPdfDegree(), gridPdfOffsetBits(), gridPdfCoefficients()
    )(products, offsetBits);
    pdfCoarse <== SegmentPolynomial(
        16, OFFSET_BITS, gridPdfCoarseDegree(), gridPdfCoarseOffsetBits(), gridPdfCoarseCoefficients()
    )(products, offsetBits);
    signInTable <== (1 - 2 * negative) * inTable;
    cdf <== signInTable * (upper - ONE) + (1 - negative) * ONE;

    signal {signedbit} lowerPoint <== AssumeSigned(18)(point - onGrid); // SignAndBits proves it
    signal lowerNegative, lowerBits[18];
    (lowerNegative, lowerBits) <== SignAndBits(18)(lowerPoint);
    signal lowerIndexBits[4], lowerOffsetBits[OFFSET_BITS];
    for (var i = 0; i < OFFSET_BITS; i++) {
        lowerOffsetBits[i] <== lowerBits[i];
    }
    for (var i = 0; i < 4; i++) {
        lowerIndexBits[i] <== lowerBits[OFFSET_BITS + i];
    }
    signal lowerProducts[16] <== IndexProducts(4)(lowerIndexBits);
    signal lower <== SegmentPolynomial(
        16, OFFSET_BITS, gridCdfDegree(), gridCdfOffsetBits(), gridCdfCoefficients()
    )(lowerProducts, lowerOffsetBits);
    signal lowerInTable <== (1 - lowerBits[16]) * (1 - lowerBits[17]);
    signal lowerSign <== (1 - 2 * lowerNegative) * lowerInTable;
    signal lowerCdf <== lowerSign * (lower - ONE) + (1 - lowerNegative) * ONE;

    var remainder = 0;
    for (var i = 19; i >= 0; i--) {
        remainder += remainder + remainderBits[i];
    }
    signal signedRemainder <== (1 - 2 * negative) * (remainder - 2 ** 19);
    signal delta <== signedRemainder - restX33;
    signal deltaSquared <== delta * delta;
    signal spread <== onGrid * deltaSquared;
    signal bend <== (2 * point + 1) * restSquaredX66;
    signal secondOrder <== pdfCoarse * (4 * spread - 2 * bend);
    signal firstOrder <== pdf * restX40;
    signal repair <== inTable * (firstOrder + secondOrder);

    signal held <== forward * (cdf + repair);
    call <== held - strike * lowerCdf;
}
