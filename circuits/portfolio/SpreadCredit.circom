pragma circom 2.2.3;

include "../generated/sizes.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/Constant.circom";
include "../math/FloorAndSign.circom";
include "../math/IsLess.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "CrossPart.circom";
include "ScenarioChoice.circom";
include "ScenarioTerms.circom";
include "layout.circom";

/**
 * @title  SpreadLeg
 * @notice What a market has to offset others with: of its loss the governed fraction, as far as its net delta makes it. Claim: L32.
 * @input  part, scenarioTerms  []
 * @input  spreadFactorX40  []  44 bits: what the loss is taken times
 * @input  creditX40  []     41 bits
 * @output outMX80    []     183 bits
 * @output isDown     []     whether its worst scenario is a fall of spot
 *
 * What the net delta loses is what it is times the shock less 1, damped as the scenario is: 0 or a gain if the delta is on the
 * other side, or spot does not move, so the sign of what counts is that of the delta. Bit budget: 141 bits of delta, 43 of a move
 * and 43 of a damping are 227; a loss of 98 bits, a factor of 44 and a fraction of 41 are 183.
 */
template SpreadLeg() {
    input PartBalance() part;
    input ScenarioTerms() scenarioTerms;
    signal input {maxbit} spreadFactorX40, creditX40;
    signal output {maxbit} outMX80;
    signal output {binary, maxbit} isDown;

    assert(part.netDeltaE20X20.signedbit <= 141 && part.worstLossM.signedbit <= 98);
    assert(spreadFactorX40.maxbit <= 44 && creditX40.maxbit <= 41);
    assert(scenarioTerms.shocksX40.maxbit <= 43 && scenarioTerms.dampingX40.maxbit <= 43);
    component choice = ScenarioChoice();
    choice.scenario <== part.worstScenario;
    signal shocks[33], dampings[33];
    var move = 0;
    var damping = 0;
    for (var s = 0; s < 33; s++) {
        shocks[s] <== choice.chosen[s] * (scenarioTerms.shocksX40[s] - 2 ** 40);
        dampings[s] <== choice.chosen[s] * scenarioTerms.dampingX40[s];
        move += shocks[s];
        damping += dampings[s];
    }
    signal dampedMoveX80 <== move * damping;
    component lost = FloorAndSign(132);
    lost.in <== AssumeSigned(227)(-part.netDeltaE20X20 * dampedMoveX80);
    signal ofDeltaM <== (1 - lost.negative) * lost.out;
    signal {maxbit} deltaLossM <== AssumeBits(95)(ofDeltaM); // a floor of 227 - 132 bits, where it is not negative
    signal {maxbit} lossM <== AssumeBits(98)(-part.worstLossM); // never positive: spot as it is loses nothing
    signal {maxbit} countedM <== Min()(lossM, deltaLossM);
    signal {maxbit} countedMX40 <== Multiply()(countedM, spreadFactorX40);
    outMX80 <== Multiply()(countedMX40, creditX40);

    signal {maxbit} shockX40 <== AssumeBits(43)(move + 2 ** 40); // of the scenario; 1 of the basis contingency
    signal {maxbit} one <== Constant(2 ** 40)();
    isDown <== IsLess()(shockX40, one);
}

/**
 * @title  SpreadCredit
 * @notice What falls and rises offset of each other: the lesser of what markets have that lose by either. Claim: L32.
 * @param  MARKETS  from 2 to mostMarkets()
 * @input  legsMX80  [MARKETS]
 * @input  isDown    [MARKETS]  boolean
 * @output outMX80   []         no more than what the lesser side loses, in either margin
 *
 * A market counts on one side, so no loss offsets twice, and no order of markets matters.
 */
template SpreadCredit(MARKETS) {
    signal input {maxbit} legsMX80[MARKETS];
    signal input isDown[MARKETS];
    signal output {maxbit} outMX80;

    assert(MARKETS >= 2 && MARKETS <= mostMarkets());
    signal downs[MARKETS];
    var down = 0;
    var up = 0;
    for (var m = 0; m < MARKETS; m++) {
        downs[m] <== isDown[m] * legsMX80[m];
        down += downs[m];
        up += legsMX80[m] - downs[m];
    }
    // At most four of them.
    signal {maxbit} downMX80 <== AssumeBits(legsMX80.maxbit + 2)(down);
    signal {maxbit} upMX80 <== AssumeBits(legsMX80.maxbit + 2)(up);
    outMX80 <== Min()(downMX80, upMX80);
}
