// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AnchorStateWord, ObservationWord, VolatilityStateWord} from "../generated/PackedWords.sol";
import {IObservationSource} from "../market/IObservationSource.sol";
import {Inbox} from "../market/Inbox.sol";
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
    using MarketRiskStatement for MarketRiskStatement.Transcript;

    /// @notice Clocks of sources and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = 15;

    uint256 private constant MAX_SEQUENCE = 2 ** (256 - SEQUENCE_SHIFT) - 1;
    uint256 private constant SLOTS_PER_WORD = 2;
    uint256 private constant SLOT_BITS = ObservationWord.BITS;
    uint256 private constant SLOT_MASK = 2 ** SLOT_BITS - 1;

    /// @notice Circuits that may move parameters.
    IModelRegistry public immutable models;

    /// @dev What a batch may do, from its model and the policy.
    struct Terms {
        uint256 slots;
        uint256 wordsPerMarket;
        uint256 oldest;
        uint256 latest;
    }

    /// @param authority      AccessManager that knows who may set policy and add markets
    /// @param models_        registry of models
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
        models = models_;
    }

    /// @inheritdoc IRiskRegistry
    function addMarket(
        bytes32 marketId,
        address source,
        uint256 volatilityState,
        uint256 anchorState
    ) external restricted {
        if (_markets[marketId].stateHash != 0) revert MarketAlreadyExists(marketId);
        marketPolicy(marketId);
        uint256 asOf = VolatilityStateWord.asOf(volatilityState);
        GuardRails.checkState(marketId, volatilityState, anchorState, asOf);
        uint256 anchorAsOf = AnchorStateWord.anchorAsOf(anchorState);
        if (anchorAsOf > asOf) revert AnchorInFuture(marketId, anchorAsOf, asOf);
        (bytes32 head, uint256 count, uint256 latestAsOf, ) = IObservationSource(source).latest(marketId);
        if (count == 0 || asOf != latestAsOf) revert InitialStateNotAtLatest(marketId, asOf, latestAsOf);
        _markets[marketId].stateHash = keccak256(abi.encode(volatilityState, anchorState, head, count, source));
        emit MarketAdded(marketId, source, volatilityState, anchorState, head, count);
    }

    /// @inheritdoc IRiskRegistry
    function submit(
        bytes32 modelId,
        uint256 commitment,
        uint256[8] calldata proof,
        MarketUpdate[] calldata updates,
        uint256[] calldata observationWords
    ) external {
        (address verifier, uint256 places, uint256 slots, bool allowsBacklog) = models.activeModel(modelId);
        Terms memory terms = _terms(slots, allowsBacklog);
        if (updates.length == 0 || updates.length > places) revert BatchSizeOutOfRange(updates.length, places);
        uint256 expected = updates.length * terms.wordsPerMarket;
        if (observationWords.length != expected) revert ObservationWordsMismatch(observationWords.length, expected);

        MarketRiskStatement.Transcript memory transcript = MarketRiskStatement.open(
            modelId,
            commitment,
            updates.length,
            places,
            terms.wordsPerMarket
        );
        bytes32[] memory heads = _takeInputs(terms, updates, observationWords, transcript);
        _checkInboxes(updates, heads);
        _takeOutputs(terms, updates, observationWords, transcript);
        CanonicalProof.verify(verifier, proof, transcript.close());
        _apply(updates, heads, transcript);
        emit BatchAccepted(modelId, commitment, msg.sender);
    }

    /// @inheritdoc IRiskRegistry
    function stateHash(bytes32 marketId) external view returns (bytes32) {
        return _markets[marketId].stateHash;
    }

    function _terms(uint256 slots, bool allowsBacklog) private view returns (Terms memory terms) {
        terms.slots = slots;
        terms.wordsPerMarket = (slots + SLOTS_PER_WORD - 1) / SLOTS_PER_WORD;
        terms.oldest = allowsBacklog ? 0 : block.timestamp - freshnessPolicy().maxObservationAgeSeconds;
        terms.latest = block.timestamp + CLOCK_SKEW_SECONDS;
    }

    /// @dev Checks what every market starts from and puts it into the transcript.
    /// @return heads inbox heads after the batch's observations, not yet compared with the sources' checkpoints
    function _takeInputs(
        Terms memory terms,
        MarketUpdate[] calldata updates,
        uint256[] calldata observationWords,
        MarketRiskStatement.Transcript memory transcript
    ) private view returns (bytes32[] memory heads) {
        heads = new bytes32[](updates.length);
        transcript.putShared(learningPolicy(), marginPolicy());
        bytes32 previousId;
        for (uint256 i = 0; i < updates.length; ++i) {
            MarketUpdate calldata update = updates[i];
            if (i != 0 && update.marketId <= previousId) revert MarketsNotIncreasing(update.marketId, previousId);
            previousId = update.marketId;
            uint256 sequence = _nextSequence(update);
            uint256[] calldata words = _wordsOf(observationWords, i, terms.wordsPerMarket);
            _checkNewest(terms, update, words);
            heads[i] = _rehash(terms, update, words);
            transcript.putInputs(
                i,
                previousId,
                sequence,
                update.previousVolatilityState,
                update.previousAnchorState,
                marketPolicy(previousId),
                words
            );
        }
    }

    /// @dev The presented state is the one in force, and the sequence can count one more batch.
    function _nextSequence(MarketUpdate calldata update) private view returns (uint256 sequence) {
        Market storage market = _markets[update.marketId];
        bytes32 inForce = market.stateHash;
        if (inForce == 0) revert UnknownMarket(update.marketId);
        bytes32 given = keccak256(
            abi.encode(
                update.previousVolatilityState,
                update.previousAnchorState,
                update.inboxHead,
                update.inboxCount,
                update.source
            )
        );
        if (given != inForce) revert StateMismatch(update.marketId, given, inForce);
        sequence = market.parametersAndSequence >> SEQUENCE_SHIFT;
        if (sequence == MAX_SEQUENCE) revert SequenceExhausted(update.marketId, sequence);
        ++sequence;
    }

    function _checkNewest(Terms memory terms, MarketUpdate calldata update, uint256[] calldata words) private pure {
        uint256 count = update.observationCount;
        if (count == 0 || count > terms.slots) revert ObservationCountOutOfRange(update.marketId, count, terms.slots);
        uint256 asOf = _newestAsOf(terms, words);
        if (asOf < terms.oldest) revert ObservationStale(update.marketId, asOf, terms.oldest);
        if (asOf > terms.latest) revert ObservationInFuture(update.marketId, asOf, terms.latest);
        uint256 previousAsOf = VolatilityStateWord.asOf(update.previousVolatilityState);
        if (asOf <= previousAsOf) revert ObservationNotLater(update.marketId, asOf, previousAsOf);
    }

    /// @dev Extends the consumed inbox head by the used slots; the unused ones, which come first, are zero.
    function _rehash(
        Terms memory terms,
        MarketUpdate calldata update,
        uint256[] calldata words
    ) private pure returns (bytes32 head) {
        uint256 slots = terms.slots;
        uint256 firstUsed = slots - update.observationCount;
        head = update.inboxHead;
        for (uint256 slot = 0; slot < slots; ++slot) {
            uint256 word = words[slot / SLOTS_PER_WORD];
            bool isLow = slot % SLOTS_PER_WORD == 0;
            if (isLow) {
                uint256 bits = slot + 1 < slots ? SLOTS_PER_WORD * SLOT_BITS : SLOT_BITS;
                if (word >> bits != 0) revert ObservationWordOutOfRange(update.marketId, word, bits);
            }
            uint256 observation = isLow ? word & SLOT_MASK : word >> SLOT_BITS;
            if (slot >= firstUsed) {
                if (observation == 0) revert UsedSlotIsZero(update.marketId, slot);
                head = Inbox.extend(head, observation);
            } else if (observation != 0) {
                revert UnusedSlotNotZero(update.marketId, slot, observation);
            }
        }
    }

    /// @dev One call per run of markets that share a source.
    function _checkInboxes(MarketUpdate[] calldata updates, bytes32[] memory heads) private view {
        uint256 from = 0;
        while (from < updates.length) {
            address source = updates[from].source;
            uint256 to = from + 1;
            while (to < updates.length && updates[to].source == source) ++to;
            _checkRun(source, updates[from:to], heads, from);
            from = to;
        }
    }

    function _checkRun(
        address source,
        MarketUpdate[] calldata run,
        bytes32[] memory heads,
        uint256 from
    ) private view {
        bytes32[] memory marketIds = new bytes32[](run.length);
        uint256[] memory counts = new uint256[](run.length);
        for (uint256 i = 0; i < run.length; ++i) {
            marketIds[i] = run[i].marketId;
            counts[i] = run[i].inboxCount + run[i].observationCount;
        }
        bytes32[] memory checkpoints = IObservationSource(source).checkpoints(marketIds, counts);
        for (uint256 i = 0; i < run.length; ++i) {
            if (heads[from + i] != checkpoints[i]) {
                revert InboxMismatch(marketIds[i], counts[i], heads[from + i], checkpoints[i]);
            }
        }
    }

    /// @dev Holds every result to the guard-rails and puts it into the transcript.
    function _takeOutputs(
        Terms memory terms,
        MarketUpdate[] calldata updates,
        uint256[] calldata observationWords,
        MarketRiskStatement.Transcript memory transcript
    ) private view {
        uint256 margin = marginPolicy();
        for (uint256 i = 0; i < updates.length; ++i) {
            MarketUpdate calldata update = updates[i];
            uint256 newestAsOf = _newestAsOf(terms, _wordsOf(observationWords, i, terms.wordsPerMarket));
            GuardRails.check(update, newestAsOf, transcript.marketPolicyOf(i), margin);
            transcript.putOutputs(i, update.volatilityState, update.anchorState, update.parameters);
        }
    }

    function _apply(
        MarketUpdate[] calldata updates,
        bytes32[] memory heads,
        MarketRiskStatement.Transcript memory transcript
    ) private {
        for (uint256 i = 0; i < updates.length; ++i) {
            MarketUpdate calldata update = updates[i];
            Market storage market = _markets[update.marketId];
            uint256 stored = update.parameters | (transcript.sequenceOf(i) << SEQUENCE_SHIFT);
            market.parametersAndSequence = stored;
            market.stateHash = keccak256(
                abi.encode(
                    update.volatilityState,
                    update.anchorState,
                    heads[i],
                    update.inboxCount + update.observationCount,
                    update.source
                )
            );
            emit ParametersUpdated(update.marketId, stored);
        }
    }

    function _wordsOf(
        uint256[] calldata observationWords,
        uint256 index,
        uint256 wordsPerMarket
    ) private pure returns (uint256[] calldata) {
        return observationWords[index * wordsPerMarket:(index + 1) * wordsPerMarket];
    }

    /// @dev The newest observation stands in the last slot.
    function _newestAsOf(Terms memory terms, uint256[] calldata words) private pure returns (uint256) {
        uint256 last = terms.slots - 1;
        return ObservationWord.asOf(words[last / SLOTS_PER_WORD] >> (SLOT_BITS * (last % SLOTS_PER_WORD)));
    }
}
