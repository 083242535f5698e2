// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ObservationElement} from "../generated/Words.sol";
import {AttestedFeed} from "./AttestedFeed.sol";
import {PriceScales} from "./PriceScales.sol";

/// @title ScaledFeed
/// @notice An attested feed whose signers tell prices of some markets at a scale: what they sign names the contract, and so the
/// scale.
contract ScaledFeed is AttestedFeed, PriceScales {
    /// @param authority        who may replace signers, and who may revoke one
    /// @param signers_          the n signers, strictly increasing
    /// @param threshold_        k, 1 to n
    /// @param maxConfidenceBps_ greatest confidence half-width, in 1/10,000 of the price
    /// @param bounds            what can be a market
    /// @param scales            of the markets whose prices are not of one unit
    constructor(
        address authority,
        address[] memory signers_,
        uint256 threshold_,
        uint256 maxConfidenceBps_,
        Plausibility memory bounds,
        MarketScale[] memory scales
    ) AttestedFeed(authority, signers_, threshold_, maxConfidenceBps_, bounds) PriceScales(scales) {}

    /// @notice Newest price of a market, with its scale, so that nobody takes one for a price of another.
    /// @return priceE8 of 10^scale units
    /// @return scale   k, see {IPriceScale-priceScale}
    /// @return asOf    its time; zero before the first
    function latestPrice(bytes32 marketId) external view returns (uint256 priceE8, int256 scale, uint256 asOf) {
        ObservationElement last = _last(marketId);
        return (last.priceE8(), priceScale[marketId], last.asOf());
    }
}
