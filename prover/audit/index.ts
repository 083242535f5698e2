/** Auditing: every number recomputed, every proof verified again. */
export { audit, type Audit, type AuditOptions } from './audit.ts'
export {
  auditOffline,
  formatAuditBundle,
  parseAuditBundle,
  readAuditBundle,
  writeAuditBundle,
} from './auditBundle.ts'
export type { ChainRecord } from './chainRecord.ts'
export { type AuditKey, HistoryIncompleteError } from './collect.ts'
export { type AuditPins, judge } from './judge.ts'
export {
  type AuditReport,
  auditToJson,
  type BatchReport,
  exitCodeOf,
  formatAudit,
  type MarketReport,
  type ModelReport,
} from './report.ts'
