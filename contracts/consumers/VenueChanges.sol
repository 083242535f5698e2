// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {COLLATERAL_AMOUNTS_WORDS} from "../generated/WordLists.sol";
import {CollateralAmountWord, HoldingsWord, OptionPositionWord} from "../generated/Words.sol";
import {IPortfolioMargins} from "../registry/IPortfolioMargins.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IOptionsVenue} from "./IOptionsVenue.sol";
import {IVenueOrders} from "./IVenueOrders.sol";
import {IVenuePolicy} from "./IVenuePolicy.sol";
import {PositionWords} from "./PositionWords.sol";
import {VenueAccounts} from "./VenueAccounts.sol";
import {VenueOrders} from "./VenueOrders.sol";

/// @title VenueChanges
/// @notice What adds risk is reported under a candidate, proven, and takes effect then. Until it does, the account's own report and
/// margins stand, and it is liquidated as any other.
abstract contract VenueChanges is VenueAccounts {
    using PositionWords for OptionPositionWord[];
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @notice Where trades come from.
    IVenueOrders public immutable orders = new VenueOrders(arrays);

    uint40 private _trades;
    /// @notice What is asked beyond the initial margin of what adds risk; 0: nothing.
    IVenuePolicy public policy;

    /// @inheritdoc IOptionsVenue
    function setPolicy(IVenuePolicy policy_) external restricted {
        policy = policy_;
        emit PolicySet(policy_);
    }

    /// @inheritdoc IOptionsVenue
    function withdraw(
        uint256 amount,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata positions
    ) external nonReentrant returns (address candidate) {
        OptionPositionWord[] memory held = positions;
        Account storage account = _held(msg.sender, held);
        int256 cash = _cashOf(amount).toInt256();
        _requireNoChange(msg.sender, account);
        if (!_isFlat(account)) {
            (, uint256 priceE8) = _newestPrices(round);
            Change memory change = _changeAt(round.asOf, priceE8);
            change.cashE12 = -cash.toInt96();
            return _propose(msg.sender, account, change, held);
        }
        account.cashE12 -= cash.toInt96();
        if (account.cashE12 < 0) revert MarginTooLow(msg.sender, account.cashE12 / PositionWords.CASH_PER_MARGIN);
        _report(msg.sender, account, held);
        _pay(msg.sender, cash);
        return address(0);
    }

    /// @inheritdoc IOptionsVenue
    function trade(
        Trade calldata agreed,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata ownerPositions,
        OptionPositionWord[] calldata makerPositions
    ) external nonReentrant {
        if (msg.sender != address(orders)) revert NotOrders(msg.sender);
        (, uint256 priceE8) = _newestPrices(round);
        Change memory change = _changeAt(round.asOf, priceE8);
        change.trade = ++_trades;
        (change.partner, change.perpsE12) = (agreed.maker, agreed.perpsE12.toInt64());
        change.cashE12 = -agreed.premiumE12.toInt96();
        OptionPositionWord[] memory options = agreed.options;
        _proposeSide(agreed.owner, change, ownerPositions, options);
        (change.partner, change.perpsE12) = (agreed.owner, -change.perpsE12);
        change.cashE12 = -change.cashE12;
        _proposeSide(agreed.maker, change, makerPositions, options.negated());
    }

    /// @inheritdoc IOptionsVenue
    function takeEffect(
        address owner,
        OptionPositionWord[] calldata positions,
        OptionPositionWord[] calldata partnerPositions
    ) external nonReentrant {
        if (_accounts[owner].waiting == 0) revert NoChange(owner);
        Change memory change = _changes[owner];
        if (block.timestamp > change.expiresAt) revert ChangeExpired(owner, change.expiresAt);
        _take(owner, change, positions);
        if (change.partner == address(0)) {
            _pay(owner, -int256(change.cashE12));
        } else {
            if (!_hasPartner(change)) revert PartnerGone(owner, change.partner);
            _take(change.partner, _changes[change.partner], partnerPositions);
        }
    }

    /// @inheritdoc IOptionsVenue
    function cancelChange(address owner) external {
        Account storage account = _accounts[owner];
        if (account.waiting == 0) revert NoChange(owner);
        Change memory change = _changes[owner];
        bool isOver = block.timestamp > change.expiresAt || (change.partner != address(0) && !_hasPartner(change));
        if (!isOver) {
            if (change.partner != address(0)) revert TradeBinding(owner, change.expiresAt);
            if (msg.sender != owner) revert NotOwner(msg.sender, owner);
        }
        _voidChange(owner, account);
    }

    /// @dev A change made at a round, which so far changes nothing.
    function _changeAt(uint256 asOf, uint256 priceE8) private view returns (Change memory change) {
        change.asOf = uint32(asOf); // as long as in the round's words, and the price
        change.priceE8 = uint48(priceE8);
        change.expiresAt = uint40(block.timestamp) + rules.changeSeconds;
    }

    /// @dev Reports what the account would hold under a new candidate. Its own report stays as it is.
    function _propose(
        address owner,
        Account storage account,
        Change memory change,
        OptionPositionWord[] memory positions
    ) private returns (address candidate) {
        _markTo(account, change.asOf, change.priceE8);
        account.waiting = ++account.keys;
        candidate = _keyOf(owner, account.waiting);
        change.positionsHash = positions.hashOf();
        change.reportedE12 = account.cashE12 + change.cashE12;
        _changes[owner] = change;
        HoldingsWord holdings = PositionWords.holdings(int256(account.perpsE12) + change.perpsE12, change.reportedE12);
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] memory none;
        registry.reportCandidate(candidate, positions, holdings, none);
        emit ChangeProposed(owner, candidate, change.trade, change.asOf, change.expiresAt);
    }

    function _proposeSide(
        address owner,
        Change memory change,
        OptionPositionWord[] memory positions,
        OptionPositionWord[] memory bought
    ) private {
        Account storage account = _held(owner, positions);
        _requireNoChange(owner, account);
        _propose(owner, account, change, positions.sum(bought));
    }

    function _take(address owner, Change memory change, OptionPositionWord[] memory positions) private {
        Account storage account = _accounts[owner];
        account.cashE12 += change.cashE12;
        // Bought at the change's price; the account may have been marked since.
        if (change.perpsE12 != 0) {
            _payFromClearing(account, _gain(change.perpsE12, account.markE8, change.priceE8));
            account.perpsE12 += change.perpsE12;
        }
        account.positionsHash = change.positionsHash;
        address previous = _keyOf(owner, account.number);
        address candidate = _keyOf(owner, account.waiting);
        bool isFlat = _isFlat(account);
        _requireProven(owner, account, change, isFlat);
        registry.replaceAccount(previous, candidate, !isFlat || change.reportedE12 < 0);
        (account.number, account.waiting, account.reports) = (account.waiting, 0, 1);
        (account.flaggedAsOf, account.flaggedAt, account.leftAsOf) = (0, 0, 0);
        account.reportedAsOf = change.asOf;
        delete _changes[owner];
        // The report of the candidate stands unless it says more than there is, or is of an earlier mark.
        bool isMarked = account.perpsE12 == 0 || account.markAsOf == change.asOf;
        account.isReported = isMarked && account.cashE12 == change.reportedE12;
        if (!isMarked || account.cashE12 < change.reportedE12) {
            _report(owner, _held(owner, positions), positions);
        }
        emit ChangeTaken(owner, candidate, previous, change.trade);
    }

    /// @dev An account of cash alone owes nothing that a price could change.
    function _requireProven(
        address owner,
        Account storage account,
        Change memory change,
        bool isFlat
    ) private view {
        if (isFlat) {
            if (account.cashE12 < 0) revert MarginTooLow(owner, account.cashE12 / PositionWords.CASH_PER_MARGIN);
            return;
        }
        address key = _keyOf(owner, account.number);
        IPortfolioMargins.Margin memory margin = registry.marginOf(_keyOf(owner, account.waiting));
        if (margin.initialE8 < 0) revert MarginTooLow(owner, margin.initialE8);
        // A withdrawal takes of what a buffer was asked for, so it is held to it; a trade only if it adds risk.
        if (address(policy) != address(0)) {
            policy.requireOpening(owner, change.trade == 0 ? address(0) : key, margin, insuranceE12);
        }
        // Of perpetuals a report is exact at its own round alone; of options alone any later one is as good.
        bool isOfRound = account.perpsE12 == 0 ? margin.asOf >= change.asOf : margin.asOf == change.asOf;
        if (!isOfRound) revert MarginOfOtherRound(owner, margin.asOf, change.asOf);
        Evidence memory evidence = _evidenceOf(key, account.reports);
        // Where the clock does not tell its round yet, it may be later.
        if (evidence.isThere && (evidence.asOf > margin.asOf || evidence.asOf == 0)) {
            revert AccountFlagged(owner, evidence.asOf, margin.asOf);
        }
    }

    function _hasPartner(Change memory change) private view returns (bool) {
        return _accounts[change.partner].waiting != 0 && _changes[change.partner].trade == change.trade;
    }
}
