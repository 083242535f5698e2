// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {OptionPositionWord} from "../generated/Words.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";

/// @title IVenueOrders
/// @notice Orders of a venue's accounts, and quotes that makers sign for them. An order is filled at prices of a round that was observed
/// after it was placed, so nobody trades at a price that is known to be old.
interface IVenueOrders {
    /// @notice An order, which is filled at the prices of a round observed after it was placed.
    /// @param owner        who placed it
    /// @param number       chosen by the owner
    /// @param perpsE12     perpetuals to buy, negative to sell
    /// @param limitE8      most that a perpetual may cost, or least that it may bring
    /// @param premiumE12   most that the owner pays for the options; negative: least it gets
    /// @param expiresAt    last second at which it may be filled
    /// @param options      options to buy, negative to sell, by increasing expiry and strike
    struct Order {
        address owner;
        uint256 number;
        int256 perpsE12;
        uint256 limitE8;
        int256 premiumE12;
        uint256 expiresAt;
        OptionPositionWord[] options;
    }

    /// @notice What a maker signs (EIP-712; contracts by ERC-1271): to be the other side of an order.
    /// @param orderId    of the order
    /// @param maker      who signs
    /// @param premiumE12 what the order's owner pays the maker for the options; negative: what it gets
    /// @param deadline   last second at which it holds
    /// @param nonce      used once
    struct Quote {
        bytes32 orderId;
        address maker;
        int256 premiumE12;
        uint256 deadline;
        uint256 nonce;
    }

    /// @notice An order was placed.
    event OrderPlaced(bytes32 indexed id, address indexed owner, uint256 earliest, Order order);
    /// @notice An order is no more.
    event OrderCancelled(bytes32 indexed id);
    /// @notice An order met a quote; both sides wait for proofs.
    event OrderFilled(bytes32 indexed id, address indexed owner, address indexed maker, uint256 asOf, uint256 priceE8, int256 premiumE12);
    /// @notice A quote's number was used, by a fill or by its maker.
    event QuoteUsed(address indexed maker, uint256 nonce);

    /// @notice There is no such order, or no longer.
    error OrderUnknown(bytes32 id);
    /// @notice This order was placed already.
    error OrderExists(bytes32 id);
    /// @notice The order is its owner's alone.
    error NotOwner(address caller, address owner);
    /// @notice Nobody trades with themselves.
    error SameAccount(address owner);
    /// @notice An order for nothing.
    error NothingChanges();
    /// @notice The order or the quote holds no longer.
    error Expired(uint256 expiresAt, uint256 timestamp);
    /// @notice The round may have been known when the order was placed.
    error RoundNotAfterOrder(uint256 asOf, uint256 earliest);
    /// @notice The quote is for another order.
    error QuoteForOtherOrder(bytes32 quoted, bytes32 id);
    /// @notice The quote's number was used.
    error QuoteUsedAlready(address maker, uint256 nonce);
    /// @notice The maker did not sign this.
    error SignatureRejected(address maker);
    /// @notice The perpetual's price is beyond the order's limit.
    error PriceBeyondLimit(uint256 priceE8, uint256 limitE8);
    /// @notice The premium is beyond the order's limit.
    error PremiumBeyondLimit(int256 premiumE12, int256 limitE12);
    /// @notice No model prices these options so.
    error PremiumOutOfBand(int256 premiumE12, int256 leastE12, int256 mostE12);

    /// @notice Places the caller's order.
    /// @custom:reverts NotOwner, OrderExists, NothingChanges
    function placeOrder(Order calldata order) external returns (bytes32 id);

    /// @notice Takes back the caller's order.
    /// @custom:reverts NotOwner, OrderUnknown
    function cancelOrder(Order calldata order) external;

    /// @notice Uses up a number, so that a quote under it is worth nothing.
    function cancelQuote(uint256 nonce) external;

    /// @notice Brings an order and a quote together at the newest round, which was observed after the order. Anyone may call. Both sides
    /// are changes from here on.
    /// @param ownerPositions positions of the order's owner as they are
    /// @param makerPositions positions of the maker as they are
    /// @custom:reverts OrderUnknown, Expired, QuoteForOtherOrder, QuoteUsedAlready, SignatureRejected, RoundNotNewest, RoundNotAfterOrder,
    /// PriceBeyondLimit, PremiumBeyondLimit, PremiumOutOfBand, SameAccount, ChangePending, PositionsDiffer
    function fill(
        Order calldata order,
        Quote calldata quote,
        bytes calldata signature,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata ownerPositions,
        OptionPositionWord[] calldata makerPositions
    ) external;

    /// @notice Id of an order, and of quotes for it.
    function orderIdOf(Order calldata order) external view returns (bytes32);

    /// @notice EIP-712 digest that a maker signs.
    function quoteDigest(Quote calldata quote) external view returns (bytes32);
}
