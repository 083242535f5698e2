// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AnchorStateWord, LearningPolicyWord, packScore, ScoreWord} from "../generated/Words.sol";

/// @title ShadowScore
/// @notice The quantile loss of proven predictions, and its running sum.
/// @dev For a predicted move m and a log return r the loss of falls is a * m + max(-r - m, 0), with a the share of breaches
/// that the learning aims at, stepDown / (stepUp + stepDown). It is kept times stepUp + stepDown, so that nothing is divided.
library ShadowScore {
    /// @dev Moves are X24, log prices X26.
    uint256 private constant X24_TO_X26 = 2;

    /// @notice A score after a batch that took the anchor from `before` to `next`; the same if no prediction was tried.
    function add(
        ScoreWord self,
        AnchorStateWord before,
        AnchorStateWord next,
        LearningPolicyWord policy
    ) internal pure returns (ScoreWord) {
        unchecked {
            // Per prediction: 26 + 18 bits of move, 33 + 19 of excess; sums have 100, and {packScore} checks that they fit.
            uint256 stepDown = policy.stepDownX18();
            uint256 steps = policy.stepUpX18() + stepDown;
            uint256 start = before.anchorLnPriceX26();
            uint256 end = next.anchorLnPriceX26();
            uint256 moveX26 = before.anchorMoveDownX24() << X24_TO_X26;
            uint256 down = moveX26 * stepDown;
            if (start > end + moveX26) down += (start - end - moveX26) * steps;
            moveX26 = before.anchorMoveUpX24() << X24_TO_X26;
            uint256 up = moveX26 * stepDown;
            if (end > start + moveX26) up += (end - start - moveX26) * steps;
            return packScore(self.predictions() + 1, self.lossDownX44() + down, self.lossUpX44() + up);
        }
    }

    /// @notice Losses of falls and rises together.
    function lossX44(ScoreWord self) internal pure returns (uint256) {
        return self.lossDownX44() + self.lossUpX44();
    }
}
