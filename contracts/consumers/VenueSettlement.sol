// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ROUND_MARKET_WORDS, RoundMarketList} from "../generated/WordLists.sol";
import {OptionPositionWord, RoundPricesWord} from "../generated/Words.sol";
import {IRoundSource} from "../market/IRoundSource.sol";
import {RoundId} from "../market/RoundId.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IOptionsVenue} from "./IOptionsVenue.sol";
import {PositionWords} from "./PositionWords.sol";
import {VenueAccounts} from "./VenueAccounts.sol";

/// @title VenueSettlement
/// @notice Options pay at expiry by the spot of an attested round, which one honest caller is enough to make the first after it.
abstract contract VenueSettlement is VenueAccounts {
    using PositionWords for OptionPositionWord;
    using RoundMarketList for uint256[ROUND_MARKET_WORDS];

    /// @dev What settles an expiry, and the last second at which an earlier round may; it stays as rules were when the first one came.
    struct Settlement {
        uint48 priceE8;
        uint32 asOf;
        uint40 until;
    }

    mapping(uint256 expiry => Settlement) private _settlements;

    /// @inheritdoc IOptionsVenue
    function fixSettlement(uint256 expiry, IPortfolioRegistry.Round calldata round) external {
        if (round.asOf < expiry) revert RoundBeforeExpiry(round.asOf, expiry);
        (uint256 standing, uint256 until) = (_settlements[expiry].asOf, _settlements[expiry].until);
        if (standing == 0) until = expiry + rules.settlementSeconds;
        bool isOver = block.timestamp > until;
        if (standing != 0 && (isOver || round.asOf >= standing)) revert SettlementStands(expiry, standing);
        if (isOver) {
            // Who may choose among rounds chooses the best for an account.
            uint256 newest = arrays.newestRound();
            if (round.asOf != newest) revert RoundNotNewest(round.asOf, newest);
        }
        uint256 priceE8 = _spotOf(round);
        _settlements[expiry] = Settlement(uint48(priceE8), uint32(round.asOf), uint40(until)); // as long as in the round's words
        emit SettlementSet(expiry, round.asOf, priceE8);
    }

    /// @inheritdoc IOptionsVenue
    function settle(address owner, OptionPositionWord[] calldata positions) external nonReentrant {
        Account storage account = _held(owner, positions);
        OptionPositionWord[] memory left = new OptionPositionWord[](positions.length);
        uint256 count = 0;
        int256 payoffE12 = 0;
        for (uint256 i = 0; i < positions.length; ++i) {
            (uint256 priceE8, , bool isFinal) = settlementOf(positions[i].expiry());
            if (isFinal) {
                payoffE12 += positions[i].payoffE12(priceE8);
                continue;
            }
            left[count] = positions[i];
            ++count;
        }
        if (count == positions.length) revert NothingChanges();
        assembly ("memory-safe") {
            mstore(left, count)
        }
        _voidChange(owner, account); // it is of positions that are no more
        account.positionsHash = PositionWords.hashOf(left);
        _payFromClearing(account, payoffE12);
        _coverDebt(owner, account);
        _report(owner, account, left);
        emit Settled(owner, positions.length - count, payoffE12);
    }

    /// @inheritdoc IOptionsVenue
    function settlementOf(uint256 expiry) public view returns (uint256 priceE8, uint256 asOf, bool isFinal) {
        Settlement memory standing = _settlements[expiry];
        isFinal = standing.asOf != 0 && block.timestamp > standing.until;
        return (standing.priceE8, standing.asOf, isFinal);
    }

    /// @dev Spot of a round that was published with these words, however long ago.
    function _spotOf(IPortfolioRegistry.Round calldata round) private view returns (uint256 spotE8) {
        IRoundSource rounds = arrays.rounds();
        bytes32 marketHash = keccak256(abi.encode(round.marketWords));
        bytes32 given = RoundId.derive(address(rounds), marketId, round.asOf, marketHash, round.expiriesHash);
        bytes32 published = rounds.roundOf(marketId, round.asOf);
        if (given != published) revert RoundNotPublished(round.asOf, given, published);
        int256 scale = arrays.priceScale();
        if (scale != priceScale) revert PriceScaleDiffers(scale, priceScale);
        RoundPricesWord prices = round.marketWords.roundPrices();
        spotE8 = prices.spotE8();
        uint256 perpPriceE8 = prices.perpPriceE8();
        uint256 gapBps = arrays.roundPriceGapBps();
        (uint256 low, uint256 high) = spotE8 < perpPriceE8 ? (spotE8, perpPriceE8) : (perpPriceE8, spotE8);
        if (low == 0 || low * (ONE_BPS + gapBps) < high * ONE_BPS) revert RoundPricesApart(spotE8, perpPriceE8, gapBps);
    }
}
