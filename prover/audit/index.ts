/** Auditing: every number recomputed, every proof verified again. */
export { HistoryIncompleteError } from './history.ts'
export { audit, type Audit } from './market/audit.ts'
export {
  auditOffline,
  formatAuditBundle,
  parseAuditBundle,
  readAuditBundle,
  writeAuditBundle,
} from './market/auditBundle.ts'
export type { ChainRecord } from './market/chainRecord.ts'
export { judge } from './market/judge.ts'
export type { Computations } from './market/judgeBatch.ts'
export {
  type AuditReport,
  type BatchReport,
  formatAudit,
  type MarketReport,
  type MeanScore,
  type PromotionReport,
  skippedText,
} from './market/report.ts'
export type { AuditKey } from './models.ts'
export type { AuditPins } from './pins.ts'
export { auditPortfolio, isPortfolioRegistry, type PortfolioAudit } from './portfolio/audit.ts'
export {
  formatMarginBundle,
  MARGIN_BUNDLE_FORMAT,
  type MarginBundle,
  parseMarginBundle,
  ProofNotAtHandError,
  readMarginBundle,
  writeMarginBundle,
} from './portfolio/marginBundle.ts'
export { checkMarginBundle, type MarginPin, type MarginPins, type MarginVerdict } from './portfolio/marginVerdict.ts'
export { judgePortfolio } from './portfolio/judge.ts'
export type { PortfolioRecord } from './portfolio/record.ts'
export { formatPortfolioAudit, type MarginReport, type PortfolioAuditReport } from './portfolio/report.ts'
export { claimName } from './claimTitles.ts'
export { auditToJson, countText, exitCodeOf, type ModelReport, type Pin, type Telling } from './report.ts'
export type { AuditOptions } from './target.ts'
