// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IPauses} from "./IPauses.sol";

/// @title Pauses
/// @notice Keeps the last pause of everything that can be paused.
abstract contract Pauses is IPauses, AccessManaged {
    /// @dev Longer than the least delay of a council, so that it can decide before the pause ends.
    uint40 private constant PAUSE_SECONDS = 3 days;
    uint40 private constant REST_SECONDS = 7 days;
    uint40 private constant HELD = type(uint40).max;

    mapping(bytes32 id => Pause) private _pauses;
    uint256 private _held;

    /// @inheritdoc IPauses
    function pause(bytes32 id) external restricted {
        uint256 until = _pauses[id].until;
        if (until != 0 && block.timestamp < until + REST_SECONDS) revert PausedLately(id, until, until + REST_SECONDS);
        uint40 time = uint40(block.timestamp);
        _pauses[id] = Pause(time, time + PAUSE_SECONDS);
        _note(id);
        emit Paused(id, time + PAUSE_SECONDS);
    }

    /// @inheritdoc IPauses
    function holdPause(bytes32 id) external restricted {
        Pause storage held = _inForce(id);
        if (held.until != HELD) ++_held;
        held.until = HELD;
        _note(id);
        emit PauseHeld(id);
    }

    /// @inheritdoc IPauses
    function liftPause(bytes32 id) external restricted {
        Pause storage held = _inForce(id);
        if (held.until == HELD) --_held;
        held.until = uint40(block.timestamp);
        _note(id);
        emit PauseLifted(id);
    }

    /// @inheritdoc IPauses
    function pauseOf(bytes32 id) public view returns (Pause memory) {
        return _pauses[id];
    }

    /// @notice A pause began, was held or was lifted.
    /// @param id     of what
    /// @param until  when this one ends
    /// @param latest no pause of this contract ends later
    function _paused(bytes32 id, uint40 until, uint40 latest) internal virtual;

    function _inForce(bytes32 id) private view returns (Pause storage held) {
        held = _pauses[id];
        if (block.timestamp >= held.until) revert NotPaused(id);
    }

    function _note(bytes32 id) private {
        uint40 latest = _held == 0 ? uint40(block.timestamp) + PAUSE_SECONDS : HELD;
        _paused(id, _pauses[id].until, latest);
    }
}
