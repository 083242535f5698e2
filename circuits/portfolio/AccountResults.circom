pragma circom 2.2.3;

include "../generated/words/AccountMargins.circom";
include "../generated/words/AccountRisk.circom";
include "../generated/words/AccountThresholds.circom";
include "../generated/words/SpotGreeks.circom";
include "../math/Multiply.circom";
include "../math/ShiftRightUp.circom";
include "AccountDefault.circom";
include "BookTotals.circom";
include "NetGreeks.circom";

/**
 * @title  AccountResults
 * @notice All that is proven of an account as words: its margins, and from them thresholds, Greeks and expected shortfall. Claims:
 *         L4, L10, L11, L12, L20.
 * @input  bookTotals, marginFields  []
 * @input  equityE20X60  []  see AccountBalance
 * @input  worstLossM, regularMX40  [], [7]   see AccountMargins
 * @input  shocksX40, defaultTerms  [33], []  of the round, see AccountDefault
 * @output margins, thresholds, spotGreeks, risk  []  words
 */
template AccountResults() {
    input BookTotals() bookTotals;
    input AccountMarginsFields() marginFields;
    signal input {signedbit} equityE20X60, worstLossM, regularMX40[7];
    signal input {maxbit} shocksX40[33];
    input DefaultTerms() defaultTerms;
    signal output margins, thresholds, spotGreeks, risk;

    component unpaid = AccountDefault();
    unpaid.maintenanceE8 <== marginFields.maintenanceE8;
    unpaid.worstLossM <== worstLossM;
    unpaid.regularMX40 <== regularMX40;
    unpaid.equityE20X60 <== equityE20X60;
    unpaid.shocksX40 <== shocksX40;
    unpaid.defaultTerms <== defaultTerms;

    component greeks = NetGreeks();
    greeks.bookTotals <== bookTotals;

    component shortfall = Multiply();
    shortfall.a <== unpaid.thresholdFields.defaultProbabilityX32;
    shortfall.b <== unpaid.deficitE8;
    component expected = ShiftRightUp(32);
    expected.in <== shortfall.out;

    component margin = PackAccountMargins();
    margin.fields <== marginFields;
    margins <== margin.word;
    component threshold = PackAccountThresholds();
    threshold.fields <== unpaid.thresholdFields;
    thresholds <== threshold.word;
    component spot = PackSpotGreeks();
    spot.fields <== greeks.spotFields;
    spotGreeks <== spot.word;
    component packed = PackAccountRisk();
    packed.fields.thetaE8 <== greeks.thetaE8;
    packed.fields.rhoE8 <== greeks.rhoE8;
    packed.fields.expectedShortfallE8 <== expected.out;
    risk <== packed.word;
}
