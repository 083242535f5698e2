/** An audit of margins over several markets that travels: one file, judged again without a chain. */
import { z } from 'zod'
import { writeFileAtomic } from '../../registry/atomicFile.ts'
import { isOfFormat, readAtMost, seal, type SealedFormat, unseal } from '../../registry/sealedFile.ts'
import { addressSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'
import { deployedSchema } from '../deployed/record.ts'
import { at, modelSchema } from '../modelRecord.ts'
import type { AuditPins } from '../pins.ts'
import { judgeCross } from './crossJudge.ts'
import type { CrossRecord } from './crossRecord.ts'
import type { CrossAuditReport } from './crossReport.ts'
import {
  arrayEventSchema,
  count,
  logIndex,
  marketHistory,
  ofAccount,
  policySchema,
  signedSchema,
  time,
  transactionsOf,
  word,
} from './recordSchemas.ts'

const words = z.array(word)
/** As many as margins are over, and a few: a longer list is hostile. */
const ofMarkets = <T extends z.ZodType>(each: T) => z.array(each).max(8)

const eventSchema = z.discriminatedUnion('name', [
  z.strictObject({ name: z.literal('CrossMarginProven'), ...ofAccount, margins: word }),
  z.strictObject({ name: z.literal('CrossMarginSkipped'), ...ofAccount }),
  z.strictObject({
    ...{ name: z.literal('CrossMarginsAccepted'), logIndex, asOf: time, subject: hashSchema },
    submitter: addressSchema,
  }),
])

const marketSchema = z.strictObject({
  ...marketHistory,
  arrays: addressSchema,
  marketId: hashSchema,
  source: addressSchema,
  policy: policySchema,
  transactions: transactionsOf(arrayEventSchema),
})

const reportSchema = z.strictObject({
  ...at,
  account: addressSchema,
  sequence: count,
  positions: ofMarkets(words),
  holdings: ofMarkets(word),
  collateralAmounts: words,
})

const marginSchema = z.strictObject({
  ...{ asOf: time, sequence: count },
  ...{ initialE8: signedSchema, maintenanceE8: signedSchema, worstScenarios: word },
})

const crossRecordSchema: z.ZodType<CrossRecord> = z.strictObject({
  context: z.strictObject({
    chainId: integerSchema(64),
    registry: addressSchema,
    modelRegistry: addressSchema,
    emptyState: word,
    fromBlock: z.int().min(0),
    toBlock: z.int().min(0),
    toBlockHash: hashSchema,
  }),
  models: z.array(modelSchema),
  markets: ofMarkets(marketSchema),
  crossPolicies: z.array(z.strictObject({ ...at, words, maxRoundsApartSeconds: time })),
  reports: z.array(reportSchema),
  transactions: transactionsOf(eventSchema),
  final: z.strictObject({
    crossPolicy: z.strictObject({ words, maxRoundsApartSeconds: time }),
    accounts: z.array(
      z.strictObject({
        ...{ account: addressSchema, sequence: count, bookHash: hashSchema },
        margin: marginSchema.nullable(),
      }),
    ),
  }),
  deployed: deployedSchema,
})

const crossFormat: SealedFormat<CrossRecord> = {
  format: 'zk-risk-engine/cross-audit',
  version: 1,
  content: crossRecordSchema,
  maxBytes: 256 << 20,
}

/** The record's one text. */
export const formatCrossBundle = (record: CrossRecord): string => seal(crossFormat, record)

/** A record from its one text. */
export const parseCrossBundle = (bytes: Uint8Array, name: string): CrossRecord => unseal(crossFormat, bytes, name)

/** Writes an audit bundle of margins over several markets, whole or not at all. */
export async function writeCrossBundle(file: string, record: CrossRecord): Promise<void> {
  await writeFileAtomic(file, formatCrossBundle(record))
}

/** Whether a file says of itself that it is such a bundle. */
export const isCrossBundle = (file: string): Promise<boolean> => isOfFormat(file, crossFormat)

/**
 * Judges such a bundle without a chain.
 *
 * @throws {@link UnreadableFileError}, {@link FileFieldError}, {@link SectionChangedError}, {@link NotCanonicalError}
 */
export async function auditCrossOffline(file: string, pins: AuditPins = {}): Promise<CrossAuditReport> {
  return judgeCross(parseCrossBundle(await readAtMost(file, crossFormat.maxBytes), file), pins)
}
