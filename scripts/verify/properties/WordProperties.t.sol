// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AnchorStateWord, ObservationElement, packAnchorState, packObservation, packScore, ScoreWord} from "../src/generated/Words.sol";

/// @notice Fields of packed words are side by side: what is laid into a word is read from it, and nothing else is.
contract WordProperties {
    function score(uint256 predictions, uint256 down, uint256 up) external pure returns (ScoreWord) {
        return packScore(predictions, down, up);
    }

    /// @custom:twin generated/Words.sol ~> priceE8 | (asOf << 48) ~> priceE8 | (asOf << 47)
    function check_observationIsReadAsWritten(uint48 price, uint32 asOf, uint16 implied, uint8 range) external pure {
        ObservationElement word = packObservation(price, asOf, implied, range);
        assert(word.priceE8() == price && word.asOf() == asOf && word.impliedVolatilityX16() == implied);
        assert(ObservationElement.unwrap(word) >> 100 == range);
    }

    /// @custom:twin generated/Words.sol ~> if (predictions >= 2 ** ~> if (predictions > 2 **
    function check_scoreIsReadAsWrittenOrRefused(uint256 predictions, uint256 down, uint256 up) external view {
        try this.score(predictions, down, up) returns (ScoreWord word) {
            assert(word.predictions() == predictions && word.lossDownX44() == down && word.lossUpX44() == up);
        } catch {}
    }

    /// @custom:twin generated/Words.sol ~> (initialMarginX24 << ~> ((initialMarginX24 + 1) <<
    function check_anchorStateIsReadAsWritten(uint24 moveDown, uint24 moveUp, uint24 initial, uint24 maintenance) external pure {
        AnchorStateWord word = packAnchorState(1, 2, moveDown, moveUp, initial, maintenance, 3, 4);
        assert(word.anchorLnPriceX26() == 1 && word.fits());
        assert(word.anchorMoveDownX24() == moveDown && word.anchorMoveUpX24() == moveUp);
        assert(word.initialMarginX24() == initial && word.maintenanceMarginX24() == maintenance);
    }
}
