// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ACCOUNT_RESULTS_WORDS, COLLATERAL_AMOUNTS_WORDS, ROUND_MARKET_WORDS} from "../generated/WordLists.sol";
import {
    AccountMarginsWord,
    AccountRiskWord,
    AccountThresholdsWord,
    CollateralAmountWord,
    HoldingsWord,
    MaintenanceBoundWord,
    OptionPositionWord,
    ScenarioChoiceWord,
    SpotGreeksWord
} from "../generated/Words.sol";
import {IOpenInterest} from "./IOpenInterest.sol";
import {IPortfolioMargins} from "./IPortfolioMargins.sol";
import {IRoundErrors} from "./IRoundErrors.sol";

/// @title IPortfolioRegistry
/// @notice Margins of accounts by proof: whole batches, reject never clamp. Nobody can set a margin.
/// @dev A round is priced once, in arrays of strikes that any number of accounts share ({IRiskArrays}); accounts are folded over
/// arrays of one round, and a margin follows from the fold. What ties the proofs together are commitments that this contract carries
/// from one to the next, so nothing of two rounds, two accounts or two policies can be mixed. Lists of
/// words are in the order of circuits/statements/.
interface IPortfolioRegistry is IPortfolioMargins, IRoundErrors {
    /// @notice A round as its source keeps it, with the words of the market.
    /// @param asOf         time of the round
    /// @param expiriesHash hash of the hashes of its expiries
    /// @param marketWords  what it says of the market
    struct Round {
        uint256 asOf;
        bytes32 expiriesHash;
        uint256[ROUND_MARKET_WORDS] marketWords;
    }

    /// @notice One account of a batch, and what it holds, as the venue reported it.
    /// @param account           strictly increasing within a batch
    /// @param sequence          report that the proofs are about; if there is a later one, the account is counted at most
    /// @param arrays            that it has options in, none if it has no options; each book opens as many as its model has places
    /// for, the last one what is left
    /// @param holdings          what it holds besides options and collateral
    /// @param collateralAmounts what it holds of collateral
    struct HeldAccount {
        address account;
        uint256 sequence;
        uint256 arrays;
        HoldingsWord holdings;
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] collateralAmounts;
    }

    /// @notice An account's proven margins, and nothing else of it.
    /// @param held    the account
    /// @param margins proven: initial and maintenance
    struct MarginAlone {
        HeldAccount held;
        AccountMarginsWord margins;
    }

    /// @notice An account's proven margins with everything that is proven of it.
    /// @param held       the account
    /// @param margins    proven: initial and maintenance
    /// @param thresholds proven: liquidation and default
    /// @param spotGreeks proven, of its options
    /// @param risk       proven: time and rate of its options, expected shortfall
    struct AccountMargin {
        HeldAccount held;
        AccountMarginsWord margins;
        AccountThresholdsWord thresholds;
        SpotGreeksWord spotGreeks;
        AccountRiskWord risk;
    }

    /// @notice A batch of margins, besides its accounts.
    /// @param bookModelId   active model of option books; of no account if none has options. Straight from arrays as {Witness} has it
    /// @param marginModelId active model of margins, or of margins straight from arrays
    /// @param commitment    the margin circuit's commitment to its input words
    /// @param emptyMargins  what is proven of an account that holds nothing, which fills places left; not read if none are
    struct Batch {
        bytes32 bookModelId;
        bytes32 marginModelId;
        uint256 commitment;
        uint256[ACCOUNT_RESULTS_WORDS] emptyMargins;
    }

    /// @notice A batch of margins alone, besides its accounts.
    /// @param bookModelId   as {Batch} has it
    /// @param marginModelId active model of margins alone
    /// @param commitment    the margin circuit's commitment to its input words
    /// @param emptyMargins  margins of an account that holds nothing, which fills places left
    struct BatchAlone {
        bytes32 bookModelId;
        bytes32 marginModelId;
        uint256 commitment;
        AccountMarginsWord emptyMargins;
    }

    /// @notice A witness that an account is below maintenance.
    /// @param bookModelId       active model of option books; of no account without them. Straight from arrays the model that proved
    /// these, which is looked up if it is another
    /// @param witnessModelId    active model of witnesses
    /// @param commitment        the witness circuit's commitment to its input words
    /// @param account           of whom
    /// @param sequence          report that the proof is about, the last one or an earlier one
    /// @param arrays            that it has options in, as {HeldAccount} has them
    /// @param holdings          what it holds besides options and collateral
    /// @param collateralAmounts what it holds of collateral
    /// @param scenario          the scenario that shows it
    /// @param bound             proven: what its maintenance margin is at most
    struct Witness {
        bytes32 bookModelId;
        bytes32 witnessModelId;
        uint256 commitment;
        address account;
        uint256 sequence;
        uint256 arrays;
        HoldingsWord holdings;
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] collateralAmounts;
        ScenarioChoiceWord scenario;
        MaintenanceBoundWord bound;
    }

    /// @notice The venue reported an account; the words are all that its margins rest on.
    event AccountReported(
        address indexed account,
        uint256 sequence,
        OptionPositionWord[] positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] collateralAmounts
    );
    /// @notice What is reported next is what an account would hold: no count has it.
    event CandidateReported(address indexed account);
    /// @notice An account goes on under another address, which counts from here on if it has positions. The one before holds nothing:
    /// that is its last report, of this number; 0 if it never had one.
    event AccountReplaced(address indexed previous, address indexed account, uint256 sequence);
    /// @notice An account of a batch had these margins in force already, or later ones, or was reported anew since this report, or the
    /// round is not fresh any more, so no margins of it were put in force. It may have been counted.
    event MarginSkipped(address indexed account, uint256 indexed asOf, uint256 sequence);
    /// @notice Margins of an account were proven: the packed words, and the round and report they are about.
    event MarginProven(
        address indexed account,
        uint256 indexed asOf,
        uint256 sequence,
        AccountMarginsWord margins,
        AccountThresholdsWord thresholds,
        SpotGreeksWord spotGreeks,
        AccountRiskWord risk
    );
    /// @notice A batch of margins was proven. The rest of it is the calldata of {submitPortfolio}.
    /// @param counted bit i: account i was counted in the count under way, see {IOpenInterest}
    event PortfolioAccepted(uint256 indexed asOf, bytes32 subject, uint256 counted, address indexed submitter);
    /// @notice Margins of an account were proven alone; it has no thresholds from here on, until a {MarginProven}.
    event MarginProvenAlone(address indexed account, uint256 indexed asOf, uint256 sequence, AccountMarginsWord margins);
    /// @notice A batch of margins alone was proven. The rest of it is the calldata of {submitMargins}.
    event MarginsAccepted(uint256 indexed asOf, bytes32 subject, address indexed submitter);
    /// @notice An account was proven to be below maintenance by a witness; margins below 0 say it by their own events.
    /// @param sequence report that the proof is about
    /// @param bound    of that report as the proof has it, which if it is not the last one need not be what was reported: that the
    /// account is below maintenance with what it holds now follows from both, how far not
    event AccountUnhealthy(address indexed account, uint256 indexed asOf, uint256 sequence, MaintenanceBoundWord bound);
    /// @notice An account that had been below maintenance is no longer: its margins were proven not to be, or the venue reported
    /// that it holds cash alone and owes none.
    event AccountCleared(address indexed account, uint256 sequence);

    /// @notice A batch has at least one account and at most as many as its model has places for.
    error AccountCountOutOfRange(uint256 accounts, uint256 places);
    /// @notice Accounts repeat, or are not in order.
    error AccountsNotIncreasing(address account, address previous);
    /// @notice The venue has never reported this account.
    error AccountUnknown(address account);
    /// @notice The venue has not reported the account so often, or never.
    error ReportUnknown(address account, uint256 sequence, uint256 current);
    /// @notice What the account's later reports changed may be worth more than it was short of maintenance.
    error AccountChanged(address account, int256 boundE8, int256 improvementE20);
    /// @notice Positions, holdings or collateral are not what the venue reported.
    error BookMismatch(address account, bytes32 given, bytes32 reported);
    /// @notice Segments of an account go through expiries in order, so that each is valued as a whole.
    error ExpiriesDecreasing(uint256 expiry, uint256 previous);
    /// @notice The margins of all accounts are of this round and report already, or of later ones, or may not be put in force, and none
    /// is to be counted; this is the first.
    error MarginNotNewer(address account, uint256 asOf, uint256 sequence);
    /// @notice A margins word has bits beyond its fields.
    error MarginsOutOfRange(address account, AccountMarginsWord margins);
    /// @notice A witness or a margin from arrays has at least one and at most as many as its model has places for.
    error ArrayCountOutOfRange(uint256 arrays, uint256 places);
    /// @notice There is no such scenario.
    error ScenarioOutOfRange(ScenarioChoiceWord scenario);
    /// @notice The witness does not show the account to be below maintenance.
    error AccountHealthy(address account, int256 boundE8);
    /// @notice A position word has bits beyond its fields, holds nothing, or too much to be proven.
    error PositionOutOfRange(uint256 index, OptionPositionWord word);
    /// @notice The option has expired at the newest round, or by the chain's clock: settle it first.
    error PositionExpired(uint256 index, uint256 expiry, uint256 earliest);
    /// @notice The option expires later than any circuit prices.
    error PositionTooLong(uint256 index, uint256 expiry, uint256 limit);
    /// @notice Positions come by strictly increasing expiry and strike, one word each.
    error PositionsNotIncreasing(uint256 index, OptionPositionWord word);
    /// @notice More positions than the proofs of one account are about.
    error TooManyPositions(uint256 positions, uint256 limit);
    /// @notice Only {counts} begins counts, see {IOpenInterest-openCount}.
    error NotTheCounts(address sender);
    /// @notice The account was reported at another scale than rounds are at now: it has to be reported anew.
    error AccountAtAnotherScale(address account, int256 reported, int256 inForce);
    /// @notice A word of holdings or collateral has bits beyond its fields, or too much to be proven.
    error HoldingsOutOfRange(uint256 word);

    /// @notice Reports what an account holds, at the scale that the venue has accepted ({IRiskArrays-acceptPriceScale}). Restricted
    /// to the venue.
    /// @param positions option positions by strictly increasing expiry and strike, without those that hold nothing
    /// @dev What has expired is settled first: the report after it has the payoff in cash and the option no more. Until then the
    /// account has no margins of rounds from expiry on, so plain reads of it fail once the last ones are stale.
    /// @custom:reverts PriceScaleNotInForce, PositionOutOfRange, PositionExpired, PositionTooLong, PositionsNotIncreasing,
    /// TooManyPositions, HoldingsOutOfRange
    function reportAccount(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external;

    /// @notice Reports what an account would hold, under an address that is nobody's yet: margins of it are proven as of any account,
    /// and no count has it until it takes the place of another ({replaceAccount}). Restricted to the venue.
    /// @dev Or whoever asks for what no margin will ever allow would be in the figures of all.
    /// @custom:reverts as {reportAccount}
    function reportCandidate(
        address account,
        OptionPositionWord[] calldata positions,
        HoldingsWord holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external;

    /// @notice Lets a candidate take an account's place; the address before holds nothing, and nothing is proven of it any more.
    /// Restricted to the venue.
    /// @param previous  address before; one that was never reported is left as it is
    /// @param account   the candidate, as it was reported last; 0 if `previous` was one, which is given up
    /// @param isExposed whether what was reported of it is more than cash that is not owed: it counts from here on. The count under way
    /// has what `previous` held at its cut-off
    function replaceAccount(address previous, address account, bool isExposed) external;

    /// @notice Begins a count, which {counts} alone may: what accounts are reported to hold from here on is not of it.
    /// @return accounts how many have positions by now
    /// @custom:reverts NotTheCounts
    function beginCount(uint256 asOf, uint256 policyVersion) external returns (uint256 accounts);

    /// @notice Where counts of the venue's open interest are opened, and what they add up to.
    function counts() external view returns (IOpenInterest);

    /// @notice Which report of an account the count under way still needs; 0 if none.
    function reportToCount(address account) external view returns (uint256 sequence);

    /// @notice Puts proven margins in force. Anyone may call: the proofs are the permission. All accounts, or none, apart from those
    /// that have these margins in force already, or later ones: they are skipped. Those that the count under way still needs are
    /// counted, see {IOpenInterest}: of its round whether or not that is still fresh, at the report that they stood with at its cut-off.
    /// @dev Checks run from cheap to dear: round, accounts, positions and arrays, then all proofs in one. The keys of books and
    /// margins must share their first phase, see {IBatchVerifier-FirstPhaseDiffers}. One account whose options come without a proof
    /// of a book is margined straight from the arrays that they are in, by `marginProof` alone.
    /// @param bookWords   of every book of every account in turn: commitment, array roots, position words by segment, state
    /// after the book. Which segments continue follows from the expiries, and what fills an account's last book up from its last
    /// array: its root again, with nothing held. Straight from arrays their roots and position words and nothing else
    /// @param bookProofs  one a book
    /// @param marginProof of the batch
    /// @custom:reverts ArrayCountOutOfRange
    function submitPortfolio(
        Round calldata round,
        Batch calldata batch,
        AccountMargin[] calldata accounts,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata marginProof
    ) external;

    /// @notice Puts proven margins in force, and nothing else of the accounts: as {submitPortfolio} does, for less, and
    /// thresholds that stood with earlier margins are gone.
    /// @param bookWords   as {submitPortfolio} takes them
    /// @param bookProofs  one a book
    /// @param marginProof of the batch
    function submitMargins(
        Round calldata round,
        BatchAlone calldata batch,
        MarginAlone[] calldata accounts,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata marginProof
    ) external;

    /// @notice Marks an account as below maintenance: one scenario is enough, so it is quickly proven.
    /// @dev A proof about an earlier report lands if what the account holds now, at the round's prices, can be better off by less
    /// than the bound is below 0, see {IImprovement}: dust and added risk void nothing, a deposit that may have healed does.
    /// The keys of books and witness must share their first phase, as those of books and margins.
    /// @param present words of what the venue last reported: holdings, amounts of collateral, positions. None if the witness
    /// is about that
    function proveUnhealthy(
        Round calldata round,
        Witness calldata witness,
        uint256[] calldata present,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata witnessProof
    ) external;

    /// @notice Marks an account as below maintenance, straight from the round's arrays: one proof, and no books.
    /// @dev All that {proveUnhealthy} holds a witness to, with the arrays in place of books.
    /// @param witness    of an active model of witnesses from arrays
    /// @param present    as in {proveUnhealthy}
    /// @param arrayWords roots of the arrays, then a position word for each of their strikes, nothing held where a quantity is 0.
    /// Which arrays continue, and what fills places up, follows as in {submitPortfolio}
    /// @custom:reverts ArrayCountOutOfRange
    function proveUnhealthyByArrays(
        Round calldata round,
        Witness calldata witness,
        uint256[] calldata present,
        uint256[] calldata arrayWords,
        uint256[8] calldata witnessProof
    ) external;
}
