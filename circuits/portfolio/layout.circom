pragma circom 2.2.3;

/** Of PackHeader. */
function packedHeaderElements() { return 7; }

/** Places of a risk array's leaf, and the scale of what stands there: prover/options/riskArray.ts. */
function leafElements() { return 42; }
function leafCalls() { return 1; } // of 36, after the strike
function leafGreeks() { return 37; } // N(d1), pdf, gamma, theta; then K * N(d2), which a book does not need

/** Fraction bits of calls and N(d1), of the density, of density over and times volatility. */
function callFractionBits() { return 126; }
function pdfFractionBits() { return 133; }
function gammaFractionBits() { return 157; }
function thetaFractionBits() { return 173; }

/** The point among 36 that no shock moves: it prices what point 0 prices, and only point 0 is looked at. */
function unshockedPoint() { return 11; }

/** Which of the header's forwards point p of 36 is priced on. */
function forwardOfPoint(p) {
    if (p == 34) { return 18; }
    if (p == 35) { return 19; }
    if (p == 0 || p > 31 || p == unshockedPoint()) { return 0; }
    return p < 22 ? 1 + (p - 1) \ 3 : p - 14;
}

/** Sums over the strikes of an expiry: calls at 35 points, four Greeks, puts, puts times strike. */
function sumElements() { return 41; }
function sumGreeks() { return 35; }
function sumPuts() { return 39; }
function sumStrikePuts() { return 40; }

/** Totals of a book: 33 scenarios, then the rest in this order. */
function totalElements() { return 43; }
function totalBasis() { return 33; }
function totalMark() { return 34; }
function totalNakedShort() { return 35; }
function totalShortfall() { return 36; }
function totalGross() { return 37; }
function totalGreeks() { return 38; } // delta, gamma, vega, theta, rho

/** Width of scenario results, MX40, and of damped losses, MX80: see AccountMargins. */
function pnlBits() { return 132; }
function lossBits() { return 177; }

/** Contingencies may be as wide as this without a margin before its rounding, 194 bits or 203 of loss, becoming wider. */
function contingencyBits() { return 190; }

/** Damped losses of one account are nearer to each other than 2^168 MX80, 1.3 * 10^16 of the quote currency: a margin's range. */
function spreadBits() { return 168; }

/** |quantity| of a position is at most 2^60, and the sum over a book is below 2^62. */
function grossBits() { return 62; }
