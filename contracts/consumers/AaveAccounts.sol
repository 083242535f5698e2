// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {AaveReserves} from "./AaveReserves.sol";
import {IAaveGate} from "./IAaveGate.sol";

/// @title AaveAccounts
/// @notice Whom a lower threshold makes liquidatable: the pool is asked before and after, so what counts is its own health factor, over all
/// reserves and categories of an account.
/// @dev Whoever applies lists the accounts. Leaving some out hides at most `mostUnlisted` of the supply, an amount and not a share: what
/// somebody supplies to be listed is in the supply and in the list, and changes nothing.
abstract contract AaveAccounts is AaveReserves {
    uint256 private constant HEALTHY = 1e18;
    /// @dev Code of an owner's account that acts by a contract's code (EIP-7702): this, and an address.
    bytes3 private constant DELEGATION = 0xef0100;
    uint256 private constant DELEGATION_LENGTH = 23;

    mapping(address account => uint256) private _contractSince;

    /// @inheritdoc IAaveGate
    function registerContract(address account) external {
        if (!_isContract(account)) revert AccountNotContract(account);
        uint256 since = _contractSince[account];
        if (since != 0) revert ContractKnown(account, since);
        _contractSince[account] = block.timestamp;
        emit ContractRegistered(account);
    }

    /// @dev Which of the accounts could be liquidated and which could not; with what they leave out of the supply bounded.
    function _healthy(
        address asset,
        address aToken,
        address[] calldata accounts,
        Rules memory rules
    ) internal view returns (bool[] memory healthy) {
        healthy = new bool[](accounts.length);
        uint256 listed;
        address previous;
        for (uint256 i = 0; i < accounts.length; ++i) {
            address account = accounts[i];
            if (account <= previous) revert AccountsNotIncreasing(account, previous);
            _requireListable(account, rules.delaySeconds);
            listed += IERC20(aToken).balanceOf(account);
            (uint256 debt, uint256 health) = _standing(account);
            healthy[i] = health >= HEALTHY && debt != 0 && debt >= rules.leastDebt;
            previous = account;
        }
        uint256 supply = IERC20(aToken).totalSupply();
        // Each balance is rounded to the nearest by Aave, and so is the supply.
        uint256 unlisted = supply > listed ? supply - listed : 0;
        if (unlisted > rules.mostUnlisted) revert TooMuchUnlisted(asset, unlisted, rules.mostUnlisted);
    }

    /// @dev How many of those that were healthy are so no longer.
    function _countLiquidatable(
        address[] calldata accounts,
        bool[] memory healthy
    ) internal view returns (uint256 liquidatable) {
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (!healthy[i]) continue;
            (, uint256 health) = _standing(accounts[i]);
            if (health < HEALTHY) ++liquidatable;
        }
    }

    function _standing(address account) private view returns (uint256 debt, uint256 health) {
        (, debt, , , , health) = pool.getUserAccountData(account);
    }

    function _requireListable(address account, uint256 delaySeconds) private view {
        if (!_isContract(account)) return;
        uint256 since = _contractSince[account];
        uint256 from = since == 0 ? 0 : since + delaySeconds;
        if (since == 0 || block.timestamp < from) revert AccountIsContract(account, from);
    }

    function _isContract(address account) private view returns (bool) {
        uint256 length = account.code.length;
        return length != 0 && !(length == DELEGATION_LENGTH && bytes3(account.code) == DELEGATION);
    }
}
