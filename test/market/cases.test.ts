/** Price files as people have them: every layout reads, and what could be misread is refused by name. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type PriceOptions, parsePriceFile, readPriceFile } from '../../prover/market/prices.ts'
import { FileEncodingError, readTextFile } from '../../prover/market/textFile.ts'
import { writeFileSync } from 'node:fs'
import { temporaryFolder } from '../service/zkrisk.ts'

const cases = join(import.meta.dirname, '..', '..', '..', 'shared', 'cases')
const HOUR = 3600n
const START = 1_735_689_600n // 2025-01-01 00:00 UTC

const read = (text: string, options?: PriceOptions) => parsePriceFile(text, 'prices.csv', options)
const lines = (...rows: readonly string[]): string => rows.join('\n')
const pricesOf = (text: string, options?: PriceOptions): readonly number[] =>
  read(text, options).rows.map(({ priceE8 }) => Number(priceE8) / 1e8)
const timesOf = (text: string, options?: PriceOptions): readonly bigint[] =>
  read(text, options).rows.map(({ asOf }) => asOf - START)
const refusal = (text: string, options?: PriceOptions): unknown => {
  try {
    read(text, options)
  } catch (error) {
    return error
  }
  throw new Error('expected a refusal')
}

describe.skipIf(!existsSync(cases))('the recorded cases', () => {
  const layouts = [
    ...['binance-pythonbinance', 'binance-spot-noheader', 'cdd-binance', 'cdd-old-ampm', 'coinbase-candles'],
    ...['deribit-tv', 'excel-de', 'okx', 'tradingview-iso-tz'],
  ]
  const reference = () => readPriceFile(join(cases, 'layouts', 'binance-pythonbinance.csv')).rows

  it.each(layouts)('the same bars are read of %s, dated by their closings', (name) => {
    const { rows, layout } = readPriceFile(join(cases, 'layouts', `${name}.csv`))
    expect([layout.stepSeconds, layout.barSeconds]).toEqual([3600, 3600])
    expect(rows).toHaveLength(192)
    expect(rows[0]).toMatchObject({ asOf: 1_583_629_200n, priceE8: 878_320_000_000n, lowE8: 867_800_000_000n })
    expect(rows).toEqual(reference())
  })

  it('daily bars are dated by the end of their day', () => {
    const { rows, layout } = readPriceFile(join(cases, 'layouts', 'yahoo-daily.csv'))
    expect([layout.stepSeconds, rows[0]?.asOf]).toEqual([86_400, 1_583_712_000n])
  })

  const hours = (name: string, options?: PriceOptions) => readPriceFile(join(cases, 'inputs', name), options)
  const known = (name: string, options?: PriceOptions) =>
    hours(name, options).rows.map(({ priceE8 }) => Number(priceE8) / 1e8)
  it('are read to their right values', () => {
    expect(known('decimal-comma.csv')).toEqual([1.0834, 1.0861, 1.0797, 1.0902])
    expect(known('decimal-comma-ohlc.csv')).toEqual([1.9633, 1.9455, 1.9512, 1.9777])
    expect(known('thousands-quoted.csv')).toEqual([93_855.79, 94_173.1])
    expect(known('binance-us-header.csv')[0]).toBe(93_855.79424387)
    expect(known('kraken-ohlcvt.csv')[4]).toBe(93_316.9)
    expect(known('kraken-ohlcvt.csv', { timeColumn: '1', priceColumn: '5' })[4]).toBe(93_316.9)
    expect(known('cryptodatadownload-url.csv')).toEqual([97_434.37, 97_739.37, 98_031.18, 98_135.18])
    expect(known('duplicate-close.csv', { priceColumn: '3' })[0]).toBe(93_855.79)
    expect(known('price-1e-8.csv', { units: 1_000_000 })[0]).toBe(0.00984)
  })

  it.each([
    ['thousands-unquoted.csv', { code: 'market.surplus-cells', row: 2 }],
    ['duplicate-close.csv', { code: 'market.column-repeated', places: [2, 3] }],
    ['price-1e-8.csv', { code: 'market.price-step', row: 2, suggestedUnits: 1_000_000 }],
  ])('%s is refused by name', (name, expected) => {
    expect(() => hours(name)).toThrow(expect.objectContaining(expected))
    expect(() => hours(name, { roundPrices: true })).toThrow(expect.objectContaining(expected))
  })
})

describe('delimiters and headers', () => {
  it('are one a file: commas within cells of a semicolon file are no delimiters, nor the other way round', () => {
    expect(pricesOf(lines('time;close;note', '2025-01-01;1,5;a,b'))).toEqual([1.5])
    expect(pricesOf(lines('time\tclose', '2025-01-01 00:00\t93,855.79'))).toEqual([93_855.79])
    expect(pricesOf(lines('time|close', '2025-01-01|5'))).toEqual([5])
    expect(refusal(lines('time,close', '2025-01-01;5'))).toMatchObject({ code: 'market.time', row: 2 })
  })

  it('leave no room for more cells than the header has, but for empty ones at the end', () => {
    expect(pricesOf(lines('time,close', '2025-01-01,5,,'))).toEqual([5])
    expect(refusal(lines('time,close', '2025-01-01,5', '2025-01-02,1,083.5'))).toMatchObject({
      code: 'market.surplus-cells',
      row: 3,
    })
    expect(refusal(lines('time,close,', '2025-01-01,93,855'))).toMatchObject({ code: 'market.surplus-cells', row: 2 })
  })

  it('are found below addresses, comments and titles, which are quoted', () => {
    const { layout, rows } = read(
      lines('https://example.org', '# hourly', 'sep=;', 'BTC, in US dollars', '', 'time;close', '2025-01-01;5'),
    )
    expect(layout.above).toEqual(['https://example.org', '# hourly', 'sep=;', 'BTC, in US dollars'])
    expect(rows).toHaveLength(1)
    expect(refusal(lines('# a', '', 'time,close', '2025-01-01,x'))).toMatchObject({ row: 4 })
  })

  it('are not found below rows: a header in the middle of a file is refused as a row', () => {
    const text = lines('2025-01-01,5', 'time,close', '2025-01-02,6')
    expect(refusal(text)).toMatchObject({ code: 'market.header-missing', row: 1 })
    expect(refusal(text, { columns: ['time', 'close'] })).toMatchObject({ code: 'market.time', row: 2 })
  })

  it('in three lines, as pandas writes what Yahoo answers, are one', () => {
    const header = ['Price,Close,High,Low,Open,Volume', 'Ticker,BTC-USD,BTC-USD,BTC-USD,BTC-USD,BTC-USD', 'Date,,,,,']
    const text = (...rows: readonly string[]): string => lines(...header, ...rows)
    expect(pricesOf(text('2025-01-01,5,6,4,5,1', '2025-01-02,6,6,4,5,1'))).toEqual([5, 6])
    expect(refusal(text('2025-01-01,x,6,4,5,1'))).toMatchObject({ row: 4, column: 'Close' })
  })

  it('with two columns of one name are refused where one of them is read', () => {
    expect(refusal(lines('time,Close,close', '2025-01-01,1,2'))).toMatchObject({ code: 'market.column-repeated' })
    expect(refusal(lines('Open time,open_time,close', '2025-01-01,2025-01-01,2'))).toMatchObject({
      code: 'market.column-repeated',
      column: 'Open time',
    })
    expect(pricesOf(lines('time,close,plot,plot', '2025-01-01,1,2,3'))).toEqual([1])
  })

  it('that are missing are made up for by names or numbers', () => {
    const text = lines('2025-01-01,x,5', '2025-01-02,x,6')
    expect(refusal(text)).toMatchObject({ code: 'market.header-missing' })
    expect(pricesOf(text, { columns: ['date', '', 'close'] })).toEqual([5, 6])
    expect(pricesOf(text, { timeColumn: '1', priceColumn: '3' })).toEqual([5, 6])
    expect(refusal(text, { timeColumn: '1', priceColumn: '4' })).toMatchObject({ code: 'market.column-missing' })
  })

  it('that are missing are told by highs and lows, unless these fit no order', () => {
    const closeOf = (...bars: readonly string[]) =>
      pricesOf(lines(...bars.map((bar, i) => `${START + HOUR * BigInt(i)},${bar}`)))
    expect(closeOf('5,9,2,6,1', '6,7,6,7,1')).toEqual([6, 7])
    expect(closeOf('2,9,5,6,1', '6,7,6,7,1')).toEqual([6, 7])
    expect(() => closeOf('5,6,9,2,1')).toThrow(expect.objectContaining({ code: 'market.header-missing' }))
  })
})

describe('times', () => {
  it.each([
    ['seconds', ['1735689600', '1735693200']],
    ['milliseconds', ['1735689600000', '1735693200000']],
    ['microseconds', ['1735689600000000', '1735693200000000']],
    ['nanoseconds', ['1735689600000000000', '1735693200000000000']],
    ['AM and PM', ['2025-01-01 12-AM', '2025-01-01 01-AM']],
    ['an offset', ['2025-01-01T02:00:00+02:00', '2025-01-01T03:00:00+02:00']],
    ['dots', ['01.01.2025 00:00', '01.01.2025 01:00']],
  ])('are read of %s', (_, [first, second]) => {
    expect(timesOf(lines('time,close', `${first},5`, `${second},6`))).toEqual([0n, HOUR])
  })

  it('with dots are day-first', () => {
    expect(timesOf(lines('date,close', '02.01.2025,5'))).toEqual([24n * HOUR])
    expect(refusal(lines('date,close', '01.13.2025,5'))).toMatchObject({ code: 'market.time' })
  })

  it.each(['/', '-'])('with %s have the order that one date of the file shows, or that is named', (mark) => {
    const dates = (...days: readonly string[]): string =>
      lines('date,close', ...days.map((day, i) => `${day.replaceAll('/', mark)},${i + 1}`))
    const day = 24n * HOUR
    expect(timesOf(dates('12/01/2025', '13/01/2025'))).toEqual([11n * day, 12n * day])
    expect(timesOf(dates('01/12/2025', '01/13/2025'))).toEqual([11n * day, 12n * day])
    const either = dates('02/01/2025', '03/01/2025')
    expect(refusal(either)).toMatchObject({ code: 'market.date-order', row: 2 })
    expect(timesOf(either, { dateOrder: 'day-first' })).toEqual([day, 2n * day])
    expect(timesOf(either, { dateOrder: 'month-first' })).toEqual([31n * day, 59n * day])
    expect(refusal(dates('13/01/2025', '01/14/2025'))).toMatchObject({ code: 'market.time', row: 3 })
  })

  it('of bars are openings where there is a column of them, and closings where they are those of that column', () => {
    const bars = (header: string, ...times: readonly string[]): string =>
      lines(header, ...times.map((time, i) => `${START + HOUR * BigInt(i)},5,6,4,5,${time}`))
    const [opening, closing] = [String(START), String(START + HOUR)]
    expect(timesOf(bars('time,open,high,low,close,x', '', ''))).toEqual([HOUR, 2n * HOUR])
    expect(timesOf(bars('time,open,high,low,close,x', '', ''), { barSeconds: 0 })).toEqual([0n, HOUR])
    expect(timesOf(bars('time,x,high,low,close,y', '', ''))).toEqual([0n, HOUR])
    expect(timesOf(bars('timestamp,open,high,low,close,timeClose', opening, closing))).toEqual([0n, HOUR])
    expect(timesOf(bars('timestamp,open,high,low,close,close_time', closing, ''))).toEqual([HOUR, 2n * HOUR])
  })

  it.each([
    ['French', 'Date;Ouverture;Plus haut;Plus bas;Clôture'],
    ['French, of a price portal', 'Date;Ouv.;Plus Haut;Plus Bas;Dernier'],
    ['French, accents apart, as some systems write them', 'Date;Ouverture;Plus haut;Plus bas;Clôture'.normalize('NFD')],
    ['Spanish', 'Fecha;Apertura;Máximo;Mínimo;Último'],
    ['Italian', 'Data;Apertura;Massimo;Minimo;Chiusura'],
    ['Portuguese', 'Data;Abertura;Máxima;Mínima;Fechamento'],
    ['Dutch', 'Datum;Opening;Hoog;Laag;Slotkoers'],
    ['Polish', 'Data;Otwarcie;Najwyższy;Najniższy;Zamknięcie'],
    ['Turkish', 'Tarih;Açılış;Yüksek;Düşük;Şimdi'],
    ['Russian', 'Дата;Откр.;Макс.;Мин.;Цена'],
    ['Japanese', '日付け;始値;高値;安値;終値'],
    ['Chinese', '日期;开盘;高;低;收盘'],
    ['Korean', '날짜;시가;고가;저가;종가'],
  ])('of bars under %s headers are openings as well, and lows and highs are read', (_, header) => {
    const bars = (first: string): string => lines(first, `${START};5;6;4;5`, `${START + HOUR};5;7;4;6`)
    const rows = read(bars(header)).rows
    expect(rows).toEqual(read(bars('time;open;high;low;close')).rows)
    expect(rows.map(({ asOf }) => asOf - START)).toEqual([HOUR, 2n * HOUR])
    expect(rows.every(({ rangeCode }) => rangeCode > 0n)).toBe(true)
  })

  it('may stand in two columns, dates and times of day', () => {
    const rows = ['2025.01.01\t00:00:00\t5', '2025.01.01\t01:00:00\t6']
    expect(timesOf(lines('<DATE>\t<TIME>\t<CLOSE>', ...rows))).toEqual([0n, HOUR])
    expect(timesOf(lines('date,time,close', '02/01/2025,00:00,5', '13/01/2025,01:30,6'))).toEqual([
      24n * HOUR,
      289n * HOUR + 1800n,
    ])
    expect(timesOf(lines('date,time,close', `2025-01-01,${START + HOUR},5`))).toEqual([HOUR])
    const bare = lines('2025.01.01,00:00,5,6,4,5', '2025.01.01,01:00,5,6,4,5')
    expect(refusal(bare)).toMatchObject({ message: expect.stringContaining('--columns date,time,open,high,low,close') })
    expect(timesOf(bare, { columns: ['date', 'time', 'open', 'high', 'low', 'close'] })).toEqual([HOUR, 2n * HOUR])
    expect(refusal(lines('date,time,close', '2025-01-01,00:00,5', '2025-01-01,25:00,6'))).toMatchObject({
      code: 'market.time',
      value: '2025-01-01 25:00',
    })
  })

  it('run either way, and one way only if that is said', () => {
    const text = lines('time,close', `${START + HOUR},6`, `${START},5`)
    expect(pricesOf(text)).toEqual([5, 6])
    expect(read(text).layout.newestFirst).toBe(true)
    expect(refusal(text, { newestFirst: false })).toMatchObject({ code: 'market.time-order', row: 3 })
    expect(refusal(lines('time,close', '2025-01-01,5', '2025-01-02,6'), { newestFirst: true })).toMatchObject({
      code: 'market.time-order',
    })
  })
})

describe('numbers', () => {
  const of = (...cells: readonly string[]): string =>
    lines('time;close', ...cells.map((cell, i) => `${START + HOUR * BigInt(i)};${cell}`))

  it.each([
    [['1,0834'], [1.0834]],
    [['0,123'], [0.123]],
    [
      ['93.855,79', '94.144'],
      [93_855.79, 94_144],
    ],
    [
      ['1.234.567', '1,5'],
      [1_234_567, 1.5],
    ],
    [
      ['93,855.79', '94,144'],
      [93_855.79, 94_144],
    ],
    [
      ['1,234,567', '1.5'],
      [1_234_567, 1.5],
    ],
    [["93'855.79"], [93_855.79]],
    [['93 855,79'], [93_855.79]],
    [['93\u00a0855,79'], [93_855.79]],
    [
      ['8889.9', '8889'],
      [8889.9, 8889],
    ],
  ])('%j are read as %j', (cells, values) => {
    expect(pricesOf(of(...cells))).toEqual(values)
  })

  it('whose mark could be either are refused unless it is named', () => {
    for (const text of [of('8,889', '8,890'), of('8.889', '8.890')]) {
      expect(refusal(text)).toMatchObject({ code: 'market.decimal-mark', row: 2 })
      expect(pricesOf(text, { decimalMark: 'point' })[0]).toBe(text.includes(',') ? 8889 : 8.889)
      expect(pricesOf(text, { decimalMark: 'comma' })[0]).toBe(text.includes(',') ? 8.889 : 8889)
    }
    expect(pricesOf(lines('time,close', '2025-01-01,8.889'))).toEqual([8.889])
    expect(refusal(lines('time,close', '2025-01-01,"8,889"'))).toMatchObject({ code: 'market.decimal-mark' })
  })

  it.each(['\t', '|', ','])('in groups beside whole ones are refused with both readings, cut at %j', (delimiter) => {
    const quote = (cell: string): string => (delimiter === ',' ? `"${cell}"` : cell)
    const text = (...cells: readonly string[]): string =>
      [`time${delimiter}close`, ...cells.map((cell, i) => `2025-01-0${i + 1}${delimiter}${quote(cell)}`)].join('\n')
    const refused = refusal(text('987', '1.234', '1.310'))
    expect(refused).toMatchObject({ code: 'market.decimal-mark', row: 3 })
    expect(String(refused)).toContain('1.234 or 1234')
    expect(pricesOf(text('987', '1.234'), { decimalMark: 'comma' })).toEqual([987, 1234])
    expect(pricesOf(text('2', '1.234'), { decimalMark: 'point' })).toEqual([2, 1.234])
    expect(pricesOf(text('1234', '1.234'))).toEqual([1234, 1.234])
    expect(pricesOf(text('2', '1.234', '1.5'))).toEqual([2, 1.234, 1.5])
    expect(pricesOf(text('1.234', '1.235'))).toEqual([1.234, 1.235])
  })

  it('that contradict the file are refused by row', () => {
    expect(refusal(of('1,0834', '1.0834'))).toMatchObject({ code: 'market.price-not-numeric', row: 3 })
    expect(refusal(of('1.0834', '1,0834'))).toMatchObject({ code: 'market.price-not-numeric', row: 3 })
    expect(refusal(of('93,85,579.5'))).toMatchObject({ code: 'market.price-not-numeric', row: 2 })
  })

  it('of few steps are refused, up to a thousandth', () => {
    expect(pricesOf(of('0.00001'))).toEqual([0.00001])
    for (const price of ['0.00000999', '0.00000042', '4.2e-7', '1e-8'])
      expect(refusal(of(price))).toMatchObject({ code: 'market.price-step', row: 2 })
    expect(pricesOf(of('4.2e-7'), { units: 1000 })).toEqual([0.00042])
  })
})

it('an entry a line is read as a list of them, and one that is cut short is not', () => {
  const entries = ['{"time":"2025-01-01 00:00","close":"5"}', '{"time":"2025-01-01 01:00","close":6.5}']
  expect(pricesOf(`${entries.join('\n')}\n`)).toEqual([5, 6.5])
  expect(refusal(`${entries.join('\n')}\n{"time":`)).toMatchObject({ code: expect.stringMatching(/^market\./) })
})

describe('bad rows', () => {
  const text = lines('time,close', '2025-01-01 00:00,5', 'yesterday,6', '2025-01-01 02:00,NaN', '2025-01-01 03:00,8')

  it('are refused, or left out and named on request', () => {
    expect(refusal(text)).toMatchObject({ code: 'market.time', row: 3 })
    const { rows, leftOut } = read(text, { skipBadRows: true })
    expect(rows.map(({ priceE8 }) => priceE8)).toEqual([500_000_000n, 800_000_000n])
    expect(leftOut.map(({ code, row }) => [code, row])).toEqual([
      ['market.time', 3],
      ['market.price-not-numeric', 4],
    ])
  })

  it('that are all there is are refused all the same', () => {
    expect(refusal(lines('time,close', 'x,1'), { skipBadRows: true })).toMatchObject({ code: 'market.time', row: 2 })
    expect(refusal(lines('time,close', '2025-01-01,x'), { skipBadRows: true })).toMatchObject({
      code: 'market.price-not-numeric',
    })
  })

  it('leave holes, which are refused as those of a file are', () => {
    const hourly = Array.from({ length: 20 }, (_, i) => `${START + HOUR * BigInt(i)},${i > 4 && i < 12 ? 'x' : 5}`)
    const holed = lines('time,close', ...hourly)
    expect(refusal(holed, { skipBadRows: true })).toMatchObject({
      code: 'market.time-gap',
      row: 14,
      gapSeconds: 28_800,
    })
    expect(read(holed, { skipBadRows: true, maxGapSeconds: 28_800 }).leftOut).toHaveLength(7)
  })
})

describe('answers in JSON', () => {
  const [first, second] = [Number(START) * 1000, Number(START + HOUR) * 1000]
  const bars = [
    [first, '5', '9', '2', '6', '1'],
    [second, '6', '8', '5', '7', '1'],
  ]
  it.each([
    ['rows', bars],
    ['rows within an answer, newest first', { retCode: 0, result: { category: 'spot', list: bars.toReversed() } }],
    ['rows by market', { error: [], result: { XXBTZUSD: bars, last: 1 } }],
    ['a list a column', { result: { ticks: [first, second], open: [5, 6], high: [9, 8], low: [2, 5], close: [6, 7] } }],
    ['short columns', { s: 'ok', t: [first, second], o: [5, 6], h: [9, 8], l: [2, 5], c: [6, 7] }],
    [
      'objects',
      {
        data: [
          { startTime: first, open: 5, high: 9, low: 2, close: 6 },
          { startTime: second, open: 6, high: 8, low: 5, close: 7 },
        ],
      },
    ],
  ])('are read as %s', (_, answer) => {
    const { rows } = read(JSON.stringify(answer, undefined, 1))
    expect(rows.map(({ asOf, priceE8, lowE8 }) => [asOf - START, priceE8, lowE8])).toEqual([
      [HOUR, 600_000_000n, 200_000_000n],
      [2n * HOUR, 700_000_000n, 500_000_000n],
    ])
  })

  it('are read as series, and refused by entry', () => {
    expect(timesOf(JSON.stringify({ prices: [[first, 5.5]], market_caps: [[first, 1]] }))).toEqual([0n])
    expect(
      refusal(
        JSON.stringify({
          prices: [
            [first, 5.5],
            [second, -1],
          ],
        }),
      ),
    ).toMatchObject({
      code: 'market.price-negative',
      row: 2,
    })
    expect(refusal('{"error": "no"}')).toMatchObject({ code: 'market.file-empty' })
  })
})

describe('bars that are not over', () => {
  const bars = [
    'ts,o,h,l,c,confirm',
    `${START},5,9,2,6,1`,
    `${START + HOUR},6,8,5,7,1`,
    `${START + 2n * HOUR},7,7,7,7,0`,
  ]
  const last = START + 2n * HOUR

  it('are left out where the file says so, whenever it is read', () => {
    const { rows, layout } = read(lines(...bars))
    expect(rows.map(({ asOf }) => asOf)).toEqual([START + HOUR, last])
    expect(layout.unfinished).toBe(1)
  })

  it.each([
    [-1n, 2],
    [0n, 3],
  ])('are left out where they end after the present: %s seconds from its end', (seconds, count) => {
    const running = lines(...bars.map((line) => line.replace(/,[01]$|,confirm$/, '')))
    const { rows, layout } = read(running, { now: last + HOUR + seconds })
    expect([rows.length, layout.unfinished]).toEqual([count, 3 - count])
  })

  it('of t and T the one that is written so is read, and either by its name', () => {
    const both = lines('t,T,o,h,l,c', `${START},${START + HOUR - 1n},5,9,2,6`, `${last},${last + HOUR - 1n},6,8,5,7`)
    const times = (options: PriceOptions) => read(both, options).rows.map(({ asOf }) => asOf)
    expect(times({ barSeconds: 0 })).toEqual([START, last])
    expect(times({ barSeconds: 0, timeColumn: 'T' })).toEqual([START + HOUR - 1n, last + HOUR - 1n])
  })
})

describe('encodings', () => {
  const folder = temporaryFolder()
  const written = (name: string, bytes: Buffer): string => {
    writeFileSync(join(folder, name), bytes)
    return join(folder, name)
  }
  const text = 'time,close,Währung\n2025-01-01,5,x\n'

  it('of UTF-8 and of older spreadsheets are read, with or without byte order mark', () => {
    for (const bytes of [Buffer.from(text), Buffer.from(`\uFEFF${text}`), Buffer.from(text, 'latin1')])
      expect(readPriceFile(written('a.csv', bytes)).rows).toHaveLength(1)
  })

  it('a zip archive is named', () => {
    const file = written('c.zip', Buffer.from('PK\u0003\u0004\u0014\u0000'))
    expect(() => readPriceFile(file)).toThrow(/zip archive/)
  })

  it.each([
    ['with a mark, little endian', Buffer.from(`\uFEFF${text}`, 'utf16le')],
    ['with a mark, big endian', Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
    ['without', Buffer.from(text, 'utf16le')],
  ])('of UTF-16 are read, and refused by name where they are cut short: %s', (_, bytes) => {
    expect(readPriceFile(written('b.csv', bytes)).rows).toHaveLength(1)
    const cut = written('cut.csv', bytes.subarray(0, bytes.length - 1))
    expect(() => readPriceFile(cut)).toThrow(/UTF-16/)
    expect(() => readTextFile(cut)).toThrow(FileEncodingError)
  })
})
