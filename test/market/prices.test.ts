import { rangeCodeUp } from '../../prover/market/range.ts'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PriceOptions } from '../../prover/market/prices.ts'
import {
  ImpliedVolatilityError,
  PriceNegativeError,
  PriceNotNumericError,
  PriceOverRangeError,
  PricePrecisionError,
  PriceStepError,
  PriceTimeError,
  PriceZeroError,
} from '../../prover/market/priceCells.ts'
import { PriceColumnMissingError, PriceHeaderMissingError } from '../../prover/market/priceColumns.ts'
import {
  gatherBars,
  joinPrices,
  NoPricesInRangeError,
  parseBars,
  parsePriceFile,
  parsePrices,
  PriceFileEmptyError,
  PriceFileFormatError,
  PriceFileMissingError,
  PriceFileUnreadableError,
  PriceGapError,
  PriceRangeError,
  PriceTimeOrderError,
  PriceTimeRepeatedError,
  readPrices,
} from '../../prover/market/prices.ts'

const START = 1_583_971_200n // 2020-03-12 00:00 UTC
const read = (text: string, options?: PriceOptions) => parsePrices(text, 'prices.csv', options)
const thrownBy = (action: () => unknown): unknown => {
  try {
    action()
  } catch (error) {
    return error
  }
  throw new Error('expected an error')
}
/** A file whose second and third rows are good and whose fourth is the given one. */
const withRow = (row: string) => `time,close\n2020-03-12 00:00:00,7900\n2020-03-12 01:00:00,7800.5\n${row}\n`

describe('what is read', () => {
  it('dates bars by their closings under names that it does not know, as long as every row is one', () => {
    const bars = (last: string) =>
      `stamp;eins;zwei;drei;letzter\n2020-03-12 00:00;100;103;99;101\n2020-03-12 01:00;101;102;100;${last}\n`
    const first = (text: string) => read(text, { timeColumn: 'stamp', priceColumn: 'letzter' })[0]?.asOf
    expect(first(bars('102'))).toBe(START + 3600n)
    expect(first(bars('102.5'))).toBe(START)
  })

  it('finds time and price by header, whatever the case and order', () => {
    const expected = [{ asOf: START, priceE8: 793_412_000_000n, impliedVolatilityX16: 0n, rangeCode: 0n }]
    expect(read('Close,TimeStamp\n7934.12,2020-03-12\n')).toEqual(expected)
    expect(read('unix,close\n1583971200,7934.12\n')).toEqual(expected)
    expect(read('open_time,open,price,close\n1583971200000,1,7934.12,2\n')).toEqual(expected)
    expect(read('\uFEFF,Open,Close\r\n2020-03-12 00:00:00,1,7934.12\r\n')).toEqual(expected)
  })

  it.each([
    ['highest', 'lowest'],
    ['hi', 'lo'],
    ['Day High', 'Day Low'],
    ['max_price', 'min_price'],
    ['High (USD)', 'Low (USD)'],
  ])('reads the range of bars from %s and %s', (high, low) => {
    const bars = `time,open,${high},${low},close\n2020-03-12,7900,8000,7700,7800\n2020-03-13,7800,8100,7700,7900\n`
    expect(parseBars(bars, 'bars.csv')[0]).toMatchObject({ highE8: 800_000_000_000n, lowE8: 770_000_000_000n })
  })

  it('prefers a date to a unix column and takes the columns it is told', () => {
    const text = 'unix,date,mark,close\n1,2020-03-12,5,6\n'
    expect(read(text)).toEqual([{ asOf: START, priceE8: 600_000_000n, impliedVolatilityX16: 0n, rangeCode: 0n }])
    expect(read(text, { priceColumn: 'Mark' })[0]?.priceE8).toBe(500_000_000n)
    expect(thrownBy(() => read(text, { timeColumn: 'unix' }))).toMatchObject({ code: 'market.time', column: 'unix' })
  })

  it.each([
    ['1583971200', 0n],
    ['1583971200.0', 0n],
    ['1583971200000', 0n],
    ['1583971200001', 1n],
    ['1583971200000000', 0n],
    ['1583971200000001', 1n],
    ['1583971200000000000', 0n],
    ['1583971199999999999', 0n],
    ['2020/03/12', 0n],
    ['2020.03.12 00:00', 0n],
    ['12.03.2020', 0n],
    ['12.3.2020 0:00', 0n],
    ['2020-03-12 12-AM', 0n],
    ['2020-03-11 12-PM', -43_200n],
    ['2020-03-12 12:00:00 AM', 0n],
    ['12.03.2020 01:00:00.000 GMT+0100', 0n],
    ['12 Mar 2020', 0n],
    ['Mar 12, 2020', 0n],
    ['March 12, 2020', 0n],
    ['2020-03-12', 0n],
    ['2020-03-12 00:00', 0n],
    ['2020-03-12 00:00:00', 0n],
    ['2020-03-12 00:00:00.000000', 0n],
    ['2020-03-11 23:59:59.999000', 0n],
    ['2020-03-12T00:00:00Z', 0n],
    ['2020-03-12T00:00:00.000Z', 0n],
    ['2020-03-12 00:00:00 UTC', 0n],
    ['2020-03-12 03:00:00+03:00', 0n],
    ['2020-03-11T19:30:00-0430', 0n],
  ])('reads the time %s', (text, offset) => {
    expect(read(`time,price\n"${text}",1\n`)[0]?.asOf).toBe(START + offset)
  })

  it.each([
    ['7934.12000000', 793_412_000_000n],
    ['0.00001', 1_000n],
    ['.5', 50_000_000n],
    ['5.', 500_000_000n],
    ['+5', 500_000_000n],
    ['6.1e-05', 6_100n],
    ['1.5E3', 150_000_000_000n],
    ['2814749.76710655', 2n ** 48n - 1n],
    ['1.000000000', 100_000_000n],
  ])('reads the price %s exactly', (text, priceE8) => {
    expect(read(`time,price\n2020-03-12,${text}\n`)[0]?.priceE8).toBe(priceE8)
  })

  it('reads back every price that fits 48 bits', () => {
    const prices = fc.bigInt({ min: 1_000n, max: 2n ** 48n - 1n })
    fc.assert(
      fc.property(prices, (priceE8) => {
        const digits = priceE8.toString().padStart(9, '0')
        const text = `${digits.slice(0, -8)}.${digits.slice(-8)}`
        expect(read(`time,price\n2020-03-12,${text}\n`)[0]?.priceE8).toBe(priceE8)
      }),
    )
  })

  it('rounds to the nearest 1e-8 when allowed to', () => {
    const round = (text: string) => read(`time,price\n2020-03-12,${text}\n`, { roundPrices: true })[0]?.priceE8
    expect([round('1.000000004'), round('1.000000005'), round('0.000009999999')]).toEqual([
      100_000_000n,
      100_000_001n,
      1_000n,
    ])
  })

  it('dates a bar by its close and keeps a range of times', () => {
    const text = 'time,close\n2020-03-12 00:00,1\n2020-03-12 01:00,2\n2020-03-12 02:00,3\n'
    expect(read(text, { barSeconds: 3600 }).map(({ asOf }) => asOf - START)).toEqual([3600n, 7200n, 10_800n])
    expect(read(text, { from: START + 3600n, to: START + 7200n }).map(({ priceE8 }) => priceE8)).toEqual([200_000_000n])
  })

  it('turns a file that runs backwards', () => {
    const text = 'time,close\n2020-03-12 01:00,2\n2020-03-12 00:00,1\n'
    expect(read(text, { newestFirst: true }).map(({ priceE8 }) => priceE8)).toEqual([100_000_000n, 200_000_000n])
  })

  it('rounds implied volatilities up and takes an empty cell for none', () => {
    const text = 'time,price,iv\n2020-03-12 00:00,1,0.65\n2020-03-12 01:00,1,\n2020-03-12 02:00,1,0.5\n'
    const rows = read(text, { impliedVolatilityColumn: 'iv' })
    expect(rows.map((row) => row.impliedVolatilityX16)).toEqual([42_599n, 0n, 32_768n])
  })

  it('joins histories without overlap', () => {
    const row = (hour: bigint, priceE8: bigint) => ({
      asOf: START + hour * 3600n,
      priceE8,
      impliedVolatilityX16: 0n,
      rangeCode: 0n,
    })
    const joined = joinPrices([row(0n, 1n), row(1n, 2n)], [row(1n, 9n), row(2n, 3n)], [row(0n, 9n)])
    expect(joined.map(({ priceE8 }) => priceE8)).toEqual([1n, 2n, 3n])
  })
})

describe('files', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'prices-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  it('reads plain and gzipped files alike', () => {
    const text = 'time,close\n2020-03-12,7900\n'
    const [plain, gzipped] = [join(folder, 'prices.csv'), join(folder, 'prices.csv.gz')]
    writeFileSync(plain, text)
    writeFileSync(gzipped, gzipSync(text))
    expect(readPrices(gzipped)).toEqual(readPrices(plain))
  })

  it('names a file that does not exist', () => {
    const file = join(folder, 'absent.csv')
    const error = thrownBy(() => readPrices(file))
    expect(error).toBeInstanceOf(PriceFileMissingError)
    expect(error).toMatchObject({ code: 'market.file-missing', file })
  })

  it('names a file that cannot be read or unpacked', () => {
    const file = join(folder, 'cut.csv.gz')
    writeFileSync(file, gzipSync('time,close\n2020-03-12,7900\n').subarray(0, 20))
    for (const unreadable of [file, folder]) {
      const error = thrownBy(() => readPrices(unreadable))
      expect(error).toBeInstanceOf(PriceFileUnreadableError)
      expect(error).toMatchObject({ code: 'market.file-unreadable', file: unreadable })
    }
  })
})

describe('files that are refused', () => {
  it.each([[''], ['\n\n'], ['time,close\n']])('refuses an empty file %j', (text) => {
    const error = thrownBy(() => read(text))
    expect(error).toBeInstanceOf(PriceFileEmptyError)
    expect(error).toMatchObject({ code: 'market.file-empty', file: 'prices.csv' })
  })

  it('refuses a file whose header is missing', () => {
    const error = thrownBy(() => read('2020-03-12 00:00:00,7900\n2020-03-12 01:00:00,7800\n'))
    expect(error).toBeInstanceOf(PriceHeaderMissingError)
    expect(error).toMatchObject({ code: 'market.header-missing', row: 1, found: ['2020-03-12 00:00:00', '7900'] })
  })

  it('refuses a file without the wanted column', () => {
    const error = thrownBy(() => read('time,open\n2020-03-12,1\n'))
    expect(error).toBeInstanceOf(PriceColumnMissingError)
    expect(error).toMatchObject({ code: 'market.column-missing', column: 'price', found: ['time', 'open'] })
    expect(thrownBy(() => read('when,close\n2020-03-12,1\n'))).toMatchObject({ column: 'time' })
    expect(thrownBy(() => read('time,close\n2020-03-12,1\n', { priceColumn: 'mark' }))).toMatchObject({
      column: 'price',
      expected: ['mark'],
    })
    expect(thrownBy(() => read('time,close\n2020-03-12,1\n', { impliedVolatilityColumn: 'iv' }))).toMatchObject({
      column: 'implied volatility',
    })
  })

  it('refuses a quote that is never closed', () => {
    const error = thrownBy(() => read('time,close\n2020-03-12,1\n2020-03-13,"2\n'))
    expect(error).toBeInstanceOf(PriceFileFormatError)
    expect(error).toMatchObject({ code: 'market.file-format', row: 3 })
  })

  it('refuses a range without prices', () => {
    const error = thrownBy(() => read('time,close\n2020-03-12,1\n', { from: START + 1n }))
    expect(error).toBeInstanceOf(NoPricesInRangeError)
    expect(error).toMatchObject({ code: 'market.range-empty', from: START + 1n })
  })
})

describe('rows that are refused', () => {
  it.each([
    ['0', PriceZeroError, 'market.price-zero'],
    ['-0.00', PriceZeroError, 'market.price-zero'],
    ['-7900', PriceNegativeError, 'market.price-negative'],
    ['NaN', PriceNotNumericError, 'market.price-not-numeric'],
    ['inf', PriceNotNumericError, 'market.price-not-numeric'],
    ['', PriceNotNumericError, 'market.price-not-numeric'],
    ['"7,90"', PriceNotNumericError, 'market.price-not-numeric'],
    ['0x1EDC', PriceNotNumericError, 'market.price-not-numeric'],
    ['1e9999', PriceNotNumericError, 'market.price-not-numeric'],
    ['2814749.76710656', PriceOverRangeError, 'market.price-over-range'],
    ['1e300', PriceOverRangeError, 'market.price-over-range'],
    ['7900.123456789', PricePrecisionError, 'market.price-precision'],
    ['0.00000999', PriceStepError, 'market.price-step'],
    ['1e-300', PriceStepError, 'market.price-step'],
  ])('refuses the price %s', (price, type, code) => {
    const error = thrownBy(() => read(withRow(`2020-03-12 02:00:00,${price}`)))
    expect(error).toBeInstanceOf(type)
    expect(error).toMatchObject({ code, file: 'prices.csv', row: 4, column: 'close', value: price.replaceAll('"', '') })
  })

  it.each([
    [1000, '0.12345678901', '0.123456789012', 'at most 11 decimals where it is told of'],
    [0.001, '4000000.12345', '4000000.123456', 'at most 5 decimals where it is told of'],
    [1, '7900.12345678', '7900.123456789', 'at most 8 decimals (--round-prices'],
  ])('at units of %s takes the price %s and says of %s how many decimals fit', (units, fits, price, told) => {
    const at = (value: string) =>
      read(`time,close\n2020-03-12 02:00:00,${value}\n2020-03-12 03:00:00,${value}`, { units })
    expect(at(fits)).toBeDefined()
    expect(thrownBy(() => at(price))).toMatchObject({
      code: 'market.price-precision',
      message: expect.stringContaining(told),
    })
  })

  it('says of what part of a unit a price of millions can be, and reads it so', () => {
    const read1 = (price: string, units?: number) => read(`time,close\n2020-03-12,${price}\n`, { units })
    expect(thrownBy(() => read1('2814749.76710656'))).toMatchObject({ suggestedUnits: 0.001 })
    expect(thrownBy(() => read1('93855790.5'))).toMatchObject({
      code: 'market.price-over-range',
      suggestedUnits: 0.001,
      message: expect.stringContaining('--price-units 0.001'),
    })
    expect(read1('93855790.5', 0.001)[0]?.priceE8).toBe(9_385_579_050_000n)
    expect(thrownBy(() => read1('93855790500', 0.001))).toMatchObject({ suggestedUnits: 0.000001 })
    expect(thrownBy(() => read1('1e300'))).toMatchObject({ suggestedUnits: undefined })
    expect(read1('2814749.76710655')[0]?.priceE8).toBe(2n ** 48n - 1n)
  })

  it('does not round a price of few steps, and says of how many units it can be', () => {
    const refused = (price: string) => thrownBy(() => read(`time,close\n2020-03-12,${price}\n`, { roundPrices: true }))
    expect(refused('0.000000001')).toMatchObject({ code: 'market.price-step', suggestedUnits: 1_000_000 })
    expect(refused('0.00000042')).toMatchObject({ code: 'market.price-step', suggestedUnits: 1_000 })
    expect(refused('1e-300')).toMatchObject({ code: 'market.price-step', suggestedUnits: undefined })
    const inUnits = read('time,close\n2020-03-12,0.00000042\n', { units: 1_000 })
    expect(inUnits[0]?.priceE8).toBe(42_000n)
  })

  it.each([
    ['yesterday'],
    [''],
    ['NaN'],
    ['20200312'],
    ['-1583971200'],
    ['158397120000000000000'],
    ['9999999999'],
    ['2020-02-30'],
    ['2020-13-01'],
    ['2020-03-12 24:00:00'],
    ['31/02/2020'],
    ['2020-03-12 13 PM'],
    ['2120-01-01'],
    ['45123.5'],
  ])('refuses the time %j', (time) => {
    const error = thrownBy(() => read(withRow(`${time},7700`)))
    expect(error).toBeInstanceOf(PriceTimeError)
    expect(error).toMatchObject({ code: 'market.time', row: 4, column: 'time', value: time })
  })

  it.each([
    ['45123.5', '2023-07-16'],
    ['43902', '2020-03-12'],
  ])('tells the time %j from others: a spreadsheet counts days so', (time, day) => {
    const { message } = thrownBy(() => read(withRow(`${time},7700`))) as Error
    expect(message).toContain(`A spreadsheet's number of ${day}?`)
    expect((thrownBy(() => read(withRow('12345,7700'))) as Error).message).not.toContain('spreadsheet')
  })

  it('counts rows as the file does, blank ones included', () => {
    const error = thrownBy(() => read('time,close\n\n2020-03-12 00:00:00,1\n\n\n2020-03-12 01:00:00,x\n'))
    expect(error).toMatchObject({ row: 6, value: 'x' })
  })

  it('refuses rows out of order', () => {
    const error = thrownBy(() => read(withRow('2020-03-12 00:30:00,7700')))
    expect(error).toBeInstanceOf(PriceTimeOrderError)
    expect(error).toMatchObject({ code: 'market.time-order', row: 4, previousRow: 3, value: '2020-03-12 00:30:00' })
  })

  it('names the row of the file also when it runs backwards', () => {
    const text = 'time,close\n2020-03-12 01:00,1\n2020-03-12 00:00,1\n2020-03-12 02:00,1\n'
    expect(thrownBy(() => read(text, { newestFirst: true }))).toMatchObject({
      code: 'market.time-order',
      row: 4,
      previousRow: 3,
    })
  })

  it('refuses a time that comes twice', () => {
    const error = thrownBy(() => read(withRow('2020-03-12 01:00:00,7700')))
    expect(error).toBeInstanceOf(PriceTimeRepeatedError)
    expect(error).toMatchObject({ code: 'market.time-repeated', row: 4, previousRow: 3 })
  })

  it('refuses rows of several markets, also where no two have one time', () => {
    const ticks =
      'time,symbol,price\n2020-03-12 00:00,BTC-USD,7900\n2020-03-12 00:30,ETH-USD,190\n2020-03-12 01:00,BTC-USD,7910\n'
    expect(thrownBy(() => read(ticks))).toMatchObject({
      code: 'market.several-markets',
      column: 'symbol',
      found: ['BTC-USD', 'ETH-USD'],
    })
    expect(read(ticks.replace('ETH-USD', 'BTC-USD'))).toHaveLength(3)
    const json = '[{"t":1583971200,"pair":"XBTUSD","c":1},{"t":1583974800,"pair":"ETHUSD","c":2}]'
    expect(thrownBy(() => read(json))).toMatchObject({ code: 'market.several-markets', column: 'pair' })
  })

  it('refuses a gap of more than six spacings, or more than it is told', () => {
    expect(read(withRow('2020-03-12 07:00:00,7700'))).toHaveLength(3)
    const error = thrownBy(() => read(withRow('2020-03-12 02:00:00,7750\n2020-03-12 08:00:01,7700')))
    expect(error).toBeInstanceOf(PriceGapError)
    expect(error).toMatchObject({ code: 'market.time-gap', row: 5, gapSeconds: 21_601, maxGapSeconds: 21_600 })
    expect(read(withRow('2020-03-13 02:00:00,7700'), { maxGapSeconds: 90_000 })).toHaveLength(3)
    expect(thrownBy(() => read(withRow('2020-03-13 02:00:01,7700'), { maxGapSeconds: 90_000 }))).toMatchObject({
      gapSeconds: 90_001,
    })
  })

  it.each([['-0.1'], ['NaN'], ['16'], ['70%']])('refuses the implied volatility %s', (value) => {
    const text = `time,close,iv\n2020-03-12,1,${value}\n`
    const error = thrownBy(() => read(text, { impliedVolatilityColumn: 'iv' }))
    expect(error).toBeInstanceOf(ImpliedVolatilityError)
    expect(error).toMatchObject({ code: 'market.implied-volatility', row: 2, column: 'iv', value })
  })
})

describe('lows and highs', () => {
  const stated = (header: string) =>
    `time,${header},close\n2020-03-12 00:00,7900,8000,7950\n2020-03-12 01:00,7700,7900,7800\n`
  const fileOf = (header: string, options?: PriceOptions) => parsePriceFile(stated(header), 'prices.csv', options)

  it('are taken from the columns that are named, by header or number', () => {
    const found = fileOf('low,high')
    expect(found.layout).toMatchObject({ range: ['low', 'high'], unpaired: undefined })
    for (const options of [
      { lowColumn: 'unten', highColumn: 'oben' },
      { lowColumn: '2', highColumn: '3' },
    ]) {
      expect(fileOf('unten,oben', options).rows).toEqual(found.rows)
    }
    expect(fileOf('low,oben', { highColumn: 'oben' }).rows).toEqual(found.rows)
    expect(fileOf('unten,oben').layout).toMatchObject({ range: undefined, unpaired: undefined })
  })

  it('of which one stands alone are not read, which is told, and refused where one was named', () => {
    for (const [header, role, name] of [
      ['low,oben', 'low', 'low'],
      ['unten,High', 'high', 'High'],
    ] as const) {
      const { rows, layout } = fileOf(header)
      expect(layout).toMatchObject({ range: undefined, unpaired: { role, name } })
      expect(rows[1]?.rangeCode).toBe(0n)
    }
    expect(thrownBy(() => fileOf('low,oben', { lowColumn: 'low' }))).toMatchObject({
      code: 'market.column-missing',
      column: 'high',
    })
    expect(thrownBy(() => fileOf('unten,high', { lowColumn: 'tief' }))).toMatchObject({
      code: 'market.column-missing',
      column: 'low',
      expected: ['tief'],
    })
    expect(parsePriceFile(stated('low,oben'), 'prices.csv', {}, 'closes').layout.unpaired).toBeUndefined()
  })

  const bars = (text: string, options?: PriceOptions) => parseBars(text, 'prices.csv', options)
  const E8 = 100_000_000n

  it('are read from the columns of that name, whatever their case and order', () => {
    const [bar] = bars('Time,High,Close,LOW\n2020-03-12,12,10,9.5\n')
    expect(bar).toEqual({
      asOf: START,
      priceE8: 10n * E8,
      impliedVolatilityX16: 0n,
      rangeCode: rangeCodeUp(12n * E8, 950_000_000n),
      lowE8: 950_000_000n,
      highE8: 12n * E8,
    })
  })

  it('are absent where the file has closes only, or one of the two', () => {
    const closes = [{ asOf: START, priceE8: 10n * E8, impliedVolatilityX16: 0n, rangeCode: 0n }]
    expect(bars('time,close\n2020-03-12,10\n')).toEqual(closes)
    expect(bars('time,high,close\n2020-03-12,12,10\n')).toEqual(closes)
  })

  it.each([
    ['a low above the price', '12,10,10.5', 'low', '10.5'],
    ['a high below the price', '9,10,8', 'high', '9'],
  ])('refuses %s, naming row and column', (_, cells, column, value) => {
    const error = thrownBy(() => bars(`time,high,close,low\n2020-03-12,${cells}\n`))
    expect(error).toBeInstanceOf(PriceRangeError)
    expect(error).toMatchObject({ code: 'market.price-range', row: 2, column, value })
  })

  it('are read as exactly as prices', () => {
    const action = () => bars('time,high,close,low\n2020-03-12,ten,10,9\n')
    expect(thrownBy(action)).toMatchObject({ code: 'market.price-not-numeric', column: 'high' })
  })
})

describe('rows gathered to fewer observations', () => {
  const row = (seconds: bigint, priceE8: bigint, lowE8?: bigint, highE8?: bigint) => ({
    asOf: START + seconds,
    priceE8,
    impliedVolatilityX16: 0n,
    ...(lowE8 === undefined || highE8 === undefined
      ? { rangeCode: 0n }
      : { rangeCode: rangeCodeUp(highE8, lowE8), lowE8, highE8 }),
  })

  it('keep the last price, and the extremes since the observation before', () => {
    const rows = [
      row(0n, 5n, 1n, 9n),
      row(60n, 6n, 4n, 7n),
      row(120n, 3n, 2n, 6n),
      row(180n, 4n, 3n, 4n),
      row(240n, 8n, 4n, 8n),
    ]
    expect(gatherBars(rows, 120)).toEqual([row(0n, 5n, 1n, 9n), row(120n, 3n, 2n, 7n), row(240n, 8n, 3n, 8n)])
  })

  it('take closes between as what was seen of the range', () => {
    const rows = [row(0n, 5n), row(60n, 9n), row(120n, 6n)]
    expect(gatherBars(rows, 120)).toEqual([row(0n, 5n), row(120n, 6n, 6n, 9n)])
  })

  it('wait for the first row at or after the time, and drop what is not complete', () => {
    const rows = [row(0n, 5n), row(250n, 7n, 6n, 8n), row(300n, 9n)]
    expect(gatherBars(rows, 120)).toEqual([row(0n, 5n), row(250n, 7n, 6n, 8n)])
    expect(gatherBars([], 120)).toEqual([])
  })
})
