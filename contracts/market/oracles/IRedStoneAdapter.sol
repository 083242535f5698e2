// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IFeedTable} from "./IFeedTable.sol";
import {IRedStoneReader} from "./IRedStoneReader.sol";

/// @title IRedStoneAdapter
/// @notice Observations from RedStone: anyone carries signed data packages; a contract of RedStone's verifies them.
/// @dev RedStone's values are without confidence. Of more packages than its service needs, who carries them chooses which; each was
/// signed. What its payloads have besides, unsigned, is not taken: who carries them leaves it out.
interface IRedStoneAdapter is IFeedTable {
    /// @notice A payload does not end as data packages without unsigned metadata do.
    error NotAPayload(bytes12 ending, bytes12 expected);
    /// @notice A payload's packages are more or fewer bytes than it has.
    error PackagesLengthMismatch(uint256 length, uint256 packages);
    /// @notice A signature is the other one of two that say the same.
    error SignatureNotLow(uint256 s, uint256 greatest);

    /// @notice Takes a market's value from signed packages, at their time.
    /// @custom:reverts SequencerDown, SequencerJustUp, UnknownMarket
    /// @custom:reverts NotAPayload, PackagesLengthMismatch, SignatureNotLow; VerificationFailed if RedStone's contract refuses
    /// @custom:reverts ObservationStale, ObservationInFuture, ObservationNotLater, PriceNotPositive, PriceOutOfRange for the price
    function take(bytes32 marketId, bytes calldata payload) external;

    /// @notice The contract that verifies packages.
    function reader() external view returns (IRedStoneReader);
}
