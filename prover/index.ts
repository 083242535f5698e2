/**
 * Everything that the `zkrisk` command does, as functions, and what they are made of.
 *
 * @module zk-risk-engine/prover
 */

export * from './library.ts'

export { type Build, marketBuilds, type MarketBuildName, sizeOf } from '../circuits/statements/index.ts'
export type { Fields, WordName } from '../circuits/statements/index.ts'

// Prices in
export { marketIdOf, marketNameOf } from './market/marketId.ts'
export {
  gatherBars,
  joinPrices,
  parseBars,
  parsePrices,
  type PriceBar,
  type PriceOptions,
  type PriceRow,
  readBars,
  readPrices,
} from './market/prices.ts'

// Parameters by the exact twin
export { type Backtest, backtest } from './parameters/backtest.ts'
export {
  changePolicy,
  encodePolicy,
  parsePolicy,
  readPolicyFile,
  startingPolicy,
  type StatedPolicy,
} from './parameters/policyFile.ts'
export { judgePolicies, type JudgedPolicy, type WorstHorizon } from './parameters/comparePolicies.ts'
export {
  type AnchorState,
  initialState,
  type MarketState,
  type MarketUpdate,
  type Observation,
  type Parameters,
  type Policy,
  updateMarket,
  type VolatilityState,
} from './parameters/marketRisk.ts'
export { realValues } from './parameters/real.ts'
export { type ModelScore, type PeriodScore, scoreOf, type SideScore } from './parameters/score.ts'

// Models and margin families beside the proven ones; the first portfolio margin is proven by the circuits of the second
export {
  type GarchOnGrid,
  type GarchParameters,
  type GarchWords,
  garchForecastUp,
  garchOfGrid,
  garchStep,
  garchWords,
} from './volatility/garch.ts'
export type { ModelInForce, PriceMove, Variances, VolatilityModel } from './volatility/model.ts'
export { type ModelName, modelNames, volatilityModel, volatilityModels } from './volatility/models.ts'
export { rangeMixtureStep } from './volatility/rangeMixture.ts'
export {
  netCalls,
  payoffAt,
  quoteCollateral,
  type StrikePosition,
  underlyingCollateralUp,
  worstPayoff,
} from './portfolio/unproven/expiryPayoff.ts'
export { linearMarginUp, perpPnl, skewedFillPrice, unsettledFunding } from './portfolio/unproven/perpMargin.ts'
export { type FirstMargin, type FirstRules, firstMargin } from './portfolio/unproven/pmrmFirst.ts'
export {
  type LognormalTail,
  lowerQuantile,
  lowerTailMean,
  type RiskFactors,
  riskFactorsUp,
  upperQuantile,
  upperTailMean,
} from './portfolio/unproven/lognormalTail.ts'
export { nakedPutMarginUp } from './portfolio/unproven/nakedPut.ts'
export {
  type OpenInterestTier,
  scaledInitialMarginPpm,
  tierInitialMarginUp,
} from './portfolio/unproven/openInterest.ts'
export { assetWeightDown, liabilityWeightUp } from './portfolio/unproven/sizePremium.ts'
export { type ScannedPosition, type ScanRisk, scanRisk } from './portfolio/unproven/scanRisk.ts'
export {
  type MarkedStrike,
  type StandardExpiry,
  type StandardMargins,
  type StandardMarket,
  type StandardRules,
  standardMargins,
} from './portfolio/unproven/standardManager.ts'

// Statements and proofs
export { type MarketBatch, type MarketRiskBatch, type MarketRiskStatement, stateBatch } from './statement/marketRisk.ts'
export type { StatementContext } from './statement/challenge.ts'
export { pack, unpack } from './statement/words.ts'
export * from './proof/index.ts'

// Prices and portfolios proven
export {
  type OfflinePrices,
  type PricesToProve,
  provePricesOffline,
  verifyPricesOffline,
} from './service/answers/offlinePrices.ts'
export { type PortfolioLanded, provePortfolios } from './service/daemon/portfolios/portfolios.ts'
export type {
  AccountToProve,
  PortfolioModel,
  PortfolioModels,
  PortfolioPlace,
} from './service/daemon/portfolios/place.ts'
export { policyOf, roundWordsOf } from './service/daemon/portfolios/sharedRound.ts'
export { type MarginProof, proveMargin } from './service/answers/marginProof.ts'

// The chain, the auditor, the service
export * from './registry/index.ts'
export * from './audit/index.ts'
export { type DemoOptions, type DemoResult, runDemo } from './service/development/demo.ts'
export { examine } from './service/answers/doctor.ts'
export type { Finding } from './service/answers/findings.ts'
export type { Job, JobStatus, JobStore } from './service/daemon/jobStore.ts'
export { type BatchToProve, type ProvenBundle, proveBatch } from './service/daemon/proving.ts'
export { type ReportSection, writeReport } from './service/report/report.ts'
export { SqliteJobStore } from './service/daemon/stores/sqliteJobStore.ts'
export { serve, type ServeEvent, type ServeOptions } from './service/daemon/serve.ts'
export { formatParameters } from './service/text/table.ts'
export { defaultTriggerPolicy, firedTrigger, type TriggerName, type TriggerPolicy } from './service/daemon/triggers.ts'
export { marketAuditKeys, portfolioAuditKeys } from './service/answers/auditing.ts'
export { loadKeys, loadVerifyingKeys } from './service/workspace.ts'
