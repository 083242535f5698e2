// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IPriceScale
/// @notice Of how many units of their asset the prices of a source are. A source that does not speak this quotes one unit.
/// @dev A scale is a source's for as long as there are observations or rounds of it, so nothing that a source has attested can be
/// read at two. A market changes its scale by changing its source, which is governance's.
interface IPriceScale {
    /// @notice A market's scale.
    /// @param marketId market, as the registry knows it
    /// @param scale    k: its prices are of 10^k units
    struct MarketScale {
        bytes32 marketId;
        int256 scale;
    }

    /// @notice Prices are of a millionth of a unit at the least, and of 10^12 units at the most.
    error PriceScaleOutOfRange(bytes32 marketId, int256 scale, int256 least, int256 greatest);
    /// @notice A source did not say its scale: it failed with an error, or there was too little gas to tell. One that has no such
    /// function fails empty.
    error PriceScaleUnknown(address source, bytes32 marketId);
    /// @notice The last price of a market would be one that no log price of a state holds.
    error PriceBeyondScale(bytes32 marketId, int256 lnPriceX26);
    /// @notice A market's scale is stated twice.
    error PriceScaleRepeated(bytes32 marketId);

    /// @notice k, where a word `priceE8` of the market is the price of 10^k units of its asset, times 10^8: 0 where nothing was
    /// stated, 6 where 0.00000042 is told as 0.42, -3 where 15,000,000 is told as 15,000.
    function priceScale(bytes32 marketId) external view returns (int256 scale);
}
