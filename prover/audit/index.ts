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
export { HistoryIncompleteError } from './collect.ts'
export { type AuditPins, judge } from './judge.ts'
export type { AuditKey } from './models.ts'
export { auditPortfolio, isPortfolioRegistry, type PortfolioAudit } from './portfolio.ts'
export { judgePortfolio } from './portfolioJudge.ts'
export type { PortfolioRecord } from './portfolioRecord.ts'
export { formatPortfolioAudit, type MarginReport, type PortfolioAuditReport } from './portfolioReport.ts'
export {
  type AuditReport,
  auditToJson,
  type BatchReport,
  exitCodeOf,
  formatAudit,
  type MarketReport,
  type ModelReport,
} from './report.ts'
