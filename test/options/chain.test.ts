import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { byExpiry, latestQuotes, parseChain, readChain } from '../../prover/options/chain.ts'
import { instrumentName, readInstrument } from '../../prover/options/instrument.ts'
import { temporaryFolder } from '../service/zkrisk.ts'

const header = 'timestamp,instrument_name,underlying,implied_volatility,bid_price,ask_price,mark_price,index_price'
const row = (
  name: string,
  forward = '70000',
  volatility = '0.5',
  bid = '0.01',
  ask = '0.02',
  time = '2026-02-05T04:00:00+00:00',
  mark = '',
) => `${time},${name},${forward},${volatility},${bid},${ask},${mark},69900`
const csv = (...rows: readonly string[]): string => [header, ...rows].join('\n')

const ticker = (name: string, at: number, forward: number, volatility: number): string =>
  `${at / 1000}: ${JSON.stringify({
    jsonrpc: '2.0',
    method: 'subscription',
    params: {
      channel: `ticker.${name}.raw`,
      data: {
        instrument_name: name,
        timestamp: at,
        underlying_price: forward,
        mark_iv: volatility,
        mark_price: 1.0006,
        greeks: { delta: 0.5 },
      },
    },
  })}`

describe('an option chain', () => {
  it('is read from a CSV, plain or gzipped', () => {
    const file = join(temporaryFolder(), 'chain.csv.gz')
    writeFileSync(file, gzipSync(csv(row('BTC-27MAR26-100000-C'), row('BTC-27MAR26-62500-P', '70000.12345678'))))
    const { quotes, refused } = readChain(file)
    expect(refused).toEqual([])
    expect(quotes[1]).toMatchObject({
      row: 3,
      currency: 'BTC',
      expiry: 1_774_598_400n,
      strikeE8: 6_250_000_000_000n,
      isCall: false,
      forwardE8: 7_000_012_345_678n,
      markVolatility: 0.5,
      indexPrice: 69900,
    })
    expect(quotes[1]?.timeToExpiry).toBeCloseTo(50.1667 / 365, 6)
  })

  it('without marks has a note that names rows whose forward is not that of the others of their expiry and time', () => {
    const name = (strike: number) => `BTC-27MAR26-${strike}-C`
    const later = '2026-02-05T05:00:00+00:00'
    const notesOf = (forward: string, time?: string, mark?: string) => {
      const rows = [70_000, 80_000, 90_000].map((strike) => row(name(strike), '70000', '0.5', '', '', undefined, mark))
      return parseChain(csv(...rows, row(name(100_000), forward, '0.5', '', '', time, mark)), 'chain.csv').notes
    }
    expect(notesOf('70710')).toEqual([
      expect.stringMatching(/differ by over 1 %.*: row 5 \(70710\), unlike the others/),
    ])
    expect(notesOf('69290')).toEqual([expect.stringContaining('row 5 (69290)')])
    expect(notesOf('70690')).toEqual([])
    expect(notesOf('70710', later)).toEqual([])
    expect(notesOf('70710', undefined, '0.03').join()).not.toContain('no marks')
  })

  it('is read from a websocket log, whose other lines are counted', () => {
    const log = [
      'wss://example <-> 1',
      ticker('ETH-27AUG21-4000-P', 1_626_993_723_632, 1999.98, 117.2),
      '1626993724: {"params":{"channel":"book.X","data":{}}}',
      ticker('ETH-27AUG21-4000-P', 1_626_993_724_632, 2000.5, 116.9),
    ]
    const chain = parseChain(log.join('\n'), 'ws.log')
    expect([chain.quotes.length, chain.skipped]).toEqual([2, 2])
    expect(latestQuotes(chain.quotes)).toMatchObject([
      { forwardE8: 200_050_000_000n, markVolatility: 1.169, greeks: { delta: 0.5 } },
    ])
  })

  it('refuses rows one by one and by name', () => {
    const name = 'BTC-27MAR26-100000-C'
    const bad = {
      'options.quote-instrument': row('BTC-27MAR26-100000'),
      'options.quote-time': row(name, '70000', '0.5', '0.01', '0.02', 'noon'),
      'options.quote-expired': row('BTC-5FEB26-70000-C', '70000', '0.5', '0.01', '0.02', '2026-02-05T08:00:00+00:00'),
      'options.quote-forward': row(name, ''),
      'options.quote-volatility': row(name, '70000', '0'),
      'options.quote-crossed': row(name, '70000', '0.5', '0.03', '0.02'),
    }
    const { quotes, refused } = parseChain(csv(row(name), ...Object.values(bad)), 'bad.csv')
    expect(quotes).toHaveLength(1)
    expect(refused.map(({ code, row }) => [code, row])).toEqual(Object.keys(bad).map((code, i) => [code, i + 3]))
    expect(
      parseChain(csv(row('BTC-5FEB26-70000-C', '70000', '0.5', '', '', '2026-02-05T07:59:59+00:00')), 'late.csv')
        .quotes,
    ).toMatchObject([{ bidPrice: undefined }])
  })

  it('has one quote of an instrument at a time: rows that differ are refused, of those that say the same one is read', () => {
    const [name, other] = ['BTC-27MAR26-100000-C', 'BTC-27MAR26-90000-C']
    const later = row(name, '70000', '0.6', '0.01', '0.02', '2026-02-05T04:00:01+00:00')
    const codesOf = (...rows: readonly string[]) => {
      const { quotes, refused, notes } = parseChain(csv(...rows), 'chain.csv')
      return { kept: quotes.map((quote) => quote.row), refused: refused.map(({ code, row }) => [code, row]), notes }
    }
    const differ = parseChain(csv(row(name), row(other), row(name, '70000', '0.6'), row(name)), 'chain.csv')
    expect(differ.quotes.map((quote) => quote.row)).toEqual([3])
    expect(differ.refused.map(({ code, row }) => [code, row])).toEqual(
      [2, 4, 5].map((at) => ['options.quote-repeated', at]),
    )
    expect(differ.refused[0]?.message).toContain('rows 2, 4 and 5 at 2026-02-05T04:00:00.000Z')
    const same = codesOf(row(name), row(other), row('BTC-20260327-100000-C'), row(other))
    expect([same.kept, same.refused]).toEqual([[2, 3], []])
    expect(same.notes).toEqual([
      `${name} stands in rows 2 and 4, which say the same, as do rows of 1 more: each is read once.`,
    ])
    expect(codesOf(row(name), later)).toEqual({ kept: [2, 3], refused: [], notes: [] })
    const spelled = later.replace(name, 'BTC-20260327-100000-C')
    expect(latestQuotes(parseChain(csv(row(name), spelled), 'chain.csv').quotes)).toMatchObject([
      { markVolatility: 0.6 },
    ])
    const perps = (...prices: readonly string[]) =>
      parseChain(csv(row(other), ...prices.map((price) => row('BTC-PERPETUAL', '', '', '', '', undefined, price))), 'c')
    expect(perps('70000', '69000').refused.map(({ code }) => code)).toEqual(Array(2).fill('options.quote-repeated'))
    expect(perps('70000', '70000')).toMatchObject({ refused: [], perps: [{ price: 70000, row: 3 }] })
  })

  it('takes the later line of a log where two are of one time', () => {
    const lines = [50, 60].map((volatility) => ticker('ETH-27AUG21-4000-P', 1_626_993_723_632, 2000, volatility))
    const { quotes, refused } = parseChain(lines.join('\n'), 'ws.log')
    expect(refused).toEqual([])
    expect(latestQuotes(quotes)).toMatchObject([{ markVolatility: 0.6 }])
  })

  it('is refused as a whole if it is missing, empty, broken or lacks a column', () => {
    const refused = (text: string, code: string) =>
      expect(() => parseChain(text, 'chain.csv')).toThrow(expect.objectContaining({ code, file: 'chain.csv' }))
    expect(() => readChain('absent.csv')).toThrow(expect.objectContaining({ code: 'options.file-missing' }))
    refused('', 'options.file-empty')
    refused(header, 'options.file-empty')
    refused(`${header}\n"never closed`, 'options.file-format')
    refused('timestamp,instrument_name,mark_iv\n1,BTC-27MAR26-100000-C,50', 'options.column-missing')
    refused('wss://example <-> 1\n1: {}', 'options.file-empty')
  })

  it('is sorted by currency, expiry and strike', () => {
    const names = ['ETH-27MAR26-2000-C', 'BTC-27MAR26-70000-C', 'BTC-27FEB26-70000-C', 'BTC-27MAR26-60000-P']
    const groups = byExpiry(parseChain(csv(...names.map((name) => row(name))), 'chain.csv').quotes)
    expect(groups.map(({ quotes }) => quotes.map(({ instrument }) => instrument))).toEqual([
      ['BTC-27FEB26-70000-C'],
      ['BTC-27MAR26-60000-P', 'BTC-27MAR26-70000-C'],
      ['ETH-27MAR26-2000-C'],
    ])
  })
})

describe('an instrument name', () => {
  it('is read as Deribit and Derive write it, and written back', () => {
    const terms = { currency: 'BTC', expiry: 1_774_598_400n, strikeE8: 10_000_000_000_000n, isCall: true }
    expect(readInstrument('BTC-27MAR26-100000-C')).toEqual(terms)
    expect(readInstrument('BTC-20260327-100000-C')).toEqual(terms)
    expect(instrumentName(terms)).toBe('BTC-27MAR26-100000-C')
    expect(readInstrument('XRP_USDC-5JUN26-0d5625-P')?.strikeE8).toBe(56_250_000n)
    for (const name of [
      'BTC-32MAR26-1-C',
      'BTC-27XXX26-1-C',
      'BTC-27MAR26-1-X',
      'BTC-27MAR26-0-C',
      'BTC-27MAR26-2814750-C',
    ]) {
      expect(readInstrument(name)).toBeUndefined()
    }
  })

  it.each([
    ['OKX', 'BTC-USD-240628-60000-C', 'BTC'],
    ['Binance', 'BTC-240628-60000-C', 'BTC'],
    ['Bybit, in USDT', 'BTC-28JUN24-60000-C-USDT', 'BTC_USDT'],
    ['Bybit, in USDC', 'BTC-28JUN24-60000-C', 'BTC'],
    ['Deribit, linear', 'BTC_USDC-28JUN24-60000-C', 'BTC_USDC'],
  ])('of %s is read with its currency, and its expiry at 08:00 UTC', (_, name, currency) => {
    const expiry = BigInt(Date.UTC(2024, 5, 28, 8) / 1000)
    expect(readInstrument(name)).toEqual({ currency, expiry, strikeE8: 6_000_000_000_000n, isCall: true })
  })

  it.each([
    'BTC-USD-240631-60000-C',
    'BTC-241328-60000-C',
    'BTC-24062-60000-C',
    'BTC-USD-240628-60000-X',
    'BTC-EUR-240628-60000-C',
    'BTC-USD-240628-60000-C-USDT',
    'BTC_USDC-28JUN24-60000-C-USDT',
    'BTC-28JUN24-60000-C-BTC',
    'btc-240628-60000-c',
    'BTC-USD-240628',
    'BTC-USD-SWAP',
  ])('%s is none', (name) => {
    expect(readInstrument(name)).toBeUndefined()
  })
})
