// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ACCOUNT_POSITIONS} from "../generated/Limits.sol";
import {COLLATERAL_AMOUNTS_WORDS} from "../generated/WordLists.sol";
import {
    AccountThresholdsWord,
    CollateralAmountWord,
    HoldingsWord,
    OptionPositionWord
} from "../generated/Words.sol";
import {CountedAccounts} from "./CountedAccounts.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";
import {Positions} from "./Positions.sol";

/// @title PositionBook
/// @notice What accounts hold, as the venue reports it: one hash an account. Every report that is taken can be proven.
abstract contract PositionBook is IPortfolioRegistry, CountedAccounts, AccessManaged {
    /// @notice Option positions that an account may have.
    uint256 public constant MOST_POSITIONS = ACCOUNT_POSITIONS;

    /// @notice Options expire sooner than this, or no circuit prices them: 2^26 seconds, 776 days.
    uint256 public constant TENOR_LIMIT_SECONDS = Positions.TENOR_LIMIT_SECONDS;

    /// @inheritdoc IPortfolioRegistry
    function reportAccount(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external restricted {
        _report(account, positions, holdings, collateralAmounts);
    }

    /// @inheritdoc IPortfolioRegistry
    function reportCandidate(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external restricted {
        _report(account, positions, holdings, collateralAmounts);
    }

    /// @inheritdoc IPortfolioRegistry
    function replaceAccount(address previous, address account, bool isExposed) external restricted {
        Account storage left = _accounts[previous];
        bool isReported = left.sequence != 0;
        // One call of two kinds, for which the compiler keeps one copy; what was held is noted before it is forgotten.
        for (uint256 i = isReported ? 0 : 1; i < (isExposed ? 2 : 1); ++i) {
            _noteReport(i == 0 ? previous : account, i == 1, false);
        }
        if (isReported) {
            left.bookHash = 0; // of no report, so nothing is proven of it
            left.unhealthyAsOf = 0;
            ++left.sequence;
        }
        emit AccountReplaced(previous, account, left.sequence);
    }

    function _report(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) private {
        // Which of both functions it is for; told by an argument the compiler would keep two copies of all this.
        bool isCandidate = msg.sig == IPortfolioRegistry.reportCandidate.selector;
        if (isCandidate) emit CandidateReported(account);
        (uint256 newestRound, int8 scale) = arrays.reportTerms();
        Positions.check(positions, newestRound);
        if (!holdings.fits()) revert HoldingsOutOfRange(HoldingsWord.unwrap(holdings));
        for (uint256 i = 0; i < COLLATERAL_AMOUNTS_WORDS; ++i) {
            CollateralAmountWord amounts = collateralAmounts[i];
            if (!amounts.fits()) revert HoldingsOutOfRange(CollateralAmountWord.unwrap(amounts));
        }
        bool isExposed = positions.length != 0 || !_owesNothing(holdings, collateralAmounts);
        Account storage held = _accounts[account];
        bool isRescaled = held.priceScale != scale;
        _noteReport(account, isExposed && !isCandidate, isRescaled);
        held.bookHash = _bookHash(keccak256(abi.encodePacked(positions)), holdings, collateralAmounts);
        uint256 sequence = ++held.sequence;
        if (isRescaled) {
            held.priceScale = scale;
            held.thresholds = AccountThresholdsWord.wrap(0); // levels of spot at the scale before
        }
        emit AccountReported(account, sequence, positions, holdings, collateralAmounts);
        if (held.unhealthyAsOf != 0 && !isExposed) {
            held.unhealthyAsOf = 0;
            emit AccountCleared(account, sequence);
        }
    }

    function _bookHash(
        bytes32 positionsHash,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(positionsHash, holdings, collateralAmounts));
    }

    /// @dev Cash alone, which no scenario moves and nothing is charged on: maintenance is what there is of it.
    function _owesNothing(
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) private pure returns (bool) {
        for (uint256 i = 0; i < COLLATERAL_AMOUNTS_WORDS; ++i) {
            if (CollateralAmountWord.unwrap(collateralAmounts[i]) != 0) return false;
        }
        return holdings.perpsE12() == 0 && holdings.cashE12() + holdings.perpPnlE12() >= 0;
    }
}
