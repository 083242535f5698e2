/** Everything a chain says about one registry: what the auditor judges, and what an audit bundle holds. */
import { z } from 'zod'
import { addressSchema, bytesSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'
import { at, modelSchema } from '../modelRecord.ts'

const word = integerSchema(256)

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
  /** Family of volatility models that it is bound to. */
  volatilityModel: z.int().min(0).max(255),
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
export type MarketRecord = ChainRecord['markets'][number]
export type BatchRecord = ChainRecord['batches'][number]
