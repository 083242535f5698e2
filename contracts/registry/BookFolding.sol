// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {OptionBookFrame} from "../generated/OptionBookFrame.sol";
import {BookFlagsWord, OptionPositionWord} from "../generated/Words.sol";
import {BatchVerifier} from "../proof/BatchVerifier.sol";
import {CanonicalProof} from "../proof/CanonicalProof.sol";
import {IBatchVerifier} from "../proof/IBatchVerifier.sol";
import {PortfolioStatement} from "../statement/PortfolioStatement.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";
import {IRiskArrays} from "./IRiskArrays.sol";
import {IRoundErrors} from "./IRoundErrors.sol";
import {Positions} from "./Positions.sol";

/// @title BookFolding
/// @notice How option positions of accounts are folded over arrays, proof by proof, and all proofs verified in one check.
abstract contract BookFolding {
    using PortfolioStatement for PortfolioStatement.Transcript;

    /// @notice Circuits that may prove books and margins.
    IModelRegistry public immutable models;
    /// @notice Commitment to the state of a book before its first position.
    uint256 public immutable emptyState;

    IBatchVerifier private immutable _batchVerifier = new BatchVerifier();

    /// @dev A market's round as arrays were proven for it.
    struct PricedRound {
        IRiskArrays arrays;
        uint256 asOf;
        uint256 policyVersion;
        uint256 arrayModel; // the last one found to be active
    }

    /// @dev The books of a submission on their way: sizes of their model, and how far they have been read.
    struct Books {
        bytes32 modelId;
        address verifier;
        uint256 segments;
        uint256 strikes;
        uint256 next; // first word not read
        uint256[3][] publicSignals; // of the margins or witness about the books, then of each
        uint256 count; // books whose signals were derived
    }

    /// @dev One account's fold: where it stands, and the positions it has met.
    struct Fold {
        uint256 state;
        uint256 expiry;
        uint256 arrayRoot; // of the array last met, under that expiry
        uint256[] held;
        uint256 count;
    }

    /// @param models_     registry of models; must know the layout of books
    /// @param emptyState_ commitment to the state of a book before its first position
    constructor(IModelRegistry models_, uint256 emptyState_) {
        models_.requireLayout(OptionBookFrame.LAYOUT_HASH, IModelRegistry.Kind.OptionBook);
        models = models_;
        emptyState = emptyState_;
    }

    /// @dev A submission without books needs no model of them.
    function _openBooks(bytes32 modelId, uint256 proofs) internal view returns (Books memory books) {
        books.publicSignals = new uint256[3][](proofs + 1);
        if (proofs == 0) return books;
        (books.verifier, books.segments, books.strikes, , ) = models.activeModel(modelId, OptionBookFrame.LAYOUT_HASH);
        books.modelId = modelId;
    }

    /// @dev Books, and the proof about what they come to, in one check.
    function _verify(
        Books memory books,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        address verifier,
        uint256[8] calldata proof
    ) internal view {
        _requireWords(bookWords.length, books.next);
        if (books.count != bookProofs.length) {
            revert CanonicalProof.ProofCountMismatch(bookProofs.length, books.count);
        }
        CanonicalProof.verifyTogether(
            _batchVerifier,
            verifier,
            proof,
            books.verifier,
            bookProofs,
            books.publicSignals
        );
    }

    /// @notice Folds an account's option positions over its books.
    /// @param subject of its books
    /// @return fold   state after the last book, and the positions met
    function _fold(
        PricedRound memory priced,
        Books memory books,
        uint256[] calldata bookWords,
        bytes32 subject,
        uint256 count
    ) internal view returns (Fold memory fold) {
        uint256 size = _bookSize(books);
        uint256 proofs = books.publicSignals.length - 1;
        if (count > proofs - books.count) revert CanonicalProof.ProofCountMismatch(proofs, books.count + count);
        uint256 end;
        unchecked {
            end = books.next + count * size; // as many books as there are proofs, of a model's sizes
        }
        if (end > bookWords.length) revert IRoundErrors.WordCountMismatch(bookWords.length, end);
        fold.state = emptyState;
        unchecked {
            fold.held = new uint256[](count * books.segments * books.strikes); // fewer than the words
        }
        for (uint256 from = books.next; from < end; from += size) {
            uint256 next = 0;
            unchecked {
                // The first position word of the account's next book, if there is one; its words are there.
                if (from + size < end) next = bookWords[from + size + 1 + books.segments];
                ++books.count;
            }
            books.publicSignals[books.count] = _stateBook(priced, books, fold, subject, bookWords[from:from + size], next);
        }
        books.next = end;
    }

    /// @dev Commitment, array roots, positions, state after the book.
    function _bookSize(Books memory books) internal pure returns (uint256) {
        unchecked {
            return 1 + books.segments + books.segments * books.strikes + 1; // sizes have 8 bits
        }
    }

    /// @notice Puts what a book says into a transcript and takes over its state.
    /// @param words of the book
    /// @param next  first position word of the account's next book, zero if this is the last
    function _stateBook(
        PricedRound memory priced,
        Books memory books,
        Fold memory fold,
        bytes32 subject,
        uint256[] calldata words,
        uint256 next
    ) internal view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            OptionBookFrame.LAYOUT_HASH,
            books.modelId,
            subject,
            words[0],
            OptionBookFrame.words(books.segments, books.strikes)
        );
        uint256[] calldata arrayRoots = words[1:1 + books.segments];
        uint256[] calldata positions = words[1 + books.segments:words.length - 1];
        uint256 state = fold.state;
        BookFlagsWord flags = _takeSegments(priced, fold, arrayRoots, positions, next);
        OptionBookFrame.putInputs(transcript, state, arrayRoots, positions, flags);
        fold.state = words[words.length - 1];
        OptionBookFrame.putOutputs(transcript, fold.state);
        return transcript.close();
    }

    /// @notice Takes in the positions of a book. An expiry must be valued as a whole, so a segment continues exactly if the
    /// next one is of the same expiry, and no expiry comes back after another.
    /// @return flags bit e: segment e continues
    function _takeSegments(
        PricedRound memory priced,
        Fold memory fold,
        uint256[] calldata arrayRoots,
        uint256[] calldata positions,
        uint256 next
    ) internal view returns (BookFlagsWord) {
        uint256 flags;
        uint256 strikes = positions.length / arrayRoots.length;
        uint256 from = 0;
        for (uint256 i = 0; i < arrayRoots.length; ++i) {
            uint256 to;
            unchecked {
                to = from + strikes; // at most as many as there are positions
            }
            uint256 expiry = _takeSegment(priced, fold, arrayRoots[i], positions[from:to]);
            uint256 following = i + 1 < arrayRoots.length ? positions[to] : next;
            if (following != 0 && OptionPositionWord.wrap(following).expiry() == expiry) flags |= 1 << i;
            from = to;
        }
        return BookFlagsWord.wrap(flags);
    }

    function _takeSegment(
        PricedRound memory priced,
        Fold memory fold,
        uint256 arrayRoot,
        uint256[] calldata positions
    ) internal view returns (uint256 expiry) {
        expiry = OptionPositionWord.wrap(positions[0]).expiry();
        if (expiry < fold.expiry) revert IPortfolioRegistry.ExpiriesDecreasing(expiry, fold.expiry);
        // What fills places up repeats the last array; before the first there is none.
        if (arrayRoot != fold.arrayRoot || expiry != fold.expiry || expiry == 0) {
            priced.arrayModel = priced.arrays.requireArray(
                arrayRoot,
                priced.asOf,
                priced.policyVersion,
                expiry,
                priced.arrayModel
            );
            fold.arrayRoot = arrayRoot;
        }
        fold.expiry = expiry;
        _takePositions(fold, positions);
    }

    /// @dev Takes in what is held; there is room for every position of all books.
    function _takePositions(Fold memory fold, uint256[] calldata positions) internal pure {
        uint256[] memory held = fold.held;
        uint256 count = fold.count;
        uint256 quantitiesAt = Positions.QUANTITIES_AT;
        uint256 nothing = Positions.NO_QUANTITIES;
        assembly ("memory-safe") {
            let next := add(add(held, 0x20), shl(5, count))
            let end := add(positions.offset, shl(5, positions.length))
            for { let at_ := positions.offset } lt(at_, end) { at_ := add(at_, 0x20) } {
                let word := calldataload(at_)
                if iszero(eq(shr(quantitiesAt, word), nothing)) {
                    mstore(next, word)
                    next := add(next, 0x20)
                    count := add(count, 1)
                }
            }
        }
        fold.count = count;
    }

    /// @dev keccak256(abi.encodePacked(positions)) of the positions met.
    function _hashHeld(Fold memory fold) internal pure returns (bytes32 hash) {
        uint256[] memory held = fold.held;
        uint256 count = fold.count;
        assembly ("memory-safe") {
            hash := keccak256(add(held, 0x20), shl(5, count))
        }
    }

    function _requireWords(uint256 given, uint256 expected) internal pure {
        if (given != expected) revert IRoundErrors.WordCountMismatch(given, expected);
    }
}
