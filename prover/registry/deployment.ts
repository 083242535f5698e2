/** `deployment.json`: where an engine lives and what it was deployed with. */
import { AbiCoder, keccak256 } from 'ethers'
import { z } from 'zod'
import { MOST_MARKETS, type VolatilityModelName, volatilityModels } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { digestOfJson } from './digest.ts'
import { writeFileAtomic } from './atomicFile.ts'
import { jsonOf, readAtMost, textOf } from './sealedFile.ts'
import { addressSchema, firstIssue, hashSchema, integerSchema, wordSchema } from './wordSchemas.ts'
import { otherKindThan } from '../market/fileKind.ts'
import { type Plausibility, plausibilityFields } from '../market/plausibility.ts'
import type { KeyManifest } from '../proof/index.ts'

const volatilityModelNames = Object.keys(volatilityModels) as [VolatilityModelName, ...VolatilityModelName[]]

const MAX_BYTES = 1 << 20

/** How old observations may land and parameters be read, and what staleness costs; as `IRiskPolicy.FreshnessPolicy`. */
export const freshnessSchema = z.strictObject({
  maxObservationAgeSeconds: integerSchema(32),
  maxParameterAgeSeconds: integerSchema(32),
  stalenessAddOnPerHourX24: integerSchema(24),
  maintenanceMarginCapX24: integerSchema(24),
})

export const deployedModelSchema = z.strictObject({
  /** Name of the build in circuits/statements/index.ts. */
  name: z.string().min(1).max(64),
  modelId: hashSchema,
  verifier: addressSchema,
  /** sha256 of the verification key, as bytes32. */
  verificationKeyHash: hashSchema,
  manifestHash: hashSchema,
})

export const deployedMarketSchema = z.strictObject({
  name: z.string().min(1).max(66),
  marketId: hashSchema,
  source: addressSchema,
  /** Family of volatility models that it is bound to. */
  volatilityModel: z.enum(volatilityModelNames),
  block: z.int().min(0),
})

/** What a source takes for a market, as `IPlausibleInbox.Plausibility`. */
const plausibilitySchema = z.strictObject(
  Object.fromEntries(plausibilityFields.map((field) => [field, integerSchema(32)])) as Record<
    keyof Plausibility,
    ReturnType<typeof integerSchema>
  >,
)

const sourceName = z.string().min(1).max(64)

/** Contracts that a market's `source` may name; read as `IObservationSource`, whatever their kind. */
const deployedSourceSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    name: sourceName,
    kind: z.literal('attestedFeed'),
    address: addressSchema,
    signers: z.array(addressSchema).min(1).max(256),
    threshold: z.int().min(1),
    maxConfidenceBps: z.int().min(0).max(10_000),
    plausibility: plausibilitySchema.optional(),
  }),
  z.strictObject({ name: sourceName, kind: z.literal('other'), address: addressSchema }),
])

const deploymentFields = z.strictObject({
  format: z.literal('zk-risk-engine/deployment'),
  version: z.literal(2),
  chainId: integerSchema(64),
  /** Block from which on the engine's events are found. */
  block: z.int().min(0),
  layoutHash: hashSchema,
  addresses: z.strictObject({
    council: addressSchema,
    modelRegistry: addressSchema,
    registry: addressSchema,
  }),
  sources: z.array(deployedSourceSchema).min(1).max(64),
  policy: z.strictObject({
    learning: wordSchema('learningPolicy'),
    margin: wordSchema('marginPolicy'),
    freshness: freshnessSchema,
  }),
  models: z.array(deployedModelSchema).max(64),
  /** Where margins of accounts are held, if they are. */
  portfolio: z
    .strictObject({
      registry: addressSchema,
      /** Holds the arrays of the market's rounds, and the policy. */
      arrays: addressSchema,
      rounds: addressSchema,
      /** Whose rounds it takes. */
      market: z.string().min(1).max(66),
      models: z.array(deployedModelSchema).max(64),
    })
    .optional(),
  /** Where margins of accounts over several markets are held, if they are. */
  cross: z
    .strictObject({
      registry: addressSchema,
      rounds: addressSchema,
      /** In the registry's order, each with the contract of its arrays and policy. */
      markets: z
        .array(z.strictObject({ market: z.string().min(1).max(66), arrays: addressSchema }))
        .min(2)
        .max(MOST_MARKETS),
      models: z.array(deployedModelSchema).max(64),
    })
    .optional(),
  /** Venue whose liquidations a service tells of, if it is to. */
  venue: z.strictObject({ address: addressSchema, block: z.int().min(0).optional() }).optional(),
  /** Who trades the hedge of a registry's open interest, if a service is to tell of it. */
  hedge: z.strictObject({ agent: addressSchema, block: z.int().min(0).optional() }).optional(),
  markets: z.array(deployedMarketSchema).max(4096),
})

export const deploymentSchema = deploymentFields.superRefine(({ sources, markets }, context) => {
  for (const [i, { name }] of sources.entries()) {
    if (sources.findIndex((source) => source.name === name) === i) continue
    context.addIssue({ code: 'custom', path: ['sources', i, 'name'], message: 'another source has this name' })
  }
  for (const [i, market] of markets.entries()) {
    if (sources.some(({ address }) => address === market.source)) continue
    context.addIssue({
      code: 'custom',
      path: ['markets', i, 'source'],
      message: 'expected the address of one of `sources`',
    })
  }
})

export type FreshnessPolicy = z.infer<typeof freshnessSchema>
export type DeployedModel = z.infer<typeof deployedModelSchema>
export type DeployedMarket = z.infer<typeof deployedMarketSchema>
export type DeployedSource = z.infer<typeof deployedSourceSchema>
/** A source whose observations a committee signs. */
export type DeployedFeed = Extract<DeployedSource, { kind: 'attestedFeed' }>
export type Deployment = z.infer<typeof deploymentSchema>

/**
 * A source of a deployment by name; unnamed, the only one.
 *
 * @throws {@link SourceUnknownError}
 * @example
 * sourceOf(await readDeployment('deployment.json'), undefined).kind // → 'attestedFeed'
 */
export function sourceOf({ sources }: Deployment, name?: string): DeployedSource {
  const named = name === undefined ? sources : sources.filter((source) => source.name === name)
  const [source] = named
  if (source === undefined || named.length > 1) throw new SourceUnknownError(name, sources)
  return source
}

/**
 * As {@link sourceOf}, of the attested feeds.
 *
 * @throws {@link SourceUnknownError}
 * @example
 * const { signers, threshold } = attestedFeedOf(await readDeployment('deployment.json'))
 * threshold // → 2
 */
export function attestedFeedOf(deployment: Deployment, name?: string): DeployedFeed {
  const feeds = deployment.sources.filter((source) => source.kind === 'attestedFeed')
  return sourceOf({ ...deployment, sources: feeds }, name) as DeployedFeed
}

/**
 * Id of a model: the build's name, its key and the words' layout, so that another key is another model.
 *
 * @example
 * const { models, layoutHash } = await readDeployment('deployment.json')
 * const [{ name, verificationKeyHash, modelId }] = models
 * modelIdOf(name, verificationKeyHash, layoutHash) === modelId // → true
 */
export function modelIdOf(build: string, verificationKeyHash: string, layoutHash: string): string {
  const types = ['string', 'bytes32', 'bytes32']
  return keccak256(AbiCoder.defaultAbiCoder().encode(types, [build, verificationKeyHash, layoutHash]))
}

/**
 * sha256 of what a key's manifest says about the key itself, as bytes32. Left out is what may differ between machines that
 * have the same key: when it was fetched, by which tools, and the witness generator, which cannot make a wrong proof.
 */
export function manifestHashOf(manifest: KeyManifest): string {
  const { circuit, kind, contributions, r1csSha256, zkeySha256, verificationKeySha256 } = manifest
  return `0x${digestOfJson({ circuit, kind, contributions, r1csSha256, zkeySha256, verificationKeySha256 })}`
}

/**
 * Writes a deployment, whole or not at all.
 *
 * @example
 * await writeDeployment('copy.json', await readDeployment('deployment.json'))
 */
export async function writeDeployment(file: string, deployment: Deployment): Promise<void> {
  const replacer = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)
  await writeFileAtomic(file, `${JSON.stringify(deployment, replacer, 2)}\n`)
}

/**
 * Reads a deployment.
 *
 * @throws {@link UnreadableFileError} if it is no JSON file of a sensible size
 * @throws {@link DeploymentFieldError} naming the field that is missing, unknown, malformed or of an earlier version
 * @example
 * const { markets } = await readDeployment('deployment.json')
 * markets.map(({ name }) => name) // → ['BTC-USD', 'ETH-USD']
 */
export async function readDeployment(file: string): Promise<Deployment> {
  const json = jsonOf(textOf(await readAtMost(file, MAX_BYTES), MAX_BYTES, file), file)
  const other = otherKindThan('deployment', json)
  if (other !== undefined) throw new DeploymentFieldError(file, '', `expected a deployment, got ${other}`)
  if (typeof json === 'object' && json !== null && 'feed' in json) {
    throw new DeploymentFieldError(
      file,
      'feed',
      'version 2 of this file lists the feed, with its address, under `sources`',
    )
  }
  const parsed = deploymentSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const { path, reason } = firstIssue(parsed.error)
  throw new DeploymentFieldError(file, path, reason)
}

/** A deployment file has a field that is missing, unknown or malformed. */
export class DeploymentFieldError extends ProverError {
  readonly code = 'registry.deployment-field'
  readonly file: string
  readonly field: string

  constructor(file: string, field: string, reason: string) {
    super(`${file}${field === '' ? '' : `, ${field}`}: ${reason}. Deploy again, or correct the file.`)
    this.file = file
    this.field = field
  }
}

/** A deployment has no source of this name, or several and none was named. */
export class SourceUnknownError extends ProverError {
  readonly code = 'registry.source-unknown'
  readonly source: string | undefined
  readonly known: readonly string[]

  constructor(source: string | undefined, sources: readonly DeployedSource[]) {
    const known = sources.map(({ name }) => name)
    const wanted = source === undefined ? 'the only source' : `the source "${source}"`
    super(
      `Expected ${wanted} of observations, but the deployment has: ${known.join(', ') || 'none'}. Name one of them.`,
    )
    this.source = source
    this.known = known
  }
}
