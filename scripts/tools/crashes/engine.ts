/** The engine minute by minute: parameters proven of what a feed has taken, in force in a registry; and the market of a round under them. */
import type { Contract, Signer } from 'ethers'
import { modelSizesOf } from '../../../circuits/statements/index.ts'
import type { PriceBar } from '../../../prover/market/prices.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../../prover/parameters/defaultPolicy.ts'
import {
  initialState,
  type MarketState,
  type Parameters,
  type Policy,
  updateMarket,
} from '../../../prover/parameters/marketRisk.ts'
import { readPortfolio } from '../../../prover/portfolio/input/schema.ts'
import type { Portfolio } from '../../../prover/portfolio/portfolio.ts'
import { defaultFreshness, RegistryClient } from '../../../prover/registry/index.ts'
import { placeToBegin } from '../../../prover/registry/market/place.ts'
import { packState } from '../../../prover/statement/marketState.ts'
import { pack } from '../../../prover/statement/words.ts'
import { defaultModel } from '../../../prover/volatility/models.ts'
import { mined } from '../chains/chain.ts'
import { type Contracts, COUNCIL, MARKET, MARKET_NAME } from './contracts.ts'
import type { MarketProver } from './proving.ts'

/** What an engine has in force, plain. */
export type InForce = { readonly volatility: number; readonly maintenance: number; readonly initial: number }

type Margins = Pick<Parameters, 'volatilityX24' | 'maintenanceMarginX24' | 'initialMarginX24'>

const ONE_X24 = 2 ** 24
/** Batches are tried before they are sent, at the machine's time, which runs on while the chain's stands still. */
const FRESHNESS = { ...defaultFreshness, maxObservationAgeSeconds: 3_600n }

const inForceOf = ({ volatilityX24, maintenanceMarginX24, initialMarginX24 }: Margins): InForce => ({
  volatility: Number(volatilityX24) / ONE_X24,
  maintenance: Number(maintenanceMarginX24) / ONE_X24,
  initial: Number(initialMarginX24) / ONE_X24,
})

/** What governance starts a market from: the twin over what was observed before. */
export function governed(
  policy: Policy,
  before: readonly PriceBar[],
): { readonly state: MarketState; readonly inForce: InForce } {
  const [first, ...rest] = before
  if (first === undefined) throw new Error('The engine has nothing to start from.')
  let state = initialState(defaultModel, first, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, policy)
  let inForce: InForce = { volatility: 0, maintenance: 0, initial: 0 }
  for (const { priceE8, asOf, rangeCode } of rest) {
    const observation = { priceE8, asOf, impliedVolatilityX16: 0n, rangeCode }
    const update = updateMarket(defaultModel, state, [observation], policy)
    state = update.state
    inForce = inForceOf(update.parameters)
  }
  return { state, inForce }
}

/** A registry of parameters whose one market follows a feed. */
export class MarketEngine {
  readonly registry: Contract
  readonly client: RegistryClient
  readonly #prover: MarketProver
  /** As the registry holds it; before its first proof, what governance started it from. */
  inForce: InForce
  /** Batches that landed. */
  batches = 0

  private constructor(
    parts: Pick<MarketEngine, 'registry' | 'client' | 'inForce'> & { readonly prover: MarketProver },
  ) {
    this.registry = parts.registry
    this.client = parts.client
    this.inForce = parts.inForce
    this.#prover = parts.prover
  }

  /** @param feed - has taken an observation of the end of `before`, and no other */
  static async open(
    { chain, council, modelRegistry, market: prover }: Contracts,
    policy: Policy,
    before: readonly PriceBar[],
    feed: Contract,
  ): Promise<MarketEngine> {
    const words = [pack('learningPolicy', policy.learning), pack('marginPolicy', policy.margin)]
    const registry = await chain.deploy('RiskRegistry', council, modelRegistry, ...words, FRESHNESS)
    const [provider, source] = [chain.ethers.provider as never, feed.target as string]
    const { state, inForce } = governed(policy, before)
    const begun = await placeToBegin(provider, { source, marketId: MARKET, fromBlock: 0 })
    const { volatilityModel } = modelSizesOf(prover.build)
    await mined(registry.getFunction('setMarketPolicy')(MARKET, pack('marketPolicy', policy.market)))
    const place = begun?.place
    const added = await mined(registry.getFunction('addMarket')(MARKET, feed, volatilityModel, packState(state), place))
    const client = await RegistryClient.connect({
      ...{ registry: registry.target as string, provider, fromBlock: added.blockNumber },
      signer: chain.signers[COUNCIL] as unknown as Signer,
    })
    return new MarketEngine({ registry, client, inForce, prover })
  }

  /** Proves what the feed has taken since, as whoever reads the chain would, and reads what is in force then. */
  async land(): Promise<void> {
    const next = await this.client.nextBatch(this.#prover.build, this.#prover.keyHash, [MARKET_NAME])
    if (next.batch === undefined) return
    const landed = await this.client.submit(await this.#prover.prove(next))
    if (landed.status === 'already-applied') throw new Error('Somebody else has landed the batch.')
    this.batches++
    this.inForce = inForceOf((await this.registry.getFunction('parameters')(MARKET)).toObject())
  }
}

const YEAR_SECONDS = 31_536_000
const text = (value: number): string => value.toFixed(12)

/**
 * The market of a round, under a grid that follows the engine: spot moves by the maintenance margin in force at most, and the initial
 * margin is to the maintenance margin as the engine's. So perpetuals alone need exactly what the engine asks for, and options what
 * such a move would cost. A flat smile at the engine's volatility stands for quotes.
 */
export function marketOf(asOf: bigint, priceE8: bigint, inForce: InForce, expiry: bigint): Portfolio {
  const { volatility, maintenance, initial } = inForce
  const spot = `${priceE8 / 100_000_000n}.${String(priceE8 % 100_000_000n).padStart(8, '0')}`
  const years = Number(expiry - asOf) / YEAR_SECONDS
  const svi = { a: text(volatility ** 2 * years), b: '0', rho: '0', m: '0', s: '0.1', variance: 'total' }
  const moves = [1, 2 / 3, 1 / 3, 0, -1 / 3, -2 / 3, -1].map((part) =>
    part === 0 ? '1' : text(1 + part * maintenance),
  )
  return readPortfolio(
    JSON.stringify({
      account: { perps: { quantity: '1' } },
      market: { currency: 'BTC', asOf: Number(asOf), spot, expiries: [{ expiry: Number(expiry), forward: spot, svi }] },
      parameters: {
        lossFactor: { maintenance: '1', initial: text(initial / maintenance) },
        contingency: { perpMaintenance: '0', perpInitial: '0' },
      },
      scenarios: moves.flatMap((spotShock) => ['up', 'none', 'down'].map((volatility) => ({ spotShock, volatility }))),
    }),
    'round.json',
  )
}
