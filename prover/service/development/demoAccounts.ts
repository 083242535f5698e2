/** Accounts of `zkrisk serve --demo`: a venue that reports a few, and rounds at the prices of the crash as they come. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Provider, Wallet } from 'ethers'
import { marketIdOf } from '../../market/marketId.ts'
import { provableMargin } from '../../portfolio/accountMargin.ts'
import type { Portfolio } from '../../portfolio/portfolio.ts'
import { connectProvider, type Deployment, PortfolioClient, publishRound, roundOf } from '../../registry/index.ts'
import { attestRound, roundsDomain } from '../../registry/portfolio/rounds.ts'
import { positionWord } from '../../statement/optionBook.ts'
import { holdingsWords, roundWords } from '../../statement/portfolioMargin.ts'
import { expiryWords } from '../../statement/riskArray.ts'
import { readPortfolio } from '../../portfolio/input/schema.ts'
import { marginSizes } from '../answers/margins.ts'
import { roundFileName, roundFileOf } from '../daemon/accounts/roundBook.ts'
import { developmentKeys, FEED_SIGNER_KEYS, FEED_THRESHOLD } from './chain.ts'
import { portfolioKeysIfBuilt } from './portfolio.ts'

const MARKET = 'BTC-USD'
const EXPIRY = '2020-03-27T08:00:00Z'
const EXPIRY_SECONDS = BigInt(Date.parse(EXPIRY) / 1000)
const YEAR_SECONDS = 31_536_000
/** Of every strike, a year: as high as it was before the crash. */
const VOLATILITY = 0.65
/** What is held does not depend on it. */
const ANY_SPOT = 8000
/** Rounds may be published so long after their time. */
const DEADLINE_SECONDS = 86_400n

/** Cash, and what is held of the puts and calls of one expiry: a cushion, a thin one, a hedge. */
const accounts = [
  { address: `0x${'a1'.repeat(20)}`, cash: 9_000, puts: { 7000: -2 }, calls: { 9500: -1 } },
  { address: `0x${'b2'.repeat(20)}`, cash: 2_600, puts: { 7000: -2, 6000: 1 }, calls: {} },
  { address: `0x${'c3'.repeat(20)}`, cash: 4_000, puts: { 6000: 3 }, calls: { 9500: -1 } },
] as const

type DemoAccount = (typeof accounts)[number]

const optionsOf = ({ puts, calls }: DemoAccount): readonly object[] =>
  Object.entries({ put: puts, call: calls }).flatMap(([type, held]) =>
    Object.entries(held).map(([strike, quantity]) => ({ currency: 'BTC', expiry: EXPIRY, strike, type, quantity })),
  )

/** A portfolio file of one of them in the market at a time. */
function portfolioText(account: DemoAccount, asOf: bigint, spot: number): string {
  const years = Number(EXPIRY_SECONDS - asOf) / YEAR_SECONDS
  const svi = { a: (VOLATILITY ** 2 * years).toFixed(12), b: 0, rho: 0, m: 0, s: 1 }
  const expiries = [{ expiry: EXPIRY, forward: spot.toFixed(2), svi }]
  const market = { currency: 'BTC', asOf: Number(asOf), spot: spot.toFixed(2), expiries }
  return JSON.stringify({ account: { cash: account.cash, options: optionsOf(account) }, market })
}

const portfolioOf = (account: DemoAccount, asOf: bigint, spot: number): Portfolio =>
  readPortfolio(portfolioText(account, asOf, spot), 'the demonstration')

export class DemoAccounts {
  private readonly folder: string

  /** @param rounds - folder of their words */
  private constructor(rounds: string) {
    this.folder = rounds
  }

  /** Undefined where what margins take is not built: a demonstration builds nothing. */
  static async prepare(rounds: string): Promise<DemoAccounts | undefined> {
    const { portfolioMargin } = await portfolioKeysIfBuilt(['riskArray', 'optionBook', 'portfolioMargin'])
    if (portfolioMargin === undefined) return undefined
    mkdirSync(rounds)
    return new DemoAccounts(rounds)
  }

  /** A portfolio file, for a registry of margins in its market. */
  portfolioFile(asOf: bigint, spot: number): string {
    const file = join(dirname(this.folder), 'account.json')
    writeFileSync(file, portfolioText(accounts[0], asOf, spot))
    return file
  }

  /** The venue says what each account holds. */
  async report({ portfolio, chainId, block: fromBlock }: Deployment, rpc: string, asOf: bigint): Promise<void> {
    const provider = await connectProvider(rpc, chainId)
    try {
      const signer = new Wallet(developmentKeys.feeder, provider)
      const registry = portfolio?.registry ?? ''
      const venue = await PortfolioClient.connect({ registry, provider, signer, fromBlock })
      for (const each of accounts) {
        const { positions, account } = provableMargin(portfolioOf(each, asOf, ANY_SPOT), marginSizes)
        const { holdings: [word = 0n] = [], collateralAmounts = [] } = holdingsWords(account.holdings)
        await venue.reportAccount(each.address, positions.map(positionWord), word, collateralAmounts)
      }
    } finally {
      provider.destroy()
    }
  }

  /** Publishes a round at a price, its words in the folder before. */
  async publish({ portfolio, chainId }: Deployment, provider: Provider, asOf: bigint, spot: number): Promise<void> {
    const own = portfolioOf(accounts[0], asOf, spot)
    const { round } = provableMargin(own, marginSizes)
    const words = roundOf(marketIdOf(MARKET), asOf, roundWords(round), own.market.expiries.map(expiryWords))
    const file = roundFileOf(MARKET, words)
    writeFileSync(join(this.folder, roundFileName(file)), JSON.stringify(file))
    const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
    const rounds = portfolio?.rounds ?? ''
    const signed = await attestRound(roundsDomain(chainId, rounds), signers, words, asOf + DEADLINE_SECONDS)
    await publishRound(new Wallet(developmentKeys.feeder, provider), rounds, signed)
  }
}
