// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {OptionPositionWord} from "../generated/Words.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {IVenuePolicy} from "./IVenuePolicy.sol";

/// @title IOptionsVenue
/// @notice Cash, options and perpetuals of one market, margined by proof. What adds risk is proven before it takes effect; what takes
/// risk away waits for no proof but that an account is below maintenance.
/// @dev Accounts are of owners. The registry knows an account by a *key*, an address that nobody can sign for. What an account would
/// hold is reported under another one, its *candidate*; margins of the candidate are proven, and it becomes the key. Cash is in E12 of
/// the quote currency, quantities in E12 of the asset and in lots of 10^8, so nothing is ever rounded. Positions are brought by whoever
/// calls, as last reported; the venue keeps their hash. The house and its like are accounts as any other.
interface IOptionsVenue {
    /// @notice What is governed.
    /// @param changeSeconds     how long a change may wait for its proofs
    /// @param settlementSeconds after an expiry in which an earlier round may replace the one that settles it
    /// @param auctionSeconds    in which what a liquidator gets rises from its least to its most
    /// @param windowSeconds     that the budget of liquidations is for
    /// @param startPayBps       what a liquidator pays at first, of the notional taken over, besides taking its share of cash
    /// @param endBonusBps       what a liquidator is paid at last, of the notional taken over
    /// @param bondBps           cash or proven margin that a liquidator has, of the notional taken over
    /// @param stepBps           most of an account that is taken over by a witness alone while the liquidator pays
    /// @param bandBps           how far from spot the asset is taken to be at most, where premiums are bounded
    /// @param budgetE12         notional taken over in a window while liquidators pay
    struct Rules {
        uint32 changeSeconds;
        uint32 settlementSeconds;
        uint32 auctionSeconds;
        uint32 windowSeconds;
        uint16 startPayBps;
        uint16 endBonusBps;
        uint16 bondBps;
        uint16 stepBps;
        uint16 bandBps;
        uint128 budgetE12;
    }

    /// @notice What two accounts agreed on.
    /// @param owner      who placed the order
    /// @param maker      the other side
    /// @param perpsE12   perpetuals that the owner buys, negative: sells, at the round's price
    /// @param premiumE12 what the owner pays the maker for the options; negative: what it gets
    /// @param options    that the owner buys, negative: sells
    struct Trade {
        address owner;
        address maker;
        int256 perpsE12;
        int256 premiumE12;
        OptionPositionWord[] options;
    }

    /// @notice An account as it stands, in three slots.
    /// @param cashE12       may be negative
    /// @param perpsE12      signed
    /// @param markE8        price up to which gains of its perpetuals are in its cash
    /// @param flaggedAt     when the auction began; 0: there is none
    /// @param isReported    whether the last report says what is in cash
    /// @param reports       reports of the key
    /// @param number        of its key
    /// @param waiting       number of the candidate of the change that waits; 0: none does
    /// @param keys          keys and candidates it has had
    /// @param markAsOf      round of that price
    /// @param reportedAsOf  round that perpetuals of the last report were marked at
    /// @param flaggedAsOf   round of the evidence last seen that it is below maintenance
    /// @param leftAsOf      round of the evidence of the last liquidation; what liquidates next is later
    /// @param positionsHash keccak256 of its position words
    struct Account {
        int96 cashE12;
        int64 perpsE12;
        uint48 markE8;
        uint40 flaggedAt;
        bool isReported;
        uint32 reports;
        uint32 number;
        uint32 waiting;
        uint32 keys;
        uint32 markAsOf;
        uint32 reportedAsOf;
        uint32 flaggedAsOf;
        uint32 leftAsOf;
        bytes32 positionsHash;
    }

    /// @notice A change that waits for its proofs, in four slots.
    /// @param partner       other side of a trade; 0: a withdrawal
    /// @param trade         number of the trade; 0: a withdrawal
    /// @param expiresAt     last second at which it may take effect
    /// @param cashE12       added to cash
    /// @param reportedE12   cash as reported of the candidate
    /// @param perpsE12      added to perpetuals
    /// @param positionsHash of the positions as they would be
    /// @param asOf          round that it was made at, which margins of perpetuals are to be of
    /// @param priceE8       of the perpetual at that round
    struct Change {
        address partner;
        uint40 trade;
        uint40 expiresAt;
        int96 cashE12;
        int96 reportedE12;
        int64 perpsE12;
        bytes32 positionsHash;
        uint32 asOf;
        uint48 priceE8;
    }

    /// @notice What a liquidation did, and on what it rested.
    /// @param key          of the account, as the registry knows it
    /// @param asOf         round of the evidence
    /// @param sequence     report of the account that was taken over in part
    /// @param scenario     worst one of the margins that were the evidence; 255: a witness was, whose event of that key and round has it
    /// @param marginE8     maintenance margin of these margins; 0 of a witness, whose event has the bound
    /// @param fractionBps  of the account that was taken over
    /// @param notionalE12  most that the positions taken over could be worth
    /// @param cashE12      that went with them to the liquidator; negative: that it paid
    /// @param bonusBps     part of it beyond the account's own share, of the notional; negative: paid
    /// @param coveredE12   by the insurance fund
    /// @param badDebtE12   that nothing covered
    struct Receipt {
        address key;
        uint256 asOf;
        uint256 sequence;
        uint256 scenario;
        int256 marginE8;
        uint256 fractionBps;
        uint256 notionalE12;
        int256 cashE12;
        int256 bonusBps;
        uint256 coveredE12;
        uint256 badDebtE12;
    }

    /// @notice Tokens came in.
    event Deposited(address indexed owner, uint256 amount);
    /// @notice Tokens went out.
    event Withdrawn(address indexed owner, uint256 amount);
    /// @notice The insurance fund grew by tokens of anybody.
    event InsuranceFunded(address indexed by, uint256 amount);
    /// @notice An account was reported anew at a price of the perpetual.
    event Marked(address indexed owner, address indexed key, uint256 asOf, uint256 priceE8, int256 cashE12);
    /// @notice What an account would hold was reported; margins of the candidate are what it waits for.
    event ChangeProposed(address indexed owner, address indexed candidate, uint256 trade, uint256 asOf, uint256 expiresAt);
    /// @notice A change took effect: the candidate is the account's key.
    event ChangeTaken(address indexed owner, address indexed key, address previous, uint256 trade);
    /// @notice An account has another key, for there was evidence under the last one that does not count.
    event KeyReplaced(address indexed key, address previous);
    /// @notice A change is no more: cancelled, or overtaken by a settlement or a liquidation. Its candidate holds nothing.
    event ChangeVoided(address indexed owner, address indexed candidate);
    /// @notice A round settles an expiry, until an earlier one does.
    event SettlementSet(uint256 indexed expiry, uint256 asOf, uint256 priceE8);
    /// @notice Expired options left an account for what they pay.
    event Settled(address indexed owner, uint256 positions, int256 payoffE12);
    /// @notice Evidence that an account is below maintenance was seen; the auction runs from `since`.
    event Flagged(address indexed owner, address indexed key, uint256 asOf, uint256 since);
    /// @notice Part of an account was taken over.
    event Liquidated(address indexed owner, address indexed liquidator, Receipt receipt);
    /// @notice An account of nothing owed cash: what of it the insurance fund covered, and what nothing did.
    event DebtCovered(address indexed owner, uint256 coveredE12, uint256 badDebtE12);
    /// @notice Rules changed.
    event RulesSet(Rules rules);
    /// @notice Another policy says what is asked beyond the initial margin; 0: none does.
    event PolicySet(IVenuePolicy policy);

    /// @notice Tokens have 6 to 18 decimals.
    error UnsupportedDecimals(uint256 decimals, uint256 least, uint256 most);
    /// @notice A rule, by its name, is outside what it may be.
    error RuleOutOfRange(bytes32 rule, uint256 value, uint256 least, uint256 most);
    /// @notice Amounts are of whole units of cash, and not 0.
    error AmountNotWhole(uint256 amount, uint256 unit);
    /// @notice The token brought less than it was asked for, or more.
    error TransferDiffers(uint256 received, uint256 amount);
    /// @notice The account has never held anything.
    error AccountUnknown(address owner);
    /// @notice Positions are not what the account holds.
    error PositionsDiffer(address owner, bytes32 given, bytes32 held);
    /// @notice Nobody trades with themselves, or takes over their own positions.
    error SameAccount(address owner);
    /// @notice Nothing to do.
    error NothingChanges();
    /// @notice The market has a newer round.
    error RoundNotNewest(uint256 asOf, uint256 newest);
    /// @notice There is another round of this time, or none.
    error RoundNotPublished(uint256 asOf, bytes32 given, bytes32 published);
    /// @notice Prices are at another scale than this venue's quantities.
    error PriceScaleDiffers(int256 scale, int256 expected);
    /// @notice Spot and perpetual of the round are too far apart.
    error RoundPricesApart(uint256 spotE8, uint256 perpPriceE8, uint256 gapBps);
    /// @notice A change waits already.
    error ChangePending(address owner, address candidate);
    /// @notice No change waits.
    error NoChange(address owner);
    /// @notice The change waited too long.
    error ChangeExpired(address owner, uint256 expiresAt);
    /// @notice A trade is cancelled by nobody before it expires, or who saw the next price would choose.
    error TradeBinding(address owner, uint256 expiresAt);
    /// @notice The other side of the trade is no longer there.
    error PartnerGone(address owner, address partner);
    /// @notice The account would have less than the initial margin, or less cash than none.
    error MarginTooLow(address owner, int256 initialE8);
    /// @notice The margin is of another round than the change.
    error MarginOfOtherRound(address owner, uint256 asOf, uint256 expected);
    /// @notice The account was shown to be below maintenance at a later round than the margin's.
    error AccountFlagged(address owner, uint256 flaggedAsOf, uint256 provenAsOf);
    /// @notice A withdrawal is given up by its owner alone.
    error NotOwner(address caller, address owner);
    /// @notice Trades come from the venue's orders alone.
    error NotOrders(address caller);
    /// @notice The round is before the expiry.
    error RoundBeforeExpiry(uint256 asOf, uint256 expiry);
    /// @notice An earlier round settles the expiry, or its time is over.
    error SettlementStands(uint256 expiry, uint256 asOf);
    /// @notice No evidence that the account is below maintenance counts: there is none (`asOf` 0), it is of a round that the reported
    /// perpetuals were not marked at, or of one that the account was liquidated at already.
    error NotLiquidatable(address owner, uint256 asOf, uint256 reportedAsOf);
    /// @notice The registry is asked to take a witness, and nothing else.
    error NotAWitness(bytes4 selector);
    /// @notice More of the account than it takes to restore it.
    error FractionTooLarge(uint256 fractionBps, uint256 mostBps);
    /// @notice The liquidator has less than what it takes over may need.
    error BondTooLow(address liquidator, int256 hasE12, int256 needsE12);
    /// @notice The window's budget of liquidations is used.
    error BudgetUsed(uint256 usedE12, uint256 budgetE12);

    /// @notice Sets the rules. Restricted.
    /// @custom:reverts RuleOutOfRange
    function setRules(Rules calldata rules_) external;

    /// @notice Sets the policy that says what is asked beyond the initial margin of what adds risk; 0: nothing. Restricted.
    function setPolicy(IVenuePolicy policy_) external;

    /// @notice Brings in cash. Margins count it from the next report on ({mark}), so that nobody's dust ends anybody's margins.
    /// @custom:reverts AmountNotWhole, TransferDiffers
    function deposit(uint256 amount) external;

    /// @notice Brings tokens into the insurance fund for ever; bad debt is paid first.
    /// @custom:reverts AmountNotWhole, TransferDiffers
    function fundInsurance(uint256 amount) external;

    /// @notice Takes out cash: at once from an account of cash alone, else by a change that waits for its proof.
    /// @return candidate to be proven; 0 if it was paid
    /// @custom:reverts AmountNotWhole, AccountUnknown, PositionsDiffer, ChangePending, MarginTooLow, RoundNotNewest
    function withdraw(
        uint256 amount,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata positions
    ) external returns (address candidate);

    /// @notice Has the registry take reports at the scale that this venue was deployed at. Anyone may call; it takes the venue's role, and
    /// passes while that scale is in force.
    function acceptPriceScale() external;

    /// @notice Settles gains of an account's perpetuals into its cash at the newest round, and reports it. Anyone may call; a proof
    /// about perpetuals counts for what was reported at its round.
    /// @custom:reverts AccountUnknown, PositionsDiffer, RoundNotNewest, NothingChanges
    function mark(address owner, IPortfolioRegistry.Round calldata round, OptionPositionWord[] calldata positions) external;

    /// @notice Puts a change into effect, both sides of a trade together. Anyone may call once margins of its candidates are in force;
    /// what leaves an account with cash alone needs none.
    /// @param positions        of the account after it
    /// @param partnerPositions of the other side after it
    /// @custom:reverts NoChange, ChangeExpired, PartnerGone, AccountFlagged, MarginTooLow, MarginOfOtherRound, what the registry's
    /// {marginOf} reverts with, and the policy's {IVenuePolicy-BufferTooLow}
    function takeEffect(
        address owner,
        OptionPositionWord[] calldata positions,
        OptionPositionWord[] calldata partnerPositions
    ) external;

    /// @notice Gives up a change: a withdrawal by its owner, any other by anyone once it cannot take effect any more.
    /// @custom:reverts NoChange, TradeBinding
    function cancelChange(address owner) external;

    /// @notice Takes a trade, at the newest round's price; both sides are changes from here on. From the venue's orders alone.
    /// @param ownerPositions positions of the owner as they are
    /// @param makerPositions positions of the maker as they are
    /// @custom:reverts NotOrders, RoundNotNewest, ChangePending, AccountUnknown, PositionsDiffer
    function trade(
        Trade calldata agreed,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata ownerPositions,
        OptionPositionWord[] calldata makerPositions
    ) external;

    /// @notice Says which round settles an expiry: the first one at or after it that anybody brings while the window lasts; if none was
    /// brought, the newest when it is over.
    /// @custom:reverts RoundBeforeExpiry, RoundNotPublished, PriceScaleDiffers, RoundPricesApart, SettlementStands, RoundNotNewest
    function fixSettlement(uint256 expiry, IPortfolioRegistry.Round calldata round) external;

    /// @notice Pays what an account's options pay whose expiry is settled, and reports what is left. Anyone may call.
    /// @custom:reverts AccountUnknown, PositionsDiffer, NothingChanges
    function settle(address owner, OptionPositionWord[] calldata positions) external;

    /// @notice Notes that the registry shows an account below maintenance, so that the auction begins. Anyone may call.
    /// @custom:reverts AccountUnknown, NotLiquidatable
    function flag(address owner) external;

    /// @notice Takes over a part of an account that is below maintenance, of every position and of cash alike.
    /// @param positions    of the account
    /// @param ownPositions of the caller
    /// @custom:reverts NotLiquidatable, FractionTooLarge, BudgetUsed, BondTooLow, SameAccount, ChangePending, PositionsDiffer,
    /// RoundNotNewest, NothingChanges
    function liquidate(
        address owner,
        uint256 fractionBps,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata positions,
        OptionPositionWord[] calldata ownPositions
    ) external;

    /// @notice The same with the witness that shows it, in one transaction and at its round, which is to be the newest.
    /// @param witness call of the registry that proves it: {IPortfolioRegistry-proveUnhealthy} or {-proveUnhealthyByArrays}
    /// @custom:reverts NotAWitness, what the registry reverts with, and as {liquidate}
    function liquidateByWitness(
        address owner,
        uint256 fractionBps,
        OptionPositionWord[] calldata positions,
        OptionPositionWord[] calldata ownPositions,
        bytes calldata witness
    ) external;

    /// @notice An account as it stands.
    /// @return key what the registry knows it by; 0 if it has never held anything
    function accountOf(address owner) external view returns (address key, Account memory account);

    /// @notice The change that waits.
    /// @return candidate what the registry knows the account by as it would be; 0 if none waits
    function changeOf(address owner) external view returns (address candidate, Change memory change);

    /// @notice What settles an expiry; `isFinal` once no earlier round may replace it.
    function settlementOf(uint256 expiry) external view returns (uint256 priceE8, uint256 asOf, bool isFinal);

    /// @notice What a liquidator would get now beyond its share, of the notional; negative: pay.
    function bonusBpsOf(address owner) external view returns (int256);

    /// @notice How far from spot the asset is taken to be at most, where premiums are bounded.
    function premiumBandBps() external view returns (uint256);
}
