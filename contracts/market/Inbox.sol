// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ObservationElement} from "../generated/Words.sol";

/// @title Inbox
/// @notice Authenticity without storage: one running hash per market instead of a list of what arrived.
/// @dev `head' = keccak256(head, word)`, from a start that binds source, chain and market. A head is recorded under its
/// count, so a consumer that presents the words after its own last head re-hashes them and compares the result with the
/// head recorded for its new count. Equal heads mean equal words in equal order (keccak256 has no known collisions), so
/// nothing can be invented, dropped, repeated or reordered, and whatever a slot holds besides, an older or a newer
/// head, differs: no separate check that a checkpoint is still valid is needed.
///
/// Checkpoints are kept in a ring of {RING}, except that every {MILESTONE}-th is kept for ever, so a consumer that
/// fell behind by any number of words finds a checkpoint at most {MILESTONE} words ahead and never gets stuck.
///
/// Cost of an append, cold: two slots written (the checkpoint, and count with last word) and one read (the last head),
/// 12,100 gas once the ring has turned; a milestone pays 17,100 more, once in {MILESTONE}.
library Inbox {
    /// @notice Words after which a checkpoint that is not a milestone is overwritten.
    uint256 internal constant RING = 64;
    /// @notice Checkpoints at multiples of it stay for ever; divides {RING}.
    uint256 internal constant MILESTONE = 32;

    uint256 private constant COUNT_BITS = 40;
    uint256 private constant COUNT_MASK = 2 ** COUNT_BITS - 1;

    /// @notice One market's chain. `lastWordAndCount` = last word << 40 | number of words.
    struct Chain {
        uint256 lastWordAndCount;
        mapping(uint256 key => bytes32 head) checkpoints;
    }

    /// @notice A word does not fit beside the count.
    error InboxWordOutOfRange(uint256 word, uint256 limit);

    /// @notice Head before the first word; differs by source, chain and market.
    function startHead(address source, bytes32 marketId) internal view returns (bytes32) {
        return keccak256(abi.encode(source, block.chainid, marketId));
    }

    /// @notice Head after one more word.
    function extend(bytes32 head, ObservationElement word) internal pure returns (bytes32 extended) {
        assembly ("memory-safe") {
            mstore(0x00, head)
            mstore(0x20, word)
            extended := keccak256(0x00, 0x40)
        }
    }

    /// @notice Appends a word of at most 216 bits.
    /// @return count number of words including this one
    function append(Chain storage self, bytes32 marketId, ObservationElement observation) internal returns (uint256 count) {
        uint256 word = ObservationElement.unwrap(observation);
        uint256 limit = 2 ** (256 - COUNT_BITS) - 1;
        if (word > limit) revert InboxWordOutOfRange(word, limit);
        count = self.lastWordAndCount & COUNT_MASK;
        bytes32 previous = count == 0 ? startHead(address(this), marketId) : checkpoint(self, count);
        unchecked {
            ++count; // 2^40 appends do not happen
        }
        self.checkpoints[_key(count)] = extend(previous, observation);
        self.lastWordAndCount = (word << COUNT_BITS) | count;
    }

    /// @notice Newest head, number of words and last word; zero count before the first.
    function latest(Chain storage self) internal view returns (bytes32 head, uint256 count, ObservationElement lastWord) {
        uint256 packed = self.lastWordAndCount;
        count = packed & COUNT_MASK;
        lastWord = ObservationElement.wrap(packed >> COUNT_BITS);
        if (count != 0) head = checkpoint(self, count);
    }

    /// @notice The last word; zero before the first.
    function last(Chain storage self) internal view returns (ObservationElement) {
        return ObservationElement.wrap(self.lastWordAndCount >> COUNT_BITS);
    }

    /// @notice Head recorded for `count` words; another head, or zero, if that one was overwritten or is yet to come.
    function checkpoint(Chain storage self, uint256 count) internal view returns (bytes32) {
        return self.checkpoints[_key(count)];
    }

    /// @notice Whether an inbox of so many words holds the head after `count` of them under that count alone.
    function isHeldAt(uint256 count, uint256 latestCount) internal pure returns (bool) {
        return count <= latestCount && (count % MILESTONE == 0 || latestCount - count < RING);
    }

    /// @dev Ring keys are never multiples of {MILESTONE}, so rings and milestones do not meet.
    function _key(uint256 count) private pure returns (uint256) {
        return count % MILESTONE == 0 ? count : count % RING;
    }
}
