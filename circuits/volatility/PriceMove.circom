pragma circom 2.2.3;

/**
 * What one observation slot says of the time since the observation before. In an unused slot nothing moved: elapsed is 0,
 * the price the one before, and no range is attested.
 */
bus PriceMove() {
    signal {maxbit} previousAsOf; // 32 bits
    signal {maxbit} previousLnPriceX26; // 32 bits, rounded down
    signal {maxbit} lnPriceX26; // 32 bits, rounded down
    signal {maxbit} elapsed; // seconds, 32 bits
    signal unused; // boolean
    signal rangeCodeBits[12]; // boolean, least significant first
}
