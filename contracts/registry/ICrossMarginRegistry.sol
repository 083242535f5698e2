// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {COLLATERAL_AMOUNTS_WORDS, CROSS_POLICY_WORDS, ROUND_MARKET_WORDS} from "../generated/WordLists.sol";
import {CollateralAmountWord, CrossMarginsWord, HoldingsWord, OptionPositionWord} from "../generated/Words.sol";
import {IRiskArrays} from "./IRiskArrays.sol";
import {IRoundErrors} from "./IRoundErrors.sol";

/// @title ICrossMarginRegistry
/// @notice Margins of accounts over several markets by proof: options and perpetuals of each market, one cash, one pool of
/// collateral. Nobody can set a margin.
/// @dev Each market has its rounds, arrays and policy of its own ({IRiskArrays}). What collateral and the settlement currency are,
/// the first market's round and policy say for all. The list of markets is as old as the contract: reports and proofs are about it.
/// What is refused here as a single market's margins are is refused by the errors of {IPortfolioRegistry}.
interface ICrossMarginRegistry is IRoundErrors {
    /// @notice A market's round as its source keeps it.
    /// @param asOf         time of the round
    /// @param expiriesHash hash of the hashes of its expiries
    /// @param marketWords  what it says of the market
    struct MarketRound {
        uint256 asOf;
        bytes32 expiriesHash;
        uint256[ROUND_MARKET_WORDS] marketWords;
    }

    /// @notice One account of a batch: what it holds, as the venue reported it, and its proven margins.
    /// @param account           strictly increasing within a batch
    /// @param sequence          report that the proofs are about; if there is a later one, the account is skipped
    /// @param arrays            that it has options in, of each market, as {IPortfolioRegistry-HeldAccount} has them
    /// @param holdings          what it holds of each market besides options; cash in the first
    /// @param collateralAmounts what it holds of collateral
    /// @param margins           proven
    struct CrossAccount {
        address account;
        uint256 sequence;
        uint256[] arrays;
        HoldingsWord[] holdings;
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] collateralAmounts;
        CrossMarginsWord margins;
    }

    /// @notice A batch of margins, besides its accounts.
    /// @param bookModelId   active model of option books; of no account if none has options
    /// @param marginModelId active model of margins over as many markets
    /// @param commitment    the margin circuit's commitment to its input words
    /// @param emptyMargins  margins of an account that holds nothing, which fills places left
    struct CrossBatch {
        bytes32 bookModelId;
        bytes32 marginModelId;
        uint256 commitment;
        CrossMarginsWord emptyMargins;
    }

    /// @notice Proven margins of an account.
    /// @param initialE8      above the initial requirement; may open if not negative
    /// @param maintenanceE8  above maintenance; liquidation if negative
    /// @param worstScenarios index of the scenario that binds, six bits a market, the first in the low ones
    /// @param asOf           time of the oldest round behind it
    /// @param sequence       report it is of
    struct CrossMargin {
        int256 initialE8;
        int256 maintenanceE8;
        uint256 worstScenarios;
        uint256 asOf;
        uint256 sequence;
    }

    /// @notice The policy of several markets together changed.
    event CrossPolicySet(uint256[CROSS_POLICY_WORDS] words, uint256 maxRoundsApartSeconds);
    /// @notice The venue reported an account; the words are all that its margins rest on.
    event CrossAccountReported(
        address indexed account,
        uint256 sequence,
        OptionPositionWord[][] positions,
        HoldingsWord[] holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] collateralAmounts
    );
    /// @notice Margins of an account were proven: the packed word, and the oldest round and the report they are about.
    event CrossMarginProven(address indexed account, uint256 indexed asOf, uint256 sequence, CrossMarginsWord margins);
    /// @notice An account of a batch had these margins in force already, or later ones, or was reported anew since.
    event CrossMarginSkipped(address indexed account, uint256 indexed asOf, uint256 sequence);
    /// @notice A batch was proven. The rest of it is the calldata of {submitCrossMargins}.
    event CrossMarginsAccepted(uint256 indexed asOf, bytes32 subject, address indexed submitter);

    /// @notice Margins are of two to four markets.
    error MarketsOutOfRange(uint256 markets, uint256 most);
    /// @notice A market stands twice in the list.
    error MarketRepeated(bytes32 marketId);
    /// @notice Rounds, positions, holdings or the model's places are not of as many markets as this contract's.
    error MarketCountMismatch(uint256 given, uint256 markets);
    /// @notice Rounds of two markets are further apart in time than governed.
    error RoundsApart(uint256 oldest, uint256 newest, uint256 maxApartSeconds);
    /// @notice A policy word has bits beyond its fields.
    error CrossWordOutOfRange(uint256 index, uint256 word);
    /// @notice A collateral counts in a market that is not there.
    error CollateralMarketUnknown(uint256 collateral, uint256 market, uint256 markets);
    /// @notice A market may not offset so much, or there is no such market.
    error SpreadCreditAbove(uint256 market, uint256 creditX40, uint256 mostX40);
    /// @notice Rounds may not be so far apart.
    error RoundsApartAbove(uint256 maxRoundsApartSeconds, uint256 mostSeconds);
    /// @notice Cash is one for all markets and stands in the first one's holdings.
    error CashTwice(uint256 market, HoldingsWord holdings);
    /// @notice The account was reported at other scales of prices than rounds are at now (8 bits a market, the first in the low ones):
    /// it has to be reported anew.
    error AccountAtOtherScales(address account, uint256 reported, uint256 inForce);
    /// @notice A margins word has bits beyond its fields.
    error CrossMarginsOutOfRange(address account, CrossMarginsWord margins);
    /// @notice No margin of this account was ever proven.
    error CrossMarginNotYetProven(address account);
    /// @notice The rounds behind the margin are too old.
    error CrossMarginStale(uint256 asOf, uint256 oldest);
    /// @notice The margin is not of what the account holds by now.
    error CrossMarginOfOtherPositions(address account, uint256 sequence, uint256 current);

    /// @notice Sets in which market each collateral counts, what each market may offset, and how far in time the markets' rounds
    /// may be apart. Restricted. In force at once for what lands from then on.
    /// @param words in the order of circuits/statements/portfolio.ts
    /// @custom:reverts CrossWordOutOfRange, CollateralMarketUnknown, SpreadCreditAbove, RoundsApartAbove
    function setCrossPolicy(uint256[CROSS_POLICY_WORDS] calldata words, uint256 maxRoundsApartSeconds) external;

    /// @notice Reports what an account holds. Restricted to the venue.
    /// @param positions option positions of each market, by strictly increasing expiry and strike
    /// @param holdings  perpetuals and their gains of each market; cash with the first, and with no other
    /// @custom:reverts MarketCountMismatch, CashTwice, or as {IPortfolioRegistry-reportAccount} does
    function reportCrossAccount(
        address account,
        OptionPositionWord[][] calldata positions,
        HoldingsWord[] calldata holdings,
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] calldata collateralAmounts
    ) external;

    /// @notice Puts proven margins in force. Anyone may call: the proofs are the permission. All accounts, or none, apart from
    /// those that have these margins in force already, or later ones: they are skipped.
    /// @dev Checks run from cheap to dear: rounds, accounts, positions and arrays, then all proofs in one.
    /// @param marketRounds one a market
    /// @param bookWords    of every book, account by account and in it market by market, as {IPortfolioRegistry-submitPortfolio}
    /// takes them
    /// @param bookProofs   one a book
    /// @param marginProof  of the batch
    function submitCrossMargins(
        MarketRound[] calldata marketRounds,
        CrossBatch calldata batch,
        CrossAccount[] calldata accounts,
        uint256[] calldata bookWords,
        uint256[8][] calldata bookProofs,
        uint256[8] calldata marginProof
    ) external;

    /// @notice Margins in force of an account: of its last report, and of rounds that are not too old.
    /// @custom:reverts CrossMarginNotYetProven, CrossMarginStale, CrossMarginOfOtherPositions
    function crossMarginOf(address account) external view returns (CrossMargin memory);

    /// @notice Last proven margins, however old and whatever the account holds by now, and their age.
    /// @custom:reverts CrossMarginNotYetProven
    function unsafeCrossMargin(address account) external view returns (CrossMargin memory proven, uint256 ageSeconds);

    /// @notice How often the venue has reported the account, and the hash of its last report: keccak256 of
    /// keccak256(abi.encodePacked(positions)) of each market, then the holdings of each, then the amounts of collateral.
    function crossAccountOf(address account) external view returns (uint256 sequence, bytes32 bookHash);

    /// @notice Arrays of the markets, in order; each holds its market's policy.
    function marketArrays() external view returns (IRiskArrays[] memory);

    /// @notice Policy in force, in the order of {setCrossPolicy}.
    function crossPolicy() external view returns (uint256[CROSS_POLICY_WORDS] memory words, uint256 maxRoundsApartSeconds);
}
