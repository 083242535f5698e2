// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title ISignerCommittee
/// @notice k of n signers (EIP-712; contracts sign by ERC-1271). The authority of the source, an AccessManager, replaces them
/// all behind its delay; its guardian revokes one at once, as long as k are left. What was attested before stays.
interface ISignerCommittee {
    /// @notice One signer's signature: 65 bytes of ECDSA, or whatever an ERC-1271 contract accepts.
    struct Signature {
        address signer;
        bytes signature;
    }

    /// @notice A committee needs at least one signer, and no more signatures than signers.
    error ThresholdOutOfRange(uint256 threshold, uint256 signers);
    /// @notice Without this signer the others could not reach the threshold: replace the committee instead.
    error ThresholdOutOfReach(uint256 threshold, uint256 left);
    /// @notice Signers, at construction and on every attestation, come in strictly increasing order.
    error SignersNotIncreasing(address signer, address previous);
    /// @notice Fewer or more signatures than the threshold.
    error SignatureCountMismatch(uint256 given, uint256 threshold);
    /// @notice The signer is not one of this committee's.
    error UnknownSigner(address signer);
    /// @notice The signature is not this signer's over this attestation on this source and chain.
    error SignatureRejected(address signer);

    /// @notice These n signers attest from now on, k of them each time.
    event CommitteeSet(address[] signers, uint256 threshold);
    /// @notice This signer attests no longer.
    event SignerRevoked(address indexed signer);

    /// @notice Replaces all signers. Restricted to the council.
    /// @param signers    strictly increasing
    /// @param threshold_ k, 1 to n
    /// @custom:reverts ThresholdOutOfRange, SignersNotIncreasing
    function setCommittee(address[] calldata signers, uint256 threshold_) external;

    /// @notice Takes a signer out whose key may have leaked. Restricted; the guardian may call it without delay.
    /// @custom:reverts UnknownSigner, ThresholdOutOfReach
    function revokeSigner(address signer) external;

    /// @notice The n signers, strictly increasing.
    function signers() external view returns (address[] memory);

    /// @notice Whether `account` is one of the n signers.
    function isSigner(address account) external view returns (bool);

    /// @notice k: signatures that an attestation needs.
    function threshold() external view returns (uint256);
}
