pragma circom 2.2.3;

include "../generated/frames/MarginsAloneFrame.circom";
include "../generated/sizes.circom";
include "../generated/words/AccountMargins.circom";
include "../portfolio/InitialTerms.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/layout.circom";
include "MarginedAccount.circom";

/**
 * @title  MarginsAlone
 * @notice Margins of a batch of accounts under one round and one policy, and nothing else of them: bit for bit those of
 *         PortfolioMargin. Claims: Q2, Q3, L14.
 * @param  ACCOUNTS   places; an account that holds nothing fills a place that is left
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  stateIn, holdings, collateralAmounts  [ACCOUNTS]  words of each account
 * @input  asOfIn, expiryIn, totalsIn  [ACCOUNTS], the last [ACCOUNTS][43]  private: what stateIn commits to
 * @output commitment, evaluation  []
 */
template MarginsAlone(ACCOUNTS) {
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
    component frame = MarginsAloneFrame(ACCOUNTS);
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

    component account[ACCOUNTS];
    component margin[ACCOUNTS];
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

        margin[a] = PackAccountMargins();
        margin[a].fields <== account[a].marginFields;
        frame.margins[a] <== margin[a].word;
    }
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
