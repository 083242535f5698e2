/** A liquidation at a venue and what it rests on: one file that explains it without a chain. */
import { z } from 'zod'
import { writeFileAtomic } from '../../../registry/atomicFile.ts'
import { readAtMost, seal, type SealedFormat, unseal } from '../../../registry/sealedFile.ts'
import { addressSchema, bytesSchema, hashSchema, integerSchema } from '../../../registry/wordSchemas.ts'
import { contractSchema } from '../../deployed/record.ts'
import { at } from '../../modelRecord.ts'
import { portfolioRecordSchema } from '../auditBundle.ts'

const time = integerSchema(64)
const amount = integerSchema(256)

/** Cash and margins, in the venue's words of less than 2^128 either way. */
const signedSchema = z
  .string()
  .max(40)
  .regex(/^(?:0|-?[1-9][0-9]*)$/, 'expected a decimal integer without leading zeros')
  .transform((text) => BigInt(text))

/** The venue's own words, as its event has them. */
const receiptSchema = z.strictObject({
  key: addressSchema,
  asOf: time,
  sequence: time,
  scenario: time,
  marginE8: signedSchema,
  fractionBps: time,
  notionalE12: amount,
  cashE12: signedSchema,
  bonusBps: signedSchema,
  coveredE12: amount,
  badDebtE12: amount,
})

const liquidationSchema = z.strictObject({
  ...at,
  transactionHash: hashSchema,
  /** Of its block. */
  timestamp: z.int().min(0),
  owner: addressSchema,
  liquidator: addressSchema,
  receipt: receiptSchema,
  /** Of the call that left it; null if it came through a contract that does not carry it whole, and the node cannot trace. */
  calldata: bytesSchema.nullable(),
})

/** What else the venue told that the liquidation follows from. */
const venueEventSchema = z.discriminatedUnion('name', [
  z.strictObject({
    ...at,
    name: z.literal('RulesSet'),
    auctionSeconds: time,
    startPayBps: time,
    endBonusBps: time,
    stepBps: time,
  }),
  z.strictObject({ ...at, name: z.literal('Flagged'), key: addressSchema, asOf: time, since: time }),
  z.strictObject({ ...at, name: z.literal('Deposited'), amount }),
  z.strictObject({ ...at, name: z.literal('Marked'), key: addressSchema, priceE8: time }),
])

const receiptRecordSchema = z.strictObject({
  liquidation: liquidationSchema,
  venue: z.strictObject({
    contract: contractSchema,
    orders: contractSchema,
    /** Of its token. */
    decimals: z.int().min(0).max(255),
  }),
  /** Of the account that was liquidated, and rules, before it. */
  events: z.array(venueEventSchema),
  /** Of the registry: what the evidence rests on. */
  portfolio: portfolioRecordSchema,
})

export type Liquidation = z.infer<typeof liquidationSchema>
export type VenueEvent = z.infer<typeof venueEventSchema>
export type ReceiptRecord = z.infer<typeof receiptRecordSchema>

const receiptFormat: SealedFormat<ReceiptRecord> = {
  format: 'zk-risk-engine/receipt',
  version: 1,
  content: receiptRecordSchema as z.ZodType<ReceiptRecord>,
  // Code of the contracts, and about 100 kB a proof.
  maxBytes: 64 << 20,
}

/** The record's one text. */
export const formatReceiptFile = (record: ReceiptRecord): string => seal(receiptFormat, record)

/** A record from its one text. */
export const parseReceiptFile = (bytes: Uint8Array, name: string): ReceiptRecord => unseal(receiptFormat, bytes, name)

/** Writes a receipt, whole or not at all. */
export const writeReceiptFile = (file: string, record: ReceiptRecord): Promise<void> =>
  writeFileAtomic(file, formatReceiptFile(record))

/** @throws {@link UnreadableFileError}, {@link FileFieldError}, {@link SectionChangedError}, {@link NotCanonicalError} */
export const readReceiptFile = async (file: string): Promise<ReceiptRecord> =>
  parseReceiptFile(await readAtMost(file, receiptFormat.maxBytes), file)
