// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IModelRegistry
/// @notice Which circuits may move parameters. A model id is bound to one verifier for ever; it can only be disabled.
interface IModelRegistry {
    /// @notice Unknown ids have status None.
    enum Status {
        None,
        Active,
        Disabled
    }

    /// @notice What a model's proofs are about; follows from its layout.
    enum Kind {
        MarketRisk,
        RiskArray,
        OptionBook,
        PortfolioMargin,
        UnhealthyWitness
    }

    /// @notice One compiled circuit with one key.
    /// @param verifier            contract that verifies its proofs
    /// @param markets             M: places for markets in a batch; of an array strikes, of a book segments, of margins accounts
    /// @param observations        K: places for observations per market; of a book strikes per segment; else 1
    /// @param status              set by the registry of models
    /// @param allowsBacklog       batches may end in an old observation: for models that drain a backlog
    /// @param layoutHash          declaration of the statement's words; must be one that the contracts speak
    /// @param verificationKeyHash sha256 of verification_key.json, for auditors
    /// @param manifestHash        sha256 of the artefact manifest, for auditors
    // solhint-disable-next-line gas-struct-packing
    struct Model {
        address verifier;
        uint8 markets;
        uint8 observations;
        Status status;
        bool allowsBacklog;
        bytes32 layoutHash;
        bytes32 verificationKeyHash;
        bytes32 manifestHash;
    }

    /// @notice A model was added and may be used.
    event ModelRegistered(bytes32 indexed modelId, Model model);
    /// @notice A model may no longer be used.
    event ModelDisabled(bytes32 indexed modelId);

    /// @notice The id is taken; ids are never pointed elsewhere.
    error ModelAlreadyRegistered(bytes32 modelId);
    /// @notice The circuit reads words otherwise than the contracts do.
    error LayoutUnknown(bytes32 layoutHash);
    /// @notice There is no contract at the verifier's address.
    error VerifierWithoutCode(address verifier);
    /// @notice A model has at least one place for a market and for an observation.
    error ModelWithoutPlaces(uint256 markets, uint256 observations);
    /// @notice The model's proofs are about something else.
    error ModelOfAnotherKind(bytes32 modelId, Kind kind, Kind expected);
    /// @notice The model is unknown or disabled.
    error ModelNotActive(bytes32 modelId, Status status);

    /// @notice Adds a model under a new id; `status` is ignored. Restricted to the council.
    /// @custom:reverts ModelAlreadyRegistered, LayoutUnknown, VerifierWithoutCode, ModelWithoutPlaces
    function register(bytes32 modelId, Model calldata model) external;

    /// @notice Ends the use of a model, for ever. Restricted; the guardian may call it without delay.
    /// @custom:reverts ModelNotActive
    function disable(bytes32 modelId) external;

    /// @notice Everything known of a model; status None if there is no such model.
    function modelOf(bytes32 modelId) external view returns (Model memory);

    /// @notice Kind of the models of a layout.
    /// @custom:reverts LayoutUnknown
    function kindOf(bytes32 layoutHash) external pure returns (Kind);

    /// @notice What a batch of markets needs to know of its model, in one slot.
    /// @custom:reverts ModelNotActive, ModelOfAnotherKind
    function activeModel(
        bytes32 modelId
    ) external view returns (address verifier, uint256 markets, uint256 observations, bool allowsBacklog);

    /// @notice The same of a model of options or portfolios.
    /// @custom:reverts ModelNotActive, ModelOfAnotherKind
    function activeModelOfKind(
        bytes32 modelId,
        Kind kind
    ) external view returns (address verifier, uint256 places, uint256 slots);
}
