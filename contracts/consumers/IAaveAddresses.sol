// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IAaveAddresses
/// @notice What is asked of the contract that knows a market's others. As Aave v3's `IPoolAddressesProvider` has it.
interface IAaveAddresses {
    /// @notice The market's pool.
    function getPool() external view returns (address);

    /// @notice What configures reserves of the pool.
    function getPoolConfigurator() external view returns (address);

    /// @notice Who knows who may do what.
    function getACLManager() external view returns (address);
}
