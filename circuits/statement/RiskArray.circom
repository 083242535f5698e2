pragma circom 2.2.3;

include "../generated/frames/RiskArrayFrame.circom";
include "../generated/sizes.circom";
include "../generated/words/Strike.circom";
include "../options/ExpiryArray.circom";
include "ArrayRoot.circom";

/**
 * @title  RiskArray
 * @notice One expiry priced under every scenario, for all accounts to share. Claims: Q2, Q3, and those of ExpiryArray.
 * @param  STRIKES   how many
 * @input  challenge      []  public; chosen by the contract after the commitment
 * @input  words as circuits/statements/options.ts has them; strikes five a word, places after the last are 0
 * @output commitment     []  to the input words
 * @output evaluation     []  of all words at the challenge; the one output word is the array's root, the commitment to
 *                            the header and to the leaves, by columns
 */
template RiskArray(STRIKES) {
    signal input challenge;
    signal input scenarioRegular[scenarioRegularWords()], scenarioUpOnly[scenarioUpOnlyWords()], basisShocks;
    signal input volatilityShocks, skewLinear, skewAbsolute, longDiscount, shortDiscount;
    signal input expiryForward, expirySurface, expirySurfaceShape, strikes[(STRIKES + 4) \ 5];
    signal output commitment, evaluation;

    component array = ExpiryArray(STRIKES);
    component frame = RiskArrayFrame(STRIKES);
    frame.challenge <== challenge;
    array.scenarioRegular <== scenarioRegular;
    frame.scenarioRegular <== scenarioRegular;
    array.scenarioUpOnly <== scenarioUpOnly;
    frame.scenarioUpOnly <== scenarioUpOnly;
    array.basisShocks <== basisShocks;
    frame.basisShocks <== basisShocks;
    array.volatilityShocks <== volatilityShocks;
    frame.volatilityShocks <== volatilityShocks;
    array.skewLinear <== skewLinear;
    frame.skewLinear <== skewLinear;
    array.skewAbsolute <== skewAbsolute;
    frame.skewAbsolute <== skewAbsolute;
    array.longDiscount <== longDiscount;
    frame.longDiscount <== longDiscount;
    array.shortDiscount <== shortDiscount;
    frame.shortDiscount <== shortDiscount;
    array.expiryForward <== expiryForward;
    frame.expiryForward <== expiryForward;
    array.expirySurface <== expirySurface;
    frame.expirySurface <== expirySurface;
    array.expirySurfaceShape <== expirySurfaceShape;
    frame.expirySurfaceShape <== expirySurfaceShape;
    array.strikeBits <== StrikeBits(STRIKES)(strikes);
    frame.strikes <== strikes;

    component root = ArrayRoot(STRIKES);
    root.headerRoot <== HeaderRoot()(array.header);
    root.expiry <== array.header[0];
    root.asOf <== array.header[1];
    root.shortfallX40 <== array.header[26];
    root.leaves <== array.leaves;
    frame.arrayRoot <== root.out;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
