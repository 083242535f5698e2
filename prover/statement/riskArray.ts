import { type Build, sizeOf } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import type { ScenarioPolicy } from '../options/grid.ts'
import { type ExpiryMarket, type PricingPolicy, type RiskArray, riskArray } from '../options/riskArray.ts'
import type { PricedArray } from '../portfolio/book.ts'
import { arrayRoot } from '../portfolio/state.ts'
import type { StatementContext } from './challenge.ts'
import { commitSigned } from './commitment.ts'
import { type CircuitSignals, publicInput, type SectionWords, type Stated, stateOf } from './state.ts'
import { pack, packElements } from './words.ts'

/** A risk array and what its proof says. */
export type StatedRiskArray = {
  readonly stated: Stated
  readonly array: RiskArray
  readonly arrayRoot: bigint
  readonly circuitInput: CircuitSignals
}

/** Words of the scenario grid, as every statement that reads it has them. */
export function scenarioWords({ regular, upOnly }: ScenarioPolicy): SectionWords {
  return {
    scenarioRegular: regular.map((shock) => pack('scenarioRegular', shock)),
    scenarioUpOnly: packElements('scenarioUpOnly', upOnly),
  }
}

/** Words of the policy that prices depend on, the grid among them. */
export function pricingWords({ scenarios, ...words }: PricingPolicy): SectionWords {
  return {
    ...scenarioWords(scenarios),
    basisShocks: [pack('basisShocks', scenarios)],
    volatilityShocks: [pack('volatilityShocks', words.volatilityShocks)],
    skewLinear: [pack('skewLinear', words.skewLinear)],
    skewAbsolute: [pack('skewAbsolute', words.skewAbsolute)],
    longDiscount: [pack('longDiscount', words.longDiscount)],
    shortDiscount: [pack('shortDiscount', words.shortDiscount)],
  }
}

/** Words of what a round says about one expiry. */
export function expiryWords(market: ExpiryMarket): SectionWords {
  return {
    expiryForward: [pack('expiryForward', market)],
    expirySurface: [pack('expirySurface', market)],
    expirySurfaceShape: [pack('expirySurfaceShape', market)],
  }
}

/**
 * Words of strikes; places after the last are zero.
 *
 * @param strikesE8 - shape [n]
 * @returns shape [⌈n / 5⌉]
 */
export const strikeWords = (strikesE8: readonly bigint[]): readonly bigint[] =>
  packElements(
    'strike',
    strikesE8.map((strikeE8) => ({ strikeE8 })),
  )

/** Commitment to an array, as its proof leaves it. */
export const rootOfArray = (array: PricedArray): Promise<bigint> => arrayRoot(array, commitSigned)

/**
 * Prices the strikes and states the proof of it.
 *
 * @param strikesE8 - as many as the build has places; callers with fewer repeat the last one
 * @throws {@link StrikeCountError}, and what {@link riskArray} throws
 */
export async function stateRiskArray(
  build: Build,
  context: StatementContext,
  market: ExpiryMarket,
  policy: PricingPolicy,
  strikesE8: readonly bigint[],
): Promise<StatedRiskArray> {
  if (strikesE8.length !== sizeOf(build, 'strikes')) throw new StrikeCountError(build, strikesE8.length)
  const array = riskArray(market, policy, strikesE8)
  const root = await rootOfArray(array)
  const stated = await stateOf(build, context, {
    ...pricingWords(policy),
    ...expiryWords(market),
    strikes: strikeWords(strikesE8),
    arrayRoot: [root],
  })
  return { stated, array, arrayRoot: root, circuitInput: publicInput(stated) }
}

/** An array was asked for with another number of strikes than its circuit has places. */
export class StrikeCountError extends ProverError {
  readonly code = 'statement.strike-count'
  readonly given: number

  constructor(build: Build, given: number) {
    super(
      `Expected ${sizeOf(build, 'strikes')} strikes for ${build.name}, got ${given}. Repeat the last one to fill its places.`,
    )
    this.given = given
  }
}
