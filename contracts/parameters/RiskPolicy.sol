// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {LearningPolicyWord, MarginPolicyWord, MarketPolicyWord} from "../generated/Words.sol";
import {IRiskPolicy} from "./IRiskPolicy.sol";
import {PolicyBook} from "./PolicyBook.sol";
import {PolicyBounds} from "./PolicyBounds.sol";

/// @title RiskPolicy
/// @notice Holds the risk appetite; the base of RiskRegistry, so that a batch reads it without a call.
abstract contract RiskPolicy is IRiskPolicy, AccessManaged {
    using PolicyBook for uint256[];

    address private _book;
    // maxObservationAgeSeconds stands in the book instead and is zero here.
    FreshnessPolicy private _readPolicy;

    constructor(
        address authority,
        LearningPolicyWord learningWord,
        MarginPolicyWord marginWord,
        FreshnessPolicy memory freshness
    ) AccessManaged(authority) {
        PolicyBounds.checkLearning(learningWord);
        PolicyBounds.checkMargin(marginWord);
        PolicyBounds.checkFreshness(freshness);
        _book = PolicyBook.create(learningWord, marginWord, freshness.maxObservationAgeSeconds).write();
        _storeReadPolicy(freshness);
        FreshnessPolicy memory none;
        emit LearningPolicySet(LearningPolicyWord.wrap(0), learningWord);
        emit MarginPolicySet(MarginPolicyWord.wrap(0), marginWord);
        emit FreshnessPolicySet(none, freshness);
    }

    /// @inheritdoc IRiskPolicy
    function setLearningPolicy(LearningPolicyWord word) external restricted {
        PolicyBounds.checkLearning(word);
        uint256[] memory book = _policyBook();
        (LearningPolicyWord previous, MarginPolicyWord marginWord, uint256 age) = book.shared();
        book.setShared(word, marginWord, age);
        _book = book.write();
        emit LearningPolicySet(previous, word);
    }

    /// @inheritdoc IRiskPolicy
    function setMarginPolicy(MarginPolicyWord word) external restricted {
        PolicyBounds.checkMargin(word);
        uint256[] memory book = _policyBook();
        MarketPolicyWord[] memory marketWords = book.marketWords();
        for (uint256 i = 0; i < marketWords.length; ++i) {
            PolicyBounds.checkJointly(word, marketWords[i]);
        }
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
        PolicyBounds.checkFreshness(policy);
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
        policy = _readPolicy;
        (, , uint256 maxObservationAgeSeconds) = _policyBook().shared();
        policy.maxObservationAgeSeconds = uint32(maxObservationAgeSeconds); // came from as many bits
    }

    function _setMarketPolicy(bytes32 marketId, MarketPolicyWord word) internal {
        PolicyBounds.checkMarket(word);
        uint256[] memory book = _policyBook();
        (, MarginPolicyWord marginWord, ) = book.shared();
        PolicyBounds.checkJointly(marginWord, word);
        (, MarketPolicyWord previous) = book.seek(book.start(), marketId);
        _book = book.withMarket(marketId, word).write();
        emit MarketPolicySet(marketId, previous, word);
    }

    /// @dev What reads of parameters need of the freshness policy.
    function _policyOfReads() internal view returns (FreshnessPolicy memory) {
        return _readPolicy;
    }

    /// @dev All that a batch needs of the policy.
    function _policyBook() internal view returns (uint256[] memory) {
        return PolicyBook.read(_book);
    }

    function _storeReadPolicy(FreshnessPolicy memory policy) private {
        _readPolicy = policy;
        _readPolicy.maxObservationAgeSeconds = 0;
    }
}
