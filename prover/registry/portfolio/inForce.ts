/** What is in force of an account, and of all of them together: figures, what liquidations read, and how old they are, at one block. */
import { Contract, type Result } from 'ethers'
import { marketNameOf } from '../../market/marketId.ts'
import { interfaceOf } from '../artifacts.ts'
import { askWhetherRegistry } from '../connection.ts'
import { ask, ContractRevertError } from '../contractErrors.ts'
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
  /** Last proven, however old; undefined before the first. */
  readonly margin: (ProvenMargin & { readonly ageSeconds: bigint }) | undefined
  /** Proven with that margin; undefined where it was proven alone, whatever earlier ones had. */
  readonly thresholds: ProvenThresholds | undefined
  /** Whether whatever adds risk reads it, or why not. */
  readonly status: 'in-force' | 'stale' | 'of-other-positions' | 'not-proven'
  /** What liquidations read; undefined without any evidence. */
  readonly forLiquidation:
    | { readonly margin: ProvenMargin; readonly liquidatable: boolean; readonly ageSeconds: bigint }
    | undefined
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
  const arrays = new Contract(ofArrays, interfaceOf('RiskArrays'), client.provider)
  const [reported, { marketId }, freshness, unsafe, thresholds, liquidation, status] = await Promise.all([
    read('accountOf', account),
    client.roundSource(),
    ask<Result>('Reading portfolioFreshness', () => arrays.getFunction('portfolioFreshness')({ blockTag: block })),
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
    margin: unsafe && { ...marginIn(unsafe[0].toObject() as MarginAnswer), ageSeconds: unsafe[1] },
    thresholds: thresholds && thresholdsIn(thresholds[0].toObject() as ProvenThresholds),
    status,
    forLiquidation: liquidation && {
      margin: marginIn(liquidation[0].toObject() as MarginAnswer),
      liquidatable: liquidation[1],
      ageSeconds: liquidation[2],
    },
  }
}

export type OpenInterestInForce = {
  /** Market whose rounds it rests on. */
  readonly market: string
  /** Of the last complete count, however old; undefined before the first. */
  readonly figures: (OpenInterest & { readonly ageSeconds: bigint }) | undefined
  /** From here on they are stale. */
  readonly maxAgeSeconds: bigint
  readonly underWay: CountUnderWay | undefined
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
  return {
    market: marketNameOf(marketId),
    figures: unsafe && { ...openInterestIn(unsafe[0].toObject() as OpenInterest), ageSeconds: unsafe[1] },
    maxAgeSeconds,
    underWay: count.asOf === 0n ? undefined : count,
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

const notThere: readonly string[] = ['MarginNotYetProven', 'ThresholdsNotProven', 'OpenInterestNotComplete']

const refusals: Readonly<Record<string, AccountInForce['status']>> = {
  MarginNotYetProven: 'not-proven',
  MarginStale: 'stale',
  MarginOfOtherPositions: 'of-other-positions',
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
