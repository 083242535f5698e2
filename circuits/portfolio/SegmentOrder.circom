pragma circom 2.2.3;

include "../math/IsLess.circom";

/**
 * @title  SegmentOrder
 * @notice No witness unless an array goes on with the expiry under way, under the same header, or begins a later one: so
 *         every expiry is closed once, with all that the account holds of it. Claim: L6.
 * @input  isOpen      []  boolean: an expiry is under way
 * @input  openHeader  []  root of its header
 * @input  header      []  of the array's
 * @input  lastExpiry  []  the last expiry folded, 32 bits; 0 at first
 * @input  expiry      []  of the array, 32 bits
 */
template SegmentOrder() {
    signal input isOpen, openHeader, header;
    signal input {maxbit} lastExpiry, expiry;

    isOpen * (header - openHeader) === 0;
    signal ascends <== IsLess()(lastExpiry, expiry);
    (1 - isOpen) * (1 - ascends) === 0;
}
