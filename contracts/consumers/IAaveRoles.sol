// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IAaveRoles
/// @notice What is asked of the contract that knows a market's roles. As Aave v3's `IACLManager` has it.
interface IAaveRoles {
    /// @notice Whether an address may move what a reserve is worth as collateral.
    function isRiskAdmin(address admin) external view returns (bool);

    /// @notice Whether an address may do so as the market's own administrator.
    function isPoolAdmin(address admin) external view returns (bool);
}
