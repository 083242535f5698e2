// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IRoundErrors
/// @notice What is refused of a round and of its arrays, by the contract that holds them and by whatever asks it.
interface IRoundErrors {
    /// @notice No such round, or its words are others.
    error RoundUnknown(uint256 asOf, bytes32 given, bytes32 published);
    /// @notice The round is older than the policy allows.
    error RoundStale(uint256 asOf, uint256 oldest);
    /// @notice A round that is so much newer was published: nobody picks the best of the last ones.
    error RoundOvertaken(uint256 asOf, uint256 newest, uint256 maxLagSeconds);
    /// @notice A word of the round tells another time than the round.
    error RoundTimeMismatch(uint256 inWord, uint256 asOf);
    /// @notice Spot and the price of the perpetual, or of a forward, are further apart than governed, or one of them is 0.
    error RoundPricesApart(uint256 spotE8, uint256 otherE8, uint256 gapBps);
    /// @notice The venue says another scale of prices than the one in force, or has not said this one yet.
    error PriceScaleNotInForce(int256 given, int256 inForce);
    /// @notice The round has no expiry at this place, or its words are others.
    error ExpiryMismatch(uint256 expiryIndex, bytes32 given, bytes32 published);
    /// @notice The words given are not as many as the proofs are about.
    error WordCountMismatch(uint256 given, uint256 expected);
    /// @notice The array was not proven for this round, expiry and policy.
    error ArrayUnknown(uint256 arrayRoot, uint256 record, uint256 expected);
}
