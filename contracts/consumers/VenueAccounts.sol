// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {COLLATERAL_AMOUNTS_WORDS, ROUND_MARKET_WORDS, RoundMarketList} from "../generated/WordLists.sol";
import {CollateralAmountWord, OptionPositionWord, RoundPricesWord} from "../generated/Words.sol";
import {IPortfolioMargins} from "../registry/IPortfolioMargins.sol";
import {IPortfolioRegistry} from "../registry/IPortfolioRegistry.sol";
import {PortfolioRegistry} from "../registry/PortfolioRegistry.sol";
import {RiskArrays} from "../registry/RiskArrays.sol";
import {IOptionsVenue} from "./IOptionsVenue.sol";
import {PositionWords} from "./PositionWords.sol";
import {VenueRules} from "./VenueRules.sol";

/// @title VenueAccounts
/// @notice Tokens in and out, what accounts hold, marks, and what the registry is told of them.
/// @dev Cash of all accounts + insurance + clearing - bad debt = tokens held, to the unit. Clearing is what has been paid to some accounts
/// and not yet been taken from others, whose perpetuals or expired options wait to be marked or settled: 0 once all are.
abstract contract VenueAccounts is IOptionsVenue, VenueRules, ReentrancyGuardTransient {
    using PositionWords for OptionPositionWord[];
    using RoundMarketList for uint256[ROUND_MARKET_WORDS];
    using SafeCast for int256;
    using SafeCast for uint256;
    using SafeERC20 for IERC20Metadata;

    uint256 private constant LEAST_DECIMALS = 6;
    uint256 private constant MOST_DECIMALS = 18;
    uint256 private constant CASH_DECIMALS = 12;
    bytes32 internal constant NO_POSITIONS = keccak256("");

    /// @notice Whom accounts are reported to, and who holds their margins.
    IPortfolioRegistry public immutable registry;
    /// @notice Which rounds prices are taken from.
    RiskArrays public immutable arrays;
    /// @notice k: quantities are of 10^k units of the asset, as prices are; nothing is reported at any other scale.
    int256 public immutable priceScale;
    /// @notice Whose rounds.
    bytes32 public immutable marketId;
    /// @notice What cash is.
    IERC20Metadata public immutable token;

    /// @dev Units of cash in a unit of the token, or units of the token in one of cash: one of them is 1.
    uint256 private immutable _cashPerUnit;
    uint256 private immutable _unitsPerCash;

    /// @notice What covers bad debt.
    uint256 public insuranceE12;
    /// @notice Debt that nothing covered yet.
    uint256 public badDebtE12;
    /// @notice Paid to some accounts, not yet taken from others.
    int256 public clearingE12;

    /// @dev What the registry shows an account to be below maintenance by.
    /// @param key     which it knows the account by
    /// @param isThere whether it does
    /// @param asOf    the round; 0 where it is ahead of the chain's clock
    /// @param margin  proven last
    struct Evidence {
        address key;
        bool isThere;
        uint256 asOf;
        IPortfolioMargins.Margin margin;
    }

    mapping(address owner => Account) internal _accounts;
    mapping(address owner => Change) internal _changes;

    constructor(PortfolioRegistry registry_, IERC20Metadata token_) {
        uint256 decimals = token_.decimals();
        if (decimals < LEAST_DECIMALS || decimals > MOST_DECIMALS) {
            revert UnsupportedDecimals(decimals, LEAST_DECIMALS, MOST_DECIMALS);
        }
        _cashPerUnit = decimals < CASH_DECIMALS ? 10 ** (CASH_DECIMALS - decimals) : 1;
        _unitsPerCash = decimals > CASH_DECIMALS ? 10 ** (decimals - CASH_DECIMALS) : 1;
        registry = IPortfolioRegistry(address(registry_));
        arrays = RiskArrays(address(registry_.arrays()));
        priceScale = arrays.priceScale();
        marketId = arrays.marketId();
        token = token_;
    }

    /// @inheritdoc IOptionsVenue
    function deposit(uint256 amount) external nonReentrant {
        Account storage account = _accounts[msg.sender];
        if (account.keys == 0) {
            account.number = ++account.keys;
            account.positionsHash = NO_POSITIONS;
        }
        account.cashE12 += _cashOf(amount).toInt256().toInt96();
        account.isReported = false;
        emit Deposited(msg.sender, amount);
        _pull(amount);
    }

    /// @inheritdoc IOptionsVenue
    function fundInsurance(uint256 amount) external nonReentrant {
        uint256 cash = _cashOf(amount);
        uint256 paid = cash < badDebtE12 ? cash : badDebtE12;
        badDebtE12 -= paid;
        insuranceE12 += cash - paid;
        emit InsuranceFunded(msg.sender, amount);
        _pull(amount);
    }

    /// @inheritdoc IOptionsVenue
    function acceptPriceScale() external {
        arrays.acceptPriceScale(priceScale);
    }

    /// @inheritdoc IOptionsVenue
    function mark(
        address owner,
        IPortfolioRegistry.Round calldata round,
        OptionPositionWord[] calldata positions
    ) external nonReentrant {
        OptionPositionWord[] memory held = positions;
        Account storage account = _held(owner, held);
        (, uint256 priceE8) = _newestPrices(round);
        _noteFlag(owner, account); // a mark of a later round must not end what counts until now
        _markTo(account, round.asOf, priceE8);
        // One report a round, or whoever proves would be overtaken again and again; cash that came in may be said any time.
        if (account.isReported) revert NothingChanges();
        _report(owner, account, held);
        emit Marked(owner, _keyOf(owner, account.number), round.asOf, priceE8, account.cashE12);
    }

    /// @inheritdoc IOptionsVenue
    function accountOf(address owner) external view returns (address key, Account memory account) {
        account = _accounts[owner];
        key = _keyOf(owner, account.number);
    }

    /// @inheritdoc IOptionsVenue
    function changeOf(address owner) external view returns (address candidate, Change memory change) {
        return (_keyOf(owner, _accounts[owner].waiting), _changes[owner]);
    }

    /// @dev Notes evidence that an account is below maintenance; whether any counts.
    function _noteFlag(
        address owner,
        Account storage account
    ) internal virtual returns (bool counts, Evidence memory evidence);

    /// @dev An account whose positions these are.
    function _held(
        address owner,
        OptionPositionWord[] memory positions
    ) internal view returns (Account storage account) {
        account = _accounts[owner];
        if (account.keys == 0) revert AccountUnknown(owner);
        bytes32 given = positions.hashOf();
        if (given != account.positionsHash) revert PositionsDiffer(owner, given, account.positionsHash);
    }

    function _requireNoChange(address owner, Account storage account) internal view {
        if (account.waiting != 0) revert ChangePending(owner, _keyOf(owner, account.waiting));
    }

    function _voidChange(address owner, Account storage account) internal {
        if (account.waiting == 0) return;
        address candidate = _keyOf(owner, account.waiting);
        account.waiting = 0;
        delete _changes[owner];
        registry.replaceAccount(candidate, address(0), false);
        emit ChangeVoided(owner, candidate);
    }

    /// @dev Prices of the market's newest round, which the registry takes proofs of.
    function _newestPrices(
        IPortfolioRegistry.Round calldata round
    ) internal view returns (uint256 spotE8, uint256 perpPriceE8) {
        _requireNewest(round.asOf, arrays.requirePrices(round.asOf, round.marketWords, round.expiriesHash));
        RoundPricesWord prices = round.marketWords.roundPrices();
        return (prices.spotE8(), prices.perpPriceE8());
    }

    function _requireNewest(uint256 asOf, uint256 newest) internal pure {
        if (asOf != newest) revert RoundNotNewest(asOf, newest);
    }

    /// @dev Gains of the perpetuals since the last mark become cash. The next report is the first that says so.
    function _markTo(Account storage account, uint256 asOf, uint256 priceE8) internal {
        if (asOf == account.markAsOf) return;
        int256 perps = account.perpsE12;
        if (perps != 0) {
            _payFromClearing(account, _gain(perps, priceE8, account.markE8));
            account.isReported = false;
        }
        account.markAsOf = uint32(asOf); // as long as in the round's words, and the price
        account.markE8 = uint48(priceE8);
    }

    function _payFromClearing(Account storage account, int256 amountE12) internal {
        if (amountE12 == 0) return;
        account.cashE12 += amountE12.toInt96();
        clearingE12 -= amountE12;
    }

    /// @dev Exact, as quantities are of whole lots.
    function _gain(int256 perpsE12, uint256 priceE8, uint256 sinceE8) internal pure returns (int256) {
        return (perpsE12 * (int256(priceE8) - int256(sinceE8))) / PositionWords.LOT;
    }

    /// @dev What the registry knows an owner by: of number 0 nothing, or nobody could tell that none waits.
    function _keyOf(address owner, uint256 number) internal view returns (address) {
        if (number == 0) return address(0);
        return address(uint160(uint256(keccak256(abi.encode(address(this), owner, number)))));
    }

    /// @dev Tells the registry what an account holds, under its key. Where perpetuals are marked at a round for the first time and there
    /// is evidence of that round, it is of a report without their gains, and would seem to be of this one: it stays with the old key.
    function _report(address owner, Account storage account, OptionPositionWord[] memory positions) internal {
        (uint32 asOf, uint32 reports) = (account.markAsOf, account.reports);
        address key = _keyOf(owner, account.number);
        if (account.perpsE12 == 0) {
            asOf = account.reportedAsOf;
        } else if (asOf != account.reportedAsOf) {
            Evidence memory evidence = _evidenceOf(key, reports);
            bool isOfRound = evidence.asOf == asOf || evidence.asOf == 0;
            if (evidence.isThere && evidence.asOf != account.flaggedAsOf && isOfRound) {
                account.number = ++account.keys;
                reports = 0;
                address previous = key;
                key = _keyOf(owner, account.number);
                registry.replaceAccount(previous, key, false);
                emit KeyReplaced(key, previous);
            }
        }
        (account.reports, account.reportedAsOf, account.isReported) = (reports + 1, asOf, true);
        CollateralAmountWord[COLLATERAL_AMOUNTS_WORDS] memory none;
        registry.reportAccount(key, positions, PositionWords.holdings(account.perpsE12, account.cashE12), none);
    }

    /// @dev Of what was never reported there is none, nor is there where nothing was ever proven of it.
    function _evidenceOf(address key, uint256 reports) internal view returns (Evidence memory evidence) {
        evidence.key = key;
        if (reports == 0) return evidence;
        try registry.marginForLiquidation(key) returns (
            IPortfolioMargins.Margin memory margin,
            bool liquidatable,
            uint256 ageSeconds
        ) {
            evidence.isThere = liquidatable;
            if (liquidatable && ageSeconds != 0) evidence.asOf = block.timestamp - ageSeconds;
            evidence.margin = margin;
        } catch {
            return evidence;
        }
    }

    /// @dev What an account of nothing owes is covered by the fund, as far as it goes; nobody else would ever pay it.
    function _coverDebt(
        address owner,
        Account storage account
    ) internal returns (uint256 coveredE12, uint256 uncoveredE12) {
        if (account.cashE12 >= 0 || !_isFlat(account)) return (0, 0);
        uint256 debt = uint256(-int256(account.cashE12));
        coveredE12 = debt < insuranceE12 ? debt : insuranceE12;
        uncoveredE12 = debt - coveredE12;
        insuranceE12 -= coveredE12;
        badDebtE12 += uncoveredE12;
        account.cashE12 = 0;
        emit DebtCovered(owner, coveredE12, uncoveredE12);
    }

    function _isFlat(Account storage account) internal view returns (bool) {
        return account.perpsE12 == 0 && account.positionsHash == NO_POSITIONS;
    }

    function _pay(address owner, int256 cash) internal {
        uint256 amount = (uint256(cash) / _cashPerUnit) * _unitsPerCash;
        emit Withdrawn(owner, amount);
        token.safeTransfer(owner, amount);
    }

    /// @dev Cash that an amount of tokens is.
    function _cashOf(uint256 amount) internal view returns (uint256) {
        if (amount == 0 || amount % _unitsPerCash != 0) revert AmountNotWhole(amount, _unitsPerCash);
        return (amount / _unitsPerCash) * _cashPerUnit;
    }

    /// @dev A token that keeps a fee would leave the venue short of what it owes.
    function _pull(uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TransferDiffers(received, amount);
    }
}
