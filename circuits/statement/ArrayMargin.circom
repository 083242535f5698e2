pragma circom 2.2.3;

include "../generated/frames/ArrayMarginFrame.circom";
include "../generated/sizes.circom";
include "../math/RangeCheck.circom";
include "../portfolio/AccountDefault.circom";
include "../portfolio/AccountResults.circom";
include "../portfolio/BookTotals.circom";
include "../portfolio/HeldMargins.circom";
include "../portfolio/InitialTerms.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/layout.circom";
include "FoldedArrays.circom";

/**
 * @title  ArrayMargin
 * @notice Margins, thresholds, Greeks and expected shortfall of one account straight from the few arrays that its options are in,
 *         without a proof of its book: bit for bit those of PortfolioMargin. Claims: Q2, Q3, L1 to L13, L16, L17, L20, L34.
 * @param  ARRAYS, SLOTS, EXPIRIES  as segments, strikes and expiries of FoldedArrays
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  arrayRoots, positions, flags, holdings, collateralAmounts  words of the account
 * @input  headerRoots and the rest  private: see FoldedArrays
 * @output commitment, evaluation  []
 */
template ArrayMargin(ARRAYS, SLOTS, EXPIRIES) {
    signal input challenge;
    signal input roundPrices, roundConfidences, collateralPrices[collateralPricesWords()];
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], scenarioSkew;
    signal input lossFactors, contingencies, collateralPolicy[collateralPolicyWords()];
    signal input concentration, collateralSizes[collateralSizesWords()];
    signal input arrayRoots[ARRAYS], positions[ARRAYS][SLOTS], flags;
    signal input holdings, collateralAmounts[collateralAmountsWords()];
    signal input headerRoots[ARRAYS], expiries[ARRAYS], shortfallsX40[ARRAYS];
    signal input leaves[ARRAYS][SLOTS][leafElements()], headers[EXPIRIES][headerElements()];
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

    // From the empty book to a finished one, with no root in between.
    component book = FoldedArrays(ARRAYS, SLOTS, EXPIRIES);
    book.arrayRoots <== arrayRoots;
    book.positions <== positions;
    book.flags <== flags;
    book.asOf <== terms.asOf;
    book.headerRoots <== headerRoots;
    book.expiries <== expiries;
    book.shortfallsX40 <== shortfallsX40;
    book.leaves <== leaves;
    book.headers <== headers;
    book.openIn <== 0;
    book.headerRootIn <== 0;
    for (var k = 0; k < sumElements(); k++) {
        book.sumsIn[k] <== 0;
    }
    book.expiryIn <== RangeCheck(32)(0);
    for (var k = 0; k < totalElements(); k++) {
        book.totalsIn[k] <== 0;
    }
    book.openOut === 0;
    component parts = TotalsOfElements();
    parts.elements <== book.totals;

    component initial = InitialRound();
    initial.initialFields <== terms.initialFields;
    initial.confidenceMarginX40 <== terms.contingencyFields.confidenceMarginX40;
    component horizon = DefaultRound();
    horizon.spotE8 <== terms.scenarioTerms.spotE8;
    horizon.horizonVolatilityX40 <== terms.horizonVolatilityX40;

    component held = HeldMargins();
    held.bookTotals <== parts.bookTotals;
    held.holdings <== holdings;
    held.collateralAmounts <== collateralAmounts;
    held.holdingTerms <== terms.holdingTerms;
    held.scenarioTerms <== terms.scenarioTerms;
    held.initialTerms <== initial.initialTerms;
    held.contingencyFields <== terms.contingencyFields;
    held.concentrationFields <== terms.concentrationFields;

    component results = AccountResults();
    results.bookTotals <== parts.bookTotals;
    results.equityE20X60 <== held.balance.equityE20X60;
    results.marginFields <== held.marginFields;
    results.worstLossM <== held.worstLossM;
    results.regularMX40 <== held.regularMX40;
    results.shocksX40 <== terms.scenarioTerms.shocksX40;
    results.defaultTerms <== horizon.defaultTerms;

    component frame = ArrayMarginFrame(ARRAYS, SLOTS);
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
    frame.arrayRoots <== arrayRoots;
    frame.positions <== positions;
    frame.flags <== flags;
    frame.holdings <== holdings;
    frame.collateralAmounts <== collateralAmounts;
    frame.margins <== results.margins;
    frame.thresholds <== results.thresholds;
    frame.spotGreeks <== results.spotGreeks;
    frame.risk <== results.risk;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
