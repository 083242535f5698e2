// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketState} from "../generated/MarketState.sol";
import {ObservationElement} from "../generated/Words.sol";
import {IObservationSource} from "../market/IObservationSource.sol";
import {Inbox} from "../market/Inbox.sol";
import {PriceScale} from "../market/PriceScale.sol";
import {IShadows} from "./IShadows.sol";
import {ShadowId} from "./ShadowId.sol";

/// @title InboxPlaces
/// @notice Where in a source's inbox a market begins or goes on; a contract of its own, since the registry has no room for it.
contract InboxPlaces {
    using ShadowId for bytes32;

    /// @dev A scheduled call says what was true when it was scheduled: council's delay, and a week in which it may be made.
    uint256 private constant MAX_START_AGE_SECONDS = 30 days;

    /// @dev What a source said when a registry's market began or went on there, from 1: it is left without being asked, since it
    /// may be broken by then.
    mapping(address registry => mapping(address source => mapping(bytes32 marketId => uint256))) private _scales;

    /// @notice Head of a source's inbox after the observation that a first state stands at: equal heads come from equal
    /// observations.
    /// @custom:reverts PlaceUnknown, InitialStateElsewhere, InitialStateTooOld, PriceScaleUnknown, PriceScaleOutOfRange
    function headOfFirst(
        bytes32 id,
        address source,
        uint256 asOf,
        IShadows.Place calldata place
    ) external returns (bytes32 head) {
        uint256 atPlace = place.observation.asOf();
        if (asOf != atPlace) revert IShadows.InitialStateElsewhere(id, asOf, atPlace);
        uint256 oldest = block.timestamp - MAX_START_AGE_SECONDS;
        if (asOf < oldest) revert IShadows.InitialStateTooOld(id, asOf, oldest);
        head = Inbox.extend(place.previousHead, place.observation);
        _requireHeld(id, source, place.count, head);
        _noteScale(source, id.marketOf());
    }

    /// @notice Where a market goes on in a new source, and the state that it goes on from: as it stands, its log prices at the new
    /// source's scale.
    /// @param standing what the state hash binds
    /// @return head  as {headOfFirst}, of the last observation that is not later than the state, or of an inbox's start if there is
    /// none; what follows it leads to a head that is held
    /// @return state to go on from
    /// @custom:reverts PlaceUnknown, PlaceNotNext, PriceScaleUnknown, PriceScaleOutOfRange, PriceBeyondScale
    function goOn(
        bytes32 id,
        address source,
        IShadows.Standing calldata standing,
        IShadows.Place calldata place,
        ObservationElement[] calldata next
    ) external returns (bytes32 head, MarketState memory state) {
        head = _headOfNext(id, source, standing.state.volatilityState.asOf(), place, next);
        bytes32 marketId = id.marketOf();
        int256 before = _scaleOf(standing.source, marketId);
        state = PriceScale.rescale(id, standing.state, _noteScale(source, marketId) - before);
    }

    function _noteScale(address source, bytes32 marketId) private returns (int256 scale) {
        scale = PriceScale.ofSource(source, marketId);
        _scales[msg.sender][source][marketId] = uint256(scale - PriceScale.LEAST + 1);
    }

    /// @dev Of a registry's own sources, what was noted.
    function _scaleOf(address source, bytes32 marketId) private view returns (int256) {
        uint256 noted = _scales[msg.sender][source][marketId];
        return noted == 0 ? PriceScale.ofSource(source, marketId) : int256(noted) + PriceScale.LEAST - 1;
    }

    function _headOfNext(
        bytes32 id,
        address source,
        uint256 asOf,
        IShadows.Place calldata place,
        ObservationElement[] calldata next
    ) private view returns (bytes32 head) {
        uint256 atPlace = place.count == 0 ? 0 : place.observation.asOf();
        uint256 afterPlace = next.length == 0 ? 0 : next[0].asOf();
        if (next.length == 0) {
            (, uint256 latestCount, , ) = IObservationSource(source).latest(id.marketOf());
            if (place.count == latestCount) afterPlace = type(uint256).max;
        }
        if (atPlace > asOf || afterPlace <= asOf) revert IShadows.PlaceNotNext(id, asOf, atPlace, afterPlace);
        head = place.count == 0
            ? Inbox.startHead(source, id.marketOf())
            : Inbox.extend(place.previousHead, place.observation);
        bytes32 reached = head;
        for (uint256 i = 0; i < next.length; ++i) reached = Inbox.extend(reached, next[i]);
        _requireHeld(id, source, place.count + next.length, reached);
    }

    /// @dev A ring's slot stands for every count that is as far from it as the ring is long or a multiple: only one is true.
    function _requireHeld(bytes32 id, address source, uint256 count, bytes32 head) private view {
        (, uint256 latestCount, , ) = IObservationSource(source).latest(id.marketOf());
        if (!Inbox.isHeldAt(count, latestCount)) revert IShadows.PlaceUnknown(id, count, head, 0);
        bytes32[] memory ids = new bytes32[](1);
        uint256[] memory counts = new uint256[](1);
        (ids[0], counts[0]) = (id.marketOf(), count);
        bytes32 checkpoint = IObservationSource(source).checkpoints(ids, counts)[0];
        if (head != checkpoint) revert IShadows.PlaceUnknown(id, count, head, checkpoint);
    }
}
