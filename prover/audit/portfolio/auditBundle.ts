/** An audit of margins that travels: one file with everything the verdict rests on, judged again without a chain. */
import { z } from 'zod'
import { writeFileAtomic } from '../../registry/atomicFile.ts'
import { isOfFormat, readAtMost, seal, type SealedFormat, unseal } from '../../registry/sealedFile.ts'
import { addressSchema, hashSchema, integerSchema } from '../../registry/wordSchemas.ts'
import { deployedSchema } from '../deployed/record.ts'
import { at, modelSchema } from '../modelRecord.ts'
import type { AuditPins } from '../pins.ts'
import { judgePortfolio } from './judge.ts'
import type { PortfolioRecord } from './record.ts'
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
import type { PortfolioAuditReport } from './report.ts'

const eventSchema = z.discriminatedUnion('name', [
  arrayEventSchema,
  z.strictObject({
    ...{ name: z.literal('MarginProven'), ...ofAccount },
    ...{ margins: word, thresholds: word, spotGreeks: word, risk: word },
  }),
  z.strictObject({ name: z.literal('MarginProvenAlone'), ...ofAccount, margins: word }),
  z.strictObject({ name: z.literal('MarginSkipped'), ...ofAccount }),
  z.strictObject({
    ...{ name: z.literal('PortfolioAccepted'), logIndex, asOf: time, subject: hashSchema },
    ...{ counted: word, submitter: addressSchema },
  }),
  z.strictObject({
    ...{ name: z.literal('MarginsAccepted'), logIndex, asOf: time, subject: hashSchema },
    submitter: addressSchema,
  }),
  z.strictObject({ name: z.literal('AccountUnhealthy'), ...ofAccount, bound: word }),
])

const reportSchema = z.strictObject({
  ...at,
  standing: z.enum(['candidate', 'left']).optional(),
  account: addressSchema,
  sequence: count,
  positions: z.array(word),
  holdings: word,
  collateralAmounts: z.array(word),
})

const marginSchema = z.strictObject({
  asOf: time,
  sequence: count,
  initialE8: signedSchema,
  maintenanceE8: signedSchema,
})

export const portfolioRecordSchema: z.ZodType<PortfolioRecord> = z.strictObject({
  context: z.strictObject({
    chainId: integerSchema(64),
    registry: addressSchema,
    arrays: addressSchema,
    modelRegistry: addressSchema,
    rounds: addressSchema,
    marketId: hashSchema,
    emptyState: word,
    fromBlock: z.int().min(0),
    toBlock: z.int().min(0),
    toBlockHash: hashSchema,
  }),
  models: z.array(modelSchema),
  ...marketHistory,
  reports: z.array(reportSchema),
  taken: z.array(z.strictObject({ ...at, account: addressSchema })),
  counts: z.array(z.strictObject({ ...at, asOf: time, accounts: count, policyVersion: word, timestamp: time })),
  openInterests: z.array(
    z.strictObject({
      ...{ ...at, asOf: time, accounts: count, unhealthy: count },
      ...{ defaultProbabilityX32: word, expectedShortfallE8: word },
      ...{ deltaE12: signedSchema, gammaE20: signedSchema, vegaE8: signedSchema },
    }),
  ),
  transactions: transactionsOf(eventSchema),
  final: z.strictObject({
    policy: policySchema,
    accounts: z.array(
      z.strictObject({
        account: addressSchema,
        sequence: count,
        bookHash: hashSchema,
        margin: marginSchema.nullable(),
        liquidatable: z.boolean().nullable(),
      }),
    ),
  }),
  deployed: deployedSchema,
})

const portfolioFormat: SealedFormat<PortfolioRecord> = {
  format: 'zk-risk-engine/portfolio-audit',
  // 4: accounts are counted, and batches have no sums of their own. 5: rounds may come from several sources in turn.
  // 6: candidates are told from what is held.
  version: 6,
  content: portfolioRecordSchema,
  // About 100 kB a batch of three accounts with their books.
  maxBytes: 256 << 20,
}

/** The record's one text. */
export const formatPortfolioAuditBundle = (record: PortfolioRecord): string => seal(portfolioFormat, record)

/** A record from its one text. */
export const parsePortfolioAuditBundle = (bytes: Uint8Array, name: string): PortfolioRecord =>
  unseal(portfolioFormat, bytes, name)

/**
 * Writes an audit bundle of margins, whole or not at all.
 *
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { registry, block } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const keys = await portfolioAuditKeys()
 * const { record } = await auditPortfolio({ provider, registry, fromBlock: block, keys })
 * await writePortfolioAuditBundle('margins.audit.json', record)
 */
export async function writePortfolioAuditBundle(file: string, record: PortfolioRecord): Promise<void> {
  await writeFileAtomic(file, formatPortfolioAuditBundle(record))
}

/** Whether a file says of itself that it is one of margins in one market. */
export const isPortfolioAuditBundle = (file: string): Promise<boolean> => isOfFormat(file, portfolioFormat)

/**
 * Judges an audit bundle of margins without a chain, as {@link auditOffline} does one of markets.
 *
 * @throws {@link UnreadableFileError}, {@link FileFieldError}, {@link SectionChangedError}, {@link NotCanonicalError}
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { registry, block } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const keys = await portfolioAuditKeys()
 * const { record } = await auditPortfolio({ provider, registry, fromBlock: block, keys })
 * await writePortfolioAuditBundle('margins.audit.json', record)
 * const pins = { chainId: 31337n, registry, ...pinsOfKeys(keys) }
 * (await auditPortfolioOffline('margins.audit.json', pins)).accepted // → true
 */
export async function auditPortfolioOffline(file: string, pins: AuditPins = {}): Promise<PortfolioAuditReport> {
  return judgePortfolio(parsePortfolioAuditBundle(await readAtMost(file, portfolioFormat.maxBytes), file), pins)
}
