/** What-if policies: which one is asked for, and two of them on a history. */
import { basename } from 'node:path'
import { type Units, unitsJson } from '../../market/priceScale.ts'
import type { PriceRow } from '../../market/prices.ts'
import { type JudgedPolicy, judgePolicies, type WorstHorizon } from '../../parameters/comparePolicies.ts'
import {
  changePolicy,
  changesOf,
  entriesOf,
  policyLabel,
  readPolicyFile,
  type StatedPolicy,
  startingPolicy,
} from '../../parameters/policyFile.ts'
import { entryNamed, type PolicyEntry, policyEntries, unitName } from '../../parameters/policyEntries.ts'
import { type ModelName, modelName } from '../../volatility/models.ts'
import { contentFor, type HistoryOptions, readHistory } from './histories.ts'
import { UsageError } from '../text/usageError.ts'

export type PolicyAsked = {
  /** A policy file. */
  readonly policy?: string | undefined
  /** The file's, or the default one, unless another is named. */
  readonly volatilityModel?: string | undefined
  /** Numbers turned on top, by name. */
  readonly entries?: Readonly<Record<string, number>> | undefined
}

/**
 * The policy of a file or of a deployment's start, with what flags turn.
 *
 * @throws the errors of {@link readPolicyFile} and {@link changePolicy}; {@link UnknownModelError}
 */
export function policyAsked({ policy, volatilityModel, entries = {} }: PolicyAsked): StatedPolicy {
  const model = volatilityModel === undefined ? undefined : modelName(volatilityModel)
  return changePolicy(namedPolicy(policy ?? STARTING, model), entries, 'stated')
}

/** Stands for the policy of a deployment's start where a file is asked for. */
export const STARTING = 'default'

const namedPolicy = (name: string, model?: ModelName): StatedPolicy =>
  name === STARTING ? startingPolicy(model) : readPolicyFile(name, model)

/** What `zkrisk policy check` finds in a file that is in order. */
export type CheckedPolicy = { readonly policy: StatedPolicy; readonly remarks: readonly string[] }

/** A value so many times the default, or so small a part of it, is remarked on. */
const FAR = 10

/** @throws the errors of {@link readPolicyFile} */
export function checkPolicy(file: string): CheckedPolicy {
  const policy = readPolicyFile(file)
  const remarks = changesOf(policy).flatMap(({ entry, value }) => {
    const ratio = value / entry.start
    if (value === 0 || (ratio < FAR && ratio > 1 / FAR)) return []
    const times = ratio > 1 ? `${Number(ratio.toPrecision(3))} times` : `a ${Number((1 / ratio).toPrecision(3))}th of`
    return [`${entry.name} is ${times} the default; see that its unit (${unitName(entry.unit)}) was meant.`]
  })
  return { policy, remarks }
}

/** Entries of the names, or all; what `zkrisk policy explain` tells of. @throws {@link UnknownEntryError} */
export function entriesNamed(names: readonly string[]): readonly (typeof policyEntries)[number][] {
  if (names.length === 0) return policyEntries
  return names.map((name) => {
    const entry = entryNamed(name)
    if (entry === undefined) throw new UnknownEntryError(name)
    return entry
  })
}

/** What `zkrisk policy --json` prints: a policy file. */
export const policyJson = ({ volatilityModel, engine, market }: StatedPolicy) => ({ volatilityModel, engine, market })

/** What `zkrisk policy explain --json` prints of an entry. */
export const entryJson = ({
  name,
  scope,
  unit,
  least,
  greatest,
  start,
  meaning,
  raising,
}: PolicyEntry & { scope: string }) => ({
  ...{ name, scope, unit, unitName: unitName(unit), least, greatest, default: start, meaning, raising },
})

export type ComparedPolicy = JudgedPolicy & { readonly name: string }

export type PolicyComparison = {
  readonly file: string
  readonly rows: readonly PriceRow[]
  readonly units: Units
  readonly policies: readonly ComparedPolicy[]
  readonly worst: readonly WorstHorizon[]
}

/**
 * Policies on one history.
 *
 * @param files - policy files, or {@link STARTING}
 * @param options - with what hears how the history was read
 * @param model - for all of them, instead of what they name
 * @throws the errors of {@link readPolicyFile}, {@link readHistory} and {@link judgePolicies}
 */
export function comparePolicies(
  files: readonly string[],
  prices: string,
  { say, ...options }: HistoryOptions & { readonly say: (line: string) => void },
  model?: string,
): PolicyComparison {
  const wanted = model === undefined ? undefined : modelName(model)
  const policies = files.map((file) => namedPolicy(file, wanted))
  const models = policies.map(({ volatilityModel }) => volatilityModel)
  const horizonSeconds = Math.min(...policies.map(({ engine }) => engine.horizonSeconds))
  const { rows, units } = readHistory(prices, options, { say, horizonSeconds, content: contentFor(models) })
  const { judged, worst } = judgePolicies(rows, policies)
  const names = shortNamesOf(files)
  return { file: prices, rows, units, policies: judged.map((each, i) => ({ name: names[i] ?? '', ...each })), worst }
}

/** Names of files without their folders, where these still tell them apart. */
function shortNamesOf(files: readonly string[]): readonly string[] {
  const names = files.map((file) => basename(file))
  return new Set(names).size === names.length ? names : files
}

/** What `zkrisk policy compare --json` prints. Fractions are of notional or of the price. */
export function comparisonJson({ file, rows, units, policies, worst }: PolicyComparison) {
  return {
    history: {
      file,
      from: isoTime(rows[0]?.asOf),
      to: isoTime(rows.at(-1)?.asOf),
      observations: rows.length,
      ...unitsJson(units),
    },
    policies: policies.map(({ name, policy, score, initialMargin, maintenanceMargin }) => ({
      name,
      volatilityModel: policy.volatilityModel,
      policy: policyLabel(policy),
      entries: Object.fromEntries(entriesOf(policy).map(({ entry, value }) => [entry.name, value])),
      breachProbability: policy.engine.breachProbability,
      horizonSeconds: policy.engine.horizonSeconds,
      predictions: score.whole.predictions,
      breachFractionDown: score.whole.down.breachRate,
      breachFractionUp: score.whole.up.breachRate,
      quantileScoreFractionDown: score.whole.down.score,
      quantileScoreFractionUp: score.whole.up.score,
      meanInitialMarginFraction: initialMargin.mean,
      greatestInitialMarginFraction: initialMargin.greatest,
      meanMaintenanceMarginFraction: maintenanceMargin.mean,
      greatestMaintenanceMarginFraction: maintenanceMargin.greatest,
    })),
    worstHorizons: worst.map(({ from, seconds, realised, inForce }) => ({
      from: isoTime(BigInt(from)),
      horizonSeconds: seconds,
      logReturn: realised,
      inForce: inForce.map(({ move, initialMargin, maintenanceMargin, uncovered }, i) => ({
        name: policies[i]?.name ?? '',
        predictedLogReturn: move,
        initialMarginFraction: initialMargin,
        maintenanceMarginFraction: maintenanceMargin,
        uncoveredFraction: uncovered,
      })),
    })),
  }
}

const isoTime = (asOf: bigint | undefined): string =>
  new Date(Number(asOf ?? 0n) * 1000).toISOString().replace('.000Z', 'Z')

/** No entry of policies has this name. */
export class UnknownEntryError extends UsageError {
  readonly code = 'service.unknown-policy-entry'
  readonly entry: string

  constructor(entry: string) {
    super(`Expected an entry of ${policyEntries.map(({ name }) => name).join(', ')}, got "${entry}".`)
    this.entry = entry
  }
}
