/** What all accounts of a venue come to together: the last complete count, and the one under way, as the registry answers. */
import type { Fields } from '../../../circuits/statements/index.ts'
import { unitsOfScale } from '../../market/priceScale.ts'
import { unpack } from '../../statement/words.ts'
import type { ReportWords } from './calldata.ts'

/** Figures over all accounts with positions of one round. */
export type OpenInterest = {
  readonly asOf: bigint
  readonly accounts: bigint
  readonly defaultProbabilityX32: bigint
  readonly expectedShortfallE8: bigint
  /** Accounts below maintenance. */
  readonly unhealthy: bigint
  /** Of options and perpetuals. */
  readonly deltaE12: bigint
  readonly gammaE20: bigint
  readonly vegaE8: bigint
}

/** A count that is not complete yet. */
export type CountUnderWay = {
  readonly asOf: bigint
  readonly counted: bigint
  readonly accounts: bigint
  /** Block time. */
  readonly openedAt: bigint
  /** Under another one nothing is counted. */
  readonly policyVersion: bigint
}

/** What is proven of an account that a count adds up. */
export type CountedWords = {
  readonly holdings: bigint
  readonly margins: bigint
  readonly thresholds: bigint
  readonly spotGreeks: bigint
  readonly risk: bigint
}

/** A Greek beyond these, either way, stays there. */
const DELTA_LIMIT = (1n << 79n) - 1n
const GAMMA_LIMIT = (1n << 95n) - 1n
const VEGA_LIMIT = (1n << 79n) - 1n

export const nothingCounted = (asOf: bigint): OpenInterest => ({
  asOf,
  accounts: 0n,
  defaultProbabilityX32: 0n,
  expectedShortfallE8: 0n,
  unhealthy: 0n,
  deltaE12: 0n,
  gammaE20: 0n,
  vegaE8: 0n,
})

/**
 * One more account, as `contracts/registry/OpenInterest.sol` adds it.
 *
 * @throws {@link WordOutOfRangeError}
 */
export function addAccount(sums: OpenInterest, words: CountedWords): OpenInterest {
  const { deltaE12, gammaE20, vegaE8 } = unpack('spotGreeks', words.spotGreeks)
  const { perpsE12 } = unpack('holdings', words.holdings)
  const isUnhealthy = unpack('accountMargins', words.margins).maintenanceE8 < 0n
  return {
    asOf: sums.asOf,
    accounts: sums.accounts + 1n,
    defaultProbabilityX32:
      sums.defaultProbabilityX32 + unpack('accountThresholds', words.thresholds).defaultProbabilityX32,
    expectedShortfallE8: sums.expectedShortfallE8 + unpack('accountRisk', words.risk).expectedShortfallE8,
    unhealthy: sums.unhealthy + (isUnhealthy ? 1n : 0n),
    deltaE12: sumOf(sums.deltaE12, deltaE12 + perpsE12, DELTA_LIMIT),
    gammaE20: sumOf(sums.gammaE20, gammaE20, GAMMA_LIMIT),
    vegaE8: sumOf(sums.vegaE8, vegaE8, VEGA_LIMIT),
  }
}

function sumOf(sum: bigint, part: bigint, limit: bigint): bigint {
  if (sum === limit || sum === -limit) return sum
  const next = sum + part
  if (next >= limit) return limit
  return next <= -limit ? -limit : next
}

/** Net Greeks of accounts as traders quote them. */
export type NetGreeks = {
  readonly netDelta: number
  readonly netGamma: number
  /** Quote, exact in units of 10^-10. */
  readonly netVegaPerPointE10: bigint
}

/** Of one unit of the asset, where words have them of 10^k. */
export function netGreeksOf({ deltaE12, gammaE20, vegaE8 }: OpenInterest, priceScale: number): NetGreeks {
  const { count, parts } = unitsOfScale(priceScale)
  return {
    netDelta: Number(deltaE12 * count) / Number(10n ** 12n * parts),
    netGamma: Number(gammaE20 * count ** 2n) / Number(10n ** 20n * parts ** 2n),
    netVegaPerPointE10: vegaE8,
  }
}

/** Whether an account has positions: anything but cash, or cash that it owes. What a word says that no report could is one. */
export function hasPositions({ positions, holdings, collateralAmounts }: ReportWords): boolean {
  if (positions.length > 0 || collateralAmounts.some((word) => word !== 0n)) return true
  const { perpsE12, cashE12, perpPnlE12 }: Fields<'holdings'> = unpack('holdings', holdings)
  return perpsE12 !== 0n || cashE12 + perpPnlE12 < 0n
}

/** Figures as the contract answers. */
export function openInterestIn(figures: OpenInterest): OpenInterest {
  const { asOf, accounts, defaultProbabilityX32, expectedShortfallE8, unhealthy, deltaE12, gammaE20, vegaE8 } = figures
  return { asOf, accounts, defaultProbabilityX32, expectedShortfallE8, unhealthy, deltaE12, gammaE20, vegaE8 }
}
