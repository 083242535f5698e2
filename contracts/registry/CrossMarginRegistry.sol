// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {CrossMarginsFrame} from "../generated/CrossMarginsFrame.sol";
import {COLLATERAL_AMOUNTS_WORDS, CROSS_POLICY_WORDS} from "../generated/WordLists.sol";
import {
    CollateralAmountWord,
    CrossMarginsFields,
    CrossMarginsWord,
    HoldingsWord,
    OptionPositionWord
} from "../generated/Words.sol";
import {PortfolioPolicyCode} from "../parameters/PortfolioPolicyCode.sol";
import {PortfolioStatement} from "../statement/PortfolioStatement.sol";
import {BookFolding} from "./BookFolding.sol";
import {CrossPolicy} from "./CrossPolicy.sol";
import {ICrossMarginRegistry} from "./ICrossMarginRegistry.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";
import {IRiskArrays} from "./IRiskArrays.sol";
import {Positions} from "./Positions.sol";
import {RiskArrays} from "./RiskArrays.sol";

/// @title CrossMarginRegistry
/// @notice Margins in force of the accounts of a venue of several markets.
contract CrossMarginRegistry is CrossPolicy, BookFolding {
    using PortfolioStatement for PortfolioStatement.Transcript;

    uint256 private constant AS_OF_SHIFT = CrossMarginsFields.BITS;
    uint256 private constant SEQUENCE_SHIFT = AS_OF_SHIFT + 32;

    /// @notice What the chain keeps of an account, in three slots.
    /// @param bookHash what the venue last reported
    /// @param sequence how often it has
    /// @param scales   of prices, at which it has: 8 bits a market, the first in the low ones
    /// @param margins  `CrossMarginsWord`; above it the oldest round's time, then the report's sequence
    struct Account {
        bytes32 bookHash;
        uint40 sequence;
        uint32 scales;
        uint256 margins;
    }

    /// @dev What all statements of a submission share.
    struct Scope {
        uint256 oldest; // time of the oldest round
        uint256 newest;
        bytes32[] roundIds;
        PricedRound[] priced;
        uint256[][] policies;
        uint32 scales; // of prices, as those of an account
        bytes32 subject;
        uint256 skipped; // a bit an account of the batch
    }

    mapping(address account => Account) private _accounts;

    /// @param authority             AccessManager that knows who is the venue
    /// @param models_               registry of models; must know the layouts that this contract speaks
    /// @param markets               arrays of each market's rounds; the first one's say what collateral is
    /// @param emptyState_           commitment to the state of a book before its first position
    /// @param words                 first policy of the markets together, see {setCrossPolicy}
    /// @param maxRoundsApartSeconds likewise
    constructor(
        address authority,
        IModelRegistry models_,
        RiskArrays[] memory markets,
        uint256 emptyState_,
        uint256[CROSS_POLICY_WORDS] memory words,
        uint256 maxRoundsApartSeconds
    )
        AccessManaged(authority)
        CrossPolicy(markets, words, maxRoundsApartSeconds)
        BookFolding(models_, emptyState_)
    {
        models_.requireLayout(CrossMarginsFrame.LAYOUT_HASH, IModelRegistry.Kind.CrossMargins);
    }

    /// @inheritdoc ICrossMarginRegistry
    function reportCrossAccount(
        address account,
        OptionPositionWord[][] calldata positions,
        HoldingsWord[] calldata holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external restricted {
        IRiskArrays[] memory markets = marketArrays();
        _requireMarkets(positions.length, markets.length);
        _requireMarkets(holdings.length, markets.length);
        bytes32[] memory hashes = new bytes32[](markets.length);
        uint32 scales = 0;
        for (uint256 m = 0; m < markets.length; ++m) {
            (uint256 newestRound, int8 scale) = markets[m].reportTerms();
            scales |= _scaleOf(scale, m);
            Positions.check(positions[m], newestRound);
            HoldingsWord held = holdings[m];
            if (!held.fits()) revert IPortfolioRegistry.HoldingsOutOfRange(HoldingsWord.unwrap(held));
            if (m > 0 && held.cashE12() != 0) revert CashTwice(m, held);
            hashes[m] = keccak256(abi.encodePacked(positions[m]));
        }
        for (uint256 i = 0; i < COLLATERAL_AMOUNTS_WORDS; ++i) {
            CollateralAmountWord amounts = collateralAmounts[i];
            if (!amounts.fits()) revert IPortfolioRegistry.HoldingsOutOfRange(CollateralAmountWord.unwrap(amounts));
        }
        Account storage known = _accounts[account];
        known.bookHash = _bookHash(hashes, holdings, collateralAmounts);
        known.scales = scales;
        uint256 sequence = ++known.sequence;
        emit CrossAccountReported(account, sequence, positions, holdings, collateralAmounts);
    }

    /// @inheritdoc ICrossMarginRegistry
    function submitCrossMargins(
        MarketRound[] calldata marketRounds,
        CrossBatch calldata batch,
        CrossAccount[] calldata accounts,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata marginProof
    ) external {
        Scope memory scope = _scope(marketRounds);
        (address verifier, uint256 places) = _marginModel(batch.marginModelId, accounts.length, marketRounds.length);
        scope.subject = _subjectOfBatch(scope, accounts);
        Books memory books = _openBooks(batch.bookModelId, bookProofs.length);
        books.publicSignals[0] = _stateBatch(scope, marketRounds, batch, accounts, places, books, bookWords);
        for (uint256 m = 0; m < scope.priced.length; ++m) _requireArrays(scope.priced[m]);
        _verify(books, bookWords, bookProofs, verifier, marginProof);
        for (uint256 i = 0; i < accounts.length; ++i) _accept(scope, i, accounts[i]);
        emit CrossMarginsAccepted(scope.oldest, scope.subject, msg.sender);
    }

    /// @inheritdoc ICrossMarginRegistry
    function crossMarginOf(address account) external view returns (CrossMargin memory proven) {
        proven = _proven(account);
        uint256 oldest = block.timestamp - _maxMarginAge();
        if (proven.asOf < oldest) revert CrossMarginStale(proven.asOf, oldest);
        uint256 current = _accounts[account].sequence;
        if (proven.sequence != current) revert CrossMarginOfOtherPositions(account, proven.sequence, current);
    }

    /// @inheritdoc ICrossMarginRegistry
    function unsafeCrossMargin(address account) external view returns (CrossMargin memory proven, uint256 ageSeconds) {
        proven = _proven(account);
        // A round may be ahead of the chain by the clocks' skew.
        ageSeconds = block.timestamp > proven.asOf ? block.timestamp - proven.asOf : 0;
    }

    /// @inheritdoc ICrossMarginRegistry
    function crossAccountOf(address account) external view returns (uint256 sequence, bytes32 bookHash) {
        return (_accounts[account].sequence, _accounts[account].bookHash);
    }

    /// @dev The least that any market allows.
    function _maxMarginAge() private view returns (uint256 least) {
        IRiskArrays[] memory markets = marketArrays();
        least = type(uint256).max;
        for (uint256 m = 0; m < markets.length; ++m) {
            uint256 most = markets[m].portfolioFreshness().maxMarginAgeSeconds;
            if (most < least) least = most;
        }
    }

    /// @dev Rounds in force of every market, near each other.
    function _scope(MarketRound[] calldata marketRounds) private view returns (Scope memory scope) {
        IRiskArrays[] memory markets = marketArrays();
        uint256 count = markets.length;
        _requireMarkets(marketRounds.length, count);
        scope.roundIds = new bytes32[](count);
        scope.priced = new PricedRound[](count);
        scope.policies = new uint256[][](count);
        scope.oldest = type(uint256).max;
        for (uint256 m = 0; m < count; ++m) {
            MarketRound calldata round = marketRounds[m];
            PricedRound memory priced = scope.priced[m];
            (priced.arrays, priced.asOf) = (markets[m], round.asOf);
            int256 scale;
            address policyCode;
            (scope.roundIds[m], priced.policyVersion, policyCode, , scale) = markets[m].requireRound(
                round.asOf,
                round.marketWords,
                round.expiriesHash,
                false
            );
            scope.policies[m] = PortfolioPolicyCode.read(policyCode);
            scope.scales |= _scaleOf(scale, m);
            if (round.asOf < scope.oldest) scope.oldest = round.asOf;
            if (round.asOf > scope.newest) scope.newest = round.asOf;
        }
        _requireNear(scope.oldest, scope.newest);
    }

    /// @dev Model of a batch, which has places for its accounts, each over as many markets.
    function _marginModel(
        bytes32 modelId,
        uint256 accounts,
        uint256 markets
    ) private view returns (address verifier, uint256 places) {
        uint256 ofModel;
        (verifier, places, ofModel, , ) = models.activeModel(modelId, CrossMarginsFrame.LAYOUT_HASH);
        _requireMarkets(ofModel, markets);
        if (accounts == 0 || accounts > places) revert IPortfolioRegistry.AccountCountOutOfRange(accounts, places);
    }

    /// @dev Rounds, accounts and reports, so that a proof fits one round of each market and one report of each account. Notes those
    /// whose margins are in force already, or later ones, and those that have been reported anew since.
    function _subjectOfBatch(Scope memory scope, CrossAccount[] calldata accounts) private view returns (bytes32) {
        address[] memory addresses = new address[](accounts.length);
        uint256[] memory sequences = new uint256[](accounts.length);
        address previous = address(0);
        for (uint256 i = 0; i < accounts.length; ++i) {
            address account = accounts[i].account;
            uint256 sequence = accounts[i].sequence;
            if (account <= previous) revert IPortfolioRegistry.AccountsNotIncreasing(account, previous);
            previous = account;
            (addresses[i], sequences[i]) = (account, sequence);
            uint256 current = _accounts[account].sequence;
            if (current == 0) revert IPortfolioRegistry.AccountUnknown(account);
            if (sequence == 0 || sequence > current) {
                revert IPortfolioRegistry.ReportUnknown(account, sequence, current);
            }
            uint256 scales = _accounts[account].scales;
            if (scales != scope.scales) revert AccountAtOtherScales(account, scales, scope.scales);
            if (sequence != current || !_isNext(scope.oldest, sequence, account)) scope.skipped |= 1 << i;
        }
        uint256 all = (1 << accounts.length) - 1; // at most 255 places
        if (scope.skipped == all) revert IPortfolioRegistry.MarginNotNewer(addresses[0], scope.oldest, sequences[0]);
        return keccak256(abi.encode(scope.roundIds, addresses, sequences));
    }

    /// @dev Whether a proof is of later rounds than the margins in force, or of a later report in the same ones.
    function _isNext(uint256 asOf, uint256 sequence, address account) private view returns (bool) {
        uint256 proven = _accounts[account].margins >> AS_OF_SHIFT;
        uint256 provenAsOf = uint32(proven);
        return asOf > provenAsOf || (asOf == provenAsOf && sequence > proven >> 32);
    }

    function _stateBatch(
        Scope memory scope,
        MarketRound[] calldata marketRounds,
        CrossBatch calldata batch,
        CrossAccount[] calldata accounts,
        uint256 places,
        Books memory books,
        uint256[] calldata bookWords
    ) private view returns (uint256[3] memory) {
        uint256 markets = scope.priced.length;
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            CrossMarginsFrame.LAYOUT_HASH,
            batch.marginModelId,
            scope.subject,
            batch.commitment,
            CrossMarginsFrame.words(markets, places, places * markets)
        );
        for (uint256 m = 0; m < markets; ++m) {
            CrossMarginsFrame.putMarket(transcript, marketRounds[m].marketWords, scope.policies[m]);
        }
        CrossMarginsFrame.putShared(transcript, marketRounds[0].marketWords, scope.policies[0], _crossWords());
        _putCollateral(transcript, accounts, places);
        for (uint256 i = 0; i < accounts.length; ++i) _putParts(transcript, scope, books, bookWords, accounts[i]);
        for (uint256 i = accounts.length * markets; i < places * markets; ++i) {
            CrossMarginsFrame.putEmptyPart(transcript, emptyState);
        }
        for (uint256 i = 0; i < places; ++i) {
            CrossMarginsFrame.putOutputs(transcript, i < accounts.length ? _fitting(accounts[i]) : batch.emptyMargins);
        }
        return transcript.close();
    }

    function _putCollateral(
        PortfolioStatement.Transcript memory transcript,
        CrossAccount[] calldata accounts,
        uint256 places
    ) private pure {
        for (uint256 i = 0; i < accounts.length; ++i) {
            CrossMarginsFrame.putAccount(transcript, accounts[i].collateralAmounts);
        }
        for (uint256 i = accounts.length; i < places; ++i) CrossMarginsFrame.putEmptyAccount(transcript);
    }

    /// @dev Puts what an account holds in each market, its options folded over its books.
    function _putParts(
        PortfolioStatement.Transcript memory transcript,
        Scope memory scope,
        Books memory books,
        uint256[] calldata bookWords,
        CrossAccount calldata held
    ) private view {
        uint256 markets = scope.priced.length;
        _requireMarkets(held.arrays.length, markets);
        _requireMarkets(held.holdings.length, markets);
        bytes32[] memory hashes = new bytes32[](markets);
        for (uint256 m = 0; m < markets; ++m) {
            bytes32 subject = _subjectOfPart(scope.roundIds[m], held.account, held.sequence);
            Fold memory fold = _fold(scope.priced[m], books, bookWords, subject, held.arrays[m]);
            hashes[m] = _hashHeld(fold);
            CrossMarginsFrame.putPart(transcript, fold.state, held.holdings[m]);
        }
        Account storage known = _accounts[held.account];
        // Of an earlier report there is nothing left to compare with, and nothing of it is put in force.
        if (held.sequence != known.sequence) return;
        bytes32 bookHash = _bookHash(hashes, held.holdings, held.collateralAmounts);
        if (bookHash != known.bookHash) {
            revert IPortfolioRegistry.BookMismatch(held.account, bookHash, known.bookHash);
        }
    }

    /// @dev The subject of an account's books in one market, in any batch.
    function _subjectOfPart(bytes32 roundId, address account, uint256 sequence) private pure returns (bytes32) {
        return keccak256(abi.encode(roundId, account, sequence));
    }

    function _accept(Scope memory scope, uint256 index, CrossAccount calldata proven) private {
        address account = proven.account;
        if ((scope.skipped >> index) & 1 == 1) {
            emit CrossMarginSkipped(account, scope.oldest, proven.sequence);
            return;
        }
        Account storage known = _accounts[account];
        known.margins =
            CrossMarginsWord.unwrap(proven.margins) |
            (scope.oldest << AS_OF_SHIFT) |
            (proven.sequence << SEQUENCE_SHIFT);
        emit CrossMarginProven(account, scope.oldest, proven.sequence, proven.margins);
    }

    function _fitting(CrossAccount calldata proven) private pure returns (CrossMarginsWord margins) {
        margins = proven.margins;
        if (!margins.fits()) revert CrossMarginsOutOfRange(proven.account, margins);
    }

    function _crossWords() private view returns (uint256[] memory words) {
        (uint256[CROSS_POLICY_WORDS] memory held, ) = crossPolicy();
        words = new uint256[](CROSS_POLICY_WORDS);
        for (uint256 i = 0; i < CROSS_POLICY_WORDS; ++i) words[i] = held[i];
    }

    function _bookHash(
        bytes32[] memory hashes,
        HoldingsWord[] calldata holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) private pure returns (bytes32) {
        return keccak256(abi.encodePacked(hashes, holdings, collateralAmounts));
    }

    function _proven(address account) private view returns (CrossMargin memory) {
        uint256 stored = _accounts[account].margins;
        if (stored == 0) revert CrossMarginNotYetProven(account);
        CrossMarginsWord margins = CrossMarginsWord.wrap(stored); // readers pass over what stands above
        return
            CrossMargin({
                initialE8: margins.initialE8(),
                maintenanceE8: margins.maintenanceE8(),
                worstScenarios: margins.worstScenarios(),
                asOf: uint32(stored >> AS_OF_SHIFT),
                sequence: stored >> SEQUENCE_SHIFT
            });
    }

    /// @dev A market's scale of prices in its place; scales have 8 bits.
    function _scaleOf(int256 scale, uint256 market) private pure returns (uint32) {
        return uint32(uint8(int8(scale))) << uint32(8 * market);
    }

    function _requireMarkets(uint256 given, uint256 markets) private pure {
        if (given != markets) revert MarketCountMismatch(given, markets);
    }
}
