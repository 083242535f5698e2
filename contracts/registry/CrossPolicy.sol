// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ACCOUNT_MARKETS} from "../generated/Limits.sol";
import {CROSS_POLICY_WORDS} from "../generated/WordLists.sol";
import {
    CollateralMarketElement,
    CollateralMarketElements,
    CollateralMarketWord,
    SpreadCreditElement,
    SpreadCreditElements,
    SpreadCreditWord
} from "../generated/Words.sol";
import {ICrossMarginRegistry} from "./ICrossMarginRegistry.sol";
import {IRiskArrays} from "./IRiskArrays.sol";
import {RiskArrays} from "./RiskArrays.sol";

/// @title CrossPolicy
/// @notice Which markets margin an account together, and what is governed of them together. The base of CrossMarginRegistry.
abstract contract CrossPolicy is ICrossMarginRegistry, AccessManaged {
    /// @dev Four fifths, to the nearest of 2^-40. Credits that clearing houses publish between products of two assets are below it.
    uint256 private constant MAX_CREDIT_X40 = 879_609_302_221;
    /// @dev What moved in an hour between one market's round and another's is not the same moment any more.
    uint256 private constant MAX_ROUNDS_APART_SECONDS = 1 hours;

    IRiskArrays[] private _markets;
    uint256[CROSS_POLICY_WORDS] private _words;
    uint256 private _maxRoundsApartSeconds;

    /// @param markets               two to four, each once
    /// @param words                 first policy, see {setCrossPolicy}
    /// @param maxRoundsApartSeconds likewise
    constructor(RiskArrays[] memory markets, uint256[CROSS_POLICY_WORDS] memory words, uint256 maxRoundsApartSeconds) {
        uint256 count = markets.length;
        if (count < 2 || count > ACCOUNT_MARKETS) revert MarketsOutOfRange(count, ACCOUNT_MARKETS);
        for (uint256 i = 0; i < count; ++i) {
            bytes32 marketId = markets[i].marketId();
            for (uint256 j = 0; j < i; ++j) {
                if (markets[j].marketId() == marketId) revert MarketRepeated(marketId);
            }
            _markets.push(markets[i]);
        }
        _set(words, maxRoundsApartSeconds);
    }

    /// @inheritdoc ICrossMarginRegistry
    function setCrossPolicy(
        uint256[CROSS_POLICY_WORDS] calldata words,
        uint256 maxRoundsApartSeconds
    ) external restricted {
        _set(words, maxRoundsApartSeconds);
    }

    /// @inheritdoc ICrossMarginRegistry
    function marketArrays() public view returns (IRiskArrays[] memory) {
        return _markets;
    }

    /// @inheritdoc ICrossMarginRegistry
    function crossPolicy() public view returns (uint256[CROSS_POLICY_WORDS] memory words, uint256 maxRoundsApartSeconds) {
        return (_words, _maxRoundsApartSeconds);
    }

    /// @dev Passes only if the rounds of all markets are near each other; the oldest one's time is the margins'.
    function _requireNear(uint256 oldest, uint256 newest) internal view {
        uint256 most = _maxRoundsApartSeconds;
        if (newest - oldest > most) revert RoundsApart(oldest, newest, most);
    }

    function _set(uint256[CROSS_POLICY_WORDS] memory words, uint256 maxRoundsApartSeconds) private {
        uint256 count = _markets.length;
        CollateralMarketWord places = CollateralMarketWord.wrap(words[0]);
        SpreadCreditWord credits = SpreadCreditWord.wrap(words[1]);
        if (!places.fits()) revert CrossWordOutOfRange(0, words[0]);
        if (!credits.fits()) revert CrossWordOutOfRange(1, words[1]);
        for (uint256 i = 0; i < CollateralMarketElements.PER_WORD; ++i) {
            CollateralMarketElement place = places.element(i);
            uint256 market = place.market();
            if (market >= count) revert CollateralMarketUnknown(i, market, count);
        }
        for (uint256 i = 0; i < SpreadCreditElements.PER_WORD; ++i) {
            SpreadCreditElement credit = credits.element(i);
            uint256 creditX40 = credit.creditX40();
            uint256 most = i < count ? MAX_CREDIT_X40 : 0;
            if (creditX40 > most) revert SpreadCreditAbove(i, creditX40, most);
        }
        if (maxRoundsApartSeconds > MAX_ROUNDS_APART_SECONDS) {
            revert RoundsApartAbove(maxRoundsApartSeconds, MAX_ROUNDS_APART_SECONDS);
        }
        _words = words;
        _maxRoundsApartSeconds = maxRoundsApartSeconds;
        emit CrossPolicySet(words, maxRoundsApartSeconds);
    }
}
