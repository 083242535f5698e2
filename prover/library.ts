/**
 * What most programs need, by the names of the `zkrisk` command. Everything else is in `zk-risk-engine/prover`.
 *
 * @module zk-risk-engine
 */
export { ProverError } from './errors.ts'

// Prices in, parameters out
export { type PriceBar, type PriceOptions, type PriceRow, readBars, readPrices } from './market/prices.ts'
export { defaultPolicy } from './parameters/defaultPolicy.ts'
export type { Parameters, Policy } from './parameters/marketRisk.ts'
export {
  defaultEnginePolicy,
  defaultMarketPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
  type EnginePolicy,
  type MarketRiskPolicy,
} from './parameters/policy.ts'
export { type ReplayOptions, type ReplayPoint, type ReplaySeries, replay } from './parameters/replay.ts'

// Options
export { latestQuotes, type OptionChain, type OptionQuote, readChain } from './options/chain.ts'
export { type ExactOption, type ExactTerms, exactOption } from './options/exactOption.ts'
export type { Greeks, Svi } from './options/real.ts'
export { fitSvi, fittedVolatility, type SmilePoint, type SviFit } from './options/surface.ts'
export { type PriceAnswer, priceOption, type PriceRequest } from './service/answers/optionPrices.ts'

// Margins of an account
export type { ProvableMargin } from './portfolio/accountMargin.ts'
export type { Portfolio, PortfolioOverMarkets } from './portfolio/portfolio.ts'
export {
  type AccountOptions,
  formatMargin,
  type MarginAnswer,
  marginJson,
  marginOf,
  readAccount,
  readAccountOverMarkets,
} from './service/answers/margins.ts'
export { type AccountAnswer, accountAnswer, accountJson, formatAccount } from './service/answers/accountMargins.ts'
