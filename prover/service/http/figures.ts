/**
 * Figures of a chain as the HTTP interface gives them: each read once a block, one after the other, whoever asks how often.
 * Nothing here moves the chain, and nothing is made up where the chain has nothing.
 */
import type { Provider } from 'ethers'
import { isMarketName, volatilityModelName } from '../../market/marketId.ts'
import { meanScores } from '../../parameters/shadowScore.ts'
import { type Deployment, PortfolioClient, RegistryClient } from '../../registry/index.ts'
import { ask, RpcError } from '../../registry/contractErrors.ts'
import { readInForce } from '../../registry/market/inForce.ts'
import { readModelById } from '../../registry/models.ts'
import { readAccount, readOpenInterest, readPortfolioRegistry } from '../../registry/portfolio/inForce.ts'
import {
  type AccountReading,
  accountReading,
  type MarketReading,
  marketReading,
  type OpenInterestReading,
  openInterestReading,
  type PortfolioReading,
  portfolioReading,
} from '../answers/inForce.ts'
import { isoTime } from '../text/figures.ts'
import { AccountLedger, type RankedAccount } from './accounts.ts'
import { HedgeBook, type HedgeReading, unhedged } from './hedge.ts'
import { ChainSlowError, PartMissingError, ThingUnknownError } from './problems.ts'
import { MarketSeries, type SeriesPoint } from './series.ts'
import { type LiquidationsReading, VenueLedger } from './venue.ts'

/** The newest block, as the node told of it. */
export type Head = {
  readonly number: number
  /** Unix seconds, by the chain's clock. */
  readonly time: number
}

export type ModelReading = {
  readonly build: string
  readonly modelId: string
  readonly status: string
  readonly volatilityModel: string | null
  readonly verificationKeyHash: string
}

export type ScoreReading = {
  readonly market: string
  readonly model: string
  readonly isControl: boolean
  readonly predictions: number
  readonly scoreDown: number | null
  readonly scoreUp: number | null
}

export type FeedReading = {
  readonly market: string
  readonly source: string
  readonly kind: string
  readonly newestAsOf: string
  /** By the chain's clock. */
  readonly ageSeconds: number
  /** Appended and not proven yet. */
  readonly waiting: number
}

/** Readings that are remembered at once. */
const MOST_KEPT = 500
const isTaken = ({ name }: { readonly name: string }): boolean => isMarketName(name)

type Kept = {
  readonly block: number
  readonly value: Promise<unknown>
  /** Of the last reading that succeeded, in a box since it may be anything. */
  last: { readonly value: unknown } | undefined
}

/** A head is asked for again after this time. */
const HEAD_MS = 1000
const TIMEOUT_MS = 10_000
/** That a request waits for a reading; shorter where there is one of an earlier block. */
const PATIENCE_MS = 15_000
const SHORT_PATIENCE_MS = 5000

export class Figures {
  readonly deployment: Deployment
  private readonly provider: Provider
  private readonly client: RegistryClient
  private readonly portfolio: PortfolioClient | undefined
  private readonly series: MarketSeries
  private readonly ledger: AccountLedger | undefined
  private readonly venue: VenueLedger
  private readonly hedgeBook: HedgeBook | undefined
  private readonly kept = new Map<string, Kept>()
  private turn: Promise<unknown> = Promise.resolve()
  private lastHead: { readonly at: number; readonly head: Promise<Head> } | undefined

  private constructor(
    deployment: Deployment,
    provider: Provider,
    clients: { readonly market: RegistryClient; readonly portfolio: PortfolioClient | undefined },
  ) {
    const { addresses, block, portfolio } = deployment
    this.deployment = deployment
    this.provider = provider
    this.client = clients.market
    this.portfolio = clients.portfolio
    this.series = new MarketSeries(provider, addresses.registry, block)
    this.ledger = portfolio && new AccountLedger(provider, portfolio.registry, block)
    this.venue = new VenueLedger(provider, deployment)
    this.hedgeBook = deployment.hedge && new HedgeBook(provider, deployment.hedge, block)
  }

  /** With readers of its own: none shares what it remembers with the service. */
  static async open(deployment: Deployment, provider: Provider): Promise<Figures> {
    const own = { provider, expectedChainId: deployment.chainId, fromBlock: deployment.block }
    const market = await RegistryClient.connect({ ...own, registry: deployment.addresses.registry })
    const registry = deployment.portfolio?.registry
    const portfolio = registry === undefined ? undefined : await PortfolioClient.connect({ ...own, registry })
    return new Figures(deployment, provider, { market, portfolio })
  }

  get hasHedge(): boolean {
    return this.hedgeBook !== undefined
  }

  get hasPortfolio(): boolean {
    return this.portfolio !== undefined
  }

  /** At most a second old. @throws {@link RpcError} */
  head(): Promise<Head> {
    const now = performance.now()
    if (this.lastHead === undefined || now - this.lastHead.at > HEAD_MS) {
      const head = answered(ask('Reading the latest block', () => this.provider.getBlock('latest'))).then((block) => {
        if (block === null) throw new RpcError('Reading the latest block', new Error('the node has none'))
        return { number: block.number, time: block.timestamp }
      })
      this.lastHead = { at: now, head }
    }
    return this.lastHead.head
  }

  balance(address: string): Promise<bigint> {
    return answered(ask('Reading a balance', () => this.provider.getBalance(address)))
  }

  async markets(): Promise<readonly MarketReading[]> {
    return this.once('markets', async () => {
      const { markets } = await readInForce(this.client)
      return markets.map((market) => marketReading(market, this.deployment))
    })
  }

  /** @throws {@link ThingUnknownError} */
  async market(name: string): Promise<MarketReading> {
    const markets = await this.markets()
    const found = markets.find(({ market }) => market === name)
    if (found !== undefined) return found
    const known = markets.map(({ market }) => market).join(', ')
    throw new ThingUnknownError('market', `Expected one of the markets ${known}; there is no other in this registry.`)
  }

  async seriesOf(name: string): Promise<readonly SeriesPoint[]> {
    await this.market(name)
    return this.once(`series ${name}`, () => this.series.of(name))
  }

  async models(): Promise<readonly ModelReading[]> {
    const { models, addresses } = this.deployment
    return this.once('models', async () => {
      const found: ModelReading[] = []
      for (const { name: build, modelId } of models) {
        const model = await ask('Reading a model', () => readModelById(this.provider, addresses.modelRegistry, modelId))
        const { status, verificationKeyHash } = model
        const volatilityModel = model.volatilityModel === 0 ? null : volatilityModelName(model.volatilityModel)
        found.push({ ...{ build, modelId, status, volatilityModel, verificationKeyHash } })
      }
      return found
    })
  }

  async scores(): Promise<readonly ScoreReading[]> {
    // Before its turn, for a reading that waits for another one's turn in its own would wait for ever.
    const bound = new Map((await this.markets()).map(({ market, volatilityModel }) => [market, volatilityModel]))
    return this.once('scores', async () => {
      const { learning } = await this.client.policies()
      const found: ScoreReading[] = []
      for (const { name, market, volatilityModel } of (await this.client.shadows()).filter(isTaken)) {
        const score = await this.client.score(name)
        const means = score.predictions === 0n ? undefined : meanScores(score, learning)
        const model = volatilityModelName(volatilityModel)
        found.push({
          ...{ market, model, isControl: bound.get(market) === model, predictions: Number(score.predictions) },
          ...{ scoreDown: means?.down ?? null, scoreUp: means?.up ?? null },
        })
      }
      return found
    })
  }

  /** Observations of each market, as its source holds them. */
  async feeds(): Promise<readonly FeedReading[]> {
    return this.once('feeds', async () => {
      const { time } = await this.head()
      const found: FeedReading[] = []
      for (const { name, source } of (await this.client.markets()).filter(isTaken)) {
        const { state } = await this.client.market(name)
        const waiting = await this.client.waiting(name)
        const asOf = Number(waiting.at(-1)?.asOf ?? state.volatility.asOf)
        const known = this.deployment.sources.find(({ address }) => address === source)
        found.push({
          ...{ market: name, source: known?.name ?? source, kind: known?.kind ?? 'other' },
          ...{ newestAsOf: isoTime(asOf), ageSeconds: Math.max(0, time - asOf), waiting: waiting.length },
        })
      }
      return found
    })
  }

  /** @throws {@link PartMissingError} */
  async portfolioReading(): Promise<PortfolioReading> {
    const portfolio = this.requirePortfolio()
    return this.once('portfolio', async () => portfolioReading(await readPortfolioRegistry(portfolio)))
  }

  /** @throws {@link PartMissingError} */
  async openInterest(): Promise<OpenInterestReading> {
    const portfolio = this.requirePortfolio()
    return this.once('open interest', async () => openInterestReading(await readOpenInterest(portfolio)))
  }

  /** @throws {@link PartMissingError} */
  async accounts(): Promise<readonly RankedAccount[]> {
    this.requirePortfolio()
    return this.once('accounts', async () => (await this.ledger?.ranked()) ?? [])
  }

  /** @throws {@link PartMissingError} */
  async liquidations(): Promise<LiquidationsReading> {
    this.requirePortfolio()
    return this.once('liquidations', async () => this.venue.among((await this.ledger?.liquidations()) ?? []))
  }

  /** Of the agent's own registry; without an agent what would hedge this one. @throws {@link PartMissingError} */
  async hedge(): Promise<HedgeReading> {
    const { hedgeBook } = this
    return hedgeBook === undefined ? unhedged(await this.openInterest()) : this.once('hedge', () => hedgeBook.read())
  }

  /** @throws {@link PartMissingError}, {@link ThingUnknownError} */
  async account(address: string): Promise<AccountReading> {
    const portfolio = this.requirePortfolio()
    const known = (await this.accounts()).some(({ account }) => account.toLowerCase() === address.toLowerCase())
    if (!known) {
      throw new ThingUnknownError(
        'account',
        'Expected an account that the venue has reported; it has not reported this one.',
      )
    }
    return this.once(`account ${address.toLowerCase()}`, async () =>
      accountReading(await readAccount(portfolio, address)),
    )
  }

  private requirePortfolio(): PortfolioClient {
    if (this.portfolio !== undefined) return this.portfolio
    throw new PartMissingError(
      'portfolio-registry',
      'This service has no registry of margins: its deployment names none under `portfolio`. docs/portfolio.md says how to deploy one.',
    )
  }

  /**
   * One reading a block; readings wait for each other, since what their readers remember is not made for two at once. Where that
   * takes long, the last one is told, whose own times say how old it is.
   *
   * @throws {@link ChainSlowError} if there is none
   */
  private async once<Value>(name: string, read: () => Promise<Value>): Promise<Value> {
    const { number: block } = await this.head()
    const before = this.kept.get(name)
    const value = before?.block === block ? (before.value as Promise<Value>) : this.read(name, block, read)
    const inTime = await within(value, before?.last === undefined ? PATIENCE_MS : SHORT_PATIENCE_MS)
    if (inTime !== undefined) return inTime.value
    const last = this.kept.get(name)?.last
    if (last === undefined) throw new ChainSlowError(PATIENCE_MS / 1000)
    return last.value as Value
  }

  private read<Value>(name: string, block: number, read: () => Promise<Value>): Promise<Value> {
    const value = this.turn.then(() => read())
    const kept: Kept = { block, value, last: this.kept.get(name)?.last }
    this.kept.set(name, kept)
    this.turn = value.then(
      (own) => {
        kept.last = { value: own }
      },
      () => this.forget(name, value),
    )
    this.drop()
    return value
  }

  /** What failed is read again when it is next asked for. */
  private forget(name: string, value: Promise<unknown>): void {
    if (this.kept.get(name)?.value === value) this.kept.delete(name)
  }

  private drop(): void {
    for (const name of this.kept.keys()) {
      if (this.kept.size <= MOST_KEPT) break
      this.kept.delete(name)
    }
  }
}

/** What was asked, in a box; undefined if it took longer. */
async function within<Value>(
  asked: Promise<Value>,
  milliseconds: number,
): Promise<{ readonly value: Value } | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds)
  })
  try {
    return await Promise.race([asked.then((value) => ({ value })), late])
  } finally {
    clearTimeout(timer)
  }
}

/** A node that does not answer is one that is away. */
async function answered<Value>(asked: Promise<Value>): Promise<Value> {
  const found = await within(asked, TIMEOUT_MS)
  if (found !== undefined) return found.value
  throw new RpcError('Asking the node', new Error(`no answer within ${TIMEOUT_MS / 1000} s`))
}
