// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ObservationElement} from "../generated/Words.sol";

/// @title IObservationSource
/// @notice Where a market's observations come from: an append-only {Inbox} of observations per market, strictly
/// later in time with every word. Who may append is the source's business.
interface IObservationSource {
    /// @notice An observation was appended; `count` is its position, from 1.
    event ObservationAppended(bytes32 indexed marketId, uint256 count, ObservationElement word);

    /// @notice As many counts as markets are needed.
    error LengthMismatch(uint256 markets, uint256 counts);

    /// @notice Newest observation of a market.
    /// @return head     inbox head after it; zero before the first observation
    /// @return count    how many observations the head covers
    /// @return asOf     its time, unix seconds
    /// @return lastWord the observation
    function latest(
        bytes32 marketId
    ) external view returns (bytes32 head, uint256 count, uint256 asOf, ObservationElement lastWord);

    /// @notice Inbox heads recorded for the given counts, one per market; one call serves a whole batch.
    /// @dev A head that was overwritten or never written comes back as something else, which no honest re-hash equals.
    function checkpoints(
        bytes32[] calldata marketIds,
        uint256[] calldata counts
    ) external view returns (bytes32[] memory heads);
}
