// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {PortfolioRegistry} from "../registry/PortfolioRegistry.sol";
import {VenueAccounts} from "./VenueAccounts.sol";
import {VenueChanges} from "./VenueChanges.sol";
import {VenueLiquidation} from "./VenueLiquidation.sol";
import {VenueRules} from "./VenueRules.sol";
import {VenueSettlement} from "./VenueSettlement.sol";

/// @title OptionsVenue
/// @notice Venue of a portfolio registry: whoever holds its venue role alone, nobody else says what accounts hold.
contract OptionsVenue is VenueChanges, VenueSettlement, VenueLiquidation {
    /// @param authority AccessManager that knows who may set rules
    /// @param registry_ whom accounts are reported to; the venue's role there is this contract's alone
    /// @param token_    what cash is: 6 to 18 decimals, no fee on transfers
    /// @param rules_    rules to begin with
    constructor(
        address authority,
        PortfolioRegistry registry_,
        IERC20Metadata token_,
        Rules memory rules_
    ) AccessManaged(authority) VenueRules(rules_) VenueAccounts(registry_, token_) {}
}
