pragma circom 2.2.3;

include "../math/IsLess.circom";
include "layout.circom";

/**
 * @title  SegmentOrder
 * @notice No witness unless an array goes on with the expiry under way, under the same header, or begins a later one: so
 *         every expiry is closed once, with all that the account holds of it. Claim: L6.
 * @input  isOpen      []   boolean: an expiry is under way
 * @input  openHeader  [7]  its header, packed
 * @input  header      [7]  of the array, packed
 * @input  lastExpiry  []   the last expiry folded, 32 bits; 0 at first
 * @input  expiry      []   of the array, 32 bits
 */
template SegmentOrder() {
    signal input isOpen, openHeader[packedHeaderElements()], header[packedHeaderElements()];
    signal input {maxbit} lastExpiry, expiry;

    for (var i = 0; i < packedHeaderElements(); i++) {
        isOpen * (header[i] - openHeader[i]) === 0;
    }
    signal ascends <== IsLess()(lastExpiry, expiry);
    (1 - isOpen) * (1 - ascends) === 0;
}
