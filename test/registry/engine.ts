/**
 * A whole engine on a chain of its own: council, models, attested feed, registry, markets. Batches are computed by the twin
 * and proven with {@link freeStatement}, so a test may change any word and still bring a valid proof of what it changed.
 */
import { type Contract, type ContractTransactionResponse, keccak256, toBeHex, Wallet, ZeroHash } from 'ethers'
import type { Build, Fields, WordName } from '../../circuits/statements/index.ts'
import { ewma } from '../../prover/volatility/ewma.ts'
import { marketIdOf, ownMarketOf, shadowIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { INITIAL_MULTIPLIER_X18 } from '../../prover/parameters/defaultPolicy.ts'
import {
  defaultEnginePolicy,
  defaultMarketPolicy,
  encodeEnginePolicy,
  encodeMarketPolicy,
} from '../../prover/parameters/policy.ts'
import type { MarketState, Observation, Policy } from '../../prover/parameters/marketRisk.ts'
import { initialState, updateMarket } from '../../prover/parameters/marketRisk.ts'
import type { ProofCalldata } from '../../prover/proof/proofCalldata.ts'
import type { StatementContext } from '../../prover/statement/challenge.ts'
import { challengeOf, evaluate } from '../../prover/statement/challenge.ts'
import { type InboxPlace, placeToBegin } from '../../prover/registry/market/place.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { packObservations, sectionsOf } from '../../prover/statement/marketRisk.ts'
import { layOut } from '../../prover/statement/state.ts'
import { pack, unpack, WORD_LIMIT } from '../../prover/statement/words.ts'
import type { Chain } from '../../scripts/tools/chains/chain.ts'
import { eventsOf, GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { attest, byAddress, domainOf } from '../../scripts/tools/chains/attestation.ts'
import type { FreeStatement } from '../../scripts/tools/chains/freeStatement.ts'
import { freeStatement } from '../../scripts/tools/chains/freeStatement.ts'
import { deployModelRegistry } from '../../scripts/tools/chains/knownLayouts.ts'
import { packState, unpackState, wordsBy, asPrevious } from '../../prover/statement/marketState.ts'
import { previousOf } from '../../circuits/statements/index.ts'
import type { UpdateCall } from '../../prover/registry/market/calldata.ts'

/** Sizes of a model, as the registry of models keeps them. */
export type ModelSize = {
  readonly places: number
  readonly slots: number
  readonly allowsBacklog: boolean
  readonly volatilityModel: number
}

/** Family of the tests' models and markets, unless they say otherwise. */
export const EWMA = 1

export const models = {
  live: { places: 8, slots: 2, allowsBacklog: false, volatilityModel: EWMA },
  catchUp: { places: 1, slots: 48, allowsBacklog: true, volatilityModel: EWMA },
  /** An odd number of slots: its last word holds one. */
  odd: { places: 2, slots: 3, allowsBacklog: false, volatilityModel: EWMA },
} as const satisfies Record<string, ModelSize>

export type ModelName = keyof typeof models

const buildOf = (name: ModelName): Build => {
  const { places, slots } = models[name]
  const sizes = Object.entries({ markets: places, observations: slots }).map(([size, value]) => ({ name: size, value }))
  return { name, statement: 'marketRisk', sizes, meaning: 'of a test' }
}

/** Where else a proof is made for. */
export type Elsewhere = Partial<StatementContext> & { readonly layout?: string }

export const modelIdOf = (name: string): string => marketIdOf(name.toUpperCase())

export const freshness = {
  maxObservationAgeSeconds: 120n,
  maxParameterAgeSeconds: 3900n,
  stalenessAddOnPerHourX24: 1n << 20n,
  maintenanceMarginCapX24: 1n << 23n,
}

/** Calldata of one market of a batch; a test may change any of it. */
export type MarketUpdate = { -readonly [Part in keyof UpdateCall]: UpdateCall[Part] }

/** Calldata of a batch without its proof. */
export type Batch = {
  model: ModelName
  modelId: string
  commitment: bigint
  updates: MarketUpdate[]
  observationWords: bigint[]
}

/** What the prover believes of a market. */
export type Market = {
  readonly marketId: string
  feed: Contract
  state: MarketState
  inboxHead: string
  inboxCount: bigint
  sequence: bigint
  policy: Fields<'marketPolicy'>
  /** Observed and not yet consumed, oldest first. */
  waiting: Observation[]
}

const marketNames = ['AVAX-USD', 'BNB-USD', 'BTC-USD', 'DOGE-USD', 'ETH-USD', 'LINK-USD', 'SOL-USD', 'XRP-USD']
const FIRST_PRICE_E8 = 50_000n * 10n ** 8n
const FIRST_VOLATILITY_X24 = 12n << 20n // 75 %
const THRESHOLD = 2
/** As long as a real one; the circuit of these tests commits to nothing. */
const COMMITMENT = BigInt(keccak256('0x')) >> 3n

export class Engine {
  readonly chain: Chain
  readonly council: Contract
  readonly modelRegistry: Contract
  readonly registry: Contract
  readonly verifier: Contract
  readonly feed: Contract
  readonly feedSigners: readonly Wallet[]
  readonly statement: FreeStatement
  readonly markets: Market[] = []
  learning: Fields<'learningPolicy'>
  margin: Fields<'marginPolicy'>

  private constructor(
    parts: Pick<
      Engine,
      | 'chain'
      | 'council'
      | 'modelRegistry'
      | 'registry'
      | 'verifier'
      | 'feed'
      | 'feedSigners'
      | 'statement'
      | 'learning'
      | 'margin'
    >,
  ) {
    this.chain = parts.chain
    this.council = parts.council
    this.modelRegistry = parts.modelRegistry
    this.registry = parts.registry
    this.verifier = parts.verifier
    this.feed = parts.feed
    this.feedSigners = parts.feedSigners
    this.statement = parts.statement
    this.learning = parts.learning
    this.margin = parts.margin
  }

  /** Deploys everything and adds `marketCount` markets, each with a first observation. */
  static async start(marketCount: number): Promise<Engine> {
    const chain = await startChain()
    const statement = await freeStatement()
    const { learning, margin } = encodeEnginePolicy(defaultEnginePolicy)
    const council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
    const modelRegistry = await deployModelRegistry(chain, council)
    const words = [pack('learningPolicy', learning), pack('marginPolicy', margin)]
    const registry = await chain.deploy('RiskRegistry', council, modelRegistry, ...words, freshness)
    const verifier = await chain.deploy(statement.verifier)
    const feedSigners = byAddress([1, 2, 3].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`)))
    const feed = await deployFeed(chain, council, feedSigners)
    const engine = new Engine({
      chain,
      council,
      modelRegistry,
      registry,
      verifier,
      feed,
      feedSigners,
      statement,
      learning,
      margin,
    })
    for (const name of Object.keys(models) as ModelName[]) await engine.registerModel(name, models[name])
    for (const name of marketNames.slice(0, marketCount)) await engine.addMarket(marketIdOf(name))
    return engine
  }

  async registerModel(name: string, size: ModelSize): Promise<void> {
    await mined(
      this.modelRegistry.getFunction('register')(modelIdOf(name), {
        ...size,
        verifier: this.verifier,
        status: 0,
        layoutHash: layoutHash('marketRisk'),
        verificationKeyHash: `0x${'11'.repeat(32)}`,
        manifestHash: `0x${'22'.repeat(32)}`,
      }),
    )
  }

  /** Adds a market that starts right after a first observation of `feed`. */
  async addMarket(marketId: string, feed: Contract = this.feed, volatilityModel = EWMA): Promise<Market> {
    const market: Market = {
      marketId,
      feed,
      state: undefined as unknown as MarketState,
      inboxHead: '',
      inboxCount: 0n,
      sequence: 0n,
      policy: encodeMarketPolicy(defaultMarketPolicy),
      waiting: [],
    }
    await this.setMarketPolicy(market, {})
    await this.observe(market, FIRST_PRICE_E8)
    const [first] = market.waiting.splice(0)
    market.state = initialState(
      ewma,
      first as Observation,
      FIRST_VOLATILITY_X24,
      INITIAL_MULTIPLIER_X18,
      this.policyOf(market),
    )
    const words = packState(market.state)
    const place = await this.placeIn(feed, marketId)
    await mined(this.registry.getFunction('addMarket')(marketId, feed, volatilityModel, words, place))
    await this.followInbox(market)
    this.markets.push(market)
    return market
  }

  /** Adds a shadow of a market at its source's latest observation, with the market's policy and its prediction begun afresh. */
  async addShadow(market: Market, volatilityModel: number, volatilityX24 = FIRST_VOLATILITY_X24): Promise<Market> {
    const shadow = { ...market, marketId: shadowIdOf(market.marketId, volatilityModel), sequence: 0n, waiting: [] }
    const [, , , lastWord] = await market.feed.getFunction('latest')(market.marketId)
    const latest = unpack('observation', lastWord)
    shadow.state = initialState(ewma, latest, volatilityX24, INITIAL_MULTIPLIER_X18, this.policyOf(market))
    await this.setMarketPolicy(shadow, {})
    const words = packState(shadow.state)
    const place = await this.placeIn(market.feed, market.marketId)
    await mined(this.registry.getFunction('addShadow')(market.marketId, volatilityModel, words, place))
    await this.followInbox(shadow)
    this.markets.push(shadow)
    return shadow
  }

  /** The newest place in a source's inbox, or where none is. */
  async placeIn(feed: Contract, marketId: string): Promise<InboxPlace> {
    const inbox = { source: feed.target as string, marketId, fromBlock: 0 }
    const begun = await placeToBegin(this.chain.ethers.provider as never, inbox)
    return begun?.place ?? { count: 0n, previousHead: ZeroHash, observation: 0n }
  }

  async setMarketPolicy(market: Market, change: Partial<Fields<'marketPolicy'>>): Promise<void> {
    market.policy = { ...market.policy, ...change }
    await mined(this.registry.getFunction('setMarketPolicy')(market.marketId, pack('marketPolicy', market.policy)))
  }

  async setMarginPolicy(change: Partial<Fields<'marginPolicy'>>): Promise<void> {
    this.margin = { ...this.margin, ...change }
    await mined(this.registry.getFunction('setMarginPolicy')(pack('marginPolicy', this.margin)))
  }

  /** Lets observations land at any age a test may take, so that its clock does not matter. */
  async neverStale(): Promise<void> {
    const aDay = { maxObservationAgeSeconds: 86_400n, maxParameterAgeSeconds: 86_400n }
    await mined(this.registry.getFunction('setFreshnessPolicy')({ ...freshness, ...aDay }))
  }

  /** Attests and appends an observation at the chain's time, or `secondsLater`. */
  async observe(market: Market, priceE8: bigint, secondsLater = 1n): Promise<void> {
    const asOf = (await this.chain.now()) + secondsLater
    await this.chain.setTime(asOf)
    await this.append(market, { priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: 0n })
  }

  /** Attests and appends an observation of any time the feed takes; an unchecked source takes it as it is. */
  async append(market: Market, observation: Observation): Promise<void> {
    const sent =
      market.feed.interface.getFunction('submitBatch') === null
        ? market.feed.getFunction('append')(market.marketId, pack('observation', observation))
        : this.attestAndSend(market, observation)
    // What a feed's door holds or refuses does not wait.
    for (const { name, args } of eventsOf(await mined(sent), market.feed)) {
      if (name !== 'ObservationAppended') continue
      for (const one of this.markets.filter(({ marketId }) => ownMarketOf(marketId) === market.marketId)) {
        if (one !== market) one.waiting.push(unpack('observation', args.word))
      }
      market.waiting.push(unpack('observation', args.word))
    }
  }

  private async attestAndSend(market: Market, observation: Observation): Promise<ContractTransactionResponse> {
    const attested = { ...observation, marketId: market.marketId, confidenceE8: 0n, deadline: 2n ** 32n }
    const signers = this.feedSigners.slice(0, THRESHOLD)
    const signatures = await attest(await domainOf(market.feed), signers, attested)
    return market.feed.getFunction('submit')(attested, signatures, { gasLimit: GAS_LIMIT })
  }

  policyOf(market: Market): Policy {
    return { learning: this.learning, margin: this.margin, market: market.policy }
  }

  /** The honest batch that consumes the oldest `observationCount` waiting observations of each market. */
  batch(markets: readonly Market[], observationCount = 1, model: ModelName = 'live'): Batch {
    const { slots } = models[model]
    const taken = markets.map((market) => market.waiting.slice(0, observationCount))
    const updates = markets.map((market, i): MarketUpdate => {
      const update = updateMarket(ewma, market.state, taken[i] ?? [], this.policyOf(market))
      return {
        marketId: market.marketId,
        ...asPrevious(packState(market.state)),
        inboxHead: market.inboxHead,
        inboxCount: market.inboxCount,
        source: market.feed.target as string,
        observationCount: BigInt(observationCount),
        sequence: market.sequence + 1n,
        ...packState(update.state),
        parameters: pack('parameters', update.parameters),
      }
    })
    const observationWords = taken.flatMap((observations) => packObservations(observations, slots))
    return { model, modelId: modelIdOf(model), commitment: COMMITMENT, updates, observationWords }
  }

  /** Public signals of a batch as the contract derives them; `elsewhere` changes the place it is bound to. */
  async signals(batch: Batch, elsewhere: Elsewhere = {}): Promise<[bigint, bigint, bigint]> {
    const { slots } = models[batch.model]
    const wordsPerMarket = Math.ceil(slots / 2)
    const packed = batch.updates.map((update, i) => ({
      ...update,
      marketPolicy: pack('marketPolicy', this.marketOf(update.marketId).policy),
      observations: batch.observationWords.slice(i * wordsPerMarket, (i + 1) * wordsPerMarket),
    }))
    const shared = [pack('learningPolicy', this.learning), pack('marginPolicy', this.margin)]
    const build = buildOf(batch.model)
    // What is too wide for a word is refused before the proof is looked at.
    const fitting = packed.map((market) => ({
      ...market,
      ...wordsBy((word) => market[word] % WORD_LIMIT),
      ...asPrevious(wordsBy((word) => market[previousOf(word)] % WORD_LIMIT)),
      parameters: market.parameters % WORD_LIMIT,
    }))
    const sections = sectionsOf(shared, fitting, build)
    const words = [...layOut(build, 'inputs', sections), ...layOut(build, 'outputs', sections)]
    const { layout = layoutHash('marketRisk'), ...place } = elsewhere
    const context: StatementContext = {
      chainId: 31337n,
      registry: this.registry.target as string,
      modelId: batch.modelId,
      subject: batch.updates.flatMap(({ marketId, sequence }) => [marketId, toBeHex(sequence, 32)]),
      ...place,
    }
    const challenge = challengeOf(layout, context, batch.commitment, words)
    return [batch.commitment, evaluate(words, challenge), challenge]
  }

  /** A valid proof for whatever the batch says. */
  async prove(batch: Batch, elsewhere: Elsewhere = {}): Promise<ProofCalldata> {
    return this.statement.prove(...(await this.signals(batch, elsewhere)))
  }

  /** Sends a batch; the answer fails as the chain does. */
  submit(batch: Batch, proof: readonly bigint[], overrides: object = {}) {
    const { modelId, commitment, updates, observationWords } = batch
    const submit = this.registry.getFunction('submit')
    return submit(modelId, commitment, proof, updates, observationWords, { gasLimit: GAS_LIMIT, ...overrides })
  }

  /** Proves and sends a batch. */
  async proveAndSubmit(batch: Batch) {
    return this.submit(batch, await this.prove(batch))
  }

  /** Proves and lands a batch, and takes it over into what the prover believes. */
  async land(batch: Batch) {
    const receipt = await mined(this.proveAndSubmit(batch))
    for (const update of batch.updates) await this.accept(this.marketOf(update.marketId), update)
    return receipt
  }

  /** Takes over an update that has landed. */
  async accept(market: Market, update: MarketUpdate): Promise<void> {
    const consumed = market.waiting.splice(0, Number(update.observationCount))
    market.state = unpackState(update)
    market.sequence += 1n
    market.inboxCount += update.observationCount
    market.inboxHead = consumed.reduce((head, observation) => this.extendHead(head, observation), market.inboxHead)
  }

  extendHead(head: string, observation: Observation): string {
    return this.chain.ethers.solidityPackedKeccak256(['bytes32', 'uint256'], [head, pack('observation', observation)])
  }

  marketOf(marketId: string): Market {
    const market = this.markets.find((candidate) => candidate.marketId === marketId)
    if (market === undefined) throw new Error(`No market ${marketId} in this engine.`)
    return market
  }

  private async followInbox(market: Market): Promise<void> {
    const [head, count] = await market.feed.getFunction('latest')(ownMarketOf(market.marketId))
    market.inboxHead = head
    market.inboxCount = count
  }
}

/** A feed of the test signers, k = 2. */
export async function deployFeed(chain: Chain, council: Contract, signers: readonly Wallet[]): Promise<Contract> {
  return chain.deploy(
    'AttestedFeed',
    council,
    signers.map(({ address }) => address),
    THRESHOLD,
    100,
    // These tests go on a second at a time.
    { ...defaultPlausibility, leastSpacingSeconds: 1n },
  )
}

/** A word with some of its fields changed. */
export function withFields<W extends WordName>(word: W, packed: bigint, change: Partial<Fields<W>>): bigint {
  return pack(word, { ...unpack(word, packed), ...change })
}
