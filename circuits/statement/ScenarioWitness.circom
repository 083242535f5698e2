pragma circom 2.2.3;

include "bitify.circom";
include "../generated/frames/ScenarioWitnessFrame.circom";
include "../generated/sizes.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/AssumeEachSigned.circom";
include "../math/AssumeSigned.circom";
include "../math/RangeCheck.circom";
include "../options/ArrayHeader.circom";
include "../portfolio/AccountHoldings.circom";
include "../portfolio/ClosedSegment.circom";
include "../portfolio/CloseScenario.circom";
include "../portfolio/ClosingPlaces.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/ScenarioChoice.circom";
include "../portfolio/ScenarioLoss.circom";
include "../portfolio/ScenarioPlaces.circom";
include "../portfolio/ScenarioSums.circom";
include "../portfolio/SegmentOrder.circom";
include "../portfolio/WitnessBound.circom";
include "../portfolio/layout.circom";
include "ArrayRoot.circom";
include "ScenarioArray.circom";

/**
 * @title  ArraysInScenario
 * @notice An account's positions in arrays of a round, as the market stands and in one scenario, every expiry closed.
 *         Claims: L1, L2, L3, L5, L6, L17, L18.
 * @param  ARRAYS, SLOTS, EXPIRIES  as segments, strikes and expiries of OptionBook
 * @input  arrayRoots, positions, flags  words
 * @input  asOf           []  of the round, 32 bits
 * @input  scenarioPlace  []
 * @input  headerRoots, expiries, shortfallsX40  [ARRAYS]  private, as all that follow: what the roots commit to
 * @input  strikesE8, marks  [ARRAYS][SLOTS]
 * @input  columnRoots    [ARRAYS][13]
 * @input  columns        [ARRAYS][3][SLOTS]
 * @input  headers        [EXPIRIES][29]  see OptionBook
 * @output pnlMX40, basisMX40, markMX40  []  128, 137 and 125 bits and a sign
 * @output nakedShortE12  []  62 bits
 */
template ArraysInScenario(ARRAYS, SLOTS, EXPIRIES) {
    signal input arrayRoots[ARRAYS], positions[ARRAYS][SLOTS], flags;
    signal input {maxbit} asOf;
    input ScenarioPlace() scenarioPlace;
    signal input headerRoots[ARRAYS], expiries[ARRAYS], shortfallsX40[ARRAYS];
    signal input strikesE8[ARRAYS][SLOTS], marks[ARRAYS][SLOTS], columnRoots[ARRAYS][columnGroups()];
    signal input columns[ARRAYS][groupColumns()][SLOTS], headers[EXPIRIES][headerElements()];
    signal output {signedbit} pnlMX40, basisMX40, markMX40;
    signal output {maxbit} nakedShortE12;

    signal continues[ARRAYS] <== Num2Bits(ARRAYS)(flags);
    continues[ARRAYS - 1] === 0;
    signal {maxbit} ofExpiry[ARRAYS] <== AssumeEachBits(32, ARRAYS)(expiries); // as proofs of the roots went by

    component array[ARRAYS];
    component order[ARRAYS];
    component sums[ARRAYS];
    signal handedOn[ARRAYS][scenarioSumElements()];
    var gross = 0;
    var nakedShort = 0;
    for (var e = 0; e < ARRAYS; e++) {
        array[e] = ScenarioArray(SLOTS);
        array[e].headerRoot <== headerRoots[e];
        array[e].expiry <== expiries[e];
        array[e].asOf <== asOf;
        array[e].shortfallX40 <== shortfallsX40[e];
        array[e].strikesE8 <== strikesE8[e];
        array[e].marks <== marks[e];
        array[e].columnRoots <== columnRoots[e];
        array[e].columns <== columns[e];
        array[e].scenarioPlace <== scenarioPlace;
        array[e].out === arrayRoots[e];

        if (e > 0) {
            order[e] = SegmentOrder();
            order[e].isOpen <== continues[e - 1];
            order[e].openHeader <== headerRoots[e - 1];
            order[e].lastExpiry <== ofExpiry[e - 1];
            order[e].header <== headerRoots[e];
            order[e].expiry <== ofExpiry[e];
        }

        sums[e] = ScenarioSums(SLOTS);
        sums[e].expiry <== ofExpiry[e];
        sums[e].strikesE8 <== strikesE8[e];
        sums[e].marks <== marks[e];
        sums[e].columns <== columns[e];
        sums[e].words <== positions[e];
        for (var k = 0; k < scenarioSumElements(); k++) {
            sums[e].before[k] <== e == 0 ? 0 : handedOn[e - 1][k];
        }
        for (var k = 0; k < scenarioSumElements(); k++) {
            handedOn[e][k] <== continues[e] * sums[e].after[k];
        }
        gross += sums[e].grossE12;
        nakedShort += sums[e].nakedShortE12;
    }
    // Quantities only add up, so one check bounds every sum.
    signal {maxbit} grossE12 <== RangeCheck(grossBits())(gross);
    nakedShortE12 <== AssumeBits(grossBits())(nakedShort); // at most gross

    component places = ClosingPlaces(ARRAYS, EXPIRIES);
    places.continues <== continues;
    component closed[EXPIRIES];
    component opened[EXPIRIES];
    component header[EXPIRIES];
    component closing[EXPIRIES];
    var pnl = 0;
    var basis = 0;
    var mark = 0;
    for (var c = 0; c < EXPIRIES; c++) {
        closed[c] = ClosedSegment(ARRAYS, scenarioSumElements());
        closed[c].closes <== places.closes[c];
        closed[c].headerRoots <== headerRoots;
        for (var e = 0; e < ARRAYS; e++) {
            closed[c].sums[e] <== sums[e].after;
        }
        opened[c] = HeaderRoot();
        opened[c].header <== headers[c];
        opened[c].out === closed[c].headerRoot;
        header[c] = HeaderOfElements();
        header[c].elements <== headers[c];
        closing[c] = CloseScenario();
        closing[c].arrayHeader <== header[c].arrayHeader;
        closing[c].sums <== closed[c].out;
        closing[c].scenarioPlace <== scenarioPlace;
        pnl += closing[c].pnlMX40;
        basis += closing[c].basisMX40;
        mark += closing[c].markMX40;
    }
    // As in TotalsOfElements: quantities are bounded over all expiries.
    pnlMX40 <== AssumeSigned(128)(pnl);
    basisMX40 <== AssumeSigned(137)(basis);
    markMX40 <== AssumeSigned(125)(mark);
}

/**
 * @title  ScenarioWitness
 * @notice One account is below its maintenance margin: one scenario alone shows it, straight from the arrays, without a proof of
 *         the account's book. Claims: Q2, Q3, L1 to L3, L5 to L7, L9, L12, L13, L17, L18.
 * @param  ARRAYS, SLOTS, EXPIRIES  see ArraysInScenario
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  arrayRoots, positions, flags, holdings, collateralAmounts  words of the account
 * @input  choice     []  the scenario
 * @input  headerRoots and the rest  private: see ArraysInScenario
 * @output commitment, evaluation  []
 *
 * The worst scenario leaves at most what this one leaves, so the maintenance margin is at most the bound, which is
 * negative.
 */
template ScenarioWitness(ARRAYS, SLOTS, EXPIRIES) {
    signal input challenge;
    signal input roundPrices, roundConfidences, collateralPrices[collateralPricesWords()];
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], scenarioSkew;
    signal input lossFactors, contingencies, collateralPolicy[collateralPolicyWords()];
    signal input concentration, collateralSizes[collateralSizesWords()];
    signal input arrayRoots[ARRAYS], positions[ARRAYS][SLOTS], flags;
    signal input holdings, collateralAmounts[collateralAmountsWords()], choice;
    signal input headerRoots[ARRAYS], expiries[ARRAYS], shortfallsX40[ARRAYS];
    signal input strikesE8[ARRAYS][SLOTS], marks[ARRAYS][SLOTS], columnRoots[ARRAYS][columnGroups()];
    signal input columns[ARRAYS][groupColumns()][SLOTS], headers[EXPIRIES][headerElements()];
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

    signal chosen[34] <== ScenarioChoice()(choice);
    component scenario = ScenarioPlaces();
    scenario.chosen <== chosen;
    component arrays = ArraysInScenario(ARRAYS, SLOTS, EXPIRIES);
    arrays.arrayRoots <== arrayRoots;
    arrays.positions <== positions;
    arrays.flags <== flags;
    arrays.asOf <== terms.asOf;
    arrays.scenarioPlace <== scenario.scenarioPlace;
    arrays.headerRoots <== headerRoots;
    arrays.expiries <== expiries;
    arrays.shortfallsX40 <== shortfallsX40;
    arrays.strikesE8 <== strikesE8;
    arrays.marks <== marks;
    arrays.columnRoots <== columnRoots;
    arrays.columns <== columns;
    arrays.headers <== headers;

    component held = AccountHoldings();
    held.holdings <== holdings;
    held.collateralAmounts <== collateralAmounts;
    held.bookTotals.markMX40 <== arrays.markMX40;
    held.bookTotals.nakedShortE12 <== arrays.nakedShortE12;
    // What maintenance does not ask for.
    var nothing[33];
    held.bookTotals.pnlMX40 <== AssumeEachSigned(1, 33)(nothing);
    held.bookTotals.basisMX40 <== AssumeSigned(1)(0);
    held.bookTotals.shortfallE12X40 <== AssumeBits(1)(0);
    held.bookTotals.deltaE12X20 <== AssumeSigned(1)(0);
    held.bookTotals.gammaE20 <== AssumeSigned(1)(0);
    held.bookTotals.vegaE20X60 <== AssumeSigned(1)(0);
    held.bookTotals.thetaE20X20 <== AssumeSigned(1)(0);
    held.bookTotals.rhoE20X20 <== AssumeSigned(1)(0);
    held.holdingTerms <== terms.holdingTerms;
    held.contingencyFields <== terms.contingencyFields;
    held.concentrationFields <== terms.concentrationFields;

    component loss = ScenarioLoss();
    loss.chosen <== chosen;
    loss.pnlMX40 <== arrays.pnlMX40;
    loss.basisMX40 <== arrays.basisMX40;
    loss.shocksX40 <== terms.scenarioTerms.shocksX40;
    loss.dampingX40 <== terms.scenarioTerms.dampingX40;
    loss.hedgeM <== held.balance.hedgeM;
    component bound = WitnessBound();
    bound.lossMX80 <== loss.lossMX80;
    bound.balance <== held.balance;
    bound.maintenanceFactorX40 <== terms.scenarioTerms.maintenanceFactorX40;

    component frame = ScenarioWitnessFrame(ARRAYS, SLOTS);
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
    frame.choice <== choice;
    frame.bound <== bound.word;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
