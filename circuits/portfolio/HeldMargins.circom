pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/AccountMargins.circom";
include "AccountBalance.circom";
include "AccountHoldings.circom";
include "AccountMargins.circom";
include "BookTotals.circom";
include "ConcentrationCharge.circom";
include "HoldingTerms.circom";
include "InitialTerms.circom";
include "ScenarioTerms.circom";

/**
 * @title  HeldMargins
 * @notice Margins of one account from the totals of its whole book and what else it holds. Claims: L7, L8, L9, L13.
 * @input  bookTotals  []
 * @input  holdings, collateralAmounts  words of the account
 * @input  holdingTerms, scenarioTerms, initialTerms, contingencyFields, concentrationFields  []
 * @output balance  []
 * @output marginFields, worstLossM, regularMX40  [], [], [7]  see AccountMargins
 */
template HeldMargins() {
    input BookTotals() bookTotals;
    signal input holdings, collateralAmounts[collateralAmountsWords()];
    input HoldingTerms() holdingTerms;
    input ScenarioTerms() scenarioTerms;
    input InitialTerms() initialTerms;
    input ContingenciesFields() contingencyFields;
    input ConcentrationFields() concentrationFields;
    output AccountBalance() balance;
    output AccountMarginsFields() marginFields;
    signal output {signedbit} worstLossM, regularMX40[7];

    component held = AccountHoldings();
    held.holdings <== holdings;
    held.collateralAmounts <== collateralAmounts;
    held.bookTotals <== bookTotals;
    held.holdingTerms <== holdingTerms;
    held.contingencyFields <== contingencyFields;
    held.concentrationFields <== concentrationFields;
    balance <== held.balance;

    component needs = InitialNeeds();
    needs.exposure <== held.exposure;
    needs.initialTerms <== initialTerms;
    needs.contingencyFields <== contingencyFields;

    component margins = AccountMargins();
    margins.bookTotals <== bookTotals;
    margins.balance <== held.balance;
    margins.scenarioTerms <== scenarioTerms;
    margins.initialNeed <== needs.initialNeed;
    margins.initialTerms <== initialTerms;
    marginFields <== margins.marginFields;
    worstLossM <== margins.worstLossM;
    regularMX40 <== margins.regularMX40;
}
