// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ROUND_MARKET_WORDS} from "../generated/WordLists.sol";

/// @title IOpenInterest
/// @notice What all accounts of a venue come to together, of one round: readable once every account with positions was proven,
/// none of them twice.
/// @dev One *count* is under way at a time, about one published round. What it counts is what accounts held by their last reports
/// before it was opened, its cut-off; what is reported since touches the next one. Whoever proves margins of its round by
/// {IPortfolioRegistry-submitPortfolio} counts their accounts, whether or not the margins are put in force: a later round's margins
/// of one account do not stop a count. An account has positions if it holds anything but cash, or owes any. The registry says
/// which accounts are counted, this contract adds them up.
interface IOpenInterest {
    /// @notice Figures over all accounts with positions.
    /// @param asOf                  time of the round
    /// @param accounts              how many
    /// @param defaultProbabilityX32 sum of their probabilities of default over the horizon, value * 2^32
    /// @param expectedShortfallE8   sum of what they are expected to leave unpaid
    /// @param unhealthy             how many are below maintenance
    /// @param deltaE12              of their options, per unit of forward, and their perpetuals, one each; collateral aside
    /// @param gammaE20              of their options
    /// @param vegaE8                of their options
    /// @dev Counts and money are exact. A Greek that goes beyond its limit, 2^79 - 1, for gamma 2^95 - 1, either way, stays there.
    struct Figures {
        uint256 asOf;
        uint256 accounts;
        uint256 defaultProbabilityX32;
        uint256 expectedShortfallE8;
        uint256 unhealthy;
        int256 deltaE12;
        int256 gammaE20;
        int256 vegaE8;
    }

    /// @notice A count of this round was opened.
    /// @param accounts      how many are to be counted
    /// @param policyVersion that they are counted under
    event CountOpened(uint256 indexed asOf, uint256 accounts, uint256 policyVersion);
    /// @notice The last account was counted.
    event OpenInterestComplete(uint256 indexed asOf, Figures figures);

    /// @notice A count is under way, and may still be completed in time.
    error CountUnderWay(uint256 asOf, uint256 counted, uint256 accounts);
    /// @notice Counts are of later rounds each.
    error CountNotLater(uint256 asOf, uint256 lastAsOf);
    /// @notice No count was completed yet.
    error OpenInterestNotComplete();
    /// @notice The last complete count is of a round older than {maxCountAgeSeconds}.
    error OpenInterestStale(uint256 asOf, uint256 oldest);
    /// @notice The registry alone adds accounts.
    error NotTheRegistry(address sender);

    /// @notice Opens a count: of a fresh round, later than the last one's, and of what accounts with positions hold by their last
    /// reports before this call. Anyone may, unless another is under way: under the policy in force, of a round not older
    /// than {maxCountAgeSeconds}. Where no account has positions it is complete at once.
    /// @param expiriesHash hash of the hashes of the round's expiries
    /// @param marketWords  what the round says of the market
    /// @custom:reverts CountNotLater, CountUnderWay, and as {IRiskArrays-requireRound} does
    function openCount(uint256 asOf, bytes32 expiriesHash, uint256[ROUND_MARKET_WORDS] calldata marketWords) external;

    /// @notice Adds accounts to the count under way. Registry only.
    /// @param words of every account in turn: its holdings, then what was proven of it, as {IPortfolioRegistry-AccountMargin} has it
    /// @return isComplete whether these were the last ones
    /// @custom:reverts NotTheRegistry
    function add(uint256[] calldata words) external returns (bool isComplete);

    /// @notice Figures of the last complete count.
    /// @custom:reverts OpenInterestNotComplete, OpenInterestStale
    function openInterest() external view returns (Figures memory);

    /// @notice Figures of the last complete count, however old.
    /// @return figures    of it
    /// @return ageSeconds age of the round behind them
    /// @custom:reverts OpenInterestNotComplete
    function unsafeOpenInterest() external view returns (Figures memory figures, uint256 ageSeconds);

    /// @notice The count under way; all zero if there is none.
    /// @return asOf          time of its round
    /// @return counted       accounts counted so far
    /// @return accounts      accounts to be counted in all
    /// @return openedAt      when it was opened
    /// @return policyVersion that it is counted under; under another one nothing is
    function openInterestUnderWay()
        external
        view
        returns (uint256 asOf, uint256 counted, uint256 accounts, uint256 openedAt, uint256 policyVersion);

    /// @notice How old the round of a count may be: older figures revert, and who is not done by then may be overtaken. Four times
    /// the policy's `maxMarginAgeSeconds`.
    function maxCountAgeSeconds() external view returns (uint256);
}
