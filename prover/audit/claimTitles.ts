/** Claims that audits judge, in a word each; what they say in full is in docs/statement.md and docs/claims/. */
const claimTitles = {
  A1: 'verifier',
  A2: 'calldata and events',
  A3: 'pins',
  A4: 'count of batches',
  A7: 'code',
  A8: 'what constructors chose',
  A9: 'constructor',
  A10: 'who attests',
  A11: 'who governs',
  A12: 'what consumers read',
  B1: 'array',
  C1: 'prediction',
  C2: 'multipliers',
  J1: 'calldata and events',
  L2: 'book',
  L4: 'Greeks',
  L8: 'worst scenario',
  L9: 'margins',
  L10: 'thresholds',
  L11: 'default',
  L12: 'witness',
  O1: 'observations',
  O2: 'unused slots',
  P1: 'volatility used',
  P2: 'horizon moves',
  P3: 'scan range',
  P4: 'maintenance margin',
  P5: 'initial margin',
  P6: 'speed of margins',
  P7: 'loan-to-value',
  Q1: 'words',
  Q2: 'commitment',
  Q3: 'proof',
  R1: 'model',
  R2: 'order of markets',
  R3: 'state',
  R4: 'sequence',
  R5: 'freshness',
  R7: 'inbox',
  R24: 'round',
  R25: 'policy',
  R26: 'fresh round, policy in force',
  R27: 'report',
  R28: 'whole report',
  R29: 'once, in order',
  R30: 'witness counts once',
  R31: 'margin in force',
  R34: 'bound model',
  R35: 'shadow',
  R36: 'score',
  R37: 'promotion',
  R50: 'evidence that lasts',
  R51: 'newest round or nearly',
  R53: 'prices of a round together',
  R54: 'array of an active model',
  T1: 'key and manifest',
  T2: 'key made in the open',
  V1: 'volatility',
  V2: 'GARCH variance',
  V3: 'range variance',
} as const

export type ClaimId = keyof typeof claimTitles

/**
 * An id with its word.
 *
 * @example
 * claimName('P4') // → 'P4 maintenance margin'
 */
export const claimName = (claim: string): string =>
  claim in claimTitles ? `${claim} ${claimTitles[claim as ClaimId]}` : claim
