// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {
    MarketRiskLayout,
    OptionBookLayout,
    PortfolioMarginLayout,
    RiskArrayLayout,
    UnhealthyWitnessLayout
} from "../generated/StatementLayouts.sol";
import {IModelRegistry} from "./IModelRegistry.sol";

/// @title ModelRegistry
/// @notice Append-only list of circuits.
contract ModelRegistry is IModelRegistry, AccessManaged {
    /// @dev A model as stored: kind and all else that a batch reads share the first slot.
    // solhint-disable-next-line gas-struct-packing
    struct Stored {
        address verifier;
        uint8 markets;
        uint8 observations;
        Status status;
        bool allowsBacklog;
        Kind kind;
        bytes32 layoutHash;
        bytes32 verificationKeyHash;
        bytes32 manifestHash;
    }

    mapping(bytes32 modelId => Stored) private _models;

    /// @param authority AccessManager that knows who is council and who is guardian
    constructor(address authority) AccessManaged(authority) {}

    /// @inheritdoc IModelRegistry
    function register(bytes32 modelId, Model calldata model) external restricted {
        if (_models[modelId].status != Status.None) revert ModelAlreadyRegistered(modelId);
        Kind kind = kindOf(model.layoutHash);
        if (model.verifier.code.length == 0) revert VerifierWithoutCode(model.verifier);
        if (model.markets == 0 || model.observations == 0) {
            revert ModelWithoutPlaces(model.markets, model.observations);
        }
        _models[modelId] = Stored({
            verifier: model.verifier,
            markets: model.markets,
            observations: model.observations,
            status: Status.Active,
            allowsBacklog: model.allowsBacklog,
            kind: kind,
            layoutHash: model.layoutHash,
            verificationKeyHash: model.verificationKeyHash,
            manifestHash: model.manifestHash
        });
        emit ModelRegistered(modelId, modelOf(modelId));
    }

    /// @inheritdoc IModelRegistry
    function disable(bytes32 modelId) external restricted {
        Status status = _models[modelId].status;
        if (status != Status.Active) revert ModelNotActive(modelId, status);
        _models[modelId].status = Status.Disabled;
        emit ModelDisabled(modelId);
    }

    /// @inheritdoc IModelRegistry
    function activeModel(
        bytes32 modelId
    ) external view returns (address verifier, uint256 markets, uint256 observations, bool allowsBacklog) {
        Stored storage model = _active(modelId, Kind.MarketRisk);
        return (model.verifier, model.markets, model.observations, model.allowsBacklog);
    }

    /// @inheritdoc IModelRegistry
    function activeModelOfKind(
        bytes32 modelId,
        Kind kind
    ) external view returns (address verifier, uint256 places, uint256 slots) {
        Stored storage model = _active(modelId, kind);
        return (model.verifier, model.markets, model.observations);
    }

    /// @inheritdoc IModelRegistry
    function modelOf(bytes32 modelId) public view returns (Model memory) {
        Stored storage model = _models[modelId];
        return
            Model({
                verifier: model.verifier,
                markets: model.markets,
                observations: model.observations,
                status: model.status,
                allowsBacklog: model.allowsBacklog,
                layoutHash: model.layoutHash,
                verificationKeyHash: model.verificationKeyHash,
                manifestHash: model.manifestHash
            });
    }

    /// @inheritdoc IModelRegistry
    function kindOf(bytes32 layoutHash) public pure returns (Kind) {
        if (layoutHash == MarketRiskLayout.LAYOUT_HASH) return Kind.MarketRisk;
        if (layoutHash == RiskArrayLayout.LAYOUT_HASH) return Kind.RiskArray;
        if (layoutHash == OptionBookLayout.LAYOUT_HASH) return Kind.OptionBook;
        if (layoutHash == PortfolioMarginLayout.LAYOUT_HASH) return Kind.PortfolioMargin;
        if (layoutHash == UnhealthyWitnessLayout.LAYOUT_HASH) return Kind.UnhealthyWitness;
        revert LayoutUnknown(layoutHash);
    }

    function _active(bytes32 modelId, Kind kind) private view returns (Stored storage model) {
        model = _models[modelId];
        Status status = model.status;
        if (status != Status.Active) revert ModelNotActive(modelId, status);
        if (model.kind != kind) revert ModelOfAnotherKind(modelId, model.kind, kind);
    }
}
