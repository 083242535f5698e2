// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ClockSkew} from "./ClockSkew.sol";
import {IAttestedRounds} from "./IAttestedRounds.sol";
import {IRoundSource} from "./IRoundSource.sol";
import {RoundId} from "./RoundId.sol";
import {SignerCommittee} from "./SignerCommittee.sol";

/// @title AttestedRounds
/// @notice Source of market rounds: k of n signers attest, anyone publishes.
contract AttestedRounds is IAttestedRounds, SignerCommittee, EIP712 {
    /// @notice Clocks of signers and chain may differ by this much.
    uint256 public constant CLOCK_SKEW_SECONDS = ClockSkew.SECONDS;

    bytes32 private constant ROUND_TYPEHASH =
        keccak256(
            "Round(bytes32 marketId,uint256 asOf,bytes32 marketHash,bytes32[] expiryHashes,uint256 deadline)"
        );
    uint256 private constant GREATEST_AGE = 1 days;

    /// @inheritdoc IAttestedRounds
    uint256 public immutable maxAgeSeconds;
    /// @inheritdoc IRoundSource
    mapping(bytes32 marketId => uint256) public latestAsOf;
    /// @inheritdoc IRoundSource
    mapping(bytes32 marketId => mapping(uint256 asOf => bytes32)) public roundOf;

    /// @param authority      who may replace signers, and who may revoke one
    /// @param signers_       the n signers, strictly increasing
    /// @param threshold_     k, 1 to n
    /// @param maxAgeSeconds_ age up to which a round may be published, 1 second to a day
    constructor(
        address authority,
        address[] memory signers_,
        uint256 threshold_,
        uint256 maxAgeSeconds_
    ) EIP712("zk-risk-engine AttestedRounds", "1") SignerCommittee(authority, signers_, threshold_) {
        if (maxAgeSeconds_ == 0 || maxAgeSeconds_ > GREATEST_AGE) revert RoundAgeOutOfRange(maxAgeSeconds_, GREATEST_AGE);
        maxAgeSeconds = maxAgeSeconds_;
    }

    /// @inheritdoc IAttestedRounds
    function publish(Round calldata round, Signature[] calldata signatures) external {
        _requireTimely(round);
        _requireSigned(digest(round), signatures);
        bytes32 roundId = RoundId.derive(
            address(this),
            round.marketId,
            round.asOf,
            round.marketHash,
            RoundId.hashOfExpiries(round.expiryHashes)
        );
        roundOf[round.marketId][round.asOf] = roundId;
        latestAsOf[round.marketId] = round.asOf;
        emit RoundPublished(round.marketId, round.asOf, roundId, round.marketHash, round.expiryHashes);
    }

    /// @inheritdoc IAttestedRounds
    function digest(Round calldata round) public view returns (bytes32) {
        return
            _hashTypedDataV4(
                keccak256(
                    abi.encode(
                        ROUND_TYPEHASH,
                        round.marketId,
                        round.asOf,
                        round.marketHash,
                        RoundId.hashOfExpiries(round.expiryHashes), // how EIP-712 hashes an array of bytes32, too
                        round.deadline
                    )
                )
            );
    }

    function _requireTimely(Round calldata round) private view {
        uint256 asOf = round.asOf;
        if (block.timestamp > round.deadline) revert RoundExpired(round.deadline, block.timestamp);
        uint256 oldest = block.timestamp - maxAgeSeconds;
        if (asOf < oldest) revert RoundStale(asOf, oldest);
        uint256 newest = block.timestamp + CLOCK_SKEW_SECONDS;
        if (asOf > newest) revert RoundInFuture(asOf, newest);
        uint256 last = latestAsOf[round.marketId];
        if (asOf <= last) revert RoundNotLater(asOf, last);
    }
}
