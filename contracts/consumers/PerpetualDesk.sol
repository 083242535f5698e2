// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SignedMath} from "@openzeppelin/contracts/utils/math/SignedMath.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {ObservationElement} from "../generated/Words.sol";
import {IObservationSource} from "../market/IObservationSource.sol";
import {IRiskParameters} from "../registry/IRiskParameters.sol";
import {IPerpetualDesk} from "./IPerpetualDesk.sol";

/// @title PerpetualDesk
/// @notice Example consumer: opens and pays out on {IRiskParameters-parameters}, which stop when the engine stops;
/// liquidates on {IRiskParameters-parametersForLiquidation}, which never do.
contract PerpetualDesk is IPerpetualDesk {
    using SafeERC20 for IERC20Metadata;
    using SafeCast for uint256;

    uint256 private constant DECIMALS = 18;
    uint256 private constant ONE_E8 = 1e8;
    uint256 private constant ONE_X24 = 2 ** 24;
    uint256 private constant ONE_BPS = 10_000;

    struct Account {
        int256 cash;
        int256 size;
    }

    /// @notice Where parameters come from.
    IRiskParameters public immutable registry;
    /// @notice Where the mark price comes from.
    IObservationSource public immutable source;
    /// @notice What is traded, as registry and source know it.
    bytes32 public immutable marketId;
    /// @notice What cash is.
    IERC20Metadata public immutable token;
    /// @notice Account on the other side of every trade.
    address public immutable house;
    /// @notice Greatest age of a mark price.
    uint256 public immutable maxMarkAgeSeconds;
    /// @notice Paid to a liquidator, in 1/10,000 of the position's value.
    uint256 public immutable rewardBps;

    mapping(address account => Account) private _accounts;
    /// @dev Sizes of all accounts but the house together, long and short alike: what the house stands for may all go the wrong way, as
    /// a trader who loses leaves and one who gains is paid.
    uint256 private _grossSize;

    /// @param registry_          where parameters come from
    /// @param source_            where the mark price comes from; sizes are counted in as many units as its prices are of
    ///                           ({IPriceScale})
    /// @param marketId_          what is traded
    /// @param token_             what cash is; 18 decimals
    /// @param house_             account on the other side of every trade
    /// @param maxMarkAgeSeconds_ greatest age of a mark price
    /// @param rewardBps_         liquidator's reward, in 1/10,000 of the position's value
    constructor(
        IRiskParameters registry_,
        IObservationSource source_,
        bytes32 marketId_,
        IERC20Metadata token_,
        address house_,
        uint256 maxMarkAgeSeconds_,
        uint256 rewardBps_
    ) {
        uint256 decimals = token_.decimals();
        if (decimals != DECIMALS) revert UnsupportedDecimals(decimals);
        registry = registry_;
        source = source_;
        marketId = marketId_;
        token = token_;
        house = house_;
        maxMarkAgeSeconds = maxMarkAgeSeconds_;
        rewardBps = rewardBps_;
    }

    /// @inheritdoc IPerpetualDesk
    function deposit(uint256 amount) external {
        if (amount == 0) revert NothingChanges();
        _accounts[msg.sender].cash += amount.toInt256();
        emit Deposited(msg.sender, amount);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IPerpetualDesk
    function withdraw(uint256 amount) external {
        if (amount == 0) revert NothingChanges();
        Account storage account = _accounts[msg.sender];
        account.cash -= amount.toInt256();
        if (_sizeToMargin(msg.sender) == 0) {
            if (account.cash < 0) revert MarginTooLow(msg.sender, account.cash, 0);
        } else {
            _requireMargin(msg.sender, _mark(), registry.parameters(marketId).initialMarginX24);
        }
        emit Withdrawn(msg.sender, amount);
        token.safeTransfer(msg.sender, amount);
    }

    /// @inheritdoc IPerpetualDesk
    function trade(int256 sizeChange) external {
        if (sizeChange == 0) revert NothingChanges();
        if (msg.sender == house) revert SameAccount(house);
        uint256 markE8 = _mark();
        uint256 grossBefore = _grossSize;
        bool callerRisksMore = _exchange(msg.sender, house, sizeChange, markE8);
        bool houseRisksMore = _grossSize > grossBefore;
        if (callerRisksMore || houseRisksMore) {
            uint256 initialMarginX24 = registry.parameters(marketId).initialMarginX24;
            if (callerRisksMore) _requireMargin(msg.sender, markE8, initialMarginX24);
            if (houseRisksMore) _requireMargin(house, markE8, initialMarginX24);
        }
        emit Traded(msg.sender, sizeChange, markE8);
    }

    /// @inheritdoc IPerpetualDesk
    function liquidate(address account) external {
        if (account == msg.sender) revert SameAccount(account);
        uint256 markE8 = _mark();
        (IRiskParameters.Parameters memory parameters, ) = registry.parametersForLiquidation(marketId);
        (int256 equity, uint256 required) = _standing(account, markE8, parameters.maintenanceMarginX24);
        if (equity >= required.toInt256()) revert AccountHealthy(account, equity, required);

        int256 size = _accounts[account].size;
        _exchange(msg.sender, account, size, markE8);
        uint256 reward = _payReward(account, SignedMath.abs(size), markE8);
        _requireMargin(msg.sender, markE8, parameters.initialMarginX24);
        emit Liquidated(account, msg.sender, size, markE8, reward);
    }

    /// @inheritdoc IPerpetualDesk
    function accountOf(address account) external view returns (int256 cash, int256 size) {
        return (_accounts[account].cash, _accounts[account].size);
    }

    /// @inheritdoc IPerpetualDesk
    function equityOf(address account) external view returns (int256 equity) {
        (equity, ) = _standing(account, _mark(), 0);
    }

    /// @dev Moves `size` from one account to the other against its value; what one pays the other gets.
    /// A move of the value is rounded up for the taker, so that equity never grows by trading.
    function _exchange(
        address taker,
        address giver,
        int256 size,
        uint256 markE8
    ) private returns (bool takerRisksMore) {
        int256 value = -_valueDown(-size, markE8);
        takerRisksMore = _move(taker, size, -value);
        _move(giver, -size, value);
    }

    /// @dev The account risks more unless its position shrank towards zero.
    function _move(address owner, int256 size, int256 cash) private returns (bool risksMore) {
        Account storage account = _accounts[owner];
        int256 before = account.size;
        int256 then = before + size;
        account.size = then;
        account.cash += cash;
        if (owner != house) _grossSize = _grossSize + SignedMath.abs(then) - SignedMath.abs(before);
        risksMore = before > 0 ? then < 0 || then > before : then > 0 || then < before;
    }

    /// @dev Out of what the account has left; what it lacks instead is the house's loss.
    function _payReward(address account, uint256 size, uint256 markE8) private returns (uint256 reward) {
        Account storage left = _accounts[account];
        if (left.cash < 0) {
            int256 shortfall = left.cash;
            left.cash = 0;
            _accounts[house].cash += shortfall;
            return 0;
        }
        reward = Math.min(uint256(left.cash), Math.mulDiv(size, markE8 * rewardBps, ONE_E8 * ONE_BPS));
        left.cash -= reward.toInt256();
        _accounts[msg.sender].cash += reward.toInt256();
    }

    /// @dev The house is margined on all that it stands for.
    function _sizeToMargin(address account) private view returns (uint256) {
        return account == house ? _grossSize : SignedMath.abs(_accounts[account].size);
    }

    function _requireMargin(address account, uint256 markE8, uint256 marginX24) private view {
        (int256 equity, ) = _standing(account, markE8, marginX24);
        uint256 required = _required(_sizeToMargin(account), markE8, marginX24);
        if (equity < required.toInt256()) revert MarginTooLow(account, equity, required);
    }

    /// @dev Equity rounded down, requirement rounded up.
    function _standing(
        address account,
        uint256 markE8,
        uint256 marginX24
    ) private view returns (int256 equity, uint256 required) {
        Account memory held = _accounts[account];
        equity = held.cash + _valueDown(held.size, markE8);
        required = _required(SignedMath.abs(held.size), markE8, marginX24);
    }

    function _required(uint256 size, uint256 markE8, uint256 marginX24) private pure returns (uint256) {
        return Math.mulDiv(size, markE8 * marginX24, ONE_E8 * ONE_X24, Math.Rounding.Ceil);
    }

    /// @dev size * mark, rounded towards minus infinity.
    function _valueDown(int256 size, uint256 markE8) private pure returns (int256) {
        uint256 absolute = SignedMath.abs(size);
        if (size >= 0) return Math.mulDiv(absolute, markE8, ONE_E8).toInt256();
        return -Math.mulDiv(absolute, markE8, ONE_E8, Math.Rounding.Ceil).toInt256();
    }

    function _mark() private view returns (uint256 markE8) {
        (, , uint256 asOf, ObservationElement observation) = source.latest(marketId);
        uint256 oldest = block.timestamp - maxMarkAgeSeconds;
        if (asOf < oldest) revert MarkStale(asOf, oldest);
        return observation.priceE8();
    }
}
