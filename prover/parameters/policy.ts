import { z } from 'zod'
import type { Fields } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { divUp, sqrtUp } from '../math/index.ts'
import { garchPolicyWords } from '../volatility/garch.ts'
import { YEAR_SECONDS } from '../volatility/variance.ts'

/** A number that people set. */
type Entry = { readonly schema: z.ZodNumber; readonly start: number }

/** One that is a field of a word by itself, in the field's own scale. */
type FieldEntry<N extends string = string> = Entry & { readonly name: N; readonly isPerHour: boolean }

/**
 * @param start - where a deployment starts; docs/backtest.md measures it
 * @param meaning - where the name does not say it
 */
function entry<const N extends string>(name: N, schema: z.ZodNumber, start: number, meaning?: string): FieldEntry<N> {
  return {
    name,
    schema: meaning === undefined ? schema : schema.describe(meaning),
    start,
    isPerHour: /PerHour$/.test(name),
  }
}

const fraction = z.number().min(0).max(1)
const positive = z.number().positive()

/**
 * What several fields of the learning policy follow from.
 *
 * Over N horizons the breach rate misses α by exactly (q_end − q_start) / (learningRate · N) as long as the multiplier q
 * stays off its bounds. So the learning rate keeps a year (N = 8,760) within 0.1 percentage points of α even if q moves
 * by 4 in it, and the bounds are only a fence around what is learned, not part of the estimate. The half-life is the
 * longest after which breaches no longer come in clusters.
 */
const learningEntries = {
  fastHalfLifeHours: {
    schema: positive.min(1).describe('weight of a return halves in this time; the slow half-life is 16 times it'),
    start: 4,
  },
  horizonSeconds: {
    schema: z
      .number()
      .int()
      .min(60)
      .max(2 ** 24 - 1)
      .describe('time a position needs to be closed'),
    start: 3600,
  },
  breachProbability: {
    schema: z.number().min(0.0001).max(0.2).describe('α: share of horizons whose move may exceed the prediction'),
    start: 0.005,
  },
  learningRate: {
    schema: z.number().min(0.001).max(0.9).describe('γ: how fast a breach raises the confidence multiplier'),
    start: 0.5,
  },
} as const satisfies Readonly<Record<string, Entry>>

/** Bounds of what is learned. */
const multiplierFields = {
  multiplierFloorX18: entry('multiplierFloor', positive.max(15), 1),
  multiplierCeilingX18: entry('multiplierCeiling', positive.max(15), 10),
} as const

const marginFields = {
  impliedWeightX10: entry('impliedWeight', fraction, 1, 'weight of an attested implied volatility'),
  stressWeightX10: entry('stressWeight', fraction, 0.25, 'share of stressed variance in the margin'),
  scanMultipleX8: entry('scanMultiple', z.number().min(1).max(15), 3),
  loosenPerSecondX32: entry(
    'loosenPerHour',
    positive.max(0.8),
    0.0025,
    'fastest fall of a margin, fraction of notional',
  ),
  tightenPerSecondX32: entry(
    'tightenPerHour',
    positive.max(0.8),
    0.02,
    'fastest rise of the maintenance margin, fraction of notional',
  ),
  initialMarginBufferX10: entry(
    'initialMarginBuffer',
    z.number().min(0).max(0.99),
    0.5,
    'initial over maintenance margin, less 1',
  ),
} as const satisfies Readonly<Record<keyof Fields<'marginPolicy'>, FieldEntry>>

/** What one volatility model alone reads of a market's policy, from words of its own. */
type ModelField = 'longRunVolatilityX16' | 'reversionRateX36' | 'forecastWeightX26'

/**
 * Starting policy of BTC and ETH against the dollar.
 *
 * Returns are winsorised where one hour alone would lift the volatility to about 380 %: beyond it margins would follow
 * one price and not the market, and coverage does not improve.
 */
const marketFields = {
  maxReturnX16: entry('maxReturn', positive.max(0.99), 0.1, 'log returns beyond it are winsorised'),
  volatilityFloorX16: entry('volatilityFloor', positive.max(15), 0.2),
  volatilityCeilingX16: entry('volatilityCeiling', positive.max(15), 8),
  stressVolatilityX16: entry('stressVolatility', positive.max(15), 1.2),
  liquidationCostX16: entry('liquidationCost', fraction.max(0.9), 0.005),
  maintenanceMarginFloorX16: entry('maintenanceMarginFloor', positive.max(0.9), 0.01),
  maintenanceMarginCeilingX16: entry('maintenanceMarginCeiling', positive.max(0.99), 0.5),
  liquidationBonusX16: entry('liquidationBonus', fraction.max(0.9), 0.05),
  scanRangeFloorX16: entry('scanRangeFloor', positive.max(3.9), 0.05),
  scanRangeCeilingX16: entry('scanRangeCeiling', positive.max(3.9), 1.5),
} as const satisfies Readonly<Record<Exclude<keyof Fields<'marketPolicy'>, ModelField>, FieldEntry>>

type NamesOf<T extends Readonly<Record<string, FieldEntry>>> = T[keyof T]['name']
type Named<N extends string> = { readonly [E in N]: number }

/** Risk appetite of the whole engine in human units: plain fractions, hours, annualised volatilities. */
export type EnginePolicy = Named<
  keyof typeof learningEntries | NamesOf<typeof multiplierFields> | NamesOf<typeof marginFields>
>
/** Risk appetite of one market in human units. */
export type MarketRiskPolicy = Named<NamesOf<typeof marketFields>> & {
  readonly garch?: z.infer<typeof garchSchema> | undefined
}

const garchSchema = z.strictObject({
  longRunVolatility: positive.max(15),
  reversionHalfLifeHours: positive.min(1),
  horizonSeconds: z.number().int().positive().describe('the engine’s, over which volatility is forecast'),
})

const schemasOf = (fields: Readonly<Record<string, FieldEntry>>): Readonly<Record<string, z.ZodNumber>> =>
  Object.fromEntries(Object.values(fields).map(({ name, schema }) => [name, schema]))

const enginePolicySchema = z
  .strictObject({
    ...Object.fromEntries(Object.entries(learningEntries).map(([name, { schema }]) => [name, schema])),
    ...schemasOf(multiplierFields),
    ...schemasOf(marginFields),
  })
  .refine(...inOrder('multiplierFloor', 'multiplierCeiling')) as unknown as z.ZodType<EnginePolicy>

const marketPolicySchema = z
  .strictObject({
    ...schemasOf(marketFields),
    garch: garchSchema
      .optional()
      .describe('only for markets bound to GARCH; a market of another model has no proof with it'),
  })
  .refine(...inOrder('volatilityFloor', 'volatilityCeiling'))
  .refine(...inOrder('maintenanceMarginFloor', 'maintenanceMarginCeiling'))
  .refine(...inOrder('scanRangeFloor', 'scanRangeCeiling')) as unknown as z.ZodType<MarketRiskPolicy>

/** A refinement: one entry is not above another. */
function inOrder(floor: string, ceiling: string): [(policy: object) => boolean, { message: string }] {
  const isInOrder = (policy: object): boolean => {
    const { [floor]: least = 0, [ceiling]: most = 0 } = policy as Readonly<Record<string, number>>
    return least <= most
  }
  return [isInOrder, { message: `${floor} exceeds ${ceiling}` }]
}

const startOf = <T extends Readonly<Record<string, FieldEntry>>>(fields: T): Named<NamesOf<T>> =>
  Object.fromEntries(Object.values(fields).map(({ name, start }) => [name, start])) as Named<NamesOf<T>>

const learningStart = Object.fromEntries(Object.entries(learningEntries).map(([name, { start }]) => [name, start]))

/** Starting policy of the engine; docs/backtest.md measures it. */
export const defaultEnginePolicy: EnginePolicy = {
  ...(learningStart as Named<keyof typeof learningEntries>),
  ...startOf(multiplierFields),
  ...startOf(marginFields),
}

/** Starting policy of BTC and ETH against the dollar. */
export const defaultMarketPolicy: MarketRiskPolicy = startOf(marketFields)

const scale = (value: number, bits: number): bigint => BigInt(Math.round(value * 2 ** bits))

/** Fields in the scale that their names say, of entries a second or an hour. */
function encodeFields<F extends string>(
  fields: Readonly<Record<F, FieldEntry>>,
  policy: object,
): Readonly<Record<F, bigint>> {
  const values = policy as Readonly<Record<string, number>>
  const encoded = Object.entries<FieldEntry>(fields).map(([field, { name, isPerHour }]) => {
    const value = values[name] ?? Number.NaN
    return [field, scale(isPerHour ? value / 3600 : value, Number(/X(\d+)$/.exec(field)?.[1]))]
  })
  return Object.fromEntries(encoded) as Readonly<Record<F, bigint>>
}

/** √(horizon in years), X24, rounded up; exact. */
export function sqrtHorizonUp(horizonSeconds: bigint): bigint {
  return sqrtUp(divUp(horizonSeconds << 48n, YEAR_SECONDS))
}

/**
 * Policy words of the engine.
 *
 * @throws {@link PolicyError} naming the entry that is missing, unknown or out of range
 * @example
 * const { learning } = encodeEnginePolicy({ ...defaultEnginePolicy, horizonSeconds: 7200 })
 * learning.horizonSeconds // → 7_200n
 */
export function encodeEnginePolicy(input: EnginePolicy): {
  learning: Fields<'learningPolicy'>
  margin: Fields<'marginPolicy'>
} {
  const policy = parse(enginePolicySchema, input, 'engine')
  const horizonSeconds = BigInt(policy.horizonSeconds)
  return {
    learning: {
      decayRateX36: scale(1 / (policy.fastHalfLifeHours * 3600), 36),
      horizonSeconds,
      sqrtHorizonX24: sqrtHorizonUp(horizonSeconds),
      stepUpX18: scale(policy.learningRate * (1 - policy.breachProbability), 18),
      stepDownX18: scale(policy.learningRate * policy.breachProbability, 18),
      ...encodeFields(multiplierFields, policy),
    },
    margin: encodeFields(marginFields, policy),
  }
}

/**
 * Policy word of one market.
 *
 * @throws {@link PolicyError} naming the entry that is missing, unknown or out of range
 * @example
 * const words = encodeMarketPolicy({ ...defaultMarketPolicy, volatilityFloor: 0.25 })
 * words.volatilityFloorX16 // → 16_384n
 */
export function encodeMarketPolicy(input: MarketRiskPolicy): Fields<'marketPolicy'> {
  const policy = parse(marketPolicySchema, input, 'market')
  return {
    ...encodeFields(marketFields, policy),
    ...(policy.garch === undefined
      ? { longRunVolatilityX16: 0n, reversionRateX36: 0n, forecastWeightX26: 0n }
      : garchPolicyWords(policy.garch, BigInt(policy.garch.horizonSeconds))),
  }
}

function parse<T>(schema: z.ZodType<T>, input: unknown, scope: string): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new PolicyError(scope, issue?.path.join('.') ?? '', issue?.message ?? 'invalid', result.error)
}

/** A policy entry is missing, unknown or out of range. */
export class PolicyError extends ProverError {
  readonly code = 'parameters.policy'
  readonly scope: string
  readonly entry: string

  constructor(scope: string, entry: string, reason: string, cause: unknown) {
    super(`The ${scope} policy is invalid${entry === '' ? '' : ` at "${entry}"`}: ${reason}.`, { cause })
    this.scope = scope
    this.entry = entry
  }
}
