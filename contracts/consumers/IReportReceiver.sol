// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

/// @title IReportReceiver
/// @notice What Chainlink's forwarder delivers a workflow's report to. As `IReceiver` of the Chainlink Runtime Environment has it; it asks
/// for ERC-165 beside it.
interface IReportReceiver {
    /// @notice Takes a report that the forwarder has verified.
    /// @param metadata which workflow and whose; not looked at
    /// @param report   what the workflow says
    function onReport(bytes calldata metadata, bytes calldata report) external;
}
