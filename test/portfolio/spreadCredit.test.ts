/** What markets offset of each other: by hand, at each of its limits and beside them. */
import { describe, expect, test } from 'vitest'
import { COLLATERALS } from '../../circuits/statements/index.ts'
import { emptyBook } from '../../prover/portfolio/book.ts'
import {
  type CrossMargin,
  type CrossMarket,
  crossMargin,
  type CrossPart,
  spreadCredit,
} from '../../prover/portfolio/crossMargin.ts'
import { BASIS_SCENARIO, type MarginPolicy } from '../../prover/portfolio/margin.ts'
import { emptyAccount } from '../../prover/statement/portfolioMargin.ts'
import { randomPolicy, randomRound } from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

const ROUND = 1_770_000_000n
const ONE = 1n << 40n
const E12 = 10n ** 12n

/** Spot 18 % up and down with everything counted whole, and maintenance at four fifths of the loss. */
function market(spot: bigint): CrossMarket {
  const random = new Random(321n)
  const policy = randomPolicy(random)
  const shockOf = (r: number): bigint => ONE + (BigInt(3 - r) * 6n * ONE) / 100n
  const whole = { dampingUpX40: ONE, dampingNoneX40: ONE, dampingDownX40: ONE }
  const scenarios: MarginPolicy['scenarios'] = {
    ...policy.scenarios,
    regular: policy.scenarios.regular.map((_, r) => ({ shockX40: shockOf(r), ...whole })),
    upOnly: policy.scenarios.upOnly.map(() => ({ shockX40: ONE, dampingX40: 0n })),
    dampingLinearX40: 0n,
    dampingAbsoluteX40: 0n,
  }
  const free = { maintenancePerpX40: 0n, initialPerpX40: 0n, maintenanceOptionX40: 0n, initialOptionX40: 0n }
  const round = { ...randomRound(random, ROUND), spotE8: spot * 10n ** 8n, perpPriceE8: spot * 10n ** 8n }
  return {
    round: { ...round, spotConfidenceX40: ONE, perpConfidenceX40: ONE },
    policy: {
      ...policy,
      scenarios,
      lossFactors: {
        ...policy.lossFactors,
        maintenanceFactorX40: (4n * ONE) / 5n,
        initialFactorX40: ONE,
        pegThresholdX40: 0n,
      },
      contingencies: { ...free, confidenceMarginX40: 0n },
      concentration: { ...policy.concentration, concentrationX40: 0n },
    },
  }
}

const markets = [market(100_000n), market(4_000n), market(200n)]
const collateralMarkets = new Array<bigint>(COLLATERALS).fill(0n)
const { collateralsE12, ...none } = emptyAccount.holdings
type Totals = Partial<typeof emptyBook.totals>

/** Perpetuals in each market, and the totals of a book beside them. */
const partOf = (perps: number, totals: Totals = {}) => ({
  book: { ...emptyBook, asOf: ROUND, totals: { ...emptyBook.totals, ...totals } },
  holdings: { ...none, perpsE12: BigInt(perps) * E12 },
})

const marginOf = (parts: readonly ReturnType<typeof partOf>[], credits: readonly number[]): CrossMargin =>
  crossMargin({ parts, collateralsE12 }, markets.slice(0, parts.length), {
    collateralMarkets,
    creditsX40: credits.map((percent) => (BigInt(percent) * ONE) / 100n),
  })

/** MX80 of money. */
const money = (mx80: bigint): number => Number(((mx80 << 32n) / 10n ** 12n) >> 80n) / 1e8

/** Both books alike in what they lose, whichever way spot moves. */
const losing = (quote: bigint): Totals => ({
  scenarioPnlMX40: Array.from({ length: 33 }, (_, s) => (s === 0 || s === 18 ? -((quote * 10n ** 20n) << 8n) : 0n)),
})

describe('L32: the spread credit', () => {
  test('by hand: 10 BTC long and 100 ETH short, half and three quarters', () => {
    // A fall of 18 % costs 180,000, of which maintenance keeps 144,000 and 72,000 may offset; a rise costs 72,000: 57,600, 43,200.
    const { creditMX80, margins, parts } = marginOf([partOf(10), partOf(-100)], [50, 75])
    expect(money(creditMX80)).toBeCloseTo(43_200, 2)
    expect(parts.map(({ isDown }) => isDown)).toEqual([true, false])
    expect(Number(margins.maintenanceE8) / 1e8).toBeCloseTo(-144_000 - 57_600 + 43_200, 2)
    // The same money in both margins, though initial margin asks for the whole loss.
    expect(Number(margins.initialE8) / 1e8).toBeCloseTo(-180_000 - 72_000 + 43_200, 2)
  })

  test('none by default, none if either fraction is 0, none where nothing is held', () => {
    const opposite = [partOf(10), partOf(-100)]
    expect(marginOf(opposite, [1, 1]).creditMX80).toBeGreaterThan(0n)
    for (const credits of [
      [0, 0],
      [0, 100],
      [100, 0],
    ]) {
      expect(marginOf(opposite, credits).creditMX80).toBe(0n)
    }
    expect(marginOf([partOf(10), partOf(0)], [100, 100]).creditMX80).toBe(0n)
  })

  test('none for net deltas of one sign, either way, and from one unit on the other side on', () => {
    const [up, down] = [market(1n), market(1n)]
    for (const sign of [1n, -1n]) {
      const held = (perpsE12: bigint) => ({ ...partOf(0), holdings: { ...none, perpsE12 } })
      const creditOf = (second: bigint): bigint =>
        crossMargin({ parts: [held(sign * 10n ** 15n), held(second)], collateralsE12 }, [up, down], {
          collateralMarkets,
          creditsX40: [ONE, ONE],
        }).creditMX80
      expect(creditOf(sign * 10n ** 15n)).toBe(0n)
      expect(creditOf(sign)).toBe(0n)
      expect(creditOf(0n)).toBe(0n)
      expect(creditOf(-sign * 10n ** 9n)).toBeGreaterThan(0n)
    }
  })

  test('never more than the governed fraction of the lesser loss, whatever is held', () => {
    const random = new Random(322n)
    for (let i = 0; i < 200; i++) {
      const holding = (): number => Number(random.between(0n, 2_000n)) - 1_000
      const credits = [Number(random.between(0n, 100n)), Number(random.between(0n, 100n))]
      const { parts, creditMX80 } = marginOf([partOf(holding()), partOf(holding())], credits)
      const maintenance = ({ minSpanM }: CrossPart, credit: number): bigint =>
        -minSpanM * ((4n * ONE) / 5n) * ((BigInt(credit) * ONE) / 100n)
      const limits = parts.map((part, m) => maintenance(part, credits[m] ?? 0))
      for (const limit of limits) expect(creditMX80 <= limit).toBe(true)
    }
  })

  test('at the lesser of the two loss factors, so it is less than the lesser loss in both margins', () => {
    const [first, second] = [market(100_000n), market(4_000n)]
    const softer = { ...first.policy.lossFactors, initialFactorX40: ONE / 2n }
    const soft = (of: CrossMarket): CrossMarket => ({ ...of, policy: { ...of.policy, lossFactors: softer } })
    const { creditMX80 } = crossMargin(
      { parts: [partOf(10), partOf(-100)], collateralsE12 },
      [soft(first), soft(second)],
      { collateralMarkets, creditsX40: [ONE, ONE] },
    )
    // Half of 72,000, not four fifths.
    expect(money(creditMX80)).toBeCloseTo(36_000, 2)
  })

  test('none for what is not the net delta’s loss: short options on both sides, whose deltas are little', () => {
    const bought = marginOf([partOf(1, losing(500_000n)), partOf(-25, losing(500_000n))], [100, 100])
    // Each loses 500,000 besides, of which no delta is the cause: 18,000 of 518,000 count.
    expect(bought.parts.map(({ minSpanM }) => Number(-minSpanM >> 40n) > 0)).toEqual([true, true])
    expect(money(bought.creditMX80)).toBeCloseTo(0.8 * 18_000, 2)
  })

  test('none where the worst scenario is not what the net delta loses by, or spot does not move in it', () => {
    const against: Totals = {
      scenarioPnlMX40: Array.from({ length: 33 }, (_, s) => (s === 0 ? -((10n ** 9n * 10n ** 20n) << 8n) : 0n)),
    }
    // Long perpetuals, but a rise is worst.
    const rises = marginOf([partOf(10, against), partOf(100)], [100, 100])
    expect(rises.parts[0]).toMatchObject({ isDown: false, countedM: 0n })
    expect(rises.creditMX80).toBe(0n)
    const basis = marginOf([partOf(10, { basisMX40: -((10n ** 9n * 10n ** 20n) << 8n) }), partOf(-100)], [100, 100])
    expect(basis.parts[0]).toMatchObject({ worstScenario: BASIS_SCENARIO, countedM: 0n })
    expect(basis.creditMX80).toBe(0n)
  })

  test('a delta of options counts with perpetuals and collateral, and takes their side from them', () => {
    const deltaE12X20 = (-20n * E12) << 20n
    const { parts, creditMX80 } = marginOf([partOf(10, { deltaE12X20 }), partOf(-100)], [100, 100])
    expect(Number(parts[0]?.netDeltaE20X20) / 1e20 / 2 ** 20).toBeCloseTo(-1_000_000, 6)
    expect(creditMX80).toBe(0n)
  })

  test('three markets: what falls against what rises, each loss once', () => {
    const parts = [partOf(10), partOf(-100), partOf(-1_000)]
    // 57,600 and 28,800 rise against 144,000 that falls.
    expect(money(marginOf(parts, [100, 100, 100]).creditMX80)).toBeCloseTo(86_400, 2)
    const less = [partOf(1), partOf(-100), partOf(-1_000)]
    expect(money(marginOf(less, [100, 100, 100]).creditMX80)).toBeCloseTo(14_400, 2)
    const legs = (['30', '5', '20'] as const).map((leg, m) => ({ legMX80: BigInt(leg), isDown: m === 0 }))
    expect(spreadCredit(legs)).toBe(25n)
    expect(spreadCredit(legs.toReversed())).toBe(25n)
    expect(spreadCredit(legs.map((leg) => ({ ...leg, isDown: true })))).toBe(0n)
  })
})
