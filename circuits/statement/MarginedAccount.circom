pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/AccountMargins.circom";
include "../portfolio/HeldMargins.circom";
include "../portfolio/InitialTerms.circom";
include "../portfolio/layout.circom";
include "BookState.circom";

/**
 * @title  MarginedAccount
 * @notice Margins of one account under the terms of a round, from the words of it: what every statement of margins says.
 *         Claims: L5, L7, L8, L9, L13.
 * @input  stateIn, holdings, collateralAmounts  words of the account
 * @input  asOfIn, expiryIn, totalsIn  [], [], [43]  what stateIn commits to
 * @input  asOf  []  of the round, 32 bits
 * @input  holdingTerms, scenarioTerms, initialTerms, contingencyFields, concentrationFields  []
 * @output bookTotals, balance  []
 * @output marginFields, worstLossM, regularMX40  [], [], [7]  see AccountMargins
 */
template MarginedAccount() {
    signal input stateIn, holdings, collateralAmounts[collateralAmountsWords()];
    signal input asOfIn, expiryIn, totalsIn[totalElements()];
    signal input {maxbit} asOf;
    input HoldingTerms() holdingTerms;
    input ScenarioTerms() scenarioTerms;
    input InitialTerms() initialTerms;
    input ContingenciesFields() contingencyFields;
    input ConcentrationFields() concentrationFields;
    output BookTotals() bookTotals;
    output AccountBalance() balance;
    output AccountMarginsFields() marginFields;
    signal output {signedbit} worstLossM, regularMX40[7];

    component book = OpenedBook();
    book.root <== stateIn;
    book.asOf <== asOfIn;
    book.expiry <== expiryIn;
    book.totals <== totalsIn;
    book.roundAsOf <== asOf;
    bookTotals <== book.bookTotals;

    component held = HeldMargins();
    held.bookTotals <== book.bookTotals;
    held.holdings <== holdings;
    held.collateralAmounts <== collateralAmounts;
    held.holdingTerms <== holdingTerms;
    held.scenarioTerms <== scenarioTerms;
    held.initialTerms <== initialTerms;
    held.contingencyFields <== contingencyFields;
    held.concentrationFields <== concentrationFields;
    balance <== held.balance;
    marginFields <== held.marginFields;
    worstLossM <== held.worstLossM;
    regularMX40 <== held.regularMX40;
}
