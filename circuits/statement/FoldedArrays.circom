pragma circom 2.2.3;

include "bitify.circom";
include "../math/AssumeEachBits.circom";
include "../math/RangeCheck.circom";
include "../portfolio/BookClosing.circom";
include "../portfolio/BookSegment.circom";
include "../portfolio/ClosingPlaces.circom";
include "../portfolio/SegmentOrder.circom";
include "../portfolio/layout.circom";
include "ArrayRoot.circom";

/**
 * @title  FoldedArrays
 * @notice An account's option positions in a few arrays of a round, added to what its book came to before, every expiry closed
 *         that ends. Claims: L1 to L4, L6, L16, L17, L34.
 * @param  SEGMENTS  arrays, at least 1; arrays of one expiry stand together, expiries ascend
 * @param  SLOTS     strikes of an array
 * @param  EXPIRIES  expiries that may end, at least 1; more have no witness
 * @input  arrayRoots, positions, flags  words, see OptionBook
 * @input  asOf      []  of the round, 32 bits
 * @input  headerRoots, expiries, shortfallsX40  [SEGMENTS]             private, as the next two: what the roots commit to
 * @input  leaves    [SEGMENTS][SLOTS][41]
 * @input  headers   [EXPIRIES][29]  of the expiries that end, in order; of the first segment where fewer do
 * @input  openIn, headerRootIn, sumsIn  [], [], [41]  boolean: the expiry under way before, if any
 * @input  expiryIn, totalsIn            [], [43]      the last expiry, 32 bits, and totals before
 * @output openOut, expiryOut, sumsOut   [], [], [41]  the same after them; its header is the last array's
 * @output totals    [43]
 */
template FoldedArrays(SEGMENTS, SLOTS, EXPIRIES) {
    signal input arrayRoots[SEGMENTS], positions[SEGMENTS][SLOTS], flags, asOf;
    signal input headerRoots[SEGMENTS], expiries[SEGMENTS], shortfallsX40[SEGMENTS];
    signal input leaves[SEGMENTS][SLOTS][leafElements()], headers[EXPIRIES][headerElements()];
    signal input openIn, headerRootIn, sumsIn[sumElements()], totalsIn[totalElements()];
    signal input {maxbit} expiryIn;
    signal output {maxbit} expiryOut;
    signal output openOut, sumsOut[sumElements()], totals[totalElements()];

    signal continues[SEGMENTS] <== Num2Bits(SEGMENTS)(flags);
    // Widths that proofs of the roots went by.
    signal {maxbit} ofExpiry[SEGMENTS] <== AssumeEachBits(32, SEGMENTS)(expiries);
    signal {maxbit} shortfall[SEGMENTS] <== AssumeEachBits(41, SEGMENTS)(shortfallsX40);

    component array[SEGMENTS];
    component segment[SEGMENTS];
    component order[SEGMENTS];
    var sums[totalElements()] = totalsIn;
    for (var e = 0; e < SEGMENTS; e++) {
        array[e] = ArrayRoot(SLOTS);
        array[e].headerRoot <== headerRoots[e];
        array[e].expiry <== expiries[e];
        array[e].asOf <== asOf;
        array[e].shortfallX40 <== shortfallsX40[e];
        array[e].leaves <== leaves[e];
        array[e].out === arrayRoots[e];

        order[e] = SegmentOrder();
        order[e].isOpen <== e == 0 ? openIn : continues[e - 1];
        order[e].openHeader <== e == 0 ? headerRootIn : headerRoots[e - 1];
        order[e].lastExpiry <== e == 0 ? expiryIn : ofExpiry[e - 1];
        order[e].header <== headerRoots[e];
        order[e].expiry <== ofExpiry[e];

        segment[e] = BookSegment(SLOTS);
        segment[e].expiry <== ofExpiry[e];
        segment[e].shortfallX40 <== shortfall[e];
        segment[e].leaves <== leaves[e];
        segment[e].words <== positions[e];
        segment[e].continues <== continues[e];
        for (var k = 0; k < sumElements(); k++) {
            segment[e].sumsBefore[k] <== e == 0 ? openIn * sumsIn[k] : segment[e - 1].sumsAfter[k];
        }
        sums[totalNakedShort()] += segment[e].nakedShortE12;
        sums[totalShortfall()] += segment[e].shortfallE12X40;
        sums[totalGross()] += segment[e].grossE12;
    }

    component places = ClosingPlaces(SEGMENTS, EXPIRIES);
    places.continues <== continues;
    component closing[EXPIRIES];
    component opened[EXPIRIES];
    for (var c = 0; c < EXPIRIES; c++) {
        closing[c] = BookClosing(SEGMENTS);
        closing[c].closes <== places.closes[c];
        closing[c].headerRoots <== headerRoots;
        closing[c].header <== headers[c];
        for (var e = 0; e < SEGMENTS; e++) {
            closing[c].sums[e] <== segment[e].sums;
        }
        opened[c] = HeaderRoot();
        opened[c].header <== headers[c];
        opened[c].out === closing[c].headerRoot;
        for (var k = 0; k < totalElements(); k++) {
            sums[k] += closing[c].added[k];
        }
    }

    var LAST = SEGMENTS - 1;
    // Quantities only add up, so one check at the end bounds every sum.
    signal {maxbit} gross <== RangeCheck(grossBits())(sums[totalGross()]);
    totals <== sums;
    openOut <== continues[LAST];
    expiryOut <== ofExpiry[LAST];
    sumsOut <== segment[LAST].sumsAfter;
}
