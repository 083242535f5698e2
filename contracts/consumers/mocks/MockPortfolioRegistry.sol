// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {COLLATERAL_AMOUNTS_WORDS} from "../../generated/WordLists.sol";
import {CollateralAmountWord, HoldingsWord, OptionPositionWord} from "../../generated/Words.sol";
import {IRiskArrays} from "../../registry/IRiskArrays.sol";
import {MockPortfolioMargins} from "./MockPortfolioMargins.sol";

/// @title MockPortfolioRegistry
/// @notice Margins that anybody sets, and reports that anybody makes, to test venues with that report accounts themselves.
/// @dev For tests only. It takes every report; the registry refuses what could not be proven.
contract MockPortfolioRegistry is MockPortfolioMargins {
    /// @notice Arrays whose rounds the venue asks for.
    IRiskArrays public immutable arrays;

    /// @param arrays_ arrays whose rounds the venue asks for
    constructor(IRiskArrays arrays_) {
        arrays = arrays_;
    }

    /// @notice As {IPortfolioRegistry-reportAccount}, from anybody, of anything.
    function reportAccount(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external {
        _bookHashes[account] = keccak256(abi.encode(keccak256(abi.encodePacked(positions)), holdings, collateralAmounts));
        ++_sequences[account];
        if (positions.length == 0 && holdings.perpsE12() == 0 && holdings.cashE12() >= 0) delete _witnesses[account];
    }
}
