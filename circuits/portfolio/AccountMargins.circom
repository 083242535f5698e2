pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "Crossing.circom";
include "ProbabilityBeyond.circom";
include "WorstScenario.circom";
include "layout.circom";

/** 10^12 = 2^12 * 5^12. */
function fiveToTwelve() { return 244140625; }

/** Width of damped losses, MX80, and of scenario results, MX40: see AccountMargins. */
function lossBits() { return 178; }
function pnlBits() { return 131; }

/**
 * @title  AccountThresholds
 * @notice Where spot liquidates an account, where it leaves no equity, and how likely the latter is. Claims: L10, L11.
 * @input  maintenanceE8, equityE8  []  79 bits and a sign
 * @input  pnlMX40    [7]  of the regular shocks with volatility as it is, undamped; 131 bits and a sign
 * @input  shocksX40  [7]  falling, the middle one 1
 * @input  spotE8, lnSpotX28, inverseVolatilityX30  []  see RoundTerms, ProbabilityBeyond
 * @output liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8  []  48 bits
 * @output defaultProbabilityX32  []  33 bits
 */
template AccountThresholds() {
    signal input maintenanceE8, equityE8, pnlMX40[7], shocksX40[7], spotE8, inverseVolatilityX30;
    signal input {maxbit} lnSpotX28;
    signal output liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8, defaultProbabilityX32;

    component node[2][7];
    component down[2];
    component up[2];
    for (var k = 0; k < 2; k++) {
        down[k] = Crossing(0);
        up[k] = Crossing(1);
        down[k].spotE8 <== spotE8;
        up[k].spotE8 <== spotE8;
        for (var r = 0; r < 7; r++) {
            // E8 to MX40 is times 10^12 * 2^8: 127 bits.
            node[k][r] = FloorAndSign(40);
            node[k][r].in <== AssumeSigned(pnlBits() + 1)(
                (k == 0 ? maintenanceE8 : equityE8) * (10 ** 12 * 2 ** 8) + pnlMX40[r]
            );
        }
        for (var i = 0; i < 4; i++) {
            down[k].shocksX40[i] <== shocksX40[3 + i];
            down[k].equityM[i] <== node[k][3 + i].out;
            down[k].negative[i] <== node[k][3 + i].negative;
            up[k].shocksX40[i] <== shocksX40[3 - i];
            up[k].equityM[i] <== node[k][3 - i].out;
            up[k].negative[i] <== node[k][3 - i].negative;
        }
    }
    liquidationDownE8 <== down[0].out;
    liquidationUpE8 <== up[0].out;
    defaultDownE8 <== down[1].out;
    defaultUpE8 <== up[1].out;

    component below = ProbabilityBeyond(0);
    below.thresholdE8 <== down[1].out;
    below.exists <== down[1].exists;
    component above = ProbabilityBeyond(1);
    above.thresholdE8 <== up[1].out;
    above.exists <== up[1].exists;
    below.spotE8 <== spotE8;
    above.spotE8 <== spotE8;
    below.lnSpotX28 <== lnSpotX28;
    above.lnSpotX28 <== lnSpotX28;
    below.inverseVolatilityX30 <== inverseVolatilityX30;
    above.inverseVolatilityX30 <== inverseVolatilityX30;
    defaultProbabilityX32 <== below.out + above.out;
}

/**
 * @title  AccountMargins
 * @notice Margins of an account from its book and what else it holds. Claims: L8, L9, L10, L11.
 * @input  scenarioPnlMX40  [33]  of its options
 * @input  basisMX40        []    basis contingency of its options, never positive
 * @input  hedgeM, equityE20X60, maintenanceContingencyE20X60, initialContingencyE20X60, confidenceE20X100  []
 *         see AccountHoldings
 * @input  round terms, see RoundTerms
 * @output initialE8, maintenanceE8  []  79 bits and a sign, rounded down; more has no witness
 * @output isUnhealthy    []  boolean; whether the maintenance margin is negative before rounding
 * @output worstScenario  []  0 to 33
 * @output deficitE8      []  what the worst scenario leaves unpaid, rounded up; 80 bits
 * @output thresholds, see AccountThresholds
 *
 * Bit budget: options and hedge change by less than 2^131 MX40, damping adds 43 bits; the basis contingency stays below
 * 2^137 MX40. Margins are exact up to their one rounding: a loss of 98 bits times a factor of 44 or 53 bits at
 * M = 2^32 E20 is 194 or 203 bits at E20X60; the initial one is 243 at E20X100. The other terms stay below 181 and 225.
 */
template AccountMargins() {
    signal input scenarioPnlMX40[33], basisMX40;
    signal input hedgeM, equityE20X60, maintenanceContingencyE20X60, initialContingencyE20X60, confidenceE20X100;
    signal input spotE8, inverseVolatilityX30, shocksX40[33], dampingX40[33], maintenanceFactorX40, initialFactorX40;
    signal input {maxbit} lnSpotX28;
    signal output initialE8, maintenanceE8, isUnhealthy, worstScenario, deficitE8;
    signal output liquidationDownE8, liquidationUpE8, defaultDownE8, defaultUpE8, defaultProbabilityX32;

    signal pnlMX40[33];
    component worst = WorstScenario(34, lossBits());
    for (var s = 0; s < 33; s++) {
        pnlMX40[s] <== scenarioPnlMX40[s] + hedgeM * (shocksX40[s] - 2 ** 40);
        worst.losses[s] <== pnlMX40[s] * dampingX40[s];
    }
    worst.losses[33] <== basisMX40 * 2 ** 40;
    worstScenario <== worst.index;
    component span = FloorAndSign(80);
    span.in <== AssumeSigned(lossBits())(worst.least);

    signal maintenanceLoss <== span.out * maintenanceFactorX40;
    signal initialLoss <== span.out * initialFactorX40;
    signal base <== equityE20X60 - maintenanceContingencyE20X60;
    component maintenance = FloorToUnit(72, fiveToTwelve(), 79);
    maintenance.in <== AssumeSigned(196)(maintenanceLoss * 2 ** 52 + base);
    maintenanceE8 <== maintenance.out;
    isUnhealthy <== maintenance.negative;
    component initial = FloorToUnit(112, fiveToTwelve(), 79);
    initial.in <== AssumeSigned(245)(
        (initialLoss * 2 ** 52 + base - initialContingencyE20X60) * 2 ** 40 - confidenceE20X100
    );
    initialE8 <== initial.out;
    component equity = FloorToUnit(72, fiveToTwelve(), 79);
    equity.in <== AssumeSigned(194)(equityE20X60);
    component left = FloorToUnit(72, fiveToTwelve(), 79);
    left.in <== AssumeSigned(194)(equityE20X60 + span.out * 2 ** 92);
    deficitE8 <== -left.negative * left.out;

    component thresholds = AccountThresholds();
    thresholds.maintenanceE8 <== maintenanceE8;
    thresholds.equityE8 <== equity.out;
    thresholds.spotE8 <== spotE8;
    thresholds.lnSpotX28 <== lnSpotX28;
    thresholds.inverseVolatilityX30 <== inverseVolatilityX30;
    for (var r = 0; r < 7; r++) {
        thresholds.pnlMX40[r] <== pnlMX40[3 * r + 1];
        thresholds.shocksX40[r] <== shocksX40[3 * r + 1];
    }
    liquidationDownE8 <== thresholds.liquidationDownE8;
    liquidationUpE8 <== thresholds.liquidationUpE8;
    defaultDownE8 <== thresholds.defaultDownE8;
    defaultUpE8 <== thresholds.defaultUpE8;
    defaultProbabilityX32 <== thresholds.defaultProbabilityX32;
}
