// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title MockToken
/// @notice A token of any decimals that anybody mints.
/// @dev For tests and development chains only.
contract MockToken is ERC20 {
    uint8 private immutable _decimals;

    /// @param symbol    also its name
    /// @param decimals_ as it says
    constructor(string memory symbol, uint8 decimals_) ERC20(symbol, symbol) {
        _decimals = decimals_;
    }

    /// @notice Makes tokens from nothing.
    function mint(address holder, uint256 amount) external {
        _mint(holder, amount);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _decimals;
    }
}
