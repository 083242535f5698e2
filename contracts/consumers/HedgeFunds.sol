// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {IHedgingAgent} from "./IHedgingAgent.sol";
import {HedgeRules} from "./HedgeRules.sol";
import {IUniswapFactory, IUniswapPool} from "./IUniswapPool.sol";

/// @title HedgeFunds
/// @notice The treasury's tokens: what came in, what went out, and how much of the asset is no hedge.
/// @dev Counted, not read from balances, so that nobody moves the hedge by sending tokens.
abstract contract HedgeFunds is IHedgingAgent, HedgeRules, ReentrancyGuardTransient {
    using SafeCast for uint256;
    using SafeERC20 for IERC20Metadata;

    uint256 private constant LEAST_DECIMALS = 6;
    uint256 private constant MOST_DECIMALS = 18;

    /// @notice Where the hedge is traded.
    IUniswapPool public immutable pool;
    /// @notice What the book's delta is of.
    IERC20Metadata public immutable asset;
    /// @notice What it is paid with.
    IERC20Metadata public immutable cash;

    bool internal immutable _isAssetFirst;
    uint256 private immutable _feePips;

    uint256 internal _assetHeld;
    uint256 internal _cashHeld;
    int256 internal _neutralAmount;

    constructor(IUniswapFactory factory, IUniswapPool pool_, address asset_) {
        (address token0, address token1) = (pool_.token0(), pool_.token1());
        uint24 fee = pool_.fee();
        address expected = factory.getPool(token0, token1, fee);
        if (expected != address(pool_)) revert NotThatFactorysPool(address(pool_), expected);
        if (asset_ != token0 && asset_ != token1) revert NotInPool(asset_, token0, token1);
        pool = pool_;
        _feePips = fee;
        _isAssetFirst = asset_ == token0;
        asset = IERC20Metadata(asset_);
        cash = IERC20Metadata(asset_ == token0 ? token1 : token0);
    }

    /// @inheritdoc IHedgingAgent
    function fundAsset(uint256 amount) external nonReentrant {
        _assetHeld += amount;
        _neutralAmount += amount.toInt256();
        emit Funded(msg.sender, address(asset), amount);
        _pull(asset, amount);
    }

    /// @inheritdoc IHedgingAgent
    function fundCash(uint256 amount) external nonReentrant {
        _cashHeld += amount;
        emit Funded(msg.sender, address(cash), amount);
        _pull(cash, amount);
    }

    /// @inheritdoc IHedgingAgent
    function absorb() external nonReentrant {
        uint256 assetAmount = asset.balanceOf(address(this)) - _assetHeld;
        uint256 cashAmount = cash.balanceOf(address(this)) - _cashHeld;
        _assetHeld += assetAmount;
        _neutralAmount += assetAmount.toInt256();
        _cashHeld += cashAmount;
        emit Funded(msg.sender, address(asset), assetAmount);
        emit Funded(msg.sender, address(cash), cashAmount);
    }

    /// @inheritdoc IHedgingAgent
    function withdrawAsset(uint256 amount, address to) external restricted nonReentrant {
        if (amount > _assetHeld) revert BeyondHoldings(address(asset), amount, _assetHeld);
        _assetHeld -= amount;
        _neutralAmount -= amount.toInt256();
        emit Withdrawn(to, address(asset), amount);
        _push(asset, to, amount);
    }

    /// @inheritdoc IHedgingAgent
    function withdrawCash(uint256 amount, address to) external restricted nonReentrant {
        if (amount > _cashHeld) revert BeyondHoldings(address(cash), amount, _cashHeld);
        _cashHeld -= amount;
        emit Withdrawn(to, address(cash), amount);
        _push(cash, to, amount);
    }

    /// @inheritdoc IHedgingAgent
    function holdings() external view returns (uint256 assetHeld, uint256 cashHeld, int256 neutralAmount) {
        return (_assetHeld, _cashHeld, _neutralAmount);
    }

    /// @inheritdoc HedgeRules
    function feePips() public view override returns (uint256) {
        return _feePips;
    }

    /// @dev Exactly that much leaves here and arrives there, or nothing does.
    function _push(IERC20Metadata token, address to, uint256 amount) internal {
        uint256 before = token.balanceOf(to);
        token.safeTransfer(to, amount);
        uint256 received = token.balanceOf(to) - before;
        if (received != amount) revert TransferDiffers(address(token), received, amount);
    }

    function _decimalsOf(IERC20Metadata token) internal view returns (uint256 decimals) {
        decimals = token.decimals();
        if (decimals < LEAST_DECIMALS || decimals > MOST_DECIMALS) {
            revert UnsupportedDecimals(address(token), decimals, LEAST_DECIMALS, MOST_DECIMALS);
        }
    }

    /// @dev A token that keeps a fee would leave this contract short of what it counts.
    function _pull(IERC20Metadata token, uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TransferDiffers(address(token), received, amount);
    }
}
