// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {PORTFOLIO_POLICY_WORDS} from "../generated/WordLists.sol";

/// @title PortfolioPolicyCode
/// @notice The words of a portfolio policy as the code of a contract that does nothing: a proof's words are read for 3,000 gas where
/// as many storage slots take 50,000, by whoever knows the address, without a copy on the way.
library PortfolioPolicyCode {
    /// @dev Bytes of the code: a STOP, so that calling it does nothing, and the words.
    uint16 private constant SIZE = uint16(1 + 32 * PORTFOLIO_POLICY_WORDS);

    /// @notice Writes the words into the code of a new contract.
    /// @return location of it; zero if it was not created
    function write(uint256[PORTFOLIO_POLICY_WORDS] memory words) internal returns (address location) {
        // Code that returns what follows its first 14 bytes.
        bytes memory creation = abi.encodePacked(hex"61", SIZE, hex"600e60003961", SIZE, hex"6000f300", words);
        assembly ("memory-safe") {
            location := create(0, add(creation, 0x20), mload(creation))
        }
    }

    /// @notice Reads the words that {write} put at `location`.
    function read(address location) internal view returns (uint256[] memory words) {
        words = new uint256[](PORTFOLIO_POLICY_WORDS);
        assembly ("memory-safe") {
            extcodecopy(location, add(words, 0x20), 1, shl(5, mload(words)))
        }
    }
}
