// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title HedgeBand
/// @notice How far a hedge may be from its target before a trade is worth its costs.
library HedgeBand {
    /// @notice Half the width of Whalley and Wilmott's band (1997), rounded down: the cube root of
    /// 3/2 * cost * spot * gamma^2 / risk aversion.
    /// @param costBps         of a trade, of what it is worth
    /// @param spotE8          price of the asset, below 2^48
    /// @param gammaE20        of the book, at most 2^95 either way
    /// @param riskAversionE12 of exponential utility, by the unit of cash; not 0
    function halfWidthE12(
        uint256 costBps,
        uint256 spotE8,
        int256 gammaE20,
        uint256 riskAversionE12
    ) internal pure returns (uint256) {
        uint256 gamma = gammaE20 < 0 ? uint256(-gammaE20) : uint256(gammaE20);
        // E36 = bps * E8 * E40 * 10^48 / (10^4 * 10^52 * E12 / 10^12): below 2^(2 + 10 + 48 + 190).
        return cubeRootDown((3 * costBps * spotE8 * gamma * gamma) / (20_000 * riskAversionE12));
    }

    /// @notice Greatest whole number whose cube is at most x, for x below 2^255.
    /// @dev Newton's iteration from above falls until it is there.
    function cubeRootDown(uint256 x) internal pure returns (uint256 root) {
        if (x == 0) return 0;
        uint256 bits = 0;
        for (uint256 rest = x; rest != 0; rest >>= 3) ++bits;
        root = 1 << bits; // its cube is above x
        while (true) {
            uint256 next = (2 * root + x / (root * root)) / 3;
            if (next >= root) return root;
            root = next;
        }
    }
}
