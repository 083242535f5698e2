// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPlausibleInbox} from "../IPlausibleInbox.sol";

/// @title IOracleInbox
/// @notice What sources that read an oracle have in common: what is not a price of now is refused by name, what is none of a market
/// by the door.
/// @dev No owner: feeds and bounds are fixed for ever; a market gets another source through the registry's council. Whoever calls
/// chooses the moment, not the value. A refusal by name changes nothing, and what was paid stays with who paid.
interface IOracleInbox is IPlausibleInbox {
    /// @notice When a price is one of now, for all markets of a source.
    /// @param maxAgeSeconds    age up to which a price is taken, 1 second to 30 days
    /// @param maxConfidenceBps greatest half-width of its confidence interval, in 1/10,000 of it, up to all of it
    /// @param uptimeFeed       on a chain with a sequencer, Chainlink's feed that says whether it is up; else zero
    /// @param graceSeconds     how long after it came up nothing is taken, up to a day; zero where there is no feed. What is of before
    ///                         it came up is never taken
    struct Freshness {
        uint256 maxAgeSeconds;
        uint256 maxConfidenceBps;
        address uptimeFeed;
        uint256 graceSeconds;
    }

    /// @notice There is no contract.
    error NoContract(address account);
    /// @notice A bound does not make sense.
    error BoundOutOfRange(string field, uint256 value, uint256 least, uint256 greatest);
    /// @notice A source has one to so many markets.
    error MarketsOutOfRange(uint256 markets, uint256 greatest);
    /// @notice A market is listed twice.
    error MarketListedTwice(bytes32 marketId);
    /// @notice The source has no feed for the market.
    error UnknownMarket(bytes32 marketId);
    /// @notice The oracle's prices have other decimals than those that the source was made for.
    error DecimalsMismatch(bytes32 marketId, int256 decimals, int256 expected);
    /// @notice A price of zero or less.
    error PriceNotPositive(bytes32 marketId, int256 price);
    /// @notice A price that no word holds, in 10^-8.
    error PriceOutOfRange(bytes32 marketId, uint256 priceE8, uint256 least, uint256 greatest);
    /// @notice A price of so few steps of 10^-8 that these would show instead of moves. An adapter quotes one unit: attest the price at a
    /// scale instead ({IPriceScale}).
    error PriceTooCoarse(bytes32 marketId, uint256 priceE8, uint256 least);
    /// @notice The price's confidence interval, in its own decimals, is wider than the source takes.
    error ConfidenceTooWide(bytes32 marketId, uint256 confidence, uint256 greatest);
    /// @notice The price is older than the source takes, or of before the chain's sequencer came up.
    error ObservationStale(bytes32 marketId, uint256 asOf, uint256 oldest);
    /// @notice The price claims a time later than the clock skew allows.
    error ObservationInFuture(bytes32 marketId, uint256 asOf, uint256 newest);
    /// @notice The price is not later than the market's last one.
    error ObservationNotLater(bytes32 marketId, uint256 asOf, uint256 lastAsOf);
    /// @notice The chain's sequencer is not up: `status` is 0 where it is, and `since` zero where nobody has said.
    error SequencerDown(int256 status, uint256 since);
    /// @notice The chain's sequencer came up, and those that it kept out have until then.
    error SequencerJustUp(uint256 since, uint256 until);
    /// @notice The oracle's own contract refused, for its own reason.
    error VerificationFailed(address verifier, bytes reason);
    /// @notice What was paid does not cover the oracle's fee.
    error FeeTooLow(uint256 paid, uint256 fee);
    /// @notice Who called does not take back what was paid beyond the fee.
    error RefundFailed(address to, uint256 amount);

    /// @notice When a price is one of now.
    function freshness() external view returns (Freshness memory);
}
