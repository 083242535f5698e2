// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IGroth16Verifier
/// @notice Verifier of one verification key for statements with three public signals, as prover/proof generates it.
interface IGroth16Verifier {
    /// @notice Whether the proof is valid for the public signals.
    /// @param a, b, c       proof points; b has the imaginary coordinate first, as the pairing precompile wants it
    /// @param publicSignals commitment, evaluation, challenge
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[3] calldata publicSignals
    ) external view returns (bool);

    /// @notice The key: -alpha, beta, -gamma, -delta, then a point for the constant and one for each public signal.
    function verificationKey() external pure returns (uint256[22] memory);
}
