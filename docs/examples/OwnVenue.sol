// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {COLLATERAL_AMOUNTS_WORDS} from "zk-risk-engine/contracts/generated/WordLists.sol";
import {CollateralAmountWord, HoldingsWord, OptionPositionWord} from "zk-risk-engine/contracts/generated/Words.sol";
import {IPortfolioMargins} from "zk-risk-engine/contracts/registry/IPortfolioMargins.sol";
import {IPortfolioRegistry} from "zk-risk-engine/contracts/registry/IPortfolioRegistry.sol";
import {IRiskParameters} from "zk-risk-engine/contracts/registry/IRiskParameters.sol";

/// @title OwnVenue
/// @notice A venue to begin with: it reports what accounts would hold, opens what was proven, and lets anybody take over what was proven
/// to be below maintenance. It moves no money: that goes where it says so.
contract OwnVenue {
    /// @notice Whose account something is, and the round of the evidence that it was last taken over by.
    struct Holder {
        address owner;
        uint64 takenAsOf;
    }

    uint256 private constant ONE_X24 = 2 ** 24;

    IRiskParameters public immutable markets;
    IPortfolioRegistry public immutable margins;
    bytes32 public immutable market;
    address public immutable matcher;
    mapping(address key => Holder) public holders;

    event Opened(address indexed key, address indexed owner, int256 initialE8, uint256 asOf);
    event TakenOver(address indexed key, address indexed by, uint256 asOf);

    error NotMatcher(address caller);
    error OpenedAlready(address key, address owner);
    error BelowInitial(address key, int256 initialE8);
    error NotBelowMaintenance(address key, uint256 asOf);

    constructor(IRiskParameters markets_, IPortfolioRegistry margins_, bytes32 market_) {
        markets = markets_;
        margins = margins_;
        market = market_;
        matcher = msg.sender;
    }

    /// @notice Where what an owner would hold is reported, for the nth time.
    function keyOf(address owner, uint256 n) public view returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(address(this), owner, n)))));
    }

    // begin: report
    /// @notice Reports what an owner would hold. Nothing is theirs yet: margins are proven of the key first.
    function propose(
        address key,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata amounts
    ) external {
        if (msg.sender != matcher) revert NotMatcher(msg.sender);
        margins.reportAccount(key, positions, holdings, amounts);
    }
    // end: report

    // begin: open
    /// @notice Opens what was proposed, once its margins are proven. Stale margins, those of another report, and stale or paused
    /// parameters revert: opening fails closed.
    function open(uint256 n) external {
        address key = keyOf(msg.sender, n);
        if (holders[key].owner != address(0)) revert OpenedAlready(key, holders[key].owner);
        IPortfolioMargins.Margin memory margin = margins.marginOf(key);
        if (margin.initialE8 < 0) revert BelowInitial(key, margin.initialE8);
        markets.parameters(market);
        holders[key].owner = msg.sender; // and premiums change hands here
        emit Opened(key, msg.sender, margin.initialE8, margin.asOf);
    }
    // end: open

    // begin: takeOver
    /// @notice Takes over an account that was proven to be below maintenance, by its margins or by a witness. It works however old the
    /// evidence is, and each piece of it counts once.
    function takeOver(address key) external {
        (, bool liquidatable, uint256 ageSeconds) = margins.marginForLiquidation(key);
        Holder memory holder = holders[key];
        uint256 asOf = block.timestamp - ageSeconds;
        bool counts = liquidatable && ageSeconds > 0 && asOf > holder.takenAsOf;
        if (!counts || holder.owner == address(0)) revert NotBelowMaintenance(key, asOf);
        holders[key] = Holder(msg.sender, uint64(asOf)); // who takes over pays what is short here
        emit TakenOver(key, msg.sender, asOf);
    }
    // end: takeOver

    // begin: parameters
    /// @notice Whether a perpetual of this notional may be opened with this equity. Reverts while parameters are stale or paused.
    function mayOpen(uint256 notional, uint256 equity) external view returns (bool) {
        return equity * ONE_X24 >= notional * markets.parameters(market).initialMarginX24;
    }

    /// @notice Whether one is to be liquidated. Never reverts for age: what is stale comes back tightened.
    function isBelowMaintenance(uint256 notional, uint256 equity) external view returns (bool below, bool stale) {
        IRiskParameters.Parameters memory tightened;
        (tightened, stale) = markets.parametersForLiquidation(market);
        below = equity * ONE_X24 < notional * tightened.maintenanceMarginX24;
    }
    // end: parameters

    // begin: thresholds
    /// @notice Prices, times 10^8, between which an account stays above maintenance.
    function liquidationPrices(address key) external view returns (uint256 downE8, uint256 upE8) {
        IPortfolioMargins.Thresholds memory proven = margins.thresholdsOf(key);
        return (proven.liquidationDownE8, proven.liquidationUpE8);
    }
    // end: thresholds
}
