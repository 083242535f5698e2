// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketState} from "../generated/MarketState.sol";
import {AnchorStateFields, AnchorStateWord, VolatilityStateFields, VolatilityStateWord} from "../generated/Words.sol";
import {IPriceScale} from "./IPriceScale.sol";

/// @title PriceScale
/// @notice What a source's scale is, and what a change of it does to a market's state.
library PriceScale {
    int256 internal constant LEAST = -6;
    int256 internal constant GREATEST = 12;

    /// @dev A contract without the function fails within the dispatch, behind two proxies too. What fails for want of gas has used what
    /// it was given, but for the 64th part at each call, and that is more than twice this.
    uint256 private constant MOST_SILENT_GAS = 20_000;
    uint256 private constant LEAST_GIVEN_GAS = 45_000;
    int256 private constant LN_10_X64 = 42475197918399869019;
    uint256 private constant X64_TO_X26 = 38;
    uint256 private constant LN_PRICE_BITS = 32;

    /// @notice Scale of a source's prices of a market; 0 of one that has no such function.
    /// @custom:reverts PriceScaleUnknown, PriceScaleOutOfRange
    function ofSource(address source, bytes32 marketId) internal view returns (int256 scale) {
        bool isKnown;
        (isKnown, scale) = ask(source, marketId, gasleft());
        if (!isKnown) revert IPriceScale.PriceScaleUnknown(source, marketId);
        requireWithin(marketId, scale);
    }

    /// @notice The same, whatever it says, of a source that is given no more gas than that.
    /// @dev Whoever calls chooses whether it is known, by the gas, and never what it is. An empty failure alone is that of a contract
    /// without the function: errors of any length are one's that has it and cannot say, as when it is paused.
    /// @return isKnown false where it failed otherwise, or may have for want of gas
    /// @return scale   0 of a contract that has no such function
    function ask(address source, bytes32 marketId, uint256 gas_) internal view returns (bool isKnown, int256 scale) {
        bytes memory call_ = abi.encodeCall(IPriceScale.priceScale, (marketId));
        uint256 before = gasleft();
        bool mayBeSilent = gas_ >= LEAST_GIVEN_GAS && before - before / 64 >= LEAST_GIVEN_GAS;
        bool hasAnswered;
        uint256 size;
        assembly ("memory-safe") {
            hasAnswered := staticcall(gas_, source, add(call_, 0x20), mload(call_), 0x00, 0x20)
            size := returndatasize()
            scale := mload(0x00)
        }
        if (hasAnswered && size >= 32) return (true, scale);
        uint256 used = before - gasleft();
        return (hasAnswered || (size == 0 && mayBeSilent && used <= MOST_SILENT_GAS), 0);
    }

    /// @notice Passes only for a scale that there is.
    function requireWithin(bytes32 marketId, int256 scale) internal pure {
        if (scale < LEAST || scale > GREATEST) {
            revert IPriceScale.PriceScaleOutOfRange(marketId, scale, LEAST, GREATEST);
        }
    }

    /// @notice A market's state, its prices told at a scale that is so much greater: log prices move by as many ln 10, to the nearest
    /// unit, and nothing else does, since all else is of returns.
    function rescale(
        bytes32 marketId,
        MarketState memory state,
        int256 steps
    ) internal pure returns (MarketState memory) {
        if (steps == 0) return state;
        int256 moveX26 = (steps * LN_10_X64 + int256(1 << (X64_TO_X26 - 1))) >> X64_TO_X26;
        return
            MarketState(
                VolatilityStateWord.wrap(
                    _moved(
                        marketId,
                        VolatilityStateWord.unwrap(state.volatilityState),
                        VolatilityStateFields.LN_PRICE_X26_AT,
                        moveX26
                    )
                ),
                AnchorStateWord.wrap(
                    _moved(
                        marketId,
                        AnchorStateWord.unwrap(state.anchorState),
                        AnchorStateFields.ANCHOR_LN_PRICE_X26_AT,
                        moveX26
                    )
                )
            );
    }

    /// @dev The word with the log price that stands at a bit of it moved.
    function _moved(bytes32 marketId, uint256 word, uint256 at_, int256 moveX26) private pure returns (uint256) {
        uint256 mask = (1 << LN_PRICE_BITS) - 1;
        uint256 before = (word >> at_) & mask;
        int256 lnPriceX26 = int256(before) + moveX26; // 32 bits, and at most 18 ln 10 of 28
        if (lnPriceX26 < 0 || uint256(lnPriceX26) > mask) revert IPriceScale.PriceBeyondScale(marketId, lnPriceX26);
        return (word & ~(mask << at_)) | (uint256(lnPriceX26) << at_);
    }
}
