// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPortfolioMargins} from "../registry/IPortfolioMargins.sol";

/// @title IVenuePolicy
/// @notice How much more than the initial margin a venue asks of whoever takes on risk, by what its accounts together are expected to
/// leave unpaid and what its insurance fund holds.
/// @dev Figures are those of the last complete count ({IOpenInterest}), proven of every account. Where there are none, or they are too old,
/// the buffer is the greatest. It concerns what adds risk, and nothing else: no liquidation, no settlement, no account of cash alone.
interface IVenuePolicy {
    /// @notice What is governed, in hundredths of a per cent.
    /// @param floorBps      buffer of a venue whose fund covers what it must, of what the initial margin asks beyond maintenance
    /// @param ceilingBps    buffer of one whose fund is empty, or whose figures nobody knows
    /// @param coverBps      expected shortfall that the fund is to cover
    /// @param defaultsBps   expected defaults, of the accounts counted, from which the buffer is the greatest
    /// @param maxAgeSeconds how old the round of the figures may be
    struct Rules {
        uint32 floorBps;
        uint32 ceilingBps;
        uint32 coverBps;
        uint32 defaultsBps;
        uint32 maxAgeSeconds;
    }

    /// @notice A venue as it stands.
    /// @param asOf                 round of the last complete count; 0: there is none
    /// @param isKnown              whether its figures count: they are there, and not too old
    /// @param accounts             how many were counted
    /// @param expectedDefaultsX32  sum of their probabilities of default, value * 2^32
    /// @param expectedShortfallE12 sum of what they are expected to leave unpaid
    /// @param requirementE12       what the insurance fund is to have
    /// @param fundE12              what it has
    /// @param bufferBps            of what the initial margin asks beyond maintenance
    struct Standing {
        uint256 asOf;
        bool isKnown;
        uint256 accounts;
        uint256 expectedDefaultsX32;
        uint256 expectedShortfallE12;
        uint256 requirementE12;
        uint256 fundE12;
        uint256 bufferBps;
    }

    /// @notice Rules changed.
    event RulesSet(Rules rules);

    /// @notice A rule, by its name, is outside what it may be.
    error RuleOutOfRange(bytes32 rule, uint256 value, uint256 least, uint256 most);
    /// @notice What adds risk leaves less above the initial margin than the venue asks, as it stands.
    error BufferTooLow(address owner, int256 initialE8, int256 neededE8, Standing standing);

    /// @notice Sets the rules. Restricted.
    /// @custom:reverts RuleOutOfRange
    function setRules(Rules calldata rules_) external;

    /// @notice Passes if an account may change as it would.
    /// @param owner    whose account
    /// @param key      what it is known by as it stands, if the change is a trade: one that asks for no more beyond maintenance than
    ///                 its own margin of the same round, and leaves no less above the initial one, takes no buffer; 0 otherwise
    /// @param proposed proven margin of what it would hold
    /// @param fundE12  what the insurance fund has
    /// @custom:reverts BufferTooLow
    function requireOpening(
        address owner,
        address key,
        IPortfolioMargins.Margin calldata proposed,
        uint256 fundE12
    ) external view;

    /// @notice What a venue whose fund has this much must be told.
    function standingOf(uint256 fundE12) external view returns (Standing memory);
}
