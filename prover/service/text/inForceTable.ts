import type {
  AccountReading,
  CrossAccountReading,
  MarketReading,
  OpenInterestReading,
  PortfolioReading,
  Reading,
  RoleReading,
} from '../answers/inForce.ts'
import { whyUntaken } from '../../market/marketId.ts'
import { amount, priceWords } from '../../portfolio/amount.ts'
import { duration } from './figures.ts'
import { formatTable } from './table.ts'

const MARKETS = [
  'market',
  'status',
  'as of (UTC)',
  'age',
  'initial',
  'maintenance',
  'threshold',
  'max LTV',
  'volatility',
]
const MODELS = ['market', 'update', 'volatility model', 'proven by', 'block', 'source']

/** What is in force, as text for a terminal; ends with a line break. */
export function formatReading(reading: Reading): string {
  const { markets, portfolio, accounts, crossAccounts, roles, registry, chainId, block, time, maxParameterAgeSeconds } =
    reading
  const stale = markets.filter(({ status }) => status === 'stale')
  return `${[
    `Registry ${registry} on chain ${chainId}, block ${block} of ${time.replace('T', ' ').replace('Z', '')} UTC. Parameters count for ${duration(maxParameterAgeSeconds)}.`,
    '',
    markets.length === 0 ? 'No markets.' : formatTable(MARKETS, markets.map(marginCells)),
    ...(stale.length === 0 ? [] : ['', ...stale.map(staleLine)]),
    ...(reading.untaken.length === 0 ? [] : ['', ...reading.untaken.map((name) => `Not read: ${whyUntaken(name)}.`)]),
    ...(markets.length === 0 ? [] : ['', formatTable(MODELS, markets.map(modelCells))]),
    ...(portfolio === null ? [] : ['', ...portfolioLines(portfolio)]),
    ...accounts.flatMap((account) => ['', ...accountLines(account)]),
    ...crossAccounts.flatMap((account) => ['', ...crossAccountLines(account)]),
    ...(reading.openInterest === null ? [] : ['', ...openInterestLines(reading.openInterest)]),
    '',
    `Council ${reading.council}: ${roles.map(roleText).join('; ') || 'nobody has a role'}.`,
  ].join('\n')}\n`
}

const share = (percent: number | undefined, decimals = 2): string =>
  percent === undefined ? '–' : `${percent.toFixed(decimals)} %`

function marginCells({ market, status, asOf, ageSeconds, parameters }: MarketReading): readonly string[] {
  return [
    market,
    status.replace('-', ' '),
    asOf === null ? '–' : asOf.replace('T', ' ').replace('Z', ''),
    ageSeconds === null ? '–' : duration(ageSeconds),
    share(parameters?.initialMarginPercent),
    share(parameters?.maintenanceMarginPercent),
    share(parameters?.liquidationThresholdPercent),
    share(parameters?.maxLoanToValuePercent),
    share(parameters?.volatilityPercent, 1),
  ]
}

function modelCells({ market, sequence, volatilityModel, build, modelId, lastBatch, source }: MarketReading) {
  return [
    market,
    `${sequence}`,
    volatilityModel,
    build ?? modelId ?? '–',
    lastBatch === null ? '–' : `${lastBatch.block}`,
    source.name === null ? source.address : `${source.name} ${source.address}`,
  ]
}

const staleLine = ({ market, forLiquidation }: MarketReading): string =>
  `${market} is stale: plain reads are refused; liquidations read initial ${share(forLiquidation?.initialMarginPercent)}, ` +
  `maintenance ${share(forLiquidation?.maintenanceMarginPercent)}, threshold ${share(forLiquidation?.liquidationThresholdPercent)}.`

const reasons: Readonly<Record<AccountReading['status'], string>> = {
  'in-force': 'in force',
  stale: 'STALE: whatever adds risk is refused',
  'of-other-positions': 'OF OTHER POSITIONS than it has now: whatever adds risk is refused',
  'not-proven': 'no margin was proven yet',
}

function portfolioLines(reading: PortfolioReading): readonly string[] {
  const { registry, market, policyVersion, newestRound, maxPriceGapPercent } = reading
  const newest = newestRound === null ? 'none yet' : `${newestRound.asOf}, ${duration(newestRound.ageSeconds)} old`
  return [
    `Margins in ${registry} (${market}), under policy ${policyVersion}. They count for ${duration(reading.maxMarginAgeSeconds)}.`,
    `  newest round              ${newest}`,
    `  rounds are taken          up to ${duration(reading.maxRoundAgeSeconds)} old, ${duration(reading.maxRoundLagSeconds)} behind the newest (lag), prices ${maxPriceGapPercent} % apart (gap)`,
  ]
}

function accountLines(reading: AccountReading): readonly string[] {
  const { account, market, quoteCurrency, status, ageSeconds, reports, provenReport, forLiquidation } = reading
  const money = (quote: string | null): string =>
    quote === null ? 'none' : `${amount(Number(quote))} ${quoteCurrency}`
  const level = (quote: string | null): string =>
    quote === null ? 'none' : `${priceWords(Number(quote))} ${quoteCurrency}`
  const lines = [`Account ${account} (${market}): ${reasons[status]}.`]
  if (ageSeconds !== null) {
    lines.push(
      `  above initial margin      ${money(reading.aboveInitialMarginQuote)}`,
      `  above maintenance margin  ${money(reading.aboveMaintenanceMarginQuote)}`,
      `  as of                     ${reading.asOf}, ${duration(ageSeconds)} old of ${duration(reading.maxAgeSeconds)}, ${lagWords(reading.roundLagSeconds)}; report ${provenReport} of ${reports}`,
      reading.hasThresholds === true
        ? `  liquidated at             falls to ${level(reading.liquidationBelowQuote)}, rises to ${level(reading.liquidationAboveQuote)}`
        : '  liquidated at             not known: these margins were proven without thresholds',
    )
  }
  if (forLiquidation !== null) {
    const verdict = forLiquidation.liquidatable ? 'LIQUIDATABLE' : 'not to be liquidated'
    lines.push(`  read for liquidation      ${verdict}, evidence ${duration(forLiquidation.ageSeconds)} old`)
  }
  return lines
}

function crossAccountLines(reading: CrossAccountReading): readonly string[] {
  const { account, markets, quoteCurrency, status, ageSeconds, maxAgeSeconds, worstScenarios } = reading
  const lines = [`Account ${account} (${markets.join(' and ')} together): ${reasons[status]}.`]
  if (ageSeconds === null) return lines
  const money = (quote: string | null): string => `${amount(Number(quote))} ${quoteCurrency}`
  const scenarios = markets.map((market, m) => `${market} ${worstScenarios?.[m]}`)
  return [
    ...lines,
    `  above initial margin      ${money(reading.aboveInitialMarginQuote)}`,
    `  above maintenance margin  ${money(reading.aboveMaintenanceMarginQuote)}`,
    `  as of                     ${reading.asOf}, ${duration(ageSeconds)} old of ${duration(maxAgeSeconds)}; report ${reading.provenReport} of ${reading.reports}`,
    `  worst scenario of each    ${scenarios.join(', ')} (slots of the margin policy’s grid, from 0; 33 is the basis shock)`,
  ]
}

/** The open interest, as text for a terminal. */
export function openInterestLines(reading: OpenInterestReading): readonly string[] {
  const { market, quoteCurrency, status, accounts, underWay } = reading
  const said = {
    complete: 'complete',
    stale: 'STALE: plain reads are refused',
    'not-counted': 'no count was completed yet',
  }[status]
  const lines = [`Open interest (${market}): ${said}.`]
  if (accounts !== null) {
    lines.push(
      `  accounts with positions   ${accounts}, each once; below maintenance ${reading.accountsBelowMaintenance}`,
      `  expected defaults         ${(reading.expectedDefaults ?? 0).toPrecision(4)} (sum of probabilities of default)`,
      `  expected shortfall        ${reading.expectedShortfallQuote} ${quoteCurrency}`,
      `  net delta, gamma, vega    ${figure(reading.netDelta)}, ${figure(reading.netGamma)}, ${reading.netVegaPerPointQuote} ${quoteCurrency} a point of volatility`,
      `  as of                     ${reading.asOf}, ${duration(reading.ageSeconds ?? 0)} old of ${duration(reading.maxAgeSeconds)}`,
    )
  }
  if (underWay !== null) {
    const { counted, missing, asOf } = underWay
    const left = underWay.accounts - counted
    const more = left > missing.length ? ` and ${left - missing.length} more` : ''
    lines.push(
      `  count under way           ${counted} of ${underWay.accounts} accounts, of the round of ${asOf}`,
      ...(left === 0 ? [] : [`  not counted yet           ${left}: ${missing.join(', ')}${more}`]),
    )
  }
  return lines
}

const figure = (value: number | null): string => `${Number((value ?? 0).toPrecision(8))}`

const lagWords = (lagSeconds: number | null): string =>
  lagSeconds === null || lagSeconds === 0 ? 'of the newest round' : `${duration(lagSeconds)} behind the newest round`

const roleText = ({ role, account, delayHours }: RoleReading): string =>
  `${role} ${account} ${delayHours === 0 ? 'at once' : `after ${duration(delayHours * 3600)}`}`
