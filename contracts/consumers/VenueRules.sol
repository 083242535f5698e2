// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IOptionsVenue} from "./IOptionsVenue.sol";

/// @title VenueRules
/// @notice What of a venue is governed, each within bounds.
abstract contract VenueRules is IOptionsVenue, AccessManaged {
    uint256 internal constant ONE_BPS = 10_000;
    /// @dev A settlement may wait for as long as an outage of the signers, and liquidations of that expiry's holders with it.
    uint256 private constant LONGEST_SETTLEMENT = 1 hours;
    uint256 private constant LONGEST_CHANGE = 1 hours;

    /// @notice Rules in force.
    Rules public rules;

    constructor(Rules memory rules_) {
        _setRules(rules_);
    }

    /// @inheritdoc IOptionsVenue
    function setRules(Rules calldata rules_) external restricted {
        _setRules(rules_);
    }

    /// @inheritdoc IOptionsVenue
    function premiumBandBps() external view returns (uint256) {
        return rules.bandBps;
    }

    function _setRules(Rules memory given) private {
        _require("changeSeconds", given.changeSeconds, 30, LONGEST_CHANGE);
        _require("settlementSeconds", given.settlementSeconds, 30, LONGEST_SETTLEMENT);
        _require("auctionSeconds", given.auctionSeconds, 60, 1 days);
        _require("windowSeconds", given.windowSeconds, 60, 7 days);
        _require("startPayBps", given.startPayBps, 1, ONE_BPS);
        _require("endBonusBps", given.endBonusBps, 0, ONE_BPS);
        _require("bondBps", given.bondBps, 100, 2 * ONE_BPS);
        _require("stepBps", given.stepBps, 100, ONE_BPS);
        _require("bandBps", given.bandBps, 0, ONE_BPS / 2);
        _require("budgetE12", given.budgetE12, 1, type(uint128).max);
        rules = given;
        emit RulesSet(given);
    }

    function _require(bytes32 rule, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert RuleOutOfRange(rule, value, least, most);
    }
}
