// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IOpenInterest} from "../registry/IOpenInterest.sol";
import {IPortfolioMargins} from "../registry/IPortfolioMargins.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IVenuePolicy} from "./IVenuePolicy.sol";

/// @title VenuePolicy
/// @notice The buffer is the floor where the fund has what it must, the ceiling where it is empty, and between them in proportion to
/// what the fund lacks; expected defaults raise it alike. The greater of both counts.
contract VenuePolicy is IVenuePolicy, AccessManaged {
    uint256 private constant ONE_BPS = 10_000;
    uint256 private constant ONE_X32 = 2 ** 32;
    /// @dev Units of cash, E12, in one of a margin, E8.
    uint256 private constant CASH_PER_MARGIN = 1e4;
    /// @dev Five times what the initial margin asks beyond maintenance.
    uint256 private constant MOST_BUFFER_BPS = 50_000;
    uint256 private constant MOST_COVER_BPS = 1_000_000;

    /// @notice Whose accounts are counted, and whose margins count.
    IPortfolioRegistry public immutable registry;
    /// @notice Where figures of all accounts are.
    IOpenInterest public immutable counts;

    /// @notice Rules in force.
    Rules public rules;

    /// @param authority AccessManager that knows who may set rules
    /// @param registry_ of the venue
    /// @param rules_    rules to begin with
    constructor(address authority, IPortfolioRegistry registry_, Rules memory rules_) AccessManaged(authority) {
        registry = registry_;
        counts = registry_.counts();
        _setRules(rules_);
    }

    /// @inheritdoc IVenuePolicy
    function setRules(Rules calldata rules_) external restricted {
        _setRules(rules_);
    }

    /// @inheritdoc IVenuePolicy
    function requireOpening(
        address owner,
        address key,
        IPortfolioMargins.Margin calldata proposed,
        uint256 fundE12
    ) external view {
        int256 beyondE8 = _beyond(proposed);
        // Cheap to dear: what the ceiling is met by needs no figures.
        if (proposed.initialE8 >= _buffer(beyondE8, rules.ceilingBps)) return;
        if (key != address(0) && _isSafer(key, proposed, beyondE8)) return;
        Standing memory standing = standingOf(fundE12);
        int256 neededE8 = _buffer(beyondE8, standing.bufferBps);
        if (proposed.initialE8 < neededE8) revert BufferTooLow(owner, proposed.initialE8, neededE8, standing);
    }

    /// @inheritdoc IVenuePolicy
    function standingOf(uint256 fundE12) public view returns (Standing memory standing) {
        Rules memory inForce = rules;
        standing.fundE12 = fundE12;
        standing.bufferBps = inForce.ceilingBps;
        try counts.unsafeOpenInterest() returns (IOpenInterest.Figures memory figures, uint256 ageSeconds) {
            (standing.asOf, standing.accounts) = (figures.asOf, figures.accounts);
            standing.expectedDefaultsX32 = figures.defaultProbabilityX32;
            standing.expectedShortfallE12 = figures.expectedShortfallE8 * CASH_PER_MARGIN;
            standing.requirementE12 = _up(standing.expectedShortfallE12 * inForce.coverBps, ONE_BPS);
            standing.isKnown = ageSeconds <= inForce.maxAgeSeconds;
            if (standing.isKnown) standing.bufferBps = _bufferBps(inForce, standing);
        } catch {
            return standing; // nothing was ever counted
        }
    }

    /// @dev Rounded up, as all that is asked for.
    function _bufferBps(Rules memory inForce, Standing memory standing) private pure returns (uint256) {
        uint256 range = inForce.ceilingBps - inForce.floorBps;
        uint256 lackE12 = standing.fundE12 < standing.requirementE12 ? standing.requirementE12 - standing.fundE12 : 0;
        uint256 byFund = lackE12 == 0 ? 0 : _up(range * lackE12, standing.requirementE12);
        uint256 mostDefaults = standing.accounts * inForce.defaultsBps * ONE_X32;
        uint256 defaults = standing.expectedDefaultsX32 * ONE_BPS;
        uint256 byDefaults = defaults == 0 ? 0 : range;
        if (defaults < mostDefaults) byDefaults = _up(range * defaults, mostDefaults);
        return inForce.floorBps + (byFund > byDefaults ? byFund : byDefaults);
    }

    /// @dev What the initial margin asks beyond maintenance: it grows with what an account may lose, and not with its cash.
    function _beyond(IPortfolioMargins.Margin memory margin) private pure returns (int256) {
        return margin.maintenanceE8 > margin.initialE8 ? margin.maintenanceE8 - margin.initialE8 : int256(0);
    }

    /// @dev Whether an account asks for no more beyond maintenance than it does as it stands, and has no less above the initial margin: a
    /// trade at a bad price would take out what a buffer was asked for. Told by a margin of the same round, or a later one: an earlier
    /// one may have asked for more of the same, and left less.
    function _isSafer(
        address key,
        IPortfolioMargins.Margin calldata proposed,
        int256 beyondE8
    ) private view returns (bool) {
        try registry.marginOf(key) returns (IPortfolioMargins.Margin memory present) {
            return
                present.asOf >= proposed.asOf &&
                beyondE8 <= _beyond(present) &&
                proposed.initialE8 >= present.initialE8;
        } catch {
            return false; // nothing was proven of what it holds now
        }
    }

    /// @dev Margins are below 2^79 and buffers below 2^16 either way.
    function _buffer(int256 beyondE8, uint256 bufferBps) private pure returns (int256) {
        return int256(_up(uint256(beyondE8) * bufferBps, ONE_BPS));
    }

    function _up(uint256 dividend, uint256 divisor) private pure returns (uint256) {
        return (dividend + divisor - 1) / divisor;
    }

    function _setRules(Rules memory given) private {
        _require("floorBps", given.floorBps, 0, given.ceilingBps);
        _require("ceilingBps", given.ceilingBps, 0, MOST_BUFFER_BPS);
        _require("coverBps", given.coverBps, ONE_BPS / 10, MOST_COVER_BPS);
        _require("defaultsBps", given.defaultsBps, 1, ONE_BPS);
        _require("maxAgeSeconds", given.maxAgeSeconds, 60, 7 days);
        rules = given;
        emit RulesSet(given);
    }

    function _require(bytes32 rule, uint256 value, uint256 least, uint256 most) private pure {
        if (value < least || value > most) revert RuleOutOfRange(rule, value, least, most);
    }
}
