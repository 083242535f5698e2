// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketRiskFrame} from "../generated/MarketRiskFrame.sol";
import {MarketState} from "../generated/MarketState.sol";
import {MarketUpdate, MarketUpdates} from "../generated/MarketUpdate.sol";
import {
    LearningPolicyWord,
    MarginPolicyWord,
    MarketPolicyWord,
    ObservationElement,
    ObservationElements,
    ObservationFields,
    ObservationWord,
    ParametersWord
} from "../generated/Words.sol";
import {ClockSkew} from "../market/ClockSkew.sol";
import {IObservationSource} from "../market/IObservationSource.sol";
import {Inbox} from "../market/Inbox.sol";
import {PolicyBook} from "../parameters/PolicyBook.sol";
import {RiskPolicy} from "../parameters/RiskPolicy.sol";
import {CanonicalProof} from "../proof/CanonicalProof.sol";
import {MarketRiskStatement} from "../statement/MarketRiskStatement.sol";
import {GuardRails} from "./GuardRails.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IRiskRegistry} from "./IRiskRegistry.sol";
import {ShadowId} from "./ShadowId.sol";
import {Shadows} from "./Shadows.sol";

/// @title RiskRegistry
/// @notice Risk parameters in force. A parameter changes only if a proof verifies against what this contract holds.
contract RiskRegistry is IRiskRegistry, Shadows {
    using PolicyBook for uint256[];
    using ShadowId for bytes32;
    using MarketUpdates for MarketUpdate;
    using MarketUpdates for MarketUpdate[];
    using MarketRiskStatement for MarketRiskStatement.Transcript;

    /// @notice Clocks of sources and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = ClockSkew.SECONDS;

    uint256 private constant MAX_SEQUENCE = 2 ** (256 - SEQUENCE_SHIFT) - 1;
    uint256 private constant WORD_BYTES = 32;
    uint256 private constant ADDRESS_BITS = 160;
    uint256 private constant SLOTS_PER_WORD = ObservationElements.PER_WORD;
    uint256 private constant SLOT_BITS = ObservationFields.BITS;
    uint256 private constant SLOT_MASK = 2 ** SLOT_BITS - 1;

    /// @notice Circuits that may move parameters.
    IModelRegistry public immutable models;

    /// @dev A batch on its way: what its model and the policy allow, and what has been gathered of it.
    struct Batch {
        address verifier;
        uint256 places;
        uint256 slots;
        uint256 volatilityModel;
        uint256 bytesPerMarket;
        uint256 oldest;
        uint256 latest;
        LearningPolicyWord learningPolicy;
        MarginPolicyWord marginPolicy;
        uint256[] policies;
        uint256 nextPolicy;
        uint256 skipped;
        MarketRiskStatement.Transcript transcript;
    }

    /// @param authority      AccessManager that knows who may set policy and add markets
    /// @param models_        registry of models; must know the layout that this contract speaks
    /// @param learningWord   first policy of estimation and learning
    /// @param marginWord     first policy of margins
    /// @param freshness      first policy of freshness
    constructor(
        address authority,
        IModelRegistry models_,
        LearningPolicyWord learningWord,
        MarginPolicyWord marginWord,
        FreshnessPolicy memory freshness
    ) RiskPolicy(authority, learningWord, marginWord, freshness) {
        models_.requireLayout(MarketRiskFrame.LAYOUT_HASH, IModelRegistry.Kind.MarketRisk);
        models = models_;
    }

    /// @inheritdoc IRiskRegistry
    function addMarket(
        bytes32 marketId,
        address source,
        uint256 volatilityModel,
        MarketState calldata state,
        Place calldata place
    ) external restricted {
        _addMarket(marketId, source, volatilityModel, state, place);
    }

    /// @inheritdoc IRiskRegistry
    function submit(
        bytes32 modelId,
        uint256 commitment,
        uint256[8] calldata proof,
        MarketUpdate[] calldata updates,
        uint256[] calldata observationWords
    ) external {
        Batch memory batch = _open(modelId, commitment, updates.length);
        uint256 expected;
        unchecked {
            expected = (updates.length * batch.bytesPerMarket) / WORD_BYTES;
        }
        if (observationWords.length != expected) revert ObservationWordsMismatch(observationWords.length, expected);
        bytes32[] memory heads = _takeMarkets(batch, updates, observationWords);
        if (batch.skipped == updates.length) revert NothingToApply(updates.length);
        _checkInboxes(updates, heads);
        uint256[3] memory publicSignals = batch.transcript.close(updates.length, batch.places);
        CanonicalProof.verify(batch.verifier, proof, publicSignals);
        _apply(batch, updates, heads);
        emit BatchAccepted(modelId, commitment, msg.sender);
    }

    function _pausedSeconds(
        bytes32 marketId,
        uint256 from,
        uint256 graceSeconds
    ) internal view override returns (uint256) {
        Pause[3] memory pauses = [pauseOf(marketId), pauseOf(_idOf(_sources[marketId])), _pauseBefore(marketId)];
        uint256 family = volatilityModelOf[marketId];
        return models.pausedSeconds(MarketRiskFrame.LAYOUT_HASH, family, pauses, from, graceSeconds);
    }

    function _activeModels(uint256 volatilityModel) internal view override returns (uint256 count) {
        return models.activeModelsOf(MarketRiskFrame.LAYOUT_HASH, volatilityModel);
    }

    function _open(bytes32 modelId, uint256 commitment, uint256 given) private view returns (Batch memory batch) {
        bool allowsBacklog;
        (batch.verifier, batch.places, batch.slots, allowsBacklog, batch.volatilityModel) = models.activeModel(
            modelId,
            MarketRiskFrame.LAYOUT_HASH
        );
        if (given == 0 || given > batch.places) revert BatchSizeOutOfRange(given, batch.places);
        uint256[] memory policies = _policyBook();
        uint256 maxObservationAgeSeconds;
        (batch.learningPolicy, batch.marginPolicy, maxObservationAgeSeconds) = policies.shared();
        batch.policies = policies;
        batch.nextPolicy = policies.start();
        unchecked {
            // Slots fit 8 bits, ages 32, and no block is timed near either end of 256.
            batch.bytesPerMarket = MarketRiskFrame.wordsOfObservations(batch.slots) * WORD_BYTES;
            batch.latest = block.timestamp + CLOCK_SKEW_SECONDS;
            if (!allowsBacklog) batch.oldest = block.timestamp - maxObservationAgeSeconds;
        }
        uint256 shared;
        (batch.transcript, shared) = MarketRiskStatement.open(modelId, commitment, given, batch.places, batch.slots);
        MarketRiskFrame.putShared(shared, batch.learningPolicy, batch.marginPolicy);
    }

    /// @notice Checks every market by itself and puts it into the transcript.
    /// @return heads inbox heads after the batch's observations, not yet compared with the sources' checkpoints; zero, which
    /// no hash is, of markets that are skipped
    function _takeMarkets(
        Batch memory batch,
        MarketUpdate[] calldata updates,
        uint256[] calldata observationWords
    ) private view returns (bytes32[] memory heads) {
        heads = new bytes32[](updates.length);
        MarketUpdate calldata update = updates.first();
        uint256 words;
        assembly ("memory-safe") {
            words := observationWords.offset
        }
        bytes32 previousId;
        for (uint256 i = 0; i < updates.length; ++i) {
            bytes32 marketId = update.marketId;
            if (marketId <= previousId && i != 0) revert MarketsNotIncreasing(marketId, previousId);
            previousId = marketId;
            bytes32 head = _takeMarket(batch, update, words);
            assembly ("memory-safe") {
                mstore(add(add(heads, 0x20), shl(5, i)), head)
            }
            update = update.next();
            unchecked {
                words += batch.bytesPerMarket;
            }
        }
    }

    /// @notice Checks one market and puts it into the transcript; one that has been moved by this sequence is put unchecked.
    /// @param words where the market's observation words stand in calldata
    /// @return head inbox head after its observations, or zero
    function _takeMarket(
        Batch memory batch,
        MarketUpdate calldata update,
        uint256 words
    ) private view returns (bytes32 head) {
        bytes32 marketId = update.marketId;
        bool isNext = _isNext(marketId, update, batch.volatilityModel);
        MarketPolicyWord policy;
        (batch.nextPolicy, policy) = batch.policies.seek(batch.nextPolicy, marketId);
        if (isNext) {
            if (_mayBePaused()) _requireNotPaused(marketId, update.source);
            uint256 newestAsOf = _checkNewest(batch, update, words);
            head = _rehash(batch.slots, update, words);
            GuardRails.check(update, newestAsOf, policy, batch.marginPolicy);
        } else {
            _checkSkipped(batch, update, words);
        }
        (uint256 inputs, uint256 outputs) = batch.transcript.identify(marketId, update.sequence);
        MarketRiskFrame.putInputs(inputs, update.previous(), policy, words, batch.bytesPerMarket);
        MarketRiskFrame.putOutputs(outputs, update.state(), update.parameters);
    }

    /// @notice Checks that the presented state is the one in force, for models of this family, and the sequence the next one.
    /// @return false if the market has been moved by that sequence before: its part of the batch is skipped
    function _isNext(
        bytes32 marketId,
        MarketUpdate calldata update,
        uint256 volatilityModel
    ) private view returns (bool) {
        Market storage market = _markets[marketId];
        bytes32 inForce = market.stateHash;
        if (inForce == 0) revert UnknownMarket(marketId);
        uint256 sequence = market.parametersAndSequence >> SEQUENCE_SHIFT;
        uint256 stated = update.sequence;
        if (stated <= sequence) return false;
        if (sequence == MAX_SEQUENCE) revert SequenceExhausted(marketId, sequence);
        unchecked {
            ++sequence;
        }
        if (stated != sequence) revert SequenceAhead(marketId, stated, sequence);
        bytes32 given = _hashPresented(update, volatilityModel);
        if (given != inForce) _revertStart(marketId, volatilityModel, given, inForce);
        return true;
    }

    function _requireNotPaused(bytes32 marketId, address source) private view {
        uint256 until = _pausedUntil(marketId.marketOf(), source);
        if (until != 0) revert MarketPaused(marketId, until);
    }

    function _revertStart(bytes32 marketId, uint256 volatilityModel, bytes32 given, bytes32 inForce) private view {
        uint256 bound = volatilityModelOf[marketId];
        if (bound != volatilityModel) revert MarketBoundToAnotherModel(marketId, volatilityModel, bound);
        revert StateMismatch(marketId, given, inForce);
    }

    /// @dev What is presented of a market that is skipped is what was proven, word by word: nothing aliases another value modulo
    /// the field, so whoever reads the batch reads what its proof is about. It starts from a state that could be in force: the
    /// circuits answer for no other. Its source is compared with nothing, and an address all the same: decoders take no other.
    function _checkSkipped(Batch memory batch, MarketUpdate calldata update, uint256 words) private pure {
        _checkCount(batch, update);
        _rehash(batch.slots, update, words);
        uint256 source = update.rawSource();
        if (source >> ADDRESS_BITS != 0) revert WordOutOfRange(update.marketId, source, ADDRESS_BITS);
        uint256 previousAsOf = update.previousVolatilityState.asOf();
        GuardRails.checkState(update.marketId, update.previous(), previousAsOf);
        GuardRails.checkWidths(update.marketId, update.state());
        GuardRails.checkWidth(update.marketId, update.parameters);
        unchecked {
            ++batch.skipped; // at most as many as there are places
        }
    }

    function _checkCount(Batch memory batch, MarketUpdate calldata update) private pure {
        uint256 count = update.observationCount;
        if (count == 0 || count > batch.slots) revert ObservationCountOutOfRange(update.marketId, count, batch.slots);
    }

    function _checkNewest(
        Batch memory batch,
        MarketUpdate calldata update,
        uint256 words
    ) private pure returns (uint256 asOf) {
        _checkCount(batch, update);
        unchecked {
            // The newest observation stands in the last slot.
            asOf = _wordAt(words + batch.bytesPerMarket - WORD_BYTES).element((batch.slots - 1) % SLOTS_PER_WORD).asOf();
        }
        if (update.marketId.isShadow()) _checkTried(batch, update, words);
        else if (asOf < batch.oldest) revert ObservationStale(update.marketId, asOf, batch.oldest);
        if (asOf > batch.latest) revert ObservationInFuture(update.marketId, asOf, batch.latest);
        uint256 previousAsOf = update.previousVolatilityState.asOf();
        if (asOf <= previousAsOf) revert ObservationNotLater(update.marketId, asOf, previousAsOf);
    }

    /// @dev The first observation that ends the running prediction is where the new one begins: had another been tried after
    /// it in the same batch, the loss of the first would be lost.
    function _checkTried(Batch memory batch, MarketUpdate calldata update, uint256 words) private pure {
        unchecked {
            // Times and horizons have 32 and 24 bits; at most as many observations as slots, checked.
            uint256 dueFrom = update.previousAnchorState.anchorAsOf() + batch.learningPolicy.horizonSeconds();
            for (uint256 slot = batch.slots - update.observationCount; slot < batch.slots; ++slot) {
                uint256 place = words + (slot / SLOTS_PER_WORD) * WORD_BYTES;
                uint256 asOf = _wordAt(place).element(slot % SLOTS_PER_WORD).asOf();
                if (asOf < dueFrom) continue;
                uint256 tried = update.anchorState.anchorAsOf();
                if (asOf != tried) revert ShadowSkipsPrediction(update.marketId, asOf, tried);
                return;
            }
        }
    }

    /// @dev Extends the consumed inbox head by the used slots; the unused ones, which come first, are zero.
    function _rehash(
        uint256 slots,
        MarketUpdate calldata update,
        uint256 words
    ) private pure returns (bytes32 head) {
        head = update.inboxHead;
        unchecked {
            uint256 firstUsed = slots - update.observationCount; // at most slots, checked
            for (uint256 slot = 0; slot < slots; words += WORD_BYTES) {
                ObservationWord word = _wordAt(words);
                uint256 rest = ObservationWord.unwrap(word);
                uint256 end = slot + SLOTS_PER_WORD;
                if (end > slots) end = slots;
                for (; slot < end; ++slot) {
                    uint256 observation = rest & SLOT_MASK;
                    rest >>= SLOT_BITS;
                    if (slot < firstUsed) {
                        if (observation != 0) revert UnusedSlotNotZero(update.marketId, slot, observation);
                    } else {
                        if (observation == 0) revert UsedSlotIsZero(update.marketId, slot);
                        head = Inbox.extend(head, ObservationElement.wrap(observation));
                    }
                }
                if (rest != 0) revert ObservationWordOutOfRange(update.marketId, ObservationWord.unwrap(word));
            }
        }
    }

    /// @dev Compares heads with what the sources recorded: one call per run of markets that share a source.
    function _checkInboxes(MarketUpdate[] calldata updates, bytes32[] memory heads) private view {
        MarketUpdate calldata update = updates.first();
        uint256 from = 0;
        while (from < updates.length) {
            if (heads[from] == 0) {
                update = update.next();
                ++from;
                continue;
            }
            uint256 length = _runLength(update, heads, from);
            uint256 different = _compareRun(update, length, heads, from);
            if (different != length) _revertMismatch(updates[from + different], heads[from + different]);
            update = update.skip(length);
            from += length;
        }
    }

    /// @dev How many updates from `first` on, which is number `from`, share its source and are not skipped.
    function _runLength(
        MarketUpdate calldata first,
        bytes32[] memory heads,
        uint256 from
    ) private pure returns (uint256 length) {
        uint256 source = first.rawSource();
        MarketUpdate calldata update = first;
        unchecked {
            uint256 remaining = heads.length - from;
            for (length = 1; length < remaining; ++length) {
                update = update.next();
                if (update.rawSource() != source || heads[from + length] == 0) break;
            }
        }
    }

    /// @dev How many heads, from the first, are what the source recorded.
    function _compareRun(
        MarketUpdate calldata first,
        uint256 length,
        bytes32[] memory heads,
        uint256 from
    ) private view returns (uint256 same) {
        uint256 checkpoints = _checkpoints(first, length);
        assembly ("memory-safe") {
            let head := add(add(heads, 0x20), shl(5, from))
            for {} lt(same, length) { same := add(same, 1) } {
                if iszero(eq(mload(add(head, shl(5, same))), mload(add(checkpoints, shl(5, same))))) { break }
            }
        }
    }

    function _revertMismatch(MarketUpdate calldata update, bytes32 head) private view {
        bytes32[] memory marketIds = new bytes32[](1);
        uint256[] memory counts = new uint256[](1);
        marketIds[0] = update.marketId.marketOf();
        counts[0] = update.inboxCount + update.observationCount;
        bytes32[] memory checkpoints = IObservationSource(update.source).checkpoints(marketIds, counts);
        revert InboxMismatch(update.marketId, counts[0], head, checkpoints[0]);
    }

    /// @notice Calls {IObservationSource-checkpoints} for `length` updates from `first`.
    /// @dev Assembly, since building two arrays and decoding a third costs 6,000 gas more.
    /// @return answer memory address of the heads
    function _checkpoints(MarketUpdate calldata first, uint256 length) private view returns (uint256 answer) {
        address source = first.source;
        (uint256 call_, uint256 end) = _layCall(first, length);
        bool valid;
        assembly ("memory-safe") {
            let bytes_ := shl(5, length)
            let answered := staticcall(gas(), source, call_, sub(end, call_), end, add(0x40, bytes_))
            valid := and(answered, gt(returndatasize(), add(0x3f, bytes_)))
            valid := and(valid, and(eq(mload(end), 0x20), eq(mload(add(end, 0x20)), length)))
            answer := add(end, 0x40)
        }
        if (!valid) revert SourceFailed(source);
    }

    /// @dev Lays out the call from `call_` to `end`, with room for an answer of as many heads behind it.
    function _layCall(MarketUpdate calldata update, uint256 length) private pure returns (uint256 call_, uint256 end) {
        bytes4 selector = IObservationSource.checkpoints.selector;
        uint256 ids;
        uint256 counts;
        assembly ("memory-safe") {
            let bytes_ := shl(5, length)
            call_ := mload(0x40)
            ids := add(call_, 0x64)
            counts := add(add(ids, bytes_), 0x20)
            end := add(counts, bytes_)
            mstore(0x40, add(add(end, 0x40), bytes_))
            mstore(call_, selector)
            mstore(add(call_, 0x04), 0x40) // where the ids are
            mstore(add(call_, 0x24), add(0x60, bytes_)) // where the counts are
            mstore(add(call_, 0x44), length)
            mstore(add(ids, bytes_), length)
        }
        unchecked {
            for (; counts < end; counts += WORD_BYTES) {
                bytes32 marketId = update.marketId.marketOf();
                // Wraps only for a count no inbox has; the state's hash covers it.
                uint256 count = update.inboxCount + update.observationCount;
                assembly ("memory-safe") {
                    mstore(ids, marketId)
                    mstore(counts, count)
                }
                ids += WORD_BYTES;
                update = update.next();
            }
        }
    }

    function _apply(Batch memory batch, MarketUpdate[] calldata updates, bytes32[] memory heads) private {
        MarketUpdate calldata update = updates.first();
        for (uint256 i = 0; i < updates.length; ++i) {
            bytes32 head;
            assembly ("memory-safe") {
                head := mload(add(add(heads, 0x20), shl(5, i)))
            }
            bytes32 marketId = update.marketId;
            if (head == 0) {
                emit MarketSkipped(marketId, update.sequence);
                update = update.next();
                continue;
            }
            uint256 stored = ParametersWord.unwrap(update.parameters) | (update.sequence << SEQUENCE_SHIFT);
            Market storage market = _markets[marketId];
            market.parametersAndSequence = stored;
            market.stateHash = _hashNext(update, head, batch.volatilityModel);
            emit ParametersUpdated(marketId, stored);
            if (marketId.isShadow()) {
                uint256 count;
                unchecked {
                    count = update.inboxCount + update.observationCount; // a count the source knows
                }
                _moveShadow(marketId, update.state(), head, count, batch.learningPolicy);
            }
            update = update.next();
        }
    }

    /// @dev Hash of the words that an update presents, which lie side by side in calldata, and of the family of its
    /// model, which nobody presents.
    function _hashPresented(
        MarketUpdate calldata update,
        uint256 volatilityModel
    ) private pure returns (bytes32 hash) {
        uint256 free = _freeMemory();
        uint256 rest = update.copyPresented(free);
        assembly ("memory-safe") {
            mstore(rest, volatilityModel)
            hash := keccak256(free, sub(add(rest, 0x20), free))
        }
    }

    /// @dev The same of the update after this one.
    function _hashNext(
        MarketUpdate calldata update,
        bytes32 head,
        uint256 volatilityModel
    ) private pure returns (bytes32 hash) {
        uint256 source = update.rawSource();
        uint256 count;
        unchecked {
            count = update.inboxCount + update.observationCount; // a count the source knows
        }
        uint256 free = _freeMemory();
        uint256 rest = update.copyStates(free);
        assembly ("memory-safe") {
            mstore(rest, head)
            mstore(add(rest, 0x20), count)
            mstore(add(rest, 0x40), source)
            mstore(add(rest, 0x60), volatilityModel)
            hash := keccak256(free, sub(add(rest, 0x80), free))
        }
    }

    /// @dev Where hashing may write over memory: nothing is allocated until it is done.
    function _freeMemory() private pure returns (uint256 place) {
        assembly ("memory-safe") {
            place := mload(0x40)
        }
    }

    /// @dev The word that stands at `place` in calldata; callers stay within the length.
    function _wordAt(uint256 place) private pure returns (ObservationWord word) {
        assembly ("memory-safe") {
            word := calldataload(place)
        }
    }
}
