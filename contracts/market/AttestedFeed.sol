// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {packObservation} from "../generated/Words.sol";
import {ClockSkew} from "./ClockSkew.sol";
import {IAttestedFeed} from "./IAttestedFeed.sol";
import {ObservationInbox} from "./ObservationInbox.sol";
import {SignerCommittee} from "./SignerCommittee.sol";

/// @title AttestedFeed
/// @notice Observation source: k of n signers attest, anyone submits.
contract AttestedFeed is IAttestedFeed, ObservationInbox, SignerCommittee, EIP712 {
    /// @notice Clocks of signers and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = ClockSkew.SECONDS;

    bytes32 private constant OBSERVATION_TYPEHASH =
        keccak256(
            "Observation(bytes32 marketId,uint256 priceE8,uint256 confidenceE8,uint256 asOf,"
            "uint256 impliedVolatilityX16,uint256 rangeCode,uint256 deadline)"
        );
    uint256 private constant ONE_BPS = 10_000;

    /// @inheritdoc IAttestedFeed
    uint256 public immutable maxConfidenceBps;

    /// @param authority         who may replace signers, and who may revoke one
    /// @param signers_          the n signers, strictly increasing
    /// @param threshold_        k, 1 to n
    /// @param maxConfidenceBps_ greatest confidence half-width, in 1/10,000 of the price
    constructor(
        address authority,
        address[] memory signers_,
        uint256 threshold_,
        uint256 maxConfidenceBps_
    ) EIP712("zk-risk-engine AttestedFeed", "1") SignerCommittee(authority, signers_, threshold_) {
        if (maxConfidenceBps_ > ONE_BPS) revert ConfidenceBoundOutOfRange(maxConfidenceBps_, ONE_BPS);
        maxConfidenceBps = maxConfidenceBps_;
    }

    /// @inheritdoc IAttestedFeed
    function submit(Observation calldata observation, Signature[] calldata signatures) external {
        _take(observation, signatures);
    }

    /// @inheritdoc IAttestedFeed
    function submitBatch(Observation[] calldata observations, Signature[][] calldata signatures) external {
        if (observations.length != signatures.length) revert LengthMismatch(observations.length, signatures.length);
        for (uint256 i = 0; i < observations.length; ++i) {
            _take(observations[i], signatures[i]);
        }
    }

    /// @inheritdoc IAttestedFeed
    function digest(Observation calldata observation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OBSERVATION_TYPEHASH, observation)));
    }

    function _take(Observation calldata observation, Signature[] calldata signatures) private {
        _requireTimely(observation, _lastAsOf(observation.marketId));
        if (observation.priceE8 == 0) revert PriceIsZero(observation.marketId);
        uint256 limit = (observation.priceE8 * maxConfidenceBps) / ONE_BPS;
        if (observation.confidenceE8 > limit) revert ConfidenceTooWide(observation.confidenceE8, limit);
        _requireSigned(digest(observation), signatures);
        _append(
            observation.marketId,
            packObservation({
                priceE8: observation.priceE8,
                asOf: observation.asOf,
                impliedVolatilityX16: observation.impliedVolatilityX16,
                rangeCode: observation.rangeCode
            })
        );
    }

    function _requireTimely(Observation calldata observation, uint256 lastAsOf) private view {
        if (block.timestamp > observation.deadline) revert ObservationExpired(observation.deadline, block.timestamp);
        uint256 newest = block.timestamp + CLOCK_SKEW_SECONDS;
        if (observation.asOf > newest) revert ObservationInFuture(observation.asOf, newest);
        if (observation.asOf <= lastAsOf) revert ObservationNotLater(observation.asOf, lastAsOf);
    }
}
