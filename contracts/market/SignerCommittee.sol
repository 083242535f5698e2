// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ISignerCommittee} from "./ISignerCommittee.sol";

/// @title SignerCommittee
/// @notice k of n signers, and the check that k different ones have signed.
abstract contract SignerCommittee is ISignerCommittee, AccessManaged {
    /// @inheritdoc ISignerCommittee
    uint256 public threshold;
    /// @inheritdoc ISignerCommittee
    mapping(address account => bool) public isSigner;

    address[] private _signers;

    /// @param authority  AccessManager that knows who may replace signers, and who may revoke one
    /// @param signers_   the n signers, strictly increasing
    /// @param threshold_ k, 1 to n
    constructor(address authority, address[] memory signers_, uint256 threshold_) AccessManaged(authority) {
        _setCommittee(signers_, threshold_);
    }

    /// @inheritdoc ISignerCommittee
    function setCommittee(address[] calldata signers_, uint256 threshold_) external restricted {
        for (uint256 i = 0; i < _signers.length; ++i) isSigner[_signers[i]] = false;
        _setCommittee(signers_, threshold_);
    }

    /// @inheritdoc ISignerCommittee
    function revokeSigner(address signer) external restricted {
        if (!isSigner[signer]) revert UnknownSigner(signer);
        uint256 left = _signers.length - 1;
        if (left < threshold) revert ThresholdOutOfReach(threshold, left);
        isSigner[signer] = false;
        uint256 at = 0;
        while (_signers[at] != signer) ++at;
        for (; at < left; ++at) _signers[at] = _signers[at + 1];
        _signers.pop();
        emit SignerRevoked(signer);
    }

    /// @inheritdoc ISignerCommittee
    function signers() external view returns (address[] memory) {
        return _signers;
    }

    /// @dev Exactly `threshold` signatures over `hash`, by strictly increasing signer: so nobody counts twice.
    function _requireSigned(bytes32 hash, Signature[] calldata signatures) internal view {
        uint256 least = threshold;
        if (signatures.length != least) revert SignatureCountMismatch(signatures.length, least);
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

    function _setCommittee(address[] memory signers_, uint256 threshold_) private {
        if (threshold_ == 0 || threshold_ > signers_.length) revert ThresholdOutOfRange(threshold_, signers_.length);
        address previous = address(0);
        for (uint256 i = 0; i < signers_.length; ++i) {
            _requireIncreasing(signers_[i], previous);
            previous = signers_[i];
            isSigner[previous] = true;
        }
        _signers = signers_;
        threshold = threshold_;
        emit CommitteeSet(signers_, threshold_);
    }

    function _requireIncreasing(address signer, address previous) private pure {
        if (signer <= previous) revert SignersNotIncreasing(signer, previous);
    }
}
