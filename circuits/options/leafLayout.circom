pragma circom 2.2.3;

/** The point among 36 that no shock moves: it prices what point 0 prices, and only point 0 is looked at. */
function unshockedPoint() { return 11; }

/** Places of a risk array's leaf: strike, mark, then columns that are committed by threes; prover/options/riskArray.ts. */
function leafElements() { return 41; }
function leafColumns() { return 2; }
function leafGreeks() { return 36; } // N(d1), pdf, gamma, theta; then K * N(d2), which a book does not need

/** Of the call at a point; those of the basis contingency come first, so that one group has both. */
function leafOfPoint(p) {
    if (p == 0) { return 1; }
    if (p > 33) { return p - 32; }
    if (p < unshockedPoint()) { return p + 3; }
    return p + 2;
}

/** Columns of a group, and groups. */
function groupColumns() { return 3; }
function columnGroups() { return 13; }
