/**
 * An engine with a registry of margins as its users have it: on a chain that is another process and mines by the clock, fed by
 * signers, with a venue that reports accounts and a source that publishes rounds. What was fed is kept, for whoever reckons up.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEther, toBeHex, toQuantity, Wallet } from 'ethers'
import type { Plausibility } from '../../../prover/market/plausibility.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { marginOfParts, type ProvableMargin, provableMargin } from '../../../prover/portfolio/accountMargin.ts'
import type { AccountMargin, RoundMarket } from '../../../prover/portfolio/margin.ts'
import type { ExpirySurface } from '../../../prover/portfolio/portfolio.ts'
import { VENUE_ROLE } from '../../../prover/registry/authority.ts'
import type { EndpointsProvider } from '../../../prover/registry/chain.ts'
import {
  attestRound,
  connectProvider,
  type Deployment,
  PortfolioClient,
  publishRound,
  roundOf,
  roundsDomain,
  writeDeployment,
} from '../../../prover/registry/index.ts'
import type { DoorEvent } from '../../../prover/registry/market/door.ts'
import type { PortfolioFreshness } from '../../../prover/registry/portfolio/deploy.ts'
import { transact } from '../../../prover/registry/transactions.ts'
import { marginSizes, readAccount } from '../../../prover/service/answers/margins.ts'
import { roundFileName, roundFileOf } from '../../../prover/service/daemon/accounts/roundBook.ts'
import {
  developmentChainBehind,
  developmentKeys,
  FEED_SIGNER_KEYS,
  FEED_THRESHOLD,
} from '../../../prover/service/development/chain.ts'
import {
  appendObservations,
  deployDevelopmentEngine,
  type MarketHistory,
  type NamedObservation,
} from '../../../prover/service/development/engine.ts'
import { withMargins } from '../../../prover/service/development/tryOut.ts'
import { writeSecretFile } from '../../../prover/service/wholeFile.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../../../prover/service/workspace.ts'
import { positionWord } from '../../../prover/statement/optionBook.ts'
import { holdingsWords, roundWords } from '../../../prover/statement/portfolioMargin.ts'
import { expiryWords } from '../../../prover/statement/riskArray.ts'
import type { Held } from '../chains/accountsRange.ts'
import { BlockTimes, mineEvery } from '../latency/blockTimes.ts'

/** Prices of options at a time. */
export type LiveRound = { readonly round: RoundMarket; readonly surfaces: readonly ExpirySurface[] }

export type LiveEngineOptions = {
  readonly folder: string
  /** All end at the time at which the engine begins. */
  readonly warmUps: readonly MarketHistory[]
  /** Bounds of the feed's door; those that sources start with by default. */
  readonly plausibility?: Plausibility
  readonly freshness: PortfolioFreshness
  readonly blockSeconds: number
}

/** Of the market in which margins are. */
export const MARGINS_MARKET = 'BTC-USD'
const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'short-strangle.json')
const DAY = 86_400n
/** Blocks come seconds apart. */
const LOOK_MS = 100
const PAYERS = 1n << 128n

export class LiveEngine {
  readonly chain: EndpointsProvider
  readonly url: string
  readonly folder: string
  readonly deployment: Deployment
  readonly blocks: BlockTimes
  /** Transactions of the account that the service pays from, before there was one. */
  readonly proverNonce: number
  /** Policies that margins are under, and a first round. */
  readonly example: ProvableMargin
  /** By account, each as often as it was reported. */
  readonly reported = new Map<string, Held[]>()
  /** By their times. */
  readonly rounds = new Map<bigint, LiveRound>()
  readonly #process: ChildProcess
  readonly #venue: PortfolioClient
  readonly #carriers: readonly Wallet[]

  private constructor(
    parts: Pick<LiveEngine, 'chain' | 'url' | 'folder' | 'deployment' | 'blocks' | 'proverNonce' | 'example'> & {
      readonly process: ChildProcess
      readonly venue: PortfolioClient
      readonly carriers: readonly Wallet[]
    },
  ) {
    this.chain = parts.chain
    this.url = parts.url
    this.folder = parts.folder
    this.deployment = parts.deployment
    this.blocks = parts.blocks
    this.proverNonce = parts.proverNonce
    this.example = parts.example
    this.#process = parts.process
    this.#venue = parts.venue
    this.#carriers = parts.carriers
  }

  static async open({
    folder,
    warmUps,
    plausibility,
    freshness,
    blockSeconds,
  }: LiveEngineOptions): Promise<LiveEngine> {
    const start = warmUps[0]?.rows.at(-1)?.asOf ?? 0n
    const child = fork(join(import.meta.dirname, 'chainProcess.ts'), [String(start)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    try {
      const [url] = (await once(child, 'message')) as [string]
      const chain = await connectProvider(url)
      const keys = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
      const engine = await deployDevelopmentEngine(
        developmentChainBehind(chain),
        keys,
        warmUps,
        undefined,
        plausibility,
      )
      const portfolio = readAccount(EXAMPLE, {})
      const deployment = await withMargins(engine, portfolio, () => undefined)
      await setFreshness(chain, deployment, freshness)
      const carriers = await Promise.all([0n, 1n, 2n].map((number) => payer(chain, number)))
      const signer = carriers[2] as Wallet
      // Whoever replays prices beside us has the keys of the development chain, and the nonces that go with them.
      const council = new Wallet(developmentKeys.council, chain)
      const { addresses } = deployment
      await transact(council, addresses.council, 'RiskCouncil', 'grantRole', [VENUE_ROLE, signer.address, 0])
      await mineEvery(chain, blockSeconds)
      await writeDeployment(join(folder, 'deployment.json'), deployment)
      writeSecretFile(join(folder, 'prover.key'), `${developmentKeys.prover}\n`)
      mkdirSync(join(folder, 'rounds'))
      const { registry = '' } = deployment.portfolio ?? {}
      const venue = await PortfolioClient.connect({ registry, provider: chain, signer, fromBlock: deployment.block })
      const proverNonce = await chain.getTransactionCount(new Wallet(developmentKeys.prover).address)
      const [blocks, example] = [new BlockTimes(chain, LOOK_MS), provableMargin(portfolio, marginSizes)]
      const parts = { chain, url, folder, deployment, blocks, proverNonce, example }
      return new LiveEngine({ ...parts, process: child, venue, carriers })
    } catch (error) {
      child.kill('SIGKILL')
      throw error
    }
  }

  /** Where the chain's engine is written down. */
  get deploymentFile(): string {
    return join(this.folder, 'deployment.json')
  }

  /** What the service is told of where it serves. */
  get serveFlags(): readonly string[] {
    const file = (name: string): string => join(this.folder, name)
    const place = ['--rpc', this.url, '--deployment', this.deploymentFile, '--key-file', file('prover.key')]
    return [...place, '--store', file('serve.sqlite'), '--rounds', file('rounds')]
  }

  get chainPid(): number {
    return this.#process.pid ?? 0
  }

  /** Of the latest block. */
  async now(): Promise<bigint> {
    return BigInt((await this.chain.getBlock('latest'))?.timestamp ?? 0)
  }

  /** Observations attested and brought to the feed; what its door said. */
  append(observations: readonly NamedObservation[]): Promise<readonly DoorEvent[]> {
    // Whoever brings them needs no right; the venue's nonces are its own.
    const chain = { ...developmentChainBehind(this.chain), account: () => this.#carriers[0] as Wallet }
    return appendObservations(chain, this.deployment, observations)
  }

  /** The example's round. */
  get first(): LiveRound {
    const byExpiry = new Map(this.example.arrays.map(({ surface }) => [surface.expiry, surface]))
    const surfaces = [...byExpiry.values()].toSorted((a, b) => Number(a.expiry - b.expiry))
    return { round: this.example.round, surfaces }
  }

  /** A round attested and published, its words in the folder before. */
  async publish(live: LiveRound): Promise<void> {
    const { chainId, portfolio } = this.deployment
    const { asOf } = live.round
    const words = roundOf(marketIdOf(MARGINS_MARKET), asOf, roundWords(live.round), live.surfaces.map(expiryWords))
    const file = roundFileOf(MARGINS_MARKET, words)
    writeFileSync(join(this.folder, 'rounds', roundFileName(file)), JSON.stringify(file))
    this.rounds.set(asOf, live)
    const source = portfolio?.rounds ?? ''
    const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
    const signed = await attestRound(roundsDomain(chainId, source), signers, words, asOf + DAY)
    await publishRound(this.#carriers[1] as Wallet, source, signed)
  }

  /** The venue says what an account holds; one at a time. */
  async report(account: string, held: Held): Promise<void> {
    const { holdings: [word = 0n] = [], collateralAmounts = [] } = holdingsWords(held.holdings)
    this.reported.set(account, [...(this.reported.get(account) ?? []), held])
    await this.#venue.reportAccount(account, held.positions.map(positionWord), word, collateralAmounts)
  }

  /** What a margin has to be; undefined of a round or report that there never was. */
  margin(account: string, asOf: bigint, sequence: bigint): AccountMargin | undefined {
    const [live, held] = [this.rounds.get(asOf), this.reported.get(account)?.[Number(sequence) - 1]]
    if (live === undefined || held === undefined) return undefined
    const { pricingPolicy, marginPolicy } = this.example
    const surfaces = new Map(live.surfaces.map((surface) => [surface.expiry, surface]))
    return marginOfParts({ pricingPolicy, marginPolicy, round: live.round, surfaces, ...held }, marginSizes).margin
  }

  close(): void {
    this.blocks.close()
    this.chain.destroy()
    this.#process.kill('SIGKILL')
  }
}

/** A round as it would be at another time and spot, at which every forward is as far from spot, and every volatility from the forward. */
export function movedTo({ round, surfaces }: LiveRound, asOf: bigint, spotE8: bigint): LiveRound {
  const scaled = (priceE8: bigint): bigint => (priceE8 * spotE8) / round.spotE8
  return {
    round: { ...round, asOf, spotE8, perpPriceE8: scaled(round.perpPriceE8) },
    surfaces: surfaces.map(({ forwardVariableE8, forwardFixedE8, forwardRefE8, ...surface }) => ({
      ...{ ...surface, asOf, forwardRefE8: scaled(forwardRefE8) },
      ...{ forwardVariableE8: scaled(forwardVariableE8), forwardFixedE8: scaled(forwardFixedE8) },
    })),
  }
}

async function setFreshness(
  chain: EndpointsProvider,
  { portfolio }: Deployment,
  freshness: PortfolioFreshness,
): Promise<void> {
  const council = new Wallet(developmentKeys.council, chain)
  await transact(council, portfolio?.arrays ?? '', 'RiskArrays', 'setPortfolioFreshness', [freshness])
}

/** An account with coins, and nobody else's. */
async function payer(chain: EndpointsProvider, number: bigint): Promise<Wallet> {
  const wallet = new Wallet(toBeHex(PAYERS + number, 32), chain)
  await chain.send('hardhat_setBalance', [wallet.address, toQuantity(parseEther('1000'))])
  return wallet
}
