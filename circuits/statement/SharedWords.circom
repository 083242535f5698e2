pragma circom 2.2.3;

/**
 * @title  SharedWords
 * @notice Words that margins of all accounts share, in the order of the statement: round, grid, policy. Claim: Q2.
 * @output out  [25]
 */
template SharedWords() {
    signal input roundPrices, roundConfidences, collateralPrices[4];
    signal input scenarioRegular[7], scenarioUpOnly[5], scenarioSpecial;
    signal input lossFactors, contingencies, collateralPolicy[4];
    signal output out[25];

    out[0] <== roundPrices;
    out[1] <== roundConfidences;
    for (var i = 0; i < 4; i++) {
        out[2 + i] <== collateralPrices[i];
        out[21 + i] <== collateralPolicy[i];
    }
    for (var r = 0; r < 7; r++) {
        out[6 + r] <== scenarioRegular[r];
    }
    for (var i = 0; i < 5; i++) {
        out[13 + i] <== scenarioUpOnly[i];
    }
    out[18] <== scenarioSpecial;
    out[19] <== lossFactors;
    out[20] <== contingencies;
}
