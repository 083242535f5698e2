// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {HoldingsWord, OptionPositionFields, OptionPositionWord} from "../generated/Words.sol";

/// @title PositionWords
/// @notice Arithmetic of position words: lists by increasing expiry and strike, which are added, shared out and valued at expiry.
/// @dev Quantities come in lots of 10^8 units of E12, a ten-thousandth of an asset, so that quantity times price is a whole number of
/// units of cash: nothing is rounded, and what one account gains another loses to the unit.
library PositionWords {
    /// @notice Units of E12 in a lot.
    int256 internal constant LOT = 1e8;
    /// @notice Units of cash, E12, in one of a margin, E8.
    int256 internal constant CASH_PER_MARGIN = 1e4;

    int256 private constant QUANTITY_LIMIT = 2 ** 60;
    int256 private constant CASH_LIMIT = 2 ** 83;
    uint256 private constant STRIKE_AT = 32;
    uint256 private constant CALLS_AT = OptionPositionFields.CALLS_E12_AT;
    uint256 private constant PUTS_AT = 141;
    uint256 private constant NAME = 2 ** CALLS_AT - 1;
    uint256 private constant CASH_AT = 61;
    uint256 private constant GAIN_AT = 145;
    int256 private constant ONE_BPS = 10_000;

    /// @notice A quantity is not of whole lots.
    error NotInLots(int256 quantityE12, int256 lotE12);
    /// @notice A quantity or an amount of cash is more than a report can say.
    error BeyondReport(int256 value, int256 limit);

    /// @notice keccak256 of positions, as reports have it.
    function hashOf(OptionPositionWord[] memory words) internal pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            hash := keccak256(add(words, 0x20), shl(5, mload(words)))
        }
    }

    /// @notice Sum of two lists by increasing expiry and strike, without what comes to nothing.
    function sum(
        OptionPositionWord[] memory one,
        OptionPositionWord[] memory other
    ) internal pure returns (OptionPositionWord[] memory words) {
        (uint256 ones, uint256 others) = (one.length, other.length);
        words = new OptionPositionWord[](ones + others);
        uint256 count = 0;
        (uint256 i, uint256 j) = (0, 0);
        while (i < ones || j < others) {
            (OptionPositionWord next, uint256 first) = _at(one, i, ones);
            (OptionPositionWord added, uint256 second) = _at(other, j, others);
            if (first == second) next = _added(next, added);
            else if (second < first) next = added;
            unchecked {
                // Indices are below lengths.
                if (first <= second) ++i;
                if (second <= first) ++j;
            }
            if (_isNothing(next)) continue;
            words[count] = next;
            unchecked {
                ++count; // as many as both lists at most
            }
        }
        _cut(words, count);
    }

    /// @notice The other side of it.
    function negated(OptionPositionWord[] memory words) internal pure returns (OptionPositionWord[] memory others) {
        others = new OptionPositionWord[](words.length);
        for (uint256 i = 0; i < words.length; ++i) {
            OptionPositionWord word = words[i];
            others[i] = _withQuantities(word, -word.callsE12(), -word.putsE12());
        }
    }

    /// @notice A fraction of every position, in whole lots, cut towards zero.
    function share(
        OptionPositionWord[] memory words,
        uint256 fractionBps
    ) internal pure returns (OptionPositionWord[] memory part) {
        part = new OptionPositionWord[](words.length);
        uint256 count = 0;
        for (uint256 i = 0; i < words.length; ++i) {
            OptionPositionWord word = words[i];
            int256 calls = shareOf(word.callsE12(), fractionBps);
            OptionPositionWord next = _withQuantities(word, calls, shareOf(word.putsE12(), fractionBps));
            if (_isNothing(next)) continue;
            part[count] = next;
            ++count;
        }
        _cut(part, count);
    }

    /// @notice A fraction of a quantity, in whole lots, cut towards zero.
    function shareOf(int256 quantityE12, uint256 fractionBps) internal pure returns (int256) {
        return (((quantityE12 / LOT) * int256(fractionBps)) / ONE_BPS) * LOT;
    }

    /// @notice Most that options could be worth, whoever holds them: calls at the price of the asset, puts at their strike.
    function notionalE12(OptionPositionWord[] memory words, uint256 priceE8) internal pure returns (uint256 total) {
        for (uint256 i = 0; i < words.length; ++i) {
            OptionPositionWord word = words[i];
            total += _size(word.callsE12()) * priceE8 + _size(word.putsE12()) * word.strikeE8();
        }
        total /= uint256(LOT);
    }

    /// @notice Between what no price of options is, whatever the model: a call between what exercise brings and the asset, a put between
    /// that and its strike, the asset's price being anything between two.
    function boundsE12(
        OptionPositionWord[] memory words,
        uint256 lowE8,
        uint256 highE8
    ) internal pure returns (int256 least, int256 most) {
        for (uint256 i = 0; i < words.length; ++i) {
            uint256 strike = words[i].strikeE8();
            (int256 down, int256 up) = _between(words[i].callsE12(), _above(lowE8, strike), highE8);
            (int256 downPuts, int256 upPuts) = _between(words[i].putsE12(), _above(strike, highE8), strike);
            least += down + downPuts;
            most += up + upPuts;
        }
        least /= LOT;
        most /= LOT;
    }

    /// @notice What a position pays at expiry.
    function payoffE12(OptionPositionWord word, uint256 priceE8) internal pure returns (int256) {
        uint256 strike = word.strikeE8();
        int256 calls = word.callsE12() * int256(_above(priceE8, strike));
        return (calls + word.putsE12() * int256(_above(strike, priceE8))) / LOT;
    }

    /// @notice Refuses quantities that are not of whole lots.
    function requireLots(OptionPositionWord[] memory words) internal pure {
        for (uint256 i = 0; i < words.length; ++i) {
            requireLot(words[i].callsE12());
            requireLot(words[i].putsE12());
        }
    }

    /// @notice Refuses a quantity that is not of whole lots.
    function requireLot(int256 quantityE12) internal pure {
        if (quantityE12 % LOT != 0) revert NotInLots(quantityE12, LOT);
    }

    /// @notice Perpetuals and cash as a report has them, their gain being in cash.
    function holdings(int256 perpsE12, int256 cashE12) internal pure returns (HoldingsWord) {
        uint256 low = _biased(perpsE12, QUANTITY_LIMIT) | (_biased(cashE12, CASH_LIMIT) << CASH_AT);
        return HoldingsWord.wrap(low | (uint256(CASH_LIMIT) << GAIN_AT));
    }

    /// @dev An element with its order; beyond the last one nothing, after everything.
    function _at(
        OptionPositionWord[] memory words,
        uint256 index,
        uint256 count
    ) private pure returns (OptionPositionWord word, uint256 order) {
        if (index >= count) return (word, type(uint256).max);
        word = words[index];
        order = _order(word);
    }

    /// @dev Expiry, then strike.
    function _order(OptionPositionWord word) private pure returns (uint256) {
        return (word.expiry() << 48) | word.strikeE8();
    }

    function _isNothing(OptionPositionWord word) private pure returns (bool) {
        return OptionPositionWord.unwrap(word) >> CALLS_AT == OptionPositionWord.unwrap(OptionPositionFields.ZERO) >> CALLS_AT;
    }

    function _added(OptionPositionWord one, OptionPositionWord other) private pure returns (OptionPositionWord) {
        return _withQuantities(one, one.callsE12() + other.callsE12(), one.putsE12() + other.putsE12());
    }

    function _withQuantities(
        OptionPositionWord word,
        int256 callsE12,
        int256 putsE12
    ) private pure returns (OptionPositionWord) {
        uint256 quantities = (_biased(callsE12, QUANTITY_LIMIT) << CALLS_AT) | (_biased(putsE12, QUANTITY_LIMIT) << PUTS_AT);
        return OptionPositionWord.wrap((OptionPositionWord.unwrap(word) & NAME) | quantities);
    }

    function _biased(int256 value, int256 limit) private pure returns (uint256) {
        if (value >= limit || value < -limit) revert BeyondReport(value, limit);
        unchecked {
            return uint256(value + limit); // between 0 and twice the limit
        }
    }

    function _between(int256 quantity, uint256 lowE8, uint256 highE8) private pure returns (int256 least, int256 most) {
        (least, most) = (quantity * int256(lowE8), quantity * int256(highE8));
        if (quantity < 0) (least, most) = (most, least);
    }

    function _above(uint256 one, uint256 other) private pure returns (uint256) {
        return one > other ? one - other : 0;
    }

    function _size(int256 value) private pure returns (uint256) {
        return uint256(value < 0 ? -value : value);
    }

    /// @dev Leaves the first `count` of a list that was made with room for more.
    function _cut(OptionPositionWord[] memory words, uint256 count) private pure {
        assembly ("memory-safe") {
            mstore(words, count)
        }
    }
}
