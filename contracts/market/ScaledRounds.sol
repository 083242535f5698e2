// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AttestedRounds} from "./AttestedRounds.sol";
import {PriceScales} from "./PriceScales.sol";

/// @title ScaledRounds
/// @notice A source of rounds whose signers tell prices of some markets at a scale; collateral in the market's own asset too.
contract ScaledRounds is AttestedRounds, PriceScales {
    /// @param authority      who may replace signers, and who may revoke one
    /// @param signers_       the n signers, strictly increasing
    /// @param threshold_     k, 1 to n
    /// @param maxAgeSeconds_ age up to which a round may be published, 1 second to a day
    /// @param scales         of the markets whose prices are not of one unit
    constructor(
        address authority,
        address[] memory signers_,
        uint256 threshold_,
        uint256 maxAgeSeconds_,
        MarketScale[] memory scales
    ) AttestedRounds(authority, signers_, threshold_, maxAgeSeconds_) PriceScales(scales) {}
}
