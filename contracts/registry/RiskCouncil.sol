// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {AccessManager} from "@openzeppelin/contracts/access/manager/AccessManager.sol";

/// @title RiskCouncil
/// @notice Authority behind every restricted function: OpenZeppelin's AccessManager, unchanged. Roles, delays, who may cancel
/// and what a guardian may do at once are set at deployment.
contract RiskCouncil is AccessManager {
    /// @param admin may grant roles; hands over to a timelock in production
    constructor(address admin) AccessManager(admin) {}
}
