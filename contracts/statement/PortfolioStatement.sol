// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

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
    struct Transcript {
        uint256[] words;
        uint256 next;
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
        uint256[] memory words = new uint256[](HEADER_WORDS + count);
        words[0] = uint256(layoutHash);
        words[1] = block.chainid;
        words[2] = uint256(uint160(address(this)));
        words[3] = uint256(modelId);
        words[COMMITMENT] = commitment;
        words[COMMITMENT + 1] = uint256(subject);
        self.words = words;
        self.next = _addressOf(words, HEADER_WORDS);
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

    /// @notice Puts packed words that lie in calldata.
    function putCalldata(Transcript memory self, uint256[] calldata words) internal pure {
        uint256 next = self.next;
        uint256 anyBits;
        assembly ("memory-safe") {
            let end := add(words.offset, shl(5, words.length))
            for { let word := words.offset } lt(word, end) { word := add(word, 0x20) } {
                anyBits := or(anyBits, calldataload(word))
            }
        }
        if (anyBits >= WORD_LIMIT) {
            for (uint256 i = 0; i < words.length; ++i) {
                put(self, words[i]); // one of them reverts
            }
        }
        unchecked {
            _reserve(self, next + 32 * words.length);
        }
        assembly ("memory-safe") {
            calldatacopy(next, words.offset, shl(5, words.length))
        }
    }

    /// @notice Derives the public signals: commitment, evaluation, challenge.
    function close(Transcript memory self) internal pure returns (uint256[3] memory publicSignals) {
        uint256[] memory words = self.words;
        if (self.next != _addressOf(words, words.length)) {
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
        uint256[] memory words = self.words;
        if (next > _addressOf(words, words.length)) {
            revert StatementIncomplete(_indexOf(self) + 1, words.length - HEADER_WORDS);
        }
        self.next = next;
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
