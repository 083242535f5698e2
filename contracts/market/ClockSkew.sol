// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title ClockSkew
/// @notice How far clocks of sources and chain may differ: sources and registries have to agree, or what one takes the other
/// refuses.
library ClockSkew {
    uint256 internal constant SECONDS = 15;
}
