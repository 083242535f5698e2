pragma circom 2.2.3;

/** What all accounts of a round share of scenarios and what follows from the worst: from RoundTerms to AccountMargins. */
bus ScenarioTerms() {
    signal {maxbit} spotE8; // 48 bits
    signal {maxbit} shocksX40[33]; // 43 bits; a skew scenario's shock moves the hedge alone
    signal {maxbit} dampingX40[33]; // 43 bits
    signal {maxbit} maintenanceFactorX40; // 44 bits
}
