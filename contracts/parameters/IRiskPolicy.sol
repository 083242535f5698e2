// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IRiskPolicy
/// @notice The risk appetite: policy words, packed as in `LearningPolicyWord`, `MarginPolicyWord`, `MarketPolicyWord`.
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
    event LearningPolicySet(uint256 previous, uint256 current);
    /// @notice The engine-wide policy of margins changed.
    event MarginPolicySet(uint256 previous, uint256 current);
    /// @notice The policy of one market changed.
    event MarketPolicySet(bytes32 indexed marketId, uint256 previous, uint256 current);
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
    function setLearningPolicy(uint256 word) external;

    /// @notice Sets the engine-wide policy of margins; must suit every market's policy. Restricted.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function setMarginPolicy(uint256 word) external;

    /// @notice Sets the policy of one market, also before the market is added. Restricted.
    /// @custom:reverts PolicyWordOutOfRange, PolicyBelow, PolicyAbove
    function setMarketPolicy(bytes32 marketId, uint256 word) external;

    /// @notice Sets the policy of freshness. Restricted.
    /// @custom:reverts PolicyBelow, PolicyAbove
    function setFreshnessPolicy(FreshnessPolicy calldata policy) external;

    /// @notice `LearningPolicyWord` in force.
    function learningPolicy() external view returns (uint256);

    /// @notice `MarginPolicyWord` in force.
    function marginPolicy() external view returns (uint256);

    /// @notice `MarketPolicyWord` in force.
    /// @custom:reverts MarketPolicyMissing
    function marketPolicy(bytes32 marketId) external view returns (uint256);

    /// @notice Policy of freshness in force.
    function freshnessPolicy() external view returns (FreshnessPolicy memory);
}
