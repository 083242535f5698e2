// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarginPolicyWord, MarketPolicyWord} from "../src/generated/Words.sol";
import {IRiskPolicy} from "../src/parameters/IRiskPolicy.sol";
import {PolicyBounds} from "../src/parameters/PolicyBounds.sol";

/// @notice What holds of every policy that is set.
contract PolicyProperties {
    function freshness(IRiskPolicy.FreshnessPolicy memory policy) external pure {
        PolicyBounds.checkFreshness(policy);
    }

    function jointly(MarginPolicyWord marginWord, MarketPolicyWord marketWord) external pure {
        PolicyBounds.checkJointly(marginWord, marketWord);
    }

    function ofMarket(MarketPolicyWord word) external pure {
        PolicyBounds.checkMarket(word);
    }

    function ofMargin(MarginPolicyWord word) external pure {
        PolicyBounds.checkMargin(word);
    }

    /// @custom:twin parameters/PolicyBounds.sol ~> _least("maxParameterAgeSeconds", policy.maxParameterAgeSeconds, policy.maxObservationAgeSeconds); ~>
    function check_parametersLiveAsLongAsObservations(IRiskPolicy.FreshnessPolicy memory policy) external view {
        try this.freshness(policy) {
            assert(policy.maxObservationAgeSeconds >= 1);
            assert(policy.maxParameterAgeSeconds >= policy.maxObservationAgeSeconds);
            assert(policy.maxParameterAgeSeconds <= 1 days);
        } catch {}
    }

    /// @custom:twin parameters/PolicyBounds.sol ~> _least("stalenessAddOnPerHourX24", policy.stalenessAddOnPerHourX24, MIN_ADD_ON_PER_HOUR_X24); ~>
    function check_silenceMakesMarginsStricter(IRiskPolicy.FreshnessPolicy memory policy) external view {
        try this.freshness(policy) {
            assert(policy.stalenessAddOnPerHourX24 >= 83_886 && policy.stalenessAddOnPerHourX24 <= 2 ** 21);
            assert(policy.maintenanceMarginCapX24 <= 3 * 2 ** 22);
        } catch {}
    }

    /// @custom:twin parameters/PolicyBounds.sol ~> _greatest("initialMarginX24", takenX24, ONE_X24 - 1); ~> _greatest("initialMarginX24", takenX24, ONE_X24);
    function check_marginsLeaveSomethingToLend(MarginPolicyWord word, MarketPolicyWord marketWord) external view {
        try this.jointly(word, marketWord) {
            uint256 ceilingX34 = marketWord.maintenanceMarginCeilingX16() * 256 * (1024 + word.initialMarginBufferX10());
            assert((ceilingX34 + 1023) / 1024 + marketWord.liquidationBonusX16() * 256 < 2 ** 24);
        } catch {}
    }

    /// @custom:twin parameters/PolicyBounds.sol ~> FieldBounds.checkMarketPolicy(word); ~>
    function check_floorsAreBelowCeilings(MarketPolicyWord word) external view {
        try this.ofMarket(word) {
            assert(word.fits() && word.maxReturnX16() > 0);
            assert(word.volatilityFloorX16() > 0 && word.volatilityFloorX16() <= word.volatilityCeilingX16());
            assert(word.maintenanceMarginFloorX16() > 0);
            assert(word.maintenanceMarginFloorX16() <= word.maintenanceMarginCeilingX16());
            assert(word.scanRangeFloorX16() <= word.scanRangeCeilingX16());
        } catch {}
    }

    /// @custom:twin parameters/PolicyBounds.sol ~> FieldBounds.checkMarginPolicy(word); ~>
    function check_marginsMayAlwaysTighten(MarginPolicyWord word) external view {
        try this.ofMargin(word) {
            assert(word.fits() && word.tightenPerSecondX32() >= 1 && word.scanMultipleX8() >= 256);
            assert(word.impliedWeightX10() <= 1024 && word.stressWeightX10() <= 1024);
        } catch {}
    }
}
