// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AnchorStateWord, ObservationElement, ObservationWord, packObservation, packScore, ScoreWord} from "../src/generated/Words.sol";

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

    /// @custom:twin generated/Words.sol ~> (AnchorStateWord.unwrap(word) >> 136) & 0xffffff ~> (AnchorStateWord.unwrap(word) >> 135) & 0xffffff
    function check_fieldsOfAnAnchorStateAreSideBySide(AnchorStateWord word, uint96 learned) external pure {
        uint256 margins = word.initialMarginX24() + word.maintenanceMarginX24() * 2 ** 24;
        uint256 moves = word.anchorMoveDownX24() + word.anchorMoveUpX24() * 2 ** 24;
        uint256 anchor = word.anchorLnPriceX26() + word.anchorAsOf() * 2 ** 32;
        uint256 low = anchor + moves * 2 ** 64 + margins * 2 ** 112;
        assert(low == AnchorStateWord.unwrap(word) % 2 ** 160);
        assert(AnchorStateWord.wrap(low + uint256(learned) * 2 ** 160).fits() == (learned < 2 ** 44));
    }

    /// @custom:twin generated/Words.sol ~> (112 * index) ~> (111 * index)
    function check_twoObservationsShareAWord(uint112 first, uint112 second) external pure {
        ObservationWord word = ObservationWord.wrap(first | (uint256(second) << 112));
        assert(ObservationElement.unwrap(word.element(0)) == first && ObservationElement.unwrap(word.element(1)) == second);
    }
}
