// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPauses} from "./IPauses.sol";

/// @title IModelRegistry
/// @notice Which circuits may move parameters. A model id is bound to one verifier for ever; it can only be paused, or
/// disabled. Words are read as one of the layouts that the council has registered, so a new statement needs no new registry of models.
interface IModelRegistry is IPauses {
    /// @notice Unknown ids have status None.
    enum Status {
        None,
        Active,
        Disabled
    }

    /// @notice What proofs of a layout are about. Unregistered layouts have kind None.
    enum Kind {
        None,
        MarketRisk,
        RiskArray,
        OptionBook,
        PortfolioMargin,
        UnhealthyWitness,
        MarginsAlone,
        ScenarioWitness,
        CrossMargins,
        ArrayMargin
    }

    /// @notice One compiled circuit with one key.
    /// @param verifier            contract that verifies its proofs
    /// @param places              M: markets in a batch; of an array strikes, of a book segments, of a witness or
    ///                            a margin straight from arrays these, of other margins accounts
    /// @param slots               K: observations per market; of a book, or what is straight from arrays, strikes per array; of
    ///                            margins over several markets how many; else 1
    /// @param status              set by the registry of models
    /// @param allowsBacklog       batches may end in an old observation: for models that drain a backlog
    /// @param volatilityModel     family of circuits that estimate volatility alike; 0 of kinds that estimate none
    /// @param layoutHash          declaration of the statement's words; must be a registered one
    /// @param verificationKeyHash sha256 of verification_key.json, for auditors
    /// @param manifestHash        sha256 of the artefact manifest, for auditors
    // solhint-disable-next-line gas-struct-packing
    struct Model {
        address verifier;
        uint8 places;
        uint8 slots;
        Status status;
        bool allowsBacklog;
        uint8 volatilityModel;
        bytes32 layoutHash;
        bytes32 verificationKeyHash;
        bytes32 manifestHash;
    }

    /// @notice Models of a layout may be registered from now on.
    event LayoutRegistered(bytes32 indexed layoutHash, Kind kind);
    /// @notice A model was added and may be used.
    event ModelRegistered(bytes32 indexed modelId, Model model);
    /// @notice A model may no longer be used.
    event ModelDisabled(bytes32 indexed modelId);

    /// @notice The id is taken; ids are never pointed elsewhere.
    error ModelAlreadyRegistered(bytes32 modelId);
    /// @notice Nobody has registered this layout.
    error LayoutUnknown(bytes32 layoutHash);
    /// @notice The layout is registered, for ever, and of this kind.
    error LayoutAlreadyRegistered(bytes32 layoutHash, Kind kind);
    /// @notice A layout is registered with a hash and a kind.
    error LayoutWithoutKind(bytes32 layoutHash, Kind kind);
    /// @notice The layout is registered for something else.
    error LayoutOfAnotherKind(bytes32 layoutHash, Kind kind, Kind expected);
    /// @notice There is no contract at the verifier's address.
    error VerifierWithoutCode(address verifier);
    /// @notice A model has at least one place, and one slot in it.
    error ModelWithoutPlaces(uint256 places, uint256 slots);
    /// @notice Models of market risk have a family of volatility models, and no others do.
    error VolatilityModelOutOfPlace(Kind kind, uint256 volatilityModel);
    /// @notice The model's words are not the ones that were asked for.
    error ModelOfAnotherLayout(bytes32 modelId, bytes32 layoutHash, bytes32 expected);
    /// @notice The model is unknown or disabled.
    error ModelNotActive(bytes32 modelId, Status status);
    /// @notice The model is paused; it moves nothing until then.
    error ModelPaused(bytes32 modelId, uint256 until);

    /// @notice Lets models of a layout be registered, for ever. Restricted to the council.
    /// @custom:reverts LayoutAlreadyRegistered, LayoutWithoutKind
    function registerLayout(bytes32 layoutHash, Kind kind) external;

    /// @notice Adds a model under a new id; `status` is ignored. Restricted to the council.
    /// @custom:reverts ModelAlreadyRegistered, LayoutUnknown, VerifierWithoutCode, ModelWithoutPlaces,
    /// VolatilityModelOutOfPlace
    function register(bytes32 modelId, Model calldata model) external;

    /// @notice Ends the use of a model, for ever. Restricted to the council: until it has decided, a pause will do.
    /// @custom:reverts ModelNotActive
    function disable(bytes32 modelId) external;

    /// @notice Everything known of a model; status None if there is no such model.
    function modelOf(bytes32 modelId) external view returns (Model memory);

    /// @notice How many active models of a layout estimate volatility alike: of none, a market would stand still.
    function activeModelsOf(bytes32 layoutHash, uint256 volatilityModel) external view returns (uint256 count);

    /// @notice Seconds since `from` in which nobody could be expected to prove: some model of the family was paused, or one of
    /// three other pauses ran. Each stretch lasts `graceSeconds` longer than its pause, so that there is time to prove again.
    /// @param others pauses of the market, of its source and of the source before
    function pausedSeconds(
        bytes32 layoutHash,
        uint256 volatilityModel,
        Pause[3] calldata others,
        uint256 from,
        uint256 graceSeconds
    ) external view returns (uint256);

    /// @notice Kind of the models of a layout; None if it is not registered.
    function kindOf(bytes32 layoutHash) external view returns (Kind);

    /// @notice Fails unless a layout is registered as what it is taken for; contracts ask once, when they are deployed.
    /// @custom:reverts LayoutUnknown, LayoutOfAnotherKind
    function requireLayout(bytes32 layoutHash, Kind kind) external view;

    /// @notice What a submission needs to know of its model, in one slot.
    /// @param layoutHash words that the caller speaks: a model of others is not for it
    /// @custom:reverts ModelNotActive, ModelOfAnotherLayout, ModelPaused
    function activeModel(
        bytes32 modelId,
        bytes32 layoutHash
    )
        external
        view
        returns (address verifier, uint256 places, uint256 slots, bool allowsBacklog, uint256 volatilityModel);
}
