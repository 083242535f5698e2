/** What a process of feeds shows of itself, and to whom. */
import { request } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { FeedFigures } from '../../../prover/service/feeds/feedFigures.ts'
import { openFeedHttp } from '../../../prover/service/feeds/feedHttp.ts'
import { FeedLog } from '../../../prover/service/feeds/feedLog.ts'
import { refusal } from '../../../prover/service/feeds/priceFeed.ts'

const opened: { close(): Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
})

const feeds = new Map([
  ['pyth', ['BTC-USD', 'ETH-USD']],
  ['deribit', ['BTC-USD']],
])
const figuresOf = (seconds: number) => new FeedFigures(feeds, { readingSeconds: seconds, observationSeconds: seconds })
const failing = (figures: FeedFigures) => figures.ready().checks.filter(({ ok }) => !ok)
const tick = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('S39: readiness', () => {
  it('names the feed that is not connected, with the reason, and the feed that has nothing of a market', async () => {
    const figures = figuresOf(0.05)
    for (const feed of feeds.keys()) figures.event({ kind: 'connected', feed })
    figures.event({
      kind: 'disconnected',
      feed: 'deribit',
      code: 'service.feed-broken',
      says: 'the connection broke',
      retryMs: 1,
    })
    await tick(100)
    figures.taken('pyth', 'BTC-USD')
    figures.landed('BTC-USD', 'appended')
    expect(failing(figures).map(({ name, says }) => `${name}: ${says}`)).toEqual([
      'feed pyth: no reading of ETH-USD for 0 s',
      'feed deribit: not connected: the connection broke',
      'market ETH-USD: no observation for 0 s: see what is said of its steps',
    ])
  })

  it('is well while all is heard, and tells that nothing can be sent until it can', () => {
    const figures = figuresOf(60)
    for (const feed of feeds.keys()) figures.event({ kind: 'connected', feed })
    expect(figures.ready().ready).toBe(true)
    figures.sendingFails('the node is away')
    expect(failing(figures)).toEqual([{ name: 'sending', ok: false, says: 'the node is away' }])
    figures.sendingFails(undefined)
    expect(figures.ready().ready).toBe(true)
  })

  it('S72: fails while the clock is off the chain’s, and says by how much', async () => {
    const figures = new FeedFigures(new Map(), { readingSeconds: 60, observationSeconds: 60 })
    expect(figures.ready().ready).toBe(true)
    figures.clockIsOff('the chain is 10 min ahead of this machine')
    expect(failing(figures)).toEqual([{ name: 'clock', ok: false, says: 'the chain is 10 min ahead of this machine' }])
    expect(await figures.registry.metrics()).toContain('zkrisk_feed_clock_ok 0\n')
    figures.clockIsOff(undefined)
    expect(figures.ready().ready).toBe(true)
    expect(await figures.registry.metrics()).toContain('zkrisk_feed_clock_ok 1\n')
  })
})

describe('S39: metrics', () => {
  it('count readings, refusals by why, what was left out, and tell ages', async () => {
    const figures = figuresOf(60)
    figures.event({ kind: 'connected', feed: 'pyth' })
    figures.event(refusal('pyth', 'decimals', '7'))
    figures.event(refusal('pyth', 'decimals', '7'))
    figures.event({ kind: 'flooded', feed: 'pyth', dropped: 12 })
    figures.taken('pyth', 'BTC-USD')
    figures.step('BTC-USD', 'too-few', 3)
    figures.landed('BTC-USD', 'held')
    const text = await figures.registry.metrics()
    for (const line of [
      'zkrisk_feed_refused_total{feed="pyth",reason="decimals"} 2',
      'zkrisk_feed_dropped_total{feed="pyth"} 12',
      'zkrisk_feed_readings_total{feed="pyth",market="BTC-USD"} 1',
      'zkrisk_feed_steps_total{market="BTC-USD",outcome="too-few"} 3',
      'zkrisk_feed_observations_total{market="BTC-USD",outcome="held"} 1',
      'zkrisk_feed_connected{feed="pyth"} 1',
      'zkrisk_feed_connected{feed="deribit"} 0',
      'zkrisk_feed_ready 0',
    ])
      expect(text).toContain(`${line}\n`)
    expect(text).toMatch(/zkrisk_feed_reading_age_seconds\{feed="pyth",market="ETH-USD"\} \d/)
    expect(text).toMatch(/zkrisk_feed_observation_age_seconds\{market="BTC-USD"\} \d/)
  })

  it('are served to this machine alone, and to nobody who asks by another name', async () => {
    const figures = figuresOf(60)
    const http = await openFeedHttp('127.0.0.1:0', figures)
    opened.push(http)
    const [metrics, ready, live, other] = await Promise.all(
      ['/metrics', '/readyz', '/livez', '/elsewhere'].map((path) => fetch(`${http.url}${path}`)),
    )
    expect([metrics?.status, ready?.status, live?.status, other?.status]).toEqual([200, 503, 200, 404])
    expect(await ready?.json()).toMatchObject({ ready: false })
    for (const feed of feeds.keys()) figures.event({ kind: 'connected', feed })
    expect((await fetch(`${http.url}/readyz`)).status).toBe(200)
    expect((await fetch(`${http.url}/metrics`, { method: 'POST' })).status).toBe(405)
    const asked = await new Promise<number | undefined>((resolve) => {
      request(`${http.url}/metrics`, { headers: { host: 'elsewhere.example' } }, ({ statusCode }) =>
        resolve(statusCode),
      ).end()
    })
    expect(asked).toBe(403)
    await expect(openFeedHttp('0.0.0.0:0', figures)).rejects.toMatchObject({ code: 'service.feed-http-exposed' })
    await expect(openFeedHttp(http.url.slice('http://'.length), figures)).rejects.toMatchObject({
      code: 'service.http-port',
    })
  })
})

describe('lines about the same refusals', () => {
  it('are told once a minute, with how many there were; other reasons and feeds at once', () => {
    const log = new FeedLog()
    const at = (seconds: number, feed = 'pyth', condition: 'decimals' | 'old' = 'decimals') =>
      log.line(refusal(feed, condition, '7'), 1000 * seconds)
    expect(at(0)).toContain('decimals')
    for (let i = 1; i < 60; i++) expect(at(i)).toBeUndefined()
    expect(at(30, 'deribit')).toContain('deribit')
    expect(at(30, 'pyth', 'old')).toContain('old')
    expect(at(60)).toContain('(and 59 more')
    expect(at(61)).toBeUndefined()
    expect(log.line({ kind: 'connected', feed: 'pyth' }, 61_000)).toContain('connected')
    // A clock that was put back keeps nothing from being told.
    expect(at(-600)).toContain('(and 1 more')
    expect(at(-590)).toBeUndefined()
  })

  it('quote strangers briefly, and nothing that a terminal obeys', () => {
    const event = refusal('pyth', 'not-json', `\u001b[31m${'x'.repeat(1e6)}\u0007\n2024 info all is well`)
    const line = new FeedLog().line(event, 0) ?? ''
    expect(line.length).toBeLessThan(300)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: none may be there
    expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
  })
})
