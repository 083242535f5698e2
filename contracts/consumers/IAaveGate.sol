// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ProvenCollateral} from "./ProvenCollateral.sol";

/// @title IAaveGate
/// @notice Risk admin of an Aave v3 market: loan-to-value, threshold and bonus of an asset move towards what the registry holds, and no
/// other way. Nobody chooses a value. Anyone may announce, wait and apply.
/// @dev A move is of a whole triple, proven together. A lower threshold makes nobody liquidatable without notice: it is announced, waits,
/// goes in steps, and those whom it makes liquidatable are counted in the pool itself, before and after. Loan-to-value may be lowered
/// at once, since no health factor depends on it.
interface IAaveGate {
    /// @notice What is governed of an asset.
    /// @param delaySeconds     from an announcement until it may be applied
    /// @param validSeconds     in which it may be applied from then on
    /// @param windowSeconds    that steps and the count are of; over the end of one window both can be met twice within its length
    /// @param lowerBps         most that the threshold falls in a window
    /// @param raiseBps         most that threshold and loan-to-value rise in a window, each
    /// @param bonusBps         most that the bonus moves in a window, either way
    /// @param mostLiquidatable accounts that moves of a window may make liquidatable
    /// @param mostUnlisted     of the asset's supply, in its own units: what the accounts that whoever applies lists may leave out
    /// @param leastDebt        of an account that is counted, in units of the market's oracle: dust stops nothing
    struct Rules {
        uint32 delaySeconds;
        uint32 validSeconds;
        uint32 windowSeconds;
        uint16 lowerBps;
        uint16 raiseBps;
        uint16 bonusBps;
        uint16 mostLiquidatable;
        uint128 mostUnlisted;
        uint128 leastDebt;
    }

    /// @notice What was announced of an asset: a triple that the registry held, and when it may be applied.
    struct Announcement {
        uint16 loanToValueBps;
        uint16 thresholdBps;
        uint16 bonusBps;
        uint40 from;
        uint40 until;
    }

    /// @notice What a window has used of its steps and of its count.
    struct Window {
        uint40 since;
        uint16 loweredBps;
        uint16 raisedBps;
        uint16 loanToValueRaisedBps;
        uint16 bonusMovedBps;
        uint16 liquidatable;
    }

    /// @notice An asset moves by what the registry holds of a market, from now on.
    event AssetBound(address indexed asset, bytes32 indexed marketId, Rules rules);
    /// @notice An asset no longer moves.
    event AssetReleased(address indexed asset, bytes32 indexed marketId);
    /// @notice What the registry holds of an asset may be applied from then until then.
    event Announced(
        address indexed asset,
        uint256 sequence,
        ProvenCollateral.Collateral collateral,
        uint256 from,
        uint256 until
    );
    /// @notice An asset moved, and made so many accounts liquidatable.
    event CollateralMoved(
        address indexed asset,
        ProvenCollateral.Collateral before,
        ProvenCollateral.Collateral current,
        uint256 liquidatable
    );
    /// @notice A contract may be listed among accounts, a delay from now.
    event ContractRegistered(address indexed account);

    /// @notice A pool whose market has another one, or no market at all.
    error ForeignPool(address pool, address ofMarket);
    /// @notice The pool lists no such asset.
    error AssetNotListed(address asset);
    /// @notice No market of the registry is bound to the asset.
    error AssetNotBound(address asset);
    /// @notice The asset moves by a market already; release it first.
    error AssetBoundAlready(address asset, bytes32 marketId);
    /// @notice The gate is not among the market's risk admins.
    error GateNotRiskAdmin(address gate, address roles);
    /// @notice Nobody can borrow against the asset yet; the market's own governance begins that.
    error AssetNotCollateral(address asset);
    /// @notice Aave's own administrators have stopped the reserve: it is not active, frozen or paused.
    error ReserveStopped(address asset, bool isActive, bool isFrozen, bool isPaused);
    /// @notice A rule is outside its bounds.
    error RuleOutOfRange(bytes32 rule, uint256 value, uint256 least, uint256 most);
    /// @notice The pool has what the registry holds, or as near to it as may be.
    error NothingToMove(address asset);
    /// @notice Something else is announced and may still move the asset.
    error AnnouncementPending(address asset, uint256 from, uint256 until);
    /// @notice Nothing is announced of the asset, or it is no longer valid.
    error NothingAnnounced(address asset, uint256 until);
    /// @notice The delay is not over.
    error DelayNotOver(address asset, uint256 time, uint256 from);
    /// @notice The registry no longer holds a threshold on the side of the pool's that was announced.
    error AnnouncementOutdated(address asset, uint256 heldBps, uint256 announcedBps, uint256 currentBps);
    /// @notice The steps of this window are taken.
    error StepsTaken(address asset, uint256 windowEnds);
    /// @notice A loan-to-value or a threshold would be no lower than that of the asset's e-mode category.
    error NotBelowEMode(address asset, uint256 category, uint256 valueBps, uint256 categoryBps);
    /// @notice Accounts repeat, or are not in order.
    error AccountsNotIncreasing(address account, address previous);
    /// @notice The account is a contract, whose holdings are whoever calls it to move: it may be listed from `from` on, or after it was
    /// registered and a delay if that is zero.
    error AccountIsContract(address account, uint256 from);
    /// @notice The account is no contract and needs no registration.
    error AccountNotContract(address account);
    /// @notice The contract was registered before.
    error ContractKnown(address account, uint256 since);
    /// @notice The listed accounts leave out more of the supply than may be.
    error TooMuchUnlisted(address asset, uint256 unlisted, uint256 most);
    /// @notice The move would make more accounts liquidatable than the window has left.
    error TooManyLiquidatable(address asset, uint256 accounts, uint256 left);
    /// @notice The pool's own configurator refused, for this reason.
    error PoolRefused(address asset, bytes reason);

    /// @notice Lets an asset move by what the registry holds of a market. Restricted.
    /// @custom:reverts AssetBoundAlready, AssetNotListed, AssetNotCollateral, ReserveStopped, ForeignPool, RuleOutOfRange, and what
    /// the registry's {parameters} reverts with
    function bindAsset(address asset, bytes32 marketId, Rules calldata rules) external;

    /// @notice Sets the rules of an asset; what its window has used stays used. Restricted.
    /// @custom:reverts AssetNotBound, RuleOutOfRange
    function setRules(address asset, Rules calldata rules) external;

    /// @notice Lets an asset move no longer. Restricted.
    /// @custom:reverts AssetNotBound
    function releaseAsset(address asset) external;

    /// @notice Announces what the registry holds of an asset. What is announced already stays until it was applied, is no longer
    /// valid, or the registry has gone to the other side of the pool's threshold: nobody makes a delay begin again.
    /// @custom:reverts AssetNotBound, AnnouncementPending, NothingToMove, ReserveStopped, ForeignPool, GateNotRiskAdmin, those of
    /// `ProvenCollateral`, and what the registry's {parameters} reverts with
    function announce(address asset) external;

    /// @notice Moves an asset towards what was announced, or what the registry holds by now, whichever threshold is nearer to the
    /// pool's: threshold and bonus by the same fraction of their way, as far as the window's steps allow, loan-to-value down to what
    /// the registry holds. If the threshold falls, accounts are counted.
    /// @param accounts by increasing address, holders of all of the asset's aToken but `mostUnlisted`; not looked at unless the
    /// threshold falls
    /// @custom:reverts as {announce}, and NothingAnnounced, DelayNotOver, AnnouncementOutdated, StepsTaken, NotBelowEMode,
    /// AccountsNotIncreasing, AccountIsContract, TooMuchUnlisted, TooManyLiquidatable, PoolRefused
    function applyAnnounced(address asset, address[] calldata accounts) external;

    /// @notice Lowers the loan-to-value of an asset to what the registry holds, at once and alone: it makes nobody liquidatable, and no
    /// joint rule minds.
    /// @custom:reverts as {announce} but for AnnouncementPending, and PoolRefused
    function lowerLoanToValue(address asset) external;

    /// @notice Makes a contract known that holds the asset's aToken, so that it can be listed a delay later.
    /// @custom:reverts AccountNotContract, ContractKnown
    function registerContract(address account) external;

    /// @notice Market of the registry that an asset moves by.
    /// @custom:reverts AssetNotBound
    function marketOf(address asset) external view returns (bytes32 marketId);

    /// @notice Rules of an asset.
    /// @custom:reverts AssetNotBound
    function rulesOf(address asset) external view returns (Rules memory);

    /// @notice What was last announced of an asset.
    /// @custom:reverts AssetNotBound
    function announcementOf(address asset) external view returns (Announcement memory);

    /// @notice What the window has used that runs now.
    /// @custom:reverts AssetNotBound
    function windowOf(address asset) external view returns (Window memory);

    /// @notice What the pool has of an asset, and what the registry holds of its market.
    /// @custom:reverts as {announce}
    function standingOf(
        address asset
    ) external view returns (ProvenCollateral.Collateral memory current, ProvenCollateral.Collateral memory held);
}
