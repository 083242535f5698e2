// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title UniswapPrices
/// @notice Prices of an asset in cash, and the square roots that a Uniswap v3 pool has of them, whichever token is first: of
/// units of token 1 for one of token 0, times 2^96.
library UniswapPrices {
    /// @dev A pool's lies strictly between these two.
    uint160 internal constant LEAST_SQRT_PRICE_X96 = 4295128739;
    uint160 internal constant GREATEST_SQRT_PRICE_X96 = 1461446703485210103287273052203988822378723970342;

    uint256 private constant MOST_TICK = 887272;
    uint256 private constant TICK_BITS = 20;
    uint256 private constant ONE_X128 = 1 << 128;
    uint256 private constant WAD = 1e18;
    uint256 private constant ONE_E8 = 1e8;
    /// @dev 2^128 / sqrt(1.0001^(2^i)) to the nearest unit, for i from 0, 16 bytes each; as Uniswap's TickMath has them (2021), so that
    /// every square root is the pool's own.
    bytes private constant POWERS =
        hex"fffcb933bd6fad37aa2d162d1a594001fff97272373d413259a46990580e213afff2e50f5f656932ef12357cf3c7fdcc"
        hex"ffe5caca7e10e4e61c3624eaa0941cd0ffcb9843d60f6159c9db58835c926644ff973b41fa98c081472e6896dfb254c0"
        hex"ff2ea16466c96a3843ec78b326b52861fe5dee046a99a2a811c461f1969c3053fcbe86c7900a88aedcffc83b479aa3a4"
        hex"f987a7253ac413176f2b074cf7815e54f3392b0822b70005940c7a398e4b70f3e7159475a2c29b7443b29c7fa6e889d9"
        hex"d097f3bdfd2022b8845ad8f792aa5825a9f746462d870fdf8a65dc1f90e061e570d869a156d2a1b890bb3df62baf32f7"
        hex"31be135f97d08fd981231505542fcfa609aa508b5b7a84e1c677de54f3e99bc9005d6af8dedb81196699c329225ee604"
        hex"00002216e584f5fa1ea926041bedfe9800000000048a170391f7dc42444e8fa2";

    /// @notice How smallest units make a price: one of 10^k units of the asset, whole ones, in whole cash.
    /// @param isAssetFirst whether the asset is the pool's token 0
    /// @param assetUnits   smallest units of the asset in 10^k of it; or as many times both as makes it whole
    /// @param cashUnits    smallest units of cash in one, times as many; both are powers of ten, below 10^31 and 10^25
    struct Units {
        bool isAssetFirst;
        uint256 assetUnits;
        uint256 cashUnits;
    }

    /// @notice A tick beyond those of a pool.
    error TickOutOfRange(int256 tick, uint256 most);

    /// @notice Square root of the price at a tick, rounded up: exactly what a pool has.
    /// @custom:reverts TickOutOfRange
    function sqrtPriceAtTick(int256 tick) internal pure returns (uint160) {
        uint256 size = tick < 0 ? uint256(-tick) : uint256(tick);
        if (size > MOST_TICK) revert TickOutOfRange(tick, MOST_TICK);
        uint256 powerX128 = ONE_X128;
        bytes memory powers = POWERS;
        for (uint256 i = 0; i < TICK_BITS; ++i) {
            if ((size >> i) & 1 == 0) continue;
            uint256 factorX128;
            assembly ("memory-safe") {
                factorX128 := shr(128, mload(add(add(powers, 0x20), shl(4, i))))
            }
            powerX128 = (powerX128 * factorX128) >> 128; // both at most 2^128
        }
        if (tick > 0) powerX128 = type(uint256).max / powerX128;
        return uint160((powerX128 >> 32) + (powerX128 % (1 << 32) == 0 ? 0 : 1)); // at most 2^160 for these ticks
    }

    /// @notice Price that a square root stands for, times 10^18, rounded down; the greatest number there is if it is beyond.
    function priceWad(uint160 sqrtPriceX96, Units memory units) internal pure returns (uint256) {
        uint256 scale = sqrtPriceX96 < ONE_X128 ? 128 : 64;
        uint256 ratio = Math.mulDiv(sqrtPriceX96, sqrtPriceX96, 1 << (192 - scale)); // below 2^192 either way
        uint256 wads = units.assetUnits * WAD;
        return
            units.isAssetFirst
                ? _mulDivSaturated(wads, ratio, units.cashUnits << scale)
                : _mulDivSaturated(wads / units.cashUnits, 1 << scale, ratio);
    }

    /// @notice Square root of a price that is multiplied by a fraction, rounded down, within what a pool takes.
    function sqrtPriceOf(
        uint256 priceE8,
        uint256 numerator,
        uint256 denominator,
        Units memory units
    ) internal pure returns (uint160) {
        uint256 cash = priceE8 * numerator * units.cashUnits;
        uint256 asset = ONE_E8 * denominator * units.assetUnits;
        (uint256 over, uint256 under) = units.isAssetFirst ? (cash, asset) : (asset, cash);
        if (over / under >= ONE_X128) return GREATEST_SQRT_PRICE_X96 - 1;
        uint256 squareRoot = over / under < 1 << 60
            ? Math.sqrt(Math.mulDiv(over, 1 << 192, under))
            : Math.sqrt(Math.mulDiv(over, ONE_X128, under)) << 32;
        return _within(squareRoot);
    }

    /// @notice The square root of a price times a fraction, rounded down, within what a pool takes.
    function scaled(uint160 sqrtPriceX96, uint256 numerator, uint256 denominator) internal pure returns (uint160) {
        uint256 factorX96 = Math.sqrt(Math.mulDiv(1 << 192, numerator, denominator));
        return _within(Math.mulDiv(sqrtPriceX96, factorX96, 1 << 96));
    }

    function _within(uint256 sqrtPriceX96) private pure returns (uint160) {
        if (sqrtPriceX96 <= LEAST_SQRT_PRICE_X96) return LEAST_SQRT_PRICE_X96 + 1;
        return sqrtPriceX96 >= GREATEST_SQRT_PRICE_X96 ? GREATEST_SQRT_PRICE_X96 - 1 : uint160(sqrtPriceX96);
    }

    function _mulDivSaturated(uint256 x, uint256 y, uint256 denominator) private pure returns (uint256) {
        (uint256 high, ) = Math.mul512(x, y);
        return high >= denominator ? type(uint256).max : Math.mulDiv(x, y, denominator);
    }
}
