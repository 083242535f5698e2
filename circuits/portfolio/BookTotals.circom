pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeEachSigned.circom";
include "../math/AssumeSigned.circom";
include "layout.circom";

/** What an account's finished book comes to; M = 2^32 E20. */
bus BookTotals() {
    signal {signedbit} pnlMX40[33]; // 128 bits and a sign: change of value in each scenario, undamped
    signal {signedbit} basisMX40; // 137 bits and a sign: basis contingency, never positive
    signal {signedbit} markMX40; // 125 bits and a sign: value as the market stands
    signal {maxbit} nakedShortE12; // 62 bits: what net quantities are below 0
    signal {maxbit} shortfallE12X40; // 102 bits: quantities times what confidence in their expiry is short of 1
    signal {signedbit} deltaE12X20; // 84 bits and a sign
    signal {signedbit} gammaE20; // 140 bits and a sign
    signal {signedbit} vegaE20X60; // 176 bits and a sign
    signal {signedbit} thetaE20X20; // 167 bits and a sign
    signal {signedbit} rhoE20X20; // 163 bits and a sign: times the seconds of a year
}

/**
 * @title  TotalsOfElements
 * @notice Totals of a book that OptionBook proofs have left. Claims: L3, L4.
 * @input  elements    [43]  as the book's root commits to them
 * @output bookTotals  []
 *
 * OptionBook bounds the quantities of a book by 2^62 in all, so that sums over its expiries have the bounds of each one
 * (CloseExpiry, ExpiryGreeks) but for a unit of rounding an expiry: a bit more holds them. Linear: no rows.
 */
template TotalsOfElements() {
    signal input elements[totalElements()];
    output BookTotals() bookTotals;

    signal pnlMX40[33];
    for (var s = 0; s < 33; s++) {
        pnlMX40[s] <== elements[s];
    }
    assert(grossBits() == 62);
    bookTotals.pnlMX40 <== AssumeEachSigned(128, 33)(pnlMX40);
    bookTotals.basisMX40 <== AssumeSigned(137)(elements[totalBasis()]);
    bookTotals.markMX40 <== AssumeSigned(125)(elements[totalMark()]);
    bookTotals.nakedShortE12 <== AssumeBits(62)(elements[totalNakedShort()]);
    bookTotals.shortfallE12X40 <== AssumeBits(102)(elements[totalShortfall()]); // a shortfall is at most 1
    bookTotals.deltaE12X20 <== AssumeSigned(84)(elements[totalGreeks()]);
    bookTotals.gammaE20 <== AssumeSigned(140)(elements[totalGreeks() + 1]);
    bookTotals.vegaE20X60 <== AssumeSigned(176)(elements[totalGreeks() + 2]);
    bookTotals.thetaE20X20 <== AssumeSigned(167)(elements[totalGreeks() + 3]);
    bookTotals.rhoE20X20 <== AssumeSigned(163)(elements[totalGreeks() + 4]);
}
