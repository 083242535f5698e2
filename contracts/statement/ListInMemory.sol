// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title ListInMemory
/// @notice Lists whose words are all written before they are read: the compiler would write zeros first.
library ListInMemory {
    /// @notice Takes the memory of a list.
    /// @param length below 2^32
    /// @return list whose words are whatever stood there
    function reserve(uint256 length) internal pure returns (uint256[] memory list) {
        assembly ("memory-safe") {
            list := mload(0x40)
            mstore(list, length)
            mstore(0x40, add(add(list, 0x20), shl(5, length)))
        }
    }
}
