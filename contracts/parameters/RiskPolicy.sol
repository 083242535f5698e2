// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IRiskPolicy} from "./IRiskPolicy.sol";
import {PolicyBounds} from "./PolicyBounds.sol";

/// @title RiskPolicy
/// @notice Holds the risk appetite; the base of RiskRegistry, so that a batch reads it without a call.
abstract contract RiskPolicy is IRiskPolicy, AccessManaged {
    /// @dev One slot, since a batch needs both: the margin word and the freshness policy.
    struct MarginAndFreshness {
        uint128 marginPolicy;
        uint32 maxObservationAgeSeconds;
        uint32 maxParameterAgeSeconds;
        uint24 stalenessAddOnPerHourX24;
        uint24 maintenanceMarginCapX24;
    }

    uint256 private _learningPolicy;
    MarginAndFreshness private _marginAndFreshness;
    // The word leaves room above it for flags of a market, such as a freeze.
    mapping(bytes32 marketId => uint256) private _marketPolicies;
    bytes32[] private _marketsWithPolicy;

    constructor(
        address authority,
        uint256 learningWord,
        uint256 marginWord,
        FreshnessPolicy memory freshness
    ) AccessManaged(authority) {
        _setLearningPolicy(learningWord);
        _setMarginPolicy(marginWord);
        _setFreshnessPolicy(freshness);
    }

    /// @inheritdoc IRiskPolicy
    function setLearningPolicy(uint256 word) external restricted {
        _setLearningPolicy(word);
    }

    /// @inheritdoc IRiskPolicy
    function setMarginPolicy(uint256 word) external restricted {
        _setMarginPolicy(word);
    }

    /// @inheritdoc IRiskPolicy
    function setMarketPolicy(bytes32 marketId, uint256 word) external restricted {
        PolicyBounds.checkMarket(word);
        PolicyBounds.checkJointly(marginPolicy(), word);
        uint256 previous = _marketPolicies[marketId];
        if (previous == 0) _marketsWithPolicy.push(marketId); // a valid word is never zero
        _marketPolicies[marketId] = word;
        emit MarketPolicySet(marketId, previous, word);
    }

    /// @inheritdoc IRiskPolicy
    function setFreshnessPolicy(FreshnessPolicy calldata policy) external restricted {
        _setFreshnessPolicy(policy);
    }

    /// @inheritdoc IRiskPolicy
    function learningPolicy() public view returns (uint256) {
        return _learningPolicy;
    }

    /// @inheritdoc IRiskPolicy
    function marginPolicy() public view returns (uint256) {
        return _marginAndFreshness.marginPolicy;
    }

    /// @inheritdoc IRiskPolicy
    function marketPolicy(bytes32 marketId) public view returns (uint256 word) {
        word = _marketPolicies[marketId];
        if (word == 0) revert MarketPolicyMissing(marketId);
    }

    /// @inheritdoc IRiskPolicy
    function freshnessPolicy() public view returns (FreshnessPolicy memory policy) {
        MarginAndFreshness storage stored = _marginAndFreshness;
        policy.maxObservationAgeSeconds = stored.maxObservationAgeSeconds;
        policy.maxParameterAgeSeconds = stored.maxParameterAgeSeconds;
        policy.stalenessAddOnPerHourX24 = stored.stalenessAddOnPerHourX24;
        policy.maintenanceMarginCapX24 = stored.maintenanceMarginCapX24;
    }

    function _setLearningPolicy(uint256 word) private {
        PolicyBounds.checkLearning(word);
        emit LearningPolicySet(_learningPolicy, word);
        _learningPolicy = word;
    }

    function _setMarginPolicy(uint256 word) private {
        PolicyBounds.checkMargin(word);
        for (uint256 i = 0; i < _marketsWithPolicy.length; ++i) {
            PolicyBounds.checkJointly(word, _marketPolicies[_marketsWithPolicy[i]]);
        }
        emit MarginPolicySet(marginPolicy(), word);
        _marginAndFreshness.marginPolicy = uint128(word); // its width was checked
    }

    function _setFreshnessPolicy(FreshnessPolicy memory policy) private {
        PolicyBounds.checkFreshness(policy);
        emit FreshnessPolicySet(freshnessPolicy(), policy);
        MarginAndFreshness storage stored = _marginAndFreshness;
        stored.maxObservationAgeSeconds = policy.maxObservationAgeSeconds;
        stored.maxParameterAgeSeconds = policy.maxParameterAgeSeconds;
        stored.stalenessAddOnPerHourX24 = policy.stalenessAddOnPerHourX24;
        stored.maintenanceMarginCapX24 = policy.maintenanceMarginCapX24;
    }
}
