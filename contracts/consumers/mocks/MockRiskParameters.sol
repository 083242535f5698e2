// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IRiskParameters} from "../../registry/IRiskParameters.sol";
import {ParameterReads} from "../../registry/ParameterReads.sol";
import {ShadowId} from "../../registry/ShadowId.sol";

/// @title MockRiskParameters
/// @notice Parameters that anybody sets, to test consumers with: it answers as the registry does, fresh, stale and unproven.
/// @dev For tests only. It holds whatever it is given; the registry holds what was proven and its guard-rails let pass.
contract MockRiskParameters is ParameterReads {
    using ShadowId for bytes32;

    /// @notice Age from which on parameters are stale; what follows is as in a deployment that states nothing else.
    uint256 public maxParameterAgeSeconds = 3_900;
    /// @notice What liquidations tighten stale maintenance margins by, per hour.
    uint256 public stalenessAddOnPerHourX24 = 1 << 20;
    /// @notice Up to which they do.
    uint256 public maintenanceMarginCapX24 = 1 << 23;

    /// @notice A pause of a market: its first second, and the first one after it.
    struct Pause {
        uint256 since;
        uint256 until;
    }

    mapping(bytes32 marketId => Pause) private _pauses;
    mapping(bytes32 marketId => bool) private _isProven;
    mapping(bytes32 marketId => Parameters) private _parameters;

    /// @notice Puts parameters in force, as they are.
    function setParameters(bytes32 marketId, Parameters calldata values) external {
        _isProven[marketId] = true;
        _parameters[marketId] = values;
    }

    /// @notice Makes the data behind a market's parameters as old as this now; older than the limit is stale.
    function setAge(bytes32 marketId, uint256 ageSeconds) external {
        _parameters[marketId].asOf = block.timestamp - ageSeconds;
    }

    /// @notice Forgets a market, as if nothing had been proven of it.
    function forget(bytes32 marketId) external {
        _isProven[marketId] = false;
    }

    /// @notice Pauses a market, as a guardian does: from now on, for so long.
    function setPaused(bytes32 marketId, uint256 forSeconds) external {
        _pauses[marketId] = Pause(block.timestamp, block.timestamp + forSeconds);
    }

    /// @notice Sets when parameters are stale, and what that costs.
    function setFreshness(uint256 maxAgeSeconds, uint256 addOnPerHourX24, uint256 capX24) external {
        maxParameterAgeSeconds = maxAgeSeconds;
        stalenessAddOnPerHourX24 = addOnPerHourX24;
        maintenanceMarginCapX24 = capX24;
    }

    /// @inheritdoc IRiskParameters
    function sequence(bytes32 marketId) external view returns (uint256) {
        return _isProven[marketId] ? _parameters[marketId].sequence : 0;
    }

    /// @inheritdoc IRiskParameters
    function pausedUntil(bytes32 marketId) public view override returns (uint256 until) {
        until = _pauses[marketId].until;
        if (until <= block.timestamp) until = 0;
    }

    function _proven(bytes32 marketId) internal view override returns (Parameters memory) {
        if (marketId.isShadow()) revert ShadowNotInForce(marketId);
        if (!_isProven[marketId]) revert NotYetProven(marketId);
        return _parameters[marketId];
    }

    function _freshnessOfReads() internal view override returns (Freshness memory) {
        return Freshness(maxParameterAgeSeconds, stalenessAddOnPerHourX24, maintenanceMarginCapX24, type(uint256).max);
    }

    function _pausedSeconds(
        bytes32 marketId,
        uint256 from,
        uint256 graceSeconds
    ) internal view override returns (uint256) {
        Pause memory last = _pauses[marketId];
        if (last.until <= from) return 0;
        uint256 begin = last.since > from ? last.since : from;
        uint256 end = last.until + graceSeconds;
        if (end > block.timestamp) end = block.timestamp;
        return end > begin ? end - begin : 0;
    }
}
