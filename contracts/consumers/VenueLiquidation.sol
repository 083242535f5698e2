// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ROUND_MARKET_WORDS, RoundMarketList} from "../generated/WordLists.sol";
import {OptionPositionWord, RoundPricesWord} from "../generated/Words.sol";
import {IPortfolioMargins} from "../registry/IPortfolioMargins.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IOptionsVenue} from "./IOptionsVenue.sol";
import {PositionWords} from "./PositionWords.sol";
import {VenueAccounts} from "./VenueAccounts.sol";

/// @title VenueLiquidation
/// @notice Who takes over a fraction of an account takes it of every position and of cash, and pays or is paid a part of its notional
/// besides: pays most when the auction begins, less as time passes, and is paid in the end.
/// @dev No price of options is on the chain, so none is asked for: the auction finds what the part is worth. While liquidators pay, the
/// account has equity left; when they are paid, it has none, and then neither fraction nor budget is bounded.
abstract contract VenueLiquidation is VenueAccounts {
    using PositionWords for OptionPositionWord[];
    using RoundMarketList for uint256[ROUND_MARKET_WORDS];
    using SafeCast for int256;
    using SafeCast for uint256;

    /// @dev Stands for the scenario of a witness, which the registry's event has.
    uint256 private constant BY_WITNESS = 255;

    /// @notice When the window of the budget began; the first with the venue, so that no liquidation pays for a new slot.
    uint40 public windowSince = uint40(block.timestamp);
    /// @notice Notional taken over in it while liquidators paid.
    uint128 public windowUsedE12;

    /// @inheritdoc IOptionsVenue
    function flag(address owner) external {
        Account storage account = _accounts[owner];
        if (account.keys == 0) revert AccountUnknown(owner);
        _requireFlag(owner, account);
    }

    /// @inheritdoc IOptionsVenue
    function liquidate(
        address owner,
        uint256 fractionBps,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata positions,
        OptionPositionWord[] calldata ownPositions
    ) external nonReentrant {
        (uint256 spotE8, uint256 priceE8) = _newestPrices(round);
        _liquidate(owner, fractionBps, [round.asOf, spotE8, priceE8], positions, ownPositions);
    }

    /// @inheritdoc IOptionsVenue
    function liquidateByWitness(
        address owner,
        uint256 fractionBps,
        OptionPositionWord[] calldata positions,
        OptionPositionWord[] calldata ownPositions,
        bytes calldata witness
    ) external nonReentrant {
        bytes4 asked = bytes4(witness);
        // The venue may report at the registry, so it passes on nothing but proofs, which anyone may bring.
        if (
            asked != IPortfolioRegistry.proveUnhealthyByArrays.selector &&
            asked != IPortfolioRegistry.proveUnhealthy.selector
        ) revert NotAWitness(asked);
        // solhint-disable-next-line avoid-low-level-calls
        (bool isTaken, bytes memory why) = address(registry).call(witness);
        if (!isTaken) {
            assembly ("memory-safe") {
                revert(add(why, 0x20), mload(why)) // as the registry says it
            }
        }
        // The first argument of either function, which the registry has just found to be a round in force, with these words.
        IPortfolioRegistry.Round calldata round;
        assembly ("memory-safe") {
            round := add(witness.offset, 4)
        }
        RoundPricesWord prices = round.marketWords.roundPrices();
        _requireNewest(round.asOf, arrays.newestRound());
        _liquidate(owner, fractionBps, [round.asOf, prices.spotE8(), prices.perpPriceE8()], positions, ownPositions);
    }

    /// @inheritdoc IOptionsVenue
    function bonusBpsOf(address owner) public view returns (int256) {
        return _bonusBps(_accounts[owner].flaggedAt);
    }

    /// @dev Evidence counts if it is of a report that had the perpetuals marked at its round, or an account would be judged without what
    /// it has gained, and of a later round than the last liquidation. Once noted it counts until the registry has another or none: marks of
    /// later rounds do not end it. The auction goes on where evidence follows evidence before its time is over.
    function _noteFlag(
        address owner,
        Account storage account
    ) internal override returns (bool counts, Evidence memory evidence) {
        evidence = _evidenceOf(_keyOf(owner, account.number), account.reports);
        uint256 asOf = evidence.asOf;
        if (asOf <= account.leftAsOf) return (false, evidence);
        if (asOf == account.flaggedAsOf) return (true, evidence);
        if (account.perpsE12 != 0 && asOf != account.reportedAsOf) return (false, evidence);
        uint256 auction = rules.auctionSeconds;
        bool isAnew = account.flaggedAt == 0 || block.timestamp > account.flaggedAt + 2 * auction;
        if (isAnew || asOf > account.flaggedAsOf + auction) account.flaggedAt = uint40(block.timestamp);
        account.flaggedAsOf = uint32(asOf); // the registry's, as long as in the round's words
        emit Flagged(owner, evidence.key, asOf, account.flaggedAt);
        return (true, evidence);
    }

    function _requireFlag(
        address owner,
        Account storage account
    ) private returns (Evidence memory evidence) {
        bool counts;
        (counts, evidence) = _noteFlag(owner, account);
        if (!counts) revert NotLiquidatable(owner, evidence.asOf, account.reportedAsOf);
    }

    /// @notice Takes over a part of an account.
    /// @param market time of the newest round, spot and price of the perpetual
    function _liquidate(
        address owner,
        uint256 fractionBps,
        uint256[3] memory market,
        OptionPositionWord[] memory positions,
        OptionPositionWord[] memory ownPositions
    ) private {
        if (owner == msg.sender) revert SameAccount(owner);
        Account storage account = _held(owner, positions);
        Evidence memory evidence = _requireFlag(owner, account);
        (uint256 asOf, uint256 spotE8, uint256 priceE8) = (market[0], market[1], market[2]);
        Account storage liquidator = _held(msg.sender, ownPositions);
        _requireNoChange(msg.sender, liquidator);
        int256 slackE12 = _slackOf(liquidator, asOf);
        _voidChange(owner, account);
        _markTo(account, asOf, priceE8);
        _markTo(liquidator, asOf, priceE8);
        OptionPositionWord[] memory part = positions.share(fractionBps);
        int256 perpsE12 = PositionWords.shareOf(account.perpsE12, fractionBps);
        (Receipt memory receipt, uint256 shortE12) = _receiptOf(account, evidence, fractionBps);
        receipt.notionalE12 = part.notionalE12(spotE8) + _abs(perpsE12 / PositionWords.LOT) * priceE8;
        _requireBounded(account, receipt, shortE12, positions, spotE8);
        receipt.cashE12 = _cashOfPart(account, receipt);
        _requireBond(slackE12 + receipt.cashE12, (receipt.notionalE12 * rules.bondBps) / ONE_BPS);
        _report(msg.sender, liquidator, _move(liquidator, ownPositions, part, perpsE12, receipt.cashE12));
        part = _move(account, positions, part.negated(), -perpsE12, -receipt.cashE12);
        if (_isFlat(account)) account.flaggedAt = 0;
        (receipt.coveredE12, receipt.badDebtE12) = _coverDebt(owner, account);
        _report(owner, account, part);
        account.leftAsOf = account.flaggedAsOf;
        emit Liquidated(owner, msg.sender, receipt);
    }

    /// @dev What a liquidator has above what it needs already. Initial margins of two portfolios together are at least their sum, but for
    /// concentration, which the bond has room for.
    function _slackOf(Account storage liquidator, uint256 asOf) private view returns (int256) {
        if (_isFlat(liquidator)) return liquidator.cashE12;
        IPortfolioMargins.Margin memory margin = registry.marginOf(_keyOf(msg.sender, liquidator.number));
        bool isMarked = liquidator.perpsE12 == 0 || liquidator.reportedAsOf == asOf;
        if (margin.asOf != asOf || !isMarked || !liquidator.isReported) revert MarginOfOtherRound(msg.sender, margin.asOf, asOf);
        return margin.initialE8 * PositionWords.CASH_PER_MARGIN;
    }

    function _requireBond(int256 hasE12, uint256 needsE12) private view {
        if (hasE12 < int256(needsE12)) revert BondTooLow(msg.sender, hasE12, int256(needsE12));
    }

    function _receiptOf(
        Account storage account,
        Evidence memory evidence,
        uint256 fractionBps
    ) private view returns (Receipt memory receipt, uint256 shortE12) {
        IPortfolioMargins.Margin memory margin = evidence.margin;
        receipt.key = evidence.key;
        (receipt.asOf, receipt.sequence) = (account.flaggedAsOf, account.reports);
        receipt.scenario = BY_WITNESS;
        receipt.fractionBps = fractionBps;
        receipt.bonusBps = _bonusBps(account.flaggedAt);
        bool isEvidence = margin.asOf == receipt.asOf && margin.maintenanceE8 < 0;
        if (!isEvidence) return (receipt, 0);
        (receipt.scenario, receipt.marginE8) = (margin.worstScenario, margin.maintenanceE8);
        int256 leastE8 = margin.initialE8 < margin.maintenanceE8 ? margin.initialE8 : margin.maintenanceE8;
        shortE12 = _abs(leastE8 * PositionWords.CASH_PER_MARGIN); // above 0, as maintenance is below it
    }

    /// @dev No more is taken while the liquidator pays than restores the initial margin, as what is left has a fraction of the need and
    /// all that was paid. A witness does not say how much is needed: then a step at a time.
    function _requireBounded(
        Account storage account,
        Receipt memory receipt,
        uint256 shortE12,
        OptionPositionWord[] memory positions,
        uint256 spotE8
    ) private {
        if (receipt.notionalE12 == 0) revert NothingChanges();
        uint256 mostBps = ONE_BPS;
        if (receipt.bonusBps < 0) {
            _spend(receipt.notionalE12);
            mostBps = rules.stepBps;
            if (receipt.scenario != BY_WITNESS) {
                uint256 perpsE12 = _abs(account.perpsE12 / PositionWords.LOT) * account.markE8;
                mostBps = _restoringBps(shortE12, receipt, positions.notionalE12(spotE8) + perpsE12);
            }
        }
        if (receipt.fractionBps > mostBps) revert FractionTooLarge(receipt.fractionBps, mostBps);
    }

    function _restoringBps(
        uint256 shortE12,
        Receipt memory receipt,
        uint256 wholeE12
    ) private pure returns (uint256) {
        uint256 paidE12 = (wholeE12 * _abs(receipt.bonusBps)) / ONE_BPS;
        return (shortE12 * ONE_BPS + shortE12 + paidE12 - 1) / (shortE12 + paidE12);
    }

    function _spend(uint256 notionalE12) private {
        bool isOver = block.timestamp >= uint256(windowSince) + rules.windowSeconds;
        uint256 used = notionalE12 + (isOver ? 0 : windowUsedE12);
        if (used > rules.budgetE12) revert BudgetUsed(used, rules.budgetE12);
        if (isOver) windowSince = uint40(block.timestamp);
        windowUsedE12 = uint128(used); // at most the budget
    }

    /// @dev The account's share, and the bonus.
    function _cashOfPart(Account storage account, Receipt memory receipt) private view returns (int256) {
        int256 ofCash = (int256(account.cashE12) * int256(receipt.fractionBps)) / int256(ONE_BPS);
        return ofCash + (int256(receipt.notionalE12) * receipt.bonusBps) / int256(ONE_BPS);
    }

    function _move(
        Account storage account,
        OptionPositionWord[] memory positions,
        OptionPositionWord[] memory added,
        int256 perpsE12,
        int256 cashE12
    ) private returns (OptionPositionWord[] memory present) {
        present = positions.sum(added);
        account.positionsHash = present.hashOf();
        int64 perps = account.perpsE12 + perpsE12.toInt64();
        (account.cashE12, account.perpsE12) = (account.cashE12 + cashE12.toInt96(), perps);
    }

    function _bonusBps(uint256 since) private view returns (int256) {
        int256 startPayBps = int256(uint256(rules.startPayBps));
        if (since == 0) return -startPayBps;
        uint256 passed = block.timestamp - since;
        uint256 whole = rules.auctionSeconds;
        if (passed > whole) passed = whole;
        uint256 rise = (uint256(rules.startPayBps) + rules.endBonusBps) * passed;
        return int256(rise / whole) - startPayBps;
    }

    function _abs(int256 value) private pure returns (uint256) {
        return uint256(value < 0 ? -value : value);
    }
}
