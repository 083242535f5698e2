pragma circom 2.2.3;

include "../math/Add.circom";
include "../math/AssumeBits.circom";
include "../math/IsLess.circom";
include "../math/Min.circom";
include "../math/Multiply.circom";
include "../math/ShiftRightDownSaturate.circom";

/**
 * @title  Allowance
 * @notice What a speed limit allows in a time, rounded down so that the limit is never exceeded. Claim: P6.
 * @input  elapsed, perSecondX32  []  32 and 20 bits
 * @output out  []  X24, saturating at 2^24 - 1
 */
template Allowance() {
    signal input {maxbit} elapsed, perSecondX32;
    signal output {maxbit} out;

    signal {maxbit} allowedX32 <== Multiply()(elapsed, perSecondX32); // 52 bits
    out <== ShiftRightDownSaturate(8, 24)(allowedX32);
}

/**
 * @title  DampedFall
 * @notice max(target, previous - allowance): a margin falls at most by the allowance. Claim: P6.
 * @input  target, previous, allowance  []  24 bits
 * @output out  []  24 bits
 *
 * previous - allowance counts only where it exceeds target, so it is never negative there.
 */
template DampedFall() {
    signal input {maxbit} target, previous, allowance;
    signal output {maxbit} out;

    signal {maxbit} reach <== Add()(target, allowance);
    signal limited <== IsLess()(reach, previous);
    signal raise <== limited * (previous - reach);
    out <== AssumeBits(24)(target + raise); // the target, or below previous
}

/**
 * @title  Dampers
 * @notice The initial margin tightens at once; the maintenance margin tightens on a ramp; both loosen slowly.
 *         Claim: P6.
 * @input  targetInitialX24, targetMaintenanceX24, previousInitialX24, previousMaintenanceX24  []  24 bits
 * @input  elapsed  []  seconds since the margins in force, 32 bits
 * @input  loosenPerSecondX32, tightenPerSecondX32  []  20 bits
 * @output initialX24, maintenanceX24  []  24 bits; maintenance <= initial whenever that held for targets and previous
 */
template Dampers() {
    signal input {maxbit} targetInitialX24, targetMaintenanceX24, previousInitialX24, previousMaintenanceX24;
    signal input {maxbit} elapsed, loosenPerSecondX32, tightenPerSecondX32;
    signal output {maxbit} initialX24, maintenanceX24;

    signal {maxbit} loosen <== Allowance()(elapsed, loosenPerSecondX32);
    signal {maxbit} tighten <== Allowance()(elapsed, tightenPerSecondX32);

    initialX24 <== DampedFall()(targetInitialX24, previousInitialX24, loosen);
    signal {maxbit} wanted <== DampedFall()(targetMaintenanceX24, previousMaintenanceX24, loosen);
    signal {maxbit} ramp <== Add()(previousMaintenanceX24, tighten);
    maintenanceX24 <== Min()(wanted, ramp); // at most `wanted`: 24 bits
}
