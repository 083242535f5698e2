pragma circom 2.2.3;

include "../generated/words/CrossMargins.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorToUnit.circom";
include "SpreadCredit.circom";
include "layout.circom";

/**
 * @title  CrossSum
 * @notice Margins of an account over several markets: the sum of what each leaves, and what they offset. Claims: L30, L32.
 * @param  MARKETS  from 2 to mostMarkets()
 * @input  maintenanceE20X60, initialE20X100, worstScenarios  [MARKETS]  see PartBalance
 * @input  legsMX80, isDown  [MARKETS]  see SpreadLeg
 * @output marginFields  []  rounded down; margins of more than 79 bits have no witness
 *
 * Bit budget: sums of four parts are two bits wider than they are: 198 bits at E20X60, 247 at E20X100. A credit of 185 bits at
 * MX80 is 197 at E20X60 and 237 at E20X100.
 */
template CrossSum(MARKETS) {
    signal input {signedbit} maintenanceE20X60[MARKETS], initialE20X100[MARKETS];
    signal input {maxbit} worstScenarios[MARKETS], legsMX80[MARKETS];
    signal input isDown[MARKETS];
    output CrossMarginsFields() marginFields;

    assert(maintenanceE20X60.signedbit <= 196 && initialE20X100.signedbit <= 245);
    assert(worstScenarios.maxbit <= 6 && legsMX80.maxbit <= 183);
    signal {maxbit} creditMX80 <== SpreadCredit(MARKETS)(legsMX80, isDown);
    var maintenanceSum = 0;
    var initialSum = 0;
    var scenarios = 0;
    for (var m = MARKETS - 1; m >= 0; m--) {
        maintenanceSum += maintenanceE20X60[m];
        initialSum += initialE20X100[m];
        scenarios = scenarios * 64 + worstScenarios[m];
    }
    component maintenance = FloorToUnit(72, fiveToTwelve(), 79);
    maintenance.in <== AssumeSigned(199)(maintenanceSum + creditMX80 * 2 ** 12);
    marginFields.maintenanceE8 <== maintenance.out;
    component initial = FloorToUnit(112, fiveToTwelve(), 79);
    initial.in <== AssumeSigned(248)(initialSum + creditMX80 * 2 ** 52);
    marginFields.initialE8 <== initial.out;
    marginFields.worstScenarios <== AssumeBits(24)(scenarios); // six bits each, of at most four
}
