// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {ROUND_MARKET_WORDS, RoundMarketList} from "../generated/WordLists.sol";
import {OptionPositionWord, RoundPricesWord} from "../generated/Words.sol";
import {ClockSkew} from "../market/ClockSkew.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IRiskArrays} from "../registry/IRiskArrays.sol";
import {IOptionsVenue} from "./IOptionsVenue.sol";
import {IVenueOrders} from "./IVenueOrders.sol";
import {PositionWords} from "./PositionWords.sol";

/// @title VenueOrders
/// @notice Orders are filled at prices that nobody knew when they were placed. A contract of its own, for the venue has no room for it.
/// @dev A premium lies between what no model prices options at: intrinsic value below, the asset or the strike above, within a band of
/// spot for carry. Bounds of a model's price would take a surface on the chain, and refuse honest quotes in a gap; these refuse what is
/// no price but a gift, by which a failing account could hand its cash to another. Whatever it is, both sides' margins are proven after.
contract VenueOrders is IVenueOrders, EIP712 {
    using RoundMarketList for uint256[ROUND_MARKET_WORDS];

    bytes32 private constant QUOTE_TYPEHASH =
        keccak256("Quote(bytes32 orderId,address maker,int256 premiumE12,uint256 deadline,uint256 nonce)");

    uint256 private constant ONE_BPS = 10_000;

    /// @notice Whose orders these are.
    IOptionsVenue public immutable venue;
    /// @notice Whose newest round orders wait to be overtaken.
    IRiskArrays public immutable arrays;

    /// @notice A round that fills an order is later than this; 0: there is no such order.
    mapping(bytes32 orderId => uint256) public earliestOf;
    /// @notice Whether a maker's number was used.
    mapping(address maker => mapping(uint256 nonce => bool)) public isUsed;

    constructor(IRiskArrays arrays_) EIP712("zk-risk-engine VenueOrders", "1") {
        venue = IOptionsVenue(msg.sender);
        arrays = arrays_;
    }

    /// @inheritdoc IVenueOrders
    function placeOrder(Order calldata order) external returns (bytes32 id) {
        if (msg.sender != order.owner) revert NotOwner(msg.sender, order.owner);
        if (order.perpsE12 == 0 && order.options.length == 0) revert NothingChanges();
        PositionWords.requireLot(order.perpsE12);
        PositionWords.requireLots(order.options);
        id = orderIdOf(order);
        if (earliestOf[id] != 0) revert OrderExists(id);
        // Signers' clocks may be ahead, and what they sign is seen before it is published.
        uint256 newest = arrays.newestRound();
        uint256 earliest = (block.timestamp > newest ? block.timestamp : newest) + ClockSkew.SECONDS;
        earliestOf[id] = earliest;
        emit OrderPlaced(id, order.owner, earliest, order);
    }

    /// @inheritdoc IVenueOrders
    function cancelOrder(Order calldata order) external {
        if (msg.sender != order.owner) revert NotOwner(msg.sender, order.owner);
        bytes32 id = orderIdOf(order);
        if (earliestOf[id] == 0) revert OrderUnknown(id);
        delete earliestOf[id];
        emit OrderCancelled(id);
    }

    /// @inheritdoc IVenueOrders
    function cancelQuote(uint256 nonce) external {
        _use(msg.sender, nonce);
    }

    /// @inheritdoc IVenueOrders
    function fill(
        Order calldata order,
        Quote calldata quote,
        bytes calldata signature,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata ownerPositions,
        OptionPositionWord[] calldata makerPositions
    ) external {
        uint256 earliest = _takeOrder(order, quote);
        if (round.asOf <= earliest) revert RoundNotAfterOrder(round.asOf, earliest);
        _takeQuote(quote, signature);
        uint256 priceE8 = _requireWithin(order, quote.premiumE12, round.marketWords.roundPrices());
        emit OrderFilled(quote.orderId, order.owner, quote.maker, round.asOf, priceE8, quote.premiumE12);
        // Which holds the round to be the newest, with these words.
        IOptionsVenue.Trade memory agreed = IOptionsVenue.Trade(
            order.owner,
            quote.maker,
            order.perpsE12,
            quote.premiumE12,
            order.options
        );
        venue.trade(agreed, round, ownerPositions, makerPositions);
    }

    /// @inheritdoc IVenueOrders
    function orderIdOf(Order calldata order) public view returns (bytes32) {
        return keccak256(abi.encode(address(this), block.chainid, order));
    }

    /// @inheritdoc IVenueOrders
    function quoteDigest(Quote calldata quote) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(QUOTE_TYPEHASH, quote)));
    }

    function _takeOrder(Order calldata order, Quote calldata quote) private returns (uint256 earliest) {
        bytes32 id = orderIdOf(order);
        earliest = earliestOf[id];
        if (earliest == 0) revert OrderUnknown(id);
        if (block.timestamp > order.expiresAt) revert Expired(order.expiresAt, block.timestamp);
        if (quote.orderId != id) revert QuoteForOtherOrder(quote.orderId, id);
        if (quote.maker == order.owner) revert SameAccount(order.owner);
        delete earliestOf[id];
    }

    function _takeQuote(Quote calldata quote, bytes calldata signature) private {
        if (block.timestamp > quote.deadline) revert Expired(quote.deadline, block.timestamp);
        _use(quote.maker, quote.nonce);
        if (!SignatureChecker.isValidSignatureNow(quote.maker, quoteDigest(quote), signature)) {
            revert SignatureRejected(quote.maker);
        }
    }

    function _use(address maker, uint256 nonce) private {
        if (isUsed[maker][nonce]) revert QuoteUsedAlready(maker, nonce);
        isUsed[maker][nonce] = true;
        emit QuoteUsed(maker, nonce);
    }

    function _requireWithin(
        Order calldata order,
        int256 premiumE12,
        RoundPricesWord prices
    ) private view returns (uint256 priceE8) {
        priceE8 = prices.perpPriceE8();
        bool isBeyond = order.perpsE12 > 0 ? priceE8 > order.limitE8 : order.perpsE12 < 0 && priceE8 < order.limitE8;
        if (isBeyond) revert PriceBeyondLimit(priceE8, order.limitE8);
        if (premiumE12 > order.premiumE12) revert PremiumBeyondLimit(premiumE12, order.premiumE12);
        uint256 spotE8 = prices.spotE8();
        uint256 bandE8 = (spotE8 * venue.premiumBandBps()) / ONE_BPS;
        (int256 least, int256 most) = PositionWords.boundsE12(order.options, spotE8 - bandE8, spotE8 + bandE8);
        if (premiumE12 < least || premiumE12 > most) revert PremiumOutOfBand(premiumE12, least, most);
    }
}
