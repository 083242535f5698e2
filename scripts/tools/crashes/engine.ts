/** The engine's twin minute by minute, and the market of a round as the venue's margins see it. */
import { rangeCodeUp } from '../../../prover/market/range.ts'
import type { PriceBar } from '../../../prover/market/prices.ts'
import { INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../../prover/parameters/defaultPolicy.ts'
import { initialState, type MarketState, type Policy, updateMarket } from '../../../prover/parameters/marketRisk.ts'
import { readPortfolio } from '../../../prover/portfolio/input/schema.ts'
import type { Portfolio } from '../../../prover/portfolio/portfolio.ts'
import { defaultModel } from '../../../prover/volatility/models.ts'

/** What the engine has in force, plain. */
export type InForce = { readonly volatility: number; readonly maintenance: number; readonly initial: number }

const ONE_X24 = 2 ** 24

export class MarketEngine {
  readonly #policy: Policy
  #state: MarketState
  inForce: InForce = { volatility: 0, maintenance: 0, initial: 0 }

  /** @param before - what was observed until now */
  constructor(policy: Policy, before: readonly PriceBar[]) {
    const [first, ...rest] = before
    if (first === undefined) throw new Error('The engine has nothing to start from.')
    this.#policy = policy
    this.#state = initialState(defaultModel, first, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, policy)
    for (const { priceE8, asOf, rangeCode } of rest)
      this.#update({ priceE8, asOf, impliedVolatilityX16: 0n, rangeCode })
  }

  observe(asOf: bigint, priceE8: bigint, { lowE8, highE8 }: Readonly<Record<'lowE8' | 'highE8', bigint>>): InForce {
    this.#update({ priceE8, asOf, impliedVolatilityX16: 0n, rangeCode: rangeCodeUp(highE8, lowE8) })
    return this.inForce
  }

  #update(observation: Parameters<typeof updateMarket>[2][number]): void {
    const { state, parameters } = updateMarket(defaultModel, this.#state, [observation], this.#policy)
    this.#state = state
    this.inForce = {
      volatility: Number(parameters.volatilityX24) / ONE_X24,
      maintenance: Number(parameters.maintenanceMarginX24) / ONE_X24,
      initial: Number(parameters.initialMarginX24) / ONE_X24,
    }
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
