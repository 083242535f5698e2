/** A real chain on which a market is tried under other models: real proofs, keys and observations, hour by hour. */
import { Contract } from 'ethers'
import {
  type Fields,
  type MarketBuildName,
  sizeOf,
  type VolatilityModelName,
  volatilityModels as modelRows,
} from '../../circuits/statements/index.ts'
import { type Audit, audit } from '../../prover/audit/index.ts'
import { marketIdOf, ownMarketOf, shadowIdOf, shadowNameOf } from '../../prover/market/marketId.ts'
import {
  defaultPolicy,
  INITIAL_MULTIPLIER_X18,
  INITIAL_VOLATILITY_X24,
  withStartingWords,
} from '../../prover/parameters/defaultPolicy.ts'
import { batchLength, initialState, type MarketState, type Observation } from '../../prover/parameters/marketRisk.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { attestedFeedOf, type Bundle, type InboxPosition } from '../../prover/registry/index.ts'
import { advanceInbox } from '../../prover/registry/market/calldata.ts'
import { placeToBegin } from '../../prover/registry/market/place.ts'
import { makeBundle } from '../../prover/registry/market/bundle.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { familyOf } from '../../prover/service/workspace.ts'
import { modelNames, volatilityModels } from '../../prover/volatility/models.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { buildOf, LiveEngine } from '../registry/liveEngine.ts'
import { packState } from '../../prover/statement/marketState.ts'

export const MARKET = 'BTC-USD'
export const shadow = (model: VolatilityModelName): string => shadowNameOf(MARKET, model)

const builds = Object.fromEntries(modelNames.map((name) => [name, familyOf(name).live])) as Record<
  VolatilityModelName,
  MarketBuildName
>

/** What the prover believes of a market or a shadow. */
export type Held = {
  readonly state: MarketState
  readonly inbox: InboxPosition
  readonly sequence: bigint
  readonly policy: Fields<'marketPolicy'>
  readonly waiting: readonly Observation[]
}

export class ShadowChain {
  readonly engine: LiveEngine
  readonly held = new Map<string, Held>()

  private constructor(engine: LiveEngine) {
    this.engine = engine
  }

  /** A market under EWMA. */
  static async start(price: bigint): Promise<ShadowChain> {
    const engine = await LiveEngine.start([...Object.values(builds), 'marketRisk1x48'], { [MARKET]: price })
    const chain = new ShadowChain(engine)
    const { state, inbox, sequence } = await engine.client.market(MARKET)
    chain.held.set(MARKET, { state, inbox, sequence, policy: defaultPolicy.market, waiting: [] })
    return chain
  }

  /** A call of the council. */
  async council(method: string, ...args: readonly unknown[]): Promise<void> {
    const [owner] = this.engine.chain.signers
    const registry = new Contract(
      this.engine.deployment.addresses.registry,
      interfaceOf('RiskRegistry'),
      owner as never,
    )
    await mined(registry.getFunction(method)(...args))
  }

  /** Adds a shadow at the newest observation; its count of batches goes on if there was one before. */
  async addShadow(model: VolatilityModelName): Promise<void> {
    const { id } = modelRows[model]
    const policy = withStartingWords(volatilityModels[model], defaultPolicy)
    const { observation, inbox } = await this.latest()
    const state = initialState(
      volatilityModels[model],
      observation,
      INITIAL_VOLATILITY_X24,
      INITIAL_MULTIPLIER_X18,
      policy,
    )
    await this.council('setMarketPolicy', shadowIdOf(marketIdOf(MARKET), id), pack('marketPolicy', policy.market))
    const source = (await this.engine.connect()).provider
    const { address } = attestedFeedOf(this.engine.deployment)
    const begun = await placeToBegin(source, { source: address, marketId: marketIdOf(MARKET), fromBlock: 0 })
    await this.council('addShadow', marketIdOf(MARKET), id, packState(state), begun?.place)
    const sequence = this.held.get(shadow(model))?.sequence ?? 0n
    this.held.set(shadow(model), { state, inbox, sequence, policy: policy.market, waiting: [] })
  }

  /** Time passes, at whose end a price is attested. */
  async observe(price: bigint, secondsLater: bigint): Promise<void> {
    await this.engine.observe({ [MARKET]: price }, secondsLater)
    const { observation } = await this.latest()
    for (const [name, held] of this.held) this.held.set(name, { ...held, waiting: [...held.waiting, observation] })
  }

  /** Removes a shadow; its count of batches is remembered. */
  async removeShadow(model: VolatilityModelName): Promise<void> {
    await this.council('removeShadow', marketIdOf(MARKET), modelRows[model].id)
  }

  /** Proves what waits of some markets and shadows, in one batch; of each as much as fits, or as many as are said. */
  async prove(buildName: MarketBuildName, names: readonly string[], count?: number): Promise<Bundle> {
    const { engine } = this
    const { deployment } = engine
    const build = buildOf(buildName)
    const slots = sizeOf(build, 'observations')
    const { learning, margin } = defaultPolicy
    const starts = names.map((name) => this.held.get(name) as Held)
    const statement = await stateBatch({
      ...{ build, learning, margin, chainId: deployment.chainId, registry: deployment.addresses.registry },
      modelId: deployment.models.find(({ name }) => name === buildName)?.modelId as string,
      markets: starts.map(({ sequence, state, waiting, policy }, i) => ({
        ...{ marketId: marketIdOf(names[i] as string), sequence: sequence + 1n, previous: state, policy },
        observations: waiting.slice(0, count ?? batchLength(state, waiting, slots, false, learning.horizonSeconds)),
      })),
    })
    const keys = engine.keys.get(buildName)
    if (keys === undefined) throw new Error(`The engine has no keys of ${buildName}.`)
    const { proof } = await engine.prover.prove(keys, statement.circuitInput as never)
    const inboxes = starts.map(({ inbox }) => inbox)
    return makeBundle(statement, inboxes, names, proof, keys.verificationKey)
  }

  /** Proves and lands what waits, as much as fits, in one batch of a model. */
  async land(model: VolatilityModelName, names: readonly string[]): Promise<void> {
    const bundle = await this.prove(builds[model], names)
    await this.engine.client.submit(bundle)
    for (const { name, state, inbox, observations, sequence } of bundle.markets) {
      const held = this.held.get(name) as Held
      const waiting = held.waiting.slice(observations.length)
      this.held.set(name, { ...held, state, sequence, inbox: advanceInbox(inbox, observations), waiting })
    }
  }

  /** The market goes on from a shadow's state, with its own margins. */
  async promote(model: VolatilityModelName): Promise<void> {
    await this.council('promote', marketIdOf(MARKET), modelRows[model].id)
    const [own, promoted] = [MARKET, shadow(model)].map((name) => this.held.get(name) as Held) as [Held, Held]
    const { initialMarginX24, maintenanceMarginX24 } = own.state.anchor
    const anchor = { ...promoted.state.anchor, initialMarginX24, maintenanceMarginX24 }
    this.held.set(MARKET, { ...promoted, state: { ...promoted.state, anchor }, sequence: own.sequence })
  }

  /** Everything inside is undone afterwards, on the chain and here. */
  async undone<Result>(body: () => Promise<Result>): Promise<Result> {
    const kept = [...this.held]
    try {
      return await this.engine.chain.undone(body)
    } finally {
      this.held.clear()
      for (const [name, held] of kept) this.held.set(name, held)
    }
  }

  audit(): Promise<Audit> {
    return audit({
      registry: this.engine.deployment.addresses.registry,
      provider: this.engine.chain.ethers.provider as never,
      keys: this.engine.auditKeys(),
    })
  }

  private async latest(): Promise<{ observation: Observation; inbox: InboxPosition }> {
    const { address: source } = attestedFeedOf(this.engine.deployment)
    const feed = new Contract(source, interfaceOf('IObservationSource'), this.engine.chain.ethers.provider as never)
    const { head, count, lastWord } = await feed.getFunction('latest')(ownMarketOf(marketIdOf(MARKET)))
    return { observation: unpack('observation', lastWord), inbox: { source, head, count } }
  }
}
