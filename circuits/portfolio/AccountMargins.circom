pragma circom 2.2.3;

include "../generated/words/AccountMargins.circom";
include "../generated/words/AccountThresholds.circom";
include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/AssumeEachSigned.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "AccountBalance.circom";
include "BookTotals.circom";
include "Crossing.circom";
include "InitialTerms.circom";
include "ProbabilityBeyond.circom";
include "ScenarioTerms.circom";
include "WorstScenario.circom";
include "layout.circom";

/**
 * @title  AccountThresholds
 * @notice Where spot liquidates an account, where it leaves no equity, and how likely the latter is. Claims: L10, L11.
 * @input  maintenanceE8, equityE8  []  79 bits and a sign
 * @input  pnlMX40    [7]  of the regular shocks with volatility as it is, undamped; pnlBits and a sign
 * @input  shocksX40  [7]  falling, the middle one 1
 * @input  spotE8, lnSpotX28, inverseVolatilityX30  []  see RoundTerms, ProbabilityBeyond
 * @output thresholdFields  []
 */
template AccountThresholds() {
    signal input {signedbit} maintenanceE8, equityE8, pnlMX40[7];
    signal input {maxbit} shocksX40[7], spotE8, lnSpotX28, inverseVolatilityX30;
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
        down[k].spotE8 <== spotE8;
        up[k].spotE8 <== spotE8;
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

    signal {maxbit} below <== ProbabilityBeyond(0)(spotE8, down[1].out, down[1].exists, lnSpotX28, inverseVolatilityX30);
    signal {maxbit} above <== ProbabilityBeyond(1)(spotE8, up[1].out, up[1].exists, lnSpotX28, inverseVolatilityX30);
    thresholdFields.defaultProbabilityX32 <== Add()(below, above);
}

/**
 * @title  AccountMargins
 * @notice Margins of an account from its book and what else it holds. Claims: L8, L9, L10, L11.
 * @input  bookTotals, balance, scenarioTerms, initialNeed, initialTerms  []
 * @input  lnSpotX28  []  LnDown(28) of spot
 * @output marginFields      []  margins rounded down; more than 79 bits has no witness
 *                               as have scenarios that are 2^88 M apart
 * @output thresholdFields   []  see AccountThresholds
 * @output isUnhealthy       []  boolean; whether the maintenance margin is negative before rounding
 * @output deficitE8         []  what the worst scenario leaves unpaid, rounded up; 80 bits
 *
 * Bit budget: options change by 128 bits and the hedge by 88 + 43, damping adds 43 bits; the basis contingency has 137
 * and 40. Margins are exact up to their one rounding: a loss of 98 bits times a factor of 44 or 53 bits at M = 2^32 E20
 * is 194 or 203 bits at E20X60; the initial one is 243 at E20X100. The other terms stay below 190 and 225.
 */
template AccountMargins() {
    input BookTotals() bookTotals;
    input AccountBalance() balance;
    input ScenarioTerms() scenarioTerms;
    input InitialNeed() initialNeed;
    input InitialTerms() initialTerms;
    signal input {maxbit} lnSpotX28;
    output AccountMarginsFields() marginFields;
    output AccountThresholdsFields() thresholdFields;
    signal output {binary, maxbit} isUnhealthy;
    signal output {maxbit} deficitE8;

    assert(bookTotals.pnlMX40.signedbit < pnlBits());
    assert(balance.hedgeM.signedbit + scenarioTerms.shocksX40.maxbit < pnlBits());
    assert(pnlBits() + scenarioTerms.dampingX40.maxbit <= lossBits());
    assert(bookTotals.basisMX40.signedbit + 40 <= lossBits());
    signal pnl[33];
    signal losses[34];
    for (var s = 0; s < 33; s++) {
        pnl[s] <== bookTotals.pnlMX40[s] + balance.hedgeM * (scenarioTerms.shocksX40[s] - 2 ** 40);
        losses[s] <== pnl[s] * scenarioTerms.dampingX40[s];
    }
    losses[33] <== bookTotals.basisMX40 * 2 ** 40;
    component worst = WorstScenario(34, spreadBits());
    worst.losses <== AssumeEachSigned(lossBits(), 34)(losses);
    marginFields.worstScenario <== worst.index;
    component span = FloorAndSign(80);
    span.in <== worst.least;

    assert(span.out.signedbit <= 98);
    assert(scenarioTerms.maintenanceFactorX40.maxbit <= 44 && initialTerms.initialFactorX40.maxbit <= 53);
    assert(balance.equityE20X60.signedbit <= 180);
    assert(balance.maintenanceContingencyE20X60.maxbit <= contingencyBits());
    assert(initialNeed.contingencyE20X60.maxbit <= contingencyBits());
    assert(initialNeed.confidenceE20X100.maxbit <= 225);
    signal maintenanceLoss <== span.out * scenarioTerms.maintenanceFactorX40;
    signal initialLoss <== span.out * initialTerms.initialFactorX40;
    signal base <== balance.equityE20X60 - balance.maintenanceContingencyE20X60;
    component maintenance = FloorToUnit(72, fiveToTwelve(), 79);
    maintenance.in <== AssumeSigned(196)(maintenanceLoss * 2 ** 52 + base);
    marginFields.maintenanceE8 <== maintenance.out;
    isUnhealthy <== maintenance.negative;
    component initial = FloorToUnit(112, fiveToTwelve(), 79);
    initial.in <== AssumeSigned(245)(
        (initialLoss * 2 ** 52 + base - initialNeed.contingencyE20X60) * 2 ** 40 - initialNeed.confidenceE20X100
    );
    marginFields.initialE8 <== initial.out;
    component equity = FloorToUnit(72, fiveToTwelve(), 79);
    equity.in <== AssumeSigned(194)(balance.equityE20X60);
    component left = FloorToUnit(72, fiveToTwelve(), 79);
    left.in <== AssumeSigned(194)(balance.equityE20X60 + span.out * 2 ** 92);
    deficitE8 <== AssumeBits(80)(-left.negative * left.out); // at most 2^79

    component thresholds = AccountThresholds();
    thresholds.maintenanceE8 <== maintenance.out;
    thresholds.equityE8 <== equity.out;
    thresholds.spotE8 <== scenarioTerms.spotE8;
    thresholds.lnSpotX28 <== lnSpotX28;
    thresholds.inverseVolatilityX30 <== initialTerms.inverseVolatilityX30;
    signal regular[7];
    for (var r = 0; r < 7; r++) {
        regular[r] <== pnl[3 * r + 1];
        thresholds.shocksX40[r] <== scenarioTerms.shocksX40[3 * r + 1];
    }
    thresholds.pnlMX40 <== AssumeEachSigned(pnlBits(), 7)(regular);
    thresholdFields <== thresholds.thresholdFields;
}
