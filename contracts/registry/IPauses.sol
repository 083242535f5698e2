// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IPauses
/// @notice What a guardian may stop at once, for three days: a model in the registry of models, a market or a source in the
/// registry of risk. A source's id is its address.
/// @dev A pause ends by itself, unless the council holds it until further notice; the council may end it sooner. Both take the
/// council's delay, for which three days leave room where it is two. Whoever may pause cannot do it again for a week after the
/// last pause of the same thing, so a stolen key stops nothing for good: one thing after another only until the council has taken
/// the role from it.
interface IPauses {
    /// @notice When something was paused last.
    /// @param since first second of it
    /// @param until first second after it; 2^40 - 1 if the council holds it
    struct Pause {
        uint40 since;
        uint40 until;
    }

    /// @notice Something is paused, from now on and until then.
    event Paused(bytes32 indexed id, uint256 until);
    /// @notice The pause goes on until the council ends it.
    event PauseHeld(bytes32 indexed id);
    /// @notice The council ended the pause.
    event PauseLifted(bytes32 indexed id);

    /// @notice It is paused, or was until lately.
    error PausedLately(bytes32 id, uint256 until, uint256 nextFrom);
    /// @notice There is no pause to hold or to end.
    error NotPaused(bytes32 id);

    /// @notice Pauses something for three days. Restricted; the guardian may call it without delay.
    /// @custom:reverts PausedLately
    function pause(bytes32 id) external;

    /// @notice Lets a pause go on until further notice. Restricted to the council.
    /// @custom:reverts NotPaused
    function holdPause(bytes32 id) external;

    /// @notice Ends a pause, also of a model that has been disabled since. Restricted to the council.
    /// @custom:reverts NotPaused
    function liftPause(bytes32 id) external;

    /// @notice The last pause of something; zeros if there was none.
    function pauseOf(bytes32 id) external view returns (Pause memory);
}
