/** A registry on a chain, read and moved: states from calldata, observations from events, both checked against stored hashes. */
import { Contract, type ContractRunner, getAddress, type Log, type Provider, type Signer } from 'ethers'
import { type Build, type Fields, sizeOf, volatilityModelOf } from '../../../circuits/statements/index.ts'
import { ProverError } from '../../errors.ts'
import { isMarketName, marketIdOf, marketNameOf, modelIdOfShadow, ownMarketOf } from '../../market/marketId.ts'
import {
  batchLength,
  type MarketState,
  type Observation,
  type Parameters,
  shadowBatchLength,
} from '../../parameters/marketRisk.ts'
import type { Score } from '../../parameters/shadowScore.ts'
import type { MarketRiskBatch } from '../../statement/marketRisk.ts'
import { packState, unpackState } from '../../statement/marketState.ts'
import { unpack, wordBits } from '../../statement/words.ts'
import { type ContractName, interfaceOf } from '../artifacts.ts'
import { type Bundle, buildOf, type InboxPosition } from './bundle.ts'
import {
  advanceInbox,
  decodeSubmit,
  encodeSubmit,
  extendHead,
  stateHashOf,
  submissionsIn,
  submitCallOf,
  unpackObservations,
} from './calldata.ts'
import { checkChainId, logsBetween, newestLog } from '../chain.ts'
import { WrongChainError } from '../endpoints/endpoints.ts'
import { type ClientOptions, NoSignerError, providerOf, RegistryMissingError } from '../connection.ts'
import { ask, ContractRevertError, RpcError, typedCallError } from '../contractErrors.ts'
import { InboxWords } from './inboxWords.ts'
import { idOfSource, isHeldAt, placeToGoOn } from './place.ts'
import { checkModel, type ModelOnChain, readModel } from '../models.ts'
import { BatchAtAnotherScaleError, priceScaleNoted } from './scale.ts'

/** Observations come in while a place in their source is being read: it is read so many times. */
const MOST_PLACES = 5
/** Where the sequence begins in what the registry stores. */
const PARAMETERS_BITS = BigInt(wordBits('parameters'))
const PARAMETERS_MASK = (1n << PARAMETERS_BITS) - 1n
/** How often a market is read that moves meanwhile: a node that answers now of one block and now of another never ends. */
const MOST_READINGS = 5
/** Of the estimate, since the chain may move before the transaction is mined. */
export const GAS_MARGIN_PERCENT = 120n

/** A market as the chain has it. */
export type CurrentMarket = {
  readonly name: string
  readonly marketId: string
  /** Batches that have moved it. */
  readonly sequence: bigint
  readonly state: MarketState
  readonly inbox: InboxPosition
  /** Id of the family of volatility models that it is bound to. */
  readonly volatilityModel: number
  /** None before the first proof. */
  readonly parameters?: Parameters
}

/** A market of the registry's list. */
export type ListedMarket = { readonly name: string; readonly marketId: string; readonly source: string }

/** A shadow of a market, by its model; `name` is its own, such as BTC-USD~garch. */
export type ListedShadow = ListedMarket & { readonly market: string; readonly volatilityModel: number }

/** Why a market is not in a batch. */
export type LeftOut = {
  readonly name: string
  /**
   * `behind`: its next observations cannot land in this build; the catch-up build takes them. `bound-to-another-model`: the
   * council has it estimated otherwise. `paused`: a guardian has paused it, its source or the model. `untaken-name`: governance
   * gave it a name that nothing here takes.
   */
  readonly reason: 'nothing-waiting' | 'behind' | 'no-place' | 'bound-to-another-model' | 'paused' | 'untaken-name'
}

/** A batch that the registry would take now. */
export type NextBatch = {
  readonly batch: MarketRiskBatch
  /** Of each market of the batch. */
  readonly names: readonly string[]
  readonly inboxes: readonly InboxPosition[]
  readonly leftOut: readonly LeftOut[]
}

/** Nothing to do, and why. */
export type NothingToDo = { readonly batch: undefined; readonly leftOut: readonly LeftOut[] }

export type Submitted =
  | {
      readonly status: 'applied'
      readonly transactionHash: string
      readonly block: number
      readonly gasUsed: bigint
      /** Markets that somebody had moved by the batch's sequence before: the others landed. */
      readonly skipped: readonly string[]
      readonly milliseconds: { readonly simulate: number; readonly land: number }
    }
  /** Every market of the bundle stands where the bundle would move it: somebody, perhaps we, landed it before. */
  | { readonly status: 'already-applied' }

/** As events and calldata tell it; which model a market is bound to is asked of the registry. */
type RebuiltMarket = Omit<CurrentMarket, 'volatilityModel'>

/** A market and what it has not consumed yet. */
type MarketRead = {
  readonly current: CurrentMarket
  readonly waiting: readonly Observation[]
}

/** Markets and shadows by id, and the first block not yet searched for them. */
type Listing = { readonly listed: ReadonlyMap<string, ListedMarket>; readonly nextBlock: number }

/**
 * Reads and moves one registry.
 *
 * @example
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const client = await RegistryClient.connect({ registry: addresses.registry, provider })
 * (await client.market('BTC-USD')).sequence // → 1n
 */
export class RegistryClient {
  readonly provider: Provider
  readonly registry: string
  readonly chainId: bigint
  private readonly signer: Signer | undefined
  /** Block before which nothing of the registry happened. */
  readonly fromBlock: number
  private readonly states = new Map<string, RebuiltMarket>()
  private readonly inboxes = new Map<string, InboxWords>()
  private listing: Listing
  /** Fixed for ever in the registry's code. */
  private modelRegistry: string | undefined

  private constructor(provider: Provider, chainId: bigint, options: ClientOptions) {
    this.provider = provider
    this.chainId = chainId
    this.registry = getAddress(options.registry)
    this.signer = options.signer
    this.fromBlock = options.fromBlock ?? 0
    this.listing = this.emptyListing()
  }

  /**
   * Connects to a registry.
   *
   * @throws {@link RpcUnreachableError} if no node answers
   * @throws {@link WrongChainError} if it serves another chain than expected
   * @throws {@link RegistryMissingError} if there is no contract at the registry's address
   */
  static async connect(options: ClientOptions): Promise<RegistryClient> {
    const provider = await providerOf(options)
    const chainId = await ask('Reading the chain id', async () => (await provider.getNetwork()).chainId)
    checkChainId(options.expectedChainId, chainId)
    const client = new RegistryClient(provider, chainId, options)
    const code = await ask('Reading the registry', () => provider.getCode(client.registry))
    if (code === '0x') throw new RegistryMissingError(client.registry, chainId)
    return client
  }

  /** Markets of the registry, in the order they were added, without shadows. */
  async markets(): Promise<readonly ListedMarket[]> {
    return (await this.marketsAndShadows()).filter(({ marketId }) => modelIdOfShadow(marketId) === 0)
  }

  /** Shadows of all markets, in the order they were added. */
  async shadows(): Promise<readonly ListedShadow[]> {
    return (await this.marketsAndShadows()).flatMap((listed) => {
      const volatilityModel = modelIdOfShadow(listed.marketId)
      if (volatilityModel === 0) return []
      return [{ ...listed, market: marketNameOf(ownMarketOf(listed.marketId)), volatilityModel }]
    })
  }

  /**
   * The running score of a shadow.
   *
   * @param name - such as BTC-USD~garch
   * @throws {@link ContractRevertError} UnknownMarket
   */
  async score(name: string): Promise<Score> {
    const shadowId = marketIdOf(name)
    const [{ score }] = await this.read('shadowOf', ownMarketOf(shadowId), modelIdOfShadow(shadowId))
    return unpack('score', score)
  }

  /** Names of markets and shadows that nothing here takes, and no method of this client: to governance a market is 32 bytes. */
  async untakenNames(): Promise<readonly string[]> {
    return (await this.marketsAndShadows()).map(({ name }) => name).filter((name) => !isMarketName(name))
  }

  /** When a shadow may take its market over. */
  async promotionPolicy(): Promise<{ readonly leastPredictions: bigint; readonly maxMarginStepX24: bigint }> {
    return (await this.read('promotionPolicy')).toObject()
  }

  /** Engine-wide policy in force. */
  async policies(): Promise<{ learning: Fields<'learningPolicy'>; margin: Fields<'marginPolicy'> }> {
    const [learning, margin] = await Promise.all([this.read('learningPolicy'), this.read('marginPolicy')])
    return { learning: unpack('learningPolicy', learning), margin: unpack('marginPolicy', margin) }
  }

  /**
   * Policy of one market in force.
   *
   * @throws {@link ContractRevertError} MarketPolicyMissing
   */
  async marketPolicy(name: string): Promise<Fields<'marketPolicy'>> {
    return unpack('marketPolicy', await this.read('marketPolicy', marketIdOf(name)))
  }

  /**
   * A market's state, rebuilt from the calldata of its last batch and checked against the hash the registry stores.
   *
   * @throws {@link MarketUnknownError} if the registry has no such market
   * @throws {@link StateUnreadableError} if what was rebuilt does not match the stored hash
   */
  async market(name: string): Promise<CurrentMarket> {
    return this.readMarket(name, MOST_READINGS)
  }

  private async readMarket(name: string, readings: number): Promise<CurrentMarket> {
    const marketId = marketIdOf(name)
    const [stored, volatilityModel] = await this.heldOf(marketId)
    if (BigInt(stored) === 0n) {
      // Removed since it was listed, or added in a block that a reorganisation undid.
      this.listing = this.emptyListing()
      throw new MarketUnknownError(name, this.registry)
    }
    const isHeld = ({ state, inbox }: RebuiltMarket) => stateHashOf(state, inbox, volatilityModel) === stored
    const known = this.states.get(marketId)
    if (known !== undefined && isHeld(known)) return { ...known, volatilityModel }

    const current = await this.rebuild(name, marketId)
    if (!isHeld(current)) {
      // A batch landed, or the market followed its source, between the two reads.
      const [now] = await this.heldOf(marketId)
      if (now !== stored && readings > 1) return this.readMarket(name, readings - 1)
      throw new StateUnreadableError(name, stored)
    }
    this.states.set(marketId, current)
    return { ...current, volatilityModel }
  }

  /** The batch that last moved a market or shadow; undefined before the first. */
  async lastBatch(
    marketId: string,
  ): Promise<{ readonly modelId: string; readonly block: number; readonly transactionHash: string } | undefined> {
    const moved = await this.newestEvent(['ParametersUpdated'], marketId)
    if (moved === undefined) return undefined
    const { transactionHash, blockNumber: block, index } = moved
    const receipt = await ask('Reading a batch', () => this.provider.getTransactionReceipt(transactionHash))
    const { address, topics } = this.eventFilter(['BatchAccepted'])
    const accepted = receipt?.logs.find(
      (log) => log.address === address && log.index > index && topics[0]?.includes(log.topics[0] ?? ''),
    )
    if (accepted === undefined) throw new StateUnreadableError(marketNameOf(marketId), transactionHash)
    return { modelId: parseLog('RiskRegistry', accepted).getValue('modelId'), block, transactionHash }
  }

  /**
   * Observations that a market has not consumed yet, oldest first: from the source's events, checked against its inbox head.
   *
   * @throws {@link InboxUnreadableError} if the events do not lead to the head
   */
  async waiting(name: string): Promise<readonly Observation[]> {
    return this.waitingOf(await this.market(name))
  }

  /** Those markets and shadows whose source was replaced, and that still stand in the one before; see {@link followSource}. */
  async toFollow(names: readonly string[]): Promise<readonly string[]> {
    const moving = await Promise.all(
      names.map(async (name) => {
        const [{ inbox }, source] = [await this.market(name), await this.read('sourceOf', marketIdOf(name))]
        return inbox.source === source ? [] : [name]
      }),
    )
    return moving.flat()
  }

  /**
   * Lets a market, or a shadow, go on with its new source. Anybody may; a batch of it that is on its way from the old source does not
   * land any more.
   *
   * @returns the transaction's hash
   * @throws {@link NoSignerError} if the client has nobody to sign
   * @throws {@link ContractRevertError} SourceAlreadyFollowed, …
   */
  async followSource(name: string): Promise<string> {
    if (this.signer === undefined) throw new NoSignerError()
    const registry = new Contract(this.registry, interfaceOf('RiskRegistry'), this.signer)
    for (let tries = 1; ; tries++) {
      const { marketId, standing, place, next } = await this.placeInSource(name)
      try {
        const sent = await registry.getFunction('followSource')(marketId, standing, place, next)
        await sent.wait()
        return sent.hash
      } catch (error) {
        const refused = typedCallError(error, `Letting ${name} follow its source`)
        // An observation came in since the place was read.
        const isLate = refused instanceof ContractRevertError && refused.reason === 'PlaceNotNext'
        if (!isLate || tries === MOST_PLACES) throw refused
      }
    }
  }

  /** Where a market stands, and where in its new source it goes on. */
  private async placeInSource(name: string) {
    const { marketId, state, inbox } = await this.market(name)
    const source: string = await this.read('sourceOf', marketId)
    const standing = {
      state: packState(state),
      ...{ inboxHead: inbox.head, inboxCount: inbox.count, source: inbox.source },
    }
    const at = { source, marketId, fromBlock: this.fromBlock }
    return { marketId, standing, ...(await placeToGoOn(this.provider, at, state.volatility.asOf)) }
  }

  /**
   * The next batch of a build: for each market as many waiting observations as it can take now.
   *
   * @param verificationKeyHash - of the key that will prove it, 0x-hexadecimal
   * @param names - markets and shadows to consider; by default all whose names are taken here. At most as many as the build has places are taken, markets
   * before shadows, those waiting longest first
   * @throws {@link ModelUnknownError}, {@link ModelDisabledError} if the registry does not accept proofs of this key
   */
  async nextBatch(
    build: Build,
    verificationKeyHash: string,
    names?: readonly string[],
  ): Promise<NextBatch | NothingToDo> {
    const [model, markets, policies, oldestLive, untaken] = await Promise.all([
      this.model(build, verificationKeyHash),
      this.readMarkets(names),
      this.policies(),
      this.oldestAccepted(),
      names === undefined ? this.untakenNames() : [],
    ])
    const oldest = model.allowsBacklog ? 0n : oldestLive
    const [paused, isModelPaused] = await Promise.all([this.pausedOf(markets), this.isModelPaused(model.modelId)])

    const leftOut: LeftOut[] = untaken.map((name) => ({ name, reason: 'untaken-name' }))
    const candidates: (MarketRead & { readonly observations: readonly Observation[] })[] = []
    for (const market of markets) {
      const { current, waiting } = market
      const { name } = current
      if (current.volatilityModel !== model.volatilityModel) {
        leftOut.push({ name, reason: 'bound-to-another-model' })
        continue
      }
      if (isModelPaused || paused.has(ownMarketOf(current.marketId))) {
        leftOut.push({ name, reason: 'paused' })
        continue
      }
      const observations = takeable(current, waiting, build, policies.learning.horizonSeconds)
      const newest = observations.at(-1)
      if (newest !== undefined && (isShadow(current) || newest.asOf >= oldest))
        candidates.push({ ...market, observations })
      else leftOut.push({ name, reason: waiting.length === 0 ? 'nothing-waiting' : 'behind' })
    }
    candidates.sort((a, b) => {
      const byKind = Number(isShadow(a.current)) - Number(isShadow(b.current))
      return byKind || Number(firstTime(a.observations) - firstTime(b.observations))
    })
    for (const { current } of candidates.splice(sizeOf(build, 'markets')))
      leftOut.push({ name: current.name, reason: 'no-place' })
    if (candidates.length === 0) return { batch: undefined, leftOut }

    candidates.sort((a, b) => (BigInt(a.current.marketId) < BigInt(b.current.marketId) ? -1 : 1))
    return {
      batch: {
        build,
        chainId: this.chainId,
        registry: this.registry,
        modelId: model.modelId,
        ...policies,
        markets: await Promise.all(
          candidates.map(async ({ current, observations }) => ({
            marketId: current.marketId,
            sequence: current.sequence + 1n,
            previous: current.state,
            observations,
            policy: await this.marketPolicy(current.name),
          })),
        ),
      },
      names: candidates.map(({ current }) => current.name),
      inboxes: candidates.map(({ current }) => current.inbox),
      leftOut,
    }
  }

  /** Whether the registry stands where a bundle would move it. */
  async isApplied(bundle: Bundle): Promise<boolean> {
    const stored: readonly string[] = await Promise.all(
      bundle.markets.map(({ name }) => this.read('stateHash', marketIdOf(name))),
    )
    const volatilityModel = volatilityModelOf(buildOf(bundle.context.build))
    return bundle.markets.every(
      ({ state, inbox, observations }, i) =>
        stored[i] === stateHashOf(state, advanceInbox(inbox, observations), volatilityModel),
    )
  }

  /** The transaction that submits a bundle, for whoever keeps nonces and signed transactions themselves. */
  transactionOf(bundle: Bundle): { readonly to: string; readonly data: string; readonly chainId: bigint } {
    this.checkPlace(bundle)
    return { to: this.registry, data: encodeSubmit(submitCallOf(bundle)), chainId: this.chainId }
  }

  /**
   * Asks the node whether a bundle would land, without sending it.
   *
   * @returns the gas it would take
   * @throws {@link ContractRevertError} with the contract's custom error if it would not
   */
  async simulate(bundle: Bundle): Promise<bigint> {
    const { to, data } = this.transactionOf(bundle)
    const from = await this.signer?.getAddress()
    const transaction = { to, data, ...(from === undefined ? {} : { from }) }
    return ask('Trying the batch', () => this.provider.estimateGas(transaction))
  }

  /**
   * Lands a bundle: simulates it, sends it, waits for it. Asking twice lands it once.
   *
   * @throws {@link WrongChainError}, {@link WrongRegistryError} if the bundle belongs elsewhere
   * @throws {@link NoSignerError} if the client has nobody to sign
   * @throws {@link ContractRevertError} with the contract's custom error by name and arguments
   */
  async submit(bundle: Bundle): Promise<Submitted> {
    const { to, data } = this.transactionOf(bundle)
    if (this.signer === undefined) throw new NoSignerError()
    const started = performance.now()
    if (await this.isApplied(bundle)) return { status: 'already-applied' }
    try {
      const gasLimit = ((await this.simulate(bundle)) * GAS_MARGIN_PERCENT) / 100n
      const simulated = performance.now()
      const sent = await this.signer.sendTransaction({ to, data, gasLimit })
      const receipt = await sent.wait()
      if (receipt === null) throw new RpcError('Waiting for the batch', new Error('the transaction was not mined'))
      const { hash, blockNumber, gasUsed } = receipt
      const skipped = skippedIn(receipt.logs, this.registry)
      this.remember(bundle, skipped)
      const milliseconds = { simulate: simulated - started, land: performance.now() - simulated }
      return { status: 'applied', transactionHash: hash, block: blockNumber, gasUsed, skipped, milliseconds }
    } catch (error) {
      // Somebody may have landed the same batch between our look and our transaction.
      const refused = typedCallError(error, 'Submitting the batch')
      if (refused instanceof ContractRevertError && (await this.isApplied(bundle))) return { status: 'already-applied' }
      await this.#requireScale(bundle, refused)
      throw refused
    }
  }

  /** Whether a batch was refused for a change of scale, which its own name for it does not say. */
  async #requireScale({ markets }: Bundle, refused: ProverError): Promise<void> {
    if (!(refused instanceof ContractRevertError) || refused.reason !== 'StateMismatch') return
    for (const { name, inbox } of markets) {
      const marketId = ownMarketOf(marketIdOf(name))
      const source: string = await this.read('sourceOf', marketId)
      if (source === inbox.source) continue
      const [scale, inForce] = await Promise.all(
        [inbox.source, source].map((each) => priceScaleNoted(this.provider, this.registry, each, marketId)),
      )
      if (scale !== inForce) throw new BatchAtAnotherScaleError(name, scale ?? 0, inForce ?? 0, refused)
    }
  }

  /** The registry's model for a build and a key. */
  async model(build: Build, verificationKeyHash: string): Promise<ModelOnChain> {
    const modelRegistry: string = this.modelRegistry ?? (await this.read('models'))
    this.modelRegistry = modelRegistry
    const model = await ask('Reading the model', () =>
      readModel(this.provider, modelRegistry, build.name, verificationKeyHash),
    )
    checkModel(model, build)
    return model
  }

  /** Saves the search for the batch that moved a market; {@link market} checks what is remembered against the chain. */
  private remember({ markets }: Bundle, skipped: readonly string[]): void {
    for (const { name, sequence, state, inbox, observations, parameters } of markets) {
      if (skipped.includes(name)) continue
      const marketId = marketIdOf(name)
      const after = advanceInbox(inbox, observations)
      this.states.set(marketId, { name, marketId, sequence, state, inbox: after, parameters })
    }
  }

  private async heldOf(marketId: string): Promise<readonly [string, number]> {
    const methods = ['stateHash', 'volatilityModelOf']
    const [stateHash, volatilityModel] = await Promise.all(methods.map((method) => this.read(method, marketId)))
    return [stateHash, Number(volatilityModel)]
  }

  private async readMarkets(names: readonly string[] | undefined): Promise<readonly MarketRead[]> {
    const considered = names ?? (await this.marketsAndShadows()).map(({ name }) => name).filter(isMarketName)
    return Promise.all(
      considered.map(async (name) => {
        const current = await this.market(name)
        return { current, waiting: await this.waitingOf(current) }
      }),
    )
  }

  /** Ids of those markets that are paused, by themselves or with the source that they stand in. */
  private async pausedOf(markets: readonly MarketRead[]): Promise<ReadonlySet<string>> {
    const time = await this.time()
    const idsOf = ({ current }: MarketRead) =>
      [ownMarketOf(current.marketId), idOfSource(current.inbox.source)] as const
    const asked = [...new Set(markets.flatMap(idsOf))]
    const untils = await Promise.all(asked.map(async (id): Promise<bigint> => (await this.read('pauseOf', id)).until))
    const paused = new Set(asked.filter((_, i) => (untils[i] ?? 0n) > time))
    return new Set(markets.map(idsOf).flatMap((ids) => (ids.some((id) => paused.has(id)) ? [ids[0]] : [])))
  }

  private async isModelPaused(modelId: string): Promise<boolean> {
    const models = new Contract(this.modelRegistry ?? '', interfaceOf('ModelRegistry'), this.provider)
    const { until } = await ask('Reading the pause of the model', () => models.getFunction('pauseOf')(modelId))
    return until > (await this.time())
  }

  private async time(): Promise<bigint> {
    const block = await ask('Reading the latest block', () => this.provider.getBlock('latest'))
    return BigInt(block?.timestamp ?? 0)
  }

  private async oldestAccepted(): Promise<bigint> {
    const [time, { maxObservationAgeSeconds }] = await Promise.all([this.time(), this.read('freshnessPolicy')])
    return time - maxObservationAgeSeconds
  }

  private async marketsAndShadows(): Promise<readonly ListedMarket[]> {
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    const filter = this.eventFilter(['MarketAdded', 'ShadowRemoved'])
    const known = this.listing
    const listed = new Map(known.listed)
    for (const log of await logsBetween(this.provider, filter, known.nextBlock, head)) {
      const { marketId, shadowId, source } = parseLog('RiskRegistry', log).toObject()
      if (shadowId !== undefined) listed.delete(shadowId)
      else listed.set(marketId, { name: marketNameOf(marketId), marketId, source })
    }
    this.listing = { listed, nextBlock: head + 1 }
    return [...listed.values()]
  }

  private emptyListing(): Listing {
    return { listed: new Map(), nextBlock: this.fromBlock }
  }

  private async rebuild(name: string, marketId: string): Promise<RebuiltMarket> {
    const last = await this.newestEvent(
      ['ParametersUpdated', 'MarketAdded', 'ShadowPromoted', 'SourceFollowed'],
      marketId,
    )
    if (last === undefined) throw new MarketUnknownError(name, this.registry)
    const begun = parseLog('RiskRegistry', last).toObject()
    if (begun.parametersAndSequence !== undefined) return this.movedBy(last, name, marketId)
    // Added, gone on from a shadow or with another source: the state is in the event, parameters are those of the batch before.
    const moved = await this.newestEvent(['ParametersUpdated'], marketId)
    const stored = moved === undefined ? 0n : parseLog('RiskRegistry', moved).toObject().parametersAndSequence
    const wasAdded = moved === undefined
    return {
      name,
      marketId,
      sequence: stored >> PARAMETERS_BITS,
      state: unpackState(begun.state),
      inbox: {
        source: begun.source ?? (await this.sourceSince(last, marketId)),
        head: begun.inboxHead,
        count: begun.inboxCount,
      },
      ...(wasAdded ? {} : { parameters: unpack('parameters', stored & PARAMETERS_MASK) }),
    }
  }

  /** The source that a market went over to with a promotion, which does not name it: the council may have replaced it since. */
  private async sourceSince(promotion: Log, marketId: string): Promise<string> {
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    const filter = this.eventFilter(['SourceRotated'], marketId)
    const rotations = await logsBetween(this.provider, filter, promotion.blockNumber, head)
    const next = rotations.find((log) => log.blockNumber > promotion.blockNumber || log.index > promotion.index)
    return next === undefined ? this.read('sourceOf', marketId) : parseLog('RiskRegistry', next).previous
  }

  private async movedBy(log: Log, name: string, marketId: string): Promise<RebuiltMarket> {
    const { parametersAndSequence } = parseLog('RiskRegistry', log)
    const parametersWord = parametersAndSequence & PARAMETERS_MASK
    const sequence = parametersAndSequence >> PARAMETERS_BITS
    const submissions = await ask('Reading a batch', () =>
      submissionsIn(this.provider, this.registry, log.transactionHash),
    )
    // The first that moves the market by this sequence: a later one of the same transaction was skipped, whatever it says.
    for (const call of submissions.map(decodeSubmit)) {
      const index = call?.updates.findIndex((update) => update.marketId === marketId) ?? -1
      const update = call?.updates[index]
      if (call === undefined || update?.sequence !== sequence || update.parameters !== parametersWord) continue
      const wordsPerMarket = call.observationWords.length / call.updates.length
      const words = call.observationWords.slice(index * wordsPerMarket, (index + 1) * wordsPerMarket)
      const inbox = { source: update.source, head: update.inboxHead, count: update.inboxCount }
      return {
        name,
        marketId,
        sequence,
        state: unpackState(update),
        inbox: advanceBySlots(inbox, words, Number(update.observationCount), update),
        parameters: unpack('parameters', update.parameters),
      }
    }
    throw new StateUnreadableError(name, log.transactionHash)
  }

  private async waitingOf(current: CurrentMarket): Promise<readonly Observation[]> {
    const { name, inbox } = current
    const marketId = ownMarketOf(current.marketId)
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    const feed = new Contract(inbox.source, interfaceOf('IObservationSource'), this.provider)
    const latest = await ask('Reading the inbox', () => feed.getFunction('latest')(marketId, { blockTag: head }))
    for (const isFresh of [false, true]) {
      const held = await this.followInbox(inbox.source, marketId, head, isFresh)
      const words = held.between(inbox.count, latest.count)
      if (words === undefined || extendHead(inbox.head, words) !== latest.head) continue
      held.consumedBy(current.marketId, inbox.count)
      return words.map((word) => unpack('observation', word))
    }
    throw new InboxUnreadableError(name, inbox.source)
  }

  /** Words of an inbox by position, kept between calls; read afresh if a reorganisation made them untrue. */
  private async followInbox(source: string, marketId: string, head: number, isFresh: boolean): Promise<InboxWords> {
    const key = `${source}:${marketId}`
    const known = isFresh ? undefined : this.inboxes.get(key)
    // What a market has not consumed was appended after the market was added, hence after the deployment.
    const held = known ?? new InboxWords(this.fromBlock)
    if (held.nextBlock <= head) {
      const feed = interfaceOf('IObservationSource')
      const topics = feed.encodeFilterTopics('ObservationAppended', [marketId])
      const logs = await logsBetween(this.provider, { address: source, topics }, held.nextBlock, head)
      for (const log of logs) {
        const { count, word } = parseLog('IObservationSource', log)
        held.take(count, word)
      }
      held.nextBlock = head + 1
    }
    this.inboxes.set(key, held)
    return held
  }

  private async newestEvent(events: readonly string[], marketId: string): Promise<Log | undefined> {
    const head = await ask('Reading the block number', () => this.provider.getBlockNumber())
    return newestLog(this.provider, this.eventFilter(events, marketId), this.fromBlock, head)
  }

  /** Any of some events, of one market if it is named; all of them have its id as their first topic. */
  private eventFilter(events: readonly string[], marketId?: string) {
    const hashes = events.map((event) => interfaceOf('RiskRegistry').getEvent(event)?.topicHash ?? '')
    return { address: this.registry, topics: [hashes, ...(marketId === undefined ? [] : [marketId])] }
  }

  private async read(method: string, ...args: readonly unknown[]) {
    const contract = new Contract(this.registry, interfaceOf('RiskRegistry'), this.provider as ContractRunner)
    return ask(`Reading ${method}`, () => contract.getFunction(method)(...args))
  }

  private checkPlace({ context }: Bundle): void {
    if (context.chainId !== this.chainId) throw new WrongChainError(context.chainId, this.chainId)
    if (context.registry !== this.registry) throw new WrongRegistryError(context.registry, this.registry)
  }
}

/** Names of the markets that a batch found moved already. */
export function skippedIn(logs: readonly Log[], registry: string): readonly string[] {
  const contract = interfaceOf('RiskRegistry')
  const topic = contract.getEvent('MarketSkipped')?.topicHash
  return logs
    .filter(({ address, topics }) => address === registry && topics[0] === topic)
    .map((log) => marketNameOf(parseLog('RiskRegistry', log).marketId))
}

/** Event arguments by name. */
export function parseLog(contract: ContractName, log: Log) {
  const parsed = interfaceOf(contract).parseLog(log)
  if (parsed === null)
    throw new RpcError('Reading an event', new Error('the node returned an event that was not asked for'))
  return parsed.args
}

/** How many of the waiting observations a batch of this build can take such that the source still knows the head it ends at. */
function takeable(
  current: CurrentMarket,
  waiting: readonly Observation[],
  build: Build,
  horizonSeconds: bigint,
): readonly Observation[] {
  const { state, inbox } = current
  const testsEverySlot = sizeOf(build, 'testEverySlot') === 1
  const lengthOf = isShadow(current) ? shadowBatchLength : batchLength
  const most = lengthOf(state, waiting, sizeOf(build, 'observations'), testsEverySlot, horizonSeconds)
  const latest = inbox.count + BigInt(waiting.length)
  for (let length = most; length > 0; length--) {
    const end = inbox.count + BigInt(length)
    if (isHeldAt(end, latest)) return waiting.slice(0, length)
  }
  return []
}

function advanceBySlots(
  inbox: InboxPosition,
  words: readonly bigint[],
  count: number,
  { volatilityState }: { readonly volatilityState: bigint },
): InboxPosition {
  // The number of slots is the model's: two per word, one in the last word of an odd model, whose upper half is empty then.
  const newest = unpack('volatilityState', volatilityState).asOf
  for (const slots of [words.length * 2, words.length * 2 - 1]) {
    const observations = unpackObservations(words, slots, count)
    if (observations.at(-1)?.asOf === newest) return advanceInbox(inbox, observations)
  }
  return inbox
}

const isShadow = ({ marketId }: CurrentMarket): boolean => modelIdOfShadow(marketId) !== 0

const firstTime = (observations: readonly Observation[]): bigint => observations[0]?.asOf ?? 0n

/** The registry has no market of this name. */
export class MarketUnknownError extends ProverError {
  readonly code = 'registry.unknown-market'
  readonly market: string

  /** @param known - those that it has, where they are at hand */
  constructor(market: string, registry: string, known: readonly string[] = []) {
    const has = known.length === 0 ? '' : ` It has ${known.join(', ')}.`
    super(
      `The registry ${registry} has no market "${market}".${has} Check the name, or have the council add the market.`,
    )
    this.market = market
  }
}

/** A market's state could not be rebuilt from events and calldata. */
export class StateUnreadableError extends ProverError {
  readonly code = 'registry.state-unreadable'
  readonly market: string

  constructor(market: string, at: string) {
    super(`The state of ${market} cannot be rebuilt (${at}). Ask a node that has the chain's whole history.`)
    this.market = market
  }
}

/** A source's events do not lead to its inbox head. */
export class InboxUnreadableError extends ProverError {
  readonly code = 'registry.inbox-unreadable'
  readonly market: string
  readonly source: string

  constructor(market: string, source: string) {
    super(`The observations of ${market} in ${source} are incomplete. Ask a node that has the chain's whole history.`)
    this.market = market
    this.source = source
  }
}

/** A bundle is for another registry. */
export class WrongRegistryError extends ProverError {
  readonly code = 'registry.wrong-registry'
  readonly expected: string
  readonly found: string

  constructor(expected: string, found: string) {
    super(`The bundle is for registry ${expected}, not for ${found}. Submit it there.`)
    this.expected = expected
    this.found = found
  }
}
