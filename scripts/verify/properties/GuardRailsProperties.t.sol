// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {MarketUpdate} from "../src/generated/MarketUpdate.sol";
import {AnchorStateWord, MarginPolicyWord, MarketPolicyWord, ParametersWord, VolatilityStateWord} from "../src/generated/Words.sol";
import {GuardRails} from "../src/registry/GuardRails.sol";

/// @notice What a batch's results meet before they are in force.
contract Gate {
    function check(MarketUpdate calldata update, uint256 asOf, MarketPolicyWord market, MarginPolicyWord margin) external pure {
        GuardRails.check(update, asOf, market, margin);
    }
}

/// @notice What holds of every update that passes the guard-rails, from every state and under every policy.
contract GuardRailsProperties {
    struct Case {
        VolatilityStateWord beforeVolatility;
        AnchorStateWord beforeAnchor;
        VolatilityStateWord volatility;
        AnchorStateWord anchor;
        ParametersWord parameters;
        uint256 asOf;
        MarketPolicyWord market;
        MarginPolicyWord margin;
    }

    Gate private gate = new Gate();

    function passes(Case memory c) private view returns (bool) {
        MarketUpdate memory update = MarketUpdate(0, c.beforeVolatility, c.beforeAnchor, 0, 0, address(0), 0, 0, c.volatility, c.anchor, c.parameters);
        try gate.check(update, c.asOf, c.market, c.margin) {
            return true;
        } catch {
            return false;
        }
    }

    /// @custom:twin registry/GuardRails.sol ~> if (maintenance == 0) revert IRiskRegistry.MarginsOutOfOrder(marketId, maintenance, initial); ~>
    function check_marginsAreInOrderAndStated(Case memory c) external view {
        if (!passes(c)) return;
        uint256 maintenance = c.anchor.maintenanceMarginX24();
        uint256 initial = c.anchor.initialMarginX24();
        assert(maintenance > 0 && maintenance <= initial && initial < 2 ** 24);
        assert(c.parameters.maintenanceMarginX24() == maintenance && c.parameters.initialMarginX24() == initial);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (stated != newestAsOf) revert IRiskRegistry.AsOfMismatch(marketId, stated, newestAsOf); ~>
    function check_oneTimeIsTold(Case memory c) external view {
        if (!passes(c)) return;
        assert(c.volatility.asOf() == c.asOf && c.parameters.asOf() == c.asOf);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (!anchorState.fits()) { ~> if (false) {
    function check_noBitBeyondTheFields(Case memory c) external view {
        if (!passes(c)) return;
        assert(VolatilityStateWord.unwrap(c.volatility) < 2 ** 248);
        assert(AnchorStateWord.unwrap(c.anchor) < 2 ** 204);
        assert(c.parameters.fits());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (initial + loosen < previous) { ~> if (initial + 2 * loosen < previous) {
    function check_initialMarginLoosensNoFaster(Case memory c) external view {
        if (!passes(c)) return;
        uint256 loosen = allowance(c, c.margin.loosenPerSecondX32());
        assert(c.anchor.initialMarginX24() + loosen >= c.beforeAnchor.initialMarginX24());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (maintenance + loosen < previous) { ~> if (maintenance + loosen + 1 < previous) {
    function check_maintenanceMarginLoosensNoFaster(Case memory c) external view {
        if (!passes(c)) return;
        uint256 loosen = allowance(c, c.margin.loosenPerSecondX32());
        assert(c.anchor.maintenanceMarginX24() + loosen >= c.beforeAnchor.maintenanceMarginX24());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (maintenance > previous + tighten) { ~> if (maintenance > previous + tighten + 1) {
    function check_maintenanceMarginTightensNoFaster(Case memory c) external view {
        if (!passes(c)) return;
        uint256 tighten = allowance(c, c.margin.tightenPerSecondX32());
        assert(c.anchor.maintenanceMarginX24() <= c.beforeAnchor.maintenanceMarginX24() + tighten);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (maintenance > previous) revert IRiskRegistry.MaintenanceMarginOutOfBounds ~> if (maintenance > previous + 1) revert IRiskRegistry.MaintenanceMarginOutOfBounds
    function check_maintenanceMarginLeavesItsBoundsNoFurther(Case memory c) external view {
        if (!passes(c)) return;
        uint256 maintenance = c.anchor.maintenanceMarginX24();
        uint256 previous = c.beforeAnchor.maintenanceMarginX24();
        assert(maintenance >= c.market.maintenanceMarginFloorX16() * 256 || maintenance >= previous);
        assert(maintenance <= c.market.maintenanceMarginCeilingX16() * 256 || maintenance <= previous);
    }

    /// @custom:twin registry/GuardRails.sol ~> if (stated > greatest) revert IRiskRegistry.VolatilityOutOfBounds(marketId, stated, least, greatest); ~>
    function check_volatilityIsBetweenItsLimits(Case memory c) external view {
        if (!passes(c)) return;
        uint256 volatility = c.parameters.volatilityX24();
        assert(volatility >= c.market.volatilityFloorX16() * 256 && volatility <= c.market.volatilityCeilingX16() * 256);
    }

    /// @custom:twin registry/GuardRails.sol ~> move = parameters.horizonMoveUpX24(); ~> move = parameters.horizonMoveDownX24();
    function check_scanRangeCoversTheMoves(Case memory c) external view {
        if (!passes(c)) return;
        uint256 range = c.parameters.scanRangeX24();
        uint256 ceiling = c.market.scanRangeCeilingX16() * 256;
        assert(range <= ceiling);
        if (range == ceiling) return;
        assert(range >= c.market.scanRangeFloorX16() * 256);
        assert(range >= c.parameters.horizonMoveDownX24() && range >= c.parameters.horizonMoveUpX24());
    }

    /// @custom:twin registry/GuardRails.sol ~> if (withoutBonus > initial) expected = withoutBonus - initial; ~> if (withoutBonus > initial) expected = withoutBonus - maintenance;
    function check_loanToValueIsWhatMarginsLeave(Case memory c) external view {
        if (!passes(c)) return;
        uint256 taken = c.market.liquidationBonusX16() * 256;
        assert(c.parameters.liquidationThresholdX24() == left(taken + c.anchor.maintenanceMarginX24()));
        assert(c.parameters.maxLoanToValueX24() == left(taken + c.anchor.initialMarginX24()));
    }

    function left(uint256 taken) private pure returns (uint256) {
        return taken < 2 ** 24 ? 2 ** 24 - taken : 0;
    }

    /// @dev Times of 32 bits that went back wrap, as they do in the contract, to more than any margin.
    function allowance(Case memory c, uint256 perSecondX32) private pure returns (uint256) {
        unchecked {
            uint256 allowed = ((c.asOf - c.beforeVolatility.asOf()) * perSecondX32) >> 8;
            return allowed < 2 ** 24 ? allowed : 2 ** 24 - 1;
        }
    }
}
