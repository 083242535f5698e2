// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ACCOUNT_POSITIONS} from "../generated/Limits.sol";
import {OptionPositionFields, OptionPositionWord} from "../generated/Words.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";

/// @title Positions
/// @notice Which option positions a venue may report of an account: all that are taken can be proven.
library Positions {
    /// @notice Options expire sooner than this, or no circuit prices them: 2^26 seconds, 776 days.
    uint256 internal constant TENOR_LIMIT_SECONDS = 2 ** 26;

    /// @dev Quantities of an account's options together stay below it, as the circuits' sums need.
    uint256 private constant QUANTITY_LIMIT = 2 ** 62;
    /// @dev Where quantities begin in a position word.
    uint256 internal constant QUANTITIES_AT = OptionPositionFields.CALLS_E12_AT;
    /// @dev Calls and puts of a position word, both zero.
    uint256 internal constant NO_QUANTITIES = OptionPositionWord.unwrap(OptionPositionFields.ZERO) >> QUANTITIES_AT;

    /// @notice Passes only if an account may have these positions of a market.
    /// @param newestRound time of the market's newest round
    function check(OptionPositionWord[] calldata positions, uint256 newestRound) internal view {
        if (positions.length > ACCOUNT_POSITIONS) revert IPortfolioRegistry.TooManyPositions(positions.length, ACCOUNT_POSITIONS);
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
            if (strike == 0 || quantity >= QUANTITY_LIMIT) revert IPortfolioRegistry.PositionOutOfRange(i, word);
            if (expiry < earliest) revert IPortfolioRegistry.PositionExpired(i, expiry, earliest);
            if (expiry >= limit) revert IPortfolioRegistry.PositionTooLong(i, expiry, limit);
            uint256 key = (expiry << 128) | strike;
            if (key <= previous) revert IPortfolioRegistry.PositionsNotIncreasing(i, word);
            previous = key;
        }
    }

    /// @dev |calls| + |puts|
    function _quantity(uint256 index, OptionPositionWord word) private pure returns (uint256) {
        int256 calls = word.callsE12();
        int256 puts = word.putsE12();
        if (!word.fits() || OptionPositionWord.unwrap(word) >> QUANTITIES_AT == NO_QUANTITIES) {
            revert IPortfolioRegistry.PositionOutOfRange(index, word);
        }
        return uint256(calls < 0 ? -calls : calls) + uint256(puts < 0 ? -puts : puts);
    }
}
