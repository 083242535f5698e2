pragma circom 2.2.3;

include "../generated/words/AccountThresholds.circom";
include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachSigned.circom";
include "../math/AssumeSigned.circom";
include "../math/Constant.circom";
include "../math/DivDown.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "../math/LnDown.circom";
include "AccountMargins.circom";
include "Crossing.circom";
include "ProbabilityBeyond.circom";
include "layout.circom";

/** What all accounts of a round share of default: from DefaultRound to AccountDefault. */
bus DefaultTerms() {
    signal {maxbit} spotE8; // 48 bits
    signal {maxbit} lnSpotX28; // LnDown(28) of it
    signal {maxbit} inverseVolatilityX30; // 71 bits: one over the volatility of the default horizon, rounded down
}

/**
 * @title  DefaultRound
 * @notice What default adds to the terms of a round. Claim: L11.
 * @input  spotE8  []  48 bits
 * @input  horizonVolatilityX40  []  43 bits; 0 has no witness
 * @output defaultTerms  []
 */
template DefaultRound() {
    signal input {maxbit} spotE8, horizonVolatilityX40;
    output DefaultTerms() defaultTerms;

    defaultTerms.spotE8 <== spotE8;
    defaultTerms.lnSpotX28 <== LnDown(28)(spotE8);
    signal {maxbit} one <== Constant(2 ** 70)();
    defaultTerms.inverseVolatilityX30 <== DivDown(71)(one, horizonVolatilityX40);
}

/**
 * @title  AccountThresholds
 * @notice Where spot liquidates an account, where it leaves no equity, and how likely the latter is. Claims: L10, L11.
 * @input  maintenanceE8, equityE8  []  79 bits and a sign
 * @input  pnlMX40    [7]  of the regular shocks with volatility as it is, undamped; pnlBits and a sign
 * @input  shocksX40  [7]  falling, the middle one 1
 * @input  defaultTerms  []
 * @output thresholdFields  []
 */
template AccountThresholds() {
    signal input {signedbit} maintenanceE8, equityE8, pnlMX40[7];
    signal input {maxbit} shocksX40[7];
    input DefaultTerms() defaultTerms;
    output AccountThresholdsFields() thresholdFields;

    assert(maintenanceE8.signedbit <= 79 && equityE8.signedbit <= 79);
    assert(pnlMX40.signedbit <= pnlBits());
    var NODE_BITS = pnlBits() + 1;
    component node[2][7];
    signal nodes[2][7];
    component down[2];
    component up[2];
    for (var k = 0; k < 2; k++) {
        for (var r = 0; r < 7; r++) {
            // E8 to MX40 is times 10^12 * 2^8: 127 bits.
            node[k][r] = FloorAndSign(40);
            node[k][r].in <== AssumeSigned(NODE_BITS)(
                (k == 0 ? maintenanceE8 : equityE8) * (10 ** 12 * 2 ** 8) + pnlMX40[r]
            );
            nodes[k][r] <== node[k][r].out;
        }
        down[k] = Crossing(0);
        up[k] = Crossing(1);
        down[k].spotE8 <== defaultTerms.spotE8;
        up[k].spotE8 <== defaultTerms.spotE8;
        down[k].equityM <== AssumeEachSigned(NODE_BITS - 40, 4)([nodes[k][3], nodes[k][4], nodes[k][5], nodes[k][6]]);
        up[k].equityM <== AssumeEachSigned(NODE_BITS - 40, 4)([nodes[k][3], nodes[k][2], nodes[k][1], nodes[k][0]]);
        for (var i = 0; i < 4; i++) {
            down[k].shocksX40[i] <== shocksX40[3 + i];
            down[k].negative[i] <== node[k][3 + i].negative;
            up[k].shocksX40[i] <== shocksX40[3 - i];
            up[k].negative[i] <== node[k][3 - i].negative;
        }
    }
    thresholdFields.liquidationDownE8 <== down[0].out;
    thresholdFields.liquidationUpE8 <== up[0].out;
    thresholdFields.defaultDownE8 <== down[1].out;
    thresholdFields.defaultUpE8 <== up[1].out;

    signal {maxbit} below <== ProbabilityBeyond(0)(
        defaultTerms.spotE8, down[1].out, down[1].exists, defaultTerms.lnSpotX28, defaultTerms.inverseVolatilityX30
    );
    signal {maxbit} above <== ProbabilityBeyond(1)(
        defaultTerms.spotE8, up[1].out, up[1].exists, defaultTerms.lnSpotX28, defaultTerms.inverseVolatilityX30
    );
    thresholdFields.defaultProbabilityX32 <== Add()(below, above);
}

/**
 * @title  AccountDefault
 * @notice What a margin does not need of an account: its thresholds, and what it may leave unpaid. Claims: L10, L11.
 * @input  maintenanceE8, worstLossM, regularMX40  [], [], [7]  see AccountMargins
 * @input  equityE20X60     []  180 bits and a sign
 * @input  shocksX40        [33]
 * @input  defaultTerms     []
 * @output thresholdFields  []  see AccountThresholds
 * @output deficitE8        []  what the worst scenario leaves unpaid, rounded up; 80 bits
 *
 * Equity of more than 79 bits, before the worst scenario or after it, has no witness.
 */
template AccountDefault() {
    signal input {signedbit} maintenanceE8, worstLossM, regularMX40[7], equityE20X60;
    signal input {maxbit} shocksX40[33];
    input DefaultTerms() defaultTerms;
    output AccountThresholdsFields() thresholdFields;
    signal output {maxbit} deficitE8;

    assert(worstLossM.signedbit <= 98 && equityE20X60.signedbit <= 180);
    component equity = FloorToUnit(72, fiveToTwelve(), 79);
    equity.in <== AssumeSigned(194)(equityE20X60);
    component left = FloorToUnit(72, fiveToTwelve(), 79);
    left.in <== AssumeSigned(194)(equityE20X60 + worstLossM * 2 ** 92);
    deficitE8 <== AssumeBits(80)(-left.negative * left.out); // at most 2^79

    component thresholds = AccountThresholds();
    thresholds.maintenanceE8 <== maintenanceE8;
    thresholds.equityE8 <== equity.out;
    thresholds.pnlMX40 <== regularMX40;
    for (var r = 0; r < 7; r++) {
        thresholds.shocksX40[r] <== shocksX40[3 * r + 1];
    }
    thresholds.defaultTerms <== defaultTerms;
    thresholdFields <== thresholds.thresholdFields;
}
