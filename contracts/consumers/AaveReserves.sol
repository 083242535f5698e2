// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IAaveAddresses} from "./IAaveAddresses.sol";
import {IAaveConfigurator} from "./IAaveConfigurator.sol";
import {IAaveGate} from "./IAaveGate.sol";
import {IAavePool} from "./IAavePool.sol";
import {IAaveRoles} from "./IAaveRoles.sol";
import {ProvenCollateral} from "./ProvenCollateral.sol";

/// @title AaveReserves
/// @notice What a market of Aave says of a reserve, and how it is told. Whom the market names is asked anew at each call: its
/// governance may replace them.
abstract contract AaveReserves is IAaveGate {
    uint256 private constant ACTIVE_BIT = 56;
    uint256 private constant FROZEN_BIT = 57;
    uint256 private constant PAUSED_BIT = 60;
    uint256 private constant CATEGORY_BIT = 168;
    /// @dev Width of loan-to-value, threshold and bonus, which are a configuration's lowest bits.
    uint256 private constant VALUE_BITS = 16;
    uint256 private constant WORD_BYTES = 32;

    /// @dev A reserve as it stands.
    struct Reserve {
        ProvenCollateral.Collateral current;
        address aToken;
        uint8 category;
    }

    /// @notice The pool whose reserves move.
    IAavePool public immutable pool;
    /// @notice What knows the market's other contracts.
    IAaveAddresses public immutable addresses;

    /// @param pool_ of an Aave v3 market
    constructor(IAavePool pool_) {
        address named = _answerOf(address(pool_), abi.encodeCall(IAavePool.ADDRESSES_PROVIDER, ()));
        address own = _answerOf(named, abi.encodeCall(IAaveAddresses.getPool, ()));
        if (own == address(0) || own != address(pool_)) revert ForeignPool(address(pool_), own);
        pool = pool_;
        addresses = IAaveAddresses(named);
    }

    /// @dev Of a reserve that may be moved, by a gate that may move it.
    function _reserve(address asset) internal view returns (Reserve memory reserve) {
        _requireOwnPool();
        IAavePool.ReserveData memory data = pool.getReserveData(asset);
        if (data.aTokenAddress == address(0)) revert AssetNotListed(asset);
        uint256 bits = data.configuration.data;
        bool isActive = _bit(bits, ACTIVE_BIT);
        bool isFrozen = _bit(bits, FROZEN_BIT);
        bool isPaused = _bit(bits, PAUSED_BIT);
        if (!isActive || isFrozen || isPaused) revert ReserveStopped(asset, isActive, isFrozen, isPaused);

        reserve.aToken = data.aTokenAddress;
        reserve.category = uint8(bits >> CATEGORY_BIT);
        reserve.current = ProvenCollateral.Collateral(
            uint16(bits),
            uint16(bits >> VALUE_BITS),
            uint16(bits >> (2 * VALUE_BITS))
        );
        if (reserve.current.thresholdBps == 0) revert AssetNotCollateral(asset);
    }

    function _requireRiskAdmin() internal view {
        address roles = addresses.getACLManager();
        if (!IAaveRoles(roles).isRiskAdmin(address(this)) && !IAaveRoles(roles).isPoolAdmin(address(this)))
            revert GateNotRiskAdmin(address(this), roles);
    }

    /// @dev All three values, by the market's own configurator.
    function _configure(address asset, ProvenCollateral.Collateral memory values) internal {
        IAaveConfigurator configurator = IAaveConfigurator(addresses.getPoolConfigurator());
        try
            configurator.configureReserveAsCollateral(
                asset,
                values.loanToValueBps,
                values.thresholdBps,
                values.bonusBps
            )
        {
            return;
        } catch (bytes memory reason) {
            revert PoolRefused(asset, reason);
        }
    }

    /// @dev Aave lets a category say less than its reserves, once they rise; borrowers in it would lose by entering it.
    function _requireBelowCategory(
        address asset,
        Reserve memory reserve,
        ProvenCollateral.Collateral memory next
    ) internal view {
        if (reserve.category == 0) return;
        IAavePool.EModeCategory memory category = pool.getEModeCategoryData(reserve.category);
        if (next.thresholdBps > reserve.current.thresholdBps && next.thresholdBps >= category.liquidationThreshold)
            revert NotBelowEMode(asset, reserve.category, next.thresholdBps, category.liquidationThreshold);
        if (next.loanToValueBps > reserve.current.loanToValueBps && next.loanToValueBps >= category.ltv)
            revert NotBelowEMode(asset, reserve.category, next.loanToValueBps, category.ltv);
    }

    function _requireOwnPool() private view {
        address own = addresses.getPool();
        if (own != address(pool)) revert ForeignPool(address(pool), own);
    }

    /// @dev The address that something answers with, which may be any contract or none; zero if it does not.
    function _answerOf(address asked, bytes memory question) private view returns (address) {
        // A typed call would revert without a name where the answer is none.
        // solhint-disable-next-line avoid-low-level-calls
        (bool isAnswered, bytes memory answer) = asked.staticcall(question);
        if (!isAnswered || answer.length != WORD_BYTES) return address(0);
        uint256 word = abi.decode(answer, (uint256));
        return word > type(uint160).max ? address(0) : address(uint160(word));
    }

    function _bit(uint256 bits, uint256 at) private pure returns (bool) {
        return (bits >> at) & 1 == 1;
    }
}
