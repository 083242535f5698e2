pragma circom 2.2.3;

include "../options/ArrayHeader.circom";
include "CloseExpiry.circom";
include "ClosedSegment.circom";
include "layout.circom";

/**
 * @title  BookClosing
 * @notice What the expiry that ends at one segment of a book's proof adds to the book's totals. Claims: L3, L4, L17.
 * @param  SEGMENTS
 * @input  closes       [SEGMENTS]      boolean, at most one: the segment ends the expiry
 * @input  headerRoots  [SEGMENTS]      of the segments' arrays
 * @input  sums         [SEGMENTS][41]  with each segment's positions
 * @input  header       [29]
 * @output headerRoot   []    what `header` must be committed as: at the segment; at the first if the expiry ends at none
 * @output added        [43]  0 if the expiry ends at none, as sums of 0 are worth nothing
 */
template BookClosing(SEGMENTS) {
    signal input closes[SEGMENTS], headerRoots[SEGMENTS], sums[SEGMENTS][sumElements()], header[headerElements()];
    signal output headerRoot, added[totalElements()];

    component closed = ClosedSegment(SEGMENTS, sumElements());
    closed.closes <== closes;
    closed.headerRoots <== headerRoots;
    closed.sums <== sums;
    headerRoot <== closed.headerRoot;
    component parts = HeaderOfElements();
    parts.elements <== header;
    component expiry = CloseExpiry();
    expiry.arrayHeader <== parts.arrayHeader;
    expiry.sums <== closed.out;

    for (var s = 0; s < 33; s++) {
        added[s] <== expiry.pnlMX40[s];
    }
    added[totalBasis()] <== expiry.basisMX40;
    added[totalMark()] <== expiry.markMX40;
    added[totalNakedShort()] <== 0;
    added[totalShortfall()] <== 0;
    added[totalGross()] <== 0;
    for (var g = 0; g < 5; g++) {
        added[totalGreeks() + g] <== expiry.greeks[g];
    }
}
