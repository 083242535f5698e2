// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title PriceScale
/// @notice Where prices of other people's decimals become prices of 8.
library PriceScale {
    /// @notice Greatest number of decimals that is scaled.
    uint256 internal constant MOST_DECIMALS = 18;
    uint256 private constant DECIMALS = 8;

    /// @notice value · 10^(8 - decimals), rounded down.
    /// @param value    below 2^192
    /// @param decimals at most {MOST_DECIMALS}
    function toE8Down(uint256 value, uint256 decimals) internal pure returns (uint256) {
        return decimals > DECIMALS ? value / 10 ** (decimals - DECIMALS) : value * 10 ** (DECIMALS - decimals);
    }
}
