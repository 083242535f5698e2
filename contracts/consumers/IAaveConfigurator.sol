// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IAaveConfigurator
/// @notice What is asked of the contract that configures reserves. As Aave v3's `IPoolConfigurator` has it.
interface IAaveConfigurator {
    /// @notice Sets what a reserve is worth as collateral, in 1/10,000; the bonus with the whole before it, 10,500 for 5 %.
    function configureReserveAsCollateral(
        address asset,
        uint256 ltv,
        uint256 liquidationThreshold,
        uint256 liquidationBonus
    ) external;
}
