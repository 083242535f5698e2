// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {MarketRiskLayout} from "../generated/StatementLayouts.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @title ModelRegistry
/// @notice Append-only list of circuits.
contract ModelRegistry is IModelRegistry, AccessManaged {
    // The first slot of a model (verifier, sizes, status, flag) is all that a batch reads.
    mapping(bytes32 modelId => Model) private _models;

    /// @param authority AccessManager that knows who is council and who is guardian
    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IModelRegistry
    function register(bytes32 modelId, Model calldata model) external restricted {
        if (_models[modelId].status != Status.None) revert ModelAlreadyRegistered(modelId);
        bytes32 expected = MarketRiskLayout.LAYOUT_HASH;
        if (model.layoutHash != expected) revert LayoutMismatch(model.layoutHash, expected);
        if (model.verifier.code.length == 0) revert VerifierWithoutCode(model.verifier);
        if (model.markets == 0 || model.observations == 0) {
            revert ModelWithoutPlaces(model.markets, model.observations);
        }
        _models[modelId] = model;
        _models[modelId].status = Status.Active;
        emit ModelRegistered(modelId, _models[modelId]);
    }

    /// @inheritdoc IModelRegistry
    function disable(bytes32 modelId) external restricted {
        Status status = _models[modelId].status;
        if (status != Status.Active) revert ModelNotActive(modelId, status);
        _models[modelId].status = Status.Disabled;
        emit ModelDisabled(modelId);
    }

    /// @inheritdoc IModelRegistry
    function modelOf(bytes32 modelId) external view returns (Model memory) {
        return _models[modelId];
    }

    /// @inheritdoc IModelRegistry
    function activeModel(
        bytes32 modelId
    ) external view returns (address verifier, uint256 markets, uint256 observations, bool allowsBacklog) {
        Model storage model = _models[modelId];
        Status status = model.status;
        if (status != Status.Active) revert ModelNotActive(modelId, status);
        return (model.verifier, model.markets, model.observations, model.allowsBacklog);
    }
}
