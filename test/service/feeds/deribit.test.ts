/** Deribit's client against a server that says what Deribit was recorded to say, and what networks make of it. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocket as Socketed } from 'ws'
import { parseDecimal } from '../../../prover/market/decimal.ts'
import type { ConnectionLimits } from '../../../prover/service/feeds/connection.ts'
import { DeribitFeed } from '../../../prover/service/feeds/deribit.ts'
import { DeribitBook } from '../../../prover/service/feeds/deribitBook.ts'
import type { DeribitMarket } from '../../../prover/service/feeds/deribitMessages.ts'
import { volatilityAt } from '../../../prover/service/feeds/deribitSurfaces.ts'
import { parseWireJson } from '../../../prover/service/feeds/wireJson.ts'
import { parseChain } from '../../../prover/options/chain.ts'
import { root } from '../../../scripts/tools/sources.ts'
import { has, hear, kindsIn, pricesIn, quickly, type Served, serveWebsocket } from './servers.ts'

const recorded = join(root, '..', 'shared', 'data', 'messages')
const hasMessages = existsSync(recorded)
if (!hasMessages) console.log(`No ${recorded}: recorded messages of Deribit are not replayed`)

const opened: Served[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

type Asked = {
  readonly id: number
  readonly method: string
  readonly params: { readonly channels?: readonly string[] }
}

const perpetual: DeribitMarket = { market: 'BTC-USD', instrument: 'BTC-PERPETUAL', price: 'index', unitsExponent: 0 }
const notice = (channel: string, data: object): string =>
  JSON.stringify({ jsonrpc: '2.0', method: 'subscription', params: { channel, data } })
const tickerOf = (more: object = {}, channel = 'ticker.BTC-PERPETUAL.100ms'): string =>
  notice(channel, {
    ...{ timestamp: 1_765_541_474_086, state: 'open', instrument_name: 'BTC-PERPETUAL' },
    ...{ index_price: 92_263.55, mark_price: 92_281.78 },
    ...more,
  })
const bookOf = (type: string, id: number, before: number | undefined, bids: object, asks: object): string =>
  notice('book.BTC-PERPETUAL.100ms', {
    ...{ type, timestamp: 1_765_541_474_086 + id, instrument_name: 'BTC-PERPETUAL', change_id: id },
    ...{ ...(before === undefined ? {} : { prev_change_id: before }), bids, asks },
  })

/** A server that answers as Deribit does, and says what a test wants after each subscription. */
async function trading(
  subscribed: (say: (text: string) => void, nth: number, socket: Socketed, channels: readonly string[]) => void,
  markets: readonly DeribitMarket[] = [perpetual],
  limits: Partial<ConnectionLimits> = {},
  answer: (asked: Asked, nth: number) => unknown = () => undefined,
) {
  const asked: Asked[] = []
  const served = await serveWebsocket((socket, nth) => {
    const say = (text: string): void => socket.send(text)
    socket.on('message', (data) => {
      const question = JSON.parse(String(data)) as Asked
      asked.push(question)
      const { id, method, params } = question
      const usual = method === 'public/test' ? { version: '1.2.26' } : (params.channels ?? 'ok')
      const told = answer(question, nth) ?? { result: usual }
      if (told !== 'nothing') say(JSON.stringify({ jsonrpc: '2.0', id, ...(told as object) }))
      if (method === 'public/subscribe') subscribed(say, nth, socket, params.channels ?? [])
    })
  })
  opened.push(served)
  const feed = new DeribitFeed({
    ...{ name: 'deribit', endpoint: new URL(served.url), markets, heartbeatSeconds: 10, optionsMs: 60_000 },
    limits: { ...quickly, ...limits },
  })
  return { feed, asked, served }
}

describe('tickers of Deribit', () => {
  it('tell the index or the mark, exactly as it is written, after subscription and heartbeat were asked for', async () => {
    const markets = [perpetual, { ...perpetual, market: 'BTC-MARK', price: 'mark' as const }]
    const { feed, asked } = await trading((say) => say(tickerOf()), markets)
    const events = await hear(feed, has('price', 2))
    expect(pricesIn(events).map(({ market, price, asOfMs }) => [market, price, asOfMs])).toEqual([
      ['BTC-USD', { negative: false, digits: 9_226_355n, exponent: -2 }, 1_765_541_474_086],
      ['BTC-MARK', { negative: false, digits: 9_228_178n, exponent: -2 }, 1_765_541_474_086],
    ])
    expect(asked.map(({ method }) => method)).toEqual(['public/set_heartbeat', 'public/subscribe'])
    expect(asked[1]?.params.channels).toContain('ticker.BTC-PERPETUAL.100ms')
  })

  it.skipIf(!hasMessages)('of a day in 2021 are told one by one, beside books and whatever else came', async () => {
    const log = gunzipSync(readFileSync(join(recorded, 'deribit-ws-2021-07-22.log.gz'))).toString('utf8')
    const lines = log
      .split('\n')
      .flatMap((line) => /^[\d.]+: (\{"jsonrpc":"2.0","method".*)$/.exec(line)?.slice(1) ?? [])
    const told = lines.map((line) => JSON.parse(line).params as { channel: string; data: Record<string, number> })
    const names = [...new Set(told.map(({ channel }) => channel.split('.')[1] ?? ''))]
    const markets = names.flatMap((instrument): readonly DeribitMarket[] => [
      { market: `${instrument}-index`, instrument, price: 'index', unitsExponent: 0 },
      { market: `${instrument}-middle`, instrument, price: 'middle', unitsExponent: 0 },
    ])
    const { feed } = await trading((say) => {
      for (const line of lines) say(line.replace('.raw"', '.100ms"'))
    }, markets)
    const tickers = told.filter(({ channel }) => channel.startsWith('ticker.'))
    const last = tickers.at(-1)?.data
    const events = await hear(
      feed,
      (all) => pricesIn(all).filter(({ market }) => market.endsWith('-index')).length === tickers.length,
    )
    const prices = pricesIn(events).filter(({ market }) => market.endsWith('-index'))
    expect(prices.length).toBe(89)
    expect(prices.map(({ price, asOfMs }) => [Number(`${price.digits}e${price.exponent}`), asOfMs])).toEqual(
      tickers.map(({ data }) => [data.index_price, data.timestamp]),
    )
    expect(prices.at(-1)?.asOfMs).toBe(last?.timestamp)
    // No change of a book is missing in the recording, and some books of far options have one side alone.
    expect(new Set(kindsIn(events))).toEqual(new Set(['connected', 'price', 'no-price']))
    expect(pricesIn(events).some(({ market }) => market === 'BTC-24SEP21-8000-P-middle')).toBe(true)
  })

  it.skipIf(!hasMessages)('and the volatility index are told as samples of another client have them', async () => {
    const sample = (name: string): string => readFileSync(join(recorded, 'nautilus-deribit', name), 'utf8')
    const markets = [{ ...perpetual, volatilityIndex: 'btc_usd' }]
    const { feed } = await trading((say) => {
      say(sample('ws_ticker.json'))
      say(sample('ws_volatility_index.json'))
    }, markets)
    const events = await hear(feed, has('volatility'))
    expect(events.slice(1)).toEqual([
      expect.objectContaining({ kind: 'price', price: parseDecimal('92263.55') }),
      { kind: 'volatility', feed: 'deribit', market: 'BTC-USD', volatility: 1.2936, asOfMs: 1_619_777_946_007 },
    ])
  })

  it('S32: are refused by name where they cannot be, and the next is taken', async () => {
    const channel = 'deribit_volatility_index.btc_usd'
    const index = (volatility: unknown): string => notice(channel, { volatility, timestamp: 1, index_name: 'btc_usd' })
    const told: readonly (readonly [string, string])[] = [
      [tickerOf({ index_price: '92263.55' }), 'no-price'],
      [tickerOf({ index_price: null }), 'no-price'],
      [tickerOf({ index_price: -1 }), 'no-price'],
      [tickerOf({ index_price: 0 }), 'no-price'],
      [tickerOf({ state: 'closed' }), 'no-price'],
      [tickerOf({ instrument_name: 'ETH-PERPETUAL' }), 'shape'],
      [tickerOf({ timestamp: 'now' }), 'shape'],
      [tickerOf().replace('92263.55', '1e999'), 'no-price'],
      [tickerOf().replace('92263.55', 'NaN'), 'not-json'],
      [tickerOf().replace('"state"', '"index_price":1,"state"'), 'not-json'],
      [tickerOf({}, 'ticker.BTC-PERPETUAL.raw'), 'unknown-id'],
      [index(0), 'no-price'],
      [index(801), 'no-price'],
      [index('65'), 'no-price'],
      ['{"jsonrpc":"2.0","id":4711,"result":"ok"}', 'answer'],
      ['{"jsonrpc":"1.0"}', 'shape'],
      ['null', 'shape'],
      ['', 'not-json'],
    ]
    const markets = [{ ...perpetual, volatilityIndex: 'btc_usd' }]
    const { feed } = await trading((say, _, socket) => {
      for (const [message] of told) say(message)
      socket.send(Buffer.from([1, 2, 3]), { binary: true })
      say(tickerOf())
    }, markets)
    const events = await hear(feed, has('price'))
    expect(kindsIn(events)).toEqual(['connected', ...told.map(([, condition]) => condition), 'not-text', 'price'])
  })
})

describe('a connection to Deribit', () => {
  it('answers test requests', async () => {
    const { feed, asked } = await trading((say) => {
      say(JSON.stringify({ jsonrpc: '2.0', method: 'heartbeat', params: { type: 'heartbeat' } }))
      say(JSON.stringify({ jsonrpc: '2.0', method: 'heartbeat', params: { type: 'test_request' } }))
      setTimeout(() => say(tickerOf()), 100)
    })
    expect(kindsIn(await hear(feed, has('price')))).toEqual(['connected', 'price'])
    expect(asked.filter(({ method }) => method === 'public/test').length).toBe(1)
  })

  it('S33: is opened and subscribed again after it was cut in the middle of a message, closed, or ended at once', async () => {
    const { feed, asked } = await trading((say, nth, socket) => {
      if (nth === 0) {
        // A frame of 4,000 bytes of which 8 come.
        const raw = (socket as unknown as { readonly _socket: { write(bytes: Buffer): void; destroy(): void } })._socket
        raw.write(Buffer.from([0x81, 126, 0x0f, 0xa0, ...Buffer.from('{"jsonrp')]))
        setTimeout(() => raw.destroy(), 20)
      } else if (nth === 1) socket.close(1001)
      else if (nth === 2) socket.close(1000)
      else say(tickerOf())
    })
    const events = await hear(feed, has('price'))
    const ends = kindsIn(events).filter((kind) => kind.startsWith('service.'))
    expect(ends.length).toBe(3)
    expect(ends[1]).toBe('service.feed-closed')
    expect(asked.filter(({ method }) => method === 'public/subscribe').length).toBe(4)
  })

  it('S33: is given up when it is silent, and when nothing that it says is a price', async () => {
    const { feed } = await trading(
      (say, nth, socket) => {
        if (nth === 0) return
        const ticking = setInterval(() => say(nth === 1 ? 'garbage' : tickerOf()), 50)
        socket.on('close', () => clearInterval(ticking))
      },
      [perpetual],
      { stallMs: 1000, readingStallMs: 2500 },
    )
    const events = await hear(feed, has('price', 20))
    expect(events.flatMap((event) => (event.kind === 'stalled' ? [event.of] : []))).toEqual(['messages', 'readings'])
  })

  it('S33: is given up when a question is not answered, or the subscription is refused; too many are waited out', async () => {
    const answer = ({ method }: Asked, nth: number): unknown => {
      if (method !== 'public/subscribe') return undefined
      if (nth === 0) return 'nothing'
      if (nth === 1) return { error: { code: 11_050, message: 'bad_request' } }
      return nth === 2 ? { error: { code: 10_028, message: 'too_many_requests' } } : undefined
    }
    const { feed } = await trading((say, nth) => nth === 3 && say(tickerOf()), [perpetual], { connectMs: 300 }, answer)
    const events = await hear(feed, has('price'))
    const ends = events.flatMap((event) => (event.kind === 'disconnected' ? [event] : []))
    expect(ends.map(({ code }) => code)).toEqual([
      'service.feed-answer-timeout',
      'service.feed-refused',
      'service.feed-too-often',
    ])
    expect(ends[2]?.retryMs).toBeGreaterThanOrEqual(quickly.tooOftenPauseMs)
  })

  it('says which channels it was not given, and goes on with the others', async () => {
    const markets = [perpetual, { ...perpetual, market: 'X-USD', instrument: 'X-PERPETUAL' }]
    const only = ({ method }: Asked): unknown =>
      method === 'public/subscribe' ? { result: ['ticker.BTC-PERPETUAL.100ms'] } : undefined
    const { feed } = await trading((say) => say(tickerOf()), markets, {}, only)
    const events = await hear(feed, has('price'))
    expect(kindsIn(events)).toEqual(['connected', 'answer', 'price'])
    expect(events[1]).toMatchObject({ kind: 'refused', says: expect.stringContaining('ticker.X-PERPETUAL.100ms') })
  })
})

describe('a book of Deribit', () => {
  const middle: DeribitMarket = { ...perpetual, price: 'middle' }
  const bids = [['new', 100.5, 10]]
  const asks = [['new', 101.5, 10]]

  it('S33: is asked for anew after a gap, and has no price until its snapshot', async () => {
    const { feed, asked } = await trading(
      (say, _, __, channels) => {
        const isAgain = asked.filter(({ method }) => method === 'public/subscribe').length > 1
        if (isAgain) return say(bookOf('snapshot', 50, undefined, [['new', 200, 1]], [['new', 202, 1]]))
        expect(channels).toEqual(['book.BTC-PERPETUAL.100ms'])
        say(bookOf('snapshot', 10, undefined, bids, asks))
        say(bookOf('change', 11, 10, [['new', 100.9, 1]], []))
        say(bookOf('change', 11, 10, [['new', 100.9, 1]], []))
        say(bookOf('change', 13, 12, [['delete', 100.9, 0]], []))
        say(bookOf('change', 14, 13, [['new', 101.2, 1]], []))
      },
      [middle],
    )
    const events = await hear(feed, has('price', 3))
    expect(kindsIn(events)).toEqual(['connected', 'price', 'price', 'repeated', 'gap', 'price'])
    expect(pricesIn(events).map(({ price }) => Number(`${price.digits}e${price.exponent}`))).toEqual([101, 101.2, 201])
    expect(asked.map(({ method }) => method)).toEqual([
      ...['public/set_heartbeat', 'public/subscribe', 'public/unsubscribe', 'public/subscribe'],
    ])
  })

  it('has no price with one side alone, or where bid and ask cross', () => {
    const book = new DeribitBook()
    const state = (text: string) => book.apply((parseWireJson(text) as { params: { data: unknown } }).params.data).kind
    expect(state(bookOf('change', 2, 1, [], []))).toBe('waiting')
    expect(state(bookOf('snapshot', 10, undefined, bids, []))).toBe('one-sided')
    expect(state(bookOf('change', 11, 10, [], asks))).toBe('middle')
    expect(state(bookOf('change', 12, 11, [['new', 101.5, 1]], []))).toBe('one-sided')
    expect(state(bookOf('change', 13, 12, [['delete', 101.5, 0]], []))).toBe('middle')
    expect(state(bookOf('change', 14, 13, [['delete', '100.5', 0]], []))).toBe('unreadable')
    expect(state(bookOf('change', 15, 14, [], []))).toBe('waiting')
    expect(state(bookOf('snapshot', 20, undefined, [['move', 1, 1]], asks))).toBe('unreadable')
  })

  it('S74: that never loses a level is asked for anew before it has more than any market has', () => {
    const book = new DeribitBook()
    const state = (text: string) => book.apply((parseWireJson(text) as { params: { data: unknown } }).params.data).kind
    const levels = (from: number) => Array.from({ length: 1000 }, (_, i) => ['new', from + i, 1])
    for (let times = 1; times <= 2; times++) {
      expect(state(bookOf('snapshot', 100 * times, undefined, bids, [['new', 1_000_000, 1]]))).toBe('middle')
      const states = Array.from({ length: 25 }, (_, i) =>
        state(bookOf('change', 100 * times + i + 1, 100 * times + i, levels(1000 * (i + 1)), [])),
      )
      const kept = states.indexOf('unreadable')
      expect(kept).toBe(19)
      expect(
        states.map((each, i) => each === (i < kept ? 'middle' : i === kept ? 'unreadable' : 'waiting')),
      ).not.toContain(false)
    }
  })
})

describe('options of Deribit', () => {
  const now = Date.now()
  const day = 86_400_000
  const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
  const dated = (days: number): string => {
    const date = new Date(now + days * day)
    return `${date.getUTCDate()}${months[date.getUTCMonth()]}${String(date.getUTCFullYear()).slice(2)}`
  }
  const summaries = (days: number, volatility: number, forward: number): readonly object[] =>
    [80, 90, 95, 100, 105, 110, 120].map((strike) => ({
      ...{ instrument_name: `BTC-${dated(days)}-${strike}000-C`, creation_timestamp: now, underlying_price: forward },
      ...{
        mark_iv: volatility + Math.abs(strike - 100) / 4,
        estimated_delivery_price: 99_900,
        bid_price: null,
        ask_price: null,
      },
    }))
  const quoted: DeribitMarket = { ...perpetual, options: 'BTC' }
  const answer =
    (rows: unknown) =>
    ({ method }: Asked): unknown =>
      method === 'public/get_book_summary_by_currency' ? { result: rows } : undefined

  it('are asked for, and an SVI surface is fitted to each expiry that has enough strikes', async () => {
    const rows = [
      ...summaries(10, 60, 100_100),
      ...summaries(50, 50, 100_700),
      ...summaries(90, 45, 101_000).slice(0, 3),
    ]
    const { feed } = await trading((say) => say(tickerOf()), [quoted], {}, answer(rows))
    const [options] = (await hear(feed, has('options'))).filter((event) => event.kind === 'options')
    expect(options).toMatchObject({ market: 'BTC-USD', currency: 'BTC', refused: 0, unfitted: 1 })
    expect(options?.surfaces.map(({ forward }) => forward)).toEqual(['100100', '100700'])
    for (const [i, volatility] of [0.6, 0.5].entries())
      expect(options?.surfaces[i]?.volatility).toBeCloseTo(volatility, 1)
    // What is kept of them is a chain file, as margins and Greeks read it.
    expect(parseChain(options?.chain ?? '', 'kept').quotes.length).toBe(rows.length)
  })

  it.each([
    ['nothing', null],
    ['no options', []],
    [
      'options of another currency',
      summaries(10, 60, 100_000).map((row) => JSON.parse(JSON.stringify(row).replaceAll('BTC', 'ETH'))),
    ],
    ['rows that are none', [1, 'x', null]],
  ])('S32: are refused by name where an answer holds %s, and prices go on', async (_, rows) => {
    const { feed } = await trading((say) => setTimeout(() => say(tickerOf()), 100), [quoted], {}, answer(rows))
    const events = await hear(feed, has('price'))
    expect(kindsIn(events)).toEqual(['connected', 'options', 'price'])
    expect(events[1]?.kind).toBe('refused')
  })

  it('have a volatility of 30 days between two expiries, by total variance, and none beyond them', () => {
    const surfaces = [
      { expiry: '1', forward: '1', volatility: 0.6, years: 0.04 },
      { expiry: '2', forward: '1', volatility: 0.5, years: 0.12 },
    ]
    expect(volatilityAt(surfaces, 0.08)).toBeCloseTo(Math.sqrt((0.36 * 0.04 + 0.25 * 0.12) / 2 / 0.08), 12)
    expect(volatilityAt(surfaces, 0.12)).toBe(0.5)
    expect(volatilityAt(surfaces, 0.13)).toBeUndefined()
    expect(volatilityAt(surfaces, 0.03)).toBeUndefined()
    expect(volatilityAt([], 0.1)).toBeUndefined()
  })
})
