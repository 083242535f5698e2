pragma circom 2.2.3;

include "bitify.circom";
include "../generated/frames/OptionBookFrame.circom";
include "../math/BooleanCheck.circom";
include "../math/RangeCheck.circom";
include "../options/ArrayHeader.circom";
include "../portfolio/BookSegment.circom";
include "../portfolio/PackHeader.circom";
include "../portfolio/SegmentOrder.circom";
include "../portfolio/layout.circom";
include "ArrayRoot.circom";
include "BookState.circom";

/**
 * @title  OptionBook
 * @notice An account's option positions in a few arrays of a round, folded into the state of its book. Claims: Q2, Q3, L1
 *         to L6.
 * @param  SEGMENTS  arrays, at least 1; arrays of one expiry stand together, expiries ascend
 * @param  SLOTS     strikes of an array
 * @input  challenge   []  public
 * @input  stateIn     []  root of the book so far; of the empty book at first
 * @input  arrayRoots  [SEGMENTS]         as RiskArray proves them
 * @input  positions   [SEGMENTS][SLOTS]  position words; nothing held where quantities are 0
 * @input  flags       []  bit e: array e + 1, or the next proof's first, is of the same expiry
 * @input  headers, leaves  [SEGMENTS][29], [SEGMENTS][SLOTS][42]  private: what the roots commit to
 * @input  openIn, headerIn, sumsIn  [], [7], [41]  private: the expiry that stateIn leaves open, if any
 * @input  asOfIn, expiryIn, totalsIn  [], [], [43]  private: the rest of stateIn
 * @output commitment, evaluation  []
 *
 * stateIn is the empty book's root or the stateOut of another such proof, which the contract checks: totals are within
 * their widths because they came about by this circuit. A root that no array has is for the contract to refuse as well.
 */
template OptionBook(SEGMENTS, SLOTS) {
    signal input challenge, stateIn, arrayRoots[SEGMENTS], positions[SEGMENTS][SLOTS], flags;
    signal input headers[SEGMENTS][headerElements()], leaves[SEGMENTS][SLOTS][leafElements()];
    signal input openIn, headerIn[packedHeaderElements()], sumsIn[sumElements()];
    signal input asOfIn, expiryIn, totalsIn[totalElements()];
    signal output commitment, evaluation;

    signal continues[SEGMENTS] <== Num2Bits(SEGMENTS)(flags);
    signal {binary} isOpen <== BooleanCheck()(openIn);
    component header[SEGMENTS];
    for (var e = 0; e < SEGMENTS; e++) {
        header[e] = HeaderOfElements();
        header[e].elements <== headers[e];
    }

    signal {maxbit} lastExpiry <== RangeCheck(32)(expiryIn);
    component before = BookRoot();
    before.asOf <== RangeCheck(32)(asOfIn);
    before.expiry <== lastExpiry;
    before.totals <== totalsIn;
    before.isOpen <== isOpen;
    before.header <== headerIn;
    before.sums <== sumsIn;
    before.out === stateIn;
    // The first round sets the time, which is 0 in an empty book only.
    asOfIn * (header[0].arrayHeader.asOf - asOfIn) === 0;

    component array[SEGMENTS];
    component segment[SEGMENTS];
    component packed[SEGMENTS];
    component order[SEGMENTS];
    for (var e = 0; e < SEGMENTS; e++) {
        array[e] = ArrayRoot(SLOTS);
        array[e].header <== headers[e];
        array[e].leaves <== leaves[e];
        array[e].out === arrayRoots[e];

        packed[e] = PackHeader();
        packed[e].arrayHeader <== header[e].arrayHeader;
        order[e] = SegmentOrder();
        order[e].header <== packed[e].out;
        order[e].expiry <== header[e].arrayHeader.expiry;
        if (e == 0) {
            order[e].isOpen <== isOpen;
            order[e].openHeader <== headerIn;
            order[e].lastExpiry <== lastExpiry;
        } else {
            order[e].isOpen <== continues[e - 1];
            order[e].openHeader <== packed[e - 1].out;
            order[e].lastExpiry <== header[e - 1].arrayHeader.expiry;
            header[e].arrayHeader.asOf === header[e - 1].arrayHeader.asOf;
        }

        segment[e] = BookSegment(SLOTS);
        segment[e].arrayHeader <== header[e].arrayHeader;
        segment[e].leaves <== leaves[e];
        segment[e].words <== positions[e];
        segment[e].continues <== continues[e];
        for (var k = 0; k < sumElements(); k++) {
            if (e == 0) {
                segment[e].sumsBefore[k] <== isOpen * sumsIn[k];
            } else {
                segment[e].sumsBefore[k] <== segment[e - 1].sumsAfter[k];
            }
        }
        for (var k = 0; k < totalElements(); k++) {
            if (e == 0) {
                segment[e].totalsBefore[k] <== totalsIn[k];
            } else {
                segment[e].totalsBefore[k] <== segment[e - 1].totalsAfter[k];
            }
        }
    }

    var LAST = SEGMENTS - 1;
    // Quantities only add up, so one check at the end bounds every sum of this proof.
    signal {maxbit} gross <== RangeCheck(grossBits())(segment[LAST].totalsAfter[totalGross()]);
    component after = BookRoot();
    after.asOf <== header[LAST].arrayHeader.asOf;
    after.expiry <== header[LAST].arrayHeader.expiry;
    after.totals <== segment[LAST].totalsAfter;
    after.isOpen <== continues[LAST];
    after.header <== packed[LAST].out;
    after.sums <== segment[LAST].sumsAfter;

    component frame = OptionBookFrame(SEGMENTS, SLOTS);
    frame.challenge <== challenge;
    frame.stateIn <== stateIn;
    frame.arrayRoots <== arrayRoots;
    frame.positions <== positions;
    frame.flags <== flags;
    frame.stateOut <== after.out;
    commitment <== frame.commitment;
    evaluation <== frame.evaluation;
}
