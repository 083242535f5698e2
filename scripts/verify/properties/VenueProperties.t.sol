// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {PositionWords} from "../src/consumers/PositionWords.sol";
import {HoldingsWord, OptionPositionFields, OptionPositionWord} from "../src/generated/Words.sol";

/// @notice What one account of a venue gains another loses, and a report says what is held.
contract VenueProperties {
    using PositionWords for OptionPositionWord[];

    function holdings(int256 perps, int256 cash) external pure returns (HoldingsWord) {
        return PositionWords.holdings(perps, cash);
    }

    function traded(OptionPositionWord one, OptionPositionWord other) external pure returns (OptionPositionWord[] memory) {
        return _only(one).sum(_only(other));
    }

    function sold(OptionPositionWord word) external pure returns (OptionPositionWord[] memory) {
        return _only(word).negated();
    }

    /// @custom:twin consumers/PositionWords.sol ~> (_biased(cashE12, CASH_LIMIT) << CASH_AT) ~> (_biased(cashE12, CASH_LIMIT) << 60)
    function check_holdingsAreReadAsWrittenOrRefused(int256 perps, int256 cash) external view {
        try this.holdings(perps, cash) returns (HoldingsWord word) {
            assert(word.fits() && word.perpsE12() == perps && word.cashE12() == cash && word.perpPnlE12() == 0);
        } catch {}
    }

    /// @custom:twin consumers/PositionWords.sol ~> one.putsE12() + other.putsE12() ~> one.putsE12() - other.putsE12()
    function check_positionsOfOneStrikeAddUp(uint80 name, uint128 first, uint128 second) external view {
        OptionPositionWord one = _named(name, first);
        OptionPositionWord other = _named(name, second);
        try this.traded(one, other) returns (OptionPositionWord[] memory words) {
            int256 calls = one.callsE12() + other.callsE12();
            int256 puts = one.putsE12() + other.putsE12();
            if (words.length == 0) {
                assert(calls == 0 && puts == 0);
                return;
            }
            assert(words.length == 1 && words[0].callsE12() == calls && words[0].putsE12() == puts);
            assert(words[0].expiry() == one.expiry() && words[0].strikeE8() == one.strikeE8());
        } catch {}
    }

    /// @custom:twin consumers/PositionWords.sol ~> -word.callsE12(), -word.putsE12() ~> -word.callsE12(), word.putsE12()
    function check_whatIsBoughtAndSoldIsNothing(uint80 name, uint128 quantities) external view {
        OptionPositionWord word = _named(name, quantities);
        try this.sold(word) returns (OptionPositionWord[] memory others) {
            assert(_only(word).sum(others).length == 0);
        } catch {}
    }

    function _only(OptionPositionWord word) private pure returns (OptionPositionWord[] memory words) {
        words = new OptionPositionWord[](1);
        words[0] = word;
    }

    /// @dev Expiry and strike, then calls and puts in 61 bits each.
    function _named(uint80 name, uint128 quantities) private pure returns (OptionPositionWord) {
        return OptionPositionWord.wrap(name | (uint256(quantities % 2 ** 122) << OptionPositionFields.CALLS_E12_AT));
    }
}
