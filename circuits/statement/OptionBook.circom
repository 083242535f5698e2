pragma circom 2.2.3;

include "bitify.circom";
include "../generated/frames/OptionBookFrame.circom";
include "../math/AssumeBits.circom";
include "../math/AssumeEachBits.circom";
include "../math/BooleanCheck.circom";
include "../math/RangeCheck.circom";
include "../portfolio/BookClosing.circom";
include "../portfolio/BookSegment.circom";
include "../portfolio/ClosingPlaces.circom";
include "../portfolio/SegmentOrder.circom";
include "../portfolio/layout.circom";
include "ArrayRoot.circom";
include "BookState.circom";

/**
 * @title  OptionBook
 * @notice An account's option positions in a few arrays of a round, folded into the state of its book. Claims: Q2, Q3, L1
 *         to L6, L16, L17.
 * @param  SEGMENTS  arrays, at least 1; arrays of one expiry stand together, expiries ascend
 * @param  SLOTS     strikes of an array
 * @param  EXPIRIES  expiries that may end, at least 1; more have no witness
 * @input  challenge   []  public
 * @input  stateIn     []  root of the book so far; of the empty book at first
 * @input  arrayRoots  [SEGMENTS]         as RiskArray proves them
 * @input  positions   [SEGMENTS][SLOTS]  position words; nothing held where quantities are 0
 * @input  flags       []  bit e: array e + 1, or the next proof's first, is of the same expiry
 * @input  asOf        []  private, as the next two: what the roots commit to
 * @input  headerRoots, expiries, shortfallsX40  [SEGMENTS]
 * @input  leaves      [SEGMENTS][SLOTS][41]
 * @input  headers     [EXPIRIES][29]  private: of the expiries that end, in order; of the first segment where fewer do
 * @input  openIn, headerRootIn, sumsIn  [], [], [41]  private: the expiry that stateIn leaves open, if any
 * @input  asOfIn, expiryIn, totalsIn    [], [], [43]  private: the rest of stateIn
 * @output commitment, evaluation  []
 *
 * stateIn is the empty book's root or the stateOut of another such proof, which the contract checks: totals are within
 * their widths because they came about by this circuit. A root that no array has is for the contract to refuse as well.
 */
template OptionBook(SEGMENTS, SLOTS, EXPIRIES) {
    signal input challenge, stateIn, arrayRoots[SEGMENTS], positions[SEGMENTS][SLOTS], flags;
    signal input asOf, headerRoots[SEGMENTS], expiries[SEGMENTS], shortfallsX40[SEGMENTS];
    signal input leaves[SEGMENTS][SLOTS][leafElements()], headers[EXPIRIES][headerElements()];
    signal input openIn, headerRootIn, sumsIn[sumElements()];
    signal input asOfIn, expiryIn, totalsIn[totalElements()];
    signal output commitment, evaluation;

    signal continues[SEGMENTS] <== Num2Bits(SEGMENTS)(flags);
    signal {binary} isOpen <== BooleanCheck()(openIn);
    // Widths that proofs of the roots went by.
    signal {maxbit} roundAsOf <== AssumeBits(32)(asOf);
    signal {maxbit} ofExpiry[SEGMENTS] <== AssumeEachBits(32, SEGMENTS)(expiries);
    signal {maxbit} shortfall[SEGMENTS] <== AssumeEachBits(41, SEGMENTS)(shortfallsX40);

    signal {maxbit} lastExpiry <== RangeCheck(32)(expiryIn);
    component before = BookRoot();
    before.asOf <== RangeCheck(32)(asOfIn);
    before.expiry <== lastExpiry;
    before.totals <== totalsIn;
    before.isOpen <== isOpen;
    before.header <== headerRootIn;
    before.sums <== sumsIn;
    before.out === stateIn;
    // The first round sets the time, which is 0 in an empty book only.
    asOfIn * (asOf - asOfIn) === 0;

    component array[SEGMENTS];
    component segment[SEGMENTS];
    component order[SEGMENTS];
    var totals[totalElements()] = totalsIn;
    for (var e = 0; e < SEGMENTS; e++) {
        array[e] = ArrayRoot(SLOTS);
        array[e].headerRoot <== headerRoots[e];
        array[e].expiry <== expiries[e];
        array[e].asOf <== asOf;
        array[e].shortfallX40 <== shortfallsX40[e];
        array[e].leaves <== leaves[e];
        array[e].out === arrayRoots[e];

        order[e] = SegmentOrder();
        order[e].isOpen <== e == 0 ? isOpen : continues[e - 1];
        order[e].openHeader <== e == 0 ? headerRootIn : headerRoots[e - 1];
        order[e].lastExpiry <== e == 0 ? lastExpiry : ofExpiry[e - 1];
        order[e].header <== headerRoots[e];
        order[e].expiry <== ofExpiry[e];

        segment[e] = BookSegment(SLOTS);
        segment[e].expiry <== ofExpiry[e];
        segment[e].shortfallX40 <== shortfall[e];
        segment[e].leaves <== leaves[e];
        segment[e].words <== positions[e];
        segment[e].continues <== continues[e];
        for (var k = 0; k < sumElements(); k++) {
            segment[e].sumsBefore[k] <== e == 0 ? isOpen * sumsIn[k] : segment[e - 1].sumsAfter[k];
        }
        totals[totalNakedShort()] += segment[e].nakedShortE12;
        totals[totalShortfall()] += segment[e].shortfallE12X40;
        totals[totalGross()] += segment[e].grossE12;
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
            totals[k] += closing[c].added[k];
        }
    }

    var LAST = SEGMENTS - 1;
    // Quantities only add up, so one check at the end bounds every sum of this proof.
    signal {maxbit} gross <== RangeCheck(grossBits())(totals[totalGross()]);
    component after = BookRoot();
    after.asOf <== roundAsOf;
    after.expiry <== ofExpiry[LAST];
    after.totals <== totals;
    after.isOpen <== continues[LAST];
    after.header <== headerRoots[LAST];
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
