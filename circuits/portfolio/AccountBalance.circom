pragma circom 2.2.3;

include "../generated/sizes.circom";

/** What an account has and must keep whatever the scenario: from AccountHoldings to AccountMargins; M = 2^32 E20. */
bus AccountBalance() {
    signal {signedbit} hedgeM; // 88 bits and a sign: what moves one for one with spot, floored
    signal {signedbit} equityE20X60; // 180 bits and a sign: mark, collateral, cash and unrealised gains; exact
    signal {maxbit} maintenanceContingencyE20X60; // 182 bits, at most contingencyBits(); exact
}

/** Sizes that margin is asked for: from AccountHoldings to InitialNeeds. */
bus Exposure() {
    signal {maxbit} amountsE12[collaterals()]; // 62 bits
    signal {maxbit} perpNotionalE20; // 109 bits
    signal {maxbit} nakedNotionalE20; // 110 bits
    signal {maxbit} shortfallNotionalE20X40; // 150 bits: of options, times what confidence in their expiry is short of 1
}

/** What initial margin asks for on top: from InitialNeeds to AccountMargins. */
bus InitialNeed() {
    signal {maxbit} outE20X100; // 226 bits, exact: contingencies and what confidence asks
}
