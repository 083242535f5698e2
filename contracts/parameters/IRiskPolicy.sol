// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {LearningPolicyWord, MarginPolicyWord, MarketPolicyWord} from "../generated/Words.sol";
import {PolicyChecks} from "./PolicyChecks.sol";

/// @title IRiskPolicy
/// @notice The risk appetite: words of policy, and how old data may be.
/// @dev The same words enter the statement, so the circuit obeys them and the registry re-checks its result by them.
/// Setters are restricted to the authority (an AccessManager, which delays and cancels). A word that would leave the
/// circuit without a witness, or a guard-rail without an honest value, is refused here: see `PolicyBounds`.
interface IRiskPolicy {
    /// @notice How old observations may land and parameters be read, and what staleness costs. Not part of the statement.
    /// @param maxObservationAgeSeconds  age at which a batch's newest observation no longer lands
    /// @param maxParameterAgeSeconds    age at which plain reads revert; at least `maxObservationAgeSeconds`
    /// @param stalenessAddOnPerHourX24  added to stale maintenance margins for liquidation, per hour of staleness
    /// @param maintenanceMarginCapX24   up to which the add-on may raise it, below 1
    struct FreshnessPolicy {
        uint32 maxObservationAgeSeconds;
        uint32 maxParameterAgeSeconds;
        uint24 stalenessAddOnPerHourX24;
        uint24 maintenanceMarginCapX24;
    }

    /// @notice The engine-wide policy of estimation and learning changed.
    event LearningPolicySet(LearningPolicyWord previous, LearningPolicyWord current);
    /// @notice The engine-wide policy of margins changed.
    event MarginPolicySet(MarginPolicyWord previous, MarginPolicyWord current);
    /// @notice The policy of one market changed.
    event MarketPolicySet(bytes32 indexed marketId, MarketPolicyWord previous, MarketPolicyWord current);
    /// @notice The policy of freshness changed.
    event FreshnessPolicySet(FreshnessPolicy previous, FreshnessPolicy current);

    /// @notice A policy word has bits beyond its fields.
    error PolicyWordOutOfRange(uint256 word, uint256 bits);
    /// @notice A policy value is below what another value, or sense, allows.
    error PolicyBelow(string field, uint256 value, uint256 least);
    /// @notice A policy value is above what another value, or sense, allows.
    error PolicyAbove(string field, uint256 value, uint256 greatest);
    /// @notice There is no room for another market's policy.
    error PolicyBookFull(uint256 markets);
    /// @notice A market without a policy.
    error MarketPolicyMissing(bytes32 marketId);

    /// @notice Sets the engine-wide policy of estimation and learning. Restricted.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function setLearningPolicy(LearningPolicyWord word) external;

    /// @notice Sets the engine-wide policy of margins; must suit every market's policy. Restricted.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function setMarginPolicy(MarginPolicyWord word) external;

    /// @notice Sets the policy of one market, also before the market is added. Restricted.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function setMarketPolicy(bytes32 marketId, MarketPolicyWord word) external;

    /// @notice Sets the policy of freshness. Restricted.
    /// @custom:reverts PolicyBelow, PolicyAbove
    function setFreshnessPolicy(FreshnessPolicy calldata policy) external;

    /// @notice Engine-wide policy of estimation and learning in force.
    function learningPolicy() external view returns (LearningPolicyWord);

    /// @notice Engine-wide policy of margins in force.
    function marginPolicy() external view returns (MarginPolicyWord);

    /// @notice Policy of a market in force.
    /// @custom:reverts MarketPolicyMissing
    function marketPolicy(bytes32 marketId) external view returns (MarketPolicyWord);

    /// @notice Contract that holds every policy to its bounds; the registry's constructor made it.
    function policyChecks() external view returns (PolicyChecks);

    /// @notice Policy of freshness in force.
    function freshnessPolicy() external view returns (FreshnessPolicy memory);
}
