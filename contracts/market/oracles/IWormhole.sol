// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IWormhole
/// @notice What is asked of Wormhole's core contract. As `IWormhole` of wormhole-foundation/wormhole (Apache-2.0) has it.
interface IWormhole {
    /// @notice One guardian's signature.
    struct Signature {
        bytes32 r;
        bytes32 s;
        uint8 v;
        uint8 guardianIndex;
    }

    /// @notice A message that guardians signed.
    // solhint-disable-next-line gas-struct-packing
    struct VM {
        uint8 version;
        uint32 timestamp;
        uint32 nonce;
        uint16 emitterChainId;
        bytes32 emitterAddress;
        uint64 sequence;
        uint8 consistencyLevel;
        bytes payload;
        uint32 guardianSetIndex;
        Signature[] signatures;
        bytes32 hash;
    }

    /// @notice Reads a message and says whether a quorum of a guardian set that has not expired signed it; else why not.
    function parseAndVerifyVM(
        bytes calldata encodedVM
    ) external view returns (VM memory vm, bool valid, string memory reason);
}
