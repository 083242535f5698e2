// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {LearningPolicyWord, MarginPolicyWord, MarketPolicyWord} from "../generated/Words.sol";
import {IRiskPolicy} from "./IRiskPolicy.sol";

/// @title PolicyBook
/// @notice All that a batch needs of the policy, kept as the code of a contract that does nothing: a batch of 8 markets
/// reads it for 5,000 gas where storage slots take 19,000, and the rare change of a policy pays by writing it anew.
/// @dev Words: learning policy, margin policy, greatest age of a batch's newest observations in seconds; then pairs of
/// market id and market policy by increasing id. The code starts with a STOP, so that calling it does nothing.
library PolicyBook {
    uint256 private constant LEARNING = 0;
    uint256 private constant MARGIN = 1;
    uint256 private constant MAX_OBSERVATION_AGE = 2;
    uint256 private constant FIRST_ENTRY = 3;
    uint256 private constant ENTRY_WORDS = 2;

    /// @notice A book without markets.
    function create(
        LearningPolicyWord learningWord,
        MarginPolicyWord marginWord,
        uint256 maxObservationAgeSeconds
    ) internal pure returns (uint256[] memory self) {
        self = new uint256[](FIRST_ENTRY);
        self[LEARNING] = LearningPolicyWord.unwrap(learningWord);
        self[MARGIN] = MarginPolicyWord.unwrap(marginWord);
        self[MAX_OBSERVATION_AGE] = maxObservationAgeSeconds;
    }

    /// @notice Reads the book that {write} put at `location`.
    function read(address location) internal view returns (uint256[] memory self) {
        assembly ("memory-safe") {
            let size := sub(extcodesize(location), 1)
            self := mload(0x40)
            mstore(self, shr(5, size))
            extcodecopy(location, add(self, 0x20), 1, size)
            mstore(0x40, add(add(self, 0x20), size))
        }
    }

    /// @notice Writes the book into the code of a new contract.
    function write(uint256[] memory self) internal returns (address location) {
        assembly ("memory-safe") {
            // Twelve bytes before the words, where the array keeps its length: code that returns what follows its first
            // eleven bytes, and the STOP.
            let length := mload(self)
            mstore(self, 0x600B5981380380925939F300)
            location := create(0, add(self, 0x14), add(0x0c, shl(5, length)))
            mstore(self, length)
        }
        if (location == address(0)) revert IRiskPolicy.PolicyBookFull((self.length - FIRST_ENTRY) / ENTRY_WORDS);
    }

    /// @notice Engine-wide words.
    function shared(
        uint256[] memory self
    ) internal pure returns (LearningPolicyWord learningWord, MarginPolicyWord marginWord, uint256 maxObservationAgeSeconds) {
        return (LearningPolicyWord.wrap(self[LEARNING]), MarginPolicyWord.wrap(self[MARGIN]), self[MAX_OBSERVATION_AGE]);
    }

    /// @notice Replaces the engine-wide words.
    function setShared(
        uint256[] memory self,
        LearningPolicyWord learningWord,
        MarginPolicyWord marginWord,
        uint256 maxObservationAgeSeconds
    ) internal pure {
        self[LEARNING] = LearningPolicyWord.unwrap(learningWord);
        self[MARGIN] = MarginPolicyWord.unwrap(marginWord);
        self[MAX_OBSERVATION_AGE] = maxObservationAgeSeconds;
    }

    /// @notice Where a walk through the entries starts.
    function start(uint256[] memory self) internal pure returns (uint256 cursor) {
        assembly ("memory-safe") {
            cursor := add(self, 0x80) // length and three engine-wide words
        }
    }

    /// @notice Walks on to a market's entry; a batch's ids increase as the entries' do, so one walk serves a batch.
    /// @param cursor where the walk stands
    /// @return entry where the market's entry stands
    /// @return word  its policy, zero if it has none
    function seek(
        uint256[] memory self,
        uint256 cursor,
        bytes32 marketId
    ) internal pure returns (uint256 entry, MarketPolicyWord word) {
        assembly ("memory-safe") {
            let end := add(add(self, 0x20), shl(5, mload(self)))
            entry := cursor
            for {} and(lt(entry, end), lt(mload(entry), marketId)) {} {
                entry := add(entry, 0x40)
            }
            if and(lt(entry, end), eq(mload(entry), marketId)) {
                word := mload(add(entry, 0x20))
            }
        }
    }

    /// @notice A copy of the book in which a market has the given policy.
    function withMarket(
        uint256[] memory self,
        bytes32 marketId,
        MarketPolicyWord word
    ) internal pure returns (uint256[] memory changed) {
        uint256 at = FIRST_ENTRY;
        while (at < self.length && self[at] < uint256(marketId)) at += ENTRY_WORDS;
        bool isNew = at == self.length || self[at] != uint256(marketId);
        changed = new uint256[](self.length + (isNew ? ENTRY_WORDS : 0));
        for (uint256 i = 0; i < at; ++i) {
            changed[i] = self[i];
        }
        changed[at] = uint256(marketId);
        changed[at + 1] = MarketPolicyWord.unwrap(word);
        for (uint256 i = at + ENTRY_WORDS; i < changed.length; ++i) {
            changed[i] = self[isNew ? i - ENTRY_WORDS : i];
        }
    }

    /// @notice Policies of all markets.
    function marketWords(uint256[] memory self) internal pure returns (MarketPolicyWord[] memory words) {
        words = new MarketPolicyWord[]((self.length - FIRST_ENTRY) / ENTRY_WORDS);
        for (uint256 i = 0; i < words.length; ++i) {
            words[i] = MarketPolicyWord.wrap(self[FIRST_ENTRY + ENTRY_WORDS * i + 1]);
        }
    }
}
