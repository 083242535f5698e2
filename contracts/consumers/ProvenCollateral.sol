// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {IRiskParameters} from "../registry/IRiskParameters.sol";

/// @title ProvenCollateral
/// @notice What an asset is worth as collateral, as the registry holds it, in Aave's units: loan-to-value, threshold and bonus of one
/// proof, together or not at all.
/// @dev The bonus is what a proof left between margin and limit, 1 - maintenance - threshold: read beside the policy instead it could be
/// of another day than the threshold that was proven for it. Loan-to-value and threshold are rounded down, against the borrower. The
/// bonus is rounded down too, for the borrower and by less than 1/10,000: rounded up, 5 % would be 5.01 %, and the threshold was proven
/// to leave room for the unrounded one.
library ProvenCollateral {
    /// @notice In 1/10,000. The bonus has the whole before it, as Aave counts: 10,500 is 5 %.
    struct Collateral {
        uint256 loanToValueBps;
        uint256 thresholdBps;
        uint256 bonusBps;
    }

    /// @notice Margin and limit of a market are more than the whole together.
    error SharesAboveOne(bytes32 marketId, uint256 marginX24, uint256 limitX24, uint256 oneX24);
    /// @notice Threshold and loan-to-value of a market were not proven for the same bonus.
    error BonusesDiffer(bytes32 marketId, uint256 ofThresholdX24, uint256 ofLoanToValueX24);
    /// @notice What is held of the market lets nobody borrow against it.
    error NoThreshold(bytes32 marketId, uint256 maintenanceMarginX24);
    /// @notice Aave's rule: a liquidator gets more than the debt.
    error BonusTooLow(uint256 bonusBps, uint256 leastBps);
    /// @notice Aave's rule: nobody borrows beyond the threshold.
    error LoanToValueAboveThreshold(uint256 loanToValueBps, uint256 thresholdBps);
    /// @notice Aave's rule: at the threshold there is enough for debt and bonus.
    error ThresholdWithBonusAboveOne(uint256 thresholdBps, uint256 bonusBps, uint256 mostThresholdBps);

    uint256 internal constant ONE_BPS = 10_000;
    uint256 private constant ONE_X24 = 2 ** 24;
    uint256 private constant FRACTION_BITS = 24;

    /// @notice What the registry holds of a market: fresh, not paused, and by Aave's joint rules.
    /// @custom:reverts SharesAboveOne, BonusesDiffer, NoThreshold, BonusTooLow, LoanToValueAboveThreshold, ThresholdWithBonusAboveOne,
    /// and what the registry's {parameters} reverts with
    function held(
        IRiskParameters registry,
        bytes32 marketId
    ) internal view returns (Collateral memory values, IRiskParameters.Parameters memory proven) {
        proven = registry.parameters(marketId);
        uint256 bonusX24 = _left(marketId, proven.maintenanceMarginX24, proven.liquidationThresholdX24);
        uint256 otherX24 = _left(marketId, proven.initialMarginX24, proven.maxLoanToValueX24);
        // A limit that would be negative is held as zero, and says of its bonus only that it is at least what is left.
        bool isSame = proven.maxLoanToValueX24 == 0 ? otherX24 <= bonusX24 : otherX24 == bonusX24;
        if (!isSame) revert BonusesDiffer(marketId, bonusX24, otherX24);

        values.loanToValueBps = (proven.maxLoanToValueX24 * ONE_BPS) >> FRACTION_BITS;
        values.thresholdBps = (proven.liquidationThresholdX24 * ONE_BPS) >> FRACTION_BITS;
        values.bonusBps = ONE_BPS + ((bonusX24 * ONE_BPS) >> FRACTION_BITS);
        if (values.thresholdBps == 0) revert NoThreshold(marketId, proven.maintenanceMarginX24);
        requireJoint(values);
    }

    /// @notice Refuses what breaks one of Aave's joint rules, before Aave does so without a name.
    function requireJoint(Collateral memory values) internal pure {
        if (values.bonusBps <= ONE_BPS) revert BonusTooLow(values.bonusBps, ONE_BPS + 1);
        if (values.loanToValueBps > values.thresholdBps)
            revert LoanToValueAboveThreshold(values.loanToValueBps, values.thresholdBps);
        // Aave rounds the product to the nearest; here it may not be above at all.
        if (values.thresholdBps * values.bonusBps > ONE_BPS * ONE_BPS)
            revert ThresholdWithBonusAboveOne(
                values.thresholdBps,
                values.bonusBps,
                (ONE_BPS * ONE_BPS) / values.bonusBps
            );
    }

    /// @notice Whether two say the same.
    function isSame(Collateral memory one, Collateral memory other) internal pure returns (bool) {
        return
            one.loanToValueBps == other.loanToValueBps &&
            one.thresholdBps == other.thresholdBps &&
            one.bonusBps == other.bonusBps;
    }

    function _left(bytes32 marketId, uint256 marginX24, uint256 limitX24) private pure returns (uint256) {
        if (marginX24 > ONE_X24 || limitX24 > ONE_X24 - marginX24)
            revert SharesAboveOne(marketId, marginX24, limitX24, ONE_X24);
        return ONE_X24 - marginX24 - limitX24;
    }
}
