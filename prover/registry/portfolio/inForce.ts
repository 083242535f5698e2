/** What is in force of an account, and of all of them together: figures, what liquidations read, and how old they are, at one block. */
import { Contract, type Result } from 'ethers'
import { marketNameOf } from '../../market/marketId.ts'
import { interfaceOf } from '../artifacts.ts'
import { askWhetherRegistry } from '../connection.ts'
import { ask, ContractRevertError } from '../contractErrors.ts'
import type { CrossClient, ProvenCrossMargin } from './crossClient.ts'
import { marginIn, type PortfolioClient, type ProvenMargin, type ProvenThresholds, thresholdsIn } from './client.ts'
import type { PortfolioFreshness } from './deploy.ts'
import { type CountUnderWay, type OpenInterest, openInterestIn } from './openInterest.ts'

export type AccountInForce = {
  readonly account: string
  /** Market whose rounds margins rest on. */
  readonly market: string
  /** How often the venue has reported the account. */
  readonly reports: bigint
  readonly block: number
  /** The block's time, unix seconds: ages are counted to it. */
  readonly time: bigint
  readonly freshness: PortfolioFreshness
  /** Last proven, however old; undefined before the first. Its lag is how much older its round is than the newest. */
  readonly margin: (ProvenMargin & { readonly ageSeconds: bigint; readonly lagSeconds: bigint }) | undefined
  /** Proven with that margin; undefined where it was proven alone, whatever earlier ones had. */
  readonly thresholds: ProvenThresholds | undefined
  /** Whether whatever adds risk reads it, or why not. */
  readonly status: 'in-force' | 'stale' | 'of-other-positions' | 'not-proven'
  /** What liquidations read; undefined without any evidence. */
  readonly forLiquidation:
    | { readonly margin: ProvenMargin; readonly liquidatable: boolean; readonly ageSeconds: bigint }
    | undefined
}

/** A registry of margins: what it takes of rounds. */
export type PortfolioInForce = {
  readonly registry: string
  /** Holds the policy, and the arrays in force. */
  readonly arrays: string
  readonly market: string
  readonly policyVersion: bigint
  readonly freshness: PortfolioFreshness
  /** What the higher of two prices of a round may exceed the lower by. */
  readonly priceGapBps: bigint
  /** Undefined before the first. */
  readonly newestRound: { readonly asOf: bigint; readonly ageSeconds: bigint } | undefined
}

/** Margins of an account over several markets, as {@link AccountInForce} says those in one. */
export type CrossAccountInForce = {
  readonly account: string
  readonly markets: readonly string[]
  readonly reports: bigint
  /** The least that any of the markets allows. */
  readonly maxMarginAgeSeconds: bigint
  readonly margin: (ProvenCrossMargin & { readonly ageSeconds: bigint }) | undefined
  readonly status: AccountInForce['status']
}

type MarginAnswer = Record<keyof ProvenMargin, bigint>
type Read = <Answer = Result>(method: string, ...args: readonly unknown[]) => Promise<Answer>

/** @throws {@link RpcError} */
export async function readAccount(client: PortfolioClient, account: string): Promise<AccountInForce> {
  const latest = await ask('Reading the latest block', () => client.provider.getBlock('latest'))
  const block = latest?.number ?? 0
  const contract = new Contract(client.registry, interfaceOf('PortfolioRegistry'), client.provider)
  const read: Read = (method, ...args) =>
    ask(`Reading ${method}`, () => contract.getFunction(method)(...args, { blockTag: block }))
  const ofArrays: string = await askWhetherRegistry(client.registry, 'portfolio registry', () =>
    contract.getFunction('arrays')({ blockTag: block }),
  )
  const readArrays = readerOf(client, ofArrays, block)
  const [reported, { marketId }, freshness, newest, unsafe, thresholds, liquidation, status] = await Promise.all([
    read('accountOf', account),
    client.roundSource(),
    readArrays('portfolioFreshness'),
    readArrays<bigint>('newestRound'),
    ifProven(read<[Result, bigint]>('unsafeMargin', account)),
    ifProven(read<[Result, bigint]>('unsafeThresholds', account)),
    ifProven(read<[Result, boolean, bigint]>('marginForLiquidation', account)),
    statusOf(read('marginOf', account)),
  ])
  return {
    account,
    market: marketNameOf(marketId),
    reports: reported.getValue('sequence'),
    block,
    time: BigInt(latest?.timestamp ?? 0),
    freshness: freshness.toObject() as PortfolioFreshness,
    margin: unsafe && withLag(marginIn(unsafe[0].toObject() as MarginAnswer), unsafe[1], newest),
    thresholds: thresholds && thresholdsIn(thresholds[0].toObject() as ProvenThresholds),
    status,
    forLiquidation: liquidation && {
      margin: marginIn(liquidation[0].toObject() as MarginAnswer),
      liquidatable: liquidation[1],
      ageSeconds: liquidation[2],
    },
  }
}

/** @throws {@link RpcError} */
export async function readCrossAccount(client: CrossClient, account: string): Promise<CrossAccountInForce> {
  const block = await ask('Reading the block number', () => client.provider.getBlockNumber())
  const contract = new Contract(client.registry, interfaceOf('CrossMarginRegistry'), client.provider)
  const read: Read = (method) =>
    ask(`Reading ${method}`, () => contract.getFunction(method)(account, { blockTag: block }))
  const [reported, unsafe, status, ...ages] = await Promise.all([
    read('crossAccountOf'),
    ifProven(read<[Result, bigint]>('unsafeCrossMargin')),
    statusOf(read('crossMarginOf')),
    ...client.markets.map(({ arrays }) => readerOf(client, arrays, block)('portfolioFreshness')),
  ])
  const mostOf = (freshness: Result): bigint => freshness.getValue('maxMarginAgeSeconds')
  return {
    account,
    markets: client.markets.map(({ marketId }) => marketNameOf(marketId)),
    reports: reported.getValue('sequence'),
    maxMarginAgeSeconds: ages.map(mostOf).reduce((least, age) => (age < least ? age : least)),
    margin: unsafe && { ...(unsafe[0].toObject() as ProvenCrossMargin), ageSeconds: unsafe[1] },
    status,
  }
}

export type OpenInterestInForce = {
  /** Market whose rounds it rests on. */
  readonly market: string
  /** Of the last complete count, however old; undefined before the first. */
  readonly figures: (OpenInterest & { readonly ageSeconds: bigint; readonly priceScale: number }) | undefined
  /** From here on they are stale. */
  readonly maxAgeSeconds: bigint
  /** With the first accounts that it still needs. */
  readonly underWay: (CountUnderWay & { readonly missing: readonly string[] }) | undefined
}

/** @throws {@link RpcError} */
export async function readOpenInterest(client: PortfolioClient): Promise<OpenInterestInForce> {
  const block = await ask('Reading the block number', () => client.provider.getBlockNumber())
  const address = await askWhetherRegistry(client.registry, 'portfolio registry', () => client.counts())
  const contract = new Contract(address, interfaceOf('OpenInterest'), client.provider)
  const read: Read = (method) => ask(`Reading ${method}`, () => contract.getFunction(method)({ blockTag: block }))
  const [{ marketId }, maxAgeSeconds, unsafe, underWay] = await Promise.all([
    client.roundSource(),
    read<bigint>('maxCountAgeSeconds'),
    ifProven(read<[Result, bigint]>('unsafeOpenInterest')),
    read('openInterestUnderWay'),
  ])
  const count = underWay.toObject() as CountUnderWay
  const figures = unsafe && openInterestIn(unsafe[0].toObject() as OpenInterest)
  return {
    market: marketNameOf(marketId),
    figures: figures && {
      ...figures,
      ageSeconds: unsafe[1],
      priceScale: await client.priceScaleOfCount(figures.asOf, block),
    },
    maxAgeSeconds,
    underWay: count.asOf === 0n ? undefined : { ...count, missing: await missingOf(client, count, block) },
  }
}

/** As many of a count's missing accounts are named. */
const NAMED = 3

/** The first of the accounts that a count still needs, in the order in which they were first reported. */
async function missingOf(
  client: PortfolioClient,
  { counted, accounts }: CountUnderWay,
  head: number,
): Promise<readonly string[]> {
  const named = Math.min(NAMED, Number(accounts - counted))
  const missing: string[] = []
  if (named === 0) return missing
  for (const account of await client.reportedAccounts(head)) {
    if ((await client.reportToCount(account)) !== 0n) missing.push(account)
    if (missing.length === named) break
  }
  return missing
}

const withLag = (margin: ProvenMargin, ageSeconds: bigint, newest: bigint) => ({
  ...{ ...margin, ageSeconds },
  lagSeconds: newest > margin.asOf ? newest - margin.asOf : 0n,
})

const readerOf =
  (client: Pick<PortfolioClient, 'provider'>, arrays: string, block: number): Read =>
  (method, ...args) => {
    const contract = new Contract(arrays, interfaceOf('RiskArrays'), client.provider)
    return ask(`Reading ${method}`, () => contract.getFunction(method)(...args, { blockTag: block }))
  }

/** What a registry of margins takes, of any account. @throws {@link RpcError}, {@link NotARegistryError} */
export async function readPortfolioRegistry(client: PortfolioClient): Promise<PortfolioInForce> {
  const latest = await ask('Reading the latest block', () => client.provider.getBlock('latest'))
  const [block, time] = [latest?.number ?? 0, BigInt(latest?.timestamp ?? 0)]
  const arrays = await askWhetherRegistry(client.registry, 'portfolio registry', () => client.arrays())
  const read = readerOf(client, arrays, block)
  const [{ marketId }, { version }, freshness, priceGapBps, asOf] = await Promise.all([
    client.roundSource(),
    client.policy(),
    read('portfolioFreshness'),
    read<bigint>('roundPriceGapBps'),
    read<bigint>('newestRound'),
  ])
  return {
    ...{ registry: client.registry, arrays, market: marketNameOf(marketId), policyVersion: version },
    freshness: freshness.toObject() as PortfolioFreshness,
    priceGapBps,
    newestRound: asOf === 0n ? undefined : { asOf, ageSeconds: time > asOf ? time - asOf : 0n },
  }
}

async function ifProven<Answer>(reading: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await reading
  } catch (error) {
    if (error instanceof ContractRevertError && notThere.includes(error.reason)) return undefined
    throw error
  }
}

const notThere: readonly string[] = [
  'MarginNotYetProven',
  'CrossMarginNotYetProven',
  'ThresholdsNotProven',
  'OpenInterestNotComplete',
]

const refusals: Readonly<Record<string, AccountInForce['status']>> = {
  MarginNotYetProven: 'not-proven',
  MarginStale: 'stale',
  MarginOfOtherPositions: 'of-other-positions',
  CrossMarginNotYetProven: 'not-proven',
  CrossMarginStale: 'stale',
  CrossMarginOfOtherPositions: 'of-other-positions',
}

/** As the contract answers whatever adds risk. */
async function statusOf(reading: Promise<unknown>): Promise<AccountInForce['status']> {
  try {
    await reading
    return 'in-force'
  } catch (error) {
    const status = error instanceof ContractRevertError ? refusals[error.reason] : undefined
    if (status === undefined) throw error
    return status
  }
}
