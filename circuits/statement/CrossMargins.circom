pragma circom 2.2.3;

include "../generated/frames/CrossMarginsFrame.circom";
include "../generated/sizes.circom";
include "../generated/words/CrossMargins.circom";
include "../generated/words/SpreadCredit.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/AssumeEachSigned.circom";
include "../portfolio/AccountHoldings.circom";
include "../portfolio/CollateralPool.circom";
include "../portfolio/ConcentrationCharge.circom";
include "../portfolio/CrossSum.circom";
include "../portfolio/MarketTerms.circom";
include "../portfolio/layout.circom";
include "MarketPart.circom";

/**
 * @title  SpreadCredits
 * @notice What each market may offset of others. Claim: Q1.
 * @param  MARKETS   from 2 to mostMarkets()
 * @input  words     of the cross policy
 * @output outX40    [MARKETS]  41 bits; what stands for no market is not read
 */
template SpreadCredits(MARKETS) {
    signal input words[spreadCreditsWords()];
    signal output {maxbit} outX40[MARKETS];

    signal bits[mostMarkets()][41] <== SpreadCreditBits(mostMarkets())(words);
    component of[MARKETS];
    signal each[MARKETS];
    for (var m = 0; m < MARKETS; m++) {
        of[m] = SpreadCreditOfBits();
        of[m].bits <== bits[m];
        assert(of[m].fields.creditX40.maxbit <= 41);
        each[m] <== of[m].fields.creditX40;
    }
    outX40 <== AssumeEachBits(41, MARKETS)(each); // fields of words
}

/**
 * @title  CrossMargins
 * @notice Margins of a batch of accounts, each over several markets at once. Claims: Q2, Q3, L30, L31, L32.
 * @param  ACCOUNTS  places; an account that holds nothing fills a place that is left
 * @param  MARKETS   from 2 to mostMarkets(); the first one's round and policy say what collateral and the settlement currency are
 * @param  PARTS     ACCOUNTS * MARKETS: what an account is in a market, account by account
 * @input  challenge  []  public
 * @input  words, see circuits/statements/portfolio.ts
 * @input  asOfIn, expiryIn, totalsIn  [PARTS], the last [PARTS][43]  private: what stateIn commits to
 * @output commitment, evaluation  []
 */
template CrossMargins(ACCOUNTS, MARKETS, PARTS) {
    signal input challenge;
    signal input roundPrices[MARKETS], roundConfidences[MARKETS];
    signal input scenarioRegular[MARKETS][scenarioRegularWords()], scenarioUpOnly[MARKETS][scenarioUpOnlyWords()];
    signal input scenarioSkew[MARKETS], lossFactors[MARKETS], contingencies[MARKETS], concentration[MARKETS];
    signal input collateralPrices[collateralPricesWords()], collateralPolicy[collateralPolicyWords()];
    signal input collateralSizes[collateralSizesWords()];
    signal input collateralMarkets[collateralMarketsWords()], spreadCredits[spreadCreditsWords()];
    signal input collateralAmounts[ACCOUNTS][collateralAmountsWords()];
    signal input stateIn[PARTS], holdings[PARTS];
    signal input asOfIn[PARTS], expiryIn[PARTS], totalsIn[PARTS][totalElements()];
    signal output commitment, evaluation;

    assert(PARTS == ACCOUNTS * MARKETS);
    component pool = PoolTerms();
    pool.roundPrices <== roundPrices[0];
    pool.lossFactors <== lossFactors[0];
    pool.collateralPrices <== collateralPrices;
    pool.collateralPolicy <== collateralPolicy;
    pool.collateralSizes <== collateralSizes;
    component market[MARKETS];
    for (var m = 0; m < MARKETS; m++) {
        market[m] = MarketTerms();
        market[m].roundPrices <== roundPrices[m];
        market[m].roundConfidences <== roundConfidences[m];
        market[m].scenarioRegular <== scenarioRegular[m];
        market[m].scenarioUpOnly <== scenarioUpOnly[m];
        market[m].scenarioSkew <== scenarioSkew[m];
        market[m].lossFactors <== lossFactors[m];
        market[m].contingencies <== contingencies[m];
        market[m].concentration <== concentration[m];
        market[m].pool <== pool.pool;
    }
    component frame = CrossMarginsFrame(MARKETS, ACCOUNTS, PARTS);
    frame.challenge <== challenge;
    frame.roundPrices <== roundPrices;
    frame.roundConfidences <== roundConfidences;
    frame.scenarioRegular <== scenarioRegular;
    frame.scenarioUpOnly <== scenarioUpOnly;
    frame.scenarioSkew <== scenarioSkew;
    frame.lossFactors <== lossFactors;
    frame.contingencies <== contingencies;
    frame.concentration <== concentration;
    frame.collateralPrices <== collateralPrices;
    frame.collateralPolicy <== collateralPolicy;
    frame.collateralSizes <== collateralSizes;
    frame.collateralMarkets <== collateralMarkets;
    frame.spreadCredits <== spreadCredits;
    frame.collateralAmounts <== collateralAmounts;
    frame.stateIn <== stateIn;
    frame.holdings <== holdings;

    signal countsIn[MARKETS][collaterals()] <== MarketsOfCollateral(MARKETS)(collateralMarkets);
    signal {maxbit} creditsX40[MARKETS] <== SpreadCredits(MARKETS)(spreadCredits);
    component amounts[ACCOUNTS];
    signal countedE12[PARTS][collaterals()], countedQ[PARTS][collaterals()];
    component part[PARTS];
    signal maintenance[ACCOUNTS][MARKETS], initial[ACCOUNTS][MARKETS], scenarios[ACCOUNTS][MARKETS];
    signal legs[ACCOUNTS][MARKETS];
    component sum[ACCOUNTS];
    component margin[ACCOUNTS];
    for (var a = 0; a < ACCOUNTS; a++) {
        amounts[a] = CollateralAmounts();
        amounts[a].words <== collateralAmounts[a];
        sum[a] = CrossSum(MARKETS);
        for (var m = 0; m < MARKETS; m++) {
            var p = a * MARKETS + m;
            for (var i = 0; i < collaterals(); i++) {
                countedE12[p][i] <== countsIn[m][i] * amounts[a].outE12[i];
                countedQ[p][i] <== countsIn[m][i] * amounts[a].wholeQ[i];
            }
            part[p] = MarketPart();
            part[p].stateIn <== stateIn[p];
            part[p].holdings <== holdings[p];
            part[p].asOfIn <== asOfIn[p];
            part[p].expiryIn <== expiryIn[p];
            part[p].totalsIn <== totalsIn[p];
            part[p].amountsE12 <== AssumeEachBits(62, collaterals())(countedE12[p]); // the amount or 0
            part[p].amountsQ <== AssumeEachBits(62 - sizeUnitBits(), collaterals())(countedQ[p]); // likewise
            part[p].spreadFactorX40 <== market[m].spreadFactorX40;
            part[p].creditX40 <== AssumeBits(41)(creditsX40[m]); // one of them
            part[p].asOf <== market[m].asOf;
            part[p].holdingTerms <== market[m].holdingTerms;
            part[p].scenarioTerms <== market[m].scenarioTerms;
            part[p].initialTerms <== market[m].initialTerms;
            part[p].contingencyFields <== market[m].contingencyFields;
            part[p].concentrationFields <== market[m].concentrationFields;

            assert(part[p].part.maintenanceE20X60.signedbit <= 196 && part[p].part.initialE20X100.signedbit <= 245);
            assert(part[p].part.worstScenario.maxbit <= 6 && part[p].legMX80.maxbit <= 183);
            maintenance[a][m] <== part[p].part.maintenanceE20X60;
            initial[a][m] <== part[p].part.initialE20X100;
            scenarios[a][m] <== part[p].part.worstScenario;
            legs[a][m] <== part[p].legMX80;
            sum[a].isDown[m] <== part[p].isDown;
        }
        sum[a].maintenanceE20X60 <== AssumeEachSigned(196, MARKETS)(maintenance[a]); // as asserted, like the rest
        sum[a].initialE20X100 <== AssumeEachSigned(245, MARKETS)(initial[a]);
        sum[a].worstScenarios <== AssumeEachBits(6, MARKETS)(scenarios[a]);
        sum[a].legsMX80 <== AssumeEachBits(183, MARKETS)(legs[a]);
        margin[a] = PackCrossMargins();
        margin[a].fields <== sum[a].marginFields;
        frame.margins[a] <== margin[a].word;
    }
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
