// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IOpenInterest} from "./IOpenInterest.sol";
import {IRiskArrays} from "./IRiskArrays.sol";
import {OpenInterest} from "./OpenInterest.sol";
import {PortfolioMargins} from "./PortfolioMargins.sol";

/// @title CountedAccounts
/// @notice Which accounts have positions, which of them the count under way still needs, and what they held at its cut-off.
/// @dev An account's `count`: in the low 32 bits the round of the last count that was under way when the account was reported or that
/// counted it; above it a bit, whether it has positions by now, and another, whether nothing of it is to be counted in that count
/// any more; in 30 bits above, how often it was reported since that count's cut-off.
abstract contract CountedAccounts is PortfolioMargins {
    uint256 private constant EXPOSED = 1 << 32;
    uint256 private constant SETTLED = 1 << 33;
    uint256 private constant SINCE_SHIFT = 34;

    uint256 private constant VERSION_SHIFT = 32;
    uint256 private constant EXPOSED_SHIFT = 64;

    /// @dev See {IPortfolioRegistry-counts}.
    IOpenInterest internal immutable _counts;

    /// @dev Round of the count under way, 0 if there is none; in the next 32 bits the policy's version that it is counted under;
    /// above, how many accounts have positions by now. Reports and submissions read it, so it is one slot.
    uint256 private _count;
    /// @dev What accounts held at the cut-off of the count under way, if they were reported since and not counted before.
    mapping(address account => bytes32 bookHash) internal _cutOffs;

    constructor(IRiskArrays arrays_) PortfolioMargins(arrays_) {
        _counts = new OpenInterest(arrays_);
    }

    /// @notice Begins a count: what is reported from here on is not of it.
    /// @return exposed how many accounts the count is of; it is under way unless there are none
    function _beginCount(uint256 asOf, uint256 policyVersion) internal returns (uint256 exposed) {
        exposed = _count >> EXPOSED_SHIFT;
        if (exposed == 0) asOf = 0;
        _count = asOf | (policyVersion << VERSION_SHIFT) | (exposed << EXPOSED_SHIFT); // 32 bits each, as in rounds and arrays
    }

    /// @notice Adds accounts to the count under way, which may be over with that.
    /// @param words see {IOpenInterest-add}
    function _addToCount(uint256[] memory words) internal {
        if (_counts.add(words)) _count = (_count >> VERSION_SHIFT) << VERSION_SHIFT;
    }

    /// @notice Notes that an account is about to be reported, before what it held is forgotten.
    /// @param account    which
    /// @param isExposed  whether it will have positions
    /// @param isRescaled at another scale than before: what it held then means something else in a round of now, so the count
    /// under way cannot have it, nor be complete without it
    function _noteReport(address account, bool isExposed, bool isRescaled) internal {
        Account storage held = _accounts[account];
        uint256 state = held.count;
        uint256 count = _count;
        uint256 asOf = uint32(count);
        bool wasExposed = state & EXPOSED != 0;
        if (asOf != 0) {
            if (uint32(state) != asOf) {
                state = asOf | (wasExposed ? EXPOSED : SETTLED);
                if (isRescaled) state |= SETTLED;
                if (wasExposed) _cutOffs[account] = held.bookHash;
            }
            unchecked {
                state += 1 << SINCE_SHIFT; // of 64 bits
            }
        }
        if (wasExposed != isExposed) {
            state ^= EXPOSED;
            unchecked {
                // One each of the accounts that are exposed by now, which are fewer than reports.
                _count = isExposed ? count + (1 << EXPOSED_SHIFT) : count - (1 << EXPOSED_SHIFT);
            }
        }
        held.count = uint64(state); // more than 2^30 reports in one count lose the account's part of it, and nothing else
    }

    /// @dev Round of the count under way, 0 if there is none, and the policy's version that it is counted under.
    function _countUnderWay() internal view returns (uint256 asOf, uint256 policyVersion) {
        uint256 count = _count;
        return (uint32(count), uint32(count >> VERSION_SHIFT));
    }

    /// @dev Whether the count of a round still needs an account, at this report, of which there is one.
    function _isToCount(uint256 asOf, address account, uint256 sequence) internal view returns (bool) {
        return sequence == _reportToCount(asOf, account);
    }

    /// @dev Which report of an account the count of a round still needs; 0 if none.
    function _reportToCount(uint256 asOf, address account) internal view returns (uint256) {
        Account storage held = _accounts[account];
        uint256 state = held.count;
        if (uint32(state) != asOf) return state & EXPOSED != 0 ? held.sequence : 0;
        return state & SETTLED == 0 ? held.sequence - (state >> SINCE_SHIFT) : 0;
    }

    /// @dev Nothing of an account is to be counted in the count of a round any more.
    function _settle(uint256 asOf, address account) internal {
        Account storage held = _accounts[account];
        held.count = uint64((held.count & EXPOSED) | SETTLED | asOf); // of 34 bits
    }
}
