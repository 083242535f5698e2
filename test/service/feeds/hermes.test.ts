/** Hermes' client against a server that says what Hermes was recorded to say, and what networks make of it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { ConnectionLimits } from '../../../prover/service/feeds/connection.ts'
import { parseEndpoint, readProviderKey } from '../../../prover/service/feeds/endpoint.ts'
import { HermesFeed } from '../../../prover/service/feeds/hermes.ts'
import { readHermes } from '../../../prover/service/feeds/hermesMessages.ts'
import { btcFeed, ethFeed, hasRecordings, pythRecordings } from '../../../scripts/tools/oracles/recordings.ts'
import { temporaryFolder } from '../zkrisk.ts'
import { has, hear, kindsIn, pricesIn, quickly, type Served, serveHttp } from './servers.ts'

const folder = temporaryFolder()
if (!hasRecordings) console.log('No ../shared/data/oracle: recorded updates are not streamed')
const opened: Served[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

const wanted = [
  { market: 'BTC-USD', id: btcFeed, decimals: 8, unitsExponent: 0 },
  { market: 'ETH-USD', id: ethFeed, decimals: 8, unitsExponent: 0 },
]

const parsedOf = (id: string, price: string, time = 1_724_826_310, more: object = {}) => ({
  id: id.slice(2),
  price: { price, conf: '2528354539', expo: -8, publish_time: time, ...more },
  ema_price: { price, conf: '1', expo: -8, publish_time: time },
  metadata: { slot: 1, proof_available_time: time + 1, prev_publish_time: time - 1 },
})
const messageOf = (...parsed: readonly object[]): string =>
  JSON.stringify({ binary: { encoding: 'hex', data: ['504e4155'] }, parsed })
const BTC = messageOf(parsedOf(btcFeed, '5924002645461'))
const sse = (data: string): string => `data:${data}\n\n`

async function streaming(
  answer: (response: ServerResponse, nth: number) => void,
  limits: Partial<ConnectionLimits> = {},
  more: { readonly pollMs?: number; readonly key?: string } = {},
) {
  let nth = 0
  const served = await serveHttp((_, response) => answer(response, nth++))
  opened.push(served)
  const endpoint = parseEndpoint(`${served.url}/`, ['https:', 'http:'], false)
  const feed = new HermesFeed({ name: 'pyth', endpoint, prices: wanted, limits: { ...quickly, ...limits }, ...more })
  return { feed, served }
}
const begin = (response: ServerResponse): ServerResponse =>
  response.writeHead(200, { 'content-type': 'text/event-stream' })

describe('a stream of Hermes', () => {
  it('tells price, exponent, confidence, time and the signed update, each as it was sent', async () => {
    const { feed, served } = await streaming((response) => begin(response).write(sse(BTC)))
    const [reading] = pricesIn(await hear(feed, has('price')))
    expect(reading).toEqual({
      ...{ kind: 'price', feed: 'pyth', market: 'BTC-USD', asOfMs: 1_724_826_310_000, update: '0x504e4155' },
      price: { negative: false, digits: 5_924_002_645_461n, exponent: -8 },
      confidence: { negative: false, digits: 2_528_354_539n, exponent: -8 },
    })
    const url = new URL(served.requests[0]?.url ?? '', served.url)
    expect(url.pathname).toBe('/v2/updates/price/stream')
    expect(url.searchParams.getAll('ids[]')).toEqual([btcFeed, ethFeed])
    expect(url.searchParams.get('parsed')).toBe('true')
  })

  it.skipIf(!hasRecordings)('tells recorded updates as their publisher says', async () => {
    const recordings = pythRecordings()
    const { feed } = await streaming((response) => {
      begin(response)
      for (const { update, expected } of recordings) {
        const { price, confidence, publishTime } = expected
        const parsed = [parsedOf(btcFeed, String(price), Number(publishTime), { conf: String(confidence) })]
        response.write(sse(JSON.stringify({ binary: { encoding: 'hex', data: [update.slice(2)] }, parsed })))
      }
    })
    const readings = pricesIn(await hear(feed, has('price', recordings.length)))
    expect(readings.map(({ price, update, asOfMs }) => [price.digits, update, asOfMs])).toEqual(
      recordings.map(({ update, expected }) => [expected.price, update, 1000 * Number(expected.publishTime)]),
    )
  })

  it('is read whatever chunks it is cut into, in the middle of a character too', async () => {
    const message = messageOf({ ...parsedOf(btcFeed, '5924002645461'), note: '€ – ₿ 🂡' })
    const bytes = Buffer.from(sse(message))
    const { feed } = await streaming(async (response) => {
      begin(response)
      for (const byte of bytes) {
        response.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
    })
    const events = await hear(feed, has('price'))
    expect(kindsIn(events)).toEqual(['connected', 'price'])
  })

  it('S33: goes on after a connection that is cut in the middle of a message, and takes nothing of the half', async () => {
    const { feed } = await streaming((response, nth) => {
      begin(response)
      if (nth > 0) response.write(sse(messageOf(parsedOf(btcFeed, '6'.repeat(13)))))
      else {
        response.write(sse(BTC).slice(0, 200))
        setTimeout(() => response.destroy(), 20)
      }
    })
    const events = await hear(feed, has('price'))
    expect(kindsIn(events)).toEqual(['connected', 'service.feed-broken', 'connected', 'price'])
    expect(pricesIn(events)[0]?.price.digits).toBe(6_666_666_666_666n)
  })

  it('S33: is given up when it is silent, as a half-open socket is, or drips without an end; one that speaks is not', async () => {
    const { feed } = await streaming(
      (response, nth) => {
        begin(response).flushHeaders()
        if (nth === 1) setInterval(() => response.write('d'), 20).unref()
        if (nth >= 2) setInterval(() => response.write(nth === 2 ? ': alive\n\n' : sse(BTC)), 50).unref()
      },
      { stallMs: 1000, readingStallMs: 2500 },
    )
    const events = await hear(feed, has('price', 20))
    const stalls = events.filter((event) => event.kind === 'stalled')
    expect(stalls.map(({ of }) => of)).toEqual(['messages', 'messages', 'readings'])
  })

  it.each([
    ['429', 429, { 'retry-after': '0' }, 'service.feed-too-often'],
    ['500', 500, {}, 'service.feed-status'],
    ['a redirection', 302, { location: 'http://127.0.0.1:9/elsewhere' }, 'service.feed-redirected'],
    ['401', 401, {}, 'service.feed-unauthorised'],
    ['another kind of content', 200, { 'content-type': 'text/html' }, 'service.feed-content'],
  ])('S33: tries again after %s, and does not follow it', async (_, status, headers, code) => {
    const { feed, served } = await streaming((response, nth) => {
      if (nth < 3) response.writeHead(status, headers as Record<string, string>).end('<html>')
      else begin(response).write(sse(BTC))
    })
    const events = await hear(feed, has('price'))
    expect(kindsIn(events)).toEqual([code, code, code, 'connected', 'price'])
    const pauses = events.flatMap((event) => (event.kind === 'disconnected' ? [event.retryMs] : []))
    // Each is twice the one before, give or take a quarter; one that is too often waits longer.
    expect(pauses[2]).toBeGreaterThan(pauses[0] ?? Number.NaN)
    expect(served.requests.length).toBe(4)
  })

  it('S33: waits for as long as it is asked to', async () => {
    const { feed } = await streaming((response, nth) => {
      if (nth === 0) response.writeHead(429, { 'retry-after': '1' }).end()
      else if (nth === 1) response.writeHead(429).end()
      else begin(response).write(sse(BTC))
    })
    const pauses = (await hear(feed, has('price'))).flatMap((event) =>
      event.kind === 'disconnected' ? [event.retryMs] : [],
    )
    expect(pauses).toEqual([1000, quickly.tooOftenPauseMs])
  })

  it('S33: pauses longer each time while the server closes at once, up to the longest', async () => {
    const { feed } = await streaming((response) => begin(response).end())
    const events = await hear(feed, has('service.feed-closed', 8))
    const pauses = events.flatMap((event) => (event.kind === 'disconnected' ? [event.retryMs] : []))
    expect(Math.max(...pauses.slice(0, 2))).toBeLessThan(Math.min(...pauses.slice(5)))
    expect(Math.max(...pauses)).toBeLessThanOrEqual(1.25 * quickly.mostPauseMs)
  })

  it('S32: refuses garbage by name and goes on with what comes after', async () => {
    const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`
    const told: readonly (readonly [string, string])[] = [
      ['garbage', 'not-json'],
      ['{"parsed":[],"parsed":[]}', 'not-json'],
      [deep, 'not-json'],
      ['{"parsed":NaN}', 'not-json'],
      ['[]', 'shape'],
      ['{}', 'shape'],
      [messageOf(parsedOf(`0x${'ab'.repeat(32)}`, '1')), 'unknown-id'],
      [messageOf(parsedOf(btcFeed, '-1')), 'no-price'],
      [messageOf(parsedOf(btcFeed, '0')), 'no-price'],
      [messageOf(parsedOf(btcFeed, 'NaN')), 'shape'],
      [messageOf(parsedOf(btcFeed, '1e9')), 'shape'],
      [messageOf(parsedOf(btcFeed, '1', 1_724_826_310, { price: 5_924_002_645_461 })), 'shape'],
      [messageOf(parsedOf(btcFeed, '5924002645461', 1_724_826_310, { expo: -7 })), 'decimals'],
      [messageOf(parsedOf(btcFeed, '5924002645461', 1_724_826_310, { expo: '-8' })), 'shape'],
      [messageOf(parsedOf(btcFeed, '5924002645461', 1_724_826_310, { publish_time: 1.5 })), 'shape'],
      [messageOf(parsedOf(btcFeed, '5924002645461', 1_724_826_310, { publish_time: null })), 'shape'],
      ['x'.repeat(4 * 1024 * 1024 - 10), 'not-json'],
    ]
    const { feed } = await streaming((response) => {
      begin(response)
      for (const [message] of told) response.write(sse(message))
      response.write(sse(BTC))
    })
    const events = await hear(feed, has('price'))
    expect(kindsIn(events)).toEqual(['connected', ...told.map(([, condition]) => condition), 'price'])
    for (const event of events) if (event.kind === 'refused') expect(event.says.length).toBeLessThan(400)
  })

  it('S32: takes the other prices of a message in which one is wrong, or stands twice', async () => {
    const twice = [parsedOf(btcFeed, '5924002645461'), parsedOf(btcFeed, '1'), parsedOf(ethFeed, '246682322909')]
    const { feed } = await streaming((response) => begin(response).write(sse(messageOf(...twice))))
    const events = await hear(feed, has('price', 2))
    expect(kindsIn(events)).toEqual(['connected', 'price', 'repeated', 'price'])
    expect(pricesIn(events).map(({ market, price }) => [market, price.digits])).toEqual([
      ['BTC-USD', 5_924_002_645_461n],
      ['ETH-USD', 246_682_322_909n],
    ])
  })

  it('S33: gives up a message that has no end, and bytes that are no UTF-8', async () => {
    const { feed } = await streaming((response, nth) => {
      begin(response)
      if (nth === 0) for (let i = 0; i < 9; i++) response.write(`data:${'x'.repeat(1 << 19)}\n`)
      else if (nth === 1) response.write(Buffer.from([0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0xfe, 0x0a, 0x0a]))
      else response.write(sse(BTC))
    })
    const events = await hear(feed, has('price'))
    const ended = ['connected', 'service.feed-content']
    expect(kindsIn(events)).toEqual([...ended, ...ended, 'connected', 'price'])
  })

  it('S34: keeps the newest of a flood, and says how many it left out', async () => {
    const count = 5000
    const { feed } = await streaming(
      (response) => {
        begin(response)
        const all = Array.from({ length: count }, (_, i) => sse(messageOf(parsedOf(btcFeed, String(10 ** 12 + i)))))
        response.write(all.join(''))
      },
      { waiting: 100 },
    )
    const last = BigInt(10 ** 12 + count - 1)
    const events = await hear(feed, (all) => {
      const event = all.at(-1)
      return event?.kind === 'price' && event.price.digits === last
    })
    const left = events.reduce((sum, event) => sum + (event.kind === 'flooded' ? event.dropped : 0), 0)
    expect(left).toBeGreaterThan(0)
    expect(pricesIn(events).length + left).toBe(count)
  })
})

describe('latest prices of Hermes', () => {
  it('are asked for again and again; a slow answer is given up, a bad one refused', async () => {
    const { feed, served } = await streaming(
      (response, nth) => {
        const json = { 'content-type': 'application/json' }
        if (nth === 1) response.writeHead(200, json).write('{"parsed"')
        else response.writeHead(200, json).end(nth === 3 ? 'null' : BTC)
      },
      { connectMs: 200 },
      { pollMs: 10 },
    )
    const events = await hear(feed, has('price', 4))
    expect(kindsIn(events)).toEqual([
      ...['connected', 'price', 'service.feed-answer-timeout', 'connected', 'price', 'shape', 'price', 'price'],
    ])
    expect(served.requests[0]?.url).toMatch(/^\/v2\/updates\/price\/latest\?/)
  })
})

describe('a provider’s key', () => {
  it('is sent as a bearer’s, from a file of its owner alone, and to nobody else', async () => {
    const file = join(folder, 'pyth.key')
    writeFileSync(file, 'secret-key-of-ours\n', { mode: 0o600 })
    const { feed, served } = await streaming(
      (response) => begin(response).write(sse(BTC)),
      {},
      { key: readProviderKey(file) },
    )
    await hear(feed, has('price'))
    expect(served.requests[0]?.headers.authorization).toBe('Bearer secret-key-of-ours')
    const open = join(folder, 'open.key')
    writeFileSync(open, 'secret-key-of-ours\n', { mode: 0o644 })
    if (process.platform !== 'win32') expect(() => readProviderKey(open)).toThrow(/mode 600/)
    const two = join(folder, 'two.key')
    writeFileSync(two, 'secret one\nsecret two\n', { mode: 0o600 })
    for (const wrong of [two, join(folder, 'none.key')]) {
      const error = (() => {
        try {
          return readProviderKey(wrong)
        } catch (caught) {
          return caught as { readonly code: string; readonly message: string }
        }
      })()
      expect(error).toMatchObject({ code: 'service.feed-key' })
      expect(JSON.stringify(error)).not.toContain('secret')
    }
  })

  it('S36: is in no event, nor is an address with its path, whatever happens to the connection', async () => {
    const served = await serveHttp((_, response) => response.destroy())
    opened.push(served)
    const endpoint = parseEndpoint(`${served.url}/path-with-token?token=abc`, ['https:', 'http:'], false)
    const feed = new HermesFeed({ name: 'pyth', endpoint, key: 'key-of-ours', prices: wanted, limits: quickly })
    const events = JSON.stringify(await hear(feed, has('service.feed-broken', 3)))
    for (const secret of ['token', 'abc', 'key-of-ours', '127.0.0.1']) expect(events).not.toContain(secret)
  })
})

describe('an endpoint', () => {
  it('that cannot be reached is told in words', async () => {
    const gone = await serveHttp(() => undefined)
    await gone.close()
    for (const [text, says] of [
      [gone.url, 'nobody listens there'],
      ['http://nowhere.invalid', 'its host is not found: there is no network, or the endpoint is another one'],
    ] as const) {
      const endpoint = parseEndpoint(text, ['https:', 'http:'], true)
      const feed = new HermesFeed({ name: 'pyth', endpoint, prices: wanted, limits: quickly })
      const [event] = await hear(feed, has('service.feed-broken'))
      expect(event).toMatchObject({ kind: 'disconnected', says })
    }
  })

  it.each([
    'http://prices.example/x?key=sesame',
    'ftp://prices.example',
    'prices.example',
    'https://prices.example/#sesame',
  ])('is refused without its path or query: %s', (text) => {
    const refused = () => parseEndpoint(text, ['https:', 'http:'], false)
    expect(refused).toThrow(expect.objectContaining({ code: 'service.feed-endpoint' }))
    expect(refused).toThrow(expect.not.stringContaining('sesame'))
  })

  it('may be plain on this machine, or where it is said', () => {
    for (const text of ['http://localhost:1', 'http://127.0.0.1', 'http://[::1]:8', 'https://prices.example'])
      expect(parseEndpoint(text, ['https:', 'http:'], false).href).toContain(text)
    expect(parseEndpoint('http://hermes.internal', ['https:', 'http:'], true).host).toBe('hermes.internal')
  })
})

describe('units of a price', () => {
  it('are taken out: a price of a thousand is a thousandth for one', () => {
    const [reading] = [...readHermes('pyth', BTC, [{ ...wanted[0]!, unitsExponent: 3 }])]
    expect(reading).toMatchObject({ price: { digits: 5_924_002_645_461n, exponent: -11 } })
  })
})
