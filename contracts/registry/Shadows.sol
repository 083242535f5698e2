// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketState} from "../generated/MarketState.sol";
import {
    AnchorStateFields,
    AnchorStateWord,
    LearningPolicyWord,
    MarketPolicyFields,
    MarketPolicyWord,
    ObservationElement,
    ParametersWord,
    ScoreWord
} from "../generated/Words.sol";
import {IObservationSource} from "../market/IObservationSource.sol";
import {GuardRails} from "./GuardRails.sol";
import {InboxPlaces} from "./InboxPlaces.sol";
import {IShadows} from "./IShadows.sol";
import {RiskParameters} from "./RiskParameters.sol";
import {ShadowId} from "./ShadowId.sol";
import {ShadowScore} from "./ShadowScore.sol";

/// @title Shadows
/// @notice Markets begin here, their shadows too; and a shadow may become its market.
abstract contract Shadows is IShadows, RiskParameters {
    using ShadowId for bytes32;
    using ShadowScore for ScoreWord;

    /// @dev A week of hourly predictions, and five points: what a deployment starts with.
    uint32 private constant FIRST_LEAST_PREDICTIONS = 168;
    uint32 private constant FIRST_MAX_MARGIN_STEP_X24 = 838_861;
    /// @dev A day of hourly predictions says nothing of a quantile of one in two hundred.
    uint32 private constant MIN_LEAST_PREDICTIONS = 24;
    /// @dev A tenth of notional: what a venue's accounts could not have been warned of.
    uint32 private constant MAX_MARGIN_STEP_X24 = 1_677_721;

    /// @inheritdoc IShadows
    InboxPlaces public immutable inboxPlaces = new InboxPlaces();

    /// @dev Where a market's observations came from before, and when it went over; zero until then.
    struct Rotation {
        address previous;
        uint40 followedAt;
    }

    mapping(bytes32 marketId => Rotation) private _rotations;
    mapping(bytes32 shadowId => Shadow) private _shadows;
    /// @dev Hash of when the first prediction was made and of the inbox when it was added, which its head binds with its source.
    mapping(bytes32 shadowId => bytes32) private _beginnings;
    PromotionPolicy private _promotionPolicy = PromotionPolicy(FIRST_LEAST_PREDICTIONS, FIRST_MAX_MARGIN_STEP_X24);

    /// @inheritdoc IShadows
    /// @dev Batches are held to it by the state's hash, of which it is a part: reading it would cost them a slot a market.
    mapping(bytes32 marketId => uint256 volatilityModel) public volatilityModelOf;

    /// @inheritdoc IShadows
    function addShadow(
        bytes32 marketId,
        uint256 volatilityModel,
        MarketState calldata state,
        Place calldata place
    ) external restricted {
        address source = _ownSource(marketId);
        _checkModel(marketId, volatilityModel);
        bytes32 shadowId = marketId.shadowOf(volatilityModel);
        _checkPolicies(marketId, shadowId);
        bytes32 head = _begin(shadowId, source, volatilityModel, state, place);
        _sources[shadowId] = source;
        _shadows[shadowId] = Shadow(state, ScoreWord.wrap(0), head, place.count);
        _beginnings[shadowId] = keccak256(abi.encode(state.anchorState.anchorAsOf(), head));
    }

    /// @inheritdoc IShadows
    /// @dev The sequence stays, so that one added later goes on from it.
    function removeShadow(bytes32 marketId, uint256 volatilityModel) external restricted {
        bytes32 shadowId = _shadowId(marketId, volatilityModel);
        Market storage market = _markets[shadowId];
        market.stateHash = 0;
        market.parametersAndSequence = (market.parametersAndSequence >> SEQUENCE_SHIFT) << SEQUENCE_SHIFT;
        delete _shadows[shadowId];
        delete _beginnings[shadowId];
        delete volatilityModelOf[shadowId];
        emit ShadowRemoved(shadowId);
    }

    /// @inheritdoc IShadows
    function promote(bytes32 marketId, uint256 volatilityModel) external restricted {
        uint256 previousModel = volatilityModelOf[marketId];
        if (previousModel == volatilityModel) revert ModelAlreadyInForce(marketId, volatilityModel);
        bytes32 shadowId = _shadowId(marketId, volatilityModel);
        _checkActive(marketId, volatilityModel);
        Shadow memory shadow = _shadows[shadowId];
        uint256 stored = _markets[marketId].parametersAndSequence;
        if (stored == 0) revert NotYetProven(marketId);
        ParametersWord inForce = ParametersWord.wrap(stored);
        address source = _sources[marketId];
        _checkFollowed(shadowId, source);
        _checkProgress(shadowId, shadow, inForce.asOf());
        ScoreWord controlScore = _checkScore(shadowId, shadow, marketId.shadowOf(previousModel));
        _checkMargins(marketId, ParametersWord.wrap(_markets[shadowId].parametersAndSequence), inForce);
        _setMarketPolicy(marketId, _checkPolicies(marketId, shadowId));
        MarketState memory state = _putInForce(marketId, volatilityModel, shadow, inForce);
        emit ShadowPromoted(
            marketId,
            volatilityModel,
            previousModel,
            state,
            shadow.inboxHead,
            shadow.inboxCount,
            shadow.score,
            controlScore
        );
    }

    /// @inheritdoc IShadows
    function rotateSource(bytes32 marketId, address source) external restricted {
        address previous = _ownSource(marketId);
        (, uint256 count, , ) = IObservationSource(source).latest(marketId);
        if (count == 0) revert SourceWithoutObservation(marketId, source);
        _sources[marketId] = source;
        Rotation storage rotation = _rotations[marketId];
        // Where the last one was not followed, the market stands in the source before still.
        if (rotation.previous == address(0) || rotation.followedAt != 0) _rotations[marketId] = Rotation(previous, 0);
        emit SourceRotated(marketId, source, previous);
    }

    /// @inheritdoc IShadows
    function followSource(
        bytes32 marketId,
        Standing calldata standing,
        Place calldata place,
        ObservationElement[] calldata next
    ) external {
        bytes32 inForce = _markets[marketId].stateHash;
        if (inForce == 0) revert UnknownMarket(marketId);
        address source = _sources[marketId.marketOf()];
        if (standing.source == source) revert SourceAlreadyFollowed(marketId, source);
        uint256 model = volatilityModelOf[marketId];
        bytes32 given = keccak256(abi.encode(standing, model));
        if (given != inForce) revert StateMismatch(marketId, given, inForce);
        (bytes32 head, MarketState memory state) = inboxPlaces.goOn(marketId, source, standing, place, next);
        _markets[marketId].stateHash = _hash(state, head, place.count, source, model);
        if (marketId.isShadow()) {
            _sources[marketId] = source;
            Shadow storage shadow = _shadows[marketId];
            shadow.state = state;
            shadow.inboxHead = head;
            shadow.inboxCount = place.count;
        } else {
            _noteFollowed(marketId);
        }
        emit SourceFollowed(marketId, source, state, head, place.count);
    }

    /// @inheritdoc IShadows
    function setPromotionPolicy(PromotionPolicy calldata policy) external restricted {
        if (policy.leastPredictions < MIN_LEAST_PREDICTIONS) {
            revert PromotionPolicyOutOfRange(policy.leastPredictions, MIN_LEAST_PREDICTIONS, type(uint32).max);
        }
        if (policy.maxMarginStepX24 > MAX_MARGIN_STEP_X24) {
            revert PromotionPolicyOutOfRange(policy.maxMarginStepX24, 0, MAX_MARGIN_STEP_X24);
        }
        emit PromotionPolicySet(_promotionPolicy, policy);
        _promotionPolicy = policy;
    }

    /// @inheritdoc IShadows
    function promotionPolicy() external view returns (PromotionPolicy memory) {
        return _promotionPolicy;
    }

    /// @inheritdoc IShadows
    function shadowOf(
        bytes32 marketId,
        uint256 volatilityModel
    ) external view returns (Shadow memory shadow, uint256 parameters_) {
        bytes32 shadowId = _shadowId(marketId, volatilityModel);
        return (_shadows[shadowId], _markets[shadowId].parametersAndSequence);
    }

    /// @inheritdoc IShadows
    function sourceOf(bytes32 marketId) external view returns (address) {
        return _sources[marketId.marketOf()];
    }

    /// @inheritdoc IShadows
    function stateHash(bytes32 marketId) external view returns (bytes32) {
        return _markets[marketId].stateHash;
    }

    /// @dev A market of one's own: nobody but a prover has a say in its state any more.
    function _addMarket(
        bytes32 marketId,
        address source,
        uint256 volatilityModel,
        MarketState calldata state,
        Place calldata place
    ) internal {
        if (marketId.isShadow()) revert MarketIdIsShadows(marketId);
        marketPolicy(marketId);
        _checkModel(marketId, volatilityModel);
        _begin(marketId, source, volatilityModel, state, place);
        _sources[marketId] = source;
    }

    /// @dev Takes over what a batch has proven of a shadow, and the loss of the prediction that it tried, if any.
    function _moveShadow(
        bytes32 shadowId,
        MarketState calldata state,
        bytes32 inboxHead,
        uint256 inboxCount,
        LearningPolicyWord policy
    ) internal {
        Shadow storage shadow = _shadows[shadowId];
        AnchorStateWord before = shadow.state.anchorState;
        // A prediction begins where the last one was tried, later than it began.
        if (state.anchorState.anchorAsOf() != before.anchorAsOf()) {
            ScoreWord score = shadow.score.add(before, state.anchorState, policy);
            shadow.score = score;
            emit ShadowScored(shadowId, score);
        }
        shadow.state = state;
        shadow.inboxHead = inboxHead;
        shadow.inboxCount = inboxCount;
    }

    /// @dev Pause of the source before, as long as the market stood in it: what a source was paused for is why it is replaced, and
    /// that must not count as staleness afterwards.
    function _pauseBefore(bytes32 marketId) internal view returns (Pause memory before) {
        Rotation memory rotation = _rotations[marketId];
        before = pauseOf(_idOf(rotation.previous));
        if (rotation.followedAt != 0 && before.until > rotation.followedAt) before.until = rotation.followedAt;
    }

    /// @dev Where what is in force was observed: before a market has followed, and until something later is proven, in the source
    /// before.
    function _sourceInForce(bytes32 marketId) internal view override returns (address) {
        Rotation memory rotation = _rotations[marketId];
        uint256 followedAt = rotation.followedAt;
        bool isOfBefore =
            followedAt == 0 || ParametersWord.wrap(_markets[marketId].parametersAndSequence).asOf() <= followedAt;
        return isOfBefore && rotation.previous != address(0) ? rotation.previous : _sources[marketId];
    }

    /// @dev A guardian in haste learns that it has named nothing.
    function _paused(bytes32 id, uint40, uint40 latest) internal override {
        bool isSource = address(uint160(uint256(id))).code.length != 0 && uint256(id) >> 160 == 0;
        if (!isSource && (id.isShadow() || _markets[id].stateHash == 0)) revert UnknownMarket(id);
        _notePauses(latest);
    }

    /// @dev What markets and shadows begin with.
    function _begin(
        bytes32 id,
        address source,
        uint256 volatilityModel,
        MarketState calldata state,
        Place calldata place
    ) private returns (bytes32 head) {
        if (_markets[id].stateHash != 0) revert MarketAlreadyExists(id);
        _checkActive(id, volatilityModel);
        uint256 asOf = state.volatilityState.asOf();
        GuardRails.checkState(id, state, asOf);
        uint256 anchorAsOf = state.anchorState.anchorAsOf();
        if (anchorAsOf > asOf) revert AnchorInFuture(id, anchorAsOf, asOf);
        head = inboxPlaces.headOfFirst(id, source, asOf, place);
        _markets[id].stateHash = _hash(state, head, place.count, source, volatilityModel);
        volatilityModelOf[id] = volatilityModel;
        emit MarketAdded(id, source, volatilityModel, state, head, place.count);
    }

    /// @dev How many active models estimate volatility by a family.
    function _activeModels(uint256 volatilityModel) internal view virtual returns (uint256 count);

    /// @dev What begins under a family, or goes on under it, needs a model of it to be moved by.
    function _checkActive(bytes32 marketId, uint256 volatilityModel) private view {
        if (_activeModels(volatilityModel) == 0) revert NoActiveModel(marketId, volatilityModel);
    }

    function _ownSource(bytes32 marketId) private view returns (address source) {
        source = _sources[marketId];
        if (source == address(0) || marketId.isShadow()) revert UnknownMarket(marketId);
    }

    function _checkModel(bytes32 marketId, uint256 volatilityModel) private pure {
        if (volatilityModel == 0 || volatilityModel > type(uint8).max) {
            revert VolatilityModelOutOfRange(marketId, volatilityModel);
        }
    }

    function _shadowId(bytes32 marketId, uint256 volatilityModel) private view returns (bytes32 shadowId) {
        _checkModel(marketId, volatilityModel);
        if (marketId.isShadow()) revert UnknownMarket(marketId);
        shadowId = marketId.shadowOf(volatilityModel);
        if (_markets[shadowId].stateHash == 0) revert UnknownMarket(shadowId);
    }

    /// @dev Only what its model alone reads may differ.
    function _checkPolicies(bytes32 marketId, bytes32 shadowId) private view returns (MarketPolicyWord policy) {
        policy = marketPolicy(shadowId);
        MarketPolicyWord ofMarket = marketPolicy(marketId);
        uint256 difference = MarketPolicyWord.unwrap(policy) ^ MarketPolicyWord.unwrap(ofMarket);
        if (difference % 2 ** MarketPolicyFields.LONG_RUN_VOLATILITY_X16_AT != 0) {
            revert ShadowPolicyDiffers(shadowId, policy, ofMarket);
        }
    }

    /// @dev Tried often enough, and not behind its market nor out of date.
    function _checkProgress(bytes32 shadowId, Shadow memory shadow, uint256 asOfInForce) private view {
        uint256 predictions = shadow.score.predictions();
        uint256 least = _promotionPolicy.leastPredictions;
        if (predictions < least) revert ShadowUnproven(shadowId, predictions, least);
        uint256 asOf = shadow.state.volatilityState.asOf();
        uint256 oldest = block.timestamp - _policyOfReads().maxParameterAgeSeconds;
        if (asOfInForce > oldest) oldest = asOfInForce;
        if (asOf < oldest) revert ShadowStale(shadowId, asOf, oldest);
    }

    function _checkFollowed(bytes32 shadowId, address source) private view {
        if (_sources[shadowId] != source) revert SourceNotFollowed(shadowId, source);
    }

    /// @dev Against the shadow of the model in force, if there is one.
    function _checkScore(
        bytes32 shadowId,
        Shadow memory shadow,
        bytes32 controlId
    ) private view returns (ScoreWord controlScore) {
        if (_markets[controlId].stateHash == 0) return controlScore;
        _checkFollowed(controlId, _sources[shadowId]);
        Shadow memory control = _shadows[controlId];
        controlScore = control.score;
        uint256 predictions = shadow.score.predictions();
        uint256 controlPredictions = controlScore.predictions();
        // The last ones were tried where the running ones began. What came after counts for neither, so nobody keeps a
        // promotion off by moving one of the two. A missing observation joins what did not begin together.
        bool together = shadow.state.anchorState.anchorAsOf() == control.state.anchorState.anchorAsOf() &&
            _beginnings[shadowId] == _beginnings[controlId];
        if (!together || predictions != controlPredictions) {
            revert ScoresNotComparable(shadowId, predictions, controlPredictions);
        }
        uint256 loss = shadow.score.lossX44();
        uint256 controlLoss = controlScore.lossX44();
        if (loss > controlLoss) revert ScoreNotBetter(shadowId, loss, controlLoss);
    }

    /// @dev From the margins in force the next proof moves the initial one up at once, so the jump is bounded here.
    function _checkMargins(bytes32 marketId, ParametersWord ofShadow, ParametersWord inForce) private view {
        uint256 most = _promotionPolicy.maxMarginStepX24;
        _checkMargin(marketId, ofShadow.initialMarginX24(), inForce.initialMarginX24(), most);
        _checkMargin(marketId, ofShadow.maintenanceMarginX24(), inForce.maintenanceMarginX24(), most);
    }

    function _checkMargin(bytes32 marketId, uint256 ofShadow, uint256 inForce, uint256 most) private pure {
        uint256 step = ofShadow > inForce ? ofShadow - inForce : inForce - ofShadow;
        if (step > most) revert PromotionMovesMargin(marketId, ofShadow, inForce, most);
    }

    /// @dev The market goes on from the shadow's state, with the margins in force in place of the shadow's.
    function _putInForce(
        bytes32 marketId,
        uint256 volatilityModel,
        Shadow memory shadow,
        ParametersWord inForce
    ) private returns (MarketState memory state) {
        state = shadow.state;
        state.anchorState = _withMargins(state.anchorState, inForce);
        _markets[marketId].stateHash = _hash(
            state,
            shadow.inboxHead,
            shadow.inboxCount,
            _sources[marketId],
            volatilityModel
        );
        volatilityModelOf[marketId] = volatilityModel;
        _noteFollowed(marketId); // the shadow stands in the source that the market is to follow
    }

    /// @dev Once a rotation: a market that stands in its source already stays as it is.
    function _noteFollowed(bytes32 marketId) private {
        Rotation storage rotation = _rotations[marketId];
        if (rotation.followedAt == 0) rotation.followedAt = uint40(block.timestamp);
    }

    function _hash(
        MarketState memory state,
        bytes32 inboxHead,
        uint256 inboxCount,
        address source,
        uint256 volatilityModel
    ) private pure returns (bytes32) {
        return keccak256(abi.encode(state, inboxHead, inboxCount, source, volatilityModel));
    }

    /// @dev Both margins have as many bits in both words.
    function _withMargins(AnchorStateWord state, ParametersWord inForce) private pure returns (AnchorStateWord) {
        uint256 margin = type(uint24).max;
        uint256 kept = ~((margin << AnchorStateFields.INITIAL_MARGIN_X24_AT) |
            (margin << AnchorStateFields.MAINTENANCE_MARGIN_X24_AT));
        return
            AnchorStateWord.wrap(
                (AnchorStateWord.unwrap(state) & kept) |
                    (inForce.initialMarginX24() << AnchorStateFields.INITIAL_MARGIN_X24_AT) |
                    (inForce.maintenanceMarginX24() << AnchorStateFields.MAINTENANCE_MARGIN_X24_AT)
            );
    }
}
