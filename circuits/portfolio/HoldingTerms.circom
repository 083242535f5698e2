pragma circom 2.2.3;

include "../generated/sizes.circom";

/** What all accounts of a round share of prices and of maintenance margin: from RoundTerms to AccountHoldings. */
bus HoldingTerms() {
    signal {maxbit} spotE8; // 48 bits
    signal {maxbit} perpPriceE8; // 48 bits
    signal {maxbit} valueE8X20[collaterals()]; // 73 bits: price in the settlement currency, rounded down
    signal {maxbit} movingE8X20[collaterals()]; // 73 bits: the same of what moves with spot, else 0
    signal {maxbit} sizesQ[collaterals()]; // 30 bits: from where on it is concentrated
    signal {maxbit} maintenanceE8X60[collaterals()]; // 114 bits: the same times the maintenance haircut
}
