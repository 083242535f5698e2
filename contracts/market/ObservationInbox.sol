// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ObservationElement} from "../generated/Words.sol";
import {IObservationSource} from "./IObservationSource.sol";
import {Inbox} from "./Inbox.sol";

/// @title ObservationInbox
/// @notice What every source of ours keeps and answers; who may append is its own business.
abstract contract ObservationInbox is IObservationSource {
    using Inbox for Inbox.Chain;

    mapping(bytes32 marketId => Inbox.Chain) private _inbox;

    /// @inheritdoc IObservationSource
    function checkpoints(
        bytes32[] calldata marketIds,
        uint256[] calldata counts
    ) external view returns (bytes32[] memory heads) {
        if (marketIds.length != counts.length) revert LengthMismatch(marketIds.length, counts.length);
        // Returned from where the heads are written: an array in memory would be zeroed first and copied afterwards.
        uint256 answer;
        assembly {
            answer := mload(0x40)
            mstore(answer, 0x20)
            mstore(add(answer, 0x20), marketIds.length)
        }
        for (uint256 i = 0; i < marketIds.length; ++i) {
            bytes32 marketId;
            uint256 count;
            assembly {
                marketId := calldataload(add(marketIds.offset, shl(5, i)))
                count := calldataload(add(counts.offset, shl(5, i)))
            }
            bytes32 head = _inbox[marketId].checkpoint(count);
            assembly {
                mstore(add(add(answer, 0x40), shl(5, i)), head)
            }
        }
        assembly {
            return(answer, add(0x40, shl(5, marketIds.length)))
        }
    }

    /// @inheritdoc IObservationSource
    function latest(
        bytes32 marketId
    ) external view returns (bytes32 head, uint256 count, uint256 asOf, ObservationElement lastWord) {
        (head, count, lastWord) = _inbox[marketId].latest();
        asOf = lastWord.asOf();
    }

    /// @dev Time of a market's last observation; zero before the first.
    function _lastAsOf(bytes32 marketId) internal view returns (uint256) {
        return _last(marketId).asOf();
    }

    /// @dev A market's last observation; zero before the first.
    function _last(bytes32 marketId) internal view returns (ObservationElement) {
        return _inbox[marketId].last();
    }

    /// @dev Appends a word that the source has checked, and tells of it.
    function _append(bytes32 marketId, ObservationElement word) internal {
        uint256 count = _inbox[marketId].append(marketId, word);
        emit ObservationAppended(marketId, count, word);
    }
}
