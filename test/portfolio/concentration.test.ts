/** The concentration contingency of files: what is charged, from where on, how it is told, and what is refused. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { explainSteps, marginTerms } from '../../prover/portfolio/explain.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { realMargin } from '../../prover/portfolio/real.ts'
import { formatMargin, marginOf } from '../../prover/service/answers/margins.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

const example = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'examples', 'short-strangle.json'), 'utf8')
const sizes = { strikes: 5, segments: 8, expiries: 3 }

/** A unit of sizes: 2^32·10^-12. */
const UNIT = 1n << 32n
const decimal = (amountE12: bigint): string => `${amountE12}e-12`

type Account = { readonly perpsE12?: bigint; readonly putsE12?: bigint; readonly etherE12?: bigint }
type Sizes = { readonly perpQ?: bigint; readonly optionQ?: bigint; readonly etherQ?: bigint }

/** The example's market; perpetuals, one kind of put and ether held, of sizes in whole units. */
const portfolioOf = (
  { perpsE12 = 0n, putsE12 = 0n, etherE12 = 0n }: Account,
  { perpQ = 0n, optionQ = 0n, etherQ = 0n }: Sizes,
  concentration = '0.25',
) => {
  const { market } = JSON.parse(example)
  const file = {
    account: {
      cash: '1e7',
      perps: { quantity: decimal(perpsE12) },
      collaterals: [{ asset: 'ETH', amount: decimal(etherE12) }],
      options: putsE12 === 0n ? [] : [{ instrument: 'BTC-27MAR26-60000-P', quantity: decimal(putsE12) }],
    },
    market: { ...market, collaterals: [{ asset: 'ETH', price: '2000' }], stablePrice: '0.5' },
    parameters: {
      contingency: { concentration, perpSize: decimal(perpQ * UNIT), optionSize: decimal(optionQ * UNIT) },
      collaterals: [{ asset: 'ETH', maintenanceHaircut: '0.1', initialHaircut: '0.05', size: decimal(etherQ * UNIT) }],
    },
  }
  return readPortfolio(JSON.stringify(file), 'concentrated.json')
}

const SPOT_E8 = 7_085_326_000_000n
/** 2000 over 0.5, at 2^20. */
const ETHER_E8X20 = (4_000n * 10n ** 8n) << 20n

/** What the contingency takes from maintenance margin: E20X60, exact. */
const charge = (account: Account, of: Sizes): bigint => {
  const [with_, without] = ['0.25', '0'].map((fraction) => provableMargin(portfolioOf(account, of, fraction), sizes))
  const by = (name: 'maintenanceContingencyE20X60' | 'initialContingencyE20X60'): bigint =>
    (with_?.margin[name] ?? 0n) - (without?.margin[name] ?? 0n)
  expect(by('initialContingencyE20X60')).toBe(0n)
  return by('maintenanceContingencyE20X60')
}

describe('L13: the concentration contingency', () => {
  it('is none by default, and none at fraction 0 whatever the sizes', () => {
    const { rules } = readPortfolio(example, 'example.json')
    expect(rules.concentration.concentrationX40).toBe(0n)
    expect(rules.concentration).toMatchObject({ perpSizeQ: (1n << 30n) - 1n, optionSizeQ: (1n << 30n) - 1n })
    const plain = provableMargin(readPortfolio(example, 'example.json'), sizes).margin
    const file = JSON.parse(example)
    file.parameters = { contingency: { perpSize: '0', optionSize: '0' } }
    expect(provableMargin(readPortfolio(JSON.stringify(file), 'sizes.json'), sizes).margin).toEqual(plain)
  })

  it('charges nothing a unit below a size and at it, and the excess from a unit of 10^-12 on', () => {
    const sizeQ = 2_500n
    const limit = sizeQ * UNIT
    const quarter = (excessE12: bigint, priceE8X20: bigint): bigint => (excessE12 * priceE8X20) << 38n
    for (const [excess, counted] of [
      [-UNIT, 0n],
      [-1n, 0n],
      [0n, 0n],
      [1n, 1n],
      [UNIT, UNIT],
    ] as const) {
      const spot = SPOT_E8 << 20n
      expect(charge({ perpsE12: limit + excess }, { perpQ: sizeQ })).toBe(quarter(counted, spot))
      expect(charge({ perpsE12: -limit - excess }, { perpQ: sizeQ })).toBe(quarter(counted, spot))
      expect(charge({ putsE12: -limit - excess }, { optionQ: sizeQ })).toBe(quarter(counted, spot))
      expect(charge({ etherE12: limit + excess }, { etherQ: sizeQ })).toBe(quarter(counted, ETHER_E8X20))
    }
  })

  it('counts options by what is sold beyond what is held, not by what is bought', () => {
    expect(charge({ putsE12: 10n ** 15n }, {})).toBe(0n)
    expect(charge({ putsE12: -(10n ** 15n) }, {})).toBe((10n ** 15n * SPOT_E8) << 58n)
  })

  it('takes from both margins what it says, and the float reference agrees', () => {
    const random = new Random(91n)
    let charged = 0
    for (let i = 0; i < 40; i++) {
      const account = {
        perpsE12: random.wide(50) * (random.boolean() ? 1n : -1n),
        putsE12: -random.wide(47),
        etherE12: random.wide(50),
      }
      const portfolio = portfolioOf(account, {
        perpQ: random.wide(18),
        optionQ: random.wide(15),
        etherQ: random.wide(18),
      })
      const provable = provableMargin(portfolio, sizes)
      const reference = realMargin(portfolio)
      const { concentration } = marginTerms(provable).maintenance
      if (concentration > 0) charged++
      const scale = Math.max(1, Math.abs(reference.maintenanceMargin), concentration)
      expect(Math.abs(concentration - reference.maintenanceContingency.concentration) / scale).toBeLessThan(1e-9)
      expect(Math.abs(Number(provable.margin.maintenanceE8) / 1e8 - reference.maintenanceMargin) / scale).toBeLessThan(
        1e-8,
      )
      expect(Math.abs(Number(provable.margin.initialE8) / 1e8 - reference.initialMargin) / scale).toBeLessThan(1e-8)
    }
    expect(charged).toBeGreaterThan(20)
  })

  it('is named and shown, with what it is charged on', async () => {
    const portfolio = portfolioOf({ perpsE12: 20n * UNIT }, { perpQ: 10n })
    const steps = explainSteps(portfolio, provableMargin(portfolio, sizes))
    expect(steps.find(({ formula }) => formula.endsWith('× concentration'))).toMatchObject({
      name: 'maintenance contingency: concentrated positions, share beyond their size',
      formula: '(Σ max(0, position − size) × price = 3043.124345149849) × concentration',
      value: '760.781086287462',
      rounding: 'exact',
    })
    expect(steps.find(({ name }) => name === 'size of perpetuals')).toMatchObject({ value: '0.04294967296' })
    expect(formatMargin(await marginOf(portfolio), false)).toMatch(
      /concentrated positions, share beyond their size +−760\.\d\d +−760\.\d\d/,
    )
  })

  it('cuts sizes down to whole units', () => {
    const file = JSON.parse(example)
    file.parameters = { contingency: { perpSize: '50', optionSize: '0.004294967295' } }
    const { rules } = readPortfolio(JSON.stringify(file), 'sizes.json')
    expect(rules.concentration).toMatchObject({ perpSizeQ: 11_641n, optionSizeQ: 0n })
    // To the nearest 10^-12 this were a whole unit.
    file.parameters = { contingency: { perpSize: '0.0042949672959999', optionSize: '0.004294967296' } }
    expect(readPortfolio(JSON.stringify(file), 'units.json').rules.concentration).toMatchObject({
      perpSizeQ: 0n,
      optionSizeQ: 1n,
    })
  })

  it('refuses fractions and sizes that are none, by name', () => {
    const refused = (contingency: object, collateral: object = {}) => {
      const file = JSON.parse(example)
      const rule = { asset: 'ETH', maintenanceHaircut: '0', initialHaircut: '0', ...collateral }
      file.parameters = { contingency, collaterals: [rule] }
      try {
        readPortfolio(JSON.stringify(file), 'bent.json')
      } catch (error) {
        return { ...(error as object), code: (error as { code: string }).code }
      }
      throw new Error('expected a refusal')
    }
    const range = (entry: string, value: string) => ({ code: 'portfolio.value-range', entry, value })
    const prefix = 'parameters.contingency'
    expect(refused({ concentration: '-0.01' })).toMatchObject(range(`${prefix}.concentration`, '-0.01'))
    expect(refused({ concentration: '1.0001' })).toMatchObject(range(`${prefix}.concentration`, '1.0001'))
    expect(refused({ perpSize: '-1' })).toMatchObject(range(`${prefix}.perpSize`, '-1'))
    expect(refused({ optionSize: '4611687' })).toMatchObject(range(`${prefix}.optionSize`, '4611687'))
    expect(refused({ perpSize: '-1e-13' })).toMatchObject(range(`${prefix}.perpSize`, '-1e-13'))
    expect(refused({}, { size: '-1' })).toMatchObject(range('parameters.collaterals.ETH.size', '-1'))
    expect(refused({ concentration: 'much' })).toMatchObject({ code: 'portfolio.schema' })
    expect(refused({ concentrated: '0.1' })).toMatchObject({ code: 'portfolio.schema' })
    expect(() => portfolioOf({}, {}, '1')).not.toThrow()
  })
})
