// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {Statement} from "../statement/Statement.sol";
import {IBatchVerifier} from "./IBatchVerifier.sol";
import {IGroth16Verifier} from "./IGroth16Verifier.sol";

/// @title CanonicalProof
/// @notice Gate in front of a Groth16 verifier: one encoding per proof, bounded gas, no silent failure.
/// @dev The generated verifier reduces coordinates modulo q and so takes several encodings of the same proof, and a
/// point off the curve burns all gas it is given (docs/claims/registry.md, R9 and R10). A proof is never an identity all
/// the same: (-A, -B, C) and re-randomised proofs are valid; sequences keep them from applying twice.
library CanonicalProof {
    /// @notice Order of the base field of BN254: limit of coordinates.
    uint256 internal constant BASE_FIELD =
        21888242871839275222246405745257275088696311157297823662689037894645226208583;
    /// @notice Most gas a verification may take; an honest one takes about 203,000.
    uint256 internal constant VERIFIER_GAS = 350_000;
    /// @notice What every proof of a batch may take beyond it; an honest one takes about 55,000.
    uint256 internal constant BATCH_GAS_PER_PROOF = 90_000;

    /// @notice Coordinate `index` of the proof is not below the base field's order.
    error CoordinateNotCanonical(uint256 index, uint256 coordinate);
    /// @notice Public signal `index` is not below the scalar field's order.
    error SignalNotCanonical(uint256 index, uint256 signal);
    /// @notice As many proofs as statements are needed, and at least one.
    error ProofCountMismatch(uint256 proofs, uint256 statements);
    /// @notice The verifier does not accept this proof for this statement.
    error ProofRejected();

    /// @notice Returns if the verifier accepts; reverts otherwise.
    /// @param proof  [ax, ay, bx1, bx0, by1, by0, cx, cy]
    function verify(address verifier, uint256[8] calldata proof, uint256[3] memory publicSignals) internal view {
        uint256 canonical = _canonicalCoordinates(proof);
        if (canonical != 8) revert CoordinateNotCanonical(canonical, proof[canonical]);
        for (uint256 i = 0; i < 3; ++i) {
            if (publicSignals[i] >= Statement.SCALAR_FIELD) revert SignalNotCanonical(i, publicSignals[i]);
        }
        if (!_accepts(verifier, proof, publicSignals)) revert ProofRejected();
    }

    /// @notice Returns if every proof of one verifier's key is accepted; reverts otherwise. Errors name coordinates and
    /// signals by their place in the whole batch.
    /// @param proofs        at least one
    /// @param publicSignals as many
    function verifyAll(
        IBatchVerifier batchVerifier,
        address verifier,
        uint256[8][] calldata proofs,
        uint256[3][] memory publicSignals
    ) internal view {
        uint256 count = proofs.length;
        if (count == 0 || count != publicSignals.length) revert ProofCountMismatch(count, publicSignals.length);
        if (count == 1) return verify(verifier, proofs[0], publicSignals[0]);
        for (uint256 i = 0; i < count; ++i) {
            uint256 canonical = _canonicalCoordinates(proofs[i]);
            if (canonical != 8) revert CoordinateNotCanonical(8 * i + canonical, proofs[i][canonical]);
            for (uint256 j = 0; j < 3; ++j) {
                uint256 signal = publicSignals[i][j];
                if (signal >= Statement.SCALAR_FIELD) revert SignalNotCanonical(3 * i + j, signal);
            }
        }
        uint256 limit = VERIFIER_GAS + count * BATCH_GAS_PER_PROOF;
        bytes memory call_ = abi.encodeCall(IBatchVerifier.verifyProofs, (verifier, proofs, publicSignals));
        bool accepted;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            let answered := staticcall(limit, batchVerifier, add(call_, 0x20), mload(call_), 0x00, 0x20)
            accepted := and(and(answered, gt(returndatasize(), 0x1f)), eq(mload(0x00), 1))
        }
        if (!accepted) revert ProofRejected();
    }

    /// @dev How many coordinates, from the first, are below the base field's order.
    function _canonicalCoordinates(uint256[8] calldata proof) private pure returns (uint256 count) {
        assembly ("memory-safe") {
            for {} lt(count, 8) { count := add(count, 1) } {
                if iszero(lt(calldataload(add(proof, shl(5, count))), BASE_FIELD)) { break }
            }
        }
    }

    /// @dev The eight proof words already lie in calldata as verifyProof's arguments do. Assembly, since a high-level
    /// call would pass on a verifier's revert and decode its answer outside the gate.
    function _accepts(
        address verifier,
        uint256[8] calldata proof,
        uint256[3] memory publicSignals
    ) private view returns (bool accepted) {
        bytes4 selector = IGroth16Verifier.verifyProof.selector;
        assembly ("memory-safe") {
            let pointer := mload(0x40)
            mstore(pointer, selector)
            calldatacopy(add(pointer, 0x04), proof, 0x100)
            mcopy(add(pointer, 0x104), publicSignals, 0x60)
            mstore(0x00, 0)
            let answered := staticcall(VERIFIER_GAS, verifier, pointer, 0x164, 0x00, 0x20)
            accepted := and(and(answered, gt(returndatasize(), 0x1f)), eq(mload(0x00), 1))
        }
    }
}
