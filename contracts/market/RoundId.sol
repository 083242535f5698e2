// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title RoundId
/// @notice Identity of a round: its source, chain, market, time and every word of it.
library RoundId {
    /// @notice Hash of it all.
    /// @param marketHash   hash of the market's words, see {hashOf}
    /// @param expiriesHash hash of the expiries' hashes, see {hashOfExpiries}
    function derive(
        address source,
        bytes32 marketId,
        uint256 asOf,
        bytes32 marketHash,
        bytes32 expiriesHash
    ) internal view returns (bytes32) {
        return keccak256(abi.encode(source, block.chainid, marketId, asOf, marketHash, expiriesHash));
    }

    /// @notice Hash of the hashes of a round's expiries, in their order.
    function hashOfExpiries(bytes32[] calldata expiryHashes) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(expiryHashes));
    }
}
