/**
 * What `zkrisk prove <batch.json>` reads: one batch in names and numbers that people write.
 *
 * Observations and policies come in human units (`"price": "9312.5"`) or as words (`"priceE8": "931250000000"`); states, which
 * are nobody's to choose, as words only.
 */
import { z } from 'zod'
import type { Fields } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { otherKindThan } from '../../market/fileKind.ts'
import { parseDecimal, scaleDecimal } from '../../market/decimal.ts'
import { MarketNameError, marketIdOf } from '../../market/marketId.ts'
import { rangeCodeUp } from '../../market/range.ts'
import type { Observation } from '../../parameters/marketRisk.ts'
import {
  encodeEnginePolicy,
  encodeMarketPolicy,
  type EnginePolicy,
  type MarketRiskPolicy,
} from '../../parameters/policy.ts'
import type { MarketRiskBatch } from '../../statement/marketRisk.ts'
import { buildOf, type InboxPosition, UnknownModelError } from './bundle.ts'
import type { Deployment } from '../deployment.ts'
import { modelIdOf } from '../deployment.ts'
import { FileFieldError, jsonOf, readAtMost, textOf } from '../sealedFile.ts'
import { layoutHash } from '../../statement/layout.ts'
import { addressSchema, firstIssue, hashSchema, integerSchema, stateSchema, wordSchema } from '../wordSchemas.ts'

const MAX_BYTES = 1 << 20
const PRICE_BITS = 48
const IMPLIED_BITS = 20

const time = z.union([
  z
    .int()
    .min(1)
    .max(2 ** 32 - 1),
  z.iso.datetime({ offset: true }).transform((text) => Math.floor(Date.parse(text) / 1000)),
])

const humanObservation = z.strictObject({
  price: z.string().max(64).describe('quote per base, a decimal'),
  asOf: time.describe('unix seconds, or ISO 8601 with a time zone'),
  impliedVolatility: z.string().max(64).optional().describe('annualised, a decimal: 0.65 is 65 %'),
  high: z.string().max(64).optional().describe('highest price since the observation before, with low'),
  low: z.string().max(64).optional().describe('lowest price since the observation before, with high'),
})

const batchFileSchema = z.strictObject({
  model: z.string().max(64),
  chainId: z.union([integerSchema(64), z.int().min(1).transform(BigInt)]).optional(),
  registry: addressSchema.optional(),
  enginePolicy: z
    .union([
      z.strictObject({ learning: wordSchema('learningPolicy'), margin: wordSchema('marginPolicy') }),
      z.record(z.string(), z.number()),
    ])
    .optional(),
  markets: z
    .array(
      z.strictObject({
        market: z.string().max(64),
        sequence: z.union([integerSchema(26), z.int().min(1).transform(BigInt)]),
        inbox: z.strictObject({
          source: addressSchema,
          head: hashSchema,
          count: z.union([integerSchema(40), z.int().min(0).transform(BigInt)]),
        }),
        previous: stateSchema,
        policy: z.union([wordSchema('marketPolicy'), z.record(z.string(), z.number())]),
        observations: z
          .array(z.union([wordSchema('observation'), humanObservation]))
          .min(1)
          .max(256),
      }),
    )
    .min(1)
    .max(256),
})

type BatchFile = z.infer<typeof batchFileSchema>

/** A batch from a file, with what the bundle needs beside it. */
export type FileBatch = {
  readonly batch: MarketRiskBatch
  readonly names: readonly string[]
  readonly inboxes: readonly InboxPosition[]
}

/** What a batch file may leave out, and what its names must be known to. */
export type BatchFileOptions = {
  /** sha256 of the key that will prove it, 0x-hexadecimal. */
  readonly verificationKeyHash: string
  /** Supplies chain, registry and engine policy, and the markets and models that exist. */
  readonly deployment?: Deployment
}

/**
 * Reads a batch; nothing is computed yet.
 *
 * @throws {@link UnreadableFileError} if it is no JSON file of a sensible size
 * @throws {@link FileFieldError} naming the field that is missing, unknown, malformed or out of range
 * @throws {@link UnknownModelError}, {@link UnknownMarketError} for names nobody knows
 * @throws {@link PolicyError} naming the entry of a policy in human units
 * @example
 * const { batch, names } = await readBatchFile('batch.json', { verificationKeyHash: `0x${'00'.repeat(32)}` })
 * names // → ['BTC-USD', 'ETH-USD']
 */
export async function readBatchFile(file: string, options: BatchFileOptions): Promise<FileBatch> {
  return parseBatchFile(textOf(await readAtMost(file, MAX_BYTES), MAX_BYTES, file), file, options)
}

/**
 * As {@link readBatchFile}, from memory.
 *
 * @example
 * import { readFileSync } from 'node:fs'
 * const text = readFileSync('batch.json', 'utf8')
 * parseBatchFile(text, 'batch.json', { verificationKeyHash: `0x${'00'.repeat(32)}` }).names.length // → 2
 */
export function parseBatchFile(text: string, name: string, options: BatchFileOptions): FileBatch {
  const json = jsonOf(text, name)
  const parsed = batchFileSchema.safeParse(json)
  if (!parsed.success) {
    const other = otherKindThan('batch', json)
    if (other !== undefined) throw new FileFieldError(name, '', `expected a batch, got ${other}`)
    const { path, reason } = issueOf(parsed.error)
    throw new FileFieldError(name, path, reason)
  }
  const { deployment, verificationKeyHash } = options
  const { model, markets } = parsed.data
  checkModelName(model, deployment)
  const entries = markets.map((market, i) => readMarket(market, `markets[${i}]`, name, deployment))
  entries.sort((a, b) => (BigInt(a.batch.marketId) < BigInt(b.batch.marketId) ? -1 : 1))
  return {
    batch: {
      build: buildOf(model),
      chainId: required(parsed.data.chainId ?? deployment?.chainId, 'chainId', name),
      registry: required(parsed.data.registry ?? deployment?.addresses.registry, 'registry', name),
      modelId: modelIdOf(model, verificationKeyHash, layoutHash('marketRisk')),
      ...enginePolicyOf(parsed.data, name, deployment),
      markets: entries.map(({ batch }) => batch),
    },
    names: entries.map(({ marketName }) => marketName),
    inboxes: entries.map(({ inbox }) => inbox),
  }
}

function readMarket(market: BatchFile['markets'][number], at: string, file: string, deployment?: Deployment) {
  const { market: marketName, sequence, previous, inbox, policy, observations } = market
  const known = deployment?.markets.some(({ name }) => name === marketName) ?? true
  if (!known) throw new UnknownMarketError(file, `${at}.market`, marketName)
  return {
    marketName,
    inbox,
    batch: {
      marketId: idOf(marketName, `${at}.market`, file),
      sequence,
      previous,
      observations: observations.map((observation, i) =>
        readObservation(observation, `${at}.observations[${i}]`, file),
      ),
      policy:
        'maxReturnX16' in policy
          ? (policy as Fields<'marketPolicy'>)
          : encodeMarketPolicy(policy as unknown as MarketRiskPolicy),
    },
  }
}

function idOf(marketName: string, field: string, file: string): string {
  try {
    return marketIdOf(marketName)
  } catch (error) {
    if (error instanceof MarketNameError) throw new UnknownMarketError(file, field, marketName)
    throw error
  }
}

function readObservation(
  observation: BatchFile['markets'][number]['observations'][number],
  at: string,
  file: string,
): Observation {
  if ('priceE8' in observation) {
    if (observation.priceE8 === 0n) throw new FileFieldError(file, `${at}.priceE8`, 'expected a positive price')
    return observation
  }
  const priceE8 = exact(observation.price, 10n ** 8n, PRICE_BITS, `${at}.price`, file)
  if (priceE8 === 0n) throw new FileFieldError(file, `${at}.price`, 'expected a positive price')
  const implied = observation.impliedVolatility ?? '0'
  const impliedVolatilityX16 = nearest(implied, 1n << 16n, IMPLIED_BITS, `${at}.impliedVolatility`, file)
  return { priceE8, asOf: BigInt(observation.asOf), impliedVolatilityX16, rangeCode: readRange(observation, at, file) }
}

/** Code of the range, if both ends are given. */
function readRange(
  {
    price,
    high,
    low,
  }: { readonly price: string; readonly high?: string | undefined; readonly low?: string | undefined },
  at: string,
  file: string,
): bigint {
  if (high === undefined && low === undefined) return 0n
  if (high === undefined) throw new FileFieldError(file, `${at}.high`, 'expected high and low, got low alone')
  if (low === undefined) throw new FileFieldError(file, `${at}.low`, 'expected high and low, got high alone')
  const [priceE8, highE8, lowE8] = [price, high, low].map((text, i) =>
    exact(text, 10n ** 8n, PRICE_BITS, `${at}.${['price', 'high', 'low'][i]}`, file),
  ) as [bigint, bigint, bigint]
  if (lowE8 === 0n || lowE8 > priceE8)
    throw new FileFieldError(file, `${at}.low`, 'expected a positive price, at most the price')
  if (highE8 < priceE8) throw new FileFieldError(file, `${at}.high`, 'expected at least the price')
  return rangeCodeUp(highE8, lowE8)
}

/** Prices are kept as written: more than eight decimals are refused, not rounded. */
function exact(text: string, scale: bigint, bits: number, field: string, file: string): bigint {
  const { numerator, denominator } = fractionOf(text, scale, field, file)
  if (numerator % denominator !== 0n) throw new FileFieldError(file, field, 'expected at most eight decimals')
  return within(numerator / denominator, bits, field, file)
}

function nearest(text: string, scale: bigint, bits: number, field: string, file: string): bigint {
  const { numerator, denominator } = fractionOf(text, scale, field, file)
  return within((2n * numerator + denominator) / (2n * denominator), bits, field, file)
}

function fractionOf(text: string, scale: bigint, field: string, file: string) {
  const decimal = parseDecimal(text)
  if (decimal === undefined) throw new FileFieldError(file, field, `expected a decimal number, got "${text}"`)
  if (decimal.negative && decimal.digits !== 0n) throw new FileFieldError(file, field, 'expected a positive number')
  return scaleDecimal(decimal, scale)
}

function within(value: bigint, bits: number, field: string, file: string): bigint {
  if (value >> BigInt(bits) !== 0n)
    throw new FileFieldError(file, field, `too large: expected less than 2^${bits} units`)
  return value
}

function checkModelName(model: string, deployment: Deployment | undefined): void {
  buildOf(model)
  if (deployment === undefined) return
  const known = deployment.models.map(({ name }) => name)
  if (!known.includes(model)) throw new UnknownModelError(model, known)
}

function enginePolicyOf({ enginePolicy }: BatchFile, file: string, deployment: Deployment | undefined) {
  if (enginePolicy === undefined) {
    const { learning, margin } = required(deployment?.policy, 'enginePolicy', file)
    return { learning, margin }
  }
  if ('learning' in enginePolicy)
    return enginePolicy as { learning: Fields<'learningPolicy'>; margin: Fields<'marginPolicy'> }
  return encodeEnginePolicy(enginePolicy as EnginePolicy)
}

function required<Value>(value: Value | undefined, field: string, file: string): Value {
  if (value === undefined) throw new FileFieldError(file, field, 'this field is missing, and no deployment supplies it')
  return value
}

/** In a choice of forms, the issue of the form that came closest: the one refused deepest in. */
function issueOf(error: z.ZodError): { readonly path: string; readonly reason: string } {
  const [issue] = error.issues
  if (issue?.code !== 'invalid_union' || issue.errors.length === 0) return firstIssue(error)
  const forms = issue.errors.map(
    (issues) => new z.ZodError(issues.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))),
  )
  const fewest = forms.reduce((best, form) => (form.issues.length < best.issues.length ? form : best))
  return firstIssue(fewest)
}

/** A batch names a market that does not exist. */
export class UnknownMarketError extends ProverError {
  readonly code = 'registry.batch-market'
  readonly file: string
  readonly field: string
  readonly market: string

  constructor(file: string, field: string, market: string) {
    super(`${file}, ${field}: there is no market "${market}". Name one of the deployment, such as BTC-USD.`)
    this.file = file
    this.field = field
    this.market = market
  }
}
