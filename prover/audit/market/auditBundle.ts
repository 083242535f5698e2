/** An audit that travels: one file with everything the verdict rests on, judged again without a chain. */
import { writeFileAtomic } from '../../registry/atomicFile.ts'
import { readAtMost, seal, type SealedFormat, unseal } from '../../registry/sealedFile.ts'
import { type ChainRecord, chainRecordSchema } from './chainRecord.ts'
import type { AuditPins } from '../pins.ts'
import { judge } from './judge.ts'
import type { AuditReport } from './report.ts'

const auditFormat: SealedFormat<ChainRecord> = {
  format: 'zk-risk-engine/audit',
  // 6: sources that tell prices of more or less than one unit.
  version: 6,
  content: chainRecordSchema,
  // About 6 kB a batch of eight markets: a year of hourly batches.
  maxBytes: 64 << 20,
}

/**
 * The record's one text.
 *
 * @example
 * const record = await readAuditBundle('audit.json')
 * formatAuditBundle(record).length > 0 // → true
 */
export function formatAuditBundle(record: ChainRecord): string {
  return seal(auditFormat, record)
}

/**
 * Writes an audit bundle, whole or not at all.
 *
 * @example
 * await writeAuditBundle('copy.audit.json', await readAuditBundle('audit.json'))
 */
export async function writeAuditBundle(file: string, record: ChainRecord): Promise<void> {
  await writeFileAtomic(file, formatAuditBundle(record))
}

/**
 * Reads an audit bundle; nothing is judged yet.
 *
 * @throws {@link UnreadableFileError}, {@link FileFieldError}, {@link SectionChangedError}, {@link NotCanonicalError}
 * @example
 * const { context } = await readAuditBundle('audit.json')
 * context.chainId // → 31337n
 */
export async function readAuditBundle(file: string): Promise<ChainRecord> {
  return parseAuditBundle(await readAtMost(file, auditFormat.maxBytes), file)
}

/**
 * As {@link readAuditBundle}, from memory.
 *
 * @example
 * import { readFileSync } from 'node:fs'
 * parseAuditBundle(readFileSync('audit.json'), 'audit.json').models.length > 0 // → true
 */
export function parseAuditBundle(bytes: Uint8Array, name: string): ChainRecord {
  return unseal(auditFormat, bytes, name)
}

/**
 * Judges an audit bundle without a chain. Whoever made the file chose which chain it shows: pin what you know, and compare
 * `toBlock` and the final states with a node you trust.
 *
 * @example
 * const { verificationKey } = await loadVerifyingKeys('marketRiskRange6x2')
 * const pins = { chainId: 31337n, verificationKeyHashes: [`0x${verificationKeyHash(verificationKey)}`] }
 * (await auditOffline('audit.json', pins)).batches.length // → 1
 */
export async function auditOffline(file: string, pins: AuditPins = {}): Promise<AuditReport> {
  return judge(await readAuditBundle(file), pins)
}
