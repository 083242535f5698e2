// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {Pauses} from "./Pauses.sol";

/// @title ModelRegistry
/// @notice Append-only lists of layouts and of circuits.
contract ModelRegistry is IModelRegistry, Pauses {
    /// @dev A model as stored: all that a batch reads shares the first slot.
    // solhint-disable-next-line gas-struct-packing
    struct Stored {
        address verifier;
        uint8 places;
        uint8 slots;
        Status status;
        bool allowsBacklog;
        uint8 volatilityModel;
        uint40 pausedUntil;
        bytes32 verificationKeyHash;
        bytes32 manifestHash;
    }

    mapping(bytes32 layoutHash => Kind) private _kinds;
    mapping(bytes32 modelId => bytes32 layoutHash) private _layoutOf;
    /// @dev By layout first: whoever asks for a model of one layout finds nothing of another, at the price of a hash
    /// instead of a second slot.
    mapping(bytes32 layoutHash => mapping(bytes32 modelId => Stored)) private _models;
    /// @dev Models of a family that were ever paused.
    mapping(bytes32 layoutHash => mapping(uint256 volatilityModel => bytes32[])) private _everPaused;

    /// @inheritdoc IModelRegistry
    mapping(bytes32 layoutHash => mapping(uint256 volatilityModel => uint256 count)) public activeModelsOf;

    /// @param authority AccessManager that knows who is council and who is guardian
    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IModelRegistry
    function registerLayout(bytes32 layoutHash, Kind kind) external restricted {
        Kind registered = _kinds[layoutHash];
        if (registered != Kind.None) revert LayoutAlreadyRegistered(layoutHash, registered);
        if (layoutHash == 0 || kind == Kind.None) revert LayoutWithoutKind(layoutHash, kind);
        _kinds[layoutHash] = kind;
        emit LayoutRegistered(layoutHash, kind);
    }

    /// @inheritdoc IModelRegistry
    function register(bytes32 modelId, Model calldata model) external restricted {
        if (_layoutOf[modelId] != 0) revert ModelAlreadyRegistered(modelId);
        Kind kind = _kinds[model.layoutHash];
        if (kind == Kind.None) revert LayoutUnknown(model.layoutHash);
        if (model.verifier.code.length == 0) revert VerifierWithoutCode(model.verifier);
        if (model.places == 0 || model.slots == 0) revert ModelWithoutPlaces(model.places, model.slots);
        if ((model.volatilityModel != 0) != (kind == Kind.MarketRisk)) {
            revert VolatilityModelOutOfPlace(kind, model.volatilityModel);
        }
        _layoutOf[modelId] = model.layoutHash;
        ++activeModelsOf[model.layoutHash][model.volatilityModel];
        _models[model.layoutHash][modelId] = Stored({
            verifier: model.verifier,
            places: model.places,
            slots: model.slots,
            status: Status.Active,
            allowsBacklog: model.allowsBacklog,
            volatilityModel: model.volatilityModel,
            pausedUntil: 0,
            verificationKeyHash: model.verificationKeyHash,
            manifestHash: model.manifestHash
        });
        emit ModelRegistered(modelId, modelOf(modelId));
    }

    /// @inheritdoc IModelRegistry
    function disable(bytes32 modelId) external restricted {
        bytes32 layoutHash = _layoutOf[modelId];
        Stored storage model = _models[layoutHash][modelId];
        if (model.status != Status.Active) revert ModelNotActive(modelId, model.status);
        model.status = Status.Disabled;
        --activeModelsOf[layoutHash][model.volatilityModel];
        emit ModelDisabled(modelId);
    }

    /// @inheritdoc IModelRegistry
    function activeModel(
        bytes32 modelId,
        bytes32 layoutHash
    )
        external
        view
        returns (address verifier, uint256 places, uint256 slots, bool allowsBacklog, uint256 volatilityModel)
    {
        Stored storage model = _models[layoutHash][modelId];
        if (model.status != Status.Active) _revertUnusable(modelId, layoutHash, model.status);
        if (block.timestamp < model.pausedUntil) revert ModelPaused(modelId, model.pausedUntil);
        return (model.verifier, model.places, model.slots, model.allowsBacklog, model.volatilityModel);
    }

    /// @inheritdoc IModelRegistry
    function pausedSeconds(
        bytes32 layoutHash,
        uint256 volatilityModel,
        Pause[3] calldata others,
        uint256 from,
        uint256 graceSeconds
    ) external view returns (uint256) {
        bytes32[] storage ids = _everPaused[layoutHash][volatilityModel];
        Pause[] memory pauses = new Pause[](ids.length + 3);
        for (uint256 i = 0; i < ids.length; ++i) pauses[i] = pauseOf(ids[i]);
        for (uint256 i = 0; i < 3; ++i) pauses[ids.length + i] = others[i];
        return _covered(pauses, from, graceSeconds);
    }

    /// @inheritdoc IModelRegistry
    function requireLayout(bytes32 layoutHash, Kind kind) external view {
        Kind registered = _kinds[layoutHash];
        if (registered == Kind.None) revert LayoutUnknown(layoutHash);
        if (registered != kind) revert LayoutOfAnotherKind(layoutHash, registered, kind);
    }

    /// @inheritdoc IModelRegistry
    function kindOf(bytes32 layoutHash) external view returns (Kind) {
        return _kinds[layoutHash];
    }

    /// @inheritdoc IModelRegistry
    function modelOf(bytes32 modelId) public view returns (Model memory) {
        bytes32 layoutHash = _layoutOf[modelId];
        Stored storage model = _models[layoutHash][modelId];
        return
            Model({
                verifier: model.verifier,
                places: model.places,
                slots: model.slots,
                status: model.status,
                allowsBacklog: model.allowsBacklog,
                volatilityModel: model.volatilityModel,
                layoutHash: layoutHash,
                verificationKeyHash: model.verificationKeyHash,
                manifestHash: model.manifestHash
            });
    }

    function _paused(bytes32 modelId, uint40 until, uint40) internal override {
        bytes32 layoutHash = _layoutOf[modelId];
        Stored storage model = _models[layoutHash][modelId];
        // The council lifts a pause also after it has disabled the model: held for ever, it would hold its family's clock.
        if (until > block.timestamp && model.status != Status.Active) revert ModelNotActive(modelId, model.status);
        if (model.pausedUntil == 0) _everPaused[layoutHash][model.volatilityModel].push(modelId);
        model.pausedUntil = until;
    }

    /// @dev Seconds since `from` that lie in at least one pause. A pause that was over by then counts for nothing, and neither does
    /// one that ends before it begins: of a source that the market had left.
    function _covered(Pause[] memory pauses, uint256 from, uint256 graceSeconds) private view returns (uint256 total) {
        uint256 reached = from;
        while (reached < block.timestamp) {
            uint256 begin = block.timestamp;
            uint256 end = begin;
            for (uint256 i = 0; i < pauses.length; ++i) {
                uint256 since = pauses[i].since;
                uint256 until = pauses[i].until;
                if (until <= since || until <= from || until + graceSeconds <= reached || since >= begin) continue;
                begin = since;
                end = until + graceSeconds;
            }
            if (begin < reached) begin = reached;
            if (end > block.timestamp) end = block.timestamp;
            total += end - begin;
            reached = end;
        }
    }

    function _revertUnusable(bytes32 modelId, bytes32 expected, Status status) private view {
        bytes32 layoutHash = _layoutOf[modelId];
        if (layoutHash != 0 && layoutHash != expected) revert ModelOfAnotherLayout(modelId, layoutHash, expected);
        revert ModelNotActive(modelId, status);
    }
}
