// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketState} from "../generated/MarketState.sol";
import {MarketPolicyWord, ObservationElement, ScoreWord} from "../generated/Words.sol";
import {InboxPlaces} from "./InboxPlaces.sol";
import {IRiskParameters} from "./IRiskParameters.sol";

/// @title IShadows
/// @notice Markets tried under other volatility models, beside the one in force and over the same observations.
/// @dev A *shadow* of a market has the market's id with the model's id in its last byte, which no market uses. It moves by
/// proven batches as its market does, and nobody can read parameters of it. Whenever a batch tries a prediction of it, the
/// registry adds the quantile loss to a running score: every term of it is a proven word.
interface IShadows is IRiskParameters {
    /// @notice What the chain holds of a shadow.
    /// @param state      proven, or as governance began it
    /// @param score      of the predictions tried since it was added
    /// @param inboxHead  head of the source's inbox after the last consumed observation
    /// @param inboxCount how many observations have been consumed
    struct Shadow {
        MarketState state;
        ScoreWord score;
        bytes32 inboxHead;
        uint256 inboxCount;
    }

    /// @notice An observation in a source's inbox, by a head that the source still holds.
    /// @param count        its number, from 1
    /// @param previousHead head of the inbox before it
    /// @param observation  the observation
    struct Place {
        uint256 count;
        bytes32 previousHead;
        ObservationElement observation;
    }

    /// @notice What the state hash of a market or a shadow binds, as the next update would present it.
    struct Standing {
        MarketState state;
        bytes32 inboxHead;
        uint256 inboxCount;
        address source;
    }

    /// @notice When a shadow may take its market over.
    /// @param leastPredictions predictions that must have been tried
    /// @param maxMarginStepX24 how far its margins may be from those in force
    struct PromotionPolicy {
        uint32 leastPredictions;
        uint32 maxMarginStepX24;
    }

    /// @notice A market or a shadow of one was added; its parameters wait for the first proof.
    event MarketAdded(
        bytes32 indexed marketId,
        address indexed source,
        uint256 volatilityModel,
        MarketState state,
        bytes32 inboxHead,
        uint256 inboxCount
    );
    /// @notice Observations of a market come from another source; market and shadows go over to it by {followSource}.
    event SourceRotated(bytes32 indexed marketId, address indexed source, address indexed previous);
    /// @notice A market, or a shadow, goes on with the observations of its new source, from its state, which is told at that
    /// source's scale here.
    event SourceFollowed(
        bytes32 indexed marketId,
        address indexed source,
        MarketState state,
        bytes32 inboxHead,
        uint256 inboxCount
    );
    /// @notice A batch tried a prediction of a shadow.
    event ShadowScored(bytes32 indexed shadowId, ScoreWord score);
    /// @notice A shadow is gone, and its score with it.
    event ShadowRemoved(bytes32 indexed shadowId);
    /// @notice A market goes on from the state of a shadow. Its margins are those in force before.
    event ShadowPromoted(
        bytes32 indexed marketId,
        uint256 volatilityModel,
        uint256 previousModel,
        MarketState state,
        bytes32 inboxHead,
        uint256 inboxCount,
        ScoreWord score,
        ScoreWord controlScore
    );
    /// @notice The promotion policy changed.
    event PromotionPolicySet(PromotionPolicy previous, PromotionPolicy current);

    /// @notice The market, or the shadow, exists already.
    error MarketAlreadyExists(bytes32 marketId);
    /// @notice No such market, or no such shadow.
    error UnknownMarket(bytes32 marketId);
    /// @notice The last byte of an id says which model a shadow tries; a market's own is zero.
    error MarketIdIsShadows(bytes32 marketId);
    /// @notice The presented previous state, inbox position and source are not the ones in force.
    error StateMismatch(bytes32 marketId, bytes32 given, bytes32 inForce);
    /// @notice The source holds no such observation at this place, or its head no longer.
    error PlaceUnknown(bytes32 marketId, uint256 count, bytes32 head, bytes32 checkpoint);
    /// @notice A market starts right after an observation of its source, and its state stands at another.
    error InitialStateElsewhere(bytes32 marketId, uint256 asOf, uint256 observationAsOf);
    /// @notice A market starts at an observation that is at most 30 days old.
    error InitialStateTooOld(bytes32 marketId, uint256 asOf, uint256 oldest);
    /// @notice A source has at least one observation of a market before the market goes over to it.
    error SourceWithoutObservation(bytes32 marketId, address source);
    /// @notice The market, or the shadow, stands in this source already.
    error SourceAlreadyFollowed(bytes32 marketId, address source);
    /// @notice The shadow, or the control, stands in another source than its market is to.
    error SourceNotFollowed(bytes32 marketId, address source);
    /// @notice A market goes on in its new source after the last observation that is not later than its state.
    error PlaceNotNext(bytes32 marketId, uint256 asOf, uint256 atPlace, uint256 afterPlace);
    /// @notice A prediction cannot have been made after the state it belongs to.
    error AnchorInFuture(bytes32 marketId, uint256 anchorAsOf, uint256 asOf);
    /// @notice A market is bound to a family of volatility models: 1 to 255.
    error VolatilityModelOutOfRange(bytes32 marketId, uint256 volatilityModel);
    /// @notice No active model of the family is registered: nothing could move the market.
    error NoActiveModel(bytes32 marketId, uint256 volatilityModel);
    /// @notice A batch tries one prediction of a shadow, the running one, where it first comes due: else a loss would go
    /// uncounted.
    error ShadowSkipsPrediction(bytes32 shadowId, uint256 dueAt, uint256 triedAt);
    /// @notice The policy of a shadow differs from its market's in more than what its model alone reads.
    error ShadowPolicyDiffers(bytes32 shadowId, MarketPolicyWord policy, MarketPolicyWord ofMarket);
    /// @notice The market is bound to the shadow's model already.
    error ModelAlreadyInForce(bytes32 marketId, uint256 volatilityModel);
    /// @notice Too few predictions of the shadow have been tried.
    error ShadowUnproven(bytes32 shadowId, uint256 predictions, uint256 least);
    /// @notice The shadow stands before its market, or rests on data older than parameters may be.
    error ShadowStale(bytes32 shadowId, uint256 asOf, uint256 oldest);
    /// @notice The shadow and the one of the model in force did not begin at the same observation with a prediction of the same
    /// time, or have not been tried on as many since, the last one at the same observation.
    error ScoresNotComparable(bytes32 shadowId, uint256 predictions, uint256 controlPredictions);
    /// @notice The shadow lost more than the one of the model in force.
    error ScoreNotBetter(bytes32 shadowId, uint256 lossX44, uint256 controlLossX44);
    /// @notice The shadow's margin is further from the one in force than a promotion may move it.
    error PromotionMovesMargin(bytes32 marketId, uint256 shadowMarginX24, uint256 marginInForceX24, uint256 mostX24);
    /// @notice A bound of the promotion policy is out of its range.
    error PromotionPolicyOutOfRange(uint256 value, uint256 least, uint256 greatest);

    /// @notice Adds a shadow of a market. Restricted. The shadow's own policy must have been set under its id, and its state
    /// must stand at an observation of the source, at most 30 days old, as a market's does.
    /// @custom:reverts UnknownMarket, MarketAlreadyExists, MarketPolicyMissing, ShadowPolicyDiffers, NoActiveModel,
    /// VolatilityModelOutOfRange, WordOutOfRange, PlaceUnknown, InitialStateElsewhere, InitialStateTooOld, AnchorInFuture,
    /// MarginsOutOfOrder
    function addShadow(
        bytes32 marketId,
        uint256 volatilityModel,
        MarketState calldata state,
        Place calldata place
    ) external;

    /// @notice Removes a shadow and its score. Restricted.
    /// @custom:reverts UnknownMarket
    function removeShadow(bytes32 marketId, uint256 volatilityModel) external;

    /// @notice Lets a market go on from a shadow of it, under the shadow's model and policy. Restricted.
    /// @dev Margins stay those in force; from there they move within the speed limits. The shadow stays and is the new
    /// control. Where the model in force has a shadow of its own, the control, the promoted one must have begun together with
    /// it, stand in the market's source as it does, been tried on as many predictions, the last one at the same observation, and have
    /// lost no more, falls and rises together. A market that has not followed its new source yet follows with it.
    /// @custom:reverts UnknownMarket, SourceNotFollowed,
    /// ModelAlreadyInForce, NoActiveModel, NotYetProven, ShadowUnproven, ShadowStale, ShadowPolicyDiffers,
    /// ScoresNotComparable, ScoreNotBetter, PromotionMovesMargin
    function promote(bytes32 marketId, uint256 volatilityModel) external;

    /// @notice Has a market's observations come from another source. Restricted. Market and shadows go on as before, with the
    /// old source's observations, until somebody lets each of them follow.
    /// @custom:reverts UnknownMarket, SourceWithoutObservation
    function rotateSource(bytes32 marketId, address source) external;

    /// @notice Lets a market, or a shadow, go on from its state with its new source. Anyone may call: there is one place to go
    /// on from, behind the last observation of the new source that is not later than the state, or before its first. So no time
    /// is counted twice or left out. Sequence, state and parameters stay, but for log prices where the new source tells prices at
    /// another scale ({IPriceScale}): they move with it, so that no return is of two scales.
    /// @param standing what the state hash binds
    /// @param place    where to go on; count 0 before the first observation
    /// @param next     the new source's observations after it, up to one whose head it still holds; none if there are none
    /// @custom:reverts UnknownMarket, SourceAlreadyFollowed, StateMismatch, PlaceUnknown, PlaceNotNext,
    /// PriceScaleUnknown, PriceScaleOutOfRange, PriceBeyondScale
    function followSource(
        bytes32 marketId,
        Standing calldata standing,
        Place calldata place,
        ObservationElement[] calldata next
    ) external;

    /// @notice Sets when a shadow may take its market over. Restricted.
    /// @custom:reverts PromotionPolicyOutOfRange
    function setPromotionPolicy(PromotionPolicy calldata policy) external;

    /// @notice When a shadow may take its market over.
    function promotionPolicy() external view returns (PromotionPolicy memory);

    /// @notice A shadow of a market.
    /// @return shadow     what the chain holds of it
    /// @return parameters `ParametersWord`, and its sequence above it; what consumers would read were it in force
    /// @custom:reverts UnknownMarket
    function shadowOf(
        bytes32 marketId,
        uint256 volatilityModel
    ) external view returns (Shadow memory shadow, uint256 parameters);

    /// @notice Contract that looks up where in an inbox markets begin and go on; the constructor made it.
    function inboxPlaces() external view returns (InboxPlaces);

    /// @notice Where a market's observations come from; zero if there is no such market.
    function sourceOf(bytes32 marketId) external view returns (address);

    /// @notice Family of volatility models that a market, or a shadow, is bound to; zero if there is none.
    function volatilityModelOf(bytes32 marketId) external view returns (uint256);

    /// @notice Hash of what the next update of a market must present, and of the family of models that may prove it:
    /// keccak256(abi.encode(state, inboxHead, inboxCount, source, volatilityModel)); zero if there is
    /// no such market.
    function stateHash(bytes32 marketId) external view returns (bytes32);
}
