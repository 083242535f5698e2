// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {LearningPolicyWord, MarginPolicyWord, MarketPolicyWord} from "../generated/Words.sol";
import {IRiskPolicy} from "./IRiskPolicy.sol";
import {PolicyBook} from "./PolicyBook.sol";
import {PolicyChecks} from "./PolicyChecks.sol";

/// @title RiskPolicy
/// @notice Holds the risk appetite; the base of RiskRegistry, so that a batch reads it without a call.
abstract contract RiskPolicy is IRiskPolicy, AccessManaged {
    using PolicyBook for uint256[];

    /// @inheritdoc IRiskPolicy
    PolicyChecks public immutable policyChecks;

    address private _book;
    /// @dev When the last pause ends. It stands twice, each time in a slot that is read anyway: while nothing is paused, neither
    /// a batch nor a read pays for the question.
    uint40 private _batchesPausedUntil;
    ReadPolicy private _readPolicy;

    /// @dev What reads need; maxObservationAgeSeconds stands in the book instead.
    struct ReadPolicy {
        uint32 maxParameterAgeSeconds;
        uint24 stalenessAddOnPerHourX24;
        uint24 maintenanceMarginCapX24;
        uint40 pausedUntil;
    }

    constructor(
        address authority,
        LearningPolicyWord learningWord,
        MarginPolicyWord marginWord,
        FreshnessPolicy memory freshness
    ) AccessManaged(authority) {
        PolicyChecks checks = new PolicyChecks();
        policyChecks = checks;
        checks.checkLearning(learningWord);
        checks.checkMargin(marginWord);
        checks.checkFreshness(freshness);
        _book = PolicyBook.create(learningWord, marginWord, freshness.maxObservationAgeSeconds).write();
        _storeReadPolicy(freshness);
        FreshnessPolicy memory none;
        emit LearningPolicySet(LearningPolicyWord.wrap(0), learningWord);
        emit MarginPolicySet(MarginPolicyWord.wrap(0), marginWord);
        emit FreshnessPolicySet(none, freshness);
    }

    /// @inheritdoc IRiskPolicy
    function setLearningPolicy(LearningPolicyWord word) external restricted {
        policyChecks.checkLearning(word);
        uint256[] memory book = _policyBook();
        (LearningPolicyWord previous, MarginPolicyWord marginWord, uint256 age) = book.shared();
        book.setShared(word, marginWord, age);
        _book = book.write();
        emit LearningPolicySet(previous, word);
    }

    /// @inheritdoc IRiskPolicy
    function setMarginPolicy(MarginPolicyWord word) external restricted {
        policyChecks.checkMargin(word);
        uint256[] memory book = _policyBook();
        policyChecks.checkJointly(word, book.marketWords());
        (LearningPolicyWord learningWord, MarginPolicyWord previous, uint256 age) = book.shared();
        book.setShared(learningWord, word, age);
        _book = book.write();
        emit MarginPolicySet(previous, word);
    }

    /// @inheritdoc IRiskPolicy
    function setMarketPolicy(bytes32 marketId, MarketPolicyWord word) external restricted {
        _setMarketPolicy(marketId, word);
    }

    /// @inheritdoc IRiskPolicy
    function setFreshnessPolicy(FreshnessPolicy calldata policy) external restricted {
        policyChecks.checkFreshness(policy);
        FreshnessPolicy memory previous = freshnessPolicy();
        uint256[] memory book = _policyBook();
        (LearningPolicyWord learningWord, MarginPolicyWord marginWord, ) = book.shared();
        book.setShared(learningWord, marginWord, policy.maxObservationAgeSeconds);
        _book = book.write();
        _storeReadPolicy(policy);
        emit FreshnessPolicySet(previous, policy);
    }

    /// @inheritdoc IRiskPolicy
    function learningPolicy() external view returns (LearningPolicyWord word) {
        (word, , ) = _policyBook().shared();
    }

    /// @inheritdoc IRiskPolicy
    function marginPolicy() external view returns (MarginPolicyWord word) {
        (, word, ) = _policyBook().shared();
    }

    /// @inheritdoc IRiskPolicy
    function marketPolicy(bytes32 marketId) public view returns (MarketPolicyWord word) {
        uint256[] memory book = _policyBook();
        (, word) = book.seek(book.start(), marketId);
        if (MarketPolicyWord.unwrap(word) == 0) revert MarketPolicyMissing(marketId); // a valid word is never zero
    }

    /// @inheritdoc IRiskPolicy
    function freshnessPolicy() public view returns (FreshnessPolicy memory policy) {
        ReadPolicy memory held = _readPolicy;
        (, , uint256 maxObservationAgeSeconds) = _policyBook().shared();
        policy = FreshnessPolicy({
            maxObservationAgeSeconds: uint32(maxObservationAgeSeconds), // came from as many bits
            maxParameterAgeSeconds: held.maxParameterAgeSeconds,
            stalenessAddOnPerHourX24: held.stalenessAddOnPerHourX24,
            maintenanceMarginCapX24: held.maintenanceMarginCapX24
        });
    }

    function _setMarketPolicy(bytes32 marketId, MarketPolicyWord word) internal {
        uint256[] memory book = _policyBook();
        (, MarginPolicyWord marginWord, ) = book.shared();
        policyChecks.checkMarket(marginWord, word);
        (, MarketPolicyWord previous) = book.seek(book.start(), marketId);
        _book = book.withMarket(marketId, word).write();
        emit MarketPolicySet(marketId, previous, word);
    }

    /// @dev What reads of parameters need of the freshness policy.
    function _policyOfReads() internal view returns (ReadPolicy memory) {
        return _readPolicy;
    }

    /// @dev Whether something may be paused; it is then worth asking what.
    function _mayBePaused() internal view returns (bool) {
        return block.timestamp < _batchesPausedUntil;
    }

    /// @dev Takes note of when the last pause ends.
    function _notePauses(uint40 until) internal {
        _batchesPausedUntil = until;
        _readPolicy.pausedUntil = until;
    }

    /// @dev All that a batch needs of the policy.
    function _policyBook() internal view returns (uint256[] memory) {
        return PolicyBook.read(_book);
    }

    function _storeReadPolicy(FreshnessPolicy memory policy) private {
        _readPolicy = ReadPolicy({
            maxParameterAgeSeconds: policy.maxParameterAgeSeconds,
            stalenessAddOnPerHourX24: policy.stalenessAddOnPerHourX24,
            maintenanceMarginCapX24: policy.maintenanceMarginCapX24,
            pausedUntil: _readPolicy.pausedUntil
        });
    }
}
