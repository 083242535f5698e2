// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AnchorStateWord, LearningPolicyWord, ScoreWord} from "../src/generated/Words.sol";
import {ShadowScore} from "../src/registry/ShadowScore.sol";

/// @notice What one prediction that comes due adds to a shadow's score.
contract ScoreProperties {
    function add(ScoreWord score, AnchorStateWord before, AnchorStateWord next, LearningPolicyWord policy) external pure returns (ScoreWord) {
        return ShadowScore.add(score, before, next, policy);
    }

    /// @custom:twin registry/ShadowScore.sol ~> packScore(self.predictions() + 1, ~> packScore(self.predictions(),
    function check_predictionsAreCounted(ScoreWord score, AnchorStateWord before, AnchorStateWord next, LearningPolicyWord policy) external view {
        try this.add(score, before, next, policy) returns (ScoreWord sum) {
            assert(sum.predictions() == score.predictions() + 1);
        } catch {}
    }
}
