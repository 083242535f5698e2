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
  type ChangeReport,
  changeText,
  formatAudit,
  type MarketReport,
  type MeanScore,
  type PromotionReport,
  skippedText,
} from './market/report.ts'
export { type AuditKey, pinsOfKeys } from './models.ts'
export type { AuditPins, PinnedDeployment, PinnedSource } from './pins.ts'
export type { Authority, RoleReport } from './deployed/authority.ts'
export type { ContractReport, DeployedReport } from './deployed/judge.ts'
export { committeeChangeText } from './deployed/report.ts'
export { auditPortfolio, isPortfolioRegistry, type PortfolioAudit } from './portfolio/audit.ts'
export { auditPortfolioOffline, writePortfolioAuditBundle } from './portfolio/auditBundle.ts'
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
export {
  type AuditedLeg,
  formatPortfolioAudit,
  type MarginReport,
  type PortfolioAuditReport,
} from './portfolio/report.ts'
export type { ClaimResult } from '../registry/claims.ts'
export { claimName } from './claimTitles.ts'
export { auditToJson, countText, exitCodeOf, type ModelReport, type Pin, type Telling } from './report.ts'
export type { AuditOptions } from './target.ts'
