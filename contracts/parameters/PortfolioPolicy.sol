// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {PORTFOLIO_POLICY_WORDS} from "../generated/WordLists.sol";
import {IPortfolioPolicy} from "./IPortfolioPolicy.sol";
import {MAX_PRICE_GAP_BPS, PortfolioPolicyBounds} from "./PortfolioPolicyBounds.sol";

/// @title PortfolioPolicy
/// @notice Holds the risk appetite of portfolio margins as the code of a contract that does nothing: a proof's words are
/// read for 3,000 gas where as many storage slots take 50,000. The base of RiskArrays.
abstract contract PortfolioPolicy is IPortfolioPolicy, AccessManaged {
    /// @dev Bytes of the code: a STOP and the words.
    uint16 private constant SIZE = uint16(1 + 32 * PORTFOLIO_POLICY_WORDS);

    PortfolioPolicyBounds private immutable _bounds = new PortfolioPolicyBounds();

    address private _book;
    uint32 private _version;
    /// @inheritdoc IPortfolioPolicy
    uint32 public roundPriceGapBps = MAX_PRICE_GAP_BPS;
    PortfolioFreshness private _freshness;

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
        return _policy();
    }

    /// @inheritdoc IPortfolioPolicy
    function portfolioFreshness() public view returns (PortfolioFreshness memory) {
        return _freshness;
    }

    /// @dev Version and words in force.
    function _policy() internal view returns (uint256 version, uint256[] memory words) {
        address book = _book;
        version = _version;
        words = new uint256[](PORTFOLIO_POLICY_WORDS);
        assembly ("memory-safe") {
            extcodecopy(book, add(words, 0x20), 1, shl(5, mload(words))) // the code starts with a STOP
        }
    }

    function _set(uint256[PORTFOLIO_POLICY_WORDS] memory words) internal {
        _bounds.check(words);
        // Code that returns what follows its first 14 bytes: a STOP, so that calling it does nothing, and the words.
        bytes memory creation = abi.encodePacked(hex"61", SIZE, hex"600e60003961", SIZE, hex"6000f300", words);
        address book;
        assembly ("memory-safe") {
            book := create(0, add(creation, 0x20), mload(creation))
        }
        if (book == address(0)) revert PortfolioPolicyNotWritten();
        _book = book;
        emit PortfolioPolicySet(++_version, words);
    }

    function _setFreshness(PortfolioFreshness memory freshness) private {
        _bounds.checkFreshness(freshness);
        PortfolioFreshness memory previous = _freshness;
        _freshness = freshness;
        emit PortfolioFreshnessSet(previous, freshness);
    }
}
