// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IPortfolioMargins
/// @notice What consumers read: proven margins of accounts.
/// @dev Three reads of margins for three needs. {marginOf} fails closed: trading and withdrawing stop when margins are old or about
/// other positions. {marginForLiquidation} never bricks: it answers with the last evidence and its age. {unsafeMargin}
/// leaves every judgement to the caller.
interface IPortfolioMargins {
    /// @notice Proven margins of an account. A round is identified by its time.
    /// @param initialE8     what it holds above the initial requirement; may open if not negative
    /// @param maintenanceE8 what it holds above maintenance; liquidation if negative
    /// @param worstScenario index of the scenario that binds; 33: the basis contingency
    /// @param asOf          time of the round behind the margins
    /// @param sequence      which report of the account's positions they are about
    struct Margin {
        int256 initialE8;
        int256 maintenanceE8;
        uint256 worstScenario;
        uint256 asOf;
        uint256 sequence;
    }

    /// @notice Where spot takes an account, proven with its margins, by {IPortfolioRegistry-submitPortfolio} alone.
    /// @param liquidationDownE8     spot at which a fall breaches maintenance; 0: none on the grid
    /// @param liquidationUpE8       spot at which a rise does; 2^48 - 1: none on the grid
    /// @param defaultDownE8         spot at which a fall leaves no equity; 0: none on the grid
    /// @param defaultUpE8           spot at which a rise does; 2^48 - 1: none on the grid
    /// @param defaultProbabilityX32 probability of default over the horizon, value * 2^32
    /// @param asOf                  time of the round behind them and the margins
    /// @param sequence              which report of the account's positions they are about
    /// @param priceScale            k: levels of spot are prices of 10^k units of the asset
    struct Thresholds {
        uint256 liquidationDownE8;
        uint256 liquidationUpE8;
        uint256 defaultDownE8;
        uint256 defaultUpE8;
        uint256 defaultProbabilityX32;
        uint256 asOf;
        uint256 sequence;
        int256 priceScale;
    }

    /// @notice No proof has been about this account yet.
    error MarginNotYetProven(address account);
    /// @notice The margins rest on a round older than the policy allows.
    error MarginStale(uint256 asOf, uint256 oldest);
    /// @notice The margins are about positions that the account no longer has.
    error MarginOfOtherPositions(address account, uint256 sequence, uint256 current);
    /// @notice The account's last margins, of this round and report, were proven alone: thresholds of earlier ones are gone.
    error ThresholdsNotProven(address account, uint256 asOf, uint256 sequence);

    /// @notice Margins in force, for whatever adds risk.
    /// @custom:reverts MarginNotYetProven, MarginStale, MarginOfOtherPositions
    function marginOf(address account) external view returns (Margin memory);

    /// @notice Margins for whatever takes risk away.
    /// @dev A report clears nothing by itself, or dust would: it takes a proof of what the account then holds. But an account
    /// that is reported with cash alone, and owes none, has nothing that could be liquidated, and is cleared by that.
    /// @return proven       last proven margins, however old; all zero if only {IPortfolioRegistry-proveUnhealthy} spoke
    /// @return liquidatable whether the account was proven to be below maintenance, by its margins or by a witness, and has not
    /// been proven healthy since: by margins of a later round, or of a later report in the same one
    /// @return ageSeconds   age of the newest evidence
    /// @custom:reverts MarginNotYetProven if there is no evidence at all
    function marginForLiquidation(
        address account
    ) external view returns (Margin memory proven, bool liquidatable, uint256 ageSeconds);

    /// @notice Last proven margins, however old and whatever the account holds by now.
    /// @return proven     the margins
    /// @return ageSeconds age of the round behind them
    /// @custom:reverts MarginNotYetProven
    function unsafeMargin(address account) external view returns (Margin memory proven, uint256 ageSeconds);

    /// @notice Thresholds that were proven with the margins in force.
    /// @custom:reverts as {marginOf} does, and ThresholdsNotProven
    function thresholdsOf(address account) external view returns (Thresholds memory);

    /// @notice Thresholds that were proven with the last margins, however old and whatever the account holds by now.
    /// @return proven     the thresholds
    /// @return ageSeconds age of the round behind them
    /// @custom:reverts MarginNotYetProven, ThresholdsNotProven
    function unsafeThresholds(address account) external view returns (Thresholds memory proven, uint256 ageSeconds);

    /// @notice How often the venue has reported the account's positions, the hash of its last report, and its scale k.
    /// @return sequence   of the last report
    /// @return bookHash   keccak256(abi.encode(keccak256(abi.encodePacked(positions)), holdings, first amounts, second amounts))
    /// @return priceScale k: strikes are prices of 10^k units of the asset, and quantities of it count as many
    function accountOf(
        address account
    ) external view returns (uint256 sequence, bytes32 bookHash, int256 priceScale);
}
