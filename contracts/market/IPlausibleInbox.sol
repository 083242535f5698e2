// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IObservationSource} from "./IObservationSource.sol";

/// @title IPlausibleInbox
/// @notice A source with a door: what cannot be a market is refused, what would be a jump is held until others confirm it. Both
/// are events and never reverts, so that one bad attestation stops no other.
/// @dev A ratio r bounds both ways: within r of a price are those from price / r to price · r. Nothing widens with time: after a
/// pause, confirmation is the way for a move of any size below the greatest factor.
///
/// Of a jump that was confirmed the inbox holds the last observation alone, at its own time. The engine's step is then one
/// return over the time since the last accepted one, which no range attested for a part of it can make smaller: a range counts
/// as at least the return. Of a jump that was not confirmed the inbox holds nothing, and the next step is from the last
/// accepted one.
interface IPlausibleInbox is IObservationSource {
    /// @notice What a source takes; fixed for ever.
    /// @param leastSpacingSeconds  from one observation of a market to the next, 1 to 3,600
    /// @param jumpBps              ratio to the last price beyond which one is held, above 10,000 and below 20,000: a price that
    ///                             has doubled is never taken from one observation alone
    /// @param greatestFactorBps    ratio to the last price beyond which one is refused, above the jump's and below 100,000: a
    ///                             decimal place is never taken at all
    /// @param agreementBps         ratio to the held one within which the next confirms it, above 10,000 and at most the jump's
    /// @param confirmations        how many must, one after the other, 1 to 10
    /// @param windowSeconds        in which each must follow on the one before it, the least spacing to 30 days
    /// @param greatestImpliedX16   of implied volatilities, 0.5 to 8
    /// @param impliedJumpBps       ratio to the last implied volatility beyond which one is left out until confirmed, above 10,000
    ///                             and at most 20,000
    /// @param greatestRangeCode    of ranges, 1 to 4,095; wider ones are left out
    struct Plausibility {
        uint256 leastSpacingSeconds;
        uint256 jumpBps;
        uint256 greatestFactorBps;
        uint256 agreementBps;
        uint256 confirmations;
        uint256 windowSeconds;
        uint256 greatestImpliedX16;
        uint256 impliedJumpBps;
        uint256 greatestRangeCode;
    }

    /// @notice Why an observation was refused.
    enum Refusal {
        /// A price of zero, or one that no word holds.
        NoPrice,
        /// A confidence interval wider than the source takes.
        Uncertain,
        /// Less than the least spacing after the last one, or after the held one that it would follow.
        TooSoon,
        /// Further from the last price than the greatest factor.
        BeyondFactor
    }

    /// @notice An observation was refused for ever, and nothing else has changed.
    event ObservationRefused(bytes32 indexed marketId, uint256 asOf, uint256 priceE8, Refusal reason);
    /// @notice A price was held: after `lastPriceE8` it is a jump, which so many have confirmed by now. It is forgotten when
    /// another observation is appended or held.
    event ObservationHeld(
        bytes32 indexed marketId,
        uint256 asOf,
        uint256 priceE8,
        uint256 lastPriceE8,
        uint256 confirmations
    );
    /// @notice An observation was appended without its implied volatility, or without its range; 0 for what was not left out.
    event AttestedLeftOut(bytes32 indexed marketId, uint256 asOf, uint256 impliedVolatilityX16, uint256 rangeCode);

    /// @notice A bound of the door does not make sense.
    error PlausibilityOutOfRange(string field, uint256 value, uint256 least, uint256 greatest);

    /// @notice What this source takes.
    function plausibility() external view returns (Plausibility memory);

    /// @notice How much later than the last one an observation of a market must be.
    function leastSpacingSeconds() external view returns (uint256);

    /// @notice The price that waits to be confirmed, its time, and how many have; zeros if none does.
    function heldPrice(
        bytes32 marketId
    ) external view returns (uint256 priceE8, uint256 asOf, uint256 confirmations);
}
