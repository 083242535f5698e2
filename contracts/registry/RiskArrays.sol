// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {RiskArrayFrame} from "../generated/RiskArrayFrame.sol";
import {
    EXPIRY_MARKET_WORDS,
    ExpiryMarketList,
    PORTFOLIO_POLICY_WORDS,
    ROUND_MARKET_WORDS,
    RoundMarketList
} from "../generated/WordLists.sol";
import {ExpiryForwardWord, RoundPricesWord} from "../generated/Words.sol";
import {IRoundSource} from "../market/IRoundSource.sol";
import {PriceScale} from "../market/PriceScale.sol";
import {RoundId} from "../market/RoundId.sol";
import {PortfolioPolicy} from "../parameters/PortfolioPolicy.sol";
import {PortfolioPolicyCode} from "../parameters/PortfolioPolicyCode.sol";
import {BatchVerifier} from "../proof/BatchVerifier.sol";
import {CanonicalProof} from "../proof/CanonicalProof.sol";
import {IBatchVerifier} from "../proof/IBatchVerifier.sol";
import {PortfolioStatement} from "../statement/PortfolioStatement.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IRiskArrays} from "./IRiskArrays.sol";

/// @title RiskArrays
/// @notice Arrays in force of one market's rounds.
contract RiskArrays is IRiskArrays, PortfolioPolicy {
    using ExpiryMarketList for uint256[EXPIRY_MARKET_WORDS];
    using PortfolioStatement for PortfolioStatement.Transcript;
    using RoundMarketList for uint256[ROUND_MARKET_WORDS];

    uint256 private constant VERSION_SHIFT = 32;
    uint256 private constant EXPIRY_SHIFT = 64;
    uint256 private constant MODEL_SHIFT = 96;
    uint256 private constant BPS = 10_000;

    /// @notice Circuits that may prove arrays.
    IModelRegistry public immutable models;
    /// @notice Whose rounds.
    bytes32 public immutable marketId;
    /// @inheritdoc IRiskArrays
    IRoundSource public rounds;

    /// @dev Beside the source, which whoever reads one reads too.
    int8 private _priceScale;
    int8 private _acceptedPriceScale;

    IBatchVerifier private immutable _batchVerifier = new BatchVerifier();

    mapping(uint256 arrayRoot => uint256 record) private _arrays;
    /// @dev Models by what records of their arrays have room for.
    mapping(uint256 modelBits => bytes32 modelId) private _arrayModels;

    /// @dev What all statements of a submission share.
    struct Scope {
        uint256 asOf;
        uint256 spotE8;
        uint256 priceGapBps;
        bytes32 roundId;
        uint256 policyVersion;
        address policyCode;
    }

    /// @param authority AccessManager that knows who may set policy
    /// @param models_   registry of models; must know the layout of arrays
    /// @param rounds_   source of rounds
    /// @param marketId_ whose rounds
    /// @param policy    first policy, see {IPortfolioPolicy-setPortfolioPolicy}
    /// @param freshness first policy of freshness
    constructor(
        address authority,
        IModelRegistry models_,
        IRoundSource rounds_,
        bytes32 marketId_,
        uint256[PORTFOLIO_POLICY_WORDS] memory policy,
        PortfolioFreshness memory freshness
    ) PortfolioPolicy(authority, policy, freshness) {
        models_.requireLayout(RiskArrayFrame.LAYOUT_HASH, IModelRegistry.Kind.RiskArray);
        models = models_;
        marketId = marketId_;
        _setRounds(rounds_, marketId_);
    }

    /// @inheritdoc IRiskArrays
    function setRounds(IRoundSource source, uint256[PORTFOLIO_POLICY_WORDS] calldata policy) external restricted {
        _set(policy);
        _setRounds(source, marketId);
    }

    /// @inheritdoc IRiskArrays
    function submitArrays(
        uint256 asOf,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        bytes32[] calldata expiryHashes,
        bytes32 modelId,
        RiskArray[] calldata arrays,
        uint256[] calldata strikeWords,
        uint256[8][] calldata proofs
    ) external {
        Scope memory scope = _scope(asOf, marketWords, RoundId.hashOfExpiries(expiryHashes));
        uint256[] memory policy = PortfolioPolicyCode.read(scope.policyCode);
        (address verifier, uint256 strikes, , , ) = models.activeModel(modelId, RiskArrayFrame.LAYOUT_HASH);
        uint256 wordsPerArray = RiskArrayFrame.wordsOfStrikes(strikes);
        if (strikeWords.length != arrays.length * wordsPerArray) {
            revert WordCountMismatch(strikeWords.length, arrays.length * wordsPerArray);
        }
        uint256[3][] memory publicSignals = new uint256[3][](arrays.length);
        for (uint256 i = 0; i < arrays.length; ++i) {
            _requireExpiry(scope, expiryHashes, arrays[i]);
            uint256[] calldata words = strikeWords[i * wordsPerArray:(i + 1) * wordsPerArray];
            publicSignals[i] = _stateArray(scope, policy, modelId, strikes, arrays[i], words);
        }
        CanonicalProof.verifyAll(_batchVerifier, verifier, proofs, publicSignals);
        uint256 modelBits = uint256(modelId) >> MODEL_SHIFT;
        if (_arrayModels[modelBits] == 0) _arrayModels[modelBits] = modelId;
        for (uint256 i = 0; i < arrays.length; ++i) {
            _acceptArray(scope, modelBits, arrays[i]);
        }
    }

    /// @inheritdoc IRiskArrays
    function acceptPriceScale(int256 scale) external restricted {
        if (scale != _priceScale) revert PriceScaleNotInForce(scale, _priceScale);
        _acceptedPriceScale = _priceScale;
        emit PriceScaleAccepted(scale);
    }

    /// @inheritdoc IRiskArrays
    function reportTerms() external view returns (uint256 newestAsOf, int8 scale) {
        scale = _priceScale;
        if (_acceptedPriceScale != scale) revert PriceScaleNotInForce(_acceptedPriceScale, scale);
        newestAsOf = newestRound();
    }

    /// @inheritdoc IRiskArrays
    function arrayOf(uint256 arrayRoot) external view returns (uint256 record) {
        return _arrays[arrayRoot];
    }

    /// @inheritdoc IRiskArrays
    function requireRound(
        uint256 asOf,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        bytes32 expiriesHash,
        bool mayBeStale
    )
        external
        view
        returns (bytes32 roundId, uint256 policyVersion, address policyCode, bool isFresh, int256 scale)
    {
        Scope memory scope = _scope(asOf, marketWords, expiriesHash);
        return (scope.roundId, scope.policyVersion, scope.policyCode, _isFresh(asOf, mayBeStale), _priceScale);
    }

    /// @inheritdoc IRiskArrays
    function requirePrices(
        uint256 asOf,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        bytes32 expiriesHash
    ) external view returns (uint256 newestAsOf) {
        _scope(asOf, marketWords, expiriesHash);
        uint256 oldest = block.timestamp - portfolioFreshness().maxRoundAgeSeconds;
        if (asOf < oldest) revert RoundStale(asOf, oldest);
        return newestRound();
    }

    /// @inheritdoc IRiskArrays
    function requireArrays(
        uint256 asOf,
        uint256 policyVersion,
        bytes32 likelyModel,
        uint256[] calldata rootsAndExpiries
    ) external view {
        uint256 known = 0; // the last model found to be active
        for (uint256 i = 0; i < rootsAndExpiries.length; ) {
            uint256 arrayRoot = rootsAndExpiries[i];
            uint256 expected = _record(asOf, policyVersion, rootsAndExpiries[i + 1]);
            uint256 record = _arrays[arrayRoot];
            uint256 model = record >> MODEL_SHIFT;
            record ^= model << MODEL_SHIFT;
            if (record != expected) revert ArrayUnknown(arrayRoot, record, expected);
            unchecked {
                i += 2; // both are in the list
            }
            if (model == known) continue;
            bool isLikely = uint256(likelyModel) >> MODEL_SHIFT == model;
            // Reverts unless it is.
            models.activeModel(isLikely ? likelyModel : _arrayModels[model], RiskArrayFrame.LAYOUT_HASH);
            known = model;
        }
    }

    /// @inheritdoc IRiskArrays
    function priceScale() external view returns (int256 scale) {
        return _priceScale;
    }

    /// @inheritdoc IRiskArrays
    function newestRound() public view returns (uint256 asOf) {
        return rounds.latestAsOf(marketId);
    }

    /// @dev The scale is asked for once, so that nothing but this changes it.
    function _setRounds(IRoundSource rounds_, bytes32 marketId_) private {
        int256 scale = PriceScale.ofSource(address(rounds_), marketId_);
        emit RoundsSet(address(rounds_), address(rounds), scale);
        rounds = rounds_;
        _priceScale = int8(scale); // PriceScale's bounds are narrower
    }

    function _scope(
        uint256 asOf,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        bytes32 expiriesHash
    ) private view returns (Scope memory scope) {
        RoundPricesWord prices = marketWords.roundPrices();
        if (prices.asOf() != asOf) revert RoundTimeMismatch(prices.asOf(), asOf);
        scope.asOf = asOf;
        scope.spotE8 = prices.spotE8();
        scope.priceGapBps = roundPriceGapBps;
        _requireTogether(scope, prices.perpPriceE8());
        scope.roundId = RoundId.derive(address(rounds), marketId, asOf, keccak256(abi.encode(marketWords)), expiriesHash);
        bytes32 published = rounds.roundOf(marketId, asOf);
        if (scope.roundId != published) revert RoundUnknown(asOf, scope.roundId, published);
        (scope.policyVersion, scope.policyCode) = (_policyVersion, _policyCode);
    }

    /// @dev Whoever may choose among rounds chooses the best for an account, or the worst: the newest, or nearly, is all there is.
    function _isFresh(uint256 asOf, bool mayBeStale) private view returns (bool) {
        PortfolioFreshness memory freshness = portfolioFreshness();
        uint256 oldest = block.timestamp - freshness.maxRoundAgeSeconds;
        uint256 newest = newestRound();
        uint256 lag = freshness.maxRoundLagSeconds;
        if (asOf >= oldest && asOf + lag >= newest) return true;
        if (mayBeStale) return false;
        if (asOf < oldest) revert RoundStale(asOf, oldest);
        revert RoundOvertaken(asOf, newest, lag);
    }

    /// @dev Carry does not bring prices of one thing far from each other; wrong decimals and a missing feed do.
    function _requireTogether(Scope memory scope, uint256 otherE8) private pure {
        (uint256 spotE8, uint256 gapBps) = (scope.spotE8, scope.priceGapBps);
        (uint256 low, uint256 high) = spotE8 < otherE8 ? (spotE8, otherE8) : (otherE8, spotE8);
        if (low == 0 || low * (BPS + gapBps) < high * BPS) revert RoundPricesApart(spotE8, otherE8, gapBps);
    }

    function _requireExpiry(Scope memory scope, bytes32[] calldata expiryHashes, RiskArray calldata array) private pure {
        uint256 index = array.expiryIndex;
        bytes32 given = keccak256(abi.encode(array.expiryWords));
        if (index >= expiryHashes.length) revert ExpiryMismatch(index, given, 0);
        if (given != expiryHashes[index]) revert ExpiryMismatch(index, given, expiryHashes[index]);
        ExpiryForwardWord forward = array.expiryWords.expiryForward();
        uint256 inWord = forward.asOf();
        if (inWord != scope.asOf) revert RoundTimeMismatch(inWord, scope.asOf);
        _requireTogether(scope, forward.forwardVariableE8() + forward.forwardFixedE8());
    }

    function _stateArray(
        Scope memory scope,
        uint256[] memory policy,
        bytes32 modelId,
        uint256 strikes,
        RiskArray calldata array,
        uint256[] calldata strikeWords
    ) private view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            RiskArrayFrame.LAYOUT_HASH,
            modelId,
            scope.roundId,
            array.commitment,
            RiskArrayFrame.words(strikes)
        );
        RiskArrayFrame.putInputs(transcript, policy, array.expiryWords, strikeWords);
        RiskArrayFrame.putOutputs(transcript, array.arrayRoot);
        return transcript.close();
    }

    function _acceptArray(Scope memory scope, uint256 modelBits, RiskArray calldata array) private {
        uint256 expiry = array.expiryWords.expiryForward().expiry();
        _arrays[array.arrayRoot] = _record(scope.asOf, scope.policyVersion, expiry) | (modelBits << MODEL_SHIFT);
        emit ArrayAccepted(array.arrayRoot, scope.asOf, expiry, scope.policyVersion);
    }

    function _record(uint256 asOf, uint256 policyVersion, uint256 expiry) private pure returns (uint256) {
        return asOf | (policyVersion << VERSION_SHIFT) | (expiry << EXPIRY_SHIFT);
    }
}
