pragma circom 2.2.3;

include "comparators.circom";
include "../math/AssumeBits.circom";
include "../math/BitsToNumber.circom";
include "../math/RangeCheck.circom";
include "../math/LnDown.circom";
include "../generated/words/Observation.circom";

/**
 * @title  Slot
 * @notice One observation slot of a batch: the observation if the slot is used, the previous one's values if not.
 *         Claims: O1 (a used slot is strictly later and has a positive price), O2 (an unused slot changes nothing).
 * @input  bits             [112]  of the packed observation, boolean; all zero marks an unused slot
 * @input  previousAsOf       []  time of the last observation
 * @input  previousLnPriceX26 []  its log price
 * @output used               []  boolean
 * @output asOf, elapsed      []  time, and seconds since previousAsOf; elapsed is 0 in an unused slot
 * @output lnPriceX26         []  ln(priceE8), rounded down
 * @output impliedVolatilityX16 []
 * @output rangeCodeBits      [12]  boolean
 *
 * No witness: a used slot with priceE8 = 0, or not later than previousAsOf.
 */
template Slot() {
    signal input bits[112];
    signal input {maxbit} previousAsOf, previousLnPriceX26;
    signal output used, rangeCodeBits[12];
    signal output {maxbit} asOf, elapsed, lnPriceX26, impliedVolatilityX16;

    component observation = ObservationOfBits();
    observation.bits <== bits;
    signal unused <== IsZero()(BitsToNumber(112, 0, 112)(bits));
    used <== 1 - unused;
    for (var i = 0; i < 12; i++) {
        rangeCodeBits[i] <== bits[100 + i]; // the last field
    }
    impliedVolatilityX16 <== observation.fields.impliedVolatilityX16;

    // elapsed - used is Δt - 1 in a used slot and 0 otherwise: below 2^32 only if time went forward.
    signal difference <== used * (observation.fields.asOf - previousAsOf);
    signal {maxbit} atLeastOne <== RangeCheck(32)(difference - used);
    elapsed <== AssumeBits(32)(atLeastOne + used); // Δt = asOf - previousAsOf < 2^32, both 32 bits
    asOf <== AssumeBits(32)(previousAsOf + elapsed); // one of the two 32-bit times

    // An unused slot takes the logarithm of 1 and throws it away; a used slot of price 0 has no logarithm.
    signal {maxbit} price <== AssumeBits(48)(observation.fields.priceE8 + unused); // either 48 bits or 1
    signal {maxbit} lnPrice <== LnDown(26)(price);
    assert(lnPrice.maxbit <= 32);
    signal change <== used * (lnPrice - previousLnPriceX26);
    lnPriceX26 <== AssumeBits(32)(previousLnPriceX26 + change); // one of the two 32-bit logarithms
}
