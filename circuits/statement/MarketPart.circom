pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/Concentration.circom";
include "../generated/words/Contingencies.circom";
include "../portfolio/CrossPart.circom";
include "../portfolio/HoldingTerms.circom";
include "../portfolio/InitialTerms.circom";
include "../portfolio/ScenarioTerms.circom";
include "../portfolio/SpreadCredit.circom";
include "../portfolio/layout.circom";
include "BookState.circom";

/**
 * @title  MarketPart
 * @notice An account in one of several markets, from the words of it, and what the market has to offset others with.
 *         Claims: L5, L30, L31, L32.
 * @input  stateIn, holdings  words of the account in the market
 * @input  asOfIn, expiryIn, totalsIn  [], [], [43]  what stateIn commits to
 * @input  amountsE12, amountsQ  [collaterals]  of the collateral that counts in the market
 * @input  spreadFactorX40, creditX40   []  44 and 41 bits
 * @input  asOf        []  of the market's round, 32 bits
 * @input  holdingTerms, scenarioTerms, initialTerms, contingencyFields, concentrationFields  []
 * @output part, legMX80, isDown  []  see CrossPart and SpreadLeg
 */
template MarketPart() {
    signal input stateIn, holdings, asOfIn, expiryIn, totalsIn[totalElements()];
    signal input {maxbit} amountsE12[collaterals()], amountsQ[collaterals()];
    signal input {maxbit} spreadFactorX40, creditX40, asOf;
    input HoldingTerms() holdingTerms;
    input ScenarioTerms() scenarioTerms;
    input InitialTerms() initialTerms;
    input ContingenciesFields() contingencyFields;
    input ConcentrationFields() concentrationFields;
    output PartBalance() part;
    signal output {maxbit} legMX80;
    signal output {binary, maxbit} isDown;

    component book = OpenedBook();
    book.root <== stateIn;
    book.asOf <== asOfIn;
    book.expiry <== expiryIn;
    book.totals <== totalsIn;
    book.roundAsOf <== asOf;

    component balance = CrossPart();
    balance.holdings <== holdings;
    balance.amountsE12 <== amountsE12;
    balance.amountsQ <== amountsQ;
    balance.bookTotals <== book.bookTotals;
    balance.holdingTerms <== holdingTerms;
    balance.scenarioTerms <== scenarioTerms;
    balance.initialTerms <== initialTerms;
    balance.contingencyFields <== contingencyFields;
    balance.concentrationFields <== concentrationFields;
    part <== balance.part;

    component leg = SpreadLeg();
    leg.part <== balance.part;
    leg.scenarioTerms <== scenarioTerms;
    leg.spreadFactorX40 <== spreadFactorX40;
    leg.creditX40 <== creditX40;
    legMX80 <== leg.outMX80;
    isDown <== leg.isDown;
}
