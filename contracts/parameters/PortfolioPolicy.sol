// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {PORTFOLIO_POLICY_WORDS} from "../generated/WordLists.sol";
import {IPortfolioPolicy} from "./IPortfolioPolicy.sol";
import {MAX_PRICE_GAP_BPS, PortfolioPolicyBounds} from "./PortfolioPolicyBounds.sol";
import {PortfolioPolicyCode} from "./PortfolioPolicyCode.sol";

/// @title PortfolioPolicy
/// @notice Holds the risk appetite of portfolio margins, its words as {PortfolioPolicyCode} has them. The base of RiskArrays.
abstract contract PortfolioPolicy is IPortfolioPolicy, AccessManaged {
    PortfolioPolicyBounds private immutable _bounds = new PortfolioPolicyBounds();

    /// @dev One slot, and the rest another with what follows in RiskArrays: every submission reads both.
    address internal _policyCode;
    uint32 private _maxRoundAgeSeconds;
    uint32 private _maxMarginAgeSeconds;
    uint32 private _maxRoundLagSeconds;
    uint32 internal _policyVersion;
    /// @inheritdoc IPortfolioPolicy
    uint32 public roundPriceGapBps = MAX_PRICE_GAP_BPS;

    constructor(
        address authority,
        uint256[PORTFOLIO_POLICY_WORDS] memory words,
        PortfolioFreshness memory freshness
    ) AccessManaged(authority) {
        _set(words);
        _setFreshness(freshness);
    }

    /// @inheritdoc IPortfolioPolicy
    function setPortfolioPolicy(uint256[PORTFOLIO_POLICY_WORDS] calldata words) external restricted {
        _set(words);
    }

    /// @inheritdoc IPortfolioPolicy
    function setPortfolioFreshness(PortfolioFreshness calldata freshness) external restricted {
        _setFreshness(freshness);
    }

    /// @inheritdoc IPortfolioPolicy
    function setRoundPriceGap(uint32 gapBps) external restricted {
        _bounds.checkPriceGap(gapBps);
        emit RoundPriceGapSet(roundPriceGapBps, gapBps);
        roundPriceGapBps = gapBps;
    }

    /// @inheritdoc IPortfolioPolicy
    function portfolioPolicy() external view returns (uint256 version, uint256[] memory words) {
        return (_policyVersion, PortfolioPolicyCode.read(_policyCode));
    }

    /// @inheritdoc IPortfolioPolicy
    function portfolioFreshness() public view returns (PortfolioFreshness memory) {
        return
            PortfolioFreshness({
                maxRoundAgeSeconds: _maxRoundAgeSeconds,
                maxMarginAgeSeconds: _maxMarginAgeSeconds,
                maxRoundLagSeconds: _maxRoundLagSeconds
            });
    }

    function _set(uint256[PORTFOLIO_POLICY_WORDS] memory words) internal {
        _bounds.check(words);
        address code = PortfolioPolicyCode.write(words);
        if (code == address(0)) revert PortfolioPolicyNotWritten();
        _policyCode = code;
        emit PortfolioPolicySet(++_policyVersion, words);
    }

    function _setFreshness(PortfolioFreshness memory freshness) private {
        _bounds.checkFreshness(freshness);
        PortfolioFreshness memory previous = portfolioFreshness();
        (_maxRoundAgeSeconds, _maxMarginAgeSeconds) = (freshness.maxRoundAgeSeconds, freshness.maxMarginAgeSeconds);
        _maxRoundLagSeconds = freshness.maxRoundLagSeconds;
        emit PortfolioFreshnessSet(previous, freshness);
    }
}
