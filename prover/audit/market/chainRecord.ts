/** Everything a chain says about one registry: what the auditor judges, and what an audit bundle holds. */
import { z } from 'zod'
import { GREATEST_PRICE_SCALE, LEAST_PRICE_SCALE } from '../../market/priceScale.ts'
import { addressSchema, bytesSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'
import { wordsBy } from '../../statement/marketState.ts'
import { deployedSchema } from '../deployed/record.ts'
import { at, lastPauseSchema, modelSchema, pauseEventSchema, stamped } from '../modelRecord.ts'

const word = integerSchema(256)
/** Words of a state, by their names. */
const stateWords = wordsBy(() => word)
const volatilityModel = z.int().min(0).max(255)

/** As `IRiskPolicy.FreshnessPolicy` has them. */
export const freshnessFields = [
  'maxObservationAgeSeconds',
  'maxParameterAgeSeconds',
  'stalenessAddOnPerHourX24',
  'maintenanceMarginCapX24',
] as const

const policySchema = z.strictObject({
  ...at,
  /** One event sets all of freshness. */
  kind: z.enum(['learning', 'margin', 'market', ...freshnessFields]),
  /** Zero unless kind is 'market'; a shadow's policy stands under its own id. */
  marketId: hashSchema,
  value: word,
})

/** A market or a shadow that was added; a shadow once for each time. */
const marketSchema = z.strictObject({
  ...at,
  marketId: hashSchema,
  source: addressSchema,
  /** Family of volatility models that it was bound to. */
  volatilityModel,
  ...stateWords,
  inboxHead: hashSchema,
  inboxCount: integerSchema(40),
  /** At the last block of the record. */
  final: z.strictObject({
    /** That it is bound to by then; 0 of a shadow that was removed. */
    volatilityModel,
    stateHash: hashSchema,
    parametersAndSequence: word,
    /** Of the inbox as a whole in which it stands. */
    inboxHead: hashSchema,
    inboxCount: integerSchema(40),
    /** What the chain holds of a shadow; null of a market, and of a shadow that was removed. */
    shadow: z
      .strictObject({
        ...stateWords,
        score: word,
        inboxHead: hashSchema,
        inboxCount: integerSchema(40),
      })
      .nullable(),
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

/** A batch tried a prediction of a shadow. */
const scoredSchema = z.strictObject({ ...at, shadowId: hashSchema, score: word })

const removalSchema = z.strictObject({ ...at, shadowId: hashSchema })

const promotionSchema = z.strictObject({
  ...at,
  timestamp: z.int().min(0),
  marketId: hashSchema,
  volatilityModel,
  previousModel: volatilityModel,
  ...stateWords,
  inboxHead: hashSchema,
  inboxCount: integerSchema(40),
  score: word,
  /** Zero if there was no control. */
  controlScore: word,
})

/** Observations of a market come from another source from here on. */
const rotationSchema = z.strictObject({
  ...stamped,
  marketId: hashSchema,
  source: addressSchema,
  previous: addressSchema,
})

/** A market or a shadow goes over to the source that is in force. */
const followingSchema = z.strictObject({
  ...stamped,
  marketId: hashSchema,
  source: addressSchema,
  ...stateWords,
  inboxHead: hashSchema,
  inboxCount: integerSchema(40),
})

/** k: the source's prices of the market are of 10^k units. */
const priceScaleSchema = z.strictObject({
  source: addressSchema,
  marketId: hashSchema,
  scale: z.int().min(LEAST_PRICE_SCALE).max(GREATEST_PRICE_SCALE),
})

const promotionPolicySchema = z.strictObject({
  leastPredictions: integerSchema(32),
  maxMarginStepX24: integerSchema(32),
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
  scores: z.array(scoredSchema),
  removals: z.array(removalSchema),
  promotions: z.array(promotionSchema),
  rotations: z.array(rotationSchema),
  followings: z.array(followingSchema),
  /** Of sources that tell prices of a market of more or less than one unit. */
  priceScales: z.array(priceScaleSchema),
  /** Of markets and sources; those of models stand with them. */
  pauses: z.array(pauseEventSchema),
  promotionPolicies: z.array(
    z.strictObject({ ...at, previous: promotionPolicySchema, current: promotionPolicySchema }),
  ),
  /** What promotions and batches are judged by, at the last block of the record. */
  inForce: z.strictObject({
    promotionPolicy: promotionPolicySchema,
    maxParameterAgeSeconds: integerSchema(32),
    pauses: z.array(lastPauseSchema),
  }),
  /** The contracts themselves. */
  deployed: deployedSchema,
})

export type ChainRecord = z.infer<typeof chainRecordSchema>
export type MarketRecord = ChainRecord['markets'][number]
export type BatchRecord = ChainRecord['batches'][number]
export type ScoredRecord = ChainRecord['scores'][number]
export type RemovalRecord = ChainRecord['removals'][number]
export type PromotionRecord = ChainRecord['promotions'][number]
export type RotationRecord = ChainRecord['rotations'][number]
export type FollowingRecord = ChainRecord['followings'][number]
export type PromotionPolicy = ChainRecord['inForce']['promotionPolicy']
