pragma circom 2.2.3;

include "../generated/frames/PortfolioMarginFrame.circom";
include "../generated/words/AccountMargins.circom";
include "../generated/words/AccountThresholds.circom";
include "../generated/words/BatchRisk.circom";
include "../generated/words/SpotGreeks.circom";
include "../generated/words/TimeGreeks.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/LnDown.circom";
include "../math/SaturateSigned.circom";
include "../math/ShiftRightUp.circom";
include "../portfolio/AccountHoldings.circom";
include "../portfolio/AccountMargins.circom";
include "../portfolio/NetGreeks.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/layout.circom";
include "BookState.circom";

/**
 * @title  PortfolioMargin
 * @notice Margins, thresholds and Greeks of a batch of accounts under one round and one policy, and their sums. Claims: Q2,
 *         Q3, L4, L5, L7 to L12.
 * @param  ACCOUNTS   places, at most 8; an account that holds nothing fills a place that is left
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  stateIn, holdings, collateralAmounts  [ACCOUNTS], the last [ACCOUNTS][2]  words of each account
 * @input  asOfIn, expiryIn, totalsIn  [ACCOUNTS], the last [ACCOUNTS][43]  private: what stateIn commits to
 * @output commitment, evaluation  []
 *
 * stateIn is the empty book's root or the stateOut of an OptionBook proof, which the contract checks; totals are within
 * their widths because they came about by that circuit.
 */
template PortfolioMargin(ACCOUNTS) {
    signal input challenge;
    signal input roundPrices, roundConfidences, collateralPrices[4];
    signal input scenarioRegular[7], scenarioUpOnly[5], scenarioSpecial;
    signal input lossFactors, contingencies, collateralPolicy[4];
    signal input stateIn[ACCOUNTS], holdings[ACCOUNTS], collateralAmounts[ACCOUNTS][2];
    signal input asOfIn[ACCOUNTS], expiryIn[ACCOUNTS], totalsIn[ACCOUNTS][totalElements()];
    signal output commitment, evaluation;

    assert(ACCOUNTS <= 8);

    component terms = RoundTerms();
    terms.roundPrices <== roundPrices;
    terms.roundConfidences <== roundConfidences;
    terms.collateralPrices <== collateralPrices;
    terms.scenarioRegular <== scenarioRegular;
    terms.scenarioUpOnly <== scenarioUpOnly;
    terms.scenarioSpecial <== scenarioSpecial;
    terms.lossFactors <== lossFactors;
    terms.contingencies <== contingencies;
    terms.collateralPolicy <== collateralPolicy;
    component frame = PortfolioMarginFrame(ACCOUNTS);
    frame.challenge <== challenge;
    frame.roundPrices <== roundPrices;
    frame.roundConfidences <== roundConfidences;
    frame.collateralPrices <== collateralPrices;
    frame.scenarioRegular <== scenarioRegular;
    frame.scenarioUpOnly <== scenarioUpOnly;
    frame.scenarioSpecial <== scenarioSpecial;
    frame.lossFactors <== lossFactors;
    frame.contingencies <== contingencies;
    frame.collateralPolicy <== collateralPolicy;
    frame.stateIn <== stateIn;
    frame.holdings <== holdings;
    frame.collateralAmounts <== collateralAmounts;

    signal {maxbit} spotE8 <== AssumeBits(48)(terms.spotE8); // a field of a word
    signal {maxbit} lnSpotX28 <== LnDown(28)(spotE8);

    component book[ACCOUNTS];
    component held[ACCOUNTS];
    component margins[ACCOUNTS];
    component greeks[ACCOUNTS];
    component margin[ACCOUNTS];
    component threshold[ACCOUNTS];
    component spotGreeks[ACCOUNTS];
    component timeGreeks[ACCOUNTS];
    signal expected[ACCOUNTS];
    var probabilities = 0;
    var shortfalls = 0;
    var unhealthy = 0;
    var deltas = 0;
    var gammas = 0;
    var vegas = 0;
    var thetas = 0;
    var rhos = 0;
    for (var a = 0; a < ACCOUNTS; a++) {
        book[a] = OpenedBook();
        book[a].root <== stateIn[a];
        book[a].asOf <== asOfIn[a];
        book[a].expiry <== expiryIn[a];
        book[a].totals <== totalsIn[a];
        book[a].roundAsOf <== terms.asOf;

        held[a] = AccountHoldings();
        held[a].holdings <== holdings[a];
        held[a].collateralAmounts <== collateralAmounts[a];
        held[a].totals <== totalsIn[a];
        held[a].spotE8 <== spotE8;
        held[a].perpPriceE8 <== terms.perpPriceE8;
        held[a].valueE8X20 <== terms.valueE8X20;
        held[a].movingE8X20 <== terms.movingE8X20;
        held[a].maintenanceE8X60 <== terms.maintenanceE8X60;
        held[a].initialE8X60 <== terms.initialE8X60;
        held[a].uncertainE8X60 <== terms.uncertainE8X60;
        held[a].perpShortfallX40 <== terms.perpShortfallX40;
        held[a].maintenancePerpX40 <== terms.maintenancePerpX40;
        held[a].initialPerpX40 <== terms.initialPerpX40;
        held[a].maintenanceOptionX40 <== terms.maintenanceOptionX40;
        held[a].initialOptionX40 <== terms.initialOptionX40;
        held[a].confidenceMarginX40 <== terms.confidenceMarginX40;

        margins[a] = AccountMargins();
        for (var s = 0; s < 33; s++) {
            margins[a].scenarioPnlMX40[s] <== totalsIn[a][s];
        }
        margins[a].basisMX40 <== totalsIn[a][totalBasis()];
        margins[a].hedgeM <== held[a].hedgeM;
        margins[a].equityE20X60 <== held[a].equityE20X60;
        margins[a].maintenanceContingencyE20X60 <== held[a].maintenanceContingencyE20X60;
        margins[a].initialContingencyE20X60 <== held[a].initialContingencyE20X60;
        margins[a].confidenceE20X100 <== held[a].confidenceE20X100;
        margins[a].spotE8 <== spotE8;
        margins[a].lnSpotX28 <== lnSpotX28;
        margins[a].inverseVolatilityX30 <== terms.inverseVolatilityX30;
        margins[a].shocksX40 <== terms.shocksX40;
        margins[a].dampingX40 <== terms.dampingX40;
        margins[a].maintenanceFactorX40 <== terms.maintenanceFactorX40;
        margins[a].initialFactorX40 <== terms.initialFactorX40;

        greeks[a] = NetGreeks();
        for (var g = 0; g < 5; g++) {
            greeks[a].greeks[g] <== totalsIn[a][totalGreeks() + g];
        }

        probabilities += margins[a].defaultProbabilityX32;
        expected[a] <== margins[a].defaultProbabilityX32 * margins[a].deficitE8;
        shortfalls += expected[a];
        unhealthy += margins[a].isUnhealthy;
        deltas += greeks[a].deltaE12;
        gammas += greeks[a].gammaE20;
        vegas += greeks[a].vegaE8;
        thetas += greeks[a].thetaE8;
        rhos += greeks[a].rhoE8;

        margin[a] = PackAccountMargins();
        margin[a].fields.initialE8 <== AssumeSigned(79)(margins[a].initialE8);
        margin[a].fields.maintenanceE8 <== AssumeSigned(79)(margins[a].maintenanceE8);
        margin[a].fields.worstScenario <== AssumeBits(6)(margins[a].worstScenario); // at most 33
        threshold[a] = PackAccountThresholds();
        threshold[a].fields.liquidationDownE8 <== AssumeBits(48)(margins[a].liquidationDownE8);
        threshold[a].fields.liquidationUpE8 <== AssumeBits(48)(margins[a].liquidationUpE8);
        threshold[a].fields.defaultDownE8 <== AssumeBits(48)(margins[a].defaultDownE8);
        threshold[a].fields.defaultUpE8 <== AssumeBits(48)(margins[a].defaultUpE8);
        threshold[a].fields.defaultProbabilityX32 <== AssumeBits(33)(margins[a].defaultProbabilityX32);
        spotGreeks[a] = PackSpotGreeks();
        spotGreeks[a].fields.deltaE12 <== greeks[a].deltaE12;
        spotGreeks[a].fields.gammaE20 <== greeks[a].gammaE20;
        spotGreeks[a].fields.vegaE8 <== greeks[a].vegaE8;
        timeGreeks[a] = PackTimeGreeks();
        timeGreeks[a].fields.thetaE8 <== greeks[a].thetaE8;
        timeGreeks[a].fields.rhoE8 <== greeks[a].rhoE8;

        frame.margins[a] <== margin[a].word;
        frame.thresholds[a] <== threshold[a].word;
        frame.spotGreeks[a] <== spotGreeks[a].word;
        frame.timeGreeks[a] <== timeGreeks[a].word;
    }

    // Sums of at most 8 accounts: three bits more than one of them.
    component risk = PackBatchRisk();
    risk.fields.defaultProbabilityX32 <== AssumeBits(36)(probabilities);
    signal {maxbit} shortfallE8X32 <== AssumeBits(116)(shortfalls); // 33 + 80 + 3 bits
    risk.fields.expectedShortfallE8 <== ShiftRightUp(32)(shortfallE8X32);
    risk.fields.unhealthy <== AssumeBits(4)(unhealthy);
    component batchSpot = PackSpotGreeks();
    batchSpot.fields.deltaE12 <== AssumeSigned(67)(deltas);
    batchSpot.fields.gammaE20 <== SaturateSigned(83)(AssumeSigned(86)(gammas));
    batchSpot.fields.vegaE8 <== SaturateSigned(79)(AssumeSigned(82)(vegas));
    component batchTime = PackTimeGreeks();
    batchTime.fields.thetaE8 <== SaturateSigned(79)(AssumeSigned(82)(thetas));
    batchTime.fields.rhoE8 <== SaturateSigned(79)(AssumeSigned(82)(rhos));
    frame.batchRisk <== risk.word;
    frame.batchSpotGreeks <== batchSpot.word;
    frame.batchTimeGreeks <== batchTime.word;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
