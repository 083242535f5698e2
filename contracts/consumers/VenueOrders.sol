// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SignatureChecker} from "@openzeppelin/contracts/utils/cryptography/SignatureChecker.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {OptionPositionWord} from "../generated/Words.sol";
import {ClockSkew} from "../market/ClockSkew.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IOptionsVenue} from "./IOptionsVenue.sol";
import {PositionWords} from "./PositionWords.sol";
import {VenueChanges} from "./VenueChanges.sol";

/// @title VenueOrders
/// @notice Orders are filled at prices that nobody knew when they were placed.
/// @dev A premium lies between what no model prices options at: intrinsic value below, the asset or the strike above, within a band of
/// spot for carry. Bounds of a model's price would take a surface on the chain, and refuse honest quotes in a gap; these refuse what is
/// no price but a gift, by which a failing account could hand its cash to another. Whatever it is, both sides' margins are proven after.
abstract contract VenueOrders is VenueChanges, EIP712 {
    using PositionWords for OptionPositionWord[];
    using SafeCast for int256;

    bytes32 private constant QUOTE_TYPEHASH =
        keccak256("Quote(bytes32 orderId,address maker,int256 premiumE12,uint256 deadline,uint256 nonce)");

    /// @notice A round that fills an order is later than this; 0: there is no such order.
    mapping(bytes32 orderId => uint256) public earliestOf;
    /// @notice Whether a maker's number was used.
    mapping(address maker => mapping(uint256 nonce => bool)) public isUsed;

    uint40 private _trades;

    constructor() EIP712("zk-risk-engine OptionsVenue", "1") {}

    /// @inheritdoc IOptionsVenue
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

    /// @inheritdoc IOptionsVenue
    function cancelOrder(Order calldata order) external {
        if (msg.sender != order.owner) revert NotOwner(msg.sender, order.owner);
        bytes32 id = orderIdOf(order);
        if (earliestOf[id] == 0) revert OrderUnknown(id);
        delete earliestOf[id];
        emit OrderCancelled(id);
    }

    /// @inheritdoc IOptionsVenue
    function cancelQuote(uint256 nonce) external {
        _use(msg.sender, nonce);
    }

    /// @inheritdoc IOptionsVenue
    function fill(
        Order calldata order,
        Quote calldata quote,
        bytes calldata signature,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata ownerPositions,
        OptionPositionWord[] calldata makerPositions
    ) external nonReentrant {
        uint256 earliest = _takeOrder(order, quote);
        if (round.asOf <= earliest) revert RoundNotAfterOrder(round.asOf, earliest);
        _takeQuote(quote, signature);
        (uint256 spotE8, uint256 priceE8) = _newestPrices(round);
        _requireWithin(order, quote.premiumE12, spotE8, priceE8);
        Change memory change = _changeAt(round.asOf, priceE8);
        change.trade = ++_trades;
        (change.partner, change.perpsE12) = (quote.maker, order.perpsE12.toInt128());
        change.cashE12 = -quote.premiumE12.toInt128();
        _proposeSide(order.owner, change, ownerPositions, order.options);
        (change.partner, change.perpsE12) = (order.owner, -change.perpsE12);
        change.cashE12 = -change.cashE12;
        OptionPositionWord[] memory sold = order.options;
        _proposeSide(quote.maker, change, makerPositions, sold.negated());
        emit OrderFilled(quote.orderId, order.owner, quote.maker, round.asOf, priceE8, quote.premiumE12);
    }

    /// @inheritdoc IOptionsVenue
    function orderIdOf(Order calldata order) public view returns (bytes32) {
        return keccak256(abi.encode(address(this), block.chainid, order));
    }

    /// @inheritdoc IOptionsVenue
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

    function _requireWithin(Order calldata order, int256 premiumE12, uint256 spotE8, uint256 priceE8) private view {
        bool isBeyond = order.perpsE12 > 0 ? priceE8 > order.limitE8 : order.perpsE12 < 0 && priceE8 < order.limitE8;
        if (isBeyond) revert PriceBeyondLimit(priceE8, order.limitE8);
        if (premiumE12 > order.premiumE12) revert PremiumBeyondLimit(premiumE12, order.premiumE12);
        uint256 bandE8 = (spotE8 * rules.bandBps) / ONE_BPS;
        OptionPositionWord[] memory options = order.options;
        (int256 least, int256 most) = options.boundsE12(spotE8 - bandE8, spotE8 + bandE8);
        if (premiumE12 < least || premiumE12 > most) revert PremiumOutOfBand(premiumE12, least, most);
    }

    function _proposeSide(
        address owner,
        Change memory change,
        OptionPositionWord[] memory positions,
        OptionPositionWord[] memory bought
    ) private {
        _requireNoChange(owner);
        Account storage account = _held(owner, positions);
        _propose(owner, account, change, positions.sum(bought));
    }
}
