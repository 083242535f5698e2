pragma circom 2.2.3;

include "../math/Add.circom";
include "../math/IsLess.circom";
include "../math/RangeCheck.circom";
include "../math/ShiftLeft.circom";

/**
 * @title  IsDue
 * @notice Whether a used slot is at or after the running prediction's horizon. Claim: C1.
 * @input  asOf, anchorAsOf, horizonSeconds  []  32, 32 and 24 bits
 * @input  used  []  boolean
 * @output out   []  boolean; 0 in an unused slot
 */
template IsDue() {
    signal input {maxbit} asOf, anchorAsOf, horizonSeconds;
    signal input used;
    signal output out;

    signal {maxbit} dueFrom <== Add()(anchorAsOf, horizonSeconds);
    signal early <== IsLess()(asOf, dueFrom);
    out <== used * (1 - early);
}

/**
 * @title  IsNotDue
 * @notice No witness if a used slot is at or after the running prediction's horizon. Claim: C1.
 * @input  asOf, anchorAsOf, horizonSeconds  []  asOf is at or after anchorAsOf
 * @input  used  []  boolean; an unused slot passes
 *
 * The seconds left before the horizon, less 1, are in [0, 2^24) exactly if asOf < anchorAsOf + horizonSeconds.
 */
template IsNotDue() {
    signal input {maxbit} asOf, anchorAsOf, horizonSeconds;
    signal input used;

    assert(horizonSeconds.maxbit <= 24);
    signal left <== used * (anchorAsOf + horizonSeconds - asOf - 1);
    signal {maxbit} leftBits <== RangeCheck(24)(left);
}

/**
 * @title  PredictionTest
 * @notice Tries the running prediction: did the log price leave the predicted band at the due time? Claim: C1.
 * @input  due  []  boolean
 * @input  lnPriceX26, anchorLnPriceX26  []  32 bits
 * @input  anchorMoveDownX24, anchorMoveUpX24  []  24 bits
 * @output breachDown, breachUp  []  boolean; 0 unless due
 */
template PredictionTest() {
    signal input due;
    signal input {maxbit} lnPriceX26, anchorLnPriceX26, anchorMoveDownX24, anchorMoveUpX24;
    signal output breachDown, breachUp;

    signal {maxbit} moveDownX26 <== ShiftLeft(2)(anchorMoveDownX24);
    signal {maxbit} moveUpX26 <== ShiftLeft(2)(anchorMoveUpX24);
    signal {maxbit} lowered <== Add()(lnPriceX26, moveDownX26);
    signal {maxbit} raised <== Add()(anchorLnPriceX26, moveUpX26);
    signal fell <== IsLess()(lowered, anchorLnPriceX26);
    signal rose <== IsLess()(raised, lnPriceX26);
    breachDown <== due * fell;
    breachUp <== due * rose;
}
