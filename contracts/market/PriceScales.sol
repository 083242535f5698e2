// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPriceScale} from "./IPriceScale.sol";
import {PriceScale} from "./PriceScale.sol";

/// @title PriceScales
/// @notice Scales of a source's markets, fixed for ever.
abstract contract PriceScales is IPriceScale {
    /// @inheritdoc IPriceScale
    mapping(bytes32 marketId => int256 scale) public priceScale;

    /// @param scales of the markets whose prices are not of one unit
    constructor(MarketScale[] memory scales) {
        for (uint256 i = 0; i < scales.length; ++i) {
            (bytes32 marketId, int256 scale) = (scales[i].marketId, scales[i].scale);
            PriceScale.requireWithin(marketId, scale);
            if (priceScale[marketId] != 0) revert PriceScaleRepeated(marketId);
            priceScale[marketId] = scale;
        }
    }
}
