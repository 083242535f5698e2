// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title ShadowId
/// @notice Ids of shadows: the market's, with the volatility model's id in the last byte.
library ShadowId {
    uint256 private constant MODEL_MASK = 0xff;

    /// @notice The shadow of a market under a model of 1 to 255.
    function shadowOf(bytes32 marketId, uint256 volatilityModel) internal pure returns (bytes32 shadowId) {
        return marketId | bytes32(volatilityModel & MODEL_MASK);
    }

    /// @notice Whether an id is a shadow's.
    function isShadow(bytes32 id) internal pure returns (bool) {
        return uint256(id) & MODEL_MASK != 0;
    }

    /// @notice The market that a shadow is of; a market itself.
    function marketOf(bytes32 id) internal pure returns (bytes32 marketId) {
        return bytes32(uint256(id) & ~MODEL_MASK);
    }
}
