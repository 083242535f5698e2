// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPlausibleInbox} from "./IPlausibleInbox.sol";
import {ISignerCommittee} from "./ISignerCommittee.sol";

/// @title IAttestedFeed
/// @notice Observations attested by k of n signers (EIP-712; contracts sign by ERC-1271). Anyone may carry them.
/// @dev Nobody but the signers has a say in an observation; the bounds of confidence and door are fixed for ever.
interface IAttestedFeed is IPlausibleInbox, ISignerCommittee {
    /// @notice What a signer attests; also the EIP-712 type.
    /// @param marketId             market, as the registry knows it
    /// @param priceE8              quote per base, 1 to 2^48 - 1
    /// @param confidenceE8         half-width of the price's confidence interval
    /// @param asOf                 time of the price
    /// @param impliedVolatilityX16 30-day at-the-money volatility, below 2^20; 0 if none is attested
    /// @param rangeCode            ln(high / low) since the observation before, never less than the true one, below 2^12: 8
    ///                             bits of 2^-22 below an exponent of 4; with an exponent e above 0 a ninth bit stands before
    ///                             the 8, and all are shifted up by e - 1; 0 if none is attested
    /// @param deadline             last second at which the attestation may be appended
    struct Observation {
        bytes32 marketId;
        uint256 priceE8;
        uint256 confidenceE8;
        uint256 asOf;
        uint256 impliedVolatilityX16;
        uint256 rangeCode;
        uint256 deadline;
    }

    /// @notice The confidence bound is a fraction of the price, at most 1.
    error ConfidenceBoundOutOfRange(uint256 maxConfidenceBps, uint256 limit);
    /// @notice The attestation may no longer be appended.
    error ObservationExpired(uint256 deadline, uint256 timestamp);
    /// @notice The observation claims a time later than the clock skew allows.
    error ObservationInFuture(uint256 asOf, uint256 latest);
    /// @notice The observation is not later than the market's last one.
    error ObservationNotLater(uint256 asOf, uint256 lastAsOf);

    /// @notice Appends one attested observation, or holds or refuses it: what is signed and makes no sense never reverts.
    /// @param signatures exactly `threshold()` of them, by strictly increasing signer
    /// @custom:reverts ObservationExpired, ObservationInFuture, ObservationNotLater for its times
    /// @custom:reverts SignatureCountMismatch, SignersNotIncreasing, UnknownSigner, SignatureRejected for its signatures
    function submit(Observation calldata observation, Signature[] calldata signatures) external;

    /// @notice Submits several attested observations. One that is not later than its market's last is passed over; for the rest
    /// it reverts as {submit} does, for all if for one.
    function submitBatch(Observation[] calldata observations, Signature[][] calldata signatures) external;

    /// @notice EIP-712 digest that a signer signs.
    function digest(Observation calldata observation) external view returns (bytes32);

    /// @notice Greatest confidence half-width accepted, in 1/10,000 of the price.
    function maxConfidenceBps() external view returns (uint256);
}
