/** Limits that contracts enforce and provers tell of beforehand. */
import { type Generated, notice } from './text.ts'

/**
 * @param positions - that an account may have
 * @param markets - that it may be margined over together
 */
export const solidityLimits = (positions: number, markets: number): Generated => ({
  'contracts/generated/Limits.sol': `// SPDX-License-Identifier: GPL-3.0-or-later
// ${notice}
pragma solidity ^0.8.28;

/// @dev Option positions that an account may have.
uint256 constant ACCOUNT_POSITIONS = ${positions};
/// @dev Markets that an account may be margined over together.
uint256 constant ACCOUNT_MARKETS = ${markets};
`,
})
