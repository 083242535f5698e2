// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketState} from "../generated/MarketState.sol";
import {MarketUpdate} from "../generated/MarketUpdate.sol";
import {IShadows} from "./IShadows.sol";

/// @title IRiskRegistry
/// @notice Moves markets by proof: whole batches, reject never clamp. Nobody can set a parameter.
interface IRiskRegistry is IShadows {
    /// @notice A market's parameters changed: `ParametersWord`, and the new sequence above it.
    event ParametersUpdated(bytes32 indexed marketId, uint256 parametersAndSequence);
    /// @notice A market of the batch had been moved by this sequence before, so nothing was done for it.
    event MarketSkipped(bytes32 indexed marketId, uint256 sequence);
    /// @notice A batch was proven and applied. The rest of it is the calldata of {submit}.
    event BatchAccepted(bytes32 indexed modelId, uint256 commitment, address indexed submitter);

    /// @notice The market is bound to volatility models of another family than the batch's.
    error MarketBoundToAnotherModel(bytes32 marketId, uint256 volatilityModel, uint256 bound);
    /// @notice A batch has at least one market and at most as many as its model has places for.
    error BatchSizeOutOfRange(uint256 markets, uint256 places);
    /// @notice The observation words are not those of this many markets.
    error ObservationWordsMismatch(uint256 given, uint256 expected);
    /// @notice Markets repeat, or are not in order.
    error MarketsNotIncreasing(bytes32 marketId, bytes32 previous);
    /// @notice The batch follows one that has not landed.
    error SequenceAhead(bytes32 marketId, uint256 sequence, uint256 next);
    /// @notice All markets of the batch have been moved by its sequences before.
    error NothingToApply(uint256 markets);
    /// @notice A market has been moved as often as its counter can count.
    error SequenceExhausted(bytes32 marketId, uint256 sequence);
    /// @notice A market takes at least one observation and at most as many as the model has slots for.
    error ObservationCountOutOfRange(bytes32 marketId, uint256 observations, uint256 slots);
    /// @notice The newest observation is older than the policy allows.
    error ObservationStale(bytes32 marketId, uint256 asOf, uint256 oldest);
    /// @notice The newest observation claims a time later than the clock skew allows.
    error ObservationInFuture(bytes32 marketId, uint256 asOf, uint256 latest);
    /// @notice The newest observation is not later than the previous state.
    error ObservationNotLater(bytes32 marketId, uint256 asOf, uint256 previousAsOf);
    /// @notice An observation word has bits that belong to no slot.
    error ObservationWordOutOfRange(bytes32 marketId, uint256 word);
    /// @notice A slot before the batch's observations holds something.
    error UnusedSlotNotZero(bytes32 marketId, uint256 slot, uint256 observation);
    /// @notice A slot of the batch's observations is empty.
    error UsedSlotIsZero(bytes32 marketId, uint256 slot);
    /// @notice The source did not answer with the checkpoints it was asked for.
    error SourceFailed(address source);
    /// @notice The observations are not the source's next ones.
    error InboxMismatch(bytes32 marketId, uint256 count, bytes32 head, bytes32 checkpoint);
    /// @notice A state or parameters word has bits beyond its fields.
    error WordOutOfRange(bytes32 marketId, uint256 word, uint256 bits);
    /// @notice A time in the result is not the newest observation's.
    error AsOfMismatch(bytes32 marketId, uint256 asOf, uint256 newestAsOf);
    /// @notice The margins the dampers will start from are not the margins in force.
    error MarginsMismatch(bytes32 marketId, uint256 inAnchorState, uint256 inParameters);
    /// @notice Not 0 < maintenance <= initial.
    error MarginsOutOfOrder(bytes32 marketId, uint256 maintenanceMarginX24, uint256 initialMarginX24);
    /// @notice A loan-to-value limit is not 1 - margin - bonus.
    error LoanToValueMismatch(bytes32 marketId, uint256 loanToValueX24, uint256 expectedX24);
    /// @notice The volatility used is outside the policy's bounds.
    error VolatilityOutOfBounds(bytes32 marketId, uint256 volatilityX24, uint256 leastX24, uint256 greatestX24);
    /// @notice The scan range is outside the policy's bounds, or narrower than the predicted move.
    error ScanRangeOutOfBounds(bytes32 marketId, uint256 scanRangeX24, uint256 leastX24, uint256 greatestX24);
    /// @notice The initial margin fell faster than the policy allows.
    error InitialMarginTooFast(bytes32 marketId, uint256 initialMarginX24, uint256 leastX24);
    /// @notice The maintenance margin moved faster than the policy allows.
    error MaintenanceMarginTooFast(bytes32 marketId, uint256 maintenanceMarginX24, uint256 limitX24);
    /// @notice The maintenance margin left the policy's bounds, or moved away from them.
    error MaintenanceMarginOutOfBounds(bytes32 marketId, uint256 maintenanceMarginX24, uint256 boundX24);

    /// @notice Adds a market: the last time anybody but a prover has a say in its state. Restricted. The market's policy
    /// must have been set, and the state must stand at an observation of the source, at most 30 days old: what came after it is
    /// proven like everything else, and until that is done the parameters are stale. So a call that was scheduled days before
    /// says what it said then.
    /// @param volatilityModel family of volatility models that may move the market, see {IModelRegistry-Model}: with several
    /// models alive, nobody may prove with the one that suits them
    /// @param place which observation the state stands at
    /// @custom:reverts MarketAlreadyExists, MarketIdIsShadows, MarketPolicyMissing, VolatilityModelOutOfRange, NoActiveModel,
    /// WordOutOfRange, PlaceUnknown, InitialStateElsewhere, InitialStateTooOld, AnchorInFuture, MarginsOutOfOrder
    function addMarket(
        bytes32 marketId,
        address source,
        uint256 volatilityModel,
        MarketState calldata state,
        Place calldata place
    ) external;

    /// @notice Puts proven parameters in force. Anyone may call: the proof is the permission.
    /// @dev Checks run from cheap to dear: model and shape; for every market order, state, freshness, observation slots and
    /// guard-rails; inboxes; canonical encoding; proof. A market that has been moved by its sequence in the meantime, by
    /// whomever, is skipped: what is presented of it is a part of what was proven, so the others land with the same proof. All
    /// the others move, or none.
    /// @param modelId          active model of the model registry
    /// @param commitment       the circuit's commitment to its input words
    /// @param proof            Groth16 points [ax, ay, bx1, bx0, by1, by0, cx, cy]
    /// @param updates          1 to M markets and shadows of markets, by strictly increasing id
    /// @param observationWords for every market in turn the words of K slots, several a word, the first in the low bits;
    /// unused slots come first and are zero, the newest observation comes last
    function submit(
        bytes32 modelId,
        uint256 commitment,
        uint256[8] calldata proof,
        MarketUpdate[] calldata updates,
        uint256[] calldata observationWords
    ) external;
}
