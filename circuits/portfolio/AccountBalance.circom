pragma circom 2.2.3;

/** What an account has and must keep whatever the scenario: from AccountHoldings to AccountMargins; M = 2^32 E20. */
bus AccountBalance() {
    signal {signedbit} hedgeM; // 88 bits and a sign: what moves one for one with spot, floored
    signal {signedbit} equityE20X60; // 180 bits and a sign: mark, collateral, cash and unrealised gains; exact
    signal {maxbit} maintenanceContingencyE20X60; // 181 bits, exact
    signal {maxbit} initialContingencyE20X60; // 181 bits, exact
    signal {maxbit} confidenceE20X100; // 225 bits, exact
}
