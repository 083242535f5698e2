pragma circom 2.2.3;

include "bitify.circom";
include "../generated/frames/ArrayMarginFrame.circom";
include "../generated/sizes.circom";
include "../generated/words/AccountMargins.circom";
include "../generated/words/AccountRisk.circom";
include "../generated/words/AccountThresholds.circom";
include "../generated/words/SpotGreeks.circom";
include "../math/AssumeEachBits.circom";
include "../math/Multiply.circom";
include "../math/RangeCheck.circom";
include "../math/ShiftRightUp.circom";
include "../portfolio/AccountDefault.circom";
include "../portfolio/AccountHoldings.circom";
include "../portfolio/AccountMargins.circom";
include "../portfolio/BookClosing.circom";
include "../portfolio/BookSegment.circom";
include "../portfolio/BookTotals.circom";
include "../portfolio/ClosingPlaces.circom";
include "../portfolio/InitialTerms.circom";
include "../portfolio/NetGreeks.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/SegmentOrder.circom";
include "../portfolio/layout.circom";
include "ArrayRoot.circom";

/**
 * @title  ArraysOfBook
 * @notice What the whole book of an account comes to that is in these arrays of a round, every expiry closed: OptionBook from
 *         the empty book to a finished one, with no root in between. Claims: L1 to L6, L16, L17, L34.
 * @param  ARRAYS, SLOTS, EXPIRIES  as segments, strikes and expiries of OptionBook
 * @input  arrayRoots, positions, flags  words
 * @input  asOf           []  of the round, 32 bits
 * @input  headerRoots, expiries, shortfallsX40  [ARRAYS]  private, as all that follow: what the roots commit to
 * @input  leaves         [ARRAYS][SLOTS][41]
 * @input  headers        [EXPIRIES][29]  see OptionBook
 * @output bookTotals     []
 */
template ArraysOfBook(ARRAYS, SLOTS, EXPIRIES) {
    signal input arrayRoots[ARRAYS], positions[ARRAYS][SLOTS], flags;
    signal input {maxbit} asOf;
    signal input headerRoots[ARRAYS], expiries[ARRAYS], shortfallsX40[ARRAYS];
    signal input leaves[ARRAYS][SLOTS][leafElements()], headers[EXPIRIES][headerElements()];
    output BookTotals() bookTotals;

    signal continues[ARRAYS] <== Num2Bits(ARRAYS)(flags);
    continues[ARRAYS - 1] === 0;
    // Widths that proofs of the roots went by.
    signal {maxbit} ofExpiry[ARRAYS] <== AssumeEachBits(32, ARRAYS)(expiries);
    signal {maxbit} shortfall[ARRAYS] <== AssumeEachBits(41, ARRAYS)(shortfallsX40);

    component array[ARRAYS];
    component segment[ARRAYS];
    component order[ARRAYS];
    var totals[totalElements()];
    for (var e = 0; e < ARRAYS; e++) {
        array[e] = ArrayRoot(SLOTS);
        array[e].headerRoot <== headerRoots[e];
        array[e].expiry <== expiries[e];
        array[e].asOf <== asOf;
        array[e].shortfallX40 <== shortfallsX40[e];
        array[e].leaves <== leaves[e];
        array[e].out === arrayRoots[e];

        if (e > 0) {
            order[e] = SegmentOrder();
            order[e].isOpen <== continues[e - 1];
            order[e].openHeader <== headerRoots[e - 1];
            order[e].lastExpiry <== ofExpiry[e - 1];
            order[e].header <== headerRoots[e];
            order[e].expiry <== ofExpiry[e];
        }

        segment[e] = BookSegment(SLOTS);
        segment[e].expiry <== ofExpiry[e];
        segment[e].shortfallX40 <== shortfall[e];
        segment[e].leaves <== leaves[e];
        segment[e].words <== positions[e];
        segment[e].continues <== continues[e];
        for (var k = 0; k < sumElements(); k++) {
            segment[e].sumsBefore[k] <== e == 0 ? 0 : segment[e - 1].sumsAfter[k];
        }
        totals[totalNakedShort()] += segment[e].nakedShortE12;
        totals[totalShortfall()] += segment[e].shortfallE12X40;
        totals[totalGross()] += segment[e].grossE12;
    }

    component places = ClosingPlaces(ARRAYS, EXPIRIES);
    places.continues <== continues;
    component closing[EXPIRIES];
    component opened[EXPIRIES];
    for (var c = 0; c < EXPIRIES; c++) {
        closing[c] = BookClosing(ARRAYS);
        closing[c].closes <== places.closes[c];
        closing[c].headerRoots <== headerRoots;
        closing[c].header <== headers[c];
        for (var e = 0; e < ARRAYS; e++) {
            closing[c].sums[e] <== segment[e].sums;
        }
        opened[c] = HeaderRoot();
        opened[c].header <== headers[c];
        opened[c].out === closing[c].headerRoot;
        for (var k = 0; k < totalElements(); k++) {
            totals[k] += closing[c].added[k];
        }
    }
    // Quantities only add up, so one check bounds every sum.
    signal {maxbit} grossE12 <== RangeCheck(grossBits())(totals[totalGross()]);
    component parts = TotalsOfElements();
    parts.elements <== totals;
    bookTotals <== parts.bookTotals;
}

/**
 * @title  AccountOfBook
 * @notice All that is proven of an account, from the totals of its whole book, packed. Claims: L4, L7 to L13, L20.
 * @input  bookTotals, holdings, collateralAmounts  the words of the account
 * @input  horizonVolatilityX40  []  43 bits
 * @input  holdingTerms, scenarioTerms, initialFields, contingencyFields, concentrationFields  []
 * @output margins, thresholds, spotGreeks, risk  []  words
 */
template AccountOfBook() {
    input BookTotals() bookTotals;
    signal input holdings, collateralAmounts[collateralAmountsWords()];
    signal input {maxbit} horizonVolatilityX40;
    input HoldingTerms() holdingTerms;
    input ScenarioTerms() scenarioTerms;
    input InitialFields() initialFields;
    input ContingenciesFields() contingencyFields;
    input ConcentrationFields() concentrationFields;
    signal output margins, thresholds, spotGreeks, risk;

    component held = AccountHoldings();
    held.holdings <== holdings;
    held.collateralAmounts <== collateralAmounts;
    held.bookTotals <== bookTotals;
    held.holdingTerms <== holdingTerms;
    held.contingencyFields <== contingencyFields;
    held.concentrationFields <== concentrationFields;

    component initial = InitialRound();
    initial.initialFields <== initialFields;
    initial.confidenceMarginX40 <== contingencyFields.confidenceMarginX40;
    component needs = InitialNeeds();
    needs.exposure <== held.exposure;
    needs.initialTerms <== initial.initialTerms;
    needs.contingencyFields <== contingencyFields;
    component margin = AccountMargins();
    margin.bookTotals <== bookTotals;
    margin.balance <== held.balance;
    margin.scenarioTerms <== scenarioTerms;
    margin.initialNeed <== needs.initialNeed;
    margin.initialTerms <== initial.initialTerms;
    component packedMargins = PackAccountMargins();
    packedMargins.fields <== margin.marginFields;
    margins <== packedMargins.word;

    component horizon = DefaultRound();
    horizon.spotE8 <== scenarioTerms.spotE8;
    horizon.horizonVolatilityX40 <== horizonVolatilityX40;
    component unpaid = AccountDefault();
    unpaid.maintenanceE8 <== margin.marginFields.maintenanceE8;
    unpaid.worstLossM <== margin.worstLossM;
    unpaid.regularMX40 <== margin.regularMX40;
    unpaid.equityE20X60 <== held.balance.equityE20X60;
    unpaid.shocksX40 <== scenarioTerms.shocksX40;
    unpaid.defaultTerms <== horizon.defaultTerms;
    component packedThresholds = PackAccountThresholds();
    packedThresholds.fields <== unpaid.thresholdFields;
    thresholds <== packedThresholds.word;

    component greeks = NetGreeks();
    greeks.bookTotals <== bookTotals;
    component packedGreeks = PackSpotGreeks();
    packedGreeks.fields <== greeks.spotFields;
    spotGreeks <== packedGreeks.word;
    component expected = ShiftRightUp(32);
    expected.in <== Multiply()(unpaid.thresholdFields.defaultProbabilityX32, unpaid.deficitE8);
    component packedRisk = PackAccountRisk();
    packedRisk.fields.thetaE8 <== greeks.thetaE8;
    packedRisk.fields.rhoE8 <== greeks.rhoE8;
    packedRisk.fields.expectedShortfallE8 <== expected.out;
    risk <== packedRisk.word;
}

/**
 * @title  ArrayMargin
 * @notice Margins, thresholds, Greeks and expected shortfall of one account straight from the few arrays that its options are in,
 *         without a proof of its book: bit for bit those of PortfolioMargin. Claims: Q2, Q3, L1 to L13, L16, L17, L20, L34.
 * @param  ARRAYS, SLOTS, EXPIRIES  see ArraysOfBook
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  arrayRoots, positions, flags, holdings, collateralAmounts  words of the account
 * @input  headerRoots and the rest  private: see ArraysOfBook
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

    component book = ArraysOfBook(ARRAYS, SLOTS, EXPIRIES);
    book.arrayRoots <== arrayRoots;
    book.positions <== positions;
    book.flags <== flags;
    book.asOf <== terms.asOf;
    book.headerRoots <== headerRoots;
    book.expiries <== expiries;
    book.shortfallsX40 <== shortfallsX40;
    book.leaves <== leaves;
    book.headers <== headers;

    component account = AccountOfBook();
    account.bookTotals <== book.bookTotals;
    account.holdings <== holdings;
    account.collateralAmounts <== collateralAmounts;
    account.holdingTerms <== terms.holdingTerms;
    account.scenarioTerms <== terms.scenarioTerms;
    account.initialFields <== terms.initialFields;
    account.contingencyFields <== terms.contingencyFields;
    account.concentrationFields <== terms.concentrationFields;
    account.horizonVolatilityX40 <== terms.horizonVolatilityX40;

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
    frame.margins <== account.margins;
    frame.thresholds <== account.thresholds;
    frame.spotGreeks <== account.spotGreeks;
    frame.risk <== account.risk;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
