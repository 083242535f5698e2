// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {PORTFOLIO_POLICY_WORDS} from "../generated/WordLists.sol";

/// @title IPortfolioPolicy
/// @notice The risk appetite of portfolio margins: scenario grid, volatility and skew shocks, discounts, loss factors,
/// contingencies, haircuts; how old rounds and margins may be, and how far apart the prices of a round.
/// @dev The same words enter the statements, so the circuits obey them. Setters are restricted to the authority (an
/// AccessManager, which delays and cancels). What a circuit could not read or would read nonsense into is refused here.
interface IPortfolioPolicy {
    /// @notice How old data may be. Not part of any statement.
    /// @param maxRoundAgeSeconds  age at which a round's proofs no longer land
    /// @param maxMarginAgeSeconds age at which plain reads of margins revert; at least `maxRoundAgeSeconds`
    /// @param maxRoundLagSeconds  how much older than the newest round a round may be whose proofs land, so that nobody picks the
    /// best of several; at least the clocks' skew, at most `maxRoundAgeSeconds`
    struct PortfolioFreshness {
        uint32 maxRoundAgeSeconds;
        uint32 maxMarginAgeSeconds;
        uint32 maxRoundLagSeconds;
    }

    /// @notice The policy changed. Arrays proven under another version are of no use any more.
    event PortfolioPolicySet(uint256 indexed version, uint256[PORTFOLIO_POLICY_WORDS] words);
    /// @notice The policy of freshness changed.
    event PortfolioFreshnessSet(PortfolioFreshness previous, PortfolioFreshness current);
    /// @notice The bound on how far apart a round's prices may be changed.
    event RoundPriceGapSet(uint256 previousBps, uint256 currentBps);

    /// @notice A policy word has bits beyond its fields.
    error PortfolioWordOutOfRange(uint256 index, uint256 word, uint256 bits);
    /// @notice A policy value is below what another value, or sense, allows.
    error PortfolioPolicyBelow(string field, uint256 value, uint256 least);
    /// @notice A policy value is above what another value, or sense, allows.
    error PortfolioPolicyAbove(string field, uint256 value, uint256 greatest);
    /// @notice The policy could not be written.
    error PortfolioPolicyNotWritten();

    /// @notice Sets the policy. Restricted.
    /// @param words in the order of circuits/statements/portfolio.ts
    /// @custom:reverts PortfolioWordOutOfRange, PortfolioPolicyBelow, PortfolioPolicyAbove
    function setPortfolioPolicy(uint256[PORTFOLIO_POLICY_WORDS] calldata words) external;

    /// @notice Sets the policy of freshness. Restricted.
    /// @custom:reverts PortfolioPolicyBelow, PortfolioPolicyAbove
    function setPortfolioFreshness(PortfolioFreshness calldata freshness) external;

    /// @notice Sets how far spot, the perpetual and each forward of a round may be apart: the higher is at most the lower times
    /// 1 + gap. Restricted. 1,000 to 10,000: carry has brought forwards a tenth away, wrong decimals are a factor of ten.
    /// @custom:reverts PortfolioPolicyBelow, PortfolioPolicyAbove
    function setRoundPriceGap(uint32 gapBps) external;

    /// @notice Words in force, in the order of {setPortfolioPolicy}, and how many policies there have been.
    function portfolioPolicy() external view returns (uint256 version, uint256[] memory words);

    /// @notice Policy of freshness in force.
    function portfolioFreshness() external view returns (PortfolioFreshness memory);

    /// @notice How far a round's prices may be apart; 10,000 where nothing else was set: a factor of 2.
    function roundPriceGapBps() external view returns (uint32);
}
