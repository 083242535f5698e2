// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {LearningPolicyWord, MarginPolicyWord, MarketPolicyWord} from "../generated/Words.sol";
import {IRiskPolicy} from "./IRiskPolicy.sol";
import {PolicyBounds} from "./PolicyBounds.sol";

/// @title PolicyChecks
/// @notice {PolicyBounds} as a contract of its own: a registry has no room for them. It holds nothing, and refuses what is out
/// of bounds as the registry that calls it would.
contract PolicyChecks {
    /// @notice Learning policy alone.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function checkLearning(LearningPolicyWord word) external pure {
        PolicyBounds.checkLearning(word);
    }

    /// @notice Margin policy alone.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function checkMargin(MarginPolicyWord word) external pure {
        PolicyBounds.checkMargin(word);
    }

    /// @notice Market policy, alone and with the margin policy.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function checkMarket(MarginPolicyWord marginWord, MarketPolicyWord word) external pure {
        PolicyBounds.checkMarket(word);
        PolicyBounds.checkJointly(marginWord, word);
    }

    /// @notice Margin policy with the policies of all markets.
    /// @custom:reverts PolicyAbove
    function checkJointly(MarginPolicyWord word, MarketPolicyWord[] calldata marketWords) external pure {
        for (uint256 i = 0; i < marketWords.length; ++i) {
            PolicyBounds.checkJointly(word, marketWords[i]);
        }
    }

    /// @notice Freshness policy alone.
    /// @custom:reverts PolicyBelow, PolicyAbove
    function checkFreshness(IRiskPolicy.FreshnessPolicy calldata policy) external pure {
        PolicyBounds.checkFreshness(policy);
    }
}
