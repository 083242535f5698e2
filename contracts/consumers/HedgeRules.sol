// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IHedgingAgent} from "./IHedgingAgent.sol";

/// @title HedgeRules
/// @notice What of a hedge is governed, each within bounds.
abstract contract HedgeRules is IHedgingAgent, AccessManaged {
    uint256 internal constant ONE_BPS = 10_000;
    uint256 internal constant ONE_PIPS = 1_000_000;
    /// @dev Quantities as open interest has them, below 2^79.
    uint256 private constant MOST_E12 = type(uint128).max;
    uint256 private constant PIPS_IN_BPS = 100;
    uint256 private constant MOST_COST_BPS = 1_000;
    uint256 private constant MOST_SLIPPAGE_BPS = 1_000;
    uint256 private constant MOST_DEVIATION_BPS = 1_000;
    /// @dev Shorter than a few blocks a mean is no harder to move than a price.
    uint256 private constant SHORTEST_WINDOW = 30;
    uint256 private constant MOST_RISK_AVERSION_E12 = 1e12;

    /// @notice Rules in force.
    Rules public rules;

    /// @inheritdoc IHedgingAgent
    function setRules(Rules calldata rules_) external restricted {
        _setRules(rules_);
    }

    /// @notice The pool's fee, in millionths.
    function feePips() public view virtual returns (uint256);

    /// @dev What one smallest unit of the asset is, or 1 where that is less.
    function _leastTradeE12() internal view virtual returns (uint256);

    function _setRules(Rules memory given) internal {
        uint256 least = _leastTradeE12();
        _require("bandFloorE12", given.bandFloorE12, least, MOST_E12);
        _require("riskAversionE12", given.riskAversionE12, 1, MOST_RISK_AVERSION_E12);
        _require("maxTradeE12", given.maxTradeE12, least, MOST_E12);
        _require("bypassE12", given.bypassE12, given.bandFloorE12, MOST_E12);
        _require("costBps", given.costBps, 1, MOST_COST_BPS);
        // What does not cover the pool's fee would never be traded.
        _require("slippageBps", given.slippageBps, feePips() / PIPS_IN_BPS + 1, MOST_SLIPPAGE_BPS);
        _require("maxDeviationBps", given.maxDeviationBps, 1, MOST_DEVIATION_BPS);
        _require("windowSeconds", given.windowSeconds, SHORTEST_WINDOW, 1 days);
        _require("intervalSeconds", given.intervalSeconds, 1, 7 days);
        _require("maxFiguresAgeSeconds", given.maxFiguresAgeSeconds, 60, 7 days);
        rules = given;
        emit RulesSet(given);
    }

    function _require(bytes32 rule, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert RuleOutOfRange(rule, value, least, most);
    }
}
