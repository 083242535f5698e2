// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ListInMemory} from "./ListInMemory.sol";
import {Statement} from "./Statement.sol";

/// @title PortfolioStatement
/// @notice The transcript of what a proof about options or portfolios is about; frames put the statement's words into it.
/// @dev The transcript that is hashed into the challenge: layout hash, chain id, contract, model id, commitment, subject;
/// then the statement's words. The subject is whatever else the contract ties the proof to, here round and accounts.
library PortfolioStatement {
    /// @notice Limit of packed words: below it no word has a second representation in the field.
    uint256 internal constant WORD_LIMIT = 2 ** 248;

    uint256 private constant HEADER_WORDS = 6;
    uint256 private constant COMMITMENT = 4;

    /// @notice A statement in the making.
    /// @param words the transcript
    /// @param next  memory address where the next word goes
    /// @param end   memory address behind the last one
    struct Transcript {
        uint256[] words;
        uint256 next;
        uint256 end;
    }

    /// @notice A packed word has bits that no field holds, or a root is no element of the field.
    error StatementWordOutOfRange(uint256 index, uint256 word, uint256 limit);
    /// @notice More or fewer words than the statement has; a contract and its model disagree about sizes.
    error StatementIncomplete(uint256 words, uint256 expected);

    /// @notice Starts the transcript of a statement of `count` words.
    function open(
        bytes32 layoutHash,
        bytes32 modelId,
        bytes32 subject,
        uint256 commitment,
        uint256 count
    ) internal view returns (Transcript memory self) {
        uint256[] memory words = ListInMemory.reserve(HEADER_WORDS + count); // all of them are put, or it is not closed
        words[0] = uint256(layoutHash);
        words[1] = block.chainid;
        words[2] = uint256(uint160(address(this)));
        words[3] = uint256(modelId);
        words[COMMITMENT] = commitment;
        words[COMMITMENT + 1] = uint256(subject);
        self.words = words;
        self.next = _addressOf(words, HEADER_WORDS);
        self.end = _addressOf(words, words.length);
    }

    /// @notice Puts a packed word.
    function put(Transcript memory self, uint256 word) internal pure {
        if (word >= WORD_LIMIT) _refuse(self, word, WORD_LIMIT);
        _put(self, word);
    }

    /// @notice Puts an element of the scalar field: a commitment to what another proof is about.
    function putRoot(Transcript memory self, uint256 root) internal pure {
        if (root >= Statement.SCALAR_FIELD) _refuse(self, root, Statement.SCALAR_FIELD);
        _put(self, root);
    }

    /// @notice Puts `count` packed words from `words[from]` on, which the caller knows to be there and below the limit.
    function putKnown(Transcript memory self, uint256[] memory words, uint256 from, uint256 count) internal pure {
        uint256 first = _addressOf(words, from);
        uint256 next = self.next;
        unchecked {
            _reserve(self, next + 32 * count);
        }
        assembly ("memory-safe") {
            mcopy(next, first, shl(5, count))
        }
    }

    /// @notice Puts `count` packed words that lie in calldata, from the address `first` on.
    function putRun(Transcript memory self, uint256 first, uint256 count) internal pure {
        uint256 next = self.next;
        unchecked {
            _reserve(self, next + 32 * count);
        }
        assembly ("memory-safe") {
            calldatacopy(next, first, shl(5, count))
        }
        _requireBelow(self, next, WORD_LIMIT);
    }

    /// @notice Puts packed words.
    function putList(Transcript memory self, uint256[] memory words) internal pure {
        uint256 next = self.next;
        putKnown(self, words, 0, words.length);
        _requireBelow(self, next, WORD_LIMIT);
    }

    /// @notice Puts elements of the scalar field.
    function putRoots(Transcript memory self, uint256[] memory roots) internal pure {
        uint256 next = self.next;
        putKnown(self, roots, 0, roots.length);
        _requireBelow(self, next, Statement.SCALAR_FIELD);
    }

    /// @notice Puts the same word several times, which the caller knows to be below the limit.
    function putRepeated(Transcript memory self, uint256 word, uint256 count) internal pure {
        uint256 next = self.next;
        unchecked {
            _reserve(self, next + 32 * count);
        }
        assembly ("memory-safe") {
            for { let end := add(next, shl(5, count)) } lt(next, end) { next := add(next, 0x20) } { mstore(next, word) }
        }
    }

    /// @notice Derives the public signals: commitment, evaluation, challenge.
    function close(Transcript memory self) internal pure returns (uint256[3] memory publicSignals) {
        uint256[] memory words = self.words;
        if (self.next != self.end) {
            revert StatementIncomplete(_indexOf(self), words.length - HEADER_WORDS);
        }
        uint256 point = Statement.challenge(words);
        publicSignals[0] = words[COMMITMENT];
        publicSignals[1] = Statement.evaluation(words, HEADER_WORDS, point);
        publicSignals[2] = point;
    }

    function _put(Transcript memory self, uint256 word) private pure {
        uint256 next = self.next;
        unchecked {
            _reserve(self, next + 32);
        }
        assembly ("memory-safe") {
            mstore(next, word)
        }
    }

    /// @dev Moves on to `next`; never beyond the transcript.
    function _reserve(Transcript memory self, uint256 next) private pure {
        if (next > self.end) revert StatementIncomplete(_indexOf(self) + 1, self.words.length - HEADER_WORDS);
        self.next = next;
    }

    /// @dev Words put from `first` on are below a limit. Unrolled by four: 24 gas a word instead of 62.
    function _requireBelow(Transcript memory self, uint256 first, uint256 limit) private pure {
        uint256 next = self.next;
        bool below = true;
        assembly ("memory-safe") {
            let word := first
            // First the words that make no whole run of four.
            for { let run := add(first, and(sub(next, first), 0x60)) } lt(word, run) { word := add(word, 0x20) } {
                below := and(below, lt(mload(word), limit))
            }
            for {} lt(word, next) { word := add(word, 0x80) } {
                below := and(below, and(lt(mload(word), limit), lt(mload(add(word, 0x20)), limit)))
                below := and(below, and(lt(mload(add(word, 0x40)), limit), lt(mload(add(word, 0x60)), limit)))
            }
        }
        if (below) return;
        for (self.next = first; ; self.next += 32) {
            uint256 word;
            first = self.next;
            assembly ("memory-safe") {
                word := mload(first)
            }
            if (word >= limit) _refuse(self, word, limit); // one of them is
        }
    }

    function _refuse(Transcript memory self, uint256 word, uint256 limit) private pure {
        revert StatementWordOutOfRange(_indexOf(self), word, limit);
    }

    /// @dev Words put so far.
    function _indexOf(Transcript memory self) private pure returns (uint256) {
        return (self.next - _addressOf(self.words, HEADER_WORDS)) / 32;
    }

    function _addressOf(uint256[] memory words, uint256 index) private pure returns (uint256 location) {
        assembly ("memory-safe") {
            location := add(add(words, 0x20), shl(5, index))
        }
    }
}
