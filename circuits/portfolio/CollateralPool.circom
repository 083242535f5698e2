pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../generated/words/CollateralMarket.circom";
include "../generated/words/LossFactors.circom";
include "../generated/words/RoundPrices.circom";
include "../math/AssumeBits.circom";
include "ConcentrationCharge.circom";
include "RoundTerms.circom";

/** What all markets of an account share: the settlement currency and collateral; from PoolTerms to MarketTerms. */
bus CollateralPool() {
    signal {maxbit} stablePriceE12; // 44 bits
    signal {maxbit} pegThresholdX40; // 47 bits
    signal {maxbit} pegLossX40; // 44 bits
    signal {maxbit} valueE8X20[collaterals()]; // 73 bits
    signal {maxbit} movingE8X20[collaterals()]; // 73 bits
    signal {maxbit} maintenanceE8X60[collaterals()]; // 114 bits
    signal {maxbit} haircutX40[collaterals()]; // 41 bits
    signal {maxbit} confidenceX40[collaterals()]; // 41 bits
    signal {maxbit} thresholdX40[collaterals()]; // 41 bits
    signal {maxbit} sizesQ[collaterals()]; // 30 bits
}

/**
 * @title  PoolTerms
 * @notice What the first market's round and policy say for all markets: the settlement currency, its peg, collateral. Claim: L31.
 * @input  roundPrices, lossFactors, collateralPrices, collateralPolicy, collateralSizes  words
 * @output pool  []
 */
template PoolTerms() {
    signal input roundPrices, lossFactors, collateralPrices[collateralPricesWords()];
    signal input collateralPolicy[collateralPolicyWords()], collateralSizes[collateralSizesWords()];
    output CollateralPool() pool;

    component prices = UnpackRoundPrices();
    prices.word <== roundPrices;
    component factors = UnpackLossFactors();
    factors.word <== lossFactors;
    component collateral = CollateralTerms();
    collateral.collateralPrices <== collateralPrices;
    collateral.collateralPolicy <== collateralPolicy;
    collateral.stablePriceE12 <== prices.fields.stablePriceE12;
    pool.stablePriceE12 <== prices.fields.stablePriceE12;
    pool.pegThresholdX40 <== factors.fields.pegThresholdX40;
    pool.pegLossX40 <== factors.fields.pegLossX40;
    pool.valueE8X20 <== collateral.valueE8X20;
    pool.movingE8X20 <== collateral.movingE8X20;
    pool.maintenanceE8X60 <== collateral.maintenanceE8X60;
    pool.haircutX40 <== collateral.haircutX40;
    pool.confidenceX40 <== collateral.confidenceX40;
    pool.thresholdX40 <== collateral.thresholdX40;
    pool.sizesQ <== CollateralSizes()(collateralSizes);
}

/**
 * @title  MarketsOfCollateral
 * @notice In which market each collateral counts: in one. A place beyond the markets has no witness. Claim: L31.
 * @param  MARKETS  from 2 to mostMarkets()
 * @input  words     of the cross policy
 * @output countsIn  [MARKETS][collaterals]  boolean: of the four products of two bits and their complements one is 1
 */
template MarketsOfCollateral(MARKETS) {
    signal input words[collateralMarketsWords()];
    signal output countsIn[MARKETS][collaterals()];

    assert(MARKETS >= 2 && MARKETS <= mostMarkets());
    signal bits[collaterals()][2] <== CollateralMarketBits(collaterals())(words);
    signal both[collaterals()];
    for (var i = 0; i < collaterals(); i++) {
        both[i] <== bits[i][0] * bits[i][1];
        var places[4];
        places[0] = 1 - bits[i][0] - bits[i][1] + both[i];
        places[1] = bits[i][0] - both[i];
        places[2] = bits[i][1] - both[i];
        places[3] = both[i];
        for (var m = 0; m < mostMarkets(); m++) {
            if (m < MARKETS) {
                countsIn[m][i] <== places[m];
            } else {
                places[m] === 0;
            }
        }
    }
}
