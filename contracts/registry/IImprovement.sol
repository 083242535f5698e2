// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;

import {ROUND_MARKET_WORDS} from "../generated/WordLists.sol";

/// @title IImprovement
/// @notice At most how much better off an account is for what it holds now rather than before, by what one scenario says.
/// @dev Cash counts as it is; perpetuals and collateral as the scenario moves them, with the charges that fewer of them set free;
/// options at the most that one of them can be worth to anybody, whichever way they changed. So dust is worth dust, and a debt
/// that grew counts against the account.
interface IImprovement {
    /// @notice Upper bound of how much a scenario's maintenance margin of `present` exceeds that of `before`, rounded up.
    /// @param scenario    0 to 33, the last one the basis contingency
    /// @param marketWords of the round
    /// @param policy      in force; a round's forwards are at most twice its spot
    /// @param before      words of what was held: holdings, amounts of collateral, option positions by expiry and strike
    /// @param present     of what is held now
    /// @return improvementE20 10^-20 of the quote currency; negative if it is worse off
    function atMost(
        uint256 scenario,
        uint256[ROUND_MARKET_WORDS] calldata marketWords,
        uint256[] calldata policy,
        uint256[] calldata before,
        uint256[] calldata present
    ) external pure returns (int256 improvementE20);
}
