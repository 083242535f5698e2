// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IPlausibleInbox} from "./IPlausibleInbox.sol";
import {IPriceScale} from "./IPriceScale.sol";

/// @title IMedianFeed
/// @notice One observation from several sources: their median, if enough of them agree. Anyone may have it taken.
/// @dev No owner: sources and bounds are fixed for ever. Whoever calls chooses the moment, not the value. As few as
/// {leastSources} may be fresh, so it stands liars that are fewer than half of these, whoever else fails. More of them, but
/// fewer than {leastSources}, still need one other within {maxDeviationBps} of the price; time and volatility are theirs.
interface IMedianFeed is IPlausibleInbox, IPriceScale {
    /// @notice Fewer sources tell prices of the market at one scale than have to agree on one.
    error NoCommonPriceScale(bytes32 marketId, uint256 least);

    /// @notice At least one source, at most fifteen, each once.
    error SourcesOutOfRange(uint256 sources, uint256 greatest);
    /// @notice A source is listed twice, or not in increasing order.
    error SourcesNotIncreasing(address source, address previous);
    /// @notice More than half of the sources must agree, and no more than there are.
    error LeastSourcesOutOfRange(uint256 leastSources, uint256 least, uint256 greatest);
    /// @notice Each source has an age of its own.
    error AgesMismatch(uint256 sources, uint256 ages);
    /// @notice The greatest deviation is a fraction of the price, above 0 and below 1; each greatest age a second to 30 days, that
    /// of an implied volatility none where it has no source of its own; the least spacing a second to each source's age.
    error BoundOutOfRange(uint256 bound, uint256 least, uint256 greatest);
    /// @notice Too few sources have a fresh price.
    error TooFewFresh(bytes32 marketId, uint256 fresh, uint256 least);
    /// @notice Too few sources are near the median.
    error TooFewAgree(bytes32 marketId, uint256 agreeing, uint256 least);
    /// @notice The sources say nothing so much newer than the last observation: nobody has signed a median, so who asks for one
    /// too soon is told so. A single liar among the others' prices moves the median from one of these to the other and back; what
    /// that makes of volatility grows with how often it may.
    error ObservationTooSoon(uint256 asOf, uint256 earliest);

    /// @notice Appends, or holds or refuses as every source's door does, the median of the sources' latest prices of a market, at
    /// the median of their times. Its implied volatility is that of {impliedSource}, while that is fresh; without such a source the
    /// median of theirs, none being the lowest, if as many as must agree attest one; else none. No range is attested, since sources
    /// tell theirs of other stretches of time.
    /// @custom:reverts TooFewFresh, TooFewAgree, ObservationTooSoon
    function take(bytes32 marketId) external;

    /// @notice The sources.
    function sources() external view returns (address[] memory);

    /// @notice How many of them must be fresh and near the median.
    function leastSources() external view returns (uint256);

    /// @notice How old each source's price may be, in the order of {sources}.
    function maxAgesSeconds() external view returns (uint256[] memory);

    /// @notice Where implied volatilities come from, alone, such as an attested feed where prices come from oracles that know none;
    /// zero if from the sources. Its price is not looked at, unless it is a source as well.
    function impliedSource() external view returns (address);

    /// @notice How old an implied volatility from there may be.
    function impliedMaxAgeSeconds() external view returns (uint256);

    /// @notice How far from the median a price may be, in 1/10,000 of it.
    function maxDeviationBps() external view returns (uint256);
}
