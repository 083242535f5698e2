/**
 * Troubles that other people had with portfolio files: each to its right value or to a refusal by name, with neighbours. The
 * files of ../shared/cases are read in place; what is made here stands here.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ProverError } from '../../prover/errors.ts'
import { parseChain } from '../../prover/options/chain.ts'
import { readPortfolioInChain } from '../../prover/portfolio/input/chainMarket.ts'
import { readDeriveCase } from '../../prover/portfolio/input/deriveCase.ts'
import { parseExactJson } from '../../prover/portfolio/input/exactJson.ts'
import { readPortfolioOverMarkets } from '../../prover/portfolio/input/markets.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import {
  type AccountAnswer,
  accountAnswer,
  accountJson,
  formatAccount,
  provableMarket,
} from '../../prover/service/answers/accountMargins.ts'
import { root } from '../../scripts/tools/sources.ts'

const folder = join(root, '..', 'shared', 'cases', 'inputs')
const present = existsSync(folder)
const where = present ? '' : ` (no ${folder})`
const example = readFileSync(join(root, 'docs', 'examples', 'short-strangle.json'), 'utf8')

// biome-ignore lint/suspicious/noExplicitAny: tests bend files in ways that their type forbids
type Json = any
type Bend = (file: Json) => void

const bent = (bend: Bend): string => {
  const file = JSON.parse(example)
  bend(file)
  return JSON.stringify(file)
}
const file = (text: string): Json => JSON.parse(text)
const answerOf = (text: string, options = {}): Promise<AccountAnswer> =>
  accountAnswer(readPortfolioOverMarkets(text, 'bent.json', options))

/** What is left above the initial requirement. */
const initialOf = async (text: string): Promise<number> => Number((await answerOf(text)).standing.initialE8) / 1e8
const initial = (bend: Bend): Promise<number> => initialOf(bent(bend))

/** The typed error of a job, with all that it carries and says. */
async function refusalOf(job: () => unknown): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await job()
  } catch (error) {
    if (!(error instanceof ProverError)) throw error
    return { ...error, code: error.code, message: error.message }
  }
  throw new Error('expected a refusal')
}
const refusal = (bend: Bend) => refusalOf(() => answerOf(bent(bend)))

const march = (file: Json): Json => file.market.expiries[1]
const leg = 'BTC-27MAR26-60000-P'

describe.skipIf(!present)(`portfolio files that went wrong elsewhere${where}`, () => {
  const text = (name: string): string => readFileSync(join(folder, name), 'utf8')
  const given = (name: string) => refusalOf(() => answerOf(text(name)))

  it('have their right value, or are refused by name', async () => {
    expect(await initialOf(text('margin-bom.json'))).toBeCloseTo(-2048.78, 2)
    expect(await initialOf(text('margin-date-only-expiry.json'))).toBeCloseTo(-12_533.13, 2)
    expect(await given('margin-eth-leg-in-btc-market.json')).toMatchObject({
      code: 'portfolio.unknown-instrument',
      leg: 'ETH-27MAR26-3000-C',
    })
    expect(await given('margin-perp-price-0.json')).toMatchObject({
      code: 'portfolio.not-positive',
      entry: 'market.perpPrice',
    })
    expect(await given('margin-spot-wrong-decimals.json')).toMatchObject({
      code: 'portfolio.prices-apart',
      spot: '0.00000876',
    })
    expect(await given('margin-rate-4.json')).toMatchObject({ code: 'portfolio.unit', value: '4', meant: '0.04 or 4%' })
  })

  it('have each leg in its own market, in either order', async () => {
    const chain = parseChain(text('chain-btc-and-eth.csv'), 'chain-btc-and-eth.csv')
    const stated = JSON.parse(text('chain-account-btc-first.json'))
    const through = (options: readonly unknown[]) => {
      const account = { ...stated.account, options }
      return accountAnswer(
        readPortfolioInChain(JSON.stringify({ ...stated, account }), 'account.json', chain).portfolio,
      )
    }
    const [forth, back] = await Promise.all([
      through(stated.account.options),
      through(stated.account.options.toReversed()),
    ])
    const left = ({ markets }: AccountAnswer) => markets.map(({ provable }) => Number(provable.margin.initialE8) / 1e8)
    expect(left(forth)[0]).toBeCloseTo(-11_238.8, 2)
    expect(left(forth)[1]).toBeCloseTo(-8370.11, 2)
    expect(Number(forth.standing.initialE8) / 1e8).toBeCloseTo(80_391.09, 2)
    expect(left(back)).toEqual(left(forth))
    expect(back.standing).toEqual(forth.standing)
  })
})

describe('units', () => {
  it('that can only be others are refused with what was probably meant', async () => {
    const rate = (value: unknown) => refusal((file) => (march(file).rate = value))
    expect(await rate(4)).toMatchObject({ code: 'portfolio.unit', meant: '0.04 or 4%' })
    expect((await rate('-4')).message).toContain('Did you mean -4 %?')
    expect(await rate('1')).toMatchObject({ meant: '0.01 or 1%' })
    expect((await rate(350)).message).toContain('350 basis points')
    expect(await rate(123_456)).toMatchObject({ code: 'portfolio.unit', meant: undefined })
    const meant = async (bend: Bend) => ((await refusal(bend)) as { readonly meant?: string }).meant
    expect(await meant((file) => (file.market.spotConfidence = 95))).toBe('0.95 or 95%')
    expect(await meant((file) => (march(file).confidence = 80))).toBe('0.8 or 80%')
    expect(await meant((file) => (file.parameters = { horizon: { volatility: 60 } }))).toBe('0.6 or 60%')
    expect(await meant((file) => (file.parameters = { lossFactor: { maintenance: 80 } }))).toBe('0.8 or 80%')
    expect(await meant((file) => (file.parameters = { contingency: { perpInitial: 5 } }))).toBe('0.05 or 5%')
    expect(await meant((file) => (march(file).svi.tauRef = 50))).toBe(String(50 / 365))
    expect((await refusal((file) => (march(file).svi.tauRef = 4_332_600))).message).toContain('4332600 seconds')
    expect(await refusal((file) => (march(file).svi.a = 65))).toMatchObject({ code: 'portfolio.unit' })
  })

  it('of a number are fractions, and per cent where it says so', async () => {
    const plain = await initial(() => {})
    expect(await initial((file) => (march(file).rate = '4%'))).toBe(plain)
    expect(await initial((file) => (march(file).rate = ' 4%'.trim()))).toBe(plain)
    expect(await initial((file) => (file.market.spotConfidence = '100 %'))).toBe(plain)
    expect(await initial((file) => (file.parameters = { lossFactor: { maintenance: '80%' } }))).toBe(plain)
    // The largest rate without a sign, and a larger one with it
    expect(await initial((file) => (march(file).rate = '0.99'))).not.toBe(plain)
    expect(await initial((file) => (march(file).rate = '100%'))).not.toBe(plain)
    expect(await refusal((file) => (file.account.cash = '5%'))).toMatchObject({ code: 'portfolio.schema' })
  })

  it('of shocks are ratios of prices', async () => {
    const shock = (spotShock: unknown) => refusal((file) => (file.scenarios = [{ spotShock, volatility: 'up' }]))
    for (const value of [-18, 0, 18, '8']) expect(await shock(value)).toMatchObject({ code: 'portfolio.shock' })
    const basis = (entries: object) => refusal((file) => (file.parameters = { basis: entries }))
    expect(await basis({ shockUp: 0.045 })).toMatchObject({
      code: 'portfolio.shock',
      entry: 'parameters.basis.shockUp',
    })
    expect(await basis({ shockDown: 1.045 })).toMatchObject({ entry: 'parameters.basis.shockDown' })
    expect(await initial((file) => (file.parameters = { basis: { shockUp: 1, shockDown: 1 } }))).toBeCloseTo(
      -2048.78,
      2,
    )
  })
})

describe('prices of one market', () => {
  it('are within a factor of 2 of spot, each of them', async () => {
    const apart = async (bend: Bend) => {
      const { code, entry } = (await refusal(bend)) as unknown as { readonly code: string; readonly entry: string }
      expect(code).toBe('portfolio.prices-apart')
      return entry
    }
    expect(await apart((file) => (file.market.perpPrice = '7084'))).toBe('market.perpPrice')
    expect(await apart((file) => (march(file).forward = '713200'))).toBe('expiry 2026-03-27, forward')
    expect(await apart((file) => (march(file).svi.forwardRef = '7.1'))).toBe('expiry 2026-03-27, svi.forwardRef')
    expect(
      await apart((file) => {
        file.market.currency = 'BTC'
        file.market.collaterals = [{ asset: 'BTC', price: '0.7' }]
      }),
    ).toBe('market.collaterals.BTC.price')
  })

  it('may be just that far apart, and not a unit more', async () => {
    const perps =
      (perpPrice: string): Bend =>
      (file) =>
        (file.market.perpPrice = perpPrice)
    expect(await initial(perps('141706.52'))).toBeLessThan(0)
    expect(await refusal(perps('141706.52000001'))).toMatchObject({ code: 'portfolio.prices-apart' })
    expect(await initial(perps('35426.63'))).toBeGreaterThan(-2048)
    expect(await refusal(perps('35426.62999999'))).toMatchObject({ code: 'portfolio.prices-apart' })
    expect(await refusal(perps('0'))).toMatchObject({ code: 'portfolio.not-positive' })
  })
})

/** A market of ETH at a thirtieth of the example's prices. */
const ethMarket = (file: Json): Json => ({
  asOf: file.market.asOf,
  spot: '2080',
  expiries: [{ ...march(file), forward: '2085' }],
})

/** The example with options on ETH beside those on BTC. */
const overMarkets: Bend = (file) => {
  file.markets = { BTC: file.market, ETH: ethMarket(file) }
  delete file.market
  file.account.perps.currency = 'BTC'
  file.account.options.push({ instrument: 'ETH-27MAR26-2000-P', quantity: '-20' })
}

describe('an account over several markets', () => {
  const both = (bend: Bend = () => {}): string =>
    bent((file) => {
      overMarkets(file)
      bend(file)
    })
  const refused = (bend: Bend) => refusalOf(() => answerOf(both(bend)))

  it('is what its parts leave, added up', async () => {
    const { standing, markets, cashE12 } = await answerOf(both())
    const alone = await answerOf(example)
    const eth = await answerOf(
      bent((file) => {
        file.market = ethMarket(file)
        file.account = { options: [{ instrument: 'ETH-27MAR26-2000-P', quantity: '-20' }] }
      }),
    )
    // What is left is rounded once, so it may be a unit more than what was rounded in each market.
    for (const name of ['initialE8', 'maintenanceE8', 'equityE8'] as const) {
      expect([0n, 1n]).toContain(standing[name] - alone.standing[name] - eth.standing[name])
    }
    expect(cashE12).toBe(18_000n * 10n ** 12n)
    expect(markets.map(({ portfolio }) => portfolio.market.currency)).toEqual(['BTC', 'ETH'])
  })

  it('has the same margin in any order of legs and markets', async () => {
    const turned = both((file) => {
      file.account.options.reverse()
      file.markets = Object.fromEntries(Object.entries(file.markets).toReversed())
    })
    expect((await answerOf(turned)).standing).toEqual((await answerOf(both())).standing)
  })

  it('may have one market after all, cash included', async () => {
    const one = bent((file) => {
      file.markets = { BTC: file.market }
      delete file.market
    })
    expect((await answerOf(one)).standing.initialE8).toBe((await answerOf(example)).standing.initialE8)
  })

  it('says each market and all of them, in text and JSON', async () => {
    const answer = await answerOf(both())
    const json = accountJson(answer, false) as Json
    expect(Object.keys(json.markets)).toEqual(['BTC', 'ETH'])
    expect(json.im).toBeCloseTo(json.markets.BTC.im + json.markets.ETH.im + json.cash, 6)
    expect(json.reference.im).toBeCloseTo(json.im, 4)
    expect(json.initial.requirement + json.initial.left).toBeCloseTo(json.equity, 6)
    expect(formatAccount(answer, false)).toContain('nothing offsets between currencies')
  })

  it('has thresholds in each market as if the others stayed where they are', async () => {
    const { markets, standing } = await answerOf(both((file) => (file.account.cash = '26000')))
    const rest = markets[0]?.rest
    expect(rest?.maintenanceE8).toBe(standing.maintenanceE8 - (markets[0]?.provable.margin.maintenanceE8 ?? 0n))
    const alone = await answerOf(bent((file) => (file.account.cash = String(Number(rest?.maintenanceE8) / 1e8))))
    const { liquidationDownE8 = 0n } = markets[0]?.thresholds ?? {}
    expect(liquidationDownE8).toBe(alone.markets[0]?.thresholds.liquidationDownE8)
    expect(liquidationDownE8).toBeGreaterThan(0n)
    expect(liquidationDownE8).toBeLessThan(70_853n * 10n ** 8n)
    const json = accountJson(await answerOf(both()), false) as Json
    expect(json.markets.BTC).not.toHaveProperty('healthy')
    expect(json.healthy).toBe(false)
  })

  it('has collateral in the market of its currency, else in the first that prices it, once', async () => {
    const held = (file: Json): void => {
      file.account.collaterals = [
        { asset: 'ETH', amount: '3' },
        { asset: 'USDT', amount: '500' },
      ]
      for (const market of Object.values<Json>(file.markets)) market.collaterals = [{ asset: 'USDT', price: '1' }]
      file.markets.ETH.collaterals.push({ asset: 'ETH', price: '2080' })
      file.parameters = {
        collaterals: [
          { asset: 'ETH', maintenanceHaircut: 0.1, initialHaircut: 0.1, movesWithSpot: true },
          { asset: 'USDT', maintenanceHaircut: 0.02, initialHaircut: 0 },
        ],
      }
    }
    const { markets, standing } = await answerOf(both(held))
    expect(markets.map(({ portfolio }) => portfolio.account.collaterals.map(({ asset }) => asset))).toEqual([
      ['USDT'],
      ['ETH'],
    ])
    expect(standing.equityE8 - (await answerOf(both())).standing.equityE8).toBe(6740n * 10n ** 8n)
    const differing = (file: Json): void => {
      held(file)
      file.markets.ETH.collaterals[0].price = '0.9'
    }
    expect(await refused(differing)).toMatchObject({ code: 'portfolio.repeated-entry' })
  })

  /** Long BTC against short ETH, half of either loss offset. */
  const against: Bend = (file) => {
    file.account.perps = [
      { quantity: '2', currency: 'BTC' },
      { quantity: '-60', currency: 'ETH' },
    ]
    file.parameters = { spreadCredits: { BTC: '50%', ETH: 0.5 } }
  }

  it('offsets between markets what spread credits allow, and by default nothing', async () => {
    const answer = await answerOf(both(against))
    const uncredited: Bend = (file) => {
      against(file)
      delete file.parameters
    }
    const plain = await answerOf(both(uncredited))
    const credit = answer.standing.maintenanceE8 - plain.standing.maintenanceE8
    expect(answer.standing.initialE8 - plain.standing.initialE8).toBeGreaterThan(0n)
    expect(Number(credit) / 1e8).toBeCloseTo(answer.together?.spreadCredit ?? 0, 6)
    expect(plain.together?.spreadCredit).toBe(0)
    expect(formatAccount(plain, true)).toContain('nothing offsets between currencies')
    const json = accountJson(answer, true) as Json
    expect(json.reference.spreadCredit).toBeCloseTo(json.spreadCredit.credited, 4)
    expect(json.reference.mm).toBeCloseTo(json.mm, 4)
    const { BTC, ETH } = json.spreadCredit.markets
    expect([BTC.side, ETH.side]).toEqual(['fall', 'rise'])
    expect(json.spreadCredit.credited).toBeCloseTo(Math.min(BTC.offered, ETH.offered), 6)
    for (const { counted, worstLoss, factor, credit, offered } of [BTC, ETH]) {
      expect(counted).toBeLessThanOrEqual(-worstLoss)
      expect(offered).toBeCloseTo(counted * factor * credit, 4)
    }
    expect(json.steps.map(({ part }: Json) => part)).toContain('all markets')
    for (const words of ['spread credit', 'a fall', 'a rise', 'offset of each other'])
      expect(formatAccount(answer, false)).toContain(words)
  })

  it('has the same margin with credits in any order of legs, markets and credits', async () => {
    const turned = both((file) => {
      against(file)
      file.account.options.reverse()
      file.account.perps.reverse()
      file.markets = Object.fromEntries(Object.entries(file.markets).toReversed())
      file.parameters.spreadCredits = { ETH: 0.5, BTC: '50%' }
    })
    const [there, here] = [await answerOf(turned), await answerOf(both(against))]
    expect(there.standing).toEqual(here.standing)
    expect(there.together?.spreadCredit).toBe(here.together?.spreadCredit)
    expect(here.together?.spreadCredit).toBeGreaterThan(0)
  })

  it('takes credits of at most four fifths, of its own markets, and one price of the settlement currency', async () => {
    const credits = (spreadCredits: Json) => (file: Json) => {
      file.parameters = { spreadCredits }
    }
    await answerOf(both(credits({ BTC: 0.8, ETH: '80%' })))
    for (const [stated, entry] of [
      [{ BTC: '80.1%' }, 'parameters.spreadCredits.BTC'],
      [{ SOL: 0.1 }, 'parameters.spreadCredits.SOL'],
    ] as const) {
      expect(await refused(credits(stated))).toMatchObject({ code: 'portfolio.spread-credit', entry })
    }
    expect(await refused(credits({ ETH: 40 }))).toMatchObject({ code: 'portfolio.unit' })
    expect(await refused(credits({ ETH: -0.1 }))).toMatchObject({ code: 'portfolio.value-range' })
    const priced = (price: string) => (file: Json) => {
      file.markets.BTC.stablePrice = '0.999'
      file.markets.ETH.stablePrice = price
    }
    await answerOf(both(priced('0.9990')))
    expect(await refused(priced('0.998'))).toMatchObject({
      code: 'portfolio.stable-prices',
      currencies: ['BTC', 'ETH'],
    })
  })

  it('has sixteen collaterals over all markets, and not one more', async () => {
    const held = (count: number) => (file: Json) => {
      const assets = Array.from({ length: count }, (_, i) => `T${i}`)
      file.account.collaterals = assets.map((asset) => ({ asset, amount: '1' }))
      const priced = assets.map((asset) => ({ asset, price: '1' }))
      file.markets.BTC.collaterals = priced.slice(0, 9)
      file.markets.ETH.collaterals = priced.slice(9)
      file.parameters = {
        collaterals: assets.map((asset) => ({ asset, maintenanceHaircut: 0.1, initialHaircut: 0 })),
      }
    }
    const { standing } = await answerOf(both(held(16)))
    expect(standing.equityE8 - (await answerOf(both())).standing.equityE8).toBe(16n * 10n ** 8n)
    expect(await refused(held(17))).toMatchObject({ code: 'portfolio.too-many-collaterals' })
  })

  it('of which one alone is stated is refused by what the account has in the other', async () => {
    expect(await refused((file) => delete file.markets.ETH)).toMatchObject({ code: 'portfolio.unknown-instrument' })
  })

  it('is refused where something is in no market, or markets are of different times', async () => {
    const unplaced = async (bend: Bend) => {
      const { code, leg: what } = (await refused(bend)) as unknown as { readonly code: string; readonly leg: string }
      expect(code).toBe('portfolio.unknown-instrument')
      return what
    }
    const sol = 'SOL-27MAR26-100-C'
    expect(await unplaced((file) => file.account.options.push({ instrument: sol, quantity: 1 }))).toBe(sol)
    expect(await unplaced((file) => delete file.account.perps.currency)).toBe('perpetuals')
    expect(await unplaced((file) => (file.account.perps.currency = 'SOL'))).toBe('SOL perpetuals')
    const terms = { expiry: '2026-03-27', strike: 2000, type: 'put', quantity: -20 }
    expect(await unplaced((file) => (file.account.options[4] = terms))).toBe('2026-03-27 2000 put')
    const named = both((file) => (file.account.options[4] = { ...terms, currency: 'ETH' }))
    expect((await answerOf(named)).standing).toEqual((await answerOf(both())).standing)
    expect(await unplaced((file) => (file.markets.ETH.currency = 'BTC'))).toBe('market ETH')
    expect(await refused((file) => (file.markets.ETH.asOf = '2026-02-05T04:30:01Z'))).toMatchObject({
      code: 'portfolio.mixed-market',
    })
  })

  it('is refused naming the market that is wrong', async () => {
    expect(await refused((file) => (file.markets.ETH.perpPrice = '70840'))).toMatchObject({
      code: 'portfolio.prices-apart',
      entry: 'markets.ETH.perpPrice',
    })
    expect(await refused((file) => (file.markets.BTC.perpPrice = '0'))).toMatchObject({
      entry: 'markets.BTC.perpPrice',
    })
    expect(await refused((file) => (file.markets.ETH.expiries[0].rate = 4))).toMatchObject({
      code: 'portfolio.unit',
      entry: 'markets.ETH, expiry 2026-03-27.rate',
    })
  })

  it('is not proven yet, and one market of a file is all that its plain reader takes', async () => {
    const answer = await answerOf(both())
    expect(() => provableMarket(answer)).toThrow(expect.objectContaining({ code: 'service.prove-over-markets' }))
    const one = await answerOf(example)
    expect(provableMarket(one)).toBe(one.markets[0])
    expect(() => readPortfolio(both(), 'both.json')).toThrow(
      expect.objectContaining({ code: 'portfolio.several-markets' }),
    )
  })
})

describe('an instrument’s currency', () => {
  it('is that of its market, which is stated or what most names say', async () => {
    const eth = 'ETH-27MAR26-3000-C'
    const foreign = { code: 'portfolio.unknown-instrument', leg: eth }
    expect(await refusal((file) => file.account.options.unshift({ instrument: eth, quantity: -5 }))).toMatchObject(
      foreign,
    )
    const unstated: Bend = (file) => {
      delete file.market.currency
      file.account.options.unshift({ instrument: eth, quantity: -5 })
    }
    expect(await refusal(unstated)).toMatchObject(foreign)
    expect(await refusal((file) => file.account.options.push({ instrument: eth, quantity: -5 }))).toMatchObject(foreign)
    expect(await refusal((file) => (file.account.options = [{ instrument: eth, quantity: -5 }]))).toMatchObject(foreign)
    expect(await refusal((file) => (file.market.currency = 'ETH'))).toMatchObject({ leg })
    expect(await initial((file) => (file.market.currency = 'BTC'))).toBeCloseTo(-2048.78, 2)
    expect(
      await refusal((file) => {
        file.account.perps = { quantity: 1, currency: 'ETH' }
      }),
    ).toMatchObject({ leg: 'ETH perpetuals' })
  })
})

describe('expiries', () => {
  it('by date alone are at 08:00 UTC, in the market and in legs', async () => {
    const named = await initial(() => {})
    expect(await initial((file) => (march(file).expiry = '2026-03-27'))).toBe(named)
    const terms = { expiry: '2026-03-27', strike: 60000, type: 'put', quantity: -2 }
    expect(await initial((file) => (file.account.options[0] = terms))).toBe(named)
    for (const date of ['2026/03/27', '2026-3-27', '27.03.2026', '03/27/2026', '27 Mar 2026', 'March 27, 2026'])
      expect(await initial((file) => (march(file).expiry = date)), date).toBe(named)
    for (const time of ['27.03.2026 08:00', '2026-03-27 8-AM', 1774598400, '1774598400.0'])
      expect(await initial((file) => (march(file).expiry = time)), String(time)).toBe(named)
    expect(await refusal((file) => (march(file).expiry = '2026-03-27T00:00:00Z'))).toMatchObject({
      code: 'portfolio.unknown-instrument',
    })
  })

  it('beyond 776 days are refused where they are held, and only there', async () => {
    const late: Bend = (file) => file.market.expiries.push({ ...march(file), expiry: '2028-09-29' })
    expect(await initial(late)).toBeCloseTo(-2048.78, 2)
    const held = await refusal((file) => {
      late(file)
      file.account.options.push({ instrument: 'BTC-29SEP28-60000-P', quantity: 1 })
    })
    expect(held).toMatchObject({ code: 'options.tenor-out-of-range' })
    expect(held.message).toContain('776 days')
  })

  it('have a settlement price in their very second and not before', async () => {
    expect(await refusal((file) => (march(file).settlementPrice = '81000'))).toMatchObject({
      code: 'portfolio.unsettled',
      leg: 'expiry 2026-03-27',
    })
  })

  it('with a negative rate count it as 0 and say what it would come to', async () => {
    const at = async (rate: string): Promise<Json> =>
      accountJson(await answerOf(bent((file) => (march(file).rate = rate))), false)
    const [negative, zero] = [await at('-0.3'), await at('0')]
    expect(negative.im).toBe(zero.im)
    expect(zero.notes).toEqual([])
    expect(negative.notes[0]).toContain('Negative rates (2026-03-27 08:00 at -30.0 %) count as 0')
  })

  it('of prices in millions of millions are refused with what to do, and those in millions are not', async () => {
    const spotOf = (spot: number): string =>
      bent((file) => {
        file.market = { asOf: file.market.asOf, spot }
        file.account = { cash: 5 }
      })
    const advised = {
      code: 'portfolio.value-range',
      message: expect.stringContaining('in thousands of the quote currency'),
    }
    expect(await refusalOf(() => answerOf(spotOf(281_474_976_711)))).toMatchObject(advised)
    await answerOf(spotOf(281_474_976_710))
    await answerOf(spotOf(2_814_750))
    await answerOf(spotOf(10_700))
    expect(String(await refusalOf(() => answerOf(spotOf(-1))))).not.toContain('thousands')
  })

  it('whose surface is of variance a year are refused where that shows, unless the file says that it is total', async () => {
    const withSvi = (a: number, days: number, more: object = {}): string =>
      bent((file) => {
        const [first] = file.market.expiries
        const expiry = new Date(Date.parse(file.market.asOf) + days * 86_400_000).toISOString()
        file.market.expiries = [{ ...first, expiry, svi: { a, b: 0, rho: 0, m: 0, s: 0.1, ...more } }]
        file.account.options = [{ expiry, strike: 70000, type: 'call', quantity: 1 }]
      })
    // 65 % a year: 0.4225, of which an expiry in 10 days has a thirty-sixth.
    expect(await refusalOf(() => answerOf(withSvi(0.4225, 10)))).toMatchObject({
      code: 'portfolio.annual-variance',
      volatilityIfAnnual: expect.closeTo(0.65, 6),
      volatility: expect.closeTo(0.65 * Math.sqrt(36.5), 4),
    })
    await answerOf(withSvi(0.4225 / 36.5, 10))
    await answerOf(withSvi(0.4225, 10, { variance: 'total' }))
    await answerOf(withSvi((9 * 10) / 365 - 0.0001, 10))
    expect(await refusalOf(() => answerOf(withSvi((9 * 10) / 365 + 0.0001, 10)))).toMatchObject({
      code: 'portfolio.annual-variance',
    })
    await answerOf(withSvi(0.0399, 0.1))
  })

  it('whose volatility is out of this world are remarked upon', async () => {
    const near = accountJson(await answerOf(bent((file) => (file.market.asOf = '2026-02-27T07:30:00Z'))), false) as Json
    expect(near.notes).toHaveLength(1)
    expect(near.notes[0]).toContain('BTC-27FEB26-80000-C is marked at a volatility of')
  })

  it.each([
    ['90.000', 1],
    ['1426.4', 0],
    ['1426.3', 1],
    ['2814749', 0],
  ])('is remarked upon where a strike is far from its forward of 71,320: %s', async (strike, notes) => {
    const leg = { expiry: '2026-03-27', strike, type: 'call', quantity: '0.01' }
    const answer = await answerOf(bent((file) => void file.account.options.push(leg)))
    const found = (accountJson(answer, false) as Json).notes.filter((note: string) => note.includes('is struck at'))
    expect(found).toHaveLength(notes)
    if (strike === '90.000') expect(found[0]).toContain('90.000 is 90')
  })
})

describe('a number with three digits behind its only point', () => {
  const notes = async (text: string) => (accountJson(await answerOf(text), false) as Json).notes as readonly string[]
  const of = (bend: Bend) => notes(bent(bend))
  const option = (file: Json, terms: Json) =>
    void file.account.options.push({ expiry: '2026-03-27', type: 'call', strike: '90000', quantity: '0.01', ...terms })

  it('has a decimal point, and a note says which entry was read so', async () => {
    expect(await of((file) => (file.account.cash = '18.000'))).toEqual([
      'account.cash: "18.000" is read as 18, with a decimal point. If it was to group thousands, write 18000.',
    ])
    const started = async (bend: Bend) => (await of(bend)).map((note) => note.split('" is')[0])
    expect(await started((file) => option(file, { quantity: '-1.250' }))).toEqual([
      'account.options.4.quantity: "-1.250',
    ])
    expect(await started((file) => option(file, { strike: '100.000' }))).toContain('account.options.4.strike: "100.000')
    const thousands = bent((file) => {
      file.account = { cash: '18.000' }
      file.market.spot = '69.123'
      file.market.perpPrice = '69.100'
      for (const each of file.market.expiries) each.forward = { bid: '69.100', ask: '69.200' }
    })
    expect((await notes(thousands)).map((note) => note.split(':')[0])).toEqual([
      'account.cash',
      'market.spot',
      'market.perpPrice',
      ...file(thousands).market.expiries.flatMap((_: Json, i: number) =>
        ['bid', 'ask'].map((side) => `market.expiries.${i}.forward.${side}`),
      ),
    ])
    expect(formatAccount(await answerOf(bent((file) => (file.account.cash = '18.000'))), false)).toContain(
      'Note: account.cash: "18.000" is read as 18',
    )
  })

  it('is said of an account over several markets once, and of one in a chain', async () => {
    const over = bent((file) => {
      overMarkets(file)
      file.account.cash = '18.000'
    })
    const answer = await answerOf(over)
    expect((accountJson(answer, false) as Json).notes).toHaveLength(1)
    expect((formatAccount(answer, false).match(/Note: account\.cash/g) ?? []).length).toBe(1)
  })

  it.each([
    ['a number of JSON', example.replace(/"cash": "?[\d.]+"?/, '"cash": 18.000')],
    ['a leading zero', bent((file) => (file.account.cash = '0.125'))],
    ['four digits before it', bent((file) => (file.account.cash = '1234.500'))],
    ['four behind it', bent((file) => option(file, { quantity: '1.2500' }))],
    ['none', bent((file) => (file.account.cash = '18000'))],
    ['a coin worth one', bent((file) => (file.market.collaterals = [{ asset: 'USDC', price: '1.001' }]))],
    ['a fraction', bent((file) => (file.parameters = { lossFactor: { initial: '1.250' } }))],
  ])('is not said of %s', async (_, text) => {
    expect(await notes(text)).toEqual([])
  })
})

describe('JSON', () => {
  it('may begin with a byte order mark, and is not UTF-16', async () => {
    expect(await initialOf(`\uFEFF${example}`)).toBeCloseTo(-2048.78, 2)
    const utf16 = (text: string) => Buffer.from(text, 'utf16le').toString('utf8')
    for (const text of [utf16(example), utf16(`\uFEFF${example}`), Buffer.from(utf16(example)).toString('utf8')]) {
      expect(await refusalOf(() => parseExactJson(text, 'utf16.json'))).toMatchObject({
        code: 'portfolio.json-encoding',
        encoding: 'UTF-16',
      })
    }
  })

  it('is of no other encoding, unpacked, and in this format', async () => {
    const latin = Buffer.from(example.replace('Short', 'Größe'), 'latin1').toString('utf8')
    expect(await refusalOf(() => parseExactJson(latin, 'latin.json'))).toMatchObject({ encoding: 'other' })
    expect(parseExactJson('{"name": "Größe"}', 'utf8.json')).toEqual({ name: 'Größe' })
    const packed = gzipSync(example).toString('utf8')
    expect(await refusalOf(() => parseExactJson(packed, 'packed.json'))).toMatchObject({ encoding: 'gzip' })
    const asCase = await refusalOf(() => readDeriveCase(example, 'example.json'))
    expect(asCase.message).toContain('which is read without --derive-case')
    const asPortfolio = await refusalOf(() => readPortfolio('{"Scenario": {}, "Parameters": {}}', 'case.json'))
    expect(asPortfolio.message).toContain('which --derive-case reads')
  })

  it('is refused at its line and column, in plain words', async () => {
    const faults: readonly (readonly [string, number, number, string])[] = [
      ['{\n  "a": 1,\n}', 2, 9, 'a comma stands before }'],
      ["{'a': 1}", 1, 2, 'single quote'],
      ['{"a": 1 // cash\n}', 1, 9, 'a comment'],
      ['{"a": NaN}', 1, 7, 'found NaN'],
      ['{"a": 01}', 1, 7, 'found 01'],
      ['{"a": +1}', 1, 7, 'found +1'],
      ['{"a": 70,853.26}', 1, 10, 'found 853.26'],
      ['{"a": 1, "a": 2}', 1, 10, 'stands twice'],
      ['{"a": "x\ny"}', 1, 7, 'does not end in its line'],
      ['[1 2]', 1, 4, 'a comma or ]'],
      ['{"a": 1}}', 1, 9, 'nothing may follow'],
      ['', 1, 1, 'the end of the file'],
      ['['.repeat(300), 1, 202, 'nested'],
    ]
    for (const [text, line, column, words] of faults) {
      const found = await refusalOf(() => parseExactJson(text, 'broken.json'))
      expect(found).toMatchObject({ code: 'portfolio.json-syntax', line, column })
      expect(found.message).toContain(words)
      expect(() => JSON.parse(text.replace(', "a": 2', ','))).toThrow(SyntaxError)
    }
  })

  it('is read wherever it is JSON, every digit of it', () => {
    const text = '\t{"a": [1.50, -0, 2e-3, "é\\u00e9\\n\\"", true, null, {}], "b": []}\r\n'
    expect(parseExactJson(text, 'fine.json')).toEqual({
      a: ['1.50', '-0', '2e-3', 'éé\n"', true, null, {}],
      b: [],
    })
  })

  it('has no entry that the form does not know, and says which was meant', async () => {
    const meant = async (bend: Bend) => {
      const found = await refusal(bend)
      expect(found.code).toBe('portfolio.schema')
      return (found as { readonly meant?: string }).meant
    }
    const option = (entries: object) => meant((file) => (file.account.options[0] = entries))
    expect(await option({ instrument: leg, qty: -2 })).toBe('quantity')
    expect(await option({ instrument: leg, size: -2 })).toBe('quantity')
    expect(await option({ symbol: leg, quantity: -2 })).toBe('instrument')
    expect(await option({ expiry: '2026-03-27', strke: 60000, type: 'put', quantity: -2 })).toBe('strike')
    expect(await option({ expiry: '2026-03-27', strike: 60000, type: 'P', quantity: -2 })).toBe('put')
    expect(await option({ instrument: leg, type: 'put', quantity: -2 })).toBe(undefined)
    expect(await meant((file) => (file.account.perps = { quantity: 1, unrealizedPnl: 3 }))).toBe('unrealisedPnl')
    expect(await meant((file) => (file.market.perp_price = 1))).toBe(undefined)
    expect(
      await meant((file) => {
        delete file.market.perpPrice
        file.market.perp_price = 70_840
      }),
    ).toBe('perpPrice')
    expect(await meant((file) => (march(file).svi = { a: 1, b: 1, rho: 0, m: 0, sigma: 1 }))).toBe('s')
    expect(await meant((file) => (file.parameters = { lossFactors: {} }))).toBe('lossFactor')
    expect(await meant((file) => (file.account.xyz = 1))).toBe(undefined)
  })

  it('has either one market or several', async () => {
    const entry = { code: 'portfolio.schema', entry: 'market' }
    expect(await refusal((file) => delete file.market)).toMatchObject(entry)
    expect(await refusal((file) => (file.markets = { BTC: file.market }))).toMatchObject(entry)
  })
})

describe('messages', () => {
  it('are in the words and units of the file, whatever is wrong', async () => {
    const bends: readonly Bend[] = [
      (file) => (file.account = []),
      (file) => (file.account.options = {}),
      (file) => (file.account.options[0] = leg),
      (file) => (file.account.options[0] = {}),
      (file) => (file.account.cash = null),
      (file) => (file.account.cash = '18,000'),
      (file) => (file.account.cash = '1e20'),
      (file) => (file.account.perps = 0.4),
      (file) => (file.market.spot = '-5'),
      (file) => (file.market.stablePrice = 100),
      (file) => (file.market.asOf = '05/02/2026'),
      (file) => (march(file).forward = [1, 2]),
      (file) => (march(file).forward = { mid: 1 }),
      (file) => (march(file).svi.rho = -35),
      (file) => (march(file).svi.tauRef = 0.000001),
      (file) => (march(file).svi.a = '-0.02028'),
      (file) => (file.market.expiries[0].expiry = '2026-03-27'),
      (file) => (file.account.options[0].quantity = '1152922'),
      (file) => {
        for (const option of file.account.options) option.quantity = '1152921'
        file.account.options.push({ instrument: 'BTC-27MAR26-70000-P', quantity: '1152921' })
      },
      (file) => {
        file.account.collaterals = [{ asset: 'ETH', amount: 1 }]
        file.market.stablePrice = '0.000000000001'
        file.market.collaterals = [{ asset: 'ETH', price: '4000' }]
        file.parameters = { collaterals: [{ asset: 'ETH', maintenanceHaircut: 0.1, initialHaircut: 0.1 }] }
      },
      (file) => {
        const assets = Array.from({ length: 16 }, (_, i) => `A${i}`)
        file.account.collaterals = assets.map((asset) => ({ asset, amount: 4_600_000 }))
        file.market.stablePrice = '0.0001'
        file.market.collaterals = assets.map((asset) => ({ asset, price: '8900' }))
        file.parameters = {
          collaterals: assets.map((asset) => ({ asset, maintenanceHaircut: 0, initialHaircut: 0 })),
        }
      },
      (file) => (file.scenarios = [1.1, 1.2, 1.3, 1.4].map((spotShock) => ({ spotShock, volatility: 'down' }))),
    ]
    const internal = /[EX]\d{1,2}\b|2\^|10\^|\/\^|\bstring\b|\bundefined\b|Invalid|regex|\d{16,}n?\b(?!\d*\.)/
    for (const [i, bend] of bends.entries()) {
      const { code, message } = await refusal(bend)
      expect(code, String(i)).toMatch(/^(portfolio|options)\./)
      expect(message, code).not.toMatch(internal)
    }
  })
})
