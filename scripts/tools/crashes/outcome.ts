/** What is supposed of a run, and what it comes to. */
import type { CrashName } from './recorded.ts'

/** What is supposed besides prices; docs/crashes.md says why. */
export type Suppositions = {
  readonly accounts: number
  readonly seed: bigint
  /** Share of the price by which selling all longs at once moves the pool. */
  readonly impact: number
  /** What forced sales did to the pool's price halves in this time. */
  readonly recoverySeconds: number
  /** Share of the pool's distance from the recorded price that markets elsewhere have too. */
  readonly contagion: number
  /** Share of the notional of perpetuals that the insurance fund begins with. */
  readonly insurance: number
  /** Share of that notional that a window of ten minutes takes while liquidators pay. */
  readonly budget: number
}

export const suppositions: Suppositions = {
  accounts: 60,
  seed: 1n,
  impact: 0.1,
  recoverySeconds: 600,
  contagion: 0.5,
  insurance: 0.002,
  budget: 0.1,
}

/** What a run came to; money in cash, shares of the notional of perpetuals at the start where it says so. */
export type Outcome = {
  readonly crash: CrashName
  readonly variant: string
  readonly minutes: number
  readonly openInterest: number
  readonly forcedSales: number
  readonly forcedNotional: number
  readonly badDebt: number
  readonly insuranceUsed: number
  /** Tokens of the venue beyond what it owes: accounts' cash, insurance and clearing less bad debt. */
  readonly unaccounted: number
  /** What accounts that nobody has taken yet owe in the end. */
  readonly owed: number
  /** Furthest that the pool, and what was observed, was below the recorded price. */
  readonly poolOvershoot: number
  readonly observedOvershoot: number
  /** What trades of the hedge lost against the observed price; how many, and how many calls were refused, by error. */
  readonly hedgerCost: number
  readonly hedges: number
  readonly hedgesRefused: Readonly<Record<string, number>>
  /** Distance of the hedge from its target after each minute, as a share of the longs' assets: mean and most. */
  readonly unhedged: number
  readonly greatestUnhedged: number
  /** Of the makers' vaults. */
  readonly counts: number
  readonly liquidatorsGain: number
  /** What makers lost to who knew the next price. */
  readonly informedGain: number
  /** What who trades about the agent's trades has gained; negative: lost. */
  readonly hostileGain: number
  readonly greatestMaintenance: number
  /** Minutes whose price was held at the source or that its sources disagreed on. */
  readonly unobserved: number
  readonly proofs: number
  /** Of the engine, that landed. */
  readonly batches: number
}
