// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IUniswapFactory
/// @notice What is asked of Uniswap v3's factory.
interface IUniswapFactory {
    /// @notice The pool of two tokens at a fee; 0 if there is none.
    function getPool(address tokenA, address tokenB, uint24 fee) external view returns (address pool);
}

/// @title IUniswapPool
/// @notice What is asked of a Uniswap v3 pool, as its documentation has it.
interface IUniswapPool {
    /// @notice Swaps until an amount or a price is reached; what is owed is asked of the caller by `uniswapV3SwapCallback`.
    /// @param amountSpecified   that goes in; negative: that comes out
    /// @param sqrtPriceLimitX96 at which it stops
    /// @return amount0 that the pool got; negative: gave
    /// @return amount1 that the pool got; negative: gave
    function swap(
        address recipient,
        bool zeroForOne,
        int256 amountSpecified,
        uint160 sqrtPriceLimitX96,
        bytes calldata data
    ) external returns (int256 amount0, int256 amount1);

    /// @notice The token of the lower address.
    function token0() external view returns (address);

    /// @notice The other token.
    function token1() external view returns (address);

    /// @notice Of what goes in, in millionths.
    function fee() external view returns (uint24);

    /// @notice The pool as it stands.
    function slot0()
        external
        view
        returns (
            uint160 sqrtPriceX96,
            int24 tick,
            uint16 observationIndex,
            uint16 observationCardinality,
            uint16 observationCardinalityNext,
            uint8 feeProtocol,
            bool unlocked
        );

    /// @notice Sums of ticks by the second, up to so many seconds ago; fails where the pool remembers less.
    function observe(
        uint32[] calldata secondsAgos
    ) external view returns (int56[] memory tickCumulatives, uint160[] memory secondsPerLiquidityCumulativeX128s);
}
