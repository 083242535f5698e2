pragma circom 2.2.3;

include "../generated/words/MaintenanceBound.circom";
include "../math/AssumeSigned.circom";
include "../math/FloorAndSign.circom";
include "../math/FloorToUnit.circom";
include "AccountBalance.circom";
include "layout.circom";

/**
 * @title  WitnessBound
 * @notice What the maintenance margin of an account is at most, if one scenario leaves it with a loss. No witness unless
 *         that is negative. Claims: L9, L12.
 * @input  lossMX80  []  178 bits and a sign
 * @input  balance   []
 * @input  maintenanceFactorX40  []  44 bits
 * @output word      []  maintenanceBound
 */
template WitnessBound() {
    signal input {signedbit} lossMX80;
    input AccountBalance() balance;
    signal input {maxbit} maintenanceFactorX40;
    signal output word;

    component span = FloorAndSign(80);
    span.in <== lossMX80;

    // As in AccountMargins.
    assert(span.out.signedbit <= 98 && maintenanceFactorX40.maxbit <= 44);
    assert(balance.equityE20X60.signedbit <= 180);
    assert(balance.maintenanceContingencyE20X60.maxbit <= contingencyBits());
    signal loss <== span.out * maintenanceFactorX40;
    component bound = FloorToUnit(72, fiveToTwelve(), 79);
    bound.in <== AssumeSigned(196)(loss * 2 ** 52 + balance.equityE20X60 - balance.maintenanceContingencyE20X60);
    bound.negative === 1;
    component packed = PackMaintenanceBound();
    packed.fields.maintenanceE8 <== bound.out;
    word <== packed.word;
}
