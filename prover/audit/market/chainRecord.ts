/** Everything a chain says about one registry: what the auditor judges, and what an audit bundle holds. */
import { z } from 'zod'
import { builds } from '../../../circuits/statements/index.ts'
import type { AuditKey } from '../models.ts'
import { verificationKeySchema } from '../../registry/market/bundle.ts'
import { addressSchema, bytesSchema, digestSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'

/** Where an event stands: block, and index of the log within it. */
const at = { block: z.int().min(0), logIndex: z.int().min(0) }
const word = integerSchema(256)

const keyManifestSchema = z.strictObject({
  version: z.literal(1),
  circuit: z.string().max(64),
  kind: z.enum(['development', 'production']),
  contributions: z.int().min(0),
  r1csSha256: digestSchema,
  wasmSha256: digestSchema,
  zkeySha256: digestSchema,
  verificationKeySha256: digestSchema,
  createdAt: z.string().max(64),
  tools: z.record(z.string().max(64), z.string().max(64)),
})

type AnyBuildName = AuditKey['build']
const buildNames = builds.map(({ name }) => name) as [AnyBuildName, ...AnyBuildName[]]

const modelSchema = z.strictObject({
  modelId: hashSchema,
  verifier: addressSchema,
  /** Runtime code at the verifier's address. */
  verifierCode: bytesSchema,
  markets: z.int().min(0).max(255),
  observations: z.int().min(0).max(255),
  allowsBacklog: z.boolean(),
  layoutHash: hashSchema,
  verificationKeyHash: hashSchema,
  manifestHash: hashSchema,
  registered: z.strictObject(at),
  disabled: z.strictObject(at).nullable(),
  /** What the auditor brought for this model; null if nothing. */
  key: z
    .strictObject({
      build: z.enum(buildNames),
      verificationKey: verificationKeySchema,
      manifest: keyManifestSchema.nullable(),
      /** Runtime code that the auditor compiled from the key. */
      verifierCode: bytesSchema.nullable(),
    })
    .nullable(),
})

const policySchema = z.strictObject({
  ...at,
  kind: z.enum(['learning', 'margin', 'market', 'maxObservationAgeSeconds']),
  /** Zero unless kind is 'market'. */
  marketId: hashSchema,
  value: word,
})

const marketSchema = z.strictObject({
  ...at,
  marketId: hashSchema,
  source: addressSchema,
  volatilityState: word,
  anchorState: word,
  inboxHead: hashSchema,
  inboxCount: integerSchema(40),
  /** At the last block of the record. */
  final: z.strictObject({
    stateHash: hashSchema,
    parametersAndSequence: word,
    inboxHead: hashSchema,
    inboxCount: integerSchema(40),
  }),
})

const observationSchema = z.strictObject({
  ...at,
  source: addressSchema,
  marketId: hashSchema,
  count: integerSchema(40),
  word,
})

const batchSchema = z.strictObject({
  ...at,
  transactionHash: hashSchema,
  timestamp: z.int().min(0),
  submitter: addressSchema,
  modelId: hashSchema,
  commitment: word,
  /** Null if it came through another contract and the node could not trace it. */
  calldata: bytesSchema.nullable(),
  updates: z.array(z.strictObject({ marketId: hashSchema, parametersAndSequence: word })),
})

export const chainRecordSchema = z.strictObject({
  context: z.strictObject({
    chainId: integerSchema(64),
    registry: addressSchema,
    modelRegistry: addressSchema,
    fromBlock: z.int().min(0),
    toBlock: z.int().min(0),
    toBlockHash: hashSchema,
  }),
  models: z.array(modelSchema),
  policies: z.array(policySchema),
  markets: z.array(marketSchema),
  observations: z.array(observationSchema),
  batches: z.array(batchSchema),
})

export type ChainRecord = z.infer<typeof chainRecordSchema>
export type ModelRecord = ChainRecord['models'][number]
export type MarketRecord = ChainRecord['markets'][number]
export type BatchRecord = ChainRecord['batches'][number]
