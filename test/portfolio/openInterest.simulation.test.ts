/** Probabilities of default of a venue's accounts, added up, against a simulation that prices every option anew on every path. */
import { describe, expect, test } from 'vitest'
import { blackValue, normalCdf } from '../../prover/options/real.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import type { Portfolio } from '../../prover/portfolio/portfolio.ts'
import { realMargin } from '../../prover/portfolio/real.ts'
import { addAccount, nothingCounted } from '../../prover/registry/portfolio/openInterest.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { pack } from '../../prover/statement/words.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

const PATHS = Number(process.env.ZKRISK_PATHS ?? 100_000)
const ACCOUNTS = 60
const SPOT = 70_853.26

/** As far as the regular shocks reach; what defaults beyond is not seen by thresholds. */
const GRID = { down: 0.8, up: 1.2 }

const market = {
  asOf: '2026-02-05T04:30:00Z',
  spot: String(SPOT),
  perpPrice: '70840',
  expiries: [
    {
      expiry: '2026-02-27T08:00:00Z',
      forward: '71050',
      rate: '0.04',
      svi: { a: '0.006', b: '0.055', rho: '-0.35', m: '0.01', s: '0.12' },
    },
    {
      expiry: '2026-03-27T08:00:00Z',
      forward: '71320',
      rate: '0.04',
      svi: { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' },
    },
  ],
}

type Held = { readonly cash: number; readonly perps: number; readonly options: readonly (readonly [string, number])[] }

const portfolioOf = ({ cash, perps, options }: Held): Portfolio =>
  readPortfolio(
    JSON.stringify({
      account: {
        cash: cash.toFixed(2),
        perps: { quantity: perps.toFixed(2) },
        options: options.map(([instrument, quantity]) => ({ instrument, quantity: quantity.toFixed(2) })),
      },
      market,
    }),
    'venue.json',
  )

/** Accounts like those of a venue: perpetuals, short options and spreads, with equity of a few per cent of what they hold. */
function venue(random: Random): readonly Portfolio[] {
  const uniform = (low: number, high: number): number =>
    low + (Number(random.below(1n << 30n)) / 2 ** 30) * (high - low)
  return Array.from({ length: ACCOUNTS }, (_, i) => {
    const options: (readonly [string, number])[] = []
    if (i % 3 !== 0) options.push([`BTC-27MAR26-${uniform(60, 68).toFixed(0)}000-P`, uniform(-3, -0.5)])
    if (i % 3 === 2) options.push([`BTC-27FEB26-${uniform(73, 80).toFixed(0)}000-C`, uniform(-3, 1)])
    const perps = i % 3 === 1 ? 0 : uniform(-2, 2)
    const held = { cash: 0, perps, options }
    const { markToMarket } = realMargin(portfolioOf(held))
    const size = Math.abs(perps) + options.reduce((sum, [, quantity]) => sum + Math.abs(quantity) / 3, 0)
    return portfolioOf({ ...held, cash: size * SPOT * uniform(0.01, 0.12) - markToMarket })
  })
}

/** Equity of an account wherever spot goes, volatilities as they are: forwards and the perpetual move with it. */
function equityOf(portfolio: Portfolio): (move: number) => number {
  const { legs, expiries, optionsValue, cash, perpPnl } = realMargin(portfolio)
  const { perpsE12 } = portfolio.account
  const perps = (Number(perpsE12) / 1e12) * (Number(portfolio.market.perpPriceE8) / 1e8)
  const priced = legs.map(({ leg, impliedVolatility }) => {
    const { forward, discount, timeToExpiry } = expiries.find(
      ({ expiry }) => expiry === leg.expiry,
    ) as (typeof expiries)[0]
    const quantity = (Number(leg.quantityE12) / 1e12) * discount
    const total = impliedVolatility * Math.sqrt(timeToExpiry)
    return { quantity, forward, strike: Number(leg.strikeE8) / 1e8, total, isCall: leg.isCall }
  })
  const value = (move: number): number =>
    priced.reduce(
      (sum, { quantity, forward, strike, total, isCall }) =>
        sum + quantity * blackValue(forward * move, strike, total, isCall),
      0,
    )
  expect(Math.abs(value(1) - optionsValue)).toBeLessThan(1e-6 * Math.max(1, Math.abs(optionsValue)))
  return (move) => cash + perpPnl + perps * (move - 1) + value(move)
}

/** Lognormal moves without drift, two of each pair of uniform numbers. */
function movesOf(random: Random, volatility: number, paths: number): Float64Array {
  const moves = new Float64Array(paths)
  const uniform = (): number => (Number(random.below(1n << 52n)) + 0.5) / 2 ** 52
  for (let i = 0; i < paths; i += 2) {
    const [radius, angle] = [Math.sqrt(-2 * Math.log(uniform())), 2 * Math.PI * uniform()]
    moves[i] = Math.exp(volatility * radius * Math.cos(angle))
    if (i + 1 < paths) moves[i + 1] = Math.exp(volatility * radius * Math.sin(angle))
  }
  return moves
}

/** Expected defaults as they are stated, and as they are simulated, with the standard error of the latter. */
function compared(accounts: readonly Portfolio[], paths: number) {
  const proven = accounts.map((portfolio) => provableMargin(portfolio, marginSizes))
  const sums = proven.reduce(
    (sum, { margin, account }) =>
      addAccount(sum, {
        holdings: pack('holdings', account.holdings),
        margins: pack('accountMargins', margin.margins),
        thresholds: pack('accountThresholds', margin.thresholds),
        spotGreeks: pack('spotGreeks', margin.spotGreeks),
        risk: pack('accountRisk', margin.risk),
      }),
    nothingCounted(proven[0]?.round.asOf ?? 0n),
  )
  const volatility = Number(proven[0]?.round.horizonVolatilityX40 ?? 0n) / 2 ** 40
  const moves = movesOf(new Random(7n), volatility, paths)
  const defaults = new Float64Array(paths)
  for (const equity of accounts.map(equityOf)) {
    for (let i = 0; i < paths; i++) {
      if (equity(moves[i] as number) < 0) defaults[i] = (defaults[i] as number) + 1
    }
  }
  const mean = defaults.reduce((sum, each) => sum + each, 0) / paths
  const variance = defaults.reduce((sum, each) => sum + (each - mean) ** 2, 0) / (paths - 1)
  const beyond = normalCdf(Math.log(GRID.down) / volatility) + normalCdf(-Math.log(GRID.up) / volatility)
  const stated = Number(sums.defaultProbabilityX32) / 2 ** 32
  // Four standard errors, and what defaults beyond the grid, which is not seen.
  const chance = 4 * Math.sqrt(variance / paths) + accounts.length * beyond
  console.log(
    `${sums.accounts} accounts: ${stated.toFixed(4)} defaults expected, ${mean.toFixed(4)} simulated, chance ${chance.toFixed(4)}`,
  )
  return { stated, mean, chance, counted: sums.accounts }
}

describe(`L21: the sum of probabilities of default, on ${PATHS.toLocaleString('en')} paths`, () => {
  const accounts = venue(new Random(2026n))
  const isLinear = ({ account }: Portfolio): boolean => account.options.length === 0

  test('is what is simulated where there are no options', () => {
    const { stated, mean, chance, counted } = compared(accounts.filter(isLinear), PATHS)
    expect(counted).toBe(20n)
    expect(mean).toBeGreaterThan(1)
    expect(Math.abs(stated - mean)).toBeLessThan(chance)
  })

  test('with options exceeds it by 15 % at most, and is short of it by a fiftieth at most', () => {
    const { stated, mean, chance, counted } = compared(
      accounts.filter((each) => !isLinear(each)),
      PATHS,
    )
    expect(counted).toBe(40n)
    expect(mean).toBeGreaterThan(1)
    expect(stated - mean).toBeLessThan(0.15 * mean + chance)
    expect(mean - stated).toBeLessThan(0.02 * mean + chance)
  })
})
