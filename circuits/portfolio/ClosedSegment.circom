pragma circom 2.2.3;

/**
 * @title  ClosedSegment
 * @notice Header and sums that stand at the segment where an expiry ends. Claim: L17.
 * @param  SEGMENTS, SUMS
 * @input  closes       [SEGMENTS]        boolean, at most one: the segment ends the expiry
 * @input  headerRoots  [SEGMENTS]        of the segments' arrays
 * @input  sums         [SEGMENTS][SUMS]  with each segment's positions
 * @output headerRoot   []      at the segment; at the first one if the expiry ends at none
 * @output out          [SUMS]  at the segment; 0 if the expiry ends at none
 */
template ClosedSegment(SEGMENTS, SUMS) {
    signal input closes[SEGMENTS], headerRoots[SEGMENTS], sums[SEGMENTS][SUMS];
    signal output headerRoot, out[SUMS];

    signal roots[SEGMENTS];
    var root = headerRoots[0];
    for (var e = 0; e < SEGMENTS; e++) {
        roots[e] <== closes[e] * (headerRoots[e] - headerRoots[0]);
        root += roots[e];
    }
    headerRoot <== root;
    signal chosen[SEGMENTS][SUMS];
    for (var k = 0; k < SUMS; k++) {
        var sum = 0;
        for (var e = 0; e < SEGMENTS; e++) {
            chosen[e][k] <== closes[e] * sums[e][k];
            sum += chosen[e][k];
        }
        out[k] <== sum;
    }
}
