// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {HedgeFunds} from "./HedgeFunds.sol";
import {UniswapPrices} from "./UniswapPrices.sol";

/// @title HedgeTrades
/// @notice Trades in the pool: how far the price may go, what is affordable, and the swap itself.
abstract contract HedgeTrades is HedgeFunds {
    using SafeCast for int256;
    using SafeCast for uint256;
    using UniswapPrices for uint160;

    uint256 private constant ONE_E8 = 1e8;

    /// @dev Smallest units of the asset in 10^k of it, and of cash in one, or as many times both; see {UniswapPrices-Units}.
    uint256 internal immutable _assetUnits;
    uint256 internal immutable _cashUnits;

    /// @dev Most that the pool may ask for, within a trade alone.
    uint256 private transient _mostOwed;

    constructor(int256 priceScale_) {
        _assetUnits = 10 ** (_decimalsOf(asset) + (priceScale_ > 0 ? uint256(priceScale_) : 0));
        _cashUnits = 10 ** (_decimalsOf(cash) + (priceScale_ < 0 ? uint256(-priceScale_) : 0));
    }

    /// @notice Pays the pool what a swap of this contract owes it.
    /// @custom:reverts NotThePool, OwedBeyondLimit, TransferDiffers
    function uniswapV3SwapCallback(int256 amount0Delta, int256 amount1Delta, bytes calldata) external {
        if (msg.sender != address(pool)) revert NotThePool(msg.sender, address(pool));
        uint256 owed = (amount0Delta > 0 ? amount0Delta : amount1Delta).toUint256();
        if (owed > _mostOwed) revert OwedBeyondLimit(owed, _mostOwed);
        _mostOwed = 0;
        _push(amount0Delta > 0 == _isAssetFirst ? asset : cash, msg.sender, owed);
    }

    /// @dev Where the trade stops: the nearest to the pool's price of what slippage from the spot and from the mean leaves, the fee
    /// included, and of half the fee in the square root. A sandwich earns what the trade moves the pool by, and pays its fee twice.
    function _limitOf(
        bool isSale,
        uint256 spotE8,
        uint160 meanX96,
        uint160 poolX96
    ) internal view returns (uint160 limitX96) {
        UniswapPrices.Units memory units = _units();
        (uint256 over, uint256 under) = _worst(isSale);
        limitX96 = UniswapPrices.sqrtPriceOf(spotE8, over, under, units);
        uint160 fromMeanX96 = _isAssetFirst ? meanX96.scaled(over, under) : meanX96.scaled(under, over);
        uint256 twice = 2 * ONE_PIPS;
        if (isSale == _isAssetFirst) {
            uint160 movedX96 = uint160((uint256(poolX96) * (twice - feePips())) / twice); // below the pool's
            limitX96 = uint160(Math.max(limitX96, Math.max(fromMeanX96, movedX96))) + 1;
            if (limitX96 < poolX96) return limitX96;
        } else {
            uint256 movedX96 = (uint256(poolX96) * twice) / (twice - feePips());
            limitX96 = uint160(Math.min(limitX96, Math.min(fromMeanX96, movedX96)));
            if (limitX96 > poolX96) return limitX96;
        }
        revert PoolBeyondSlippage(poolX96.priceWad(units), limitX96.priceWad(units));
    }

    /// @dev Most that a trade may be, of what it wants, the cap and what is held; bought at the worst price if need be.
    function _affordable(bool isSale, uint256 sizeE12, uint256 spotE8) internal view returns (uint256 amount) {
        amount = _amountOf(Math.min(sizeE12, rules.maxTradeE12));
        uint256 most = isSale
            ? _assetHeld
            : Math.mulDiv(
                _cashHeld,
                ONE_E8 * ONE_BPS * _assetUnits,
                spotE8 * (ONE_BPS + rules.slippageBps) * _cashUnits
            );
        amount = Math.min(amount, most);
        if (amount == 0) {
            (address token, uint256 held) = isSale ? (address(asset), _assetHeld) : (address(cash), _cashHeld);
            revert FundsShort(token, held);
        }
    }

    /// @notice Swaps; what it counts came in and went out, to the unit.
    /// @param amount   of the asset to buy; negative: to sell
    /// @param limitX96 square root of the price at which it stops
    /// @param spotE8   proven, that the slippage is measured against
    /// @return assetAmount that came in; negative: went out
    /// @return cashAmount  that came in; negative: went out
    function _trade(
        int256 amount,
        uint160 limitX96,
        uint256 spotE8
    ) internal returns (int256 assetAmount, int256 cashAmount) {
        bool isSale = amount < 0;
        IERC20Metadata bought = isSale ? cash : asset;
        uint256 before = bought.balanceOf(address(this));
        _mostOwed = isSale ? uint256(-amount) : _cashHeld;
        (assetAmount, cashAmount) = _swap(isSale == _isAssetFirst, -amount, limitX96);
        _mostOwed = 0;
        uint256 told = (isSale ? cashAmount : assetAmount).toUint256();
        uint256 received = bought.balanceOf(address(this)) - before;
        if (received != told) revert TransferDiffers(address(bought), received, told);
        _requireNoWorse(assetAmount, cashAmount, spotE8);
        _assetHeld = (_assetHeld.toInt256() + assetAmount).toUint256();
        _cashHeld = (_cashHeld.toInt256() + cashAmount).toUint256();
    }

    function _units() internal view returns (UniswapPrices.Units memory) {
        return UniswapPrices.Units(_isAssetFirst, _assetUnits, _cashUnits);
    }

    /// @dev Tokens of the asset that a quantity is, rounded down.
    function _amountOf(uint256 quantityE12) internal view virtual returns (uint256);

    /// @dev What came in is told as the pool tells it, from this side.
    function _swap(
        bool zeroForOne,
        int256 specified,
        uint160 limitX96
    ) private returns (int256 assetAmount, int256 cashAmount) {
        try pool.swap(address(this), zeroForOne, specified, limitX96, "") returns (int256 amount0, int256 amount1) {
            (assetAmount, cashAmount) = _isAssetFirst ? (-amount0, -amount1) : (-amount1, -amount0);
        } catch Error(string memory reason) {
            revert PoolRefused(reason);
        } catch (bytes memory reason) {
            if (reason.length == 0) revert PoolRefused("");
            assembly ("memory-safe") {
                revert(add(reason, 0x20), mload(reason))
            }
        }
        if (assetAmount == 0) {
            (uint160 poolX96, , , , , , ) = pool.slot0();
            revert NothingFilled(poolX96.priceWad(_units()), limitX96.priceWad(_units()));
        }
    }

    /// @dev The limit sees to it but for units that the pool rounds by, which are much of a trade of a few.
    function _requireNoWorse(int256 assetAmount, int256 cashAmount, uint256 spotE8) private view {
        bool isSale = assetAmount < 0;
        uint256 size = uint256(isSale ? -assetAmount : assetAmount);
        uint256 slippageBps = rules.slippageBps;
        uint256 factor = spotE8 * _cashUnits * (isSale ? ONE_BPS - slippageBps : ONE_BPS + slippageBps);
        uint256 divisor = ONE_E8 * _assetUnits * ONE_BPS;
        uint256 limit = Math.mulDiv(size, factor, divisor, isSale ? Math.Rounding.Ceil : Math.Rounding.Floor);
        uint256 traded = uint256(isSale ? cashAmount : -cashAmount);
        if (isSale ? traded < limit : traded > limit) revert SlippageExceeded(traded, limit);
    }

    /// @dev Worst price before the pool's fee, as a fraction of the price that it is measured against.
    function _worst(bool isSale) private view returns (uint256 over, uint256 under) {
        uint256 slippageBps = rules.slippageBps;
        uint256 keptPips = ONE_PIPS - feePips();
        return
            isSale
                ? ((ONE_BPS - slippageBps) * ONE_PIPS, ONE_BPS * keptPips)
                : ((ONE_BPS + slippageBps) * keptPips, ONE_BPS * ONE_PIPS);
    }
}
