// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {COLLATERAL_AMOUNTS_WORDS} from "../generated/WordLists.sol";
import {CollateralAmountWord, HoldingsWord, OptionPositionFields, OptionPositionWord} from "../generated/Words.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";
import {PortfolioMargins} from "./PortfolioMargins.sol";

/// @title PositionBook
/// @notice What accounts hold, as the venue reports it: one hash an account. Every report that is taken can be proven.
abstract contract PositionBook is IPortfolioRegistry, PortfolioMargins {
    /// @notice Option positions that an account may have.
    uint256 public constant MOST_POSITIONS = 128;

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
        _checkPositions(positions);
        if (!holdings.fits()) revert HoldingsOutOfRange(HoldingsWord.unwrap(holdings));
        for (uint256 i = 0; i < COLLATERAL_AMOUNTS_WORDS; ++i) {
            CollateralAmountWord amounts = collateralAmounts[i];
            if (!amounts.fits()) revert HoldingsOutOfRange(CollateralAmountWord.unwrap(amounts));
        }
        Account storage held = _accounts[account];
        held.bookHash = _bookHash(keccak256(abi.encodePacked(positions)), holdings, collateralAmounts);
        emit AccountReported(account, ++held.sequence, positions, holdings, collateralAmounts);
    }

    function _bookHash(
        bytes32 positionsHash,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) internal pure returns (bytes32) {
        return keccak256(abi.encode(positionsHash, holdings, collateralAmounts));
    }

    function _checkPositions(OptionPositionWord[] calldata positions) private pure {
        if (positions.length > MOST_POSITIONS) revert TooManyPositions(positions.length, MOST_POSITIONS);
        uint256 previous = 0;
        uint256 quantity = 0;
        for (uint256 i = 0; i < positions.length; ++i) {
            OptionPositionWord word = positions[i];
            uint256 expiry = word.expiry();
            uint256 strike = word.strikeE8();
            quantity += _quantity(i, word);
            if (expiry == 0 || strike == 0 || quantity >= QUANTITY_LIMIT) revert PositionOutOfRange(i, word);
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
