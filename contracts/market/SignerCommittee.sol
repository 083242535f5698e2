// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ISignerCommittee} from "./ISignerCommittee.sol";

/// @title SignerCommittee
/// @notice k of n signers, and the check that k different ones have signed.
abstract contract SignerCommittee is ISignerCommittee {
    /// @inheritdoc ISignerCommittee
    uint256 public immutable threshold;
    /// @inheritdoc ISignerCommittee
    mapping(address account => bool) public isSigner;

    /// @param signers    the n signers, strictly increasing
    /// @param threshold_ k, 1 to n
    constructor(address[] memory signers, uint256 threshold_) {
        if (threshold_ == 0 || threshold_ > signers.length) revert ThresholdOutOfRange(threshold_, signers.length);
        address previous = address(0);
        for (uint256 i = 0; i < signers.length; ++i) {
            _requireIncreasing(signers[i], previous);
            previous = signers[i];
            isSigner[previous] = true;
        }
        threshold = threshold_;
    }

    /// @dev Exactly `threshold` signatures over `hash`, by strictly increasing signer: so nobody counts twice.
    function _requireSigned(bytes32 hash, Signature[] calldata signatures) internal view {
        if (signatures.length != threshold) revert SignatureCountMismatch(signatures.length, threshold);
        address previous = address(0);
        for (uint256 i = 0; i < signatures.length; ++i) {
            address signer = signatures[i].signer;
            _requireIncreasing(signer, previous);
            if (!isSigner[signer]) revert UnknownSigner(signer);
            if (!SignatureChecker.isValidSignatureNowCalldata(signer, hash, signatures[i].signature)) {
                revert SignatureRejected(signer);
            }
            previous = signer;
        }
    }

    function _requireIncreasing(address signer, address previous) private pure {
        if (signer <= previous) revert SignersNotIncreasing(signer, previous);
    }
}
