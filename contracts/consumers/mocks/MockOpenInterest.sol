// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IOpenInterest} from "../../registry/IOpenInterest.sol";
import {IRiskArrays} from "../../registry/IRiskArrays.sol";

/// @title MockOpenInterest
/// @notice Figures that anybody sets, to test with who reads them: complete, stale, or none yet, as the registry's own would be.
/// @dev For tests only. It holds whatever it is given; {OpenInterest} holds what was proven of every account.
contract MockOpenInterest {
    /// @notice Whose rounds.
    IRiskArrays public immutable arrays;
    /// @notice As {IOpenInterest-maxCountAgeSeconds}.
    uint256 public immutable maxCountAgeSeconds;

    IOpenInterest.Figures private _figures;

    /// @param arrays_             whose rounds
    /// @param maxCountAgeSeconds_ age from which on figures are stale
    constructor(IRiskArrays arrays_, uint256 maxCountAgeSeconds_) {
        arrays = arrays_;
        maxCountAgeSeconds = maxCountAgeSeconds_;
    }

    /// @notice Puts figures in force; of time 0: there are none.
    function setFigures(IOpenInterest.Figures calldata figures) external {
        _figures = figures;
    }

    /// @notice As {IOpenInterest-openInterest}.
    function openInterest() external view returns (IOpenInterest.Figures memory figures) {
        (figures, ) = unsafeOpenInterest();
        uint256 oldest = block.timestamp - maxCountAgeSeconds;
        if (figures.asOf < oldest) revert IOpenInterest.OpenInterestStale(figures.asOf, oldest);
    }

    /// @notice As {IOpenInterest-unsafeOpenInterest}.
    function unsafeOpenInterest() public view returns (IOpenInterest.Figures memory figures, uint256 ageSeconds) {
        figures = _figures;
        if (figures.asOf == 0) revert IOpenInterest.OpenInterestNotComplete();
        ageSeconds = block.timestamp > figures.asOf ? block.timestamp - figures.asOf : 0;
    }
}
