/** Chain files as people have them: each is read to its right value, or refused by name with its row or expiry. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ChainOptions, type OptionChain, parseChain, readChain } from '../../prover/options/chain.ts'
import { optionValue } from '../../prover/options/real.ts'
import { type ChainMarketOptions, readPortfolioInChain } from '../../prover/portfolio/input/chainMarket.ts'
import { accountAnswer } from '../../prover/service/answers/accountMargins.ts'

const cases = join(import.meta.dirname, '..', '..', '..', 'shared', 'cases', 'inputs')
const AS_OF = 1_770_526_503 // 2026-02-08 04:55:03 UTC
const EXPIRY = 1_774_598_400 // 27MAR26
const FORWARD = 69_000

/** A smile of nine strikes, its marks those of Black-76. */
type Made = {
  readonly currency?: string
  readonly at?: (i: number) => string
  readonly volatility?: (fraction: number) => string
  readonly header?: string
  readonly mark?: (inBase: number) => string
  readonly name?: string
  readonly rows?: readonly string[]
}
const strikes = [45_000, 50_000, 55_000, 60_000, 65_000, 70_000, 75_000, 80_000, 90_000]
function made({ currency = 'BTC', header = 'mark_iv', rows = [], ...terms }: Made = {}): string {
  const {
    at = () => String(AS_OF * 1000),
    volatility = (v) => (100 * v).toFixed(4),
    mark = (m) => m.toFixed(8),
  } = terms
  const quotes = strikes.map((strike, i) => {
    const impliedVolatility = 0.6 + 0.2 * Math.log(strike / FORWARD) ** 2
    const timeToExpiry = (EXPIRY - AS_OF) / 31_536_000
    const value = optionValue({ forward: FORWARD, strike, timeToExpiry, impliedVolatility, isCall: true })
    return `${at(i)},${currency}-27MAR26-${strike}-C,${FORWARD},${volatility(impliedVolatility)},${mark(value / FORWARD)},${FORWARD - 20}`
  })
  return [`timestamp,instrument_name,underlying_price,${header},mark_price,index_price`, ...quotes, ...rows].join('\n')
}
const row = (name: string, time = String(AS_OF * 1000)): string => `${time},${name},${FORWARD},60,,${FORWARD - 20}`
const parse = (text: string, options?: ChainOptions): OptionChain => parseChain(text, 'chain.csv', options)
const codes = ({ refused }: OptionChain) => refused.map(({ code, row: at }) => [code, at])
const refusal = (text: string, options?: ChainOptions): unknown => {
  try {
    parse(text, options)
  } catch (error) {
    return error
  }
  throw new Error('expected a refusal')
}

type Leg = readonly [instrument: string, quantity: string]
const account = (...legs: readonly Leg[]): string =>
  JSON.stringify({
    account: { cash: '100000', options: legs.map(([instrument, quantity]) => ({ instrument, quantity })) },
    market: { asOf: '2026-02-08', spot: '1' },
  })
const SHORT_CALL = account(['BTC-27MAR26-80000-C', '-1'])
async function margin(portfolio: string, chain: OptionChain, options?: ChainMarketOptions) {
  const { portfolio: read, notes } = readPortfolioInChain(portfolio, 'account.json', chain, options)
  const { standing } = await accountAnswer(read)
  return { initial: Number((Number(standing.initialE8) / 1e8).toFixed(2)), notes: notes.join(' ') }
}

describe.skipIf(!existsSync(cases))('the recorded cases', () => {
  const chain = (name: string) => readChain(join(cases, `chain-${name}.csv`))
  const text = (name: string): string => readFileSync(join(cases, `${name}.json`), 'utf8')
  const shortCall = () => text('account-short-call')

  it('of summaries, Tardis and volatilities in another unit come to the same margin', async () => {
    const { initial } = await margin(shortCall(), chain('book-summary'))
    expect(initial).toBe(88_761.2)
    const spots = new Map([['', '69247.2']])
    const tardis = await margin(shortCall(), chain('tardis-layout'))
    expect(tardis.notes).toContain('spot is the forward of 2026-03-27, 69264.91')
    expect((await margin(shortCall(), chain('tardis-layout'), { spots })).initial).toBe(initial)
    const fractions = chain('mark_iv-fraction')
    expect(fractions.notes).toEqual([expect.stringContaining('as fractions')])
    expect((await margin(shortCall(), fractions, { spots })).initial).toBe(initial)
  })

  it('of a chain with two currencies has each leg in its own market, in either order', async () => {
    const both = chain('btc-and-eth')
    const stated = text('chain-account-btc-first')
    const { account: held, ...rest } = JSON.parse(stated)
    const turned = JSON.stringify({ ...rest, account: { ...held, options: held.options.toReversed() } })
    expect((await margin(stated, both)).initial).toBe(80_391.09)
    expect((await margin(turned, both)).initial).toBe(80_391.09)
  })

  it('of quotes of different days names the expiry', async () => {
    await expect(margin(shortCall(), chain('half-stale'))).rejects.toMatchObject({
      code: 'portfolio.stale-surface',
      leg: 'BTC 2026-03-27',
      count: 8,
      ageSeconds: 82_800,
      message: expect.stringContaining('--max-age-seconds'),
    })
    await expect(margin(shortCall(), chain('half-stale'), { maxAgeSeconds: 82_800 })).resolves.toBeDefined()
  })

  it('of one bad row name it and use the others', async () => {
    const far = chain('one-row-beyond-776-days')
    expect(codes(far)).toEqual([['options.quote-tenor', 12]])
    expect((await margin(shortCall(), far)).notes).toContain('lists no option at 80000 of BTC 2026-03-27')
    expect(() => chain('timestamp-24-digits')).toThrow(
      expect.objectContaining({
        code: 'options.file-refused',
        refused: expect.arrayContaining([expect.objectContaining({ row: 19, code: 'options.quote-time' })]),
      }),
    )
  })

  it('of dates with dots are day-first, and of contradicting volatilities are refused', () => {
    expect(chain('day-first').quotes[0]?.asOf).toBe(Date.UTC(2026, 2, 2) / 1000)
    expect(() => chain('implied_volatility-points')).toThrow(
      expect.objectContaining({ code: 'options.volatility-unit', message: expect.stringContaining('about 70.02 %') }),
    )
  })

  it('of linear options have values and marks in one unit', () => {
    const { quotes } = chain('linear-usdc')
    expect(quotes).toHaveLength(18)
    expect(new Set(quotes.map(({ currency, markUnit }) => `${currency} ${markUnit}`))).toEqual(
      new Set(['BTC_USDC quote']),
    )
    expect(readChain(join(cases, 'tardis-demeter11.csv')).quotes).toHaveLength(3)
  })
})

describe('layouts', () => {
  it('are found by delimiter and header, below titles, with decimal commas', () => {
    const german = made().replaceAll(',', ';').replaceAll('.', ',')
    const [plain, commas] = [parse(made()), parse(`Options of today\n\n${german}`)]
    expect(commas.quotes.map(({ row: _, ...quote }) => quote)).toEqual(
      plain.quotes.map(({ row: _, ...quote }) => quote),
    )
    expect(commas.quotes[0]?.row).toBe(4)
  })

  it('refuse rows with more cells than the header, and columns of one name that are read', () => {
    const chain = parse(`${made()}\n${row('BTC-27MAR26-85000-C')},1`)
    expect(codes(chain)).toEqual([['options.quote-surplus-cells', 11]])
    expect(refusal(made({ header: 'mark_iv,mark_iv' }))).toMatchObject({ code: 'options.column-repeated' })
  })

  it('without header are named', () => {
    const [header = '', ...lines] = made().split('\n')
    const bare = lines.join('\n')
    expect(refusal(bare)).toMatchObject({
      code: 'options.column-missing',
      message: expect.stringContaining('--columns'),
    })
    expect(parse(bare, { columns: header.split(',') }).quotes).toHaveLength(9)
    expect(refusal(made(), { columns: ['timestamp'] })).toMatchObject({ code: 'options.column-missing' })
  })

  it('may be lists of objects, as exchanges answer', () => {
    const [header = '', ...lines] = made().split('\n')
    const entries = lines.map((line) =>
      Object.fromEntries(line.split(',').map((cell, i) => [header.split(',')[i] ?? '', i === 1 ? cell : Number(cell)])),
    )
    for (const text of [JSON.stringify(entries), JSON.stringify({ jsonrpc: '2.0', result: entries })])
      expect(parse(text).quotes.map(({ markVolatility }) => markVolatility)).toEqual(
        parse(made()).quotes.map(({ markVolatility }) => markVolatility),
      )
    expect(refusal('[]')).toMatchObject({ code: 'options.file-empty' })
  })

  it.each([
    ['seconds', String(AS_OF)],
    ['microseconds', String(AS_OF * 1e6)],
    ['nanoseconds', `${AS_OF}000000000`],
    ['ISO 8601', '2026-02-08T04:55:03Z'],
    ['dots', '08.02.2026 04:55:03'],
    ['slashes', '2026/02/08 04:55:03'],
  ])('have times in %s', (_, time) => {
    expect(parse(made({ at: () => time })).quotes[0]?.asOf).toBe(AS_OF)
  })

  it('have days and months in the order that is said where dates do not tell', () => {
    const either = made({ at: () => '08/02/2026 04:55:03' })
    expect(refusal(either)).toMatchObject({ code: 'options.file-refused' })
    expect(parse(either, { dateOrder: 'day-first' }).quotes[0]?.asOf).toBe(AS_OF)
    expect(refusal(either, { dateOrder: 'month-first' })).toMatchObject({ code: 'options.file-refused' })
  })

  it('read perpetuals as such and count futures with the other lines', () => {
    const chain = parse(made({ rows: [`${AS_OF}000,BTC-PERPETUAL,,,68990,68980`, `${AS_OF}000,BTC-27MAR26,,,69000,`] }))
    expect(chain.perps).toMatchObject([{ currency: 'BTC', price: 68_990, row: 11 }])
    expect([chain.skipped, chain.refused]).toEqual([1, []])
    expect(codes(parse(made({ rows: [`${AS_OF}000,BTC-PERPETUAL,,,0,`] })))).toEqual([['options.quote-perp-price', 11]])
  })
})

describe('volatilities and marks', () => {
  const volatilityOf = (text: string, options?: ChainOptions) => parse(text, options).quotes[5]?.markVolatility ?? 0
  const percent = (v: number): string => (100 * v).toFixed(4)
  const fraction = (v: number): string => v.toFixed(6)

  it.each([
    ['per cent under mark_iv', 'mark_iv', percent, false],
    ['fractions under mark_iv', 'mark_iv', fraction, true],
    ['fractions under implied_volatility', 'implied_volatility', fraction, false],
    ['per cent under implied_volatility', 'implied_volatility', percent, true],
  ])('agree as %s, which is said if the header says otherwise', (_, header, volatility, isSaid) => {
    const text = made({ header, volatility })
    expect(volatilityOf(text)).toBeCloseTo(0.6, 2)
    expect(parse(text).notes).toHaveLength(isSaid ? 1 : 0)
  })

  it('of bids and asks are in the same unit', () => {
    const header = 'mark_iv,bid_iv'
    const [points, fractions] = [percent, fraction].map((unit) =>
      made({ header, volatility: (v) => `${unit(v)},${unit(v)}` }),
    )
    for (const text of [points ?? '', fractions ?? ''])
      expect(parse(text).quotes[5]?.bidVolatility).toBeCloseTo(volatilityOf(text), 9)
  })

  it('that agree in no unit are refused, and single rows that do not agree by row', () => {
    expect(refusal(made({ volatility: (v) => percent(v / 3) }))).toMatchObject({ code: 'options.volatility-unit' })
    let rows = 0
    const mixed = parse(made({ volatility: (v) => (rows++ === 6 ? fraction(v) : percent(v)) }))
    expect(codes(mixed)).toEqual([['options.quote-mark', 8]])
    expect(mixed.quotes).toHaveLength(8)
  })

  it('do not make forwards or marks of other decimals right', () => {
    const other = row('BTC-27MAR26-85000-C').replace(String(FORWARD), String(FORWARD * 1e-8))
    expect(codes(parse(made({ rows: [other] })))).toEqual([['options.quote-forward-apart', 11]])
    expect(codes(parse(made({ rows: [row('BTC-27MAR26-85000-C').replace('69000', '138000')] })))).toEqual([])
    expect(refusal(made({ mark: (m) => (100 * m).toFixed(6) }))).toMatchObject({ code: 'options.volatility-unit' })
  })

  it('that are apart without being of another unit are said', () => {
    expect(parse(made({ volatility: (v) => percent(1.4 * v) })).notes).toEqual([
      expect.stringContaining('worth more or less'),
    ])
    expect(parse(made({ volatility: (v) => percent(1.02 * v) })).notes).toEqual([])
  })

  it('without marks are refused if they can only be of another unit', () => {
    const mark = () => ''
    expect(refusal(made({ mark, volatility: fraction }))).toMatchObject({
      code: 'options.volatility-unit',
      message: expect.stringContaining('--volatility-unit fraction'),
    })
    expect(refusal(made({ mark, header: 'implied_volatility', volatility: percent }))).toMatchObject({
      message: expect.stringContaining('--volatility-unit percent'),
    })
    expect(volatilityOf(made({ mark, volatility: fraction }), { volatilityUnit: 'fraction' })).toBeCloseTo(0.6, 2)
    expect(volatilityOf(made({ mark }))).toBeCloseTo(0.6, 2)
  })

  it('of linear options, and of inverse ones marked in money, are compared in money', () => {
    const mark = (m: number): string => (m * FORWARD).toFixed(2)
    const [linear, turned] = [parse(made({ currency: 'BTC_USDC', mark })), parse(made({ mark }))]
    expect([linear.quotes[0]?.markUnit, linear.notes]).toEqual(['quote', []])
    expect([turned.quotes[0]?.markUnit, turned.notes]).toEqual(['quote', [expect.stringContaining('in USD')]])
    expect(parse(made()).quotes[0]?.markUnit).toBe('base')
  })
})

describe('times of a round', () => {
  it('are not those of a clock that is ahead', async () => {
    const ahead = [`${(AS_OF + 86_400) * 1000}`, String((AS_OF + 200) * 1000)].map((time, i) =>
      row(`BTC-27MAR26-${85_000 + i}-C`, time),
    )
    const chain = parse(made({ rows: ahead }))
    expect(codes(chain)).toEqual([
      ['options.quote-clock', 11],
      ['options.quote-clock', 12],
    ])
    expect((await margin(SHORT_CALL, chain)).initial).toBe((await margin(SHORT_CALL, parse(made()))).initial)
    expect(parse(made({ rows: [row('BTC-27MAR26-85000-C', String((AS_OF + 120) * 1000))] })).refused).toEqual([])
  })

  it('are not those of a whole chain that is ahead of the reader', () => {
    expect(parse(made(), { now: AS_OF - 120 }).quotes).toHaveLength(9)
    expect(refusal(made(), { now: AS_OF - 121 })).toMatchObject({ code: 'options.file-refused' })
  })

  it('have no quotes beside them that are older than allowed, where the account has options', async () => {
    const old = (seconds: number) => made({ at: (i) => String((i === 3 ? AS_OF - seconds : AS_OF) * 1000) })
    await expect(margin(SHORT_CALL, parse(old(120)))).resolves.toBeDefined()
    await expect(margin(SHORT_CALL, parse(old(121)))).rejects.toMatchObject({ code: 'portfolio.stale-surface' })
    await expect(margin(SHORT_CALL, parse(old(121)), { maxAgeSeconds: 121 })).resolves.toBeDefined()
    const june = strikes.map((strike) => row(`BTC-26JUN26-${strike}-C`, String((AS_OF - 3600) * 1000)))
    const chain = parse(made({ rows: june }))
    expect((await margin(SHORT_CALL, chain)).notes).toContain('BTC 2026-06-26 is left out (stale-surface)')
    await expect(margin(account(['BTC-26JUN26-80000-C', '-1']), chain)).rejects.toMatchObject({
      code: 'portfolio.stale-surface',
      leg: expect.stringContaining('BTC 2026-06-26'),
    })
  })

  it('of two currencies are one: the older is stale as an expiry is', async () => {
    const eth = (seconds: number) =>
      strikes.map((strike) => row(`ETH-27MAR26-${strike}-C`, String((AS_OF - seconds) * 1000)))
    const both = account(['BTC-27MAR26-80000-C', '-1'], ['ETH-27MAR26-80000-C', '-1'])
    await expect(margin(both, parse(made({ rows: eth(120) })))).resolves.toBeDefined()
    await expect(margin(both, parse(made({ rows: eth(121) })))).rejects.toMatchObject({
      code: 'portfolio.stale-surface',
      leg: expect.stringContaining('ETH'),
    })
  })
})

describe('an account in a chain', () => {
  it('takes spot from the index, the nearest forward or what is said, and perpetuals from the chain', async () => {
    const withoutIndex = made().replaceAll(`,${FORWARD - 20}`, ',')
    expect((await margin(SHORT_CALL, parse(made()))).notes).toBe('')
    expect((await margin(SHORT_CALL, parse(withoutIndex))).notes).toContain(`2026-03-27, ${FORWARD}`)
    const said = await margin(SHORT_CALL, parse(withoutIndex), { spots: new Map([['BTC', String(FORWARD - 20)]]) })
    expect(said.initial).toBe((await margin(SHORT_CALL, parse(made()))).initial)
    const perp = parse(made({ rows: [`${AS_OF}000,BTC-PERPETUAL,,,68990,68980`] }))
    expect((await margin(SHORT_CALL, perp)).notes).toContain('68990')
    const oldPerp = parse(made({ rows: [`${AS_OF - 121}000,BTC-PERPETUAL,,,68990,68980`] }))
    expect((await margin(SHORT_CALL, oldPerp)).notes).toBe('')
  })

  it('says which strikes the chain does not list', async () => {
    const chain = parse(made())
    expect((await margin(account(['BTC-27MAR26-81000-C', '-1']), chain)).notes).toContain('between the strikes')
    expect((await margin(account(['BTC-27MAR26-120000-C', '-1']), chain)).notes).toContain('beyond the strikes')
    expect((await margin(account(['BTC-27MAR26-80000-P', '-1']), chain)).notes).toBe('')
  })

  it('of a currency or an expiry that the chain cannot price is refused by name', async () => {
    await expect(margin(account(['SOL-27MAR26-100-C', '1']), parse(made()))).rejects.toMatchObject({
      code: 'portfolio.chain-market',
      message: expect.stringContaining('found BTC'),
    })
    const few = parse(made({ rows: [row('BTC-26JUN26-80000-C')] }))
    await expect(margin(account(['BTC-26JUN26-80000-C', '-1']), few)).rejects.toMatchObject({
      code: 'options.too-few-marks',
    })
  })
})
