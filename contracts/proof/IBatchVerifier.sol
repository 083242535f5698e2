// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IBatchVerifier
/// @notice Verifies several Groth16 proofs of one key together: one pairing a proof and three besides, instead of four each.
interface IBatchVerifier {
    /// @notice Whether every proof is valid for its public signals. Says no to whatever it cannot read; a point off the curve
    /// takes all gas there is, so callers must cap it and take a failure for a no.
    /// @param verifier      whose {IGroth16Verifier-verificationKey} the proofs are of
    /// @param proofs        [ax, ay, bx1, bx0, by1, by0, cx, cy] of each, at least one; canonical and finite
    /// @param publicSignals as many of [commitment, evaluation, challenge], each below the scalar field's order
    function verifyProofs(
        address verifier,
        uint256[8][] calldata proofs,
        uint256[3][] calldata publicSignals
    ) external view returns (bool);
}
