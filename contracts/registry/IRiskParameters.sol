// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IRiskParameters
/// @notice What consumers read: proven risk parameters of a market.
/// @dev Three reads for three needs. {parameters} fails closed: opening, borrowing and withdrawing stop when the engine
/// stops. {parametersForLiquidation} never bricks: what is stale is tightened, not refused, so that bad positions can
/// always be closed. {unsafeParameters} leaves the judgement of age to the caller.
interface IRiskParameters {
    /// @notice Proven parameters; X24 is value * 2^24.
    /// @param initialMarginX24        needed to open; fraction of notional, below 1
    /// @param maintenanceMarginX24    below it, liquidation; at most initialMarginX24
    /// @param liquidationThresholdX24 loan-to-value at which liquidation starts
    /// @param maxLoanToValueX24       loan-to-value up to which one may borrow
    /// @param scanRangeX24            spot shock of the scenario grid
    /// @param volatilityX24           annualised volatility used
    /// @param horizonMoveDownX24      predicted fall over one horizon, log return
    /// @param horizonMoveUpX24        predicted rise over one horizon, log return
    /// @param asOf                    time of the newest observation behind the parameters
    /// @param sequence                how many batches have moved this market
    struct Parameters {
        uint256 initialMarginX24;
        uint256 maintenanceMarginX24;
        uint256 liquidationThresholdX24;
        uint256 maxLoanToValueX24;
        uint256 scanRangeX24;
        uint256 volatilityX24;
        uint256 horizonMoveDownX24;
        uint256 horizonMoveUpX24;
        uint256 asOf;
        uint256 sequence;
    }

    /// @notice No proof has set this market's parameters yet, or there is no such market.
    error NotYetProven(bytes32 marketId);
    /// @notice Parameters of a shadow are for comparison: nobody reads them as a market's.
    error ShadowNotInForce(bytes32 shadowId);
    /// @notice The market, or its source, is paused until then.
    error MarketPaused(bytes32 marketId, uint256 until);
    /// @notice The parameters rest on data older than the policy allows.
    error ParametersStale(uint256 asOf, uint256 oldest);

    /// @notice Parameters in force, for whatever adds risk. Of a market that is paused there are none.
    /// @custom:reverts NotYetProven, MarketPaused, ParametersStale
    function parameters(bytes32 marketId) external view returns (Parameters memory);

    /// @notice Parameters for whatever takes risk away. Stale ones come back tightened: the maintenance margin rises by
    /// the policy's add-on per hour up to its cap, the initial margin and both loan-to-value limits follow. The add-on does not
    /// grow while the market, its source or a model of its family is paused, nor as long again as parameters may be old:
    /// governance makes nobody liquidatable by a pause.
    /// @return tightened the parameters
    /// @return stale     whether they rest on data older than the policy allows
    /// @custom:reverts NotYetProven
    function parametersForLiquidation(bytes32 marketId) external view returns (Parameters memory tightened, bool stale);

    /// @notice Last proven parameters, however old.
    /// @return proven     the parameters
    /// @return ageSeconds age of the data behind them
    /// @custom:reverts NotYetProven
    function unsafeParameters(bytes32 marketId) external view returns (Parameters memory proven, uint256 ageSeconds);

    /// @notice {parameters}.initialMarginX24 in WAD, rounded up.
    function initialMarginWad(bytes32 marketId) external view returns (uint256);

    /// @notice {parameters}.maintenanceMarginX24 in WAD, rounded up.
    function maintenanceMarginWad(bytes32 marketId) external view returns (uint256);

    /// @notice {parameters}.liquidationThresholdX24 in WAD, rounded down.
    function liquidationThresholdWad(bytes32 marketId) external view returns (uint256);

    /// @notice {parameters}.maxLoanToValueX24 in WAD, rounded down.
    function maxLoanToValueWad(bytes32 marketId) external view returns (uint256);

    /// @notice {parameters}.volatilityX24 in WAD, rounded up.
    function volatilityWad(bytes32 marketId) external view returns (uint256);

    /// @notice When the pause of a market ends, of its source, or of the source before while what is in force comes from it; zero if
    /// none is paused.
    function pausedUntil(bytes32 marketId) external view returns (uint256);

    /// @notice How many batches have moved this market.
    function sequence(bytes32 marketId) external view returns (uint256);
}
