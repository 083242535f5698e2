// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ACCOUNT_POSITIONS} from "../generated/Limits.sol";
import {COLLATERAL_AMOUNTS_WORDS} from "../generated/WordLists.sol";
import {
    AccountThresholdsWord,
    CollateralAmountWord,
    HoldingsWord,
    OptionPositionFields,
    OptionPositionWord
} from "../generated/Words.sol";
import {CountedAccounts} from "./CountedAccounts.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";

/// @title PositionBook
/// @notice What accounts hold, as the venue reports it: one hash an account. Every report that is taken can be proven.
abstract contract PositionBook is IPortfolioRegistry, CountedAccounts, AccessManaged {
    /// @notice Option positions that an account may have.
    uint256 public constant MOST_POSITIONS = ACCOUNT_POSITIONS;

    /// @notice Options expire sooner than this, or no circuit prices them: 2^26 seconds, 776 days.
    uint256 public constant TENOR_LIMIT_SECONDS = 2 ** 26;

    /// @dev Quantities of an account's options together stay below it, as the circuits' sums need.
    uint256 private constant QUANTITY_LIMIT = 2 ** 62;
    /// @dev Where quantities begin in a position word.
    uint256 internal constant QUANTITIES_AT = OptionPositionFields.CALLS_E12_AT;
    /// @dev Calls and puts of a position word, both zero.
    uint256 internal constant NO_QUANTITIES = OptionPositionWord.unwrap(OptionPositionFields.ZERO) >> QUANTITIES_AT;

    /// @inheritdoc IPortfolioRegistry
    function reportAccount(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external restricted {
        (uint256 newestRound, int8 scale) = arrays.reportTerms();
        _checkPositions(positions, newestRound);
        if (!holdings.fits()) revert HoldingsOutOfRange(HoldingsWord.unwrap(holdings));
        for (uint256 i = 0; i < COLLATERAL_AMOUNTS_WORDS; ++i) {
            CollateralAmountWord amounts = collateralAmounts[i];
            if (!amounts.fits()) revert HoldingsOutOfRange(CollateralAmountWord.unwrap(amounts));
        }
        bool isExposed = positions.length != 0 || !_owesNothing(holdings, collateralAmounts);
        Account storage held = _accounts[account];
        bool isRescaled = held.priceScale != scale;
        _noteReport(account, isExposed, isRescaled);
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

    function _checkPositions(OptionPositionWord[] calldata positions, uint256 newestRound) private view {
        if (positions.length > MOST_POSITIONS) revert TooManyPositions(positions.length, MOST_POSITIONS);
        // A round may be ahead of the chain; rounds to come are later than both.
        uint256 earliest = (block.timestamp > newestRound ? block.timestamp : newestRound) + 1;
        uint256 limit = block.timestamp + TENOR_LIMIT_SECONDS;
        uint256 previous = 0;
        uint256 quantity = 0;
        for (uint256 i = 0; i < positions.length; ++i) {
            OptionPositionWord word = positions[i];
            uint256 expiry = word.expiry();
            uint256 strike = word.strikeE8();
            quantity += _quantity(i, word);
            if (strike == 0 || quantity >= QUANTITY_LIMIT) revert PositionOutOfRange(i, word);
            if (expiry < earliest) revert PositionExpired(i, expiry, earliest);
            if (expiry >= limit) revert PositionTooLong(i, expiry, limit);
            uint256 key = (expiry << 128) | strike;
            if (key <= previous) revert PositionsNotIncreasing(i, word);
            previous = key;
        }
    }

    /// @dev |calls| + |puts|
    function _quantity(uint256 index, OptionPositionWord word) private pure returns (uint256) {
        int256 calls = word.callsE12();
        int256 puts = word.putsE12();
        if (!word.fits() || OptionPositionWord.unwrap(word) >> QUANTITIES_AT == NO_QUANTITIES) {
            revert PositionOutOfRange(index, word);
        }
        return uint256(calls < 0 ? -calls : calls) + uint256(puts < 0 ? -puts : puts);
    }
}
