// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketRiskLayout} from "../generated/StatementLayouts.sol";
import {Statement} from "./Statement.sol";

/// @title MarketRiskStatement
/// @notice Lays out what a MarketRisk proof is about, in the order of circuits/statements.ts.
/// @dev The transcript that is hashed into the challenge: layout hash, chain id, registry, model id, commitment; id and
/// new sequence of every given market; then the statement's words. A batch of fewer markets than the circuit has places
/// repeats the first market in the places left: the circuit proves it again, and there is nothing to mask.
library MarketRiskStatement {
    /// @notice Words of the transcript before the first market's id.
    uint256 private constant HEADER_WORDS = 5;

    /// @notice A statement in the making.
    /// @param words     the transcript
    /// @param firstWord index in `words` of the statement's first word
    /// @param given     markets of the batch
    /// @param places    markets of the circuit
    /// @param observationWords words that a market's observations take
    struct Transcript {
        uint256[] words;
        uint256 firstWord;
        uint256 given;
        uint256 places;
        uint256 observationWords;
    }

    /// @notice Starts a transcript: everything but the markets.
    function open(
        bytes32 modelId,
        uint256 commitment,
        uint256 given,
        uint256 places,
        uint256 observationWords
    ) internal view returns (Transcript memory self) {
        uint256 firstWord = HEADER_WORDS + 2 * given;
        uint256 marketWords = MarketRiskLayout.MARKET_INPUT_WORDS +
            observationWords +
            MarketRiskLayout.MARKET_OUTPUT_WORDS;
        uint256[] memory words = new uint256[](firstWord + MarketRiskLayout.SHARED_WORDS + places * marketWords);
        words[0] = uint256(MarketRiskLayout.LAYOUT_HASH);
        words[1] = block.chainid;
        words[2] = uint256(uint160(address(this)));
        words[3] = uint256(modelId);
        words[4] = commitment;
        return Transcript(words, firstWord, given, places, observationWords);
    }

    /// @notice Puts the engine-wide policy words.
    function putShared(Transcript memory self, uint256 learningPolicy, uint256 marginPolicy) internal pure {
        self.words[self.firstWord] = learningPolicy;
        self.words[self.firstWord + 1] = marginPolicy;
    }

    /// @notice Puts market `index`: its identity, and the words it starts from.
    function putInputs(
        Transcript memory self,
        uint256 index,
        bytes32 marketId,
        uint256 sequence,
        uint256 previousVolatilityState,
        uint256 previousAnchorState,
        uint256 marketPolicy,
        uint256[] calldata observations
    ) internal pure {
        uint256 identity = _pointer(self, HEADER_WORDS + 2 * index);
        uint256 inputs = _pointer(self, _inputs(self, index));
        assembly ("memory-safe") {
            mstore(identity, marketId)
            mstore(add(identity, 0x20), sequence)
            mstore(inputs, previousVolatilityState)
            mstore(add(inputs, 0x20), previousAnchorState)
            mstore(add(inputs, 0x40), marketPolicy)
            calldatacopy(add(inputs, 0x60), observations.offset, shl(5, observations.length))
        }
    }

    /// @notice Puts the words market `index` arrives at.
    function putOutputs(
        Transcript memory self,
        uint256 index,
        uint256 volatilityState,
        uint256 anchorState,
        uint256 parameters
    ) internal pure {
        uint256 outputs = _pointer(self, _outputs(self, index));
        assembly ("memory-safe") {
            mstore(outputs, volatilityState)
            mstore(add(outputs, 0x20), anchorState)
            mstore(add(outputs, 0x40), parameters)
        }
    }

    /// @notice Sequence that market `index` gets.
    function sequenceOf(Transcript memory self, uint256 index) internal pure returns (uint256) {
        return self.words[HEADER_WORDS + 2 * index + 1];
    }

    /// @notice Policy word of market `index`.
    function marketPolicyOf(Transcript memory self, uint256 index) internal pure returns (uint256) {
        return self.words[_inputs(self, index) + 2];
    }

    /// @notice Fills the places left and derives the public signals: commitment, evaluation, challenge.
    function close(Transcript memory self) internal pure returns (uint256[3] memory publicSignals) {
        _repeatFirst(self, _inputs(self, 0), _inputWords(self));
        _repeatFirst(self, _outputs(self, 0), MarketRiskLayout.MARKET_OUTPUT_WORDS);
        uint256 point = Statement.challenge(self.words);
        publicSignals[0] = self.words[4];
        publicSignals[1] = Statement.evaluation(self.words, self.firstWord, point);
        publicSignals[2] = point;
    }

    /// @dev Copies the first market's words at `start` to the places that no market of the batch took.
    function _repeatFirst(Transcript memory self, uint256 start, uint256 length) private pure {
        uint256 source = _pointer(self, start);
        for (uint256 index = self.given; index < self.places; ++index) {
            uint256 target = _pointer(self, start + index * length);
            assembly ("memory-safe") {
                mcopy(target, source, shl(5, length))
            }
        }
    }

    function _inputWords(Transcript memory self) private pure returns (uint256) {
        return MarketRiskLayout.MARKET_INPUT_WORDS + self.observationWords;
    }

    function _inputs(Transcript memory self, uint256 index) private pure returns (uint256) {
        return self.firstWord + MarketRiskLayout.SHARED_WORDS + index * _inputWords(self);
    }

    function _outputs(Transcript memory self, uint256 index) private pure returns (uint256) {
        return _inputs(self, self.places) + index * MarketRiskLayout.MARKET_OUTPUT_WORDS;
    }

    function _pointer(Transcript memory self, uint256 index) private pure returns (uint256 pointer) {
        uint256[] memory words = self.words;
        assembly ("memory-safe") {
            pointer := add(add(words, 0x20), shl(5, index))
        }
    }
}
