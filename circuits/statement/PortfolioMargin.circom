pragma circom 2.2.3;

include "../generated/frames/PortfolioMarginFrame.circom";
include "../generated/sizes.circom";
include "../portfolio/AccountDefault.circom";
include "../portfolio/AccountResults.circom";
include "../portfolio/InitialTerms.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/layout.circom";
include "MarginedAccount.circom";

/**
 * @title  PortfolioMargin
 * @notice Margins, thresholds, Greeks and expected shortfall of a batch of accounts under one round and one policy. Claims:
 *         Q2, Q3, L4, L5, L7 to L13, L20.
 * @param  ACCOUNTS   places; an account that holds nothing fills a place that is left
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  stateIn, holdings, collateralAmounts  [ACCOUNTS]  words of each account
 * @input  asOfIn, expiryIn, totalsIn  [ACCOUNTS], the last [ACCOUNTS][43]  private: what stateIn commits to
 * @output commitment, evaluation  []
 *
 * stateIn is the empty book's root or the stateOut of an OptionBook proof, which the contract checks; totals are within
 * their widths because they came about by that circuit.
 */
template PortfolioMargin(ACCOUNTS) {
    signal input challenge;
    signal input roundPrices, roundConfidences, collateralPrices[collateralPricesWords()];
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], scenarioSkew;
    signal input lossFactors, contingencies, collateralPolicy[collateralPolicyWords()];
    signal input concentration, collateralSizes[collateralSizesWords()];
    signal input stateIn[ACCOUNTS], holdings[ACCOUNTS], collateralAmounts[ACCOUNTS][collateralAmountsWords()];
    signal input asOfIn[ACCOUNTS], expiryIn[ACCOUNTS], totalsIn[ACCOUNTS][totalElements()];
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
    component frame = PortfolioMarginFrame(ACCOUNTS);
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

    component initial = InitialRound();
    initial.initialFields <== terms.initialFields;
    initial.confidenceMarginX40 <== terms.contingencyFields.confidenceMarginX40;
    component horizon = DefaultRound();
    horizon.spotE8 <== terms.scenarioTerms.spotE8;
    horizon.horizonVolatilityX40 <== terms.horizonVolatilityX40;

    component account[ACCOUNTS];
    component results[ACCOUNTS];
    for (var a = 0; a < ACCOUNTS; a++) {
        account[a] = MarginedAccount();
        account[a].stateIn <== stateIn[a];
        account[a].holdings <== holdings[a];
        account[a].collateralAmounts <== collateralAmounts[a];
        account[a].asOfIn <== asOfIn[a];
        account[a].expiryIn <== expiryIn[a];
        account[a].totalsIn <== totalsIn[a];
        account[a].asOf <== terms.asOf;
        account[a].holdingTerms <== terms.holdingTerms;
        account[a].scenarioTerms <== terms.scenarioTerms;
        account[a].initialTerms <== initial.initialTerms;
        account[a].contingencyFields <== terms.contingencyFields;
        account[a].concentrationFields <== terms.concentrationFields;

        results[a] = AccountResults();
        results[a].bookTotals <== account[a].bookTotals;
        results[a].equityE20X60 <== account[a].balance.equityE20X60;
        results[a].marginFields <== account[a].marginFields;
        results[a].worstLossM <== account[a].worstLossM;
        results[a].regularMX40 <== account[a].regularMX40;
        results[a].shocksX40 <== terms.scenarioTerms.shocksX40;
        results[a].defaultTerms <== horizon.defaultTerms;

        frame.margins[a] <== results[a].margins;
        frame.thresholds[a] <== results[a].thresholds;
        frame.spotGreeks[a] <== results[a].spotGreeks;
        frame.risk[a] <== results[a].risk;
    }
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
