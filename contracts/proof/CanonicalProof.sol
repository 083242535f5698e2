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
        _verifyGroups(batchVerifier, [verifier, verifier], count, proofs[0], proofs[1:], publicSignals);
    }

    /// @notice Returns if a proof, and others of one other key, are accepted; reverts otherwise. The first one's coefficient is
    /// one, and so is that of its key's points: the proof that is alone with its key comes first.
    /// @param others        of `otherVerifier`; there may be none
    /// @param publicSignals of `proof`, then of the others
    function verifyTogether(
        IBatchVerifier batchVerifier,
        address verifier,
        uint256[8] calldata proof,
        address otherVerifier,
        uint256[8][] calldata others,
        uint256[3][] memory publicSignals
    ) internal view {
        uint256 count = others.length;
        if (count + 1 != publicSignals.length) revert ProofCountMismatch(count + 1, publicSignals.length);
        if (count == 0) return verify(verifier, proof, publicSignals[0]);
        _verifyGroups(batchVerifier, [verifier, otherVerifier], 1, proof, others, publicSignals);
    }

    /// @dev `inFirst` of the proofs are of the first verifier's key, the rest of the second's.
    function _verifyGroups(
        IBatchVerifier batchVerifier,
        address[2] memory verifiers,
        uint256 inFirst,
        uint256[8] calldata first,
        uint256[8][] calldata others,
        uint256[3][] memory publicSignals
    ) private view {
        _requireCanonical(0, first, publicSignals[0]);
        for (uint256 i = 0; i < others.length; ++i) _requireCanonical(i + 1, others[i], publicSignals[i + 1]);
        bytes memory call_ = _callOf(verifiers, inFirst, first, others, publicSignals);
        uint256 limit = VERIFIER_GAS + publicSignals.length * BATCH_GAS_PER_PROOF;
        bytes4 differs = IBatchVerifier.FirstPhaseDiffers.selector;
        bool accepted;
        address apart;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            let answered := staticcall(limit, batchVerifier, add(call_, 0x20), mload(call_), 0x00, 0x24)
            accepted := and(and(answered, gt(returndatasize(), 0x1f)), eq(mload(0x00), 1))
            // The one reason that is told: no proof under these keys would do.
            if and(iszero(answered), and(eq(returndatasize(), 0x24), eq(shr(224, mload(0x00)), shr(224, differs)))) {
                apart := mload(0x04)
            }
        }
        if (apart != address(0)) revert IBatchVerifier.FirstPhaseDiffers(apart);
        if (!accepted) revert ProofRejected();
    }

    function _requireCanonical(uint256 i, uint256[8] calldata proof, uint256[3] memory signals) private pure {
        uint256 canonical = _canonicalCoordinates(proof);
        if (canonical != 8) revert CoordinateNotCanonical(8 * i + canonical, proof[canonical]);
        for (uint256 j = 0; j < 3; ++j) {
            if (signals[j] >= Statement.SCALAR_FIELD) revert SignalNotCanonical(3 * i + j, signals[j]);
        }
    }

    /// @notice The call of {IBatchVerifier-verifyProofs} for one group or two.
    /// @dev As abi.encodeCall lays it out: offsets of three lists, then each with its length before it. Assembly, since proofs
    /// lie in calldata already, in two places, and would be copied to memory and from there word by word.
    function _callOf(
        address[2] memory verifiers,
        uint256 inFirst,
        uint256[8] calldata first,
        uint256[8][] calldata others,
        uint256[3][] memory publicSignals
    ) private pure returns (bytes memory call_) {
        uint256 count = publicSignals.length;
        uint256 groups = inFirst == count ? 1 : 2;
        call_ = new bytes(0xc4 + groups * 0x40 + count * 0x160);
        bytes4 selector = IBatchVerifier.verifyProofs.selector;
        uint256 place;
        assembly ("memory-safe") {
            place := add(call_, 0x20)
            mstore(place, selector)
            mstore(add(place, 0x04), 0x60)
            mstore(add(place, 0x24), add(0x80, mul(groups, 0x40)))
            mstore(add(place, 0x44), add(add(0xa0, mul(groups, 0x40)), mul(count, 0x100)))
            mstore(add(place, 0x64), groups)
            mstore(add(place, 0x84), mload(verifiers))
            mstore(add(place, 0xa4), inFirst)
            mstore(add(place, 0xc4), mload(add(verifiers, 0x20)))
            mstore(add(place, 0xe4), sub(count, inFirst))
            // Of one group alone the second is written over.
            place := add(add(place, 0x84), mul(groups, 0x40))
            mstore(place, count)
            calldatacopy(add(place, 0x20), first, 0x100)
            calldatacopy(add(place, 0x120), others.offset, mul(others.length, 0x100))
            place := add(add(place, 0x20), mul(count, 0x100))
        }
        _putSignals(place, publicSignals);
    }

    /// @dev The last list of the call, `place` being within its memory.
    function _putSignals(uint256 place, uint256[3][] memory publicSignals) private pure {
        assembly ("memory-safe") {
            let count := mload(publicSignals)
            mstore(place, count)
            for { let i := 0 } lt(i, count) { i := add(i, 1) } {
                mcopy(add(add(place, 0x20), mul(i, 0x60)), mload(add(add(publicSignals, 0x20), mul(i, 0x20))), 0x60)
            }
        }
    }

    /// @dev How many coordinates, from the first, are below the base field's order.
    function _canonicalCoordinates(uint256[8] calldata proof) private pure returns (uint256 count) {
        assembly ("memory-safe") {
            let q := BASE_FIELD
            let all := and(lt(calldataload(proof), q), lt(calldataload(add(proof, 0x20)), q))
            all := and(all, and(lt(calldataload(add(proof, 0x40)), q), lt(calldataload(add(proof, 0x60)), q)))
            all := and(all, and(lt(calldataload(add(proof, 0x80)), q), lt(calldataload(add(proof, 0xa0)), q)))
            all := and(all, and(lt(calldataload(add(proof, 0xc0)), q), lt(calldataload(add(proof, 0xe0)), q)))
            count := shl(3, all)
            // Which one it is, is looked for where there is one.
            for {} and(iszero(all), lt(calldataload(add(proof, shl(5, count))), q)) {} { count := add(count, 1) }
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
