pragma circom 2.2.3;

include "../generated/frames/UnhealthyWitnessFrame.circom";
include "../generated/words/MaintenanceBound.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "../portfolio/AccountHoldings.circom";
include "../portfolio/AccountMargins.circom";
include "../portfolio/ChosenScenario.circom";
include "../portfolio/RoundTerms.circom";
include "../portfolio/layout.circom";
include "BookState.circom";

/**
 * @title  UnhealthyWitness
 * @notice One account is below its maintenance margin: one scenario alone shows it. Claims: Q2, Q3, L5, L7, L9, L12.
 * @input  challenge  []  public
 * @input  words of the round and of the policy, see circuits/statements/portfolio.ts
 * @input  stateIn, holdings, collateralAmounts  [], [], [2]  words of the account
 * @input  choice     []  the scenario
 * @input  asOfIn, expiryIn, totalsIn  [], [], [43]  private: what stateIn commits to
 * @output commitment, evaluation  []
 *
 * The worst scenario leaves at most what this one leaves, so the maintenance margin is at most the bound, which is
 * negative.
 */
template UnhealthyWitness() {
    signal input challenge;
    signal input roundPrices, roundConfidences, collateralPrices[4];
    signal input scenarioRegular[7], scenarioUpOnly[5], scenarioSpecial;
    signal input lossFactors, contingencies, collateralPolicy[4];
    signal input stateIn, holdings, collateralAmounts[2], choice;
    signal input asOfIn, expiryIn, totalsIn[totalElements()];
    signal output commitment, evaluation;

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

    component book = OpenedBook();
    book.root <== stateIn;
    book.asOf <== asOfIn;
    book.expiry <== expiryIn;
    book.totals <== totalsIn;
    book.roundAsOf <== terms.asOf;

    component held = AccountHoldings();
    held.holdings <== holdings;
    held.collateralAmounts <== collateralAmounts;
    held.totals <== totalsIn;
    held.spotE8 <== terms.spotE8;
    held.perpPriceE8 <== terms.perpPriceE8;
    held.valueE8X20 <== terms.valueE8X20;
    held.movingE8X20 <== terms.movingE8X20;
    held.maintenanceE8X60 <== terms.maintenanceE8X60;
    held.initialE8X60 <== terms.initialE8X60;
    held.uncertainE8X60 <== terms.uncertainE8X60;
    held.perpShortfallX40 <== terms.perpShortfallX40;
    held.maintenancePerpX40 <== terms.maintenancePerpX40;
    held.initialPerpX40 <== terms.initialPerpX40;
    held.maintenanceOptionX40 <== terms.maintenanceOptionX40;
    held.initialOptionX40 <== terms.initialOptionX40;
    held.confidenceMarginX40 <== terms.confidenceMarginX40;

    component chosen = ChosenScenario();
    chosen.scenario <== choice;
    chosen.totals <== totalsIn;
    chosen.shocksX40 <== terms.shocksX40;
    chosen.dampingX40 <== terms.dampingX40;
    chosen.hedgeM <== held.hedgeM;
    component span = FloorAndSign(80);
    span.in <== AssumeSigned(lossBits())(chosen.lossMX80);

    signal loss <== span.out * terms.maintenanceFactorX40;
    component bound = FloorToUnit(72, fiveToTwelve(), 79);
    bound.in <== AssumeSigned(196)(loss * 2 ** 52 + held.equityE20X60 - held.maintenanceContingencyE20X60);
    bound.negative === 1;
    component word = PackMaintenanceBound();
    word.fields.maintenanceE8 <== bound.out;

    component frame = UnhealthyWitnessFrame();
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
    frame.choice <== choice;
    frame.bound <== word.word;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
