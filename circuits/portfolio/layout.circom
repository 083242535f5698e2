pragma circom 2.2.3;

include "../options/leafLayout.circom";

/** Fraction bits in a leaf, as prover/options/riskArray.ts has them: calls and N(d1), density, density over and times volatility. */
function callFractionBits() { return 126; }
function pdfFractionBits() { return 133; }
function gammaFractionBits() { return 157; }
function thetaFractionBits() { return 173; }

/** Which of the header's forwards point p of 36 is priced on. */
function forwardOfPoint(p) {
    if (p == 34) { return 18; }
    if (p == 35) { return 19; }
    if (p == 0 || p > 31 || p == unshockedPoint()) { return 0; }
    return p < 22 ? 1 + (p - 1) \ 3 : p - 14;
}

/** Sums over the strikes of an expiry: calls at 35 points and four Greeks as leaves have them, puts, puts times strike. */
function sumElements() { return 41; }
function sumsFrom() { return 1; } // the leaf's place of the first sum
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

/** 10^12 = 2^12 * 5^12. */
function fiveToTwelve() { return 244140625; }
