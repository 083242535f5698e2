// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title Statement
/// @notice Ties a proof to the words the chain holds by one random point: challenge and evaluation.
/// @dev The circuit fixes its words through the commitment, which is hashed into the challenge with everything else. Two
/// different vectors of n words agree at a random point with probability at most n / 2^248 (docs/statement.md).
library Statement {
    /// @notice Order of the scalar field of BN254.
    uint256 internal constant SCALAR_FIELD =
        21888242871839275222246405745257275088548364400416034343698204186575808495617;

    /// @notice The point: 248 bits of the hash of the whole transcript, words included.
    function challenge(uint256[] memory transcript) internal pure returns (uint256 point) {
        assembly ("memory-safe") {
            point := shr(8, keccak256(add(transcript, 0x20), shl(5, mload(transcript))))
        }
    }

    /// @notice Sum of words[i] * point^i modulo the field, by Horner's rule from the last word.
    /// @dev Unrolled by eight: 30 gas a word instead of 79. What is multiplied is reduced, so only the sum's last addition is.
    /// @param firstWord index of words[0] in the transcript; the words run to its end, each below 2^255
    function evaluation(
        uint256[] memory transcript,
        uint256 firstWord,
        uint256 point
    ) internal pure returns (uint256 sum) {
        assembly ("memory-safe") {
            let first := add(add(transcript, 0x20), shl(5, firstWord))
            let word := add(add(transcript, 0x20), shl(5, mload(transcript)))
            let p := SCALAR_FIELD
            // First the words at the end that make no whole run of eight.
            for { let run := sub(word, and(sub(word, first), 0xe0)) } gt(word, run) {} {
                word := sub(word, 0x20)
                sum := add(mulmod(sum, point, p), mload(word))
            }
            for {} gt(word, first) {} {
                word := sub(word, 0x100)
                sum := add(mulmod(sum, point, p), mload(add(word, 0xe0)))
                sum := add(mulmod(sum, point, p), mload(add(word, 0xc0)))
                sum := add(mulmod(sum, point, p), mload(add(word, 0xa0)))
                sum := add(mulmod(sum, point, p), mload(add(word, 0x80)))
                sum := add(mulmod(sum, point, p), mload(add(word, 0x60)))
                sum := add(mulmod(sum, point, p), mload(add(word, 0x40)))
                sum := add(mulmod(sum, point, p), mload(add(word, 0x20)))
                sum := add(mulmod(sum, point, p), mload(word))
            }
            sum := mod(sum, p)
        }
    }
}
