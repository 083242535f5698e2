pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";

/** What the strikes of a risk array share. */
bus ArrayHeader() {
    signal {maxbit} expiry; // 32 bits
    signal {maxbit} asOf; // 32 bits
    signal {maxbit} forwardsE8[20]; // 52 bits: unshocked, regular, up only, basis; circuits/portfolio/layout.circom
    signal {maxbit} discountX40; // 41 bits, at most 1
    signal {maxbit} longFactorX40; // 43 bits
    signal {maxbit} shortFactorX40; // 41 bits, at most 1
    signal {maxbit} basisFactorX40; // 52 bits
    signal {maxbit} shortfallX40; // 41 bits, at most 1
    signal {maxbit} sqrtTauX40; // 41 bits
    signal {maxbit} secondsToExpiry; // 26 bits
}

function headerElements() { return 29; }

/**
 * @title  HeaderToElements
 * @notice A header as its array's root commits to it. Claim: L5.
 * @input  arrayHeader  []
 * @output elements     [29]  in the order of the bus
 *
 * Its widths are what HeaderOfElements takes for proven. Linear: no rows.
 */
template HeaderToElements() {
    input ArrayHeader() arrayHeader;
    signal output elements[headerElements()];

    assert(arrayHeader.expiry.maxbit <= 32);
    assert(arrayHeader.asOf.maxbit <= 32);
    assert(arrayHeader.forwardsE8.maxbit <= 52);
    assert(arrayHeader.discountX40.maxbit <= 41);
    assert(arrayHeader.longFactorX40.maxbit <= 43);
    assert(arrayHeader.shortFactorX40.maxbit <= 41);
    assert(arrayHeader.basisFactorX40.maxbit <= 52);
    assert(arrayHeader.shortfallX40.maxbit <= 41);
    assert(arrayHeader.sqrtTauX40.maxbit <= 41);
    assert(arrayHeader.secondsToExpiry.maxbit <= 26);
    elements[0] <== arrayHeader.expiry;
    elements[1] <== arrayHeader.asOf;
    for (var f = 0; f < 20; f++) {
        elements[2 + f] <== arrayHeader.forwardsE8[f];
    }
    elements[22] <== arrayHeader.discountX40;
    elements[23] <== arrayHeader.longFactorX40;
    elements[24] <== arrayHeader.shortFactorX40;
    elements[25] <== arrayHeader.basisFactorX40;
    elements[26] <== arrayHeader.shortfallX40;
    elements[27] <== arrayHeader.sqrtTauX40;
    elements[28] <== arrayHeader.secondsToExpiry;
}

/**
 * @title  HeaderOfElements
 * @notice The header of an array whose root a RiskArray proof has left. Claim: L5.
 * @input  elements     [29]
 * @output arrayHeader  []
 *
 * Widths are those of HeaderToElements, which the proof of the root went by. Linear: no rows.
 */
template HeaderOfElements() {
    signal input elements[headerElements()];
    output ArrayHeader() arrayHeader;

    signal forwardsE8[20];
    for (var f = 0; f < 20; f++) {
        forwardsE8[f] <== elements[2 + f];
    }
    arrayHeader.expiry <== AssumeBits(32)(elements[0]);
    arrayHeader.asOf <== AssumeBits(32)(elements[1]);
    arrayHeader.forwardsE8 <== AssumeEachBits(52, 20)(forwardsE8);
    arrayHeader.discountX40 <== AssumeBits(41)(elements[22]);
    arrayHeader.longFactorX40 <== AssumeBits(43)(elements[23]);
    arrayHeader.shortFactorX40 <== AssumeBits(41)(elements[24]);
    arrayHeader.basisFactorX40 <== AssumeBits(52)(elements[25]);
    arrayHeader.shortfallX40 <== AssumeBits(41)(elements[26]);
    arrayHeader.sqrtTauX40 <== AssumeBits(41)(elements[27]);
    arrayHeader.secondsToExpiry <== AssumeBits(26)(elements[28]);
}
