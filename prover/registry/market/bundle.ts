/**
 * The proof bundle: one file with everything that a batch claims and the proof of it. `zkrisk prove` writes it, `verify` checks
 * it without a chain, `submit` sends it.
 */
import { z } from 'zod'
import {
  type Build,
  type MarketBuildName,
  type MarketStateWord,
  marketBuilds,
  words,
} from '../../../circuits/statements/index.ts'
import type { Field } from '../../../circuits/statements/language.ts'
import { ProverError } from '../../errors.ts'
import { marketIdOf } from '../../market/marketId.ts'
import type { MarketState, Parameters } from '../../parameters/marketRisk.ts'
import {
  formatVerificationKey,
  type Groth16Proof,
  parseProof,
  parseVerificationKey,
  type VerificationKey,
  verificationKeyHash,
  verifyProof,
} from '../../proof/index.ts'
import { layoutHash } from '../../statement/layout.ts'
import { type MarketRiskBatch, type MarketRiskStatement, stateBatch } from '../../statement/marketRisk.ts'
import { partsBy } from '../../statement/marketState.ts'
import { writeFileAtomic } from '../atomicFile.ts'
import { modelIdOf } from '../deployment.ts'
import { type ClaimResult, compare } from '../claims.ts'
import { proofSchema, verificationKeySchema } from '../proofSchemas.ts'
import { readAtMost, seal, type SealedFormat, unseal } from '../sealedFile.ts'
import { addressSchema, hashSchema, integerSchema, stateSchema, wordSchema } from '../wordSchemas.ts'

/** Where in its source's inbox a market's batch starts: head and number of the observations consumed before. */
export type InboxPosition = { readonly source: string; readonly head: string; readonly count: bigint }

const buildNames = marketBuilds.map(({ name }) => name) as [MarketBuildName, ...MarketBuildName[]]

const bundleSchema = z.strictObject({
  context: z.strictObject({
    chainId: integerSchema(64),
    registry: addressSchema,
    modelId: hashSchema,
    build: z.enum(buildNames),
    layoutHash: hashSchema,
    verificationKeyHash: hashSchema,
  }),
  policy: z.strictObject({ learning: wordSchema('learningPolicy'), margin: wordSchema('marginPolicy') }),
  markets: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(31),
        sequence: integerSchema(26),
        inbox: z.strictObject({ source: addressSchema, head: hashSchema, count: integerSchema(40) }),
        previous: stateSchema,
        policy: wordSchema('marketPolicy'),
        observations: z.array(wordSchema('observation')).min(1).max(256),
        state: stateSchema,
        parameters: wordSchema('parameters'),
      }),
    )
    .min(1)
    .max(256),
  commitment: integerSchema(254),
  publicSignals: z.strictObject({
    commitment: integerSchema(254),
    evaluation: integerSchema(254),
    challenge: integerSchema(248),
  }),
  proof: proofSchema,
  verificationKey: verificationKeySchema,
})

export type Bundle = z.infer<typeof bundleSchema>

const bundleFormat: SealedFormat<Bundle> = {
  format: 'zk-risk-engine/bundle',
  version: 1,
  content: bundleSchema,
  maxBytes: 1 << 20,
}

/** What a bundle must agree with; whatever is left out is taken from the bundle itself and so proves nothing about it. */
export type BundlePins = {
  /** sha256 of the verification key, 0x-hexadecimal. */
  readonly verificationKeyHash?: string
  readonly chainId?: bigint
  readonly registry?: string
}

const bundlePins = ['verificationKeyHash', 'chainId', 'registry'] as const satisfies readonly (keyof BundlePins)[]

export type BundleVerdict = {
  /** Every claim holds, under a key that was pinned from outside. */
  readonly valid: boolean
  /** Every claim holds, whatever was pinned: of an unpinned bundle only that it agrees with itself. */
  readonly consistent: boolean
  /** Whether the verification key was pinned from outside. */
  readonly pinned: boolean
  /** Pins that nobody gave; of what they are about the bundle's own word is all there is. */
  readonly missing: readonly (keyof BundlePins)[]
  readonly claims: readonly ClaimResult[]
  /** The first claim that does not hold. */
  readonly failure?: ClaimResult
}

/** Puts a proven statement into a bundle. */
export function makeBundle(
  statement: MarketRiskStatement,
  inboxes: readonly InboxPosition[],
  names: readonly string[],
  proof: Groth16Proof,
  verificationKey: VerificationKey,
): Bundle {
  const { batch, updates, commitment, evaluation, challenge } = statement
  return {
    context: {
      chainId: batch.chainId,
      registry: batch.registry,
      modelId: batch.modelId,
      build: batch.build.name as MarketBuildName,
      layoutHash: layoutHash('marketRisk'),
      verificationKeyHash: `0x${verificationKeyHash(verificationKey)}`,
    },
    policy: { learning: batch.learning, margin: batch.margin },
    markets: batch.markets.map((market, i) => ({
      name: names[i] as string,
      sequence: market.sequence,
      inbox: inboxes[i] as InboxPosition,
      previous: market.previous,
      policy: market.policy,
      observations: [...market.observations],
      state: (updates[i] as (typeof updates)[number]).state,
      parameters: (updates[i] as (typeof updates)[number]).parameters,
    })),
    commitment,
    publicSignals: { commitment, evaluation, challenge },
    proof,
    verificationKey: formatVerificationKey(verificationKey) as unknown as Bundle['verificationKey'],
  }
}

/**
 * The bundle's one text.
 *
 * @example
 * const bundle = await readBundle('bundle.json')
 * parseBundle(Buffer.from(formatBundle(bundle)), 'again').context.build === bundle.context.build // → true
 */
export function formatBundle(bundle: Bundle): string {
  return seal(bundleFormat, bundle)
}

/**
 * Writes a bundle, whole or not at all.
 *
 * @example
 * await writeBundle('copy.bundle.json', await readBundle('bundle.json'))
 */
export async function writeBundle(file: string, bundle: Bundle): Promise<void> {
  await writeFileAtomic(file, formatBundle(bundle))
}

/**
 * Reads a bundle; its claims are not checked yet, see {@link checkBundle}.
 *
 * @throws {@link UnreadableFileError}, {@link FileFieldError}, {@link SectionChangedError}, {@link NotCanonicalError}: whatever
 * byte was changed, and says where
 * @example
 * const { context } = await readBundle('bundle.json')
 * context.chainId // → 31337n
 */
export async function readBundle(file: string): Promise<Bundle> {
  return parseBundle(await readAtMost(file, bundleFormat.maxBytes), file)
}

/**
 * As {@link readBundle}, from memory.
 *
 * @example
 * import { readFileSync } from 'node:fs'
 * parseBundle(readFileSync('bundle.json'), 'bundle.json').markets.length // → 2
 */
export function parseBundle(bytes: Uint8Array, name: string): Bundle {
  return unseal(bundleFormat, bytes, name)
}

/** The batch a bundle is about. */
export function batchOf(bundle: Bundle): MarketRiskBatch {
  const { chainId, registry, modelId, build } = bundle.context
  return {
    build: buildOf(build),
    chainId,
    registry,
    modelId,
    ...bundle.policy,
    markets: bundle.markets.map(({ name, sequence, previous, observations, policy }) => ({
      marketId: marketIdOf(name),
      sequence,
      previous,
      observations,
      policy,
    })),
  }
}

/**
 * A build by name.
 *
 * @example
 * buildOf('marketRiskRange6x2').statement // → 'marketRisk'
 */
export function buildOf(name: string): Build {
  const build = marketBuilds.find((candidate) => candidate.name === name)
  if (build === undefined) throw new UnknownModelError(name, buildNames)
  return build
}

/**
 * Checks a bundle's every claim: context, every word the twin computes, the public signals, the proof with both verifiers.
 *
 * Never throws for a false bundle; says which claim fails first and where. Without a pinned key none is valid: whoever made the
 * bundle may have made the key, too. The verdict says what else was not pinned.
 *
 * @example
 * const { manifest } = await loadVerifyingKeys('marketRiskRange6x2')
 * const pins = { verificationKeyHash: `0x${manifest.verificationKeySha256}`, chainId: 31337n }
 * (await checkBundle(await readBundle('bundle.json'), pins)).valid // → true
 */
export async function checkBundle(bundle: Bundle, pins: BundlePins = {}): Promise<BundleVerdict> {
  const claims: ClaimResult[] = []
  claims.push(...checkContext(bundle, pins))
  try {
    const statement = await stateBatch(batchOf(bundle))
    claims.push(...checkOutputs(bundle, statement), ...checkSignals(bundle, statement))
  } catch (error) {
    if (!(error instanceof ProverError)) throw error
    claims.push({ claim: 'O1', holds: false, field: 'markets', found: error.message })
  }
  claims.push(await checkProof(bundle))
  const failure = claims.find(({ holds }) => !holds)
  const [consistent, pinned] = [failure === undefined, pins.verificationKeyHash !== undefined]
  const missing = bundlePins.filter((pin) => pins[pin] === undefined)
  const valid = consistent && pinned
  return { valid, consistent, pinned, missing, claims, ...(failure === undefined ? {} : { failure }) }
}

/** What a market arrives at: its state, and the parameters that follow. */
export type MarketResult = { readonly state: MarketState; readonly parameters: Parameters }

/** A word of a result as the twin has it and as it was found, field by field. */
type ComparedWord = {
  readonly word: MarketStateWord | 'parameters'
  readonly prefix: string
  readonly expected: object
  readonly found: object
}

/** Every word of a result, to be compared. */
export const resultWords = (
  at: { readonly state: string; readonly parameters: string },
  expected: MarketResult,
  found: MarketResult,
): readonly ComparedWord[] => [
  ...Object.values(
    partsBy((part, word) => ({
      word,
      prefix: `${at.state}.${part}`,
      expected: expected.state[part],
      found: found.state[part],
    })),
  ),
  { word: 'parameters', prefix: at.parameters, expected: expected.parameters, found: found.parameters },
]

/** Compares words field by field and returns one result per claim, in order of first appearance. */
export function compareFields(results: readonly ComparedWord[]): readonly ClaimResult[] {
  const claims = new Map<string, ClaimResult>()
  for (const { word, prefix, expected, found } of results) {
    for (const [field, value] of Object.entries(expected)) {
      const claim = claimOf(word, field)
      const given = (found as Record<string, unknown>)[field]
      if (claims.get(claim)?.holds === false) continue
      claims.set(claim, compare(claim, `${prefix}.${field}`, value, given))
    }
  }
  return [...claims.values()]
}

/** Which claim a field of a result rests on, as its declaration says. */
function claimOf(word: ComparedWord['word'], name: string): string {
  const fields: readonly Field[] = words[word].fields
  return fields.find((field) => field.name === name)?.claim ?? 'Q1'
}

function checkContext(bundle: Bundle, pins: BundlePins): readonly ClaimResult[] {
  const { context, verificationKey } = bundle
  const layout = layoutHash('marketRisk')
  const keyHash = keyHashOf(verificationKey)
  return [
    compare('context', 'context.layoutHash', layout, context.layoutHash),
    compare('context', 'context.verificationKeyHash', pins.verificationKeyHash ?? keyHash, context.verificationKeyHash),
    compare('context', 'verificationKey', context.verificationKeyHash, keyHash),
    compare('context', 'context.chainId', pins.chainId ?? context.chainId, context.chainId),
    compare('context', 'context.registry', pins.registry ?? context.registry, context.registry),
    compare(
      'context',
      'context.modelId',
      modelIdOf(context.build, context.verificationKeyHash, context.layoutHash),
      context.modelId,
    ),
  ]
}

function keyHashOf(verificationKey: Bundle['verificationKey']): string {
  try {
    return `0x${verificationKeyHash(parseVerificationKey(verificationKey))}`
  } catch (error) {
    if (error instanceof ProverError) return error.code
    throw error
  }
}

function checkOutputs(bundle: Bundle, { updates }: MarketRiskStatement): readonly ClaimResult[] {
  return compareFields(
    bundle.markets.flatMap((market, i) => {
      const at = { state: `markets[${i}].state`, parameters: `markets[${i}].parameters` }
      return resultWords(at, updates[i] as (typeof updates)[number], market)
    }),
  )
}

function checkSignals(bundle: Bundle, statement: MarketRiskStatement): readonly ClaimResult[] {
  const { commitment, publicSignals } = bundle
  return [
    compare('Q2', 'commitment', statement.commitment, commitment),
    compare('Q2', 'publicSignals.commitment', statement.commitment, publicSignals.commitment),
    compare('Q3', 'publicSignals.challenge', statement.challenge, publicSignals.challenge),
    compare('Q3', 'publicSignals.evaluation', statement.evaluation, publicSignals.evaluation),
  ]
}

async function checkProof({ verificationKey, proof, publicSignals }: Bundle): Promise<ClaimResult> {
  try {
    const { commitment, evaluation, challenge } = publicSignals
    const claim = { proof, publicSignals: [commitment, evaluation, challenge] }
    const verdict = await verifyProof(parseVerificationKey(verificationKey), claim)
    if (verdict.accepted) return { claim: 'proof', holds: true }
    return { claim: 'proof', holds: false, field: 'proof', found: verdict.reason.message }
  } catch (error) {
    if (!(error instanceof ProverError)) throw error
    return { claim: 'proof', holds: false, field: 'verificationKey', found: error.message }
  }
}

/** The proof's points; refuses what no verifier would take. */
export function proofPointsOf({ proof }: Bundle): ReturnType<typeof parseProof> {
  return parseProof(proof)
}

/** There is no build, or no deployed model, of this name. */
export class UnknownModelError extends ProverError {
  readonly code = 'registry.unknown-model'
  readonly model: string

  constructor(model: string, known: readonly string[]) {
    super(`There is no model "${model}". Expected one of: ${known.join(', ')}.`)
    this.model = model
  }
}
