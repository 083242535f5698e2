// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IAavePool
/// @notice What is asked of a pool. As Aave v3's `IPool` has it.
interface IAavePool {
    /// @notice What a reserve may be used for, packed: see Aave's `DataTypes.ReserveConfigurationMap`.
    struct ReserveConfigurationMap {
        uint256 data;
    }

    /// @notice A reserve. All zero for an asset that is not listed.
    struct ReserveData {
        ReserveConfigurationMap configuration;
        uint128 liquidityIndex;
        uint128 currentLiquidityRate;
        uint128 variableBorrowIndex;
        uint128 currentVariableBorrowRate;
        uint128 currentStableBorrowRate;
        uint40 lastUpdateTimestamp;
        uint16 id;
        address aTokenAddress;
        address stableDebtTokenAddress;
        address variableDebtTokenAddress;
        address interestRateStrategyAddress;
        uint128 accruedToTreasury;
        uint128 unbacked;
        uint128 isolationModeTotalDebt;
    }

    /// @notice A category of assets that borrow against each other, which overrides what its reserves say.
    struct EModeCategory {
        uint16 ltv;
        uint16 liquidationThreshold;
        uint16 liquidationBonus;
        address priceSource;
        string label;
    }

    // solhint-disable func-name-mixedcase
    /// @notice The contract that knows the market's others.
    function ADDRESSES_PROVIDER() external view returns (address);
    // solhint-enable func-name-mixedcase

    /// @notice A reserve of the pool.
    function getReserveData(address asset) external view returns (ReserveData memory);

    /// @notice A category.
    function getEModeCategoryData(uint8 id) external view returns (EModeCategory memory);

    /// @notice An account over all its reserves, in the currency of the market's oracle; a health factor below 10^18 can be
    /// liquidated.
    function getUserAccountData(
        address user
    )
        external
        view
        returns (
            uint256 totalCollateralBase,
            uint256 totalDebtBase,
            uint256 availableBorrowsBase,
            uint256 currentLiquidationThreshold,
            uint256 ltv,
            uint256 healthFactor
        );
}
