// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ObservationElement, packObservation} from "../generated/Words.sol";
import {IAttestedFeed} from "./IAttestedFeed.sol";
import {IObservationSource} from "./IObservationSource.sol";
import {Inbox} from "./Inbox.sol";
import {SignerCommittee} from "./SignerCommittee.sol";

/// @title AttestedFeed
/// @notice Owner-free observation source: k of n signers attest, anyone submits.
contract AttestedFeed is IAttestedFeed, SignerCommittee, EIP712 {
    using Inbox for Inbox.Chain;

    /// @notice Clocks of signers and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = 15;

    bytes32 private constant OBSERVATION_TYPEHASH =
        keccak256(
            "Observation(bytes32 marketId,uint256 priceE8,uint256 confidenceE8,uint256 asOf,"
            "uint256 impliedVolatilityX16,uint256 rangeCode,uint256 deadline)"
        );
    uint256 private constant ONE_BPS = 10_000;

    /// @inheritdoc IAttestedFeed
    uint256 public immutable maxConfidenceBps;

    mapping(bytes32 marketId => Inbox.Chain) private _inbox;

    /// @param signers           the n signers, strictly increasing
    /// @param threshold_        k, 1 to n
    /// @param maxConfidenceBps_ greatest confidence half-width, in 1/10,000 of the price
    constructor(
        address[] memory signers,
        uint256 threshold_,
        uint256 maxConfidenceBps_
    ) EIP712("zk-risk-engine AttestedFeed", "1") SignerCommittee(signers, threshold_) {
        if (maxConfidenceBps_ > ONE_BPS) revert ConfidenceBoundOutOfRange(maxConfidenceBps_, ONE_BPS);
        maxConfidenceBps = maxConfidenceBps_;
    }

    /// @inheritdoc IAttestedFeed
    function submit(Observation calldata observation, Signature[] calldata signatures) external {
        _append(observation, signatures);
    }

    /// @inheritdoc IAttestedFeed
    function submitBatch(Observation[] calldata observations, Signature[][] calldata signatures) external {
        if (observations.length != signatures.length) revert LengthMismatch(observations.length, signatures.length);
        for (uint256 i = 0; i < observations.length; ++i) {
            _append(observations[i], signatures[i]);
        }
    }

    /// @inheritdoc IObservationSource
    function latest(
        bytes32 marketId
    ) external view returns (bytes32 head, uint256 count, uint256 asOf, ObservationElement lastWord) {
        (head, count, lastWord) = _inbox[marketId].latest();
        asOf = lastWord.asOf();
    }

    /// @inheritdoc IObservationSource
    function checkpoints(
        bytes32[] calldata marketIds,
        uint256[] calldata counts
    ) external view returns (bytes32[] memory heads) {
        if (marketIds.length != counts.length) revert LengthMismatch(marketIds.length, counts.length);
        // Returned from where the heads are written: an array in memory would be zeroed first and copied afterwards.
        uint256 answer;
        assembly {
            answer := mload(0x40)
            mstore(answer, 0x20)
            mstore(add(answer, 0x20), marketIds.length)
        }
        for (uint256 i = 0; i < marketIds.length; ++i) {
            bytes32 marketId;
            uint256 count;
            assembly {
                marketId := calldataload(add(marketIds.offset, shl(5, i)))
                count := calldataload(add(counts.offset, shl(5, i)))
            }
            bytes32 head = _inbox[marketId].checkpoint(count);
            assembly {
                mstore(add(add(answer, 0x40), shl(5, i)), head)
            }
        }
        assembly {
            return(answer, add(0x40, shl(5, marketIds.length)))
        }
    }

    /// @inheritdoc IAttestedFeed
    function digest(Observation calldata observation) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(OBSERVATION_TYPEHASH, observation)));
    }

    function _append(Observation calldata observation, Signature[] calldata signatures) private {
        Inbox.Chain storage chain = _inbox[observation.marketId];
        (, , ObservationElement lastWord) = chain.latest();
        _requireTimely(observation, lastWord.asOf());
        if (observation.priceE8 == 0) revert PriceIsZero(observation.marketId);
        ObservationElement word = packObservation({
            priceE8: observation.priceE8,
            asOf: observation.asOf,
            impliedVolatilityX16: observation.impliedVolatilityX16,
            rangeCode: observation.rangeCode
        });
        uint256 limit = (observation.priceE8 * maxConfidenceBps) / ONE_BPS;
        if (observation.confidenceE8 > limit) revert ConfidenceTooWide(observation.confidenceE8, limit);
        _requireSigned(digest(observation), signatures);
        uint256 count = chain.append(observation.marketId, word);
        emit ObservationAppended(observation.marketId, count, word);
    }

    function _requireTimely(Observation calldata observation, uint256 lastAsOf) private view {
        if (block.timestamp > observation.deadline) revert ObservationExpired(observation.deadline, block.timestamp);
        uint256 newest = block.timestamp + CLOCK_SKEW_SECONDS;
        if (observation.asOf > newest) revert ObservationInFuture(observation.asOf, newest);
        if (observation.asOf <= lastAsOf) revert ObservationNotLater(observation.asOf, lastAsOf);
    }
}
