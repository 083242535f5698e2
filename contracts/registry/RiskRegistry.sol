// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AnchorStateWord, ObservationWord, VolatilityStateWord} from "../generated/PackedWords.sol";
import {MarketRiskLayout} from "../generated/StatementLayouts.sol";
import {IObservationSource} from "../market/IObservationSource.sol";
import {Inbox} from "../market/Inbox.sol";
import {PolicyBook} from "../parameters/PolicyBook.sol";
import {RiskPolicy} from "../parameters/RiskPolicy.sol";
import {CanonicalProof} from "../proof/CanonicalProof.sol";
import {MarketRiskStatement} from "../statement/MarketRiskStatement.sol";
import {GuardRails} from "./GuardRails.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IRiskRegistry} from "./IRiskRegistry.sol";
import {RiskParameters} from "./RiskParameters.sol";

/// @title RiskRegistry
/// @notice Risk parameters in force. A parameter changes only if a proof verifies against what this contract holds.
contract RiskRegistry is IRiskRegistry, RiskParameters {
    using PolicyBook for uint256[];
    using MarketRiskStatement for MarketRiskStatement.Transcript;

    /// @notice Clocks of sources and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = 15;

    uint256 private constant MAX_SEQUENCE = 2 ** (256 - SEQUENCE_SHIFT) - 1;
    uint256 private constant SLOTS_PER_WORD = 2;
    uint256 private constant SLOT_BITS = ObservationWord.BITS;
    uint256 private constant SLOT_MASK = 2 ** SLOT_BITS - 1;

    /// @notice Circuits that may move parameters.
    IModelRegistry public immutable models;

    /// @inheritdoc IRiskRegistry
    /// @dev Batches are held to it by the state's hash, of which it is a part: reading it would cost them a slot a market.
    mapping(bytes32 marketId => uint256 volatilityModel) public volatilityModelOf;

    /// @dev A batch on its way: what its model and the policy allow, and what has been gathered of it.
    struct Batch {
        address verifier;
        uint256 places;
        uint256 slots;
        uint256 volatilityModel;
        uint256 wordsPerMarket;
        uint256 oldest;
        uint256 latest;
        uint256 marginPolicy;
        uint256[] policies;
        uint256 nextPolicy;
        MarketRiskStatement.Transcript transcript;
    }

    /// @param authority      AccessManager that knows who may set policy and add markets
    /// @param models_        registry of models; must know the layout that this contract speaks
    /// @param learningWord   first `LearningPolicyWord`
    /// @param marginWord     first `MarginPolicyWord`
    /// @param freshness      first policy of freshness
    constructor(
        address authority,
        IModelRegistry models_,
        uint256 learningWord,
        uint256 marginWord,
        FreshnessPolicy memory freshness
    ) RiskPolicy(authority, learningWord, marginWord, freshness) {
        models_.requireLayout(MarketRiskLayout.LAYOUT_HASH, IModelRegistry.Kind.MarketRisk);
        models = models_;
    }

    /// @inheritdoc IRiskRegistry
    function addMarket(
        bytes32 marketId,
        address source,
        uint256 volatilityModel,
        uint256 volatilityState,
        uint256 anchorState
    ) external restricted {
        if (_markets[marketId].stateHash != 0) revert MarketAlreadyExists(marketId);
        marketPolicy(marketId);
        if (volatilityModel == 0 || volatilityModel > type(uint8).max) {
            revert VolatilityModelOutOfRange(marketId, volatilityModel);
        }
        uint256 asOf = VolatilityStateWord.asOf(volatilityState);
        GuardRails.checkState(marketId, volatilityState, anchorState, asOf);
        uint256 anchorAsOf = AnchorStateWord.anchorAsOf(anchorState);
        if (anchorAsOf > asOf) revert AnchorInFuture(marketId, anchorAsOf, asOf);
        (bytes32 head, uint256 count, uint256 latestAsOf, ) = IObservationSource(source).latest(marketId);
        if (count == 0 || asOf != latestAsOf) revert InitialStateNotAtLatest(marketId, asOf, latestAsOf);
        _markets[marketId].stateHash = keccak256(
            abi.encode(volatilityState, anchorState, head, count, source, volatilityModel)
        );
        volatilityModelOf[marketId] = volatilityModel;
        emit MarketAdded(marketId, source, volatilityModel, volatilityState, anchorState, head, count);
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
            expected = updates.length * batch.wordsPerMarket;
        }
        if (observationWords.length != expected) revert ObservationWordsMismatch(observationWords.length, expected);
        bytes32[] memory heads = _takeMarkets(batch, updates, observationWords);
        _checkInboxes(updates, heads);
        uint256[3] memory publicSignals = batch.transcript.close(updates.length, batch.places);
        CanonicalProof.verify(batch.verifier, proof, publicSignals);
        _apply(updates, heads, batch.volatilityModel, batch.transcript);
        emit BatchAccepted(modelId, commitment, msg.sender);
    }

    /// @inheritdoc IRiskRegistry
    function stateHash(bytes32 marketId) external view returns (bytes32) {
        return _markets[marketId].stateHash;
    }

    function _open(bytes32 modelId, uint256 commitment, uint256 given) private view returns (Batch memory batch) {
        bool allowsBacklog;
        (batch.verifier, batch.places, batch.slots, allowsBacklog, batch.volatilityModel) = models.activeModel(
            modelId,
            MarketRiskLayout.LAYOUT_HASH
        );
        if (given == 0 || given > batch.places) revert BatchSizeOutOfRange(given, batch.places);
        uint256[] memory policies = _policyBook();
        (uint256 learningWord, uint256 marginWord, uint256 maxObservationAgeSeconds) = policies.shared();
        batch.policies = policies;
        batch.nextPolicy = policies.start();
        batch.marginPolicy = marginWord;
        unchecked {
            // Slots fit 8 bits, ages 32, and no block is timed near either end of 256.
            batch.wordsPerMarket = (batch.slots + SLOTS_PER_WORD - 1) / SLOTS_PER_WORD;
            batch.latest = block.timestamp + CLOCK_SKEW_SECONDS;
            if (!allowsBacklog) batch.oldest = block.timestamp - maxObservationAgeSeconds;
        }
        batch.transcript = MarketRiskStatement.open(modelId, commitment, given, batch.places, batch.wordsPerMarket);
        batch.transcript.putShared(learningWord, marginWord);
    }

    /// @notice Checks every market by itself and puts it into the transcript.
    /// @return heads inbox heads after the batch's observations, not yet compared with the sources' checkpoints
    function _takeMarkets(
        Batch memory batch,
        MarketUpdate[] calldata updates,
        uint256[] calldata observationWords
    ) private view returns (bytes32[] memory heads) {
        heads = new bytes32[](updates.length);
        MarketUpdate calldata update = _first(updates);
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
            update = _next(update);
            unchecked {
                words += batch.wordsPerMarket * 32;
            }
        }
    }

    /// @notice Checks one market and puts it into the transcript.
    /// @param words where the market's observation words stand in calldata
    /// @return head inbox head after its observations
    function _takeMarket(
        Batch memory batch,
        MarketUpdate calldata update,
        uint256 words
    ) private view returns (bytes32 head) {
        bytes32 marketId = update.marketId;
        uint256 sequence = _nextSequence(marketId, update, batch.volatilityModel);
        uint256 newestAsOf = _checkNewest(batch, update, words);
        head = _rehash(batch.slots, update, words);
        uint256 policy;
        (batch.nextPolicy, policy) = batch.policies.seek(batch.nextPolicy, marketId);
        GuardRails.check(update, newestAsOf, policy, batch.marginPolicy);
        batch.transcript.putInputs(
            marketId,
            sequence,
            update.previousVolatilityState,
            update.previousAnchorState,
            policy,
            words
        );
        batch.transcript.putOutputs(update.volatilityState, update.anchorState, update.parameters);
    }

    /// @dev The presented state is the one in force, for models of this family, and the sequence can count one more batch.
    function _nextSequence(
        bytes32 marketId,
        MarketUpdate calldata update,
        uint256 volatilityModel
    ) private view returns (uint256 sequence) {
        Market storage market = _markets[marketId];
        bytes32 inForce = market.stateHash;
        if (inForce == 0) revert UnknownMarket(marketId);
        bytes32 given = _hashPresented(update, volatilityModel);
        if (given != inForce) _revertStart(marketId, volatilityModel, given, inForce);
        sequence = market.parametersAndSequence >> SEQUENCE_SHIFT;
        if (sequence == MAX_SEQUENCE) revert SequenceExhausted(marketId, sequence);
        unchecked {
            ++sequence;
        }
    }

    function _revertStart(bytes32 marketId, uint256 volatilityModel, bytes32 given, bytes32 inForce) private view {
        uint256 bound = volatilityModelOf[marketId];
        if (bound != volatilityModel) revert MarketBoundToAnotherModel(marketId, volatilityModel, bound);
        revert StateMismatch(marketId, given, inForce);
    }

    function _checkNewest(
        Batch memory batch,
        MarketUpdate calldata update,
        uint256 words
    ) private pure returns (uint256 asOf) {
        uint256 count = update.observationCount;
        if (count == 0 || count > batch.slots) revert ObservationCountOutOfRange(update.marketId, count, batch.slots);
        // The newest observation stands in the last slot: the upper half of the last word unless that has one slot.
        uint256 newest;
        unchecked {
            newest = _wordAt(words, batch.wordsPerMarket - 1);
        }
        if (batch.slots % SLOTS_PER_WORD == 0) newest >>= SLOT_BITS;
        asOf = ObservationWord.asOf(newest);
        if (asOf < batch.oldest) revert ObservationStale(update.marketId, asOf, batch.oldest);
        if (asOf > batch.latest) revert ObservationInFuture(update.marketId, asOf, batch.latest);
        uint256 previousAsOf = VolatilityStateWord.asOf(update.previousVolatilityState);
        if (asOf <= previousAsOf) revert ObservationNotLater(update.marketId, asOf, previousAsOf);
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
            for (uint256 slot = 0; slot < slots; slot += SLOTS_PER_WORD) {
                uint256 word = _wordAt(words, slot / SLOTS_PER_WORD);
                uint256 high = word >> SLOT_BITS;
                if (high > (slot + 1 < slots ? SLOT_MASK : 0)) revert ObservationWordOutOfRange(update.marketId, word);
                uint256 low = word & SLOT_MASK;
                if (slot < firstUsed) {
                    if (low != 0) revert UnusedSlotNotZero(update.marketId, slot, low);
                } else {
                    if (low == 0) revert UsedSlotIsZero(update.marketId, slot);
                    head = Inbox.extend(head, low);
                }
                if (slot + 1 == slots) break;
                if (slot + 1 < firstUsed) {
                    if (high != 0) revert UnusedSlotNotZero(update.marketId, slot + 1, high);
                } else {
                    if (high == 0) revert UsedSlotIsZero(update.marketId, slot + 1);
                    head = Inbox.extend(head, high);
                }
            }
        }
    }

    /// @dev Compares heads with what the sources recorded: one call per run of markets that share a source.
    function _checkInboxes(MarketUpdate[] calldata updates, bytes32[] memory heads) private view {
        MarketUpdate calldata update = _first(updates);
        uint256 from = 0;
        while (from < updates.length) {
            uint256 length = _runLength(update, updates.length - from);
            uint256 different = _compareRun(update, length, heads, from);
            if (different != length) _revertMismatch(updates[from + different], heads[from + different]);
            assembly ("memory-safe") {
                update := add(update, mul(length, 0x140))
            }
            from += length;
        }
    }

    /// @dev How many updates from `first` on, of those that remain, share its source.
    function _runLength(MarketUpdate calldata first, uint256 remaining) private pure returns (uint256 length) {
        assembly ("memory-safe") {
            let source := calldataload(add(first, 0xa0))
            let update := first
            for { length := 1 } lt(length, remaining) { length := add(length, 1) } {
                update := add(update, 0x140)
                if iszero(eq(calldataload(add(update, 0xa0)), source)) { break }
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
        marketIds[0] = update.marketId;
        counts[0] = update.inboxCount + update.observationCount;
        bytes32[] memory checkpoints = IObservationSource(update.source).checkpoints(marketIds, counts);
        revert InboxMismatch(update.marketId, counts[0], head, checkpoints[0]);
    }

    /// @notice Calls {IObservationSource-checkpoints} for `length` updates from `first`.
    /// @dev Assembly, since building two arrays and decoding a third costs 6,000 gas more.
    /// @return answer memory address of the heads
    function _checkpoints(MarketUpdate calldata first, uint256 length) private view returns (uint256 answer) {
        address source = first.source;
        bytes4 selector = IObservationSource.checkpoints.selector;
        bool valid;
        assembly ("memory-safe") {
            let bytes_ := shl(5, length)
            let call_ := mload(0x40)
            let ids := add(call_, 0x64)
            let counts := add(add(ids, bytes_), 0x20)
            mstore(call_, selector)
            mstore(add(call_, 0x04), 0x40) // where the ids are
            mstore(add(call_, 0x24), add(0x60, bytes_)) // where the counts are
            mstore(add(call_, 0x44), length)
            mstore(add(ids, bytes_), length)
            let update := first
            for { let offset := 0 } lt(offset, bytes_) { offset := add(offset, 0x20) } {
                mstore(add(ids, offset), calldataload(update))
                // Wraps only for a count no inbox has; the state's hash covers it.
                mstore(add(counts, offset), add(calldataload(add(update, 0x80)), calldataload(add(update, 0xc0))))
                update := add(update, 0x140)
            }
            let end := add(counts, bytes_)
            let answered := staticcall(gas(), source, call_, sub(end, call_), end, add(0x40, bytes_))
            valid := and(answered, gt(returndatasize(), add(0x3f, bytes_)))
            valid := and(valid, and(eq(mload(end), 0x20), eq(mload(add(end, 0x20)), length)))
            answer := add(end, 0x40)
            mstore(0x40, add(answer, bytes_))
        }
        if (!valid) revert SourceFailed(source);
    }

    function _apply(
        MarketUpdate[] calldata updates,
        bytes32[] memory heads,
        uint256 volatilityModel,
        MarketRiskStatement.Transcript memory transcript
    ) private {
        MarketUpdate calldata update = _first(updates);
        for (uint256 i = 0; i < updates.length; ++i) {
            bytes32 marketId = update.marketId;
            uint256 stored = update.parameters | (transcript.sequenceOf(i) << SEQUENCE_SHIFT);
            Market storage market = _markets[marketId];
            market.parametersAndSequence = stored;
            bytes32 head;
            assembly ("memory-safe") {
                head := mload(add(add(heads, 0x20), shl(5, i)))
            }
            market.stateHash = _hashNext(update, head, volatilityModel);
            emit ParametersUpdated(marketId, stored);
            update = _next(update);
        }
    }

    /// @dev Hash of the five words that an update presents, which lie side by side in calldata, and of the family of its
    /// model, which nobody presents.
    function _hashPresented(
        MarketUpdate calldata update,
        uint256 volatilityModel
    ) private pure returns (bytes32 hash) {
        assembly ("memory-safe") {
            let free := mload(0x40)
            calldatacopy(free, add(update, 0x20), 0xa0)
            mstore(add(free, 0xa0), volatilityModel)
            hash := keccak256(free, 0xc0)
        }
    }

    /// @dev The same of the update after this one.
    function _hashNext(
        MarketUpdate calldata update,
        bytes32 head,
        uint256 volatilityModel
    ) private pure returns (bytes32 hash) {
        unchecked {
            uint256 count = update.inboxCount + update.observationCount; // a count the source knows
            assembly ("memory-safe") {
                let free := mload(0x40)
                calldatacopy(free, add(update, 0xe0), 0x40) // volatilityState, anchorState
                mstore(add(free, 0x40), head)
                mstore(add(free, 0x60), count)
                calldatacopy(add(free, 0x80), add(update, 0xa0), 0x20) // source
                mstore(add(free, 0xa0), volatilityModel)
                hash := keccak256(free, 0xc0)
            }
        }
    }

    /// @dev Walks the updates without computing each one's place anew; callers stay within the length.
    function _first(MarketUpdate[] calldata updates) private pure returns (MarketUpdate calldata update) {
        assembly ("memory-safe") {
            update := updates.offset
        }
    }

    function _next(MarketUpdate calldata update) private pure returns (MarketUpdate calldata next) {
        assembly ("memory-safe") {
            next := add(update, 0x140)
        }
    }

    /// @dev The index-th of the words that stand at `words` in calldata; callers stay within the length.
    function _wordAt(uint256 words, uint256 index) private pure returns (uint256 word) {
        assembly ("memory-safe") {
            word := calldataload(add(words, shl(5, index)))
        }
    }
}
