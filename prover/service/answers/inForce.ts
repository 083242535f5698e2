/** `zkrisk read`: what a registry has in force, in per cent, seconds and units of the quote currency. */
import { isAddress } from 'ethers'
import { ProverError } from '../../errors.ts'
import { volatilityModelName } from '../../market/marketId.ts'
import { unitsOfScale } from '../../market/priceScale.ts'
import type { Parameters } from '../../parameters/marketRisk.ts'
import {
  type RpcAddress,
  connectProvider,
  type Deployment,
  PortfolioClient,
  readDeployment,
  RegistryClient,
} from '../../registry/index.ts'
import { CrossClient } from '../../registry/portfolio/crossClient.ts'
import {
  type AccountInForce,
  type CrossAccountInForce,
  type OpenInterestInForce,
  type PortfolioInForce,
  readAccount,
  readCrossAccount,
  readOpenInterest,
  readPortfolioRegistry,
} from '../../registry/portfolio/inForce.ts'
import { type Authority, readAuthority } from '../../registry/authority.ts'
import { netGreeksOf } from '../../registry/portfolio/openInterest.ts'
import { type HeldMarket, type InForce, readInForce } from '../../registry/market/inForce.ts'
import { exactMoney, exactPrice, isoTime } from '../text/figures.ts'
import { UsageError } from '../text/usageError.ts'

export type ReadPlace = {
  readonly rpc: RpcAddress
  /** One of both; a registry alone has no names of sources. */
  readonly deployment?: string | undefined
  readonly registry?: string | undefined
  readonly portfolio?: string | undefined
  /** Registry of margins over several markets. */
  readonly cross?: string | undefined
  readonly fromBlock?: number | undefined
  /** Whether the open interest of the portfolio registry is read, too. */
  readonly openInterest?: boolean | undefined
}

export type MarginsPercent = {
  readonly initialMarginPercent: number
  readonly maintenanceMarginPercent: number
  readonly liquidationThresholdPercent: number
  readonly maxLoanToValuePercent: number
}

export type MarketReading = {
  readonly market: string
  /** `shadow`: tried, and read by nobody. */
  readonly status: 'in-force' | 'stale' | 'not-proven' | 'shadow'
  readonly asOf: string | null
  readonly ageSeconds: number | null
  readonly sequence: number
  readonly parameters: (MarginsPercent & Readonly<Record<ParameterKey, number>>) | null
  /** What liquidations read: tightened where stale. */
  readonly forLiquidation: MarginsPercent | null
  readonly volatilityModel: string
  readonly build: string | null
  readonly modelId: string | null
  readonly source: { readonly name: string | null; readonly kind: string | null; readonly address: string }
  readonly lastBatch: { readonly block: number; readonly transactionHash: string } | null
}

type ParameterKey = 'volatilityPercent' | 'scanRangePercent' | 'horizonMoveDownPercent' | 'horizonMoveUpPercent'

export type AccountReading = {
  readonly account: string
  readonly market: string
  readonly quoteCurrency: string
  readonly status: AccountInForce['status']
  readonly asOf: string | null
  readonly ageSeconds: number | null
  readonly maxAgeSeconds: number
  /** How much older the margins' round is than the newest one. */
  readonly roundLagSeconds: number | null
  readonly reports: number
  /** Which report the margins are about. */
  readonly provenReport: number | null
  readonly aboveInitialMarginQuote: string | null
  readonly aboveMaintenanceMarginQuote: string | null
  readonly worstScenario: number | null
  /** Whether levels of spot were proven with the margins; null where nothing was. */
  readonly hasThresholds: boolean | null
  /** Levels of spot; null where none is within the grid, or none were proven. */
  readonly liquidationBelowQuote: string | null
  readonly liquidationAboveQuote: string | null
  readonly forLiquidation: {
    readonly liquidatable: boolean
    /** Null where only a witness spoke. */
    readonly aboveMaintenanceMarginQuote: string | null
    readonly ageSeconds: number
  } | null
}

/** Margins of an account over several markets; its figures are of all of them together. */
export type CrossAccountReading = {
  readonly account: string
  readonly markets: readonly string[]
  readonly quoteCurrency: string
  readonly status: AccountInForce['status']
  /** Of the oldest round behind them. */
  readonly asOf: string | null
  readonly ageSeconds: number | null
  readonly maxAgeSeconds: number
  readonly reports: number
  readonly provenReport: number | null
  readonly aboveInitialMarginQuote: string | null
  readonly aboveMaintenanceMarginQuote: string | null
  /** Of each market, in their order. */
  readonly worstScenarios: readonly number[] | null
}

/** What all accounts of a portfolio registry come to together. */
export type OpenInterestReading = {
  readonly market: string
  readonly quoteCurrency: string
  readonly status: 'complete' | 'stale' | 'not-counted'
  readonly asOf: string | null
  readonly ageSeconds: number | null
  readonly maxAgeSeconds: number
  readonly accounts: number | null
  readonly accountsBelowMaintenance: number | null
  /** Sum of probabilities of default over the horizon: how many accounts are expected to. */
  readonly expectedDefaults: number | null
  readonly expectedShortfallQuote: string | null
  /** Of options and perpetuals, for one unit of the asset; vega for a point of volatility. */
  readonly netDelta: number | null
  readonly netGamma: number | null
  readonly netVegaPerPointQuote: string | null
  readonly underWay: {
    readonly asOf: string
    readonly counted: number
    readonly accounts: number
    readonly openedAt: string
    /** The first accounts that it still needs. */
    readonly missing: readonly string[]
  } | null
}

/** A registry of margins: what it takes of rounds, and the newest one. */
export type PortfolioReading = {
  readonly registry: string
  readonly arrays: string
  readonly market: string
  readonly policyVersion: number
  readonly newestRound: { readonly asOf: string; readonly ageSeconds: number } | null
  readonly maxRoundAgeSeconds: number
  readonly maxRoundLagSeconds: number
  readonly maxMarginAgeSeconds: number
  readonly maxPriceGapPercent: number
}

export type RoleReading = {
  readonly role: string
  readonly account: string
  readonly delayHours: number
}

export type Reading = {
  readonly chainId: string
  readonly block: number
  readonly time: string
  readonly registry: string
  readonly modelRegistry: string
  readonly council: string
  readonly maxParameterAgeSeconds: number
  readonly markets: readonly MarketReading[]
  /** Names of markets and shadows that nothing here takes: they are not read. */
  readonly untaken: readonly string[]
  /** Null where none is known. */
  readonly portfolio: PortfolioReading | null
  readonly accounts: readonly AccountReading[]
  /** The same accounts in the registry of margins over several markets, where there is one. */
  readonly crossAccounts: readonly CrossAccountReading[]
  /** Null where it was not asked for. */
  readonly openInterest: OpenInterestReading | null
  readonly roles: readonly RoleReading[]
}

/** A registry that is asked again and again. */
export type Reader = { read(): Promise<Reading>; close(): void }

/**
 * Connects to what is to be read.
 *
 * @param names - of markets and shadows; all by default
 * @param accounts - of the portfolio registry
 * @throws {@link PlaceMissingError}, {@link AccountAddressError}, {@link NoPortfolioError}
 */
export async function openReader(
  place: ReadPlace,
  names: readonly string[],
  accounts: readonly string[],
): Promise<Reader> {
  const { rpc, deployment: file, fromBlock } = place
  const deployment = file === undefined ? undefined : await readDeployment(file)
  const registry = place.registry ?? deployment?.addresses.registry
  if (registry === undefined) throw new PlaceMissingError()
  const given = [place.portfolio, place.cross].filter((address) => address !== undefined)
  for (const address of [registry, ...accounts, ...given]) {
    if (!isAddress(address)) throw new AccountAddressError(address)
  }
  const portfolioRegistry = place.portfolio ?? deployment?.portfolio?.registry
  const crossRegistry = place.cross ?? deployment?.cross?.registry
  const isUnheld = accounts.length > 0 && portfolioRegistry === undefined && crossRegistry === undefined
  if (isUnheld || (place.openInterest === true && portfolioRegistry === undefined))
    throw new NoPortfolioError(file, accounts.length === 0 ? crossRegistry : undefined)
  const provider = await connectProvider(rpc, deployment?.chainId)
  try {
    const own = { provider, fromBlock: fromBlock ?? deployment?.block ?? 0 }
    const client = await RegistryClient.connect({ ...own, registry })
    const portfolio =
      portfolioRegistry === undefined
        ? undefined
        : await PortfolioClient.connect({ ...own, registry: portfolioRegistry })
    const cross =
      crossRegistry === undefined ? undefined : await CrossClient.connect({ ...own, registry: crossRegistry })
    return {
      read: async () => {
        const held = await readInForce(client, names.length === 0 ? undefined : names)
        const authority = await readAuthority(provider, { council: held.council, contracts: [], ...own })
        const standings: Standings = { inOne: [], inSeveral: [] }
        for (const account of accounts) {
          if (portfolio !== undefined) standings.inOne.push(await readAccount(portfolio, account))
          if (cross !== undefined) standings.inSeveral.push(await readCrossAccount(cross, account))
        }
        const margins = portfolio === undefined ? null : portfolioReading(await readPortfolioRegistry(portfolio))
        const isWhole = portfolio !== undefined && place.openInterest === true
        const openInterest = isWhole ? openInterestReading(await readOpenInterest(portfolio)) : null
        return { ...readingOf(client, held, { standings, margins }, authority, deployment), openInterest }
      },
      close: () => provider.destroy(),
    }
  } catch (error) {
    provider.destroy()
    throw error
  }
}

type Standings = { readonly inOne: AccountInForce[]; readonly inSeveral: CrossAccountInForce[] }

function readingOf(
  { chainId, registry }: RegistryClient,
  held: InForce,
  { standings, margins }: { readonly standings: Standings; readonly margins: PortfolioReading | null },
  { roles }: Authority,
  deployment: Deployment | undefined,
): Omit<Reading, 'openInterest'> {
  return {
    chainId: chainId.toString(),
    block: held.block,
    time: isoTime(held.time),
    registry,
    modelRegistry: held.modelRegistry,
    council: held.council,
    maxParameterAgeSeconds: Number(held.freshness.maxParameterAgeSeconds),
    markets: held.markets.map((market) => marketReading(market, deployment)),
    untaken: held.untaken,
    portfolio: margins,
    accounts: standings.inOne.map(accountReading),
    crossAccounts: standings.inSeveral.map(crossAccountReading),
    roles: roles.flatMap(({ name, members }) =>
      members.map(({ account, delaySeconds }) => ({ role: name, account, delayHours: delaySeconds / 3600 })),
    ),
  }
}

/** The same of a registry of margins. */
export function portfolioReading(held: PortfolioInForce): PortfolioReading {
  const { registry, arrays, market, policyVersion, freshness, priceGapBps, newestRound } = held
  return {
    ...{ registry, arrays, market, policyVersion: Number(policyVersion) },
    newestRound:
      newestRound === undefined
        ? null
        : { asOf: isoTime(newestRound.asOf), ageSeconds: Number(newestRound.ageSeconds) },
    maxRoundAgeSeconds: Number(freshness.maxRoundAgeSeconds),
    maxRoundLagSeconds: Number(freshness.maxRoundLagSeconds),
    maxMarginAgeSeconds: Number(freshness.maxMarginAgeSeconds),
    maxPriceGapPercent: Number(priceGapBps) / 100,
  }
}

/** A market or shadow in per cent and seconds. */
export function marketReading(held: HeldMarket, deployment: Deployment | undefined): MarketReading {
  const { parameters, forLiquidation, lastBatch } = held
  const source = deployment?.sources.find(({ address }) => address === held.source)
  return {
    market: held.name,
    status: statusOf(held),
    asOf: parameters === undefined ? null : isoTime(parameters.asOf),
    ageSeconds: parameters === undefined ? null : Number(held.ageSeconds),
    sequence: Number(held.sequence),
    parameters:
      parameters === undefined
        ? null
        : {
            ...marginsOf(parameters),
            volatilityPercent: percentX24(parameters.volatilityX24),
            scanRangePercent: percentX24(parameters.scanRangeX24),
            horizonMoveDownPercent: percentX24(parameters.horizonMoveDownX24),
            horizonMoveUpPercent: percentX24(parameters.horizonMoveUpX24),
          },
    forLiquidation: forLiquidation === undefined ? null : marginsOf(forLiquidation.parameters),
    volatilityModel: volatilityModelName(held.volatilityModel),
    build: lastBatch?.build ?? null,
    modelId: lastBatch?.modelId ?? null,
    source: { name: source?.name ?? null, kind: source?.kind ?? null, address: held.source },
    lastBatch: lastBatch === undefined ? null : { block: lastBatch.block, transactionHash: lastBatch.transactionHash },
  }
}

function statusOf({ parameters, forLiquidation }: HeldMarket): MarketReading['status'] {
  if (parameters === undefined) return 'not-proven'
  if (forLiquidation === undefined) return 'shadow'
  return forLiquidation.isStale ? 'stale' : 'in-force'
}

const percentX24 = (valueX24: bigint): number => (100 * Number(valueX24)) / 2 ** 24

/** Margins and limits of loans in per cent, every bit of them. */
export const marginsOf = (parameters: Parameters): MarginsPercent => ({
  initialMarginPercent: percentX24(parameters.initialMarginX24),
  maintenanceMarginPercent: percentX24(parameters.maintenanceMarginX24),
  liquidationThresholdPercent: percentX24(parameters.liquidationThresholdX24),
  maxLoanToValuePercent: percentX24(parameters.maxLoanToValueX24),
})

/** A threshold beyond the grid: none. */
const NO_LEVEL_E8 = 2n ** 48n - 1n

/** An account in units that people count in. */
export function accountReading(standing: AccountInForce): AccountReading {
  const { margin, thresholds, forLiquidation, market } = standing
  const level = (valueE8: bigint): string | null =>
    valueE8 === 0n || valueE8 === NO_LEVEL_E8
      ? null
      : exactPrice(valueE8, unitsOfScale(Number(thresholds?.priceScale ?? 0n)))
  return {
    account: standing.account,
    market,
    quoteCurrency: market.split('-').at(-1) ?? market,
    status: standing.status,
    asOf: margin === undefined ? null : isoTime(margin.asOf),
    ageSeconds: margin === undefined ? null : Number(margin.ageSeconds),
    maxAgeSeconds: Number(standing.freshness.maxMarginAgeSeconds),
    roundLagSeconds: margin === undefined ? null : Number(margin.lagSeconds),
    reports: Number(standing.reports),
    provenReport: margin === undefined ? null : Number(margin.sequence),
    aboveInitialMarginQuote: margin === undefined ? null : exactMoney(margin.initialE8),
    aboveMaintenanceMarginQuote: margin === undefined ? null : exactMoney(margin.maintenanceE8),
    worstScenario: margin === undefined ? null : margin.worstScenario,
    hasThresholds: margin === undefined ? null : thresholds !== undefined,
    liquidationBelowQuote: thresholds === undefined ? null : level(thresholds.liquidationDownE8),
    liquidationAboveQuote: thresholds === undefined ? null : level(thresholds.liquidationUpE8),
    forLiquidation:
      forLiquidation === undefined
        ? null
        : {
            liquidatable: forLiquidation.liquidatable,
            aboveMaintenanceMarginQuote: margin === undefined ? null : exactMoney(forLiquidation.margin.maintenanceE8),
            ageSeconds: Number(forLiquidation.ageSeconds),
          },
  }
}

/** Bits that a market's worst scenario takes in their word. */
const SCENARIO_BITS = 6n

/** An account over several markets in units that people count in. */
function crossAccountReading(standing: CrossAccountInForce): CrossAccountReading {
  const { account, markets, status, margin, reports, maxMarginAgeSeconds } = standing
  const of = <T>(part: (known: NonNullable<typeof margin>) => T): T | null =>
    margin === undefined ? null : part(margin)
  return {
    ...{ account, markets, status },
    quoteCurrency: markets[0]?.split('-').at(-1) ?? '',
    asOf: of(({ asOf }) => isoTime(asOf)),
    ageSeconds: of(({ ageSeconds }) => Number(ageSeconds)),
    maxAgeSeconds: Number(maxMarginAgeSeconds),
    reports: Number(reports),
    provenReport: of(({ sequence }) => Number(sequence)),
    aboveInitialMarginQuote: of(({ initialE8 }) => exactMoney(initialE8)),
    aboveMaintenanceMarginQuote: of(({ maintenanceE8 }) => exactMoney(maintenanceE8)),
    worstScenarios: of(({ worstScenarios }) =>
      markets.map((_, m) => Number((worstScenarios >> (SCENARIO_BITS * BigInt(m))) & (2n ** SCENARIO_BITS - 1n))),
    ),
  }
}

/** The open interest in units that people count in. */
export function openInterestReading({
  market,
  figures,
  maxAgeSeconds,
  underWay,
}: OpenInterestInForce): OpenInterestReading {
  const isStale = figures !== undefined && figures.ageSeconds > maxAgeSeconds
  const of = <T>(part: (known: NonNullable<typeof figures>) => T): T | null =>
    figures === undefined ? null : part(figures)
  const greeks = figures && netGreeksOf(figures, figures.priceScale)
  return {
    market,
    quoteCurrency: market.split('-').at(-1) ?? market,
    status: figures === undefined ? 'not-counted' : isStale ? 'stale' : 'complete',
    asOf: of(({ asOf }) => isoTime(asOf)),
    ageSeconds: of(({ ageSeconds }) => Number(ageSeconds)),
    maxAgeSeconds: Number(maxAgeSeconds),
    accounts: of(({ accounts }) => Number(accounts)),
    accountsBelowMaintenance: of(({ unhealthy }) => Number(unhealthy)),
    expectedDefaults: of(({ defaultProbabilityX32 }) => Number(defaultProbabilityX32) / 2 ** 32),
    expectedShortfallQuote: of(({ expectedShortfallE8 }) => exactMoney(expectedShortfallE8)),
    netDelta: greeks?.netDelta ?? null,
    netGamma: greeks?.netGamma ?? null,
    netVegaPerPointQuote: greeks === undefined ? null : exactMoney(greeks.netVegaPerPointE10, unitsOfScale(2)),
    underWay:
      underWay === undefined
        ? null
        : {
            asOf: isoTime(underWay.asOf),
            counted: Number(underWay.counted),
            accounts: Number(underWay.accounts),
            openedAt: isoTime(underWay.openedAt),
            missing: underWay.missing,
          },
  }
}

/** Nothing says where to read. */
export class PlaceMissingError extends UsageError {
  readonly code = 'service.place-missing'

  constructor() {
    super('Expected --deployment <file> or --registry <address>, got neither. Give the one at hand.')
  }
}

/** Something that is to be an address is none. */
export class AccountAddressError extends UsageError {
  readonly code = 'service.account-address'
  readonly address: string

  constructor(address: string) {
    const advice = /^0x[0-9a-fA-F]{40}$/.test(address)
      ? 'Its capitals are not those of its checksum (EIP-55): a digit of it is wrong, or give all of it in small letters.'
      : 'Check it for digits left out.'
    super(`Expected an address, 0x and 40 hexadecimal digits, got "${address}". ${advice}`)
    this.address = address
  }
}

/** No portfolio registry is known. */
export class NoPortfolioError extends ProverError {
  readonly code = 'service.no-portfolio'

  constructor(file: string | undefined, cross: string | undefined) {
    const others =
      cross === undefined ? ' or --cross <address>.' : `; the one over several markets, ${cross}, counts none.`
    super(
      `${file ?? 'The registry'} names no portfolio registry, which holds margins of accounts. Give --portfolio <address>${others}`,
    )
  }
}
