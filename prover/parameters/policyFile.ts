/** Policy files: what if governance set other numbers? Whatever a file leaves out stands at its start. */
import { z } from 'zod'
import { DEFAULT_VOLATILITY_MODEL } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { otherKindThan } from '../market/fileKind.ts'
import { jsonFault } from '../market/jsonFault.ts'
import { readTextFile } from '../market/textFile.ts'
import { defaultGarch } from '../volatility/garch.ts'
import { type ModelName, modelNames } from '../volatility/models.ts'
import type { Policy } from './marketRisk.ts'
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  type EnginePolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
  type MarketRiskPolicy,
  PolicyError,
  policyFaults,
  policyShapes,
} from './policy.ts'
import { figureOf, type PolicyEntry, type PolicyScope, policyEntries } from './policyEntries.ts'

/** A whole policy in human units, with the volatility model that it is for. */
export type StatedPolicy = {
  readonly volatilityModel: ModelName
  readonly engine: EnginePolicy
  /** `garch` only for that model; its horizon is the engine's. */
  readonly market: Omit<MarketRiskPolicy, 'garch'> & {
    readonly garch?: Readonly<Record<keyof typeof defaultGarch, number>> | undefined
  }
}

/**
 * Where a deployment starts under a model.
 *
 * @example
 * startingPolicy().engine.breachProbability // → 0.005
 */
export const startingPolicy = (volatilityModel: ModelName = DEFAULT_VOLATILITY_MODEL): StatedPolicy => ({
  volatilityModel,
  engine: defaultEnginePolicy,
  market: { ...withoutGarch(defaultMarketPolicy), ...(volatilityModel === 'garch' ? { garch: defaultGarch } : {}) },
})

const partial = (shape: Readonly<Record<string, z.ZodNumber>>) =>
  z.strictObject(shape).partial() as z.ZodType<Readonly<Record<string, number>>>

/** The form of a policy file. */
export const policyFileSchema = z.strictObject({
  $schema: z.string().optional(),
  volatilityModel: z.enum(modelNames).optional().describe(`default: ${DEFAULT_VOLATILITY_MODEL}`),
  engine: partial(policyShapes.engine).optional().describe('of all markets; what is left out stands at its start'),
  market: z
    .strictObject({
      ...policyShapes.market,
      garch: partial(policyShapes.garch).describe('only where volatilityModel is garch'),
    })
    .partial()
    .optional()
    .describe('of the market; what is left out stands at its start'),
})

/**
 * Reads what `zkrisk policy --json` writes, or any part of it.
 *
 * @param model - asked for besides, instead of the one that the file names
 * @throws the errors of {@link parsePolicy}; {@link PolicyFileError} if it cannot be read
 * @example
 * const { engine } = readPolicyFile('policy.json')
 * engine.breachProbability // → 0.01
 */
export function readPolicyFile(file: string, model?: ModelName): StatedPolicy {
  try {
    return parsePolicy(readTextFile(file), file, model)
  } catch (cause) {
    if (cause instanceof ProverError) throw cause
    const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    const reason = isMissing ? 'there is no such file' : 'it cannot be read'
    throw new PolicyFileError(file, `expected a policy file, but ${reason}; \`zkrisk policy --json\` prints one`, cause)
  }
}

/**
 * {@link readPolicyFile} on text that is already in memory.
 *
 * @param text - JSON
 * @param file - what errors call it
 * @param model - asked for besides, instead of the one that the file names
 * @throws {@link PolicyFileError} if it is no JSON; {@link PolicyError}, {@link ModelEntriesError} of what it says
 * @example
 * const { engine } = parsePolicy('{ "engine": { "horizonSeconds": 7200 } }', 'slower.json')
 * engine.horizonSeconds // → 7200
 */
export function parsePolicy(text: string, file: string, model?: ModelName): StatedPolicy {
  const input = jsonOf(text, file)
  const parsed = policyFileSchema.safeParse(input)
  const other = parsed.success ? undefined : otherKindThan('policy', input)
  if (other !== undefined) throw new PolicyFileError(file, `expected a policy, got ${other}`, parsed.error)
  if (!parsed.success) throw new PolicyError(file, policyFaults(parsed.error.issues, input), parsed.error)
  const { volatilityModel, engine = {}, market: { garch = {}, ...market } = {} } = parsed.data
  return changePolicy(startingPolicy(model ?? volatilityModel), { ...engine, ...market, ...garch }, file)
}

function jsonOf(text: string, file: string): unknown {
  try {
    const json: unknown = JSON.parse(text)
    const fault = jsonFault(text)
    if (fault !== undefined) throw new Error(`line ${fault.line}, column ${fault.column}: ${fault.reason}`)
    return json
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new PolicyFileError(file, `expected JSON, as \`zkrisk policy --json\` prints it (${reason})`, cause)
  }
}

/**
 * A policy with some numbers turned, checked as a whole.
 *
 * @param entries - values by name
 * @param scope - what errors call it
 * @throws {@link PolicyError} naming each entry that is out of range; {@link ModelEntriesError}
 * @example
 * const dear = changePolicy(startingPolicy(), { liquidationCost: 0.02 }, 'dear')
 * dear.market.liquidationCost // → 0.02
 */
export function changePolicy(
  base: StatedPolicy,
  entries: Readonly<Record<string, number>>,
  scope: string,
): StatedPolicy {
  const turned = (wanted: PolicyScope): Readonly<Record<string, number>> =>
    Object.fromEntries(
      policyEntries.flatMap(({ scope: place, name }) => {
        const value = entries[name]
        return place === wanted && value !== undefined ? [[name, value]] : []
      }),
    )
  const ofGarch = turned('garch')
  const { garch, ...market } = base.market
  if (garch === undefined && Object.keys(ofGarch).length > 0) {
    throw new ModelEntriesError(base.volatilityModel, Object.keys(ofGarch))
  }
  const policy: StatedPolicy = {
    volatilityModel: base.volatilityModel,
    engine: { ...base.engine, ...turned('engine') },
    market: { ...market, ...turned('market'), ...(garch === undefined ? {} : { garch: { ...garch, ...ofGarch } }) },
  }
  encodePolicy(policy, scope)
  return policy
}

const withoutGarch = ({ garch, ...market }: Pick<StatedPolicy, 'market'>['market'] | MarketRiskPolicy) => market

/**
 * A policy's words.
 *
 * @throws {@link PolicyError} naming each entry that is out of range, alone or beside another
 * @example
 * encodePolicy(changePolicy(startingPolicy(), { horizonSeconds: 7200 }, 'slower')).learning.horizonSeconds // → 7_200n
 */
export function encodePolicy({ engine, market: { garch, ...market } }: StatedPolicy, scope = 'stated'): Policy {
  try {
    const words = {
      ...encodeEnginePolicy(engine),
      market: encodeMarketPolicy({
        ...market,
        ...(garch === undefined ? {} : { garch: { ...garch, horizonSeconds: engine.horizonSeconds } }),
      }),
    }
    requireSomethingToLend(words, engine, market)
    return words
  } catch (error) {
    throw error instanceof PolicyError ? new PolicyError(scope, error.faults, error) : error
  }
}

/** The contract's bound: greatest maintenance margin · (1 + buffer) + bonus < 1, rounded as it rounds. */
function requireSomethingToLend(
  { margin, market }: Policy,
  { initialMarginBuffer }: EnginePolicy,
  { maintenanceMarginCeiling, liquidationBonus }: StatedPolicy['market'],
): void {
  const greatestX24 =
    ((market.maintenanceMarginCeilingX16 << 8n) * ((1n << 10n) + margin.initialMarginBufferX10) + 1023n) >> 10n
  if (greatestX24 + (market.liquidationBonusX16 << 8n) < 1n << 24n) return
  const sum = maintenanceMarginCeiling * (1 + initialMarginBuffer) + liquidationBonus
  throw new PolicyError('market', [
    {
      entry: 'maintenanceMarginCeiling',
      reason:
        `expected maintenanceMarginCeiling × (1 + initialMarginBuffer) + liquidationBonus below 1, got ${maintenanceMarginCeiling} × ` +
        `${1 + initialMarginBuffer} + ${liquidationBonus} = ${Number(sum.toPrecision(6))}: nothing would be left to lend. Lower one of the three`,
    },
  ])
}

/** An entry whose value is not where a deployment starts. */
export type ChangedEntry = { readonly entry: PolicyEntry; readonly value: number }

/** What a policy turns, in the order of the entries. */
export function changesOf(policy: StatedPolicy): readonly ChangedEntry[] {
  return entriesOf(policy).filter(({ entry, value }) => value !== entry.start)
}

/** Every entry of a policy with its value. */
export function entriesOf({ engine, market: { garch, ...market } }: StatedPolicy): readonly ChangedEntry[] {
  const values: Readonly<Record<string, number>> = { ...engine, ...market, ...garch }
  return policyEntries.flatMap((entry) => {
    const value = values[entry.name]
    return value === undefined ? [] : [{ entry, value }]
  })
}

/** A policy in one cell: `default`, or what it turns, `breachProbability=0.01 horizonSeconds=7200`. */
export function policyLabel(policy: StatedPolicy): string {
  const changes = changesOf(policy).map(({ entry, value }) => `${entry.name}=${value}`)
  return changes.length === 0 ? 'default' : changes.join(' ')
}

/** A policy in words: `default policy`, or `policy with breachProbability 1 % (default 0.5 %)`. */
export function policyWords(policy: StatedPolicy): string {
  const changes = changesOf(policy).map(
    ({ entry, value }) => `${entry.name} ${figureOf(entry, value)} (default ${figureOf(entry, entry.start)})`,
  )
  return changes.length === 0 ? 'the default policy' : `a policy with ${changes.join(', ')}`
}

/** A policy file is none. */
export class PolicyFileError extends ProverError {
  readonly code = 'parameters.policy-file'
  readonly file: string

  constructor(file: string, reason: string, cause: unknown) {
    super(`${file}: ${reason}.`, { cause })
    this.file = file
  }
}

/** Entries that another volatility model alone reads. */
export class ModelEntriesError extends ProverError {
  readonly code = 'parameters.policy-of-another-model'
  readonly model: ModelName
  readonly entries: readonly string[]

  constructor(model: ModelName, entries: readonly string[]) {
    super(
      `Expected no ${entries.join(', ')} under ${model}, which does not read them: no proof holds with them. ` +
        'Leave them out, or name the model garch.',
    )
    this.model = model
    this.entries = entries
  }
}
