/** The same account and market at prices of any size: what is money or a fraction stays, what is a price or a quantity moves with it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'
import { ProverError } from '../../prover/errors.ts'
import { readPortfolioOverMarkets } from '../../prover/portfolio/input/markets.ts'
import { accountAnswer, accountJson, formatAccount } from '../../prover/service/answers/accountMargins.ts'
import { formatPrice, priceJson, priceOption } from '../../prover/service/answers/optionPrices.ts'
import { root } from '../../scripts/tools/sources.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests bend files in ways that their type forbids
type Json = any

const example: Json = JSON.parse(readFileSync(join(root, 'docs', 'examples', 'short-strangle.json'), 'utf8'))
const SPOT = Number(example.market.spot)
const STRIKES = [60_000, 90_000, 50_000, 80_000]
const EXPIRIES = ['2026-03-27', '2026-03-27', '2026-03-27', '2026-02-27']
const TYPES = ['put', 'call', 'put', 'call']
const QUANTITIES = [-2, -2, 1, 1]

const decimal = (value: number): string => String(Number(value.toPrecision(15)))

/** The example with spot at another price: as many times fewer prices, as many times more of everything that is counted. */
function at(spot: number, bend: (file: Json) => void = () => undefined): string {
  const times = spot / SPOT
  const price = (value: string | number): string => decimal(Number(value) * times)
  const amount = (value: string | number): string => decimal(Number(value) / times)
  const [february, march] = example.market.expiries
  const file = {
    name: 'strangle',
    account: {
      cash: example.account.cash,
      perps: { ...example.account.perps, quantity: amount(example.account.perps.quantity) },
      collaterals: [{ asset: 'BTC', amount: amount(0.02) }],
      options: STRIKES.map((strike, i) => ({
        ...{ expiry: EXPIRIES[i], strike: price(strike), type: TYPES[i], currency: 'BTC' },
        quantity: amount(QUANTITIES[i] ?? 0),
      })),
    },
    market: {
      ...example.market,
      spot: price(SPOT),
      perpPrice: price(example.market.perpPrice),
      collaterals: [{ asset: 'BTC', price: price(SPOT) }],
      expiries: [
        {
          ...february,
          forward: price(february.forward),
          svi: { ...february.svi, forwardRef: price(february.forward) },
        },
        { ...march, forward: { bid: price(march.forward.bid), ask: price(march.forward.ask) } },
      ],
    },
    parameters: {
      contingency: { concentration: '0', perpSize: amount(0.1), optionSize: amount(1.5) },
      collaterals: [
        {
          ...{ asset: 'BTC', maintenanceHaircut: 0.1, initialHaircut: 0.05, movesWithSpot: true },
          size: amount(0.01),
        },
      ],
    },
  }
  bend(file)
  return JSON.stringify(file)
}

const answerOf = (text: string) => accountAnswer(readPortfolioOverMarkets(text, 'scaled.json', {}))
const jsonAt = async (spot: number, bend?: (file: Json) => void): Promise<Json> =>
  accountJson(await answerOf(at(spot, bend)), true)

async function refusalOf(job: () => Promise<unknown>): Promise<ProverError> {
  try {
    await job()
  } catch (error) {
    if (error instanceof ProverError) return error
    throw error
  }
  throw new Error('expected a refusal')
}

const NEAR = 5

describe('V12: the same account', () => {
  test.each([
    [4.2e-7, 1e9],
    [1e-8, 1e9],
    [15_000_000, 0.001],
  ])('at a spot of %s has the margins that it has at 100', async (spot, priceUnits) => {
    const [found, wanted] = [await jsonAt(spot), await jsonAt(100)]
    const times = spot / 100
    expect(wanted.priceUnits).toBeUndefined()
    expect(found.priceUnits).toBe(priceUnits)
    expect(found.spot / wanted.spot / times).toBeCloseTo(1, NEAR)
    for (const name of ['im', 'mm', 'equity'] as const) expect(found[name] / wanted[name]).toBeCloseTo(1, NEAR)
    for (const name of ['initial', 'maintenance'] as const) {
      expect(found[name].utilisation).toBeCloseTo(wanted[name].utilisation, NEAR)
    }
    expect(found.worstScenario.words).toBe(wanted.worstScenario.words)
    for (const [i, leg] of wanted.contributions.entries()) {
      const same = found.contributions[i]
      expect(same.contribution / leg.contribution).toBeCloseTo(1, NEAR)
      if (leg.strike === undefined) continue
      expect((same.quantity * times) / leg.quantity).toBeCloseTo(1, NEAR)
      for (const name of ['strike', 'mark', 'shocked']) expect(same[name] / leg[name] / times).toBeCloseTo(1, NEAR)
    }
    expect(wanted.thresholds.liquidationDown).toBeGreaterThan(0)
    expect(found.thresholds.liquidationDown / wanted.thresholds.liquidationDown / times).toBeCloseTo(1, NEAR)
    expect((found.greeks.delta * times) / wanted.greeks.delta).toBeCloseTo(1, NEAR)
    expect((found.greeks.gamma * times ** 2) / wanted.greeks.gamma).toBeCloseTo(1, NEAR)
    for (const name of ['vegaPerPoint', 'thetaPerDay', 'rhoPerPoint']) {
      expect(found.greeks[name] / wanted.greeks[name]).toBeCloseTo(1, NEAR)
    }
    expect((found.greeks.deltaOf.collateral * times) / wanted.greeks.deltaOf.collateral).toBeCloseTo(1, NEAR)
    for (const name of ['im', 'mm'] as const) expect(found.reference[name] / found[name]).toBeCloseTo(1, NEAR)
  })

  it.each([4.2e-7, 1e-8, 15_000_000])('at %s has the sizes that it has at 100, to a unit of sizes', async (spot) => {
    const charged = (file: Json) => {
      file.parameters.contingency.concentration = '0.1'
    }
    const [found, wanted, without] = [await jsonAt(spot, charged), await jsonAt(100, charged), await jsonAt(100)]
    expect(wanted.im).toBeLessThan(without.im - 1_000)
    // Sizes are whole in units of 0.0043, which is a hundredth of 0.1 bitcoin where 0.001 is one.
    expect(Math.abs(found.im / wanted.im - 1)).toBeLessThan(0.005)
  })

  it('is told in prices and quantities of one unit, and at which scale', async () => {
    const text = formatAccount(await answerOf(at(4.2e-7)), true)
    expect(text).toContain('spot 0.00000042\n')
    expect(text).toContain('words hold them of 1,000,000,000 units')
    expect(text).toContain('forward of 1,000,000,000 units')
    expect(formatAccount(await answerOf(at(100)), true)).not.toContain('units')
  })

  it('takes strikes of its names at any size', async () => {
    const named = (strike: string) => (file: Json) => {
      file.account.options = [{ instrument: `BTC-27MAR26-${strike}-C`, quantity: '1000' }]
      file.account.perps = undefined
    }
    const strikeOf = async (spot: number, strike: string) => (await jsonAt(spot, named(strike))).contributions[0].strike
    expect(await strikeOf(4.2e-7, '0d00000050000000001')).toBeCloseTo(5.0000000001e-7, 20)
    expect(await strikeOf(15_000_000, '15000000')).toBe(15_000_000)
  })

  it('is of the units that a market says, and refuses those that are none', async () => {
    const saying = (priceUnits: string | number) => (file: Json) => {
      file.market.priceUnits = priceUnits
    }
    const [said, chosen] = [await jsonAt(4.2e-7, saying('1e8')), await jsonAt(4.2e-7)]
    expect(said.priceUnits).toBe(1e8)
    expect(said.im / chosen.im).toBeCloseTo(1, 4)
    expect((await jsonAt(100, saying(1))).imExact).toBe((await jsonAt(100)).imExact)
    expect((await jsonAt(15_000_000, saying('0.001'))).imExact).toBe((await jsonAt(15_000_000)).imExact)
    for (const wrong of ['500', '0', '1e13', '0.0000001', '-1']) {
      expect(await refusalOf(() => jsonAt(100, saying(wrong)))).toMatchObject({
        code: 'portfolio.price-units',
        entry: 'market.priceUnits',
      })
    }
  })

  it('names units that hold everything where those that a market says do not', async () => {
    const saying = (priceUnits: string) => (file: Json) => {
      file.market.priceUnits = priceUnits
    }
    expect(await refusalOf(() => jsonAt(15_000_000, saying('1')))).toMatchObject({
      code: 'portfolio.price-units-misfit',
      entry: 'market.priceUnits',
      value: '1',
      wanted: '0.001',
      message: expect.not.stringContaining('in thousands of the quote currency'),
    })
    expect((await jsonAt(15_000_000, saying('0.001'))).priceUnits).toBe(0.001)
    const cash = (file: Json) => {
      saying('1')(file)
      file.account.cash = '9e30'
    }
    expect(await refusalOf(() => jsonAt(100, cash))).toMatchObject({ code: 'portfolio.value-range' })
  })

  it('takes another scale where a strike, a quantity or collateral needs it, and prices alone would not', async () => {
    const short = (strike: string) => (file: Json) => {
      file.account.options[1].strike = strike
    }
    expect((await jsonAt(2_000_000, short('2814749'))).priceUnits).toBeUndefined()
    const high = await jsonAt(2_000_000, short('3000000'))
    expect(high.priceUnits).toBe(0.001)
    expect(high.contributions.some(({ strike }: Json) => strike === 3_000_000)).toBe(true)
    const named = (file: Json) => {
      file.account.options = [{ instrument: 'BTC-27MAR26-3000000-C', quantity: '-1' }]
    }
    expect((await jsonAt(2_000_000, named)).priceUnits).toBe(0.001)
    const few = (file: Json) => {
      file.account = { cash: '1000', perps: { quantity: '1100000' } }
      file.market.collaterals = []
      file.parameters = undefined
    }
    const many = (bend: (account: Json) => void) => (file: Json) => {
      few(file)
      bend(file.account)
    }
    const quantity = (value: string) =>
      many((account) => {
        account.perps.quantity = value
      })
    expect((await jsonAt(0.0007, few)).priceUnits).toBeUndefined()
    const large = await jsonAt(0.0007, quantity('4000000'))
    const double = await jsonAt(0.0007, quantity('8000000'))
    expect(large.priceUnits).toBeGreaterThan(1)
    expect(double.greeks.deltaOf.perpetuals).toBe(2 * large.greeks.deltaOf.perpetuals)
    const stated = await jsonAt(0.0007, (file) => {
      quantity('4000000')(file)
      file.market.priceUnits = '1000'
    })
    expect(stated.im / large.im).toBeCloseTo(1, NEAR)
    // No scale holds what is not counted in the asset.
    const rich = many((account) => {
      account.cash = '9e30'
    })
    expect(await refusalOf(() => jsonAt(0.0007, rich))).toMatchObject({
      code: 'portfolio.value-range',
      entry: 'account.cash',
    })
  })

  it('is refused in prices of one unit, too', async () => {
    const doubled = (file: Json) => {
      file.market.perpPrice = decimal(Number(file.market.spot) * 2.1)
    }
    expect(await refusalOf(() => jsonAt(4.2e-7, doubled))).toMatchObject({
      code: 'portfolio.prices-apart',
      spot: '0.00000042',
      price: '0.000000882',
    })
    const large = (quantity: string) => (file: Json) => {
      file.account.options = [{ ...file.account.options[0], quantity }]
      file.account.perps = undefined
    }
    // 1,152,921.5 of 10^9 units.
    await jsonAt(4.2e-7, large('1152921504606846'))
    expect(await refusalOf(() => jsonAt(4.2e-7, large('1152921504606847')))).toMatchObject({
      code: 'portfolio.leg-size',
      message: expect.stringContaining('1,152,921,500,000,000'),
    })
  })
})

describe('V13: an option', () => {
  const priced = (forward: string, strike: string): Json =>
    priceJson(priceOption({ forward, strike, days: '30', vol: '80%', rate: '0.04' }, 0n))

  it.each([
    ['4.2e-7', '4.62e-7', 1e9],
    ['1e-8', '1.1e-8', 1e9],
    ['15000000', '16500000', 0.001],
  ])('on a forward of %s is worth what one at 100 is', (forward, strike, priceUnits) => {
    const [found, wanted] = [priced(forward, strike), priced('100', '110')]
    const times = Number(forward) / 100
    expect(found.priceUnits).toBe(priceUnits)
    expect(wanted.priceUnits).toBeUndefined()
    for (const name of ['price', 'forwardValue', 'vegaPerPoint', 'thetaPerDay', 'rhoPerPoint']) {
      expect(found[name] / wanted[name] / times).toBeCloseTo(1, 8)
    }
    expect(found.delta).toBeCloseTo(wanted.delta, 9)
    expect((found.gamma * times) / wanted.gamma).toBeCloseTo(1, 8)
    expect(found.reference.value / found.price).toBeCloseTo(1, 8)
  })

  it('says of how many units it was priced', () => {
    const said = (forward: string) => formatPrice(priceOption({ forward, strike: forward, days: '30', vol: '80%' }, 0n))
    expect(said('1e-8')).toContain('on 1,000,000,000 units')
    expect(said('1e-8')).toContain('forward 1e-8')
    expect(said('100')).not.toContain('units')
  })

  it('at prices that no scale holds is refused', () => {
    expect(() => priced('1e13', '1e13')).toThrow('Expected a forward')
  })
})
