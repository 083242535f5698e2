// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {OptionBookFrame} from "../generated/OptionBookFrame.sol";
import {BookFlagsWord, OptionPositionWord} from "../generated/Words.sol";
import {BatchVerifier} from "../proof/BatchVerifier.sol";
import {CanonicalProof} from "../proof/CanonicalProof.sol";
import {IBatchVerifier} from "../proof/IBatchVerifier.sol";
import {ListInMemory} from "../statement/ListInMemory.sol";
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

    /// @dev A market's round as arrays were proven for it, and those that were met: root and expiry of each in turn.
    struct PricedRound {
        IRiskArrays arrays;
        uint256 asOf;
        uint256 policyVersion;
        bytes32 likelyModel; // of arrays; 0 if it is not known
        uint256[] met; // as long as a submission's words, of which an array takes two or more
        uint256 count; // of its words in use
        uint256 cursor; // where an account that holds the same arrays would go on
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
        uint256 next; // first position word after the book, zero if it is the account's last
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
    /// @param arrays  that it has options in, none if it has no options
    /// @return fold   state after the last book, and the positions met
    function _fold(
        PricedRound memory priced,
        Books memory books,
        uint256[] calldata bookWords,
        bytes32 subject,
        uint256 arrays
    ) internal view returns (Fold memory fold) {
        fold.state = emptyState;
        if (arrays == 0) return fold;
        uint256 from = books.next;
        books.next = _endOfBooks(books, bookWords.length, arrays);
        if (priced.met.length == 0) priced.met = ListInMemory.reserve(bookWords.length);
        priced.cursor = 0;
        unchecked {
            fold.held = ListInMemory.reserve(arrays * books.strikes); // fewer than the words
            while (arrays != 0) {
                uint256 used = arrays < books.segments ? arrays : books.segments;
                uint256 end = from + 2 + used * (1 + books.strikes); // within the words, as they end at `books.next`
                arrays -= used;
                uint256 following = arrays < books.segments ? arrays : books.segments;
                fold.next = arrays == 0 ? 0 : bookWords[end + 1 + following]; // the next book's words are there
                books.publicSignals[++books.count] = _stateBook(priced, books, fold, subject, bookWords[from:end]);
                from = end;
            }
        }
    }

    /// @notice Where the words of an account's books end that open so many arrays, all but the last as many as they can: of each
    /// its commitment, roots of arrays, positions, state after it.
    function _endOfBooks(Books memory books, uint256 words, uint256 arrays) private pure returns (uint256 end) {
        uint256 proofs = books.publicSignals.length - 1;
        // Without a proof there is no model, and no size of it.
        uint256 count = books.segments == 0 ? 1 : (arrays - 1) / books.segments + 1;
        unchecked {
            if (count > proofs - books.count) revert CanonicalProof.ProofCountMismatch(proofs, books.count + count);
            end = books.next + 2 * count + arrays * (1 + books.strikes); // as many books as there are proofs, of a model's sizes
        }
        if (end > words) revert IRoundErrors.WordCountMismatch(words, end);
    }

    /// @notice Puts what a book says into a transcript and takes over its state.
    /// @param words of the book
    function _stateBook(
        PricedRound memory priced,
        Books memory books,
        Fold memory fold,
        bytes32 subject,
        uint256[] calldata words
    ) private view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            OptionBookFrame.LAYOUT_HASH,
            books.modelId,
            subject,
            words[0],
            OptionBookFrame.words(books.segments, books.strikes)
        );
        uint256 state = fold.state;
        (uint256[] memory arrayRoots, uint256[] memory positions, BookFlagsWord flags) = _takeArrays(
            priced,
            books,
            fold,
            words[1:words.length - 1]
        );
        OptionBookFrame.putInputs(transcript, state, arrayRoots, positions, flags);
        fold.state = words[words.length - 1];
        OptionBookFrame.putOutputs(transcript, fold.state);
        return transcript.close();
    }

    /// @notice Takes in the positions of a book, or of a witness straight from arrays.
    /// @param books  whose sizes say how many places there are
    /// @param words  roots of its arrays, at least one and at most as many as places, then a position word for each strike
    /// @return arrayRoots as many as places: what is left repeats the last array
    /// @return positions  of each place, in the last array's repetitions with nothing held
    /// @return flags      bit e: place e continues
    function _takeArrays(
        PricedRound memory priced,
        Books memory books,
        Fold memory fold,
        uint256[] calldata words
    ) internal pure returns (uint256[] memory arrayRoots, uint256[] memory positions, BookFlagsWord flags) {
        uint256 used;
        unchecked {
            used = words.length / (1 + books.strikes); // sizes have 8 bits
        }
        arrayRoots = _copyRoots(words[:used], books.segments);
        positions = _copyPositions(words[used:], books.segments, books.strikes);
        flags = BookFlagsWord.wrap(_takeSegments(priced, fold, arrayRoots, positions, used));
    }

    /// @dev Roots, of which there is one at least, and the last one again in the places that are left.
    function _copyRoots(uint256[] calldata roots, uint256 places) private pure returns (uint256[] memory arrayRoots) {
        arrayRoots = ListInMemory.reserve(places);
        assembly ("memory-safe") {
            let place := add(arrayRoots, 0x20)
            let end := add(place, shl(5, places))
            calldatacopy(place, roots.offset, shl(5, roots.length))
            place := add(place, shl(5, roots.length))
            for {} lt(place, end) { place := add(place, 0x20) } { mstore(place, mload(sub(place, 0x20))) }
        }
    }

    /// @dev Positions, of one array at least, and the last array's strikes again with nothing held in what is left.
    function _copyPositions(
        uint256[] calldata given,
        uint256 places,
        uint256 strikes
    ) private pure returns (uint256[] memory positions) {
        unchecked {
            positions = ListInMemory.reserve(places * strikes); // sizes have 8 bits
        }
        uint256 nothing = Positions.NO_QUANTITIES << Positions.QUANTITIES_AT;
        uint256 ofStrike = (1 << Positions.QUANTITIES_AT) - 1;
        assembly ("memory-safe") {
            strikes := shl(5, strikes)
            let place := add(positions, 0x20)
            calldatacopy(place, given.offset, shl(5, given.length))
            place := add(place, shl(5, given.length))
            let end := add(add(positions, 0x20), shl(5, mload(positions)))
            // One array that holds nothing, then copies of it.
            if lt(place, end) {
                for { let to := add(place, strikes) } lt(place, to) { place := add(place, 0x20) } {
                    mstore(place, or(and(mload(sub(place, strikes)), ofStrike), nothing))
                }
                for {} lt(place, end) { place := add(place, strikes) } { mcopy(place, sub(place, strikes), strikes) }
            }
        }
    }

    /// @notice Takes in the positions of the arrays that are used. An expiry must be valued as a whole, so a segment continues
    /// exactly if the next one is of the same expiry, and no expiry comes back after another.
    /// @return flags bit e: segment e continues
    function _takeSegments(
        PricedRound memory priced,
        Fold memory fold,
        uint256[] memory arrayRoots,
        uint256[] memory positions,
        uint256 used
    ) private pure returns (uint256 flags) {
        uint256 strikes = positions.length / arrayRoots.length;
        uint256 last = arrayRoots.length - 1;
        uint256 previous = fold.expiry;
        unchecked {
            for (uint256 i = 0; i < used; ++i) {
                uint256 expiry = OptionPositionWord.wrap(positions[i * strikes]).expiry(); // used arrays of as many strikes
                if (expiry < previous) revert IPortfolioRegistry.ExpiriesDecreasing(expiry, previous);
                _meet(priced, fold, arrayRoots[i], expiry);
                previous = expiry;
                uint256 following = i < last ? positions[(i + 1) * strikes] : fold.next;
                if (following != 0 && OptionPositionWord.wrap(following).expiry() == expiry) flags |= 1 << i;
            }
            flags |= (1 << last) - (1 << (used - 1)); // what fills places up is of the last expiry
        }
        _takePositions(fold, positions, used * strikes);
    }

    /// @dev Notes an array, which {_requireArrays} holds to the round; not again if it is the one before, or met in another account.
    function _meet(PricedRound memory priced, Fold memory fold, uint256 arrayRoot, uint256 expiry) private pure {
        if (arrayRoot == fold.arrayRoot && expiry == fold.expiry && expiry != 0) return;
        fold.arrayRoot = arrayRoot;
        fold.expiry = expiry;
        (uint256[] memory met, uint256 count, uint256 cursor) = (priced.met, priced.count, priced.cursor);
        assembly ("memory-safe") {
            let first := add(met, 0x20)
            let end := add(first, shl(5, count))
            let pair := add(first, shl(5, cursor))
            for {} lt(pair, end) { pair := add(pair, 0x40) } {
                if and(eq(mload(pair), arrayRoot), eq(mload(add(pair, 0x20)), expiry)) { break }
            }
            switch lt(pair, end)
            case 1 { cursor := add(shr(5, sub(pair, first)), 2) }
            default {
                mstore(end, arrayRoot)
                mstore(add(end, 0x20), expiry)
                if eq(cursor, count) { cursor := add(cursor, 2) }
                count := add(count, 2)
            }
        }
        (priced.count, priced.cursor) = (count, cursor);
    }

    /// @dev Every array that was met was proven for the round, expiry and policy, by a model in force.
    function _requireArrays(PricedRound memory priced) internal view {
        (uint256[] memory met, uint256 count) = (priced.met, priced.count);
        if (count == 0) return;
        assembly ("memory-safe") {
            mstore(met, count)
        }
        priced.arrays.requireArrays(priced.asOf, priced.policyVersion, priced.likelyModel, met);
    }

    /// @dev Takes in what is held among the first words; there is room for every position of all books.
    function _takePositions(Fold memory fold, uint256[] memory positions, uint256 length) private pure {
        (uint256[] memory held, uint256 count) = (fold.held, fold.count);
        uint256 quantitiesAt = Positions.QUANTITIES_AT;
        uint256 nothing = Positions.NO_QUANTITIES;
        assembly ("memory-safe") {
            let first := add(held, 0x20)
            let next := add(first, shl(5, count))
            let at_ := add(positions, 0x20)
            let end := add(at_, shl(5, length))
            // Each is written, and kept if something is held. First those that make no whole run of four.
            for { let run := add(at_, and(shl(5, length), 0x60)) } lt(at_, run) { at_ := add(at_, 0x20) } {
                mstore(next, mload(at_))
                next := add(next, shl(5, iszero(eq(shr(quantitiesAt, mload(at_)), nothing))))
            }
            for {} lt(at_, end) { at_ := add(at_, 0x80) } {
                let word := mload(at_)
                mstore(next, word)
                next := add(next, shl(5, iszero(eq(shr(quantitiesAt, word), nothing))))
                word := mload(add(at_, 0x20))
                mstore(next, word)
                next := add(next, shl(5, iszero(eq(shr(quantitiesAt, word), nothing))))
                word := mload(add(at_, 0x40))
                mstore(next, word)
                next := add(next, shl(5, iszero(eq(shr(quantitiesAt, word), nothing))))
                word := mload(add(at_, 0x60))
                mstore(next, word)
                next := add(next, shl(5, iszero(eq(shr(quantitiesAt, word), nothing))))
            }
            count := shr(5, sub(next, first))
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
