pragma circom 2.2.3;

include "../generated/frames/UnhealthyWitnessFrame.circom";
include "../generated/sizes.circom";
include "../portfolio/AccountHoldings.circom";
include "../portfolio/ChosenScenario.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/ScenarioChoice.circom";
include "../portfolio/WitnessBound.circom";
include "../portfolio/layout.circom";
include "BookState.circom";

/**
 * @title  UnhealthyWitness
 * @notice One account is below its maintenance margin: one scenario alone shows it. Claims: Q2, Q3, L5, L7, L9, L12, L13.
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  stateIn, holdings, collateralAmounts  words of the account
 * @input  choice     []  the scenario
 * @input  asOfIn, expiryIn, totalsIn  [], [], [43]  private: what stateIn commits to
 * @output commitment, evaluation  []
 *
 * The worst scenario leaves at most what this one leaves, so the maintenance margin is at most the bound, which is
 * negative.
 */
template UnhealthyWitness() {
    signal input challenge;
    signal input roundPrices, roundConfidences, collateralPrices[collateralPricesWords()];
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], scenarioSkew;
    signal input lossFactors, contingencies, collateralPolicy[collateralPolicyWords()];
    signal input concentration, collateralSizes[collateralSizesWords()];
    signal input stateIn, holdings, collateralAmounts[collateralAmountsWords()], choice;
    signal input asOfIn, expiryIn, totalsIn[totalElements()];
    signal output commitment, evaluation;

    component terms = RoundTerms();
    terms.roundPrices <== roundPrices;
    terms.roundConfidences <== roundConfidences;
    terms.collateralPrices <== collateralPrices;
    terms.scenarioRegular <== scenarioRegular;
    terms.scenarioUpOnly <== scenarioUpOnly;
    terms.scenarioSkew <== scenarioSkew;
    terms.lossFactors <== lossFactors;
    terms.contingencies <== contingencies;
    terms.collateralPolicy <== collateralPolicy;
    terms.concentration <== concentration;
    terms.collateralSizes <== collateralSizes;

    component book = OpenedBook();
    book.root <== stateIn;
    book.asOf <== asOfIn;
    book.expiry <== expiryIn;
    book.totals <== totalsIn;
    book.roundAsOf <== terms.asOf;

    component held = AccountHoldings();
    held.holdings <== holdings;
    held.collateralAmounts <== collateralAmounts;
    held.bookTotals <== book.bookTotals;
    held.holdingTerms <== terms.holdingTerms;
    held.contingencyFields <== terms.contingencyFields;
    held.concentrationFields <== terms.concentrationFields;

    component chosen = ChosenScenario();
    chosen.chosen <== ScenarioChoice()(choice);
    chosen.pnlMX40 <== book.bookTotals.pnlMX40;
    chosen.basisMX40 <== book.bookTotals.basisMX40;
    chosen.shocksX40 <== terms.scenarioTerms.shocksX40;
    chosen.dampingX40 <== terms.scenarioTerms.dampingX40;
    chosen.hedgeM <== held.balance.hedgeM;
    component bound = WitnessBound();
    bound.lossMX80 <== chosen.lossMX80;
    bound.balance <== held.balance;
    bound.maintenanceFactorX40 <== terms.scenarioTerms.maintenanceFactorX40;

    component frame = UnhealthyWitnessFrame();
    frame.challenge <== challenge;
    frame.roundPrices <== roundPrices;
    frame.roundConfidences <== roundConfidences;
    frame.collateralPrices <== collateralPrices;
    frame.scenarioRegular <== scenarioRegular;
    frame.scenarioUpOnly <== scenarioUpOnly;
    frame.scenarioSkew <== scenarioSkew;
    frame.lossFactors <== lossFactors;
    frame.contingencies <== contingencies;
    frame.collateralPolicy <== collateralPolicy;
    frame.concentration <== concentration;
    frame.collateralSizes <== collateralSizes;
    frame.stateIn <== stateIn;
    frame.holdings <== holdings;
    frame.collateralAmounts <== collateralAmounts;
    frame.choice <== choice;
    frame.bound <== bound.word;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
