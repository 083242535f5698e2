// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketRiskFrame} from "../generated/MarketRiskFrame.sol";
import {Statement} from "./Statement.sol";

/// @title MarketRiskStatement
/// @notice The transcript of what a MarketRisk proof is about; {MarketRiskFrame} puts the statement's words into it.
/// @dev The transcript that is hashed into the challenge: layout hash, chain id, registry, model id, commitment; id and
/// new sequence of every given market; then the statement's words. A batch of fewer markets than the circuit has places
/// repeats the first market in the places left: the circuit proves it again, and there is nothing to mask.
///
/// Markets are put one after the other; the transcript keeps the memory addresses where the next one goes.
library MarketRiskStatement {
    uint256 private constant HEADER_WORDS = 5;
    uint256 private constant IDENTITY_WORDS = 2;
    uint256 private constant WORD_BYTES = 32;

    /// @notice A statement in the making.
    /// @param words        the transcript
    /// @param firstWord    index in `words` of the statement's first word
    /// @param inputBytes   memory that the input words of a market take
    /// @param nextIdentity where the next market's id and sequence go
    /// @param nextInputs   where its input words go
    /// @param nextOutputs  where its output words go
    struct Transcript {
        uint256[] words;
        uint256 firstWord;
        uint256 inputBytes;
        uint256 nextIdentity;
        uint256 nextInputs;
        uint256 nextOutputs;
    }

    /// @notice Starts a transcript: everything but the markets.
    /// @param given  markets of the batch
    /// @param places markets of the circuit
    /// @param slots  observations that the circuit has places for, of each market
    /// @return self   the transcript
    /// @return shared memory address where the words go that all markets share
    function open(
        bytes32 modelId,
        uint256 commitment,
        uint256 given,
        uint256 places,
        uint256 slots
    ) internal view returns (Transcript memory self, uint256 shared) {
        unchecked {
            // At most 255 places and observations, so nothing overflows.
            self.inputBytes = MarketRiskFrame.wordsOfInputs(slots) * WORD_BYTES;
            self.firstWord = HEADER_WORDS + IDENTITY_WORDS * given;
            uint256 sharedFrom = self.firstWord * WORD_BYTES;
            uint256 inputsFrom = sharedFrom + MarketRiskFrame.wordsOfShared() * WORD_BYTES;
            uint256 outputsFrom = inputsFrom + places * self.inputBytes;
            self.words = new uint256[](outputsFrom / WORD_BYTES + places * MarketRiskFrame.wordsOfOutputs());
            uint256 start = _putHeader(self.words, modelId, commitment);
            self.nextIdentity = start + HEADER_WORDS * WORD_BYTES;
            self.nextInputs = start + inputsFrom;
            self.nextOutputs = start + outputsFrom;
            shared = start + sharedFrom;
        }
    }

    /// @notice Puts the next market's identity.
    /// @return inputs  memory address where the words go that it starts from
    /// @return outputs and those that it arrives at
    function identify(
        Transcript memory self,
        bytes32 marketId,
        uint256 sequence
    ) internal pure returns (uint256 inputs, uint256 outputs) {
        uint256 identity = self.nextIdentity;
        inputs = self.nextInputs;
        outputs = self.nextOutputs;
        assembly ("memory-safe") {
            mstore(identity, marketId)
            mstore(add(identity, 0x20), sequence)
        }
        unchecked {
            self.nextIdentity = identity + IDENTITY_WORDS * WORD_BYTES;
            self.nextInputs = inputs + self.inputBytes;
            self.nextOutputs = outputs + MarketRiskFrame.wordsOfOutputs() * WORD_BYTES;
        }
    }

    /// @notice Repeats the first market in the places left and derives the public signals: commitment, evaluation,
    /// challenge.
    function close(
        Transcript memory self,
        uint256 given,
        uint256 places
    ) internal pure returns (uint256[3] memory publicSignals) {
        _repeatFirst(self.nextInputs, self.inputBytes, given, places);
        _repeatFirst(self.nextOutputs, MarketRiskFrame.wordsOfOutputs() * WORD_BYTES, given, places);
        uint256 point = Statement.challenge(self.words);
        publicSignals[0] = self.words[HEADER_WORDS - 1];
        publicSignals[1] = Statement.evaluation(self.words, self.firstWord, point);
        publicSignals[2] = point;
    }

    /// @dev `next` is where the words after the last given market's go.
    function _repeatFirst(uint256 next, uint256 size, uint256 given, uint256 places) private pure {
        assembly ("memory-safe") {
            let first := sub(next, mul(given, size))
            for {} lt(given, places) { given := add(given, 1) } {
                mcopy(next, first, size)
                next := add(next, size)
            }
        }
    }

    /// @notice Puts what comes before the markets.
    /// @return start address of the first word
    function _putHeader(
        uint256[] memory words,
        bytes32 modelId,
        uint256 commitment
    ) private view returns (uint256 start) {
        bytes32 layoutHash = MarketRiskFrame.LAYOUT_HASH;
        assembly ("memory-safe") {
            start := add(words, 0x20)
            mstore(start, layoutHash)
            mstore(add(start, 0x20), chainid())
            mstore(add(start, 0x40), address())
            mstore(add(start, 0x60), modelId)
            mstore(add(start, 0x80), commitment)
        }
    }
}
