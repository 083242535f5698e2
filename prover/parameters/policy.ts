import { z } from 'zod'
import type { Fields } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { divUp, sqrtUp } from '../math/index.ts'
import { garchPolicyWords } from '../volatility/garch.ts'
import { YEAR_SECONDS } from '../volatility/variance.ts'
import {
  boundsOf,
  entryNamed,
  figureOf,
  garchEntries,
  learningEntries,
  marginFields,
  marketFields,
  meantBy,
  multiplierFields,
  type PolicyEntry,
  policyEntries,
  type PolicyScope,
  unitName,
} from './policyEntries.ts'

type NamesOf<T extends Readonly<Record<string, PolicyEntry>>> = T[keyof T]['name']
type Named<N extends string> = { readonly [E in N]: number }

/** Risk appetite of the whole engine in human units: plain fractions, hours, annualised volatilities. */
export type EnginePolicy = Named<
  NamesOf<typeof learningEntries> | NamesOf<typeof multiplierFields> | NamesOf<typeof marginFields>
>
/** Risk appetite of one market in human units. */
export type MarketRiskPolicy = Named<NamesOf<typeof marketFields>> & {
  readonly garch?: z.infer<typeof garchSchema> | undefined
}

const schemaOf = ({ unit, least, greatest, meaning, raising }: PolicyEntry): z.ZodNumber => {
  const number = unit === 'seconds' ? z.number().int() : z.number()
  return number
    .min(least)
    .max(greatest)
    .describe(`${meaning} (${unitName(unit)}); higher: ${raising}`)
}

const schemasOf = (entries: Readonly<Record<string, PolicyEntry>>): Readonly<Record<string, z.ZodNumber>> =>
  Object.fromEntries(Object.values(entries).map((each) => [each.name, schemaOf(each)]))

/** Schemas of a policy's entries by scope, which the file format shares. */
export const policyShapes = {
  engine: { ...schemasOf(learningEntries), ...schemasOf(multiplierFields), ...schemasOf(marginFields) },
  market: schemasOf(marketFields),
  garch: schemasOf(garchEntries),
} as const

const garchSchema = z.strictObject({
  ...(policyShapes.garch as { readonly [N in keyof typeof garchEntries]: z.ZodNumber }),
  horizonSeconds: z.number().int().positive().describe('the engine’s, over which volatility is forecast'),
})

/** Least product of learning rate and α: the step of a quiet horizon, 2^-18 each, is then α within 5 %. */
const LEAST_STEP = 0.00004

const enginePolicySchema = z
  .strictObject(policyShapes.engine)
  .superRefine(inOrder('multiplierFloor', 'multiplierCeiling'))
  .refine(({ learningRate = 0, breachProbability = 0 }) => learningRate * breachProbability >= LEAST_STEP, {
    path: ['breachProbability'],
    message: `learningRate × breachProbability is below ${LEAST_STEP}, so that steps of learning are lost in rounding; raise one of them`,
  }) as unknown as z.ZodType<EnginePolicy>

const marketPolicySchema = z
  .strictObject({
    ...policyShapes.market,
    garch: garchSchema
      .optional()
      .describe('only for markets bound to GARCH; a market of another model has no proof with it'),
  })
  .superRefine(inOrder('volatilityFloor', 'volatilityCeiling'))
  .superRefine(inOrder('maintenanceMarginFloor', 'maintenanceMarginCeiling'))
  .superRefine(inOrder('scanRangeFloor', 'scanRangeCeiling')) as unknown as z.ZodType<MarketRiskPolicy>

/** A refinement: one entry is not above another. */
function inOrder(floor: string, ceiling: string): (policy: object, context: z.RefinementCtx) => void {
  return (policy, { addIssue }) => {
    const { [floor]: least = 0, [ceiling]: most = 0 } = policy as Readonly<Record<string, number>>
    if (least <= most) return
    const message = `expected at most ${ceiling}, which is ${most}, got ${least}; lower it, or raise the other`
    addIssue({ code: 'custom', path: [floor], message })
  }
}

const startOf = <T extends Readonly<Record<string, PolicyEntry>>>(entries: T): Named<NamesOf<T>> =>
  Object.fromEntries(Object.values(entries).map(({ name, start }) => [name, start])) as Named<NamesOf<T>>

/** Starting policy of the engine; docs/backtest.md measures it. */
export const defaultEnginePolicy: EnginePolicy = {
  ...startOf(learningEntries),
  ...startOf(multiplierFields),
  ...startOf(marginFields),
}

/** Starting policy of BTC and ETH against the dollar. */
export const defaultMarketPolicy: MarketRiskPolicy = startOf(marketFields)

const scale = (value: number, bits: number): bigint => BigInt(Math.round(value * 2 ** bits))

/** Fields in the scale that their names say, of entries a second or an hour. */
function encodeFields<F extends string>(
  fields: Readonly<Record<F, PolicyEntry>>,
  policy: object,
): Readonly<Record<F, bigint>> {
  const values = policy as Readonly<Record<string, number>>
  const encoded = Object.entries<PolicyEntry>(fields).map(([field, { name, unit }]) => {
    const value = values[name] ?? Number.NaN
    return [field, scale(unit === 'ofNotionalPerHour' ? value / 3600 : value, Number(/X(\d+)$/.exec(field)?.[1]))]
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

/** What is wrong with one entry, and what was probably meant. */
export type PolicyFault = {
  /** `market.garch.longRunVolatility`; the policy itself where it is of no single entry. */
  readonly entry: string
  readonly reason: string
  /** A value in range, where a slip of unit explains what came. */
  readonly meant?: number
  /** The entry that is probably meant, which has its place elsewhere. */
  readonly belongs?: { readonly name: string; readonly scope: PolicyScope }
}

function parse<T>(schema: z.ZodType<T>, input: unknown, scope: string): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  throw new PolicyError(scope, policyFaults(result.error.issues, input), result.error)
}

/** What a schema found, in a policy's own words, each entry once. */
export function policyFaults(issues: readonly z.core.$ZodIssue[], input: unknown): readonly PolicyFault[] {
  const faults = issues.flatMap((issue): readonly PolicyFault[] => {
    if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownEntry([...issue.path, key]))
    const row = policyEntries.find(({ name }) => name === issue.path.at(-1))
    const entry = issue.path.join('.')
    if (issue.code === 'custom') return [{ entry, reason: issue.message }]
    if (issue.code === 'invalid_value') {
      return [
        { entry, reason: `expected ${issue.values.join(', ')}, got ${JSON.stringify(valueAt(input, issue.path))}` },
      ]
    }
    if (row === undefined) return [{ entry, reason: notEntries(valueAt(input, issue.path)) }]
    return [{ entry, ...refusalOf(row, valueAt(input, issue.path)) }]
  })
  return [...new Map(faults.toReversed().map((fault) => [fault.entry, fault])).values()].toReversed()
}

function refusalOf(row: PolicyEntry, found: unknown): Omit<PolicyFault, 'entry'> {
  const expected = `expected ${row.unit === 'seconds' ? 'a whole number, ' : ''}${boundsOf(row)}`
  if (found === undefined) return { reason: `it is missing; ${expected}, usually ${row.start}` }
  if (typeof found !== 'number') {
    return { reason: `${expected}, as a number without quotes or unit, got ${JSON.stringify(found)}` }
  }
  const got = `got ${found} (${figureOf(row, found)})`
  const meant = meantBy(row, found)
  if (meant === undefined) return { reason: `${expected}, ${got}` }
  const hint = `Did you mean ${meant} (${figureOf(row, meant)})?`
  return { reason: `${expected}, ${got}. ${hint}`, meant }
}

const notEntries = (found: unknown): string =>
  `expected entries in braces, such as { "${policyEntries[0]?.name}": ${policyEntries[0]?.start} }, got ${JSON.stringify(found) ?? 'nothing'}`

function unknownEntry(path: readonly PropertyKey[]): PolicyFault {
  const known = entryNamed(String(path.at(-1)))
  const entry = path.join('.')
  if (known === undefined) return { entry, reason: 'no entry has this name here; `zkrisk policy explain` lists all' }
  const { name, scope } = known
  const reason = `no entry has this name here; write "${name}" under ${placeOf(scope)}`
  return { entry, reason, belongs: { name, scope } }
}

const placeOf = (scope: string): string => (scope === 'garch' ? '"market", "garch"' : `"${scope}"`)

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Readonly<Record<PropertyKey, unknown>> | undefined)?.[key],
    input,
  )
}

/** Every other scope is a file. */
const SCOPES: readonly string[] = ['engine', 'market', 'stated']

/** Entries of a policy are missing, unknown or out of range. */
export class PolicyError extends ProverError {
  readonly code = 'parameters.policy'
  readonly scope: string
  /** Of the first fault. */
  readonly entry: string
  readonly faults: readonly PolicyFault[]

  constructor(scope: string, faults: readonly PolicyFault[], cause?: unknown) {
    const told = faults.map(
      ({ entry, reason }) => `${entry === '' ? '' : `"${entry}": `}${reason}${reason.endsWith('?') ? '' : '.'}`,
    )
    const subject = SCOPES.includes(scope) ? `The ${scope} policy is` : `${scope}: the policy is`
    super(`${subject} invalid: ${told.join('\n  ')}`, { cause })
    this.scope = scope
    this.entry = faults[0]?.entry ?? ''
    this.faults = faults
  }
}
