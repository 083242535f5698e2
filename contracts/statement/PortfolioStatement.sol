// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {Statement} from "./Statement.sol";

/// @title PortfolioStatement
/// @notice Lays out what a proof about options or portfolios is about, word by word in the order of circuits/statements.ts.
/// @dev The transcript that is hashed into the challenge: layout hash, chain id, contract, model id, subject, commitment;
/// then the statement's words. The subject is whatever else the contract ties the proof to, here round and accounts.
library PortfolioStatement {
    /// @notice Limit of packed words: below it no word has a second representation in the field.
    uint256 internal constant WORD_LIMIT = 2 ** 248;

    uint256 private constant HEADER_WORDS = 6;
    uint256 private constant COMMITMENT = 5;

    /// @notice A statement in the making.
    /// @param words the transcript
    /// @param next  where in `words` the next word goes
    struct Transcript {
        uint256[] words;
        uint256 next;
    }

    /// @notice A packed word has bits that no field holds.
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
        words[4] = uint256(subject);
        words[COMMITMENT] = commitment;
        self.words = words;
        self.next = HEADER_WORDS;
    }

    /// @notice Puts a packed word.
    function put(Transcript memory self, uint256 word) internal pure {
        if (word >= WORD_LIMIT) revert StatementWordOutOfRange(self.next - HEADER_WORDS, word, WORD_LIMIT);
        _put(self, word);
    }

    /// @notice Puts an element of the scalar field: a commitment to what another proof is about.
    function putRoot(Transcript memory self, uint256 root) internal pure {
        if (root >= Statement.SCALAR_FIELD) {
            revert StatementWordOutOfRange(self.next - HEADER_WORDS, root, Statement.SCALAR_FIELD);
        }
        _put(self, root);
    }

    /// @notice Puts `count` packed words from `words[from]` on.
    function putWords(Transcript memory self, uint256[] memory words, uint256 from, uint256 count) internal pure {
        for (uint256 i = from; i < from + count; ++i) put(self, words[i]);
    }

    /// @notice Puts packed words that lie in calldata.
    function putCalldata(Transcript memory self, uint256[] calldata words) internal pure {
        for (uint256 i = 0; i < words.length; ++i) put(self, words[i]);
    }

    /// @notice Derives the public signals: commitment, evaluation, challenge.
    function close(Transcript memory self) internal pure returns (uint256[3] memory publicSignals) {
        uint256[] memory words = self.words;
        if (self.next != words.length) {
            revert StatementIncomplete(self.next - HEADER_WORDS, words.length - HEADER_WORDS);
        }
        uint256 point = Statement.challenge(words);
        publicSignals[0] = words[COMMITMENT];
        publicSignals[1] = Statement.evaluation(words, HEADER_WORDS, point);
        publicSignals[2] = point;
    }

    /// @dev A word too many reverts by the array's bounds.
    function _put(Transcript memory self, uint256 word) private pure {
        uint256 next = self.next;
        self.words[next] = word;
        unchecked {
            self.next = next + 1;
        }
    }
}
