pragma circom 2.2.3;

include "../math/AssumeBits.circom";
include "../math/RangeCheck.circom";
include "../portfolio/BookTotals.circom";
include "../portfolio/layout.circom";
include "Commitment.circom";

/**
 * @title  ClosedBookRoot
 * @notice Root of a book: commitment to its time, last expiry, totals, and what stands for an expiry under way. Claim: L5.
 * @input  asOf, expiry  []  32 bits each: they share an element
 * @input  totals  [43]
 * @input  open    []  commitment to the expiry under way; 0 if there is none
 * @output out     []
 */
template ClosedBookRoot() {
    signal input {maxbit} asOf, expiry;
    signal input totals[totalElements()], open;
    signal output out;

    assert(asOf.maxbit <= 32);
    assert(expiry.maxbit <= 32);
    component root = Commitment(totalElements() + 2);
    root.words[0] <== asOf + expiry * 2 ** 32;
    for (var k = 0; k < totalElements(); k++) {
        root.words[1 + k] <== totals[k];
    }
    root.words[1 + totalElements()] <== open;
    out <== root.out;
}

/**
 * @title  BookRoot
 * @notice The same of a book that may have an expiry under way. Claim: L5.
 * @input  isOpen  []    boolean
 * @input  header  []    root of the header of the expiry under way; of no account if there is none
 * @input  sums    [41]  likewise
 * @output out     []
 */
template BookRoot() {
    signal input {maxbit} asOf, expiry;
    signal input totals[totalElements()], isOpen, header, sums[sumElements()];
    signal output out;

    component open = Commitment(1 + sumElements());
    open.words[0] <== header;
    for (var k = 0; k < sumElements(); k++) {
        open.words[1 + k] <== sums[k];
    }
    component root = ClosedBookRoot();
    root.asOf <== asOf;
    root.expiry <== expiry;
    root.totals <== totals;
    root.open <== isOpen * open.out;
    out <== root.out;
}

/**
 * @title  OpenedBook
 * @notice Totals of a finished book of the round. Claims: L5, L6.
 * @input  root    []    must commit to the rest, with no expiry under way
 * @input  asOf    []    time of the round, or 0 in a book that holds nothing
 * @input  expiry  []    the last one folded
 * @input  totals  [43]
 * @input  roundAsOf   []    32 bits
 * @output bookTotals  []
 */
template OpenedBook() {
    signal input root, asOf, expiry, totals[totalElements()];
    signal input {maxbit} roundAsOf;
    output BookTotals() bookTotals;

    assert(roundAsOf.maxbit <= 32);
    asOf * (roundAsOf - asOf) === 0;
    component opened = ClosedBookRoot();
    opened.asOf <== AssumeBits(32)(asOf); // 0, or the round's
    opened.expiry <== RangeCheck(32)(expiry);
    opened.totals <== totals;
    opened.open <== 0;
    opened.out === root;

    component parts = TotalsOfElements();
    parts.elements <== totals;
    bookTotals <== parts.bookTotals;
}
