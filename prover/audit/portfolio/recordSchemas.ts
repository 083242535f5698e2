/** What records of margins have in common, as their bundles are read: a market's history, and transactions. */
import { z } from 'zod'
import { addressSchema, bytesSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'
import { at } from '../modelRecord.ts'

export const word = integerSchema(256)
export const time = integerSchema(64)
export const count = integerSchema(64)

/** Less than 2^96 either way, as margins and sums of Greeks are stored. */
export const signedSchema = z
  .string()
  .max(40)
  .regex(/^(?:0|-?[1-9][0-9]*)$/, 'expected a decimal integer without leading zeros')
  .transform((text) => BigInt(text))

/** Of prices, as a source's contract says it. */
const scaleSchema = z
  .string()
  .regex(/^(?:0|-?[1-9]\d?)$/, 'expected a whole number from -99 to 99')
  .transform((text) => BigInt(text))

export const logIndex = z.int().min(0)
export const ofAccount = { logIndex, account: addressSchema, asOf: time, sequence: count }

const roundSchema = z.strictObject({
  ...at,
  source: addressSchema,
  asOf: time,
  roundId: hashSchema,
  marketHash: hashSchema,
  expiryHashes: z.array(hashSchema),
  calldata: bytesSchema.nullable(),
})

/** An array that was accepted. */
export const arrayEventSchema = z.strictObject({
  ...{ name: z.literal('ArrayAccepted'), logIndex },
  ...{ arrayRoot: word, asOf: time, expiry: time, policyVersion: word },
})

/** Fields of one market's history. */
export const marketHistory = {
  policies: z.array(z.strictObject({ ...at, version: word, words: z.array(word) })),
  freshness: z.array(
    z.strictObject({ ...at, maxRoundAgeSeconds: time, maxMarginAgeSeconds: time, maxRoundLagSeconds: time }),
  ),
  priceGaps: z.array(z.strictObject({ ...at, gapBps: time })),
  roundSources: z.array(z.strictObject({ ...at, source: addressSchema, priceScale: scaleSchema })),
  rounds: z.array(roundSchema),
}

/** A policy in force. */
export const policySchema = z.strictObject({ version: word, words: z.array(word) })

/** Transactions with events of a kind. */
export const transactionsOf = <E extends z.ZodType>(event: E) =>
  z.array(
    z.strictObject({
      block: z.int().min(0),
      hash: hashSchema,
      timestamp: z.int().min(0),
      calls: z.array(bytesSchema).nullable(),
      events: z.array(event),
    }),
  )
