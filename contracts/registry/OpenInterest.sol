// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ROUND_MARKET_WORDS} from "../generated/WordLists.sol";
import {
    AccountMarginsWord,
    AccountRiskWord,
    AccountThresholdsWord,
    HoldingsWord,
    SpotGreeksWord
} from "../generated/Words.sol";
import {IOpenInterest} from "./IOpenInterest.sol";
import {IPortfolioRegistry} from "./IPortfolioRegistry.sol";
import {IRiskArrays} from "./IRiskArrays.sol";

/// @title OpenInterest
/// @notice Adds up what was proven of accounts, of one round after the other. A contract of its own, for the registry has no room
/// for it.
contract OpenInterest is IOpenInterest {
    /// @dev A count takes many margins, so it has several times what one of them has.
    uint256 private constant COUNT_AGES = 4;
    /// @dev Words of an account in {add}.
    uint256 private constant ACCOUNT_WORDS = 5;

    /// @dev Beyond these a Greek is not told; what reached one stays there.
    int256 private constant DELTA_LIMIT = type(int80).max;
    int256 private constant GAMMA_LIMIT = type(int96).max;
    int256 private constant VEGA_LIMIT = type(int80).max;

    /// @dev The count that was opened last, in a slot.
    /// @param asOf          its round; 0 before the first
    /// @param openedAt      block time
    /// @param policyVersion that it is counted under
    /// @param accounts      how many it counts
    /// @param completeAsOf  round of the last complete count; the same as `asOf` if none is under way
    /// @param place         where its sums stand, until it is complete
    struct Count {
        uint32 asOf;
        uint32 openedAt;
        uint32 policyVersion;
        uint32 accounts;
        uint32 completeAsOf;
        uint8 place;
    }

    /// @dev What a count has come to, in two slots. Sums of 2^32 accounts fit but for Greeks, which stop at their limits.
    struct Sums {
        uint72 defaultProbabilityX32;
        uint120 expectedShortfallE8;
        uint32 unhealthy;
        uint32 counted;
        int80 deltaE12;
        int96 gammaE20;
        int80 vegaE8;
    }

    /// @notice Says which accounts are counted.
    IPortfolioRegistry public immutable registry = IPortfolioRegistry(msg.sender);
    /// @notice Holds the policy of freshness.
    IRiskArrays public immutable arrays;

    Count private _count;
    /// @dev Of the count under way, and of the last complete one.
    Sums[2] private _sums;

    /// @param arrays_ arrays of the registry that deploys this
    constructor(IRiskArrays arrays_) {
        arrays = arrays_;
    }

    /// @inheritdoc IOpenInterest
    function openCount(
        uint256 asOf,
        bytes32 expiriesHash,
        uint256[ROUND_MARKET_WORDS] calldata marketWords
    ) external {
        Count memory count = _count;
        if (asOf <= count.asOf) revert CountNotLater(asOf, count.asOf);
        (, uint256 policyVersion, , , ) = arrays.requireRound(asOf, marketWords, expiriesHash, false);
        bool isOver = count.asOf == count.completeAsOf || count.policyVersion != policyVersion;
        if (!isOver && block.timestamp <= count.asOf + maxCountAgeSeconds()) {
            revert CountUnderWay(count.asOf, _sums[count.place].counted, count.accounts);
        }
        uint256 accounts = registry.beginCount(asOf, policyVersion);
        count.asOf = uint32(asOf); // as long as in the round's words
        count.openedAt = uint32(block.timestamp);
        count.policyVersion = uint32(policyVersion); // one more a policy
        count.accounts = uint32(accounts); // the registry counts them in as many bits
        delete _sums[count.place];
        emit CountOpened(asOf, accounts, policyVersion);
        if (accounts == 0) _complete(count);
        _count = count;
    }

    /// @inheritdoc IOpenInterest
    function add(uint256[] calldata words) external returns (bool isComplete) {
        if (msg.sender != address(registry)) revert NotTheRegistry(msg.sender);
        Count memory count = _count;
        Sums memory sums = _sums[count.place];
        for (uint256 i = 0; i < words.length; i += ACCOUNT_WORDS) {
            _addAccount(sums, words[i:i + ACCOUNT_WORDS]);
        }
        _sums[count.place] = sums;
        isComplete = sums.counted == count.accounts;
        if (isComplete) {
            _complete(count);
            _count = count;
        }
    }

    /// @inheritdoc IOpenInterest
    function openInterest() external view returns (Figures memory figures) {
        figures = _latest();
        uint256 oldest = block.timestamp - maxCountAgeSeconds();
        if (figures.asOf < oldest) revert OpenInterestStale(figures.asOf, oldest);
    }

    /// @inheritdoc IOpenInterest
    function unsafeOpenInterest() external view returns (Figures memory figures, uint256 ageSeconds) {
        figures = _latest();
        // A round may be ahead of the chain by the clocks' skew.
        ageSeconds = block.timestamp > figures.asOf ? block.timestamp - figures.asOf : 0;
    }

    /// @inheritdoc IOpenInterest
    function openInterestUnderWay()
        external
        view
        returns (uint256 asOf, uint256 counted, uint256 accounts, uint256 openedAt, uint256 policyVersion)
    {
        Count memory count = _count;
        if (count.asOf == count.completeAsOf) return (0, 0, 0, 0, 0);
        counted = _sums[count.place].counted;
        return (count.asOf, counted, count.accounts, count.openedAt, count.policyVersion);
    }

    /// @inheritdoc IOpenInterest
    function maxCountAgeSeconds() public view returns (uint256) {
        return COUNT_AGES * arrays.portfolioFreshness().maxMarginAgeSeconds;
    }

    function _addAccount(Sums memory sums, uint256[] calldata words) private pure {
        SpotGreeksWord spotGreeks = SpotGreeksWord.wrap(words[3]);
        // Widths of what is added, of 2^32 accounts: 33 + 32 bits, 82 + 32.
        sums.defaultProbabilityX32 += uint72(AccountThresholdsWord.wrap(words[2]).defaultProbabilityX32());
        sums.expectedShortfallE8 += uint120(AccountRiskWord.wrap(words[4]).expectedShortfallE8());
        if (AccountMarginsWord.wrap(words[1]).maintenanceE8() < 0) ++sums.unhealthy;
        ++sums.counted;
        int256 deltaE12 = spotGreeks.deltaE12() + HoldingsWord.wrap(words[0]).perpsE12();
        sums.deltaE12 = int80(_sum(sums.deltaE12, deltaE12, DELTA_LIMIT));
        sums.gammaE20 = int96(_sum(sums.gammaE20, spotGreeks.gammaE20(), GAMMA_LIMIT));
        sums.vegaE8 = int80(_sum(sums.vegaE8, spotGreeks.vegaE8(), VEGA_LIMIT));
    }

    /// @dev The next count goes to the other place, so that these figures stay until it is complete.
    function _complete(Count memory count) private {
        count.completeAsOf = count.asOf;
        count.place = 1 - count.place;
        emit OpenInterestComplete(count.asOf, _figures(count));
    }

    function _latest() private view returns (Figures memory) {
        Count memory count = _count;
        if (count.completeAsOf == 0) revert OpenInterestNotComplete();
        return _figures(count);
    }

    /// @dev Figures of the last complete count.
    function _figures(Count memory count) private view returns (Figures memory) {
        Sums memory sums = _sums[1 - count.place];
        return
            Figures({
                asOf: count.completeAsOf,
                accounts: sums.counted,
                defaultProbabilityX32: sums.defaultProbabilityX32,
                expectedShortfallE8: sums.expectedShortfallE8,
                unhealthy: sums.unhealthy,
                deltaE12: sums.deltaE12,
                gammaE20: sums.gammaE20,
                vegaE8: sums.vegaE8
            });
    }

    /// @dev A sum that stays at its limit once it got there.
    function _sum(int256 sum, int256 part, int256 limit) private pure returns (int256) {
        if (sum == limit || sum == -limit) return sum;
        int256 next = sum + part;
        if (next >= limit) return limit;
        return next <= -limit ? -limit : next;
    }
}
