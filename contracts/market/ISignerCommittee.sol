// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title ISignerCommittee
/// @notice k of n signers (EIP-712; contracts sign by ERC-1271), fixed for ever: a new committee is a new source.
interface ISignerCommittee {
    /// @notice One signer's signature: 65 bytes of ECDSA, or whatever an ERC-1271 contract accepts.
    struct Signature {
        address signer;
        bytes signature;
    }

    /// @notice A committee needs at least one signer, and no more signatures than signers.
    error ThresholdOutOfRange(uint256 threshold, uint256 signers);
    /// @notice Signers, at construction and on every attestation, come in strictly increasing order.
    error SignersNotIncreasing(address signer, address previous);
    /// @notice Fewer or more signatures than the threshold.
    error SignatureCountMismatch(uint256 given, uint256 threshold);
    /// @notice The signer is not one of this committee's.
    error UnknownSigner(address signer);
    /// @notice The signature is not this signer's over this attestation on this source and chain.
    error SignatureRejected(address signer);

    /// @notice Whether `account` is one of the n signers.
    function isSigner(address account) external view returns (bool);

    /// @notice k: signatures that an attestation needs.
    function threshold() external view returns (uint256);
}
