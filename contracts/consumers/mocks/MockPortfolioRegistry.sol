// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {COLLATERAL_AMOUNTS_WORDS} from "../../generated/WordLists.sol";
import {CollateralAmountWord, HoldingsWord, OptionPositionWord} from "../../generated/Words.sol";
import {IOpenInterest} from "../../registry/IOpenInterest.sol";
import {IRiskArrays} from "../../registry/IRiskArrays.sol";
import {MockPortfolioMargins} from "./MockPortfolioMargins.sol";

/// @title MockPortfolioRegistry
/// @notice Margins that anybody sets, and reports that anybody makes, to test venues with that report accounts themselves.
/// @dev For tests only. It takes every report; the registry refuses what could not be proven.
contract MockPortfolioRegistry is MockPortfolioMargins {
    /// @notice Arrays whose rounds the venue asks for.
    IRiskArrays public immutable arrays;

    IOpenInterest.Figures private _figures;

    /// @param arrays_ arrays whose rounds the venue asks for
    constructor(IRiskArrays arrays_) {
        arrays = arrays_;
    }

    /// @notice Says what all accounts come to; of time 0 nothing was ever counted.
    function setOpenInterest(IOpenInterest.Figures calldata figures) external {
        _figures = figures;
    }

    /// @notice This contract, where the registry has one of its own.
    function counts() external view returns (address) {
        return address(this);
    }

    /// @notice As {IOpenInterest-unsafeOpenInterest}.
    function unsafeOpenInterest() external view returns (IOpenInterest.Figures memory figures, uint256 ageSeconds) {
        figures = _figures;
        if (figures.asOf == 0) revert IOpenInterest.OpenInterestNotComplete();
        ageSeconds = block.timestamp > figures.asOf ? block.timestamp - figures.asOf : 0;
    }

    /// @notice As {IPortfolioRegistry-reportCandidate}, from anybody, of anything; nothing is counted here.
    function reportCandidate(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external {
        reportAccount(account, positions, holdings, collateralAmounts);
    }

    /// @notice As {IPortfolioRegistry-replaceAccount}, from anybody; nothing is counted here.
    function replaceAccount(address previous, address, bool) external {
        if (_sequences[previous] == 0) return;
        ++_sequences[previous];
        _bookHashes[previous] = 0;
        delete _witnesses[previous];
    }

    /// @notice As {IPortfolioRegistry-reportAccount}, from anybody, of anything.
    function reportAccount(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) public {
        _bookHashes[account] = keccak256(abi.encode(keccak256(abi.encodePacked(positions)), holdings, collateralAmounts));
        ++_sequences[account];
        if (positions.length == 0 && holdings.perpsE12() == 0 && holdings.cashE12() >= 0) delete _witnesses[account];
    }
}
