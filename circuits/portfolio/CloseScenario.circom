pragma circom 2.2.3;

include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../options/ArrayHeader.circom";
include "ScenarioPlaces.circom";
include "ScenarioSums.circom";
include "layout.circom";

/**
 * @title  CloseScenario
 * @notice What an account's options of one expiry are worth as the market stands, and what one scenario changes: CloseExpiry
 *         for that scenario alone, cut as it cuts. Claims: L3, L18.
 * @input  arrayHeader    []   of the expiry's arrays
 * @input  sums           [6]  over all strikes, see ScenarioSums
 * @input  scenarioPlace  []
 * @output pnlMX40        []   127 bits and a sign; of no account if the basis contingency is chosen
 * @output basisMX40      []   136 bits and a sign; of no account if it is not
 * @output markMX40       []   124 bits and a sign
 *
 * Bit budget: that of CloseExpiry. What is of no account is within it as well: every column of the groups that scenarios are
 * in stays below 2^180.
 */
template CloseScenario() {
    input ArrayHeader() arrayHeader;
    signal input sums[scenarioSumElements()];
    input ScenarioPlace() scenarioPlace;
    signal output {signedbit} pnlMX40, basisMX40, markMX40;

    assert(arrayHeader.forwardsE8.maxbit <= 52);
    assert(arrayHeader.longFactorX40.maxbit <= 43 && arrayHeader.shortFactorX40.maxbit <= 43);
    assert(arrayHeader.discountX40.maxbit <= 41);
    assert(arrayHeader.basisFactorX40.maxbit <= 52);

    signal forwards[20];
    var forward = 0;
    for (var f = 0; f < 20; f++) {
        forwards[f] <== scenarioPlace.forwards[f] * arrayHeader.forwardsE8[f];
        forward += forwards[f];
    }
    signal prices[4];
    prices[0] <== scenarioPlace.isMark * sums[0];
    var priced = prices[0];
    for (var i = 0; i < 3; i++) {
        prices[1 + i] <== scenarioPlace.places[i] * sums[1 + i];
        priced += prices[1 + i];
    }

    // As the market stands, in the scenario, and with the forward down where the scenario is the basis contingency.
    var calls[3] = [sums[0], priced, sums[2]];
    var at[3] = [arrayHeader.forwardsE8[0], forward, arrayHeader.forwardsE8[19]];
    signal forwardPuts[3];
    component value[3];
    for (var v = 0; v < 3; v++) {
        forwardPuts[v] <== at[v] * sums[4];
        value[v] = FloorAndSign(callFractionBits() + 32);
        var parity = sums[5] - forwardPuts[v];
        value[v].in <== AssumeSigned(241)(calls[v] + parity * 2 ** callFractionBits());
    }
    markMX40 <== AssumeSigned(124)(value[0].out * arrayHeader.discountX40); // 83 + 41 bits

    signal factor <== arrayHeader.longFactorX40
        + value[1].negative * (arrayHeader.shortFactorX40 - arrayHeader.longFactorX40);
    signal worth <== value[1].out * factor;
    component change = FloorAndSign(0);
    change.in <== AssumeSigned(127)(worth - markMX40);
    signal loss <== (2 * change.negative - 1) * change.in; // -|change|
    pnlMX40 <== AssumeSigned(127)(change.in + scenarioPlace.isSkew * (loss - change.in));

    // Least of up - mark, down - mark and 0.
    component upIsLower = FloorAndSign(0);
    upIsLower.in <== AssumeSigned(84)(value[1].out - value[2].out);
    signal lower <== value[2].out + upIsLower.negative * (value[1].out - value[2].out) - value[0].out;
    component fall = FloorAndSign(0);
    fall.in <== AssumeSigned(84)(lower);
    signal fallM <== fall.negative * lower;
    basisMX40 <== AssumeSigned(136)(fallM * arrayHeader.basisFactorX40); // 84 + 52 bits
}
