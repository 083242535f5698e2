pragma circom 2.2.3;

include "../generated/frames/OptionBookFrame.circom";
include "../math/AssumeBits.circom";
include "../math/BooleanCheck.circom";
include "../math/RangeCheck.circom";
include "../portfolio/layout.circom";
include "BookState.circom";
include "FoldedArrays.circom";

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

    signal {binary} isOpen <== BooleanCheck()(openIn);
    // A width that proofs of the roots went by.
    signal {maxbit} roundAsOf <== AssumeBits(32)(asOf);
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

    component folded = FoldedArrays(SEGMENTS, SLOTS, EXPIRIES);
    folded.arrayRoots <== arrayRoots;
    folded.positions <== positions;
    folded.flags <== flags;
    folded.asOf <== asOf;
    folded.headerRoots <== headerRoots;
    folded.expiries <== expiries;
    folded.shortfallsX40 <== shortfallsX40;
    folded.leaves <== leaves;
    folded.headers <== headers;
    folded.openIn <== isOpen;
    folded.headerRootIn <== headerRootIn;
    folded.sumsIn <== sumsIn;
    folded.expiryIn <== lastExpiry;
    folded.totalsIn <== totalsIn;

    component after = BookRoot();
    after.asOf <== roundAsOf;
    after.expiry <== folded.expiryOut;
    after.totals <== folded.totals;
    after.isOpen <== folded.openOut;
    after.header <== headerRoots[SEGMENTS - 1];
    after.sums <== folded.sumsOut;

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
