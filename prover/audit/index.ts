/** Auditing: every number recomputed, every proof verified again. */
export { audit, type Audit, type AuditOptions } from './market/audit.ts'
export {
  auditOffline,
  formatAuditBundle,
  parseAuditBundle,
  readAuditBundle,
  writeAuditBundle,
} from './market/auditBundle.ts'
export type { ChainRecord } from './market/chainRecord.ts'
export { HistoryIncompleteError } from './market/collect.ts'
export { type AuditPins, judge } from './market/judge.ts'
export type { AuditKey } from './models.ts'
export { auditPortfolio, isPortfolioRegistry, type PortfolioAudit } from './portfolio/audit.ts'
export { judgePortfolio } from './portfolio/judge.ts'
export type { PortfolioRecord } from './portfolio/record.ts'
export { formatPortfolioAudit, type MarginReport, type PortfolioAuditReport } from './portfolio/report.ts'
export {
  type AuditReport,
  auditToJson,
  type BatchReport,
  exitCodeOf,
  formatAudit,
  type MarketReport,
  type ModelReport,
} from './report.ts'
