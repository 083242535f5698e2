// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IOptionsVenue} from "contracts/consumers/IOptionsVenue.sol";
import {IVenueOrders} from "contracts/consumers/IVenueOrders.sol";
import {RiskArrayFrame} from "contracts/generated/RiskArrayFrame.sol";
import {PORTFOLIO_POLICY_WORDS, ROUND_MARKET_WORDS} from "contracts/generated/WordLists.sol";
import {OptionPositionWord} from "contracts/generated/Words.sol";
import {IAttestedRounds} from "contracts/market/IAttestedRounds.sol";
import {ISignerCommittee} from "contracts/market/ISignerCommittee.sol";
import {IPortfolioPolicy} from "contracts/parameters/IPortfolioPolicy.sol";
import {IModelRegistry} from "contracts/registry/IModelRegistry.sol";
import {IPortfolioMargins} from "contracts/registry/IPortfolioMargins.sol";
import {IPortfolioRegistry} from "contracts/registry/IPortfolioRegistry.sol";

/// @notice What the engine that runs this lets it do.
interface Vm {
    function addr(uint256 key) external pure returns (address);
    function prank(address sender) external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function toString(int256 value) external pure returns (string memory);
    function warp(uint256 timestamp) external;
    function writeLine(string calldata file, string calldata line) external;
}

interface IVenue is IOptionsVenue {
    function badDebtE12() external view returns (uint256);
    function clearingE12() external view returns (int256);
    function insuranceE12() external view returns (uint256);
    function orders() external view returns (IVenueOrders);
    function windowSince() external view returns (uint40);
    function windowUsedE12() external view returns (uint128);
}

/// @notice Margins and evidence that a test sets, as contracts/consumers/mocks has them.
interface IToldRegistry is IPortfolioMargins {
    struct Witness {
        uint256 asOf;
        uint256 sequence;
    }
    function setMargin(address account, Margin calldata values) external;
    function setWitness(address account, Witness calldata witness) external;
}

interface IMintable is IERC20 {
    function mint(address holder, uint256 amount) external;
}

/// @title VenueSequences
/// @notice Requests that accounts make of a venue in any order, and what each must come to: a model of the accounts moves beside the
/// venue, by rules of its own, and after every request both are the same. Run by Hardhat's engine, which chooses requests and numbers.
contract VenueSequences {
    /// @notice Creation codes of what stands on the chain.
    struct Codes {
        bytes council;
        bytes models;
        bytes rounds;
        bytes arrays;
        bytes registry;
        bytes token;
        bytes venue;
    }

    struct Selectors {
        address addr;
        bytes4[] selectors;
    }

    /// @notice What an account holds, in lots, and what it is worth: cash, perpetuals at the newest price, options at theirs.
    struct Held {
        int256 perps;
        int256 calls;
        int256 puts;
        int256 worthE12;
    }

    /// @notice A change that waits: what it would add.
    struct Waiting {
        uint256 partner;
        Held added;
        int256 priceE8;
    }

    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));

    uint256 private constant TRADERS = 4;
    address private constant ANYBODY = address(0xa11);
    bytes32 private constant MARKET = keccak256("BTC-USD");
    uint256 private constant START = 1_960_000_000;
    uint256 private constant EXPIRY = 2_000_000_000;
    /// @dev Beyond what clocks may differ by.
    uint256 private constant ROUND_SECONDS = 17;
    int256 private constant LOT = 1e8;
    uint256 private constant E6 = 1e6;
    uint256 private constant E8 = 1e8;
    int256 private constant E12 = 1e12;
    uint256 private constant SPOT = 100_000;
    int256 private constant ONE_BPS = 10_000;
    uint256 private constant CALL_STRIKE = 110_000;
    uint256 private constant PUT_STRIKE = 90_000;
    /// @dev What these options trade at throughout, so that they change nobody's worth.
    int256 private constant CALL_E8 = 2_000e8;
    int256 private constant PUT_E8 = 1_500e8;

    Codes private _codes;
    uint256[PORTFOLIO_POLICY_WORDS] private _policy;
    IOptionsVenue.Rules private _rules;
    string private _tally;

    IVenue private _venue;
    IVenueOrders private _orders;
    IAttestedRounds private _rounds;
    IToldRegistry private _registry;
    IMintable private _token;

    uint256 private _clock = START;
    uint256 private _nonce;
    IPortfolioRegistry.Round private _round;
    int256 private _spotE8;
    int256 private _perpE8;

    address[TRADERS] private _owners;
    Held[TRADERS] private _held;
    Waiting[TRADERS] private _waiting;
    int256 private _insuranceE12;
    int256 private _badDebtE12;
    uint256 private _windowSince;
    uint256 private _windowUsedE12;

    /// @dev How often each kind of request went through, so that a run of refusals alone is seen.
    string[] private _kinds = ["deposit", "withdraw", "fill", "take", "late", "mark", "witness", "margins", "cancel", "insure", "debt", "paid"];
    mapping(string kind => uint256) private _done;

    constructor(
        Codes memory codes,
        uint256[PORTFOLIO_POLICY_WORDS] memory policy,
        IOptionsVenue.Rules memory rules,
        string memory tally
    ) {
        (_codes, _policy, _rules, _tally) = (codes, policy, rules, tally);
    }

    function setUp() external {
        vm.warp(_clock);
        address council = _create(_codes.council, abi.encode(address(this)));
        IModelRegistry models = IModelRegistry(_create(_codes.models, abi.encode(council)));
        models.registerLayout(RiskArrayFrame.LAYOUT_HASH, IModelRegistry.Kind.RiskArray);
        address[] memory signers = new address[](1);
        signers[0] = address(this);
        _rounds = IAttestedRounds(_create(_codes.rounds, abi.encode(council, signers, 1, 300)));
        IPortfolioPolicy.PortfolioFreshness memory freshness = IPortfolioPolicy.PortfolioFreshness(600, 3_600, 300);
        address arrays = _create(_codes.arrays, abi.encode(council, models, _rounds, MARKET, _policy, freshness));
        _registry = IToldRegistry(_create(_codes.registry, abi.encode(arrays)));
        _token = IMintable(_create(_codes.token, ""));
        _venue = IVenue(_create(_codes.venue, abi.encode(council, _registry, _token, _rules)));
        _orders = _venue.orders();
        _windowSince = _venue.windowSince();
        _enter(ANYBODY);
        for (uint256 i = 0; i < TRADERS; ++i) {
            _owners[i] = vm.addr(_keyOf(i));
            _enter(_owners[i]);
            deposit(i, 49_999);
            deposit(i, 49_999);
        }
        _done["deposit"] = 0;
        _moveTo(SPOT);
    }

    /// @notice Which requests are made, and by repetition how often.
    function targetSelectors() external view returns (Selectors[] memory targets) {
        bytes4[18] memory all = [
            this.deposit.selector,
            this.withdraw.selector,
            this.round.selector,
            this.round.selector,
            this.trade.selector,
            this.trade.selector,
            this.trade.selector,
            this.trade.selector,
            this.trade.selector,
            this.take.selector,
            this.liquidate.selector,
            this.liquidate.selector,
            this.liquidate.selector,
            this.liquidate.selector,
            this.mark.selector,
            this.cancel.selector,
            this.cancel.selector,
            this.insure.selector
        ];
        targets = new Selectors[](1);
        targets[0] = Selectors(address(this), new bytes4[](all.length));
        for (uint256 i = 0; i < all.length; ++i) targets[0].selectors[i] = all[i];
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(this);
    }

    /// @notice ERC-1271: this contract attests rounds, which takes no curve's arithmetic each time.
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }

    // Requests

    function deposit(uint256 i, uint256 whole) public {
        (i, whole) = (i % TRADERS, 1 + (whole % 50_000));
        if (!_ask(_owners[i], address(_venue), abi.encodeCall(IOptionsVenue.deposit, (whole * E6)))) return;
        _held[i].worthE12 += int256(whole) * E12;
        ++_done["deposit"];
    }

    /// @notice Asks for cash; where it waits for a proof, it is there.
    function withdraw(uint256 i, uint256 whole, bool isTaken) external {
        (i, whole) = (i % TRADERS, 1 + (whole % 50_000));
        bytes memory call_ = abi.encodeCall(IOptionsVenue.withdraw, (whole * E6, _round, _positionsOf(_held[i])));
        if (!_ask(_owners[i], address(_venue), call_)) return;
        ++_done["withdraw"];
        Held memory added = Held(0, 0, 0, -int256(whole) * E12);
        if (_candidateOf(i) == address(0)) return _add(i, added);
        _waiting[i] = Waiting(i, added, _perpE8);
        if (isTaken) _take(i);
    }

    function round(uint256 spot) external {
        _moveTo(80_000 + (spot % 40_001));
    }

    /// @notice An order, the next round, a quote for it, and the fill; if it is taken, what waits is proven at once.
    function trade(uint256 i, uint256 j, int256 perps, int256 lots, bool isCall, bool isTaken) external {
        i %= TRADERS;
        j = (i + 1 + (j % (TRADERS - 1))) % TRADERS;
        (perps, lots) = (perps % 30_001, lots % 30_001);
        Held memory added = Held(perps, isCall ? lots : int256(0), isCall ? int256(0) : lots, 0);
        IVenueOrders.Order memory order = _orderOf(i, added);
        if (!_ask(_owners[i], address(_orders), abi.encodeCall(IVenueOrders.placeOrder, (order)))) return;
        _moveTo(uint256(int256(SPOT) + perps / 100));
        if (!_fill(i, j, order, _optionsWorth(added))) return;
        ++_done["fill"];
        _waiting[i] = Waiting(j, added, _perpE8);
        _waiting[j] = Waiting(i, _times(added, -1), _perpE8);
        if (isTaken) _take(i);
    }

    /// @notice What waits takes effect later, at other prices.
    function take(uint256 i) external {
        if (_take(i % TRADERS)) ++_done["late"];
    }

    /// @notice What waits is given up, when its time is over or before.
    function cancel(uint256 i, bool isOver) external {
        i %= TRADERS;
        if (isOver && _candidateOf(i) != address(0)) _clock += _rules.changeSeconds + 1;
        address by = isOver ? ANYBODY : _owners[i];
        if (_ask(by, address(_venue), abi.encodeCall(IOptionsVenue.cancelChange, (_owners[i])))) ++_done["cancel"];
    }

    function mark(uint256 i) external {
        if (_mark(i % TRADERS)) ++_done["mark"];
    }

    function insure(uint256 whole) external {
        whole = 1 + (whole % 5_000);
        if (!_ask(ANYBODY, address(_venue), abi.encodeCall(IOptionsVenue.fundInsurance, (whole * E6)))) return;
        int256 cashE12 = int256(whole) * E12;
        int256 paidE12 = cashE12 < _badDebtE12 ? cashE12 : _badDebtE12;
        _badDebtE12 -= paidE12;
        _insuranceE12 += cashE12 - paidE12;
        ++_done["insure"];
    }

    /// @notice An account is marked and shown below maintenance, by a witness or by margins that are short of so much; then another
    /// takes over a part of it.
    function liquidate(uint256 i, uint256 j, uint256 bps, uint256 wait, uint256 shortE8) external {
        i %= TRADERS;
        j = (i + 1 + (j % (TRADERS - 1))) % TRADERS;
        bps = bps % 3 == 0 ? uint256(ONE_BPS) : 1 + (bps % _rules.stepBps);
        shortE8 = shortE8 % 2 == 0 ? 0 : 1 + (shortE8 % (30_000 * E8));
        _mark(i);
        _show(i, shortE8);
        _ask(ANYBODY, address(_venue), abi.encodeCall(IOptionsVenue.flag, (_owners[i])));
        _clock += wait % (_rules.auctionSeconds + 1);
        _moveTo(uint256(_spotE8) / E8);
        _mark(j);
        _prove(_keyAt(j), _round.asOf, 1e15, 0);
        (, IOptionsVenue.Account memory before) = _venue.accountOf(_owners[i]);
        (OptionPositionWord[] memory owned, OptionPositionWord[] memory own) = (_positionsOf(_held[i]), _positionsOf(_held[j]));
        bytes memory call_ = abi.encodeCall(IOptionsVenue.liquidate, (_owners[i], bps, _round, owned, own));
        if (!_ask(_owners[j], address(_venue), call_)) return;
        ++_done[shortE8 == 0 ? "witness" : "margins"];
        _expectTaken(i, j, int256(bps), _bonusBps(before.flaggedAt), int256(shortE8));
    }

    // What holds after every request

    function invariant_theVenueIsAsItsModel() public view {
        (int256 cashE12, int256 clearingE12, Held memory all) = (0, 0, Held(0, 0, 0, 0));
        for (uint256 i = 0; i < TRADERS; ++i) {
            (address key, IOptionsVenue.Account memory account) = _venue.accountOf(_owners[i]);
            _requireAsHeld(i, account);
            _requireReported(key, account);
            cashE12 += account.cashE12;
            clearingE12 -= (int256(account.perpsE12) * int256(uint256(account.markE8))) / LOT;
            all = _sum(all, _held[i]);
        }
        _same(all.perps, 0, "sum of perpetuals");
        _same(all.calls, 0, "sum of calls");
        _same(all.puts, 0, "sum of puts");
        _same(_venue.clearingE12(), clearingE12, "clearing");
        _same(int256(_venue.insuranceE12()), _insuranceE12, "insurance");
        _same(int256(_venue.badDebtE12()), _badDebtE12, "bad debt");
        cashE12 += clearingE12 + _insuranceE12 - _badDebtE12;
        _same(int256(_token.balanceOf(address(_venue)) * E6), cashE12, "tokens");
        _same(int256(uint256(_venue.windowUsedE12())), int256(_windowUsedE12), "budget used");
        require(_windowUsedE12 <= _rules.budgetE12, "the budget is not kept");
    }

    /// @notice In the end everything is settled and marked, and nothing is left between accounts.
    function afterInvariant() external {
        uint256 spot = 80_000 + (uint256(keccak256(abi.encode(_clock, _held[0]))) % 40_001);
        _clock = EXPIRY - ROUND_SECONDS;
        _moveTo(spot);
        require(_ask(ANYBODY, address(_venue), abi.encodeCall(IOptionsVenue.fixSettlement, (EXPIRY, _round))), "no settlement");
        _clock = EXPIRY + _rules.settlementSeconds;
        for (uint256 i = 0; i < TRADERS; ++i) {
            _settle(i);
            _mark(i);
        }
        invariant_theVenueIsAsItsModel();
        _same(_venue.clearingE12(), 0, "clearing in the end");
        string memory line = "";
        for (uint256 i = 0; i < _kinds.length; ++i) {
            line = string.concat(line, _kinds[i], " ", vm.toString(int256(_done[_kinds[i]])), " ");
        }
        vm.writeLine(_tally, line);
    }

    function _requireAsHeld(uint256 i, IOptionsVenue.Account memory account) private view {
        Held memory held = _held[i];
        _same(account.perpsE12, held.perps * LOT, "perpetuals of an account");
        int256 gainE12 = held.perps * (_perpE8 - int256(uint256(account.markE8)));
        _same(account.cashE12 + gainE12 + _optionsWorth(held), held.worthE12, "worth of an account");
        require(account.positionsHash == keccak256(abi.encodePacked(_positionsOf(held))), "positions of an account");
    }

    /// @dev The registry knows what the venue says.
    function _requireReported(address key, IOptionsVenue.Account memory account) private view {
        (uint256 sequence, bytes32 bookHash, ) = _registry.accountOf(key);
        require(sequence == account.reports, "reports of an account");
        if (!account.isReported) return;
        uint256 holdings = uint256(int256(account.perpsE12) + 2 ** 60) | (uint256(int256(account.cashE12) + 2 ** 83) << 61) | (2 ** 83 << 145);
        require(bookHash == keccak256(abi.encode(account.positionsHash, holdings, 0, 0, 0, 0)), "report of an account");
    }

    // What requests come to

    /// @dev Both sides of it, at the price of its round.
    function _take(uint256 i) private returns (bool went) {
        Waiting memory waiting = _waiting[i];
        uint256 j = waiting.partner;
        (address candidate, IOptionsVenue.Change memory change) = _venue.changeOf(_owners[i]);
        if (candidate != address(0)) _prove(candidate, change.asOf, 0, 0);
        if (candidate != address(0) && j != i) _prove(_candidateOf(j), change.asOf, 0, 0);
        Held memory after_ = _sum(_held[i], waiting.added);
        Held memory other = _sum(_held[j], _times(waiting.added, -1));
        bytes memory call_ = abi.encodeCall(IOptionsVenue.takeEffect, (_owners[i], _positionsOf(after_), _positionsOf(other)));
        went = _ask(ANYBODY, address(_venue), call_);
        if (!went) return false;
        waiting.added.worthE12 += waiting.added.perps * (_perpE8 - waiting.priceE8);
        _add(i, waiting.added);
        if (j != i) _add(j, _times(waiting.added, -1));
        ++_done["take"];
    }

    /// @dev What one gives the other has; what an account of nothing owes is the fund's.
    function _expectTaken(uint256 i, uint256 j, int256 bps, int256 bonusBps, int256 shortE8) private {
        Held memory held = _held[i];
        Held memory part = Held(_share(held.perps, bps), _share(held.calls, bps), _share(held.puts, bps), 0);
        int256 notionalE12 = _notional(part);
        if (bonusBps < 0) _expectBounded(held, bps, bonusBps, shortE8, notionalE12);
        int256 cashE12 = held.worthE12 - _optionsWorth(held);
        int256 passedE12 = (cashE12 * bps) / ONE_BPS + (notionalE12 * bonusBps) / ONE_BPS;
        part.worthE12 = passedE12 + _optionsWorth(part);
        _add(j, part);
        _add(i, _times(part, -1));
        _expectCovered(i);
        if (bonusBps > 0) ++_done["paid"];
    }

    /// @dev While liquidators pay: within the budget, and no more than restores what was short, or a step by a witness.
    function _expectBounded(Held memory held, int256 bps, int256 bonusBps, int256 shortE8, int256 notionalE12) private {
        bool isOver = _clock >= _windowSince + _rules.windowSeconds;
        if (isOver) (_windowSince, _windowUsedE12) = (_clock, 0);
        _windowUsedE12 += uint256(notionalE12);
        if (shortE8 == 0) {
            require(bps <= int256(uint256(_rules.stepBps)), "more than a step");
            return;
        }
        int256 shortE12 = 2 * shortE8 * 1e4;
        int256 paidE12 = (_notional(held) * -bonusBps) / ONE_BPS;
        require((bps - 1) * (shortE12 + paidE12) < shortE12 * ONE_BPS, "more than restores");
    }

    function _expectCovered(uint256 i) private {
        Held storage held = _held[i];
        if (held.perps != 0 || held.calls != 0 || held.puts != 0 || held.worthE12 >= 0) return;
        int256 debtE12 = -held.worthE12;
        int256 coveredE12 = debtE12 < _insuranceE12 ? debtE12 : _insuranceE12;
        _insuranceE12 -= coveredE12;
        _badDebtE12 += debtE12 - coveredE12;
        held.worthE12 = 0;
        ++_done["debt"];
    }

    function _settle(uint256 i) private {
        Held storage held = _held[i];
        OptionPositionWord[] memory positions = _positionsOf(held);
        if (positions.length == 0) return;
        require(_ask(ANYBODY, address(_venue), abi.encodeCall(IOptionsVenue.settle, (_owners[i], positions))), "not settled");
        int256 spot = _spotE8;
        (int256 callE8, int256 putE8) = (spot - int256(CALL_STRIKE * E8), int256(PUT_STRIKE * E8) - spot);
        int256 payoffE12 = (callE8 > 0 ? held.calls * callE8 : int256(0)) + (putE8 > 0 ? held.puts * putE8 : int256(0));
        held.worthE12 += payoffE12 - _optionsWorth(held);
        (held.calls, held.puts) = (0, 0);
        _expectCovered(i);
    }

    /// @dev What a liquidator gets besides, of the notional, at this second of the auction.
    function _bonusBps(uint256 since) private view returns (int256) {
        uint256 passed = _clock - since;
        if (passed > _rules.auctionSeconds) passed = _rules.auctionSeconds;
        return int256(((uint256(_rules.startPayBps) + _rules.endBonusBps) * passed) / _rules.auctionSeconds) - int256(uint256(_rules.startPayBps));
    }

    function _add(uint256 i, Held memory added) private {
        _held[i] = _sum(_held[i], added);
    }

    function _sum(Held memory one, Held memory other) private pure returns (Held memory) {
        return Held(one.perps + other.perps, one.calls + other.calls, one.puts + other.puts, one.worthE12 + other.worthE12);
    }

    function _times(Held memory held, int256 by) private pure returns (Held memory) {
        return Held(held.perps * by, held.calls * by, held.puts * by, held.worthE12 * by);
    }

    /// @dev In whole lots, cut towards zero.
    function _share(int256 lots, int256 bps) private pure returns (int256) {
        return (lots * bps) / ONE_BPS;
    }

    function _optionsWorth(Held memory held) private pure returns (int256) {
        return held.calls * CALL_E8 + held.puts * PUT_E8;
    }

    function _notional(Held memory held) private view returns (int256) {
        return _size(held.perps) * _perpE8 + _size(held.calls) * _spotE8 + _size(held.puts) * int256(PUT_STRIKE * E8);
    }

    function _size(int256 value) private pure returns (int256) {
        return value < 0 ? -value : value;
    }

    // How requests are made

    /// @dev A second later than the last one, as blocks are. Whether it went through; that an error of a contract's own refused it is as good.
    function _ask(address by, address contract_, bytes memory call_) private returns (bool went) {
        vm.warp(++_clock);
        vm.prank(by);
        bytes memory why;
        (went, why) = contract_.call(call_);
        if (went) return true;
        bytes4 error_ = bytes4(why);
        // Error(string), Panic(uint256)
        if (error_ == 0 || error_ == 0x08c379a0 || error_ == 0x4e487b71) {
            assembly ("memory-safe") {
                revert(add(why, 0x20), mload(why))
            }
        }
    }

    function _mark(uint256 i) private returns (bool) {
        return _ask(ANYBODY, address(_venue), abi.encodeCall(IOptionsVenue.mark, (_owners[i], _round, _positionsOf(_held[i]))));
    }

    /// @dev A round of a price, later than what came before by more than clocks may differ.
    function _moveTo(uint256 spot) private {
        vm.warp(_clock += ROUND_SECONDS);
        int256 before = _perpE8;
        (_spotE8, _perpE8) = (int256(spot * E8), int256(spot * E8 + 1));
        (_round.asOf, _round.expiriesHash) = (_clock, keccak256(""));
        _round.marketWords[0] = uint256(_spotE8) | (uint256(_perpE8) << 48) | (1e12 << 96) | (_clock << 140);
        bytes32[] memory none;
        bytes32 hash = keccak256(abi.encode(_round.marketWords));
        IAttestedRounds.Round memory attested = IAttestedRounds.Round(MARKET, _clock, hash, none, _clock);
        ISignerCommittee.Signature[] memory signatures = new ISignerCommittee.Signature[](1);
        signatures[0] = ISignerCommittee.Signature(address(this), "");
        _rounds.publish(attested, signatures);
        for (uint256 i = 0; i < TRADERS; ++i) _held[i].worthE12 += _held[i].perps * (_perpE8 - before);
    }

    function _orderOf(uint256 i, Held memory added) private returns (IVenueOrders.Order memory order) {
        order.owner = _owners[i];
        order.number = ++_nonce;
        order.perpsE12 = added.perps * LOT;
        order.limitE8 = added.perps > 0 ? 2 ** 48 : 0;
        order.premiumE12 = 2 ** 100;
        order.expiresAt = _clock + 1 hours;
        order.options = _positionsOf(added);
    }

    function _fill(uint256 i, uint256 j, IVenueOrders.Order memory order, int256 premiumE12) private returns (bool) {
        IVenueOrders.Quote memory quote = IVenueOrders.Quote(_orders.orderIdOf(order), _owners[j], premiumE12, order.expiresAt, ++_nonce);
        bytes memory signature = _sign(_keyOf(j), _orders.quoteDigest(quote));
        (OptionPositionWord[] memory owned, OptionPositionWord[] memory made) = (_positionsOf(_held[i]), _positionsOf(_held[j]));
        return _ask(ANYBODY, address(_orders), abi.encodeCall(IVenueOrders.fill, (order, quote, signature, _round, owned, made)));
    }

    function _prove(address key, uint256 asOf, int256 initialE8, int256 maintenanceE8) private {
        (uint256 sequence, , ) = _registry.accountOf(key);
        _registry.setMargin(key, IPortfolioMargins.Margin(initialE8, maintenanceE8, 6, asOf, sequence));
    }

    /// @dev Of margins initial is short of twice as much as maintenance.
    function _show(uint256 i, uint256 shortE8) private {
        if (shortE8 != 0) return _prove(_keyAt(i), _round.asOf, -2 * int256(shortE8), -int256(shortE8));
        (address key, IOptionsVenue.Account memory account) = _venue.accountOf(_owners[i]);
        _registry.setWitness(key, IToldRegistry.Witness(_round.asOf, account.reports));
    }

    function _keyAt(uint256 i) private view returns (address key) {
        (key, ) = _venue.accountOf(_owners[i]);
    }

    function _candidateOf(uint256 i) private view returns (address candidate) {
        (candidate, ) = _venue.changeOf(_owners[i]);
    }

    /// @dev By expiry and strike, without what comes to nothing.
    function _positionsOf(Held memory held) private pure returns (OptionPositionWord[] memory words) {
        words = new OptionPositionWord[]((held.puts == 0 ? 0 : 1) + (held.calls == 0 ? 0 : 1));
        if (held.puts != 0) words[0] = _option(PUT_STRIKE, 0, held.puts);
        if (held.calls != 0) words[words.length - 1] = _option(CALL_STRIKE, held.calls, 0);
    }

    function _option(uint256 strike, int256 calls, int256 puts) private pure returns (OptionPositionWord) {
        uint256 quantities = (uint256(calls * LOT + 2 ** 60) << 80) | (uint256(puts * LOT + 2 ** 60) << 141);
        return OptionPositionWord.wrap(EXPIRY | ((strike * E8) << 32) | quantities);
    }

    function _sign(uint256 key, bytes32 digest) private pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function _keyOf(uint256 i) private pure returns (uint256) {
        return 1 + i;
    }

    function _enter(address holder) private {
        _token.mint(holder, 1e30);
        vm.prank(holder);
        _token.approve(address(_venue), type(uint256).max);
    }

    function _create(bytes memory code, bytes memory args) private returns (address made) {
        bytes memory all = bytes.concat(code, args);
        assembly ("memory-safe") {
            made := create(0, add(all, 0x20), mload(all))
            if iszero(made) {
                returndatacopy(0, 0, returndatasize())
                revert(0, returndatasize())
            }
        }
    }

    function _same(int256 found, int256 expected, string memory what) private pure {
        if (found == expected) return;
        revert(string.concat(what, ": ", vm.toString(found), ", not ", vm.toString(expected)));
    }
}
