/**
 * An engine with a registry of margins on a chain behind a port, a venue that reports accounts there, and a source that publishes
 * rounds whose words lie in a folder: what a service needs to prove margins, and what these have to be.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Contract, type Log, parseEther, toBeHex, toQuantity, Wallet } from 'ethers'
import { auditPortfolio } from '../../../prover/audit/index.ts'
import { marginOfParts, type ProvableMargin, provableMargin } from '../../../prover/portfolio/accountMargin.ts'
import type { OptionPosition } from '../../../prover/portfolio/book.ts'
import type { AccountMargin, Holdings } from '../../../prover/portfolio/margin.ts'
import type { EndpointsProvider } from '../../../prover/registry/chain.ts'
import {
  attestRound,
  connectProvider,
  type Deployment,
  PortfolioClient,
  publishRound,
  roundOf,
  type RoundWords,
  roundsDomain,
} from '../../../prover/registry/index.ts'
import { interfaceOf } from '../../../prover/registry/artifacts.ts'
import { portfolioAuditKeys } from '../../../prover/service/answers/auditing.ts'
import { marginSizes, readAccount } from '../../../prover/service/answers/margins.ts'
import { roundFileName, roundFileOf } from '../../../prover/service/daemon/accounts/roundBook.ts'
import { developmentKeys, FEED_SIGNER_KEYS, FEED_THRESHOLD } from '../../../prover/service/development/chain.ts'
import { openChain } from '../../../prover/service/development/tryOut.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { positionWord } from '../../../prover/statement/optionBook.ts'
import { holdingsWords, roundWords } from '../../../prover/statement/portfolioMargin.ts'
import { expiryWords } from '../../../prover/statement/riskArray.ts'
import { goOnFromLastBlock } from './ownTime.ts'

/** What an account holds. */
export type Held = { readonly positions: readonly OptionPosition[]; readonly holdings: Holdings }

export type Round = Pick<ProvableMargin, 'round' | 'arrays'>

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'short-strangle.json')
const START = '2020-03-12 09:00:00'
const MARKET = 'BTC-USD'
const PPM = 1_000_000n
const DAY = 86_400n

export class AccountsRange {
  readonly url: string
  readonly folder: string
  readonly deployment: Deployment
  readonly chain: EndpointsProvider
  readonly client: PortfolioClient
  /** Of the example: two expiries, four strikes. */
  readonly example: ProvableMargin
  readonly #venue: PortfolioClient
  readonly #close: () => Promise<void>
  #asOf: bigint

  private constructor(
    opened: Awaited<ReturnType<typeof openChain>>,
    parts: Pick<AccountsRange, 'folder' | 'chain' | 'client' | 'example'> & { readonly venue: PortfolioClient },
  ) {
    this.url = opened.url
    this.deployment = opened.deployment
    this.folder = parts.folder
    this.chain = parts.chain
    this.client = parts.client
    this.example = parts.example
    this.#venue = parts.venue
    this.#close = opened.close
    this.#asOf = parts.example.round.asOf
  }

  static async start(folder: string): Promise<AccountsRange> {
    const files = {
      deployment: join(folder, 'deployment.json'),
      keyFile: join(folder, 'prover.key'),
      councilKeyFile: join(folder, 'council.key'),
    }
    const opened = await openChain({ port: 0, ...files, start: START, margins: EXAMPLE, say: () => undefined })
    const chain = await connectProvider(opened.url)
    const { portfolio, block: fromBlock } = opened.deployment
    const at = { registry: portfolio?.registry ?? '', provider: chain, fromBlock }
    const venue = await PortfolioClient.connect({ ...at, signer: new Wallet(developmentKeys.feeder, chain) })
    const example = provableMargin(readAccount(EXAMPLE, {}), marginSizes)
    mkdirSync(join(folder, 'rounds'))
    await chain.send('evm_setNextBlockTimestamp', [toQuantity(example.round.asOf)])
    await chain.send('evm_mine', [])
    return new AccountsRange(opened, { folder, chain, client: await PortfolioClient.connect(at), example, venue })
  }

  /** Where words of rounds lie. */
  get rounds(): string {
    return join(this.folder, 'rounds')
  }

  get deploymentFile(): string {
    return join(this.folder, 'deployment.json')
  }

  get keyFile(): string {
    return join(this.folder, 'prover.key')
  }

  /** An address, the same for the same number. */
  accountOf(number: number): string {
    return toBeHex(BigInt(number), 20)
  }

  /** The example's account with other cash, and so many millionths of its options. */
  held(cash: bigint, ppm = PPM): Held {
    const { positions, account } = this.example
    const part = (quantityE12: bigint): bigint => (quantityE12 * ppm) / PPM
    return {
      positions: positions.map((each) => ({ ...each, callsE12: part(each.callsE12), putsE12: part(each.putsE12) })),
      holdings: { ...account.holdings, cashE12: cash * 10n ** 12n },
    }
  }

  /** The same with the options of its last expiry alone, which are in one array. */
  heldInOne(cash: bigint): Held {
    const { positions, holdings } = this.held(cash)
    const last = positions.at(-1)?.expiry
    return { positions: positions.filter(({ expiry }) => expiry === last), holdings }
  }

  /** Perpetuals and cash alone: nothing of it takes an array or a book. */
  perpetuals(cash: bigint): Held {
    const { account } = this.example
    return { positions: [], holdings: { ...account.holdings, cashE12: cash * 10n ** 12n } }
  }

  /** The venue says what an account holds. */
  async report(account: string, { positions, holdings }: Held): Promise<void> {
    const { holdings: [word = 0n] = [], collateralAmounts = [] } = holdingsWords(holdings)
    await this.#venue.reportAccount(account, positions.map(positionWord), word, collateralAmounts)
  }

  /**
   * Publishes a round so many seconds after the last one, its prices those of the example times so many millionths; the chain's clock
   * is moved to it.
   */
  async publish(ppm = PPM, seconds = 60n, isWritten = true): Promise<Round> {
    this.#asOf += seconds
    const round = this.#roundAt(ppm)
    const { portfolio, chainId } = this.deployment
    const words = this.words(round)
    if (isWritten) this.write(round)
    // Its clock runs with ours, and is ahead where trials take long.
    const { timestamp = 0 } = (await this.chain.getBlock('latest')) ?? {}
    if (BigInt(timestamp) <= this.#asOf)
      await this.chain.send('evm_setNextBlockTimestamp', [toQuantity(this.#asOf + 1n)])
    const signers = FEED_SIGNER_KEYS.slice(0, FEED_THRESHOLD).map((key) => new Wallet(key))
    const rounds = portfolio?.rounds ?? ''
    const signed = await attestRound(roundsDomain(chainId, rounds), signers, words, this.#asOf + DAY)
    await publishRound(new Wallet(developmentKeys.feeder, this.chain), rounds, signed)
    return round
  }

  /** A round in words. */
  words({ round, arrays }: Round): RoundWords {
    const surfaces = new Map(arrays.map(({ surface }) => [surface.expiry, surface]))
    const expiries = [...surfaces.values()].map(expiryWords)
    return roundOf(marketIdOf(MARKET), round.asOf, roundWords(round), expiries)
  }

  /** Its words are in the folder from here on. */
  write(round: Round): void {
    const file = roundFileOf(MARKET, this.words(round))
    writeFileSync(join(this.rounds, roundFileName(file)), JSON.stringify(file))
  }

  #roundAt(ppm: bigint): Round {
    const { round, arrays } = this.example
    const scaled = (priceE8: bigint): bigint => (priceE8 * ppm) / PPM
    const asOf = this.#asOf
    return {
      round: { ...round, asOf, spotE8: scaled(round.spotE8), perpPriceE8: scaled(round.perpPriceE8) },
      arrays: arrays.map(({ surface, ...each }) => {
        const { forwardVariableE8, forwardFixedE8 } = surface
        const forward = { forwardVariableE8: scaled(forwardVariableE8), forwardFixedE8: scaled(forwardFixedE8) }
        return { ...each, surface: { ...surface, asOf, ...forward } }
      }),
    }
  }

  /** What the margin of an account has to be. */
  margin({ round, arrays }: Round, held: Held): AccountMargin {
    const { pricingPolicy, marginPolicy } = this.example
    const surfaces = new Map(arrays.map(({ surface }) => [surface.expiry, surface]))
    return marginOfParts({ pricingPolicy, marginPolicy, round, surfaces, ...held }, marginSizes).margin
  }

  /** How often each thing was taken: arrays by root, margins by account, round and report, witnesses. */
  async taken(): Promise<ReadonlyMap<string, number>> {
    const { portfolio, block } = this.deployment
    const counts = new Map<string, number>()
    const count = (key: string): unknown => counts.set(key, (counts.get(key) ?? 0) + 1)
    const eventsOf = async (name: 'PortfolioRegistry' | 'RiskArrays', address = ''): Promise<void> => {
      const logs: readonly Log[] = await this.chain.getLogs({ address, fromBlock: block, toBlock: 'latest' })
      for (const event of logs.map((log) => interfaceOf(name).parseLog(log))) {
        if (event === null) continue
        const { account, asOf, sequence, arrayRoot } = event.args
        if (event.name === 'ArrayAccepted') count(`array ${arrayRoot} ${asOf}`)
        if (event.name === 'MarginProven') count(`margin ${account} ${asOf} ${sequence}`)
        if (event.name === 'AccountUnhealthy') count(`witness ${account} ${asOf} ${sequence}`)
      }
    }
    await eventsOf('RiskArrays', portfolio?.arrays)
    await eventsOf('PortfolioRegistry', portfolio?.registry)
    return counts
  }

  /** Whether an auditor accepts everything that was ever proven of accounts here. */
  async isAuditAccepted(): Promise<boolean> {
    const { portfolio, block: fromBlock, chainId } = this.deployment
    const keys = await portfolioAuditKeys()
    const registry = portfolio?.registry ?? ''
    const { report } = await auditPortfolio({
      provider: this.chain,
      expectedChainId: chainId,
      registry,
      fromBlock,
      keys,
    })
    return report.accepted
  }

  /** Rounds and margins count for so long from here on. */
  async setFreshness(freshness: {
    readonly maxRoundAgeSeconds: bigint
    readonly maxMarginAgeSeconds: bigint
    readonly maxRoundLagSeconds: bigint
  }): Promise<void> {
    const council = new Wallet(developmentKeys.council, this.chain)
    const arrays = new Contract(this.deployment.portfolio?.arrays ?? '', interfaceOf('RiskArrays'), council)
    await (await arrays.getFunction('setPortfolioFreshness')(freshness)).wait()
  }

  /** An account with coins, and nobody else's. */
  async payer(number: number): Promise<Wallet> {
    const wallet = new Wallet(toBeHex(BigInt(number) + (1n << 128n), 32), this.chain)
    await this.chain.send('hardhat_setBalance', [wallet.address, toQuantity(parseEther('10'))])
    return wallet
  }

  /** The chain stands again where it stood when this was called. */
  async checkpoint(): Promise<() => Promise<void>> {
    const [snapshot, asOf] = [await this.chain.send('evm_snapshot', []), this.#asOf]
    return async () => {
      await this.chain.send('evm_revert', [snapshot])
      this.#asOf = asOf
    }
  }

  /** The same at the start of a trial, however many there were before. */
  async beginTrial(): Promise<() => Promise<void>> {
    const undo = await this.checkpoint()
    await goOnFromLastBlock(this.chain)
    return undo
  }

  async close(): Promise<void> {
    this.chain.destroy()
    await this.#close()
  }
}
