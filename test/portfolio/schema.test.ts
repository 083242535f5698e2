import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { realMargin } from '../../prover/portfolio/real.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'

const example = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'examples', 'short-strangle.json'), 'utf8')

// biome-ignore lint/suspicious/noExplicitAny: tests bend the file in ways that its type forbids
type Json = any
const copy = (): Json => JSON.parse(example)

/** The example, bent by `change`, read as a file. */
const read = (change: (file: Json) => void, options = {}) => {
  const file = copy()
  change(file)
  return readPortfolio(JSON.stringify(file), 'bent.json', options)
}

const sizes = { strikes: 6, segments: 8, expiries: 3 }

/** What a typed error carries. */
function refusal(change: (file: Json) => void, options = {}): object {
  try {
    read(change, options)
  } catch (error) {
    return { ...(error as object), code: (error as { code: string }).code }
  }
  throw new Error('expected a refusal')
}

const leg = 'BTC-27MAR26-60000-P'
const expiryOf = (file: Json, index = 1): Json => file.market.expiries[index]

describe('a portfolio file', () => {
  it('is read exactly: every digit counts, numbers and strings alike', () => {
    const text = example
      .replace('"spot": "70853.26"', '"spot": 70853.260000009')
      .replace('"18000"', '18000.000000000001')
    const { market, account } = readPortfolio(text, 'digits.json')
    expect(market.spotE8).toBe(7_085_326_000_001n)
    expect(account.cashE12).toBe(18_000_000_000_000_001n)
  })

  it('has defaults for parameters, scenarios, confidences and prices', () => {
    const { rules, scenarios, market } = readPortfolio(example, 'example.json')
    expect(scenarios).toHaveLength(31)
    expect(rules.lossFactors.maintenanceFactorX40).toBe(879_609_302_221n)
    expect(market.spotConfidenceX40).toBe(1n << 40n)
    expect(market.stablePriceE12).toBe(10n ** 12n)
    expect(read((file) => delete file.market.perpPrice).market.perpPriceE8).toBe(7_085_326_000_000n)
  })

  it('takes the mean of a quoted forward, and splits one within half an hour of expiry', () => {
    const { market } = readPortfolio(example, 'example.json')
    expect(market.expiries[1]?.forwardVariableE8).toBe(7_132_000_000_000n)
    const late = read((file) => {
      file.market.asOf = '2026-02-27T07:45:00Z'
    }).market.expiries[0]
    expect(late?.forwardVariableE8).toBe(3_552_500_000_000n)
    expect(late?.forwardFixedE8).toBe(3_552_500_000_000n)
  })

  it('has the same margin by the twin and in floating point', () => {
    const portfolio = readPortfolio(example, 'example.json')
    const { margin } = provableMargin(portfolio, sizes)
    const { initialMargin, maintenanceMargin, worst } = realMargin(portfolio)
    expect(Number(margin.initialE8) / 1e8).toBeCloseTo(initialMargin, 5)
    expect(Number(margin.maintenanceE8) / 1e8).toBeCloseTo(maintenanceMargin, 5)
    expect(margin.worstScenario).toBe(worst)
  })

  it('may describe options by their terms instead of a name', () => {
    const named = readPortfolio(example, 'example.json')
    const described = read((file) => {
      file.account.options[0] = { expiry: '2026-03-27T08:00:00Z', strike: 60000, type: 'put', quantity: -2 }
    })
    const terms = ({ instrument, ...rest }: { instrument: string }) => rest
    expect(described.account.options.map(terms)).toEqual(named.account.options.map(terms))
  })

  it('prices an expiry in its very second as payoff once its settlement price is known', () => {
    const settled = read((file) => {
      file.market.asOf = '2026-02-27T08:00:00Z'
      expiryOf(file, 0).settlementPrice = '81000'
      delete expiryOf(file, 0).forward
      file.account.options = [{ instrument: 'BTC-27FEB26-80000-C', quantity: '1' }]
    })
    const { margin } = provableMargin(settled, sizes)
    // The payoff, floored: one unit of 1e-8 may go
    expect(10n ** 11n - (margin.equityE8 - 17_650n * 10n ** 8n)).toBeLessThanOrEqual(1n)
    expect(margin.equityE8 - 17_650n * 10n ** 8n).toBeLessThanOrEqual(10n ** 11n)
  })
})

describe('a portfolio file is refused', () => {
  it('if it is no JSON, or has entries that are missing, unknown or of another kind', () => {
    expect(() => readPortfolio('{', 'broken.json')).toThrow(
      expect.objectContaining({ code: 'portfolio.json-syntax', file: 'broken.json' }),
    )
    expect(refusal((file) => delete file.market.spot)).toMatchObject({ code: 'portfolio.schema', entry: 'market.spot' })
    expect(refusal((file) => (file.account.margin = 1))).toMatchObject({ code: 'portfolio.schema', entry: 'account' })
    expect(refusal((file) => (file.account.cash = 'much'))).toMatchObject({
      code: 'portfolio.schema',
      entry: 'account.cash',
    })
    expect(refusal((file) => (file.account.cash = '\u221218000'))).toMatchObject({ meant: '-18000' })
    expect(() => read((file) => (file.account.options[0].side = 'sell'))).toThrow(
      'unknown entry "side": what is sold has a negative "quantity"',
    )
  })

  it('if a number is beyond what a word holds', () => {
    expect(refusal((file) => (file.market.spot = '2814749767106.56'))).toMatchObject({
      code: 'portfolio.value-range',
      entry: 'market.spot',
    })
    const highest = read((file) => {
      file.market = { asOf: file.market.asOf, spot: '2814749.76710655' }
      file.account.options = []
    })
    expect(highest.market.spotE8).toBe((1n << 48n) - 1n)
    expect(refusal((file) => (file.market.spot = '0.000000004'))).toMatchObject({
      code: 'portfolio.not-positive',
      entry: 'market.spot',
    })
    expect(refusal((file) => (file.market.asOf = 'yesterday'))).toMatchObject({
      code: 'portfolio.not-time',
      entry: 'market.asOf',
    })
  })

  it('if a leg is too large, one unit beyond 2^60', () => {
    const most = '1152921.504606846975'
    expect(read((file) => (file.account.options[0].quantity = most)).account.options[0]?.quantityE12).toBe(
      (1n << 60n) - 1n,
    )
    const size = (quantity: string) => refusal((file) => (file.account.options[0].quantity = quantity))
    expect(size('1152921.504606846976')).toMatchObject({ code: 'portfolio.leg-size', leg })
    expect(size('-1152921.504606846976')).toMatchObject({ code: 'portfolio.leg-size', leg })
  })

  it('if legs together are too large', () => {
    const huge = read((file) => {
      for (const option of file.account.options) option.quantity = '1152921'
      file.account.options.push({ instrument: 'BTC-27MAR26-70000-P', quantity: '1152921' })
    })
    expect(() => provableMargin(huge, sizes)).toThrow(expect.objectContaining({ code: 'portfolio.size-out-of-range' }))
  })

  it('if an instrument is unknown: no name at all, a date that does not exist, an expiry without a market', () => {
    const unknown = (instrument: string) => refusal((file) => (file.account.options[0].instrument = instrument))
    for (const name of ['BTC', 'BTC-27MAR26-60000', 'BTC-31FEB26-60000-P', 'BTC-27MAR26-0-P', 'BTC-28MAR26-60000-P']) {
      expect(unknown(name)).toMatchObject({ code: 'portfolio.unknown-instrument', leg: name })
    }
  })

  it('if an option or an expiry has expired, or expires in this very second without a settlement price', () => {
    expect(refusal((file) => (file.account.options[0].instrument = 'BTC-30JAN26-60000-P'))).toMatchObject({
      code: 'portfolio.expired',
      leg: 'BTC-30JAN26-60000-P',
    })
    expect(refusal((file) => (file.market.asOf = '2026-02-27T08:00:00Z'))).toMatchObject({
      code: 'portfolio.expired',
      leg: 'expiry 2026-02-27',
    })
    expect(
      refusal((file) => {
        file.market.asOf = '2026-02-27T08:00:01Z'
        expiryOf(file, 0).settlementPrice = '81000'
      }),
    ).toMatchObject({ code: 'portfolio.expired', leg: 'expiry 2026-02-27' })
  })

  it('if a forward is missing, zero or crossed', () => {
    const forward = (value: unknown) => refusal((file) => (expiryOf(file).forward = value))
    const where = { leg: 'expiry 2026-03-27' }
    expect(refusal((file) => delete expiryOf(file).forward)).toMatchObject({
      code: 'portfolio.forward-missing',
      ...where,
    })
    expect(forward('0')).toMatchObject({ code: 'portfolio.forward-missing', ...where })
    expect(forward({ bid: '0', ask: '71330' })).toMatchObject({ code: 'portfolio.forward-missing', ...where })
    expect(forward({ bid: '71330.01', ask: '71330' })).toMatchObject({
      code: 'portfolio.forward-crossed',
      ...where,
      bid: '71330.01',
    })
    expect(read((file) => (expiryOf(file).forward = { bid: '71330', ask: '71330' })).market.expiries).toHaveLength(2)
  })

  it('if a surface is stale, or of another round', () => {
    const observed = (asOf: string) => refusal((file) => (expiryOf(file).asOf = asOf))
    expect(observed('2026-02-05T04:27:59Z')).toMatchObject({ code: 'portfolio.stale-surface', ageSeconds: 121n })
    expect(observed('2026-02-05T04:28:00Z')).toMatchObject({ code: 'portfolio.mixed-market', leg: 'expiry 2026-03-27' })
    expect(observed('2026-02-05T04:30:01Z')).toMatchObject({ code: 'portfolio.mixed-market' })
    const asOf = 1_770_265_800n
    expect(refusal(() => {}, { now: asOf + 121n })).toMatchObject({ code: 'portfolio.stale-surface', leg: 'market' })
    expect(read(() => {}, { now: asOf + 120n }).market.asOf).toBe(asOf)
  })

  it('if a surface is no smile, has negative variance, or can be arbitraged', () => {
    const svi = (entry: string, value: string, options = {}) =>
      refusal((file) => (expiryOf(file).svi[entry] = value), options)
    const where = { leg: 'expiry 2026-03-27' }
    expect(svi('rho', '1')).toMatchObject({ code: 'options.svi-shape', ...where })
    expect(svi('rho', '-1')).toMatchObject({ code: 'options.svi-shape', ...where })
    expect(svi('s', '0')).toMatchObject({ code: 'options.svi-shape', ...where })
    expect(svi('b', '-0.01')).toMatchObject({ code: 'portfolio.value-range' })
    // a + b·s·√(1 − ρ²) is 0 at a = −0.0202711…
    expect(svi('a', '-0.02028')).toMatchObject({ code: 'options.svi-negative-variance', ...where })
    expect(svi('a', '-0.02028', { allowArbitrage: true })).toMatchObject({ code: 'options.svi-negative-variance' })
    // Steep and narrow: the density is negative beside the kink
    const bent = (file: Json) => Object.assign(expiryOf(file).svi, { a: '0.001', b: '0.6', s: '0.02' })
    expect(refusal(bent)).toMatchObject({ code: 'options.svi-butterfly', leg: `${leg} (its expiry)` })
    expect(read(bent, { allowArbitrage: true }).market.expiries).toHaveLength(2)
  })

  it('if an expiry or an asset stands twice, or an asset has no price or no rule', () => {
    expect(refusal((file) => file.market.expiries.push(expiryOf(file)))).toMatchObject({
      code: 'portfolio.repeated-entry',
    })
    const held = (file: Json) => (file.account.collaterals = [{ asset: 'ETH', amount: '1' }])
    expect(refusal(held)).toMatchObject({ code: 'portfolio.unknown-asset', asset: 'ETH' })
    const priced = (file: Json) => {
      held(file)
      file.market.collaterals = [{ asset: 'ETH', price: '2000' }]
    }
    expect(refusal(priced)).toMatchObject({ code: 'portfolio.unknown-asset', asset: 'ETH' })
    expect(
      refusal(
        (file) => (file.account.collaterals = Array.from({ length: 17 }, (_, i) => ({ asset: `A${i}`, amount: '1' }))),
      ),
    ).toMatchObject({ code: 'portfolio.too-many-collaterals', count: 17 })
  })
})
