// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {ArrayMarginFrame} from "../generated/ArrayMarginFrame.sol";
import {MarginsAloneFrame} from "../generated/MarginsAloneFrame.sol";
import {PortfolioMarginFrame} from "../generated/PortfolioMarginFrame.sol";
import {ScenarioWitnessFrame} from "../generated/ScenarioWitnessFrame.sol";
import {UnhealthyWitnessFrame} from "../generated/UnhealthyWitnessFrame.sol";
import {COLLATERAL_AMOUNTS_WORDS} from "../generated/WordLists.sol";
import {
    AccountMarginsWord,
    AccountThresholdsWord,
    BookFlagsWord,
    CollateralAmountWord,
    HoldingsWord,
    MaintenanceBoundWord,
    ScenarioChoiceWord
} from "../generated/Words.sol";
import {PortfolioPolicyCode} from "../parameters/PortfolioPolicyCode.sol";
import {CanonicalProof} from "../proof/CanonicalProof.sol";
import {ListInMemory} from "../statement/ListInMemory.sol";
import {PortfolioStatement} from "../statement/PortfolioStatement.sol";
import {BookFolding} from "./BookFolding.sol";
import {CountedAccounts} from "./CountedAccounts.sol";
import {IModelRegistry} from "./IModelRegistry.sol";
import {IImprovement} from "./IImprovement.sol";
import {IOpenInterest} from "./IOpenInterest.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";
import {Improvement} from "./Improvement.sol";
import {IRiskArrays} from "./IRiskArrays.sol";
import {PositionBook} from "./PositionBook.sol";

/// @title PortfolioRegistry
/// @notice Margins in force of the accounts of one market's venue.
contract PortfolioRegistry is PositionBook, BookFolding {
    using PortfolioStatement for PortfolioStatement.Transcript;

    uint256 private constant SCENARIOS = 33;
    int256 private constant E12 = 10 ** 12;
    /// @dev Words of an {IPortfolioRegistry-AccountMargin} and of an {IPortfolioRegistry-MarginAlone}.
    uint256 private constant ACCOUNT_WORDS = 12;
    uint256 private constant ALONE_WORDS = 9;
    /// @dev Words of a report before its positions: holdings, amounts of collateral.
    uint256 private constant HELD_BESIDES = 1 + COLLATERAL_AMOUNTS_WORDS;

    IImprovement private immutable _improvement = new Improvement();

    /// @dev What all statements of a submission share.
    struct Scope {
        uint256 asOf;
        bytes32 roundId;
        PricedRound priced;
        uint256[] policy;
        int256 priceScale;
        bytes32 subject;
        uint256 skipped; // a bit an account of the batch
        uint256 counted; // a bit an account, of those that the count under way still needs
        bool isFresh; // margins of the round may be put in force
        bool isCounted; // the count under way is of the round, under this policy
    }

    /// @param authority   AccessManager that knows who is the venue
    /// @param models_     registry of models; must know the layouts that this contract speaks
    /// @param arrays_     arrays of the market's rounds, and the policy that they and margins are under
    /// @param emptyState_ commitment to the state of a book before its first position
    constructor(
        address authority,
        IModelRegistry models_,
        IRiskArrays arrays_,
        uint256 emptyState_
    ) AccessManaged(authority) CountedAccounts(arrays_) BookFolding(models_, emptyState_) {
        models_.requireLayout(PortfolioMarginFrame.LAYOUT_HASH, IModelRegistry.Kind.PortfolioMargin);
        models_.requireLayout(MarginsAloneFrame.LAYOUT_HASH, IModelRegistry.Kind.MarginsAlone);
        models_.requireLayout(ArrayMarginFrame.LAYOUT_HASH, IModelRegistry.Kind.ArrayMargin);
        models_.requireLayout(UnhealthyWitnessFrame.LAYOUT_HASH, IModelRegistry.Kind.UnhealthyWitness);
        models_.requireLayout(ScenarioWitnessFrame.LAYOUT_HASH, IModelRegistry.Kind.ScenarioWitness);
    }

    /// @inheritdoc IPortfolioRegistry
    function beginCount(uint256 asOf, uint256 policyVersion) external returns (uint256 accounts) {
        if (msg.sender != address(_counts)) revert NotTheCounts(msg.sender);
        return _beginCount(asOf, policyVersion);
    }

    /// @inheritdoc IPortfolioRegistry
    function counts() external view returns (IOpenInterest) {
        return _counts;
    }

    /// @inheritdoc IPortfolioRegistry
    function reportToCount(address account) external view returns (uint256 sequence) {
        (uint256 asOf, ) = _countUnderWay();
        return asOf == 0 ? 0 : _reportToCount(asOf, account);
    }

    /// @inheritdoc IPortfolioRegistry
    function submitPortfolio(
        Round calldata round,
        Batch calldata batch,
        AccountMargin[] calldata accounts,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata marginProof
    ) external {
        Scope memory scope = _scopeOfCount(round);
        bool isFromArrays = _isFromArrays(accounts, bookProofs.length);
        (address verifier, uint256 places, uint256 slots) = _marginModel(
            batch.marginModelId, isFromArrays ? ArrayMarginFrame.LAYOUT_HASH : PortfolioMarginFrame.LAYOUT_HASH, accounts.length
        );
        uint256 first;
        assembly ("memory-safe") {
            first := accounts.offset
        }
        (address[] memory addresses, uint256[] memory sequences) = _reportsAt(first, accounts.length, ACCOUNT_WORDS);
        scope.subject = _subjectOfBatch(scope, addresses, sequences, true);
        Books memory books = _openBooks(batch.bookModelId, bookProofs.length);
        if (isFromArrays) (books.segments, books.strikes) = (places, slots);
        books.publicSignals[0] = isFromArrays
            ? _stateFromArrays(scope, round, batch, accounts[0], books, bookWords)
            : _stateBatch(scope, round, batch, accounts, places, books, bookWords);
        _requireArrays(scope.priced);
        _verify(books, bookWords, bookProofs, verifier, marginProof);
        if (scope.counted != 0) _countAccounts(scope, accounts);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (!_isSkipped(scope, i, addresses[i], sequences[i])) _acceptMargin(scope.asOf, accounts[i]);
        }
        emit PortfolioAccepted(scope.asOf, scope.subject, scope.counted, msg.sender);
    }

    /// @inheritdoc IPortfolioRegistry
    function submitMargins(
        Round calldata round,
        BatchAlone calldata batch,
        MarginAlone[] calldata accounts,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata marginProof
    ) external {
        Scope memory scope = _scope(round, false);
        (address verifier, uint256 places, ) = _marginModel(
            batch.marginModelId,
            MarginsAloneFrame.LAYOUT_HASH,
            accounts.length
        );
        uint256 first;
        assembly ("memory-safe") {
            first := accounts.offset
        }
        (address[] memory addresses, uint256[] memory sequences) = _reportsAt(first, accounts.length, ALONE_WORDS);
        scope.subject = _subjectOfBatch(scope, addresses, sequences, false);
        Books memory books = _openBooks(batch.bookModelId, bookProofs.length);
        books.publicSignals[0] = _stateAlone(scope, round, batch, accounts, places, books, bookWords);
        _requireArrays(scope.priced);
        _verify(books, bookWords, bookProofs, verifier, marginProof);
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (!_isSkipped(scope, i, addresses[i], sequences[i])) _acceptAlone(scope.asOf, accounts[i]);
        }
        emit MarginsAccepted(scope.asOf, scope.subject, msg.sender);
    }

    /// @inheritdoc IPortfolioRegistry
    function proveUnhealthy(
        Round calldata round,
        Witness calldata witness,
        uint256[] calldata present,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata witnessProof
    ) external {
        Scope memory scope = _scope(round, false);
        (address verifier, , , , ) = models.activeModel(witness.witnessModelId, UnhealthyWitnessFrame.LAYOUT_HASH);
        uint256 current = _openWitness(scope, witness);
        Books memory books = _openBooks(witness.bookModelId, bookProofs.length);
        Fold memory fold = _fold(scope.priced, books, bookWords, scope.subject, witness.arrays);
        _requireWitnessed(scope, fold, round, witness, present, current);
        books.publicSignals[0] = _stateWitness(scope, round, witness, fold.state);
        _requireArrays(scope.priced);
        _verify(books, bookWords, bookProofs, verifier, witnessProof);
        _acceptWitness(scope.asOf, current, witness);
    }

    /// @inheritdoc IPortfolioRegistry
    function proveUnhealthyByArrays(
        Round calldata round,
        Witness calldata witness,
        uint256[] calldata present,
        uint256[] calldata arrayWords,
        uint256[8] calldata witnessProof
    ) external {
        Scope memory scope = _scope(round, false);
        Books memory sizes;
        (sizes.verifier, sizes.segments, sizes.strikes, , ) = models.activeModel(
            witness.witnessModelId,
            ScenarioWitnessFrame.LAYOUT_HASH
        );
        uint256 current = _openWitness(scope, witness);
        Fold memory fold;
        uint256[3] memory publicSignals = _stateScenario(scope, sizes, fold, round, witness, arrayWords);
        _requireWitnessed(scope, fold, round, witness, present, current);
        _requireArrays(scope.priced);
        CanonicalProof.verify(sizes.verifier, witnessProof, publicSignals);
        _acceptWitness(scope.asOf, current, witness);
    }

    function _scope(Round calldata round, bool mayBeStale) private view returns (Scope memory scope) {
        scope.asOf = round.asOf;
        scope.priced.arrays = arrays;
        scope.priced.asOf = round.asOf;
        address policyCode;
        (scope.roundId, scope.priced.policyVersion, policyCode, scope.isFresh, scope.priceScale) = arrays.requireRound(
            round.asOf,
            round.marketWords,
            round.expiriesHash,
            mayBeStale
        );
        scope.policy = PortfolioPolicyCode.read(policyCode);
    }

    /// @dev A count takes longer than rounds stay fresh; what is not may be counted, and nothing of it put in force.
    function _scopeOfCount(Round calldata round) private view returns (Scope memory scope) {
        (uint256 asOf, uint256 policyVersion) = _countUnderWay();
        scope = _scope(round, asOf == round.asOf);
        scope.isCounted = asOf == round.asOf && policyVersion == scope.priced.policyVersion;
    }

    /// @dev Accounts of a batch and the reports that it is about, the first words of each of them in calldata. An address with bits
    /// beyond its own is refused where the rest of the account is read.
    function _reportsAt(
        uint256 first,
        uint256 count,
        uint256 words
    ) private pure returns (address[] memory addresses, uint256[] memory sequences) {
        addresses = new address[](count);
        sequences = new uint256[](count);
        assembly ("memory-safe") {
            for { let i := 1 } iszero(gt(i, count)) { i := add(i, 1) } {
                calldatacopy(add(addresses, shl(5, i)), first, 0x20)
                calldatacopy(add(sequences, shl(5, i)), add(first, 0x20), 0x20)
                first := add(first, shl(5, words))
            }
        }
    }

    function _sequenceOf(Scope memory scope, address account) private view returns (uint256 sequence) {
        Account storage held = _accounts[account];
        sequence = held.sequence;
        if (sequence == 0) revert AccountUnknown(account);
        int256 reported = held.priceScale;
        if (reported != scope.priceScale) revert AccountAtAnotherScale(account, reported, scope.priceScale);
    }

    /// @dev Round, accounts and reports, so that a proof fits one round and one report of each account. Notes those whose margins
    /// are in force already, or later ones, and those that have been reported anew since: what was proven of them is of no use,
    /// unless a count needs it, and the others' as good as before.
    function _subjectOfBatch(
        Scope memory scope,
        address[] memory addresses,
        uint256[] memory sequences,
        bool withThresholds
    ) private view returns (bytes32) {
        address previous = address(0);
        for (uint256 i = 0; i < addresses.length; ++i) {
            address account = addresses[i];
            if (account <= previous) revert AccountsNotIncreasing(account, previous);
            previous = account;
            uint256 sequence = sequences[i];
            uint256 current = _sequenceOf(scope, account);
            if (sequence == 0 || sequence > current) revert ReportUnknown(account, sequence, current);
            bool isLast = scope.isFresh && sequence == current;
            if (!isLast || !_isNext(scope.asOf, sequence, account, withThresholds)) scope.skipped |= 1 << i;
            if (scope.isCounted && _isToCount(scope.asOf, account, sequence)) scope.counted |= 1 << i;
        }
        uint256 all = (1 << addresses.length) - 1; // at most 255 places
        if (scope.skipped == all && scope.counted == 0) revert MarginNotNewer(addresses[0], scope.asOf, sequences[0]);
        return keccak256(abi.encode(scope.roundId, addresses, sequences));
    }

    /// @dev Whether a proof says more of an account than is known: of a later round, a later report of the same, or thresholds where
    /// its margins were proven alone.
    function _isNext(
        uint256 asOf,
        uint256 sequence,
        address account,
        bool withThresholds
    ) private view returns (bool) {
        Account storage held = _accounts[account];
        uint256 proven = held.margins >> AS_OF_SHIFT;
        // Time in the low 32 bits, sequence above.
        if (_isLater(asOf, sequence, uint32(proven), proven >> 32)) return true;
        bool isSame = uint32(proven) == asOf && proven >> 32 == sequence;
        return withThresholds && isSame && AccountThresholdsWord.unwrap(held.thresholds) == 0;
    }

    /// @dev The subject of one account: of its books in any batch, and of its witness.
    function _subjectOf(bytes32 roundId, address account, uint256 sequence) private pure returns (bytes32) {
        address[] memory addresses = new address[](1);
        uint256[] memory sequences = new uint256[](1);
        addresses[0] = account;
        sequences[0] = sequence;
        return keccak256(abi.encode(roundId, addresses, sequences));
    }

    function _stateBatch(
        Scope memory scope,
        Round calldata round,
        Batch calldata batch,
        AccountMargin[] calldata accounts,
        uint256 places,
        Books memory books,
        uint256[] calldata bookWords
    ) private view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            PortfolioMarginFrame.LAYOUT_HASH,
            batch.marginModelId,
            scope.subject,
            batch.commitment,
            PortfolioMarginFrame.words(places)
        );
        PortfolioMarginFrame.putShared(transcript, round.marketWords, scope.policy);
        for (uint256 i = 0; i < accounts.length; ++i) {
            _putHeld(transcript, scope, books, bookWords, accounts[i].held, i);
        }
        for (uint256 i = accounts.length; i < places; ++i) {
            PortfolioMarginFrame.putEmptyInputs(transcript, emptyState);
        }
        _putOutputs(transcript, batch, accounts, places);
        return transcript.close();
    }

    /// @dev Margins alone follow from the same inputs, in the same order: circuits/statements/portfolio.ts.
    function _stateAlone(
        Scope memory scope,
        Round calldata round,
        BatchAlone calldata batch,
        MarginAlone[] calldata accounts,
        uint256 places,
        Books memory books,
        uint256[] calldata bookWords
    ) private view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            MarginsAloneFrame.LAYOUT_HASH,
            batch.marginModelId,
            scope.subject,
            batch.commitment,
            MarginsAloneFrame.words(places)
        );
        PortfolioMarginFrame.putShared(transcript, round.marketWords, scope.policy);
        for (uint256 i = 0; i < accounts.length; ++i) {
            _putHeld(transcript, scope, books, bookWords, accounts[i].held, i);
        }
        for (uint256 i = accounts.length; i < places; ++i) {
            PortfolioMarginFrame.putEmptyInputs(transcript, emptyState);
        }
        for (uint256 i = 0; i < places; ++i) {
            if (i < accounts.length) _requireFits(accounts[i].held.account, accounts[i].margins);
            MarginsAloneFrame.putOutputsOneByOne(
                transcript,
                i < accounts.length ? accounts[i].margins : batch.emptyMargins
            );
        }
        return transcript.close();
    }

    /// @dev Margins of one account whose options come without a proof of a book: straight from the arrays that they are in.
    function _isFromArrays(AccountMargin[] calldata accounts, uint256 bookProofs) private pure returns (bool) {
        return bookProofs == 0 && accounts.length == 1 && accounts[0].held.arrays != 0;
    }

    /// @notice Derives the public signals of margins straight from arrays, whose words stand where those of books do elsewhere.
    /// @param sizes of the model
    function _stateFromArrays(
        Scope memory scope,
        Round calldata round,
        Batch calldata batch,
        AccountMargin calldata proven,
        Books memory sizes,
        uint256[] calldata arrayWords
    ) private view returns (uint256[3] memory) {
        HeldAccount calldata held = proven.held;
        Fold memory fold;
        (uint256[] memory arrayRoots, uint256[] memory positions, BookFlagsWord flags) = _takeUnfolded(
            scope, sizes, fold, held.arrays, batch.bookModelId, arrayWords
        );
        sizes.next = arrayWords.length;
        _requireHeld(scope, fold, held, 0);
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            ArrayMarginFrame.LAYOUT_HASH,
            batch.marginModelId,
            scope.subject,
            batch.commitment,
            ArrayMarginFrame.words(sizes.segments, sizes.strikes)
        );
        ArrayMarginFrame.putInputs(
            transcript, round.marketWords, scope.policy, arrayRoots, positions, flags, held.holdings, held.collateralAmounts
        );
        _putResults(transcript, proven);
        return transcript.close();
    }

    /// @notice Puts what an account holds into a transcript, its options folded over its books.
    function _putHeld(
        PortfolioStatement.Transcript memory transcript,
        Scope memory scope,
        Books memory books,
        uint256[] calldata bookWords,
        HeldAccount calldata held,
        uint256 index
    ) private view {
        bytes32 subject = _subjectOf(scope.roundId, held.account, held.sequence);
        Fold memory fold = _fold(scope.priced, books, bookWords, subject, held.arrays);
        _requireHeld(scope, fold, held, index);
        PortfolioMarginFrame.putInputs(transcript, fold.state, held.holdings, held.collateralAmounts);
    }

    /// @dev Of reports that nothing is put in force or counted of there is nothing left to compare with.
    function _requireHeld(Scope memory scope, Fold memory fold, HeldAccount calldata held, uint256 index) private view {
        Account storage account = _accounts[held.account];
        bool isLast = held.sequence == account.sequence;
        if (!isLast && !_has(scope.counted, index)) return;
        bytes32 bookHash = isLast ? account.bookHash : _cutOffs[held.account];
        _requireReported(fold, held.account, held.holdings, held.collateralAmounts, bookHash);
    }

    function _requireFits(address account, AccountMarginsWord margins) private pure {
        if (!margins.fits()) revert MarginsOutOfRange(account, margins);
    }

    function _stateWitness(
        Scope memory scope,
        Round calldata round,
        Witness calldata witness,
        uint256 state
    ) private view returns (uint256[3] memory) {
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            UnhealthyWitnessFrame.LAYOUT_HASH,
            witness.witnessModelId,
            scope.subject,
            witness.commitment,
            UnhealthyWitnessFrame.words()
        );
        UnhealthyWitnessFrame.putInputs(
            transcript,
            round.marketWords,
            scope.policy,
            state,
            witness.holdings,
            witness.collateralAmounts,
            witness.scenario
        );
        UnhealthyWitnessFrame.putOutputs(transcript, witness.bound);
        return transcript.close();
    }

    function _stateScenario(
        Scope memory scope,
        Books memory sizes,
        Fold memory fold,
        Round calldata round,
        Witness calldata witness,
        uint256[] calldata arrayWords
    ) private view returns (uint256[3] memory) {
        (uint256[] memory arrayRoots, uint256[] memory positions, BookFlagsWord flags) = _takeUnfolded(
            scope, sizes, fold, witness.arrays, witness.bookModelId, arrayWords
        );
        PortfolioStatement.Transcript memory transcript = PortfolioStatement.open(
            ScenarioWitnessFrame.LAYOUT_HASH,
            witness.witnessModelId,
            scope.subject,
            witness.commitment,
            ScenarioWitnessFrame.words(sizes.segments, sizes.strikes)
        );
        ScenarioWitnessFrame.putInputs(
            transcript,
            round.marketWords,
            scope.policy,
            arrayRoots,
            positions,
            flags,
            witness.holdings,
            witness.collateralAmounts,
            witness.scenario
        );
        ScenarioWitnessFrame.putOutputs(transcript, witness.bound);
        return transcript.close();
    }

    /// @dev Takes in what a statement straight from arrays says of them.
    function _takeUnfolded(
        Scope memory scope,
        Books memory sizes,
        Fold memory fold,
        uint256 used,
        bytes32 likelyModel,
        uint256[] calldata arrayWords
    ) private pure returns (uint256[] memory arrayRoots, uint256[] memory positions, BookFlagsWord flags) {
        if (used == 0 || used > sizes.segments) revert ArrayCountOutOfRange(used, sizes.segments);
        _requireWords(arrayWords.length, used * (1 + sizes.strikes));
        fold.held = ListInMemory.reserve(used * sizes.strikes); // as many as positions that may be met
        scope.priced.met = ListInMemory.reserve(arrayWords.length);
        scope.priced.likelyModel = likelyModel;
        return _takeArrays(scope.priced, sizes, fold, arrayWords);
    }

    function _putOutputs(
        PortfolioStatement.Transcript memory transcript,
        Batch calldata batch,
        AccountMargin[] calldata accounts,
        uint256 places
    ) private pure {
        for (uint256 i = 0; i < accounts.length; ++i) _putResults(transcript, accounts[i]);
        for (uint256 i = accounts.length; i < places; ++i) {
            PortfolioMarginFrame.putOutputs(transcript, batch.emptyMargins);
        }
    }

    /// @dev What is proven of an account is the same words, whatever it is proven from: circuits/statements/portfolio.ts.
    function _putResults(PortfolioStatement.Transcript memory transcript, AccountMargin calldata proven) private pure {
        _requireFits(proven.held.account, proven.margins);
        PortfolioMarginFrame.putOutputsOneByOne(
            transcript,
            proven.margins,
            proven.thresholds,
            proven.spotGreeks,
            proven.risk
        );
    }

    function _acceptMargin(uint256 asOf, AccountMargin calldata proven) private {
        address account = proven.held.account;
        emit MarginProven(
            account,
            asOf,
            _accounts[account].sequence,
            proven.margins,
            proven.thresholds,
            proven.spotGreeks,
            proven.risk
        );
        _hold(account, asOf, proven.margins, proven.thresholds);
    }

    /// @dev Adds the accounts that the count under way still needs to it: what {IOpenInterest-add} takes of each.
    function _countAccounts(Scope memory scope, AccountMargin[] calldata accounts) private {
        uint256[] memory words;
        uint256 end;
        assembly ("memory-safe") {
            words := mload(0x40)
            end := add(words, 0x20)
            mstore(0x40, add(end, mul(accounts.length, 0xa0))) // room for all of them
        }
        for (uint256 i = 0; i < accounts.length; ++i) {
            if (!_has(scope.counted, i)) continue;
            AccountMargin calldata each = accounts[i];
            _settle(scope.asOf, each.held.account);
            assembly ("memory-safe") {
                calldatacopy(end, add(each, 0x60), 0x20) // holdings, the fourth word of twelve
                calldatacopy(add(end, 0x20), add(each, 0x100), 0x80) // the last four: what was proven
                end := add(end, 0xa0)
            }
        }
        assembly ("memory-safe") {
            mstore(words, shr(5, sub(sub(end, words), 0x20))) // as many as there are
        }
        _addToCount(words);
    }

    function _has(uint256 bits, uint256 index) private pure returns (bool) {
        return (bits >> index) & 1 == 1;
    }

    function _acceptAlone(uint256 asOf, MarginAlone calldata proven) private {
        address account = proven.held.account;
        emit MarginProvenAlone(account, asOf, _accounts[account].sequence, proven.margins);
        _hold(account, asOf, proven.margins, AccountThresholdsWord.wrap(0));
    }

    /// @dev Whether an account's margins are in force already, which is told.
    function _isSkipped(
        Scope memory scope,
        uint256 index,
        address account,
        uint256 sequence
    ) private returns (bool isSkipped) {
        isSkipped = _has(scope.skipped, index);
        if (isSkipped) emit MarginSkipped(account, scope.asOf, sequence);
    }

    /// @dev Thresholds are 0 of margins alone, so that those of earlier margins are not taken for theirs.
    function _hold(address account, uint256 asOf, AccountMarginsWord margins, AccountThresholdsWord thresholds) private {
        Account storage held = _accounts[account];
        uint256 sequence = held.sequence;
        held.margins = AccountMarginsWord.unwrap(margins) | (asOf << AS_OF_SHIFT) | (sequence << SEQUENCE_SHIFT);
        held.thresholds = thresholds;
        bool isNews = _isLater(asOf, sequence, held.unhealthyAsOf, held.unhealthySequence);
        if (margins.maintenanceE8() < 0) {
            if (isNews) _mark(held, asOf, sequence);
        } else if (isNews && held.unhealthyAsOf != 0) {
            held.unhealthyAsOf = 0;
            emit AccountCleared(account, sequence);
        }
    }

    function _acceptWitness(uint256 asOf, uint256 current, Witness calldata witness) private {
        Account storage held = _accounts[witness.account];
        // What margins of a later round say is newer, whatever the account has done since.
        bool isOvertaken = asOf < uint32(held.margins >> AS_OF_SHIFT);
        if (isOvertaken || !_isLater(asOf, current, held.witnessAsOf, held.witnessSequence)) {
            revert MarginNotNewer(witness.account, asOf, current);
        }
        held.witnessAsOf = uint32(asOf); // as long as in the round's words
        held.witnessSequence = uint40(current); // came from as many bits
        _mark(held, asOf, current); // whatever said so before was of no later round: this one would not be taken then
        emit AccountUnhealthy(witness.account, asOf, witness.sequence, witness.bound);
    }

    function _mark(Account storage held, uint256 asOf, uint256 sequence) private {
        held.unhealthyAsOf = uint32(asOf);
        held.unhealthySequence = uint40(sequence);
    }

    /// @dev Whether a proof is about a later round than another, or about a later report in the same one.
    function _isLater(
        uint256 asOf,
        uint256 sequence,
        uint256 thanAsOf,
        uint256 thanSequence
    ) private pure returns (bool) {
        return asOf > thanAsOf || (asOf == thanAsOf && sequence > thanSequence);
    }

    /// @dev Model of a batch of margins, which has places for its accounts.
    function _marginModel(
        bytes32 modelId,
        bytes32 layoutHash,
        uint256 accounts
    ) private view returns (address verifier, uint256 places, uint256 slots) {
        (verifier, places, slots, , ) = models.activeModel(modelId, layoutHash);
        if (accounts == 0 || accounts > places) revert AccountCountOutOfRange(accounts, places);
    }

    /// @notice Checks scenario, bound and report of a witness, from cheap to dear, and notes its subject.
    /// @return current the last report of the account
    function _openWitness(Scope memory scope, Witness calldata witness) private view returns (uint256 current) {
        if (ScenarioChoiceWord.unwrap(witness.scenario) > SCENARIOS) revert ScenarioOutOfRange(witness.scenario);
        MaintenanceBoundWord shown = witness.bound;
        int256 bound = shown.maintenanceE8();
        if (bound >= 0) revert AccountHealthy(witness.account, bound);
        current = _sequenceOf(scope, witness.account);
        uint256 sequence = witness.sequence;
        if (sequence == 0 || sequence > current) revert ReportUnknown(witness.account, sequence, current);
        scope.subject = _subjectOf(scope.roundId, witness.account, sequence);
    }

    /// @dev What a witness is about was reported last, or what was reported since is not worth enough more.
    function _requireWitnessed(
        Scope memory scope,
        Fold memory fold,
        Round calldata round,
        Witness calldata witness,
        uint256[] calldata present,
        uint256 current
    ) private view {
        if (witness.sequence == current) {
            _requireWords(present.length, 0);
            bytes32 bookHash = _accounts[witness.account].bookHash;
            _requireReported(fold, witness.account, witness.holdings, witness.collateralAmounts, bookHash);
        } else {
            _requireStillUnhealthy(scope, fold, round, witness, present);
        }
    }

    /// @dev What was met and the rest is what the venue reported.
    function _requireReported(
        Fold memory fold,
        address account,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts,
        bytes32 reported
    ) private pure {
        _requireHash(account, _bookHash(_hashHeld(fold), holdings, collateralAmounts), reported);
    }

    function _requireBookHash(address account, bytes32 bookHash) private view {
        _requireHash(account, bookHash, _accounts[account].bookHash);
    }

    function _requireHash(address account, bytes32 bookHash, bytes32 reported) private pure {
        if (bookHash != reported) revert BookMismatch(account, bookHash, reported);
    }

    /// @dev Holds an account that was below maintenance with what it held to what it holds now. What the proof is about need not
    /// have been reported: that what is held now is as near to it is all that counts.
    function _requireStillUnhealthy(
        Scope memory scope,
        Fold memory fold,
        Round calldata round,
        Witness calldata witness,
        uint256[] calldata present
    ) private view {
        if (present.length < HELD_BESIDES) revert WordCountMismatch(present.length, HELD_BESIDES);
        bytes32 positionsHash = keccak256(abi.encodePacked(present[HELD_BESIDES:]));
        _requireBookHash(witness.account, keccak256(abi.encodePacked(positionsHash, present[:HELD_BESIDES])));
        int256 improvementE20 = _improvement.atMost(
            ScenarioChoiceWord.unwrap(witness.scenario),
            round.marketWords,
            scope.policy,
            _heldOf(fold, witness),
            present
        );
        MaintenanceBoundWord shown = witness.bound;
        int256 boundE8 = shown.maintenanceE8();
        // The bound was rounded down, so the account may have been better off by less than a unit.
        if ((boundE8 + 1) * E12 + improvementE20 >= 0) {
            revert AccountChanged(witness.account, boundE8, improvementE20);
        }
    }

    /// @dev What a witness is about: holdings, amounts of collateral, positions met.
    function _heldOf(Fold memory fold, Witness calldata witness) private pure returns (uint256[] memory words) {
        words = new uint256[](HELD_BESIDES + fold.count);
        words[0] = HoldingsWord.unwrap(witness.holdings);
        for (uint256 i = 1; i < HELD_BESIDES; ++i) {
            words[i] = CollateralAmountWord.unwrap(witness.collateralAmounts[i - 1]);
        }
        for (uint256 i = 0; i < fold.count; ++i) {
            words[HELD_BESIDES + i] = fold.held[i];
        }
    }
}
