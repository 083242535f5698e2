// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ClockSkew} from "./ClockSkew.sol";
import {IAttestedFeed} from "./IAttestedFeed.sol";
import {PlausibleInbox} from "./PlausibleInbox.sol";
import {SignerCommittee} from "./SignerCommittee.sol";

/// @title AttestedFeed
/// @notice Observation source: k of n signers attest, anyone submits.
contract AttestedFeed is IAttestedFeed, PlausibleInbox, SignerCommittee, EIP712 {
    /// @notice Clocks of signers and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = ClockSkew.SECONDS;

    bytes32 private constant OBSERVATION_TYPEHASH =
        keccak256(
            "Observation(bytes32 marketId,uint256 priceE8,uint256 confidenceE8,uint256 asOf,"
            "uint256 impliedVolatilityX16,uint256 rangeCode,uint256 deadline)"
        );

    /// @inheritdoc IAttestedFeed
    uint256 public immutable maxConfidenceBps;

    /// @param authority         who may replace signers, and who may revoke one
    /// @param signers_          the n signers, strictly increasing
    /// @param threshold_        k, 1 to n
    /// @param maxConfidenceBps_ greatest confidence half-width, in 1/10,000 of the price
    /// @param bounds            what can be a market
    constructor(
        address authority,
        address[] memory signers_,
        uint256 threshold_,
        uint256 maxConfidenceBps_,
        Plausibility memory bounds
    )
        PlausibleInbox(bounds)
        EIP712("zk-risk-engine AttestedFeed", "1")
        SignerCommittee(authority, signers_, threshold_)
    {
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
            // Somebody has carried it, or a later one: that must not stop the others.
            if (observations[i].asOf <= _lastAsOf(observations[i].marketId)) continue;
            _take(observations[i], signatures[i]);
        }
    }

    /// @inheritdoc IAttestedFeed
    function digest(Observation calldata observation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OBSERVATION_TYPEHASH, observation)));
    }

    function _take(Observation calldata observation, Signature[] calldata signatures) private {
        _requireTimely(observation, _lastAsOf(observation.marketId));
        _requireSigned(digest(observation), signatures);
        (uint256 priceE8, uint256 confidenceE8) = (observation.priceE8, observation.confidenceE8);
        // Divided where it cannot be multiplied: such a price is refused by the door.
        uint256 limit = priceE8 > type(uint128).max ? priceE8 / ONE_BPS : (priceE8 * maxConfidenceBps) / ONE_BPS;
        if (confidenceE8 > limit && priceE8 != 0) {
            _refuse(observation.marketId, observation.asOf, priceE8, Refusal.Uncertain);
            return;
        }
        _offer(
            observation.marketId,
            Offer({
                priceE8: priceE8,
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
