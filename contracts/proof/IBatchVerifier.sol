// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IBatchVerifier
/// @notice Verifies several Groth16 proofs together, of one key or of several keys of one first phase: one pairing a proof, one a key
/// and two besides, instead of four each.
interface IBatchVerifier {
    /// @notice So many proofs of a verifier's key.
    struct Group {
        address verifier; // whose {IGroth16Verifier-verificationKey} the proofs are of
        uint256 proofs; // at least one
    }

    /// @notice The key of this verifier has another alpha, beta or gamma than that of the first group.
    error FirstPhaseDiffers(address verifier);

    /// @notice Whether every proof is valid for its public signals, under the key of its group. Says no to whatever it cannot
    /// read; a point off the curve takes all gas there is, so callers must cap it and take a failure for a no.
    /// @param groups        how the proofs are divided among keys, in their order; a verifier may come more than once
    /// @param proofs        [ax, ay, bx1, bx0, by1, by0, cx, cy] of each, at least one; canonical and finite
    /// @param publicSignals as many of [commitment, evaluation, challenge], each below the scalar field's order
    function verifyProofs(
        Group[] calldata groups,
        uint256[8][] calldata proofs,
        uint256[3][] calldata publicSignals
    ) external view returns (bool);
}
