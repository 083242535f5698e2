// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IPerpetualDesk
/// @notice A small venue that shows how a consumer uses proven parameters: one market, perpetual positions without
/// funding, a house account on the other side of every trade.
/// @dev Cash is 18-decimals of the quote token, sizes are 18-decimals of the base. An account's cash may be negative
/// while its position is worth more; equity = cash + size * mark. The house is an account like any other, but for its margin,
/// which is of all positions that others hold, long and short together: its backstop stays while anybody holds one. Whoever trades
/// sees the mark first, so a desk like this one is an example of parameters, and no place for money: {IOptionsVenue} is.
interface IPerpetualDesk {
    /// @notice Tokens came in.
    event Deposited(address indexed account, uint256 amount);
    /// @notice Tokens went out.
    event Withdrawn(address indexed account, uint256 amount);
    /// @notice An account traded with the house at the mark price.
    event Traded(address indexed account, int256 sizeChange, uint256 markE8);
    /// @notice A liquidator took over an account's position.
    event Liquidated(address indexed account, address indexed liquidator, int256 size, uint256 markE8, uint256 reward);

    /// @notice Amounts are in 18 decimals here.
    error UnsupportedDecimals(uint256 decimals);
    /// @notice The price is older than the desk trades on.
    error MarkStale(uint256 asOf, uint256 oldest);
    /// @notice Nothing to do.
    error NothingChanges();
    /// @notice The account would have less equity than it needs.
    error MarginTooLow(address account, int256 equity, uint256 required);
    /// @notice The account has the equity it needs.
    error AccountHealthy(address account, int256 equity, uint256 required);
    /// @notice The house does not trade with itself, and nobody takes over a position from themselves.
    error SameAccount(address account);

    /// @notice Brings in cash.
    function deposit(uint256 amount) external;

    /// @notice Takes out cash; what stays must cover the initial margin, the house's of what all others hold.
    /// @custom:reverts MarginTooLow, and what the registry's {parameters} reverts with unless the account is flat
    function withdraw(uint256 amount) external;

    /// @notice Buys (positive) or sells (negative) from the house at the mark price. Whoever ends with more risk than
    /// before, caller or house, must have the initial margin; whoever ends with less needs none.
    /// @custom:reverts MarginTooLow, MarkStale, SameAccount, and what the registry's {parameters} reverts with
    function trade(int256 sizeChange) external;

    /// @notice Takes over the position of an account below the maintenance margin, for the desk's reward. Works on stale
    /// parameters too, which come tightened. A shortfall is the house's.
    /// @custom:reverts AccountHealthy, MarginTooLow (the liquidator), MarkStale, SameAccount
    function liquidate(address account) external;

    /// @notice Cash and position of an account.
    function accountOf(address account) external view returns (int256 cash, int256 size);

    /// @notice cash + size * mark, rounded down.
    function equityOf(address account) external view returns (int256);
}
