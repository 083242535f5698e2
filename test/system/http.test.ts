/** The HTTP interface of a running service, before a chain with an engine: who may ask what, and what is answered when things fail. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { connectProvider } from '../../prover/registry/index.ts'
import { SqliteJobStore } from '../../prover/service/daemon/stores/sqliteJobStore.ts'
import { SqliteRequestStore } from '../../prover/service/daemon/stores/sqliteRequestStore.ts'
import { runServe } from '../../prover/service/daemon/serving.ts'
import { Board } from '../../prover/service/http/board.ts'
import { FeedFigures } from '../../prover/service/feeds/feedFigures.ts'
import { readApiKeys } from '../../prover/service/http/apiKeys.ts'
import { Figures } from '../../prover/service/http/figures.ts'
import { FleetGauges } from '../../prover/service/http/fleet.ts'
import { limitsFor, ReadinessWatch, type ReadinessParts } from '../../prover/service/http/readiness.ts'
import type { SurfaceOptions } from '../../prover/service/http/surface.ts'
import { writeSecretFile } from '../../prover/service/wholeFile.ts'
import { FaultProxy } from '../../scripts/tools/chains/faultProxy.ts'
import { nodeCalls } from '../../scripts/tools/chains/nodeCalls.ts'
import { fuzzHttp } from '../../scripts/tools/httpFuzz.ts'
import { shiftClock } from '../../scripts/tools/shiftedClock.ts'
import { temporaryFolder, zkrisk } from '../service/zkrisk.ts'
import { type ChainProxy, startChainProxy } from './chainProxy.ts'
import { type Served, serveIn } from './serveHere.ts'
import { startTryOut, type TryOut } from './tryOut.ts'

const folder = temporaryFolder()
const keys = Object.fromEntries(
  ['reader', 'prover', 'operator', 'all'].map((name) => [name, randomBytes(32).toString('hex')]),
)
const apiKeys = join(folder, 'keys.json')

let tryOut: TryOut
beforeAll(async () => {
  tryOut = await startTryOut(folder)
  const scopes = { reader: ['read'], prover: ['prove'], operator: ['operate'], all: ['read', 'prove', 'operate'] }
  const all = Object.entries(scopes).map(([name, may]) => ({ name, key: keys[name], scopes: may }))
  writeSecretFile(apiKeys, JSON.stringify({ keys: all }))
})
afterAll(() => tryOut?.close())

const serveHere = (name: string, surface: Partial<SurfaceOptions> = {}) =>
  serveIn(tryOut, join(folder, name, 'serve.sqlite'), { apiKeys, ...surface })

const read = (file: string): string => readFileSync(join(import.meta.dirname, '..', '..', file), 'utf8')
const bearer = (key: string | undefined) => ({ authorization: `Bearer ${key}` })
const once = () => ({ 'idempotency-key': randomUUID() })

const eventOf = (line: string): string => JSON.parse(line).event

async function problemOf(response: Response) {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  return (await response.json()) as { status: number; code: string; detail: string; type: string; errors?: unknown }
}

async function until<Value>(look: () => Promise<Value | undefined>): Promise<Value> {
  for (let tries = 0; tries < 1200; tries++) {
    const found = await look()
    if (found !== undefined) return found
    await sleep(50)
  }
  throw new Error('it has not come in a minute')
}

/** As a process of feeds shows them to which everything has happened once. */
function metricsOfFeeds(): Promise<string> {
  const figures = new FeedFigures(new Map([['one', ['BTC-USD']]]), { readingSeconds: 60, observationSeconds: 60 })
  figures.event({ kind: 'disconnected', feed: 'one', code: 'service.feed-closed', says: 'closed', retryMs: 500 })
  figures.event({ kind: 'stalled', feed: 'one', of: 'messages', silentMs: 25_000 })
  figures.event({ kind: 'flooded', feed: 'one', dropped: 1 })
  figures.refuse('one', 'shape')
  figures.step('BTC-USD', 'too-few')
  figures.expectRounds('BTC-USD', 60)
  return figures.registry.metrics()
}

/** As a service with a database shows them; `fleet.test.ts` has those of real workers. */
async function metricsOfFleet(): Promise<string> {
  const registry = new Registry()
  const worker = { name: 'one', mayWait: false, inHand: 1, silentSeconds: 1, isLive: true }
  const queue = [{ circuit: 'riskArray5', status: 'waiting', jobs: 1, oldestSeconds: 1 }] as const
  const doubts = [{ worker: 'one', wrong: 3, code: 'proof.unsatisfied', secondsAgo: 1 }]
  await new FleetGauges(registry, { standing: async () => ({ workers: [worker], queue, doubts }) }).look()
  return registry.metrics()
}

describe('the HTTP interface', () => {
  let served: Served
  let node: FaultProxy
  beforeAll(async () => {
    node = await FaultProxy.start(tryOut.rpc)
    served = await serveIn({ ...tryOut, rpc: node.url }, join(folder, 'main', 'serve.sqlite'), { apiKeys })
  })
  afterAll(async () => {
    await served?.end()
    node?.close()
  })

  const ask = (path: string, init: RequestInit = {}) => fetch(`${served.url}${path}`, init)
  const json = async (path: string) => (await ask(path)).json()
  const post = (path: string, headers: Record<string, string>, body?: unknown) =>
    ask(path, {
      method: 'POST',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })

  const writes = [
    ['/v1/proof-requests', 'prove', 202],
    ['/v1/prover/pause', 'operate', 200],
    ['/v1/prover/resume', 'operate', 200],
  ] as const

  it.each(writes)('W1: %s needs a key of the scope %s, whoever asks', async (path, scope, status) => {
    const expected = { none: 401, other: 401, reader: 403, prover: 403, operator: 403, all: status } as Record<
      string,
      number
    >
    expected[scope === 'prove' ? 'prover' : 'operator'] = status
    const roles = { ...keys, none: undefined, other: randomBytes(32).toString('hex') } as Record<
      string,
      string | undefined
    >
    for (const [role, key] of Object.entries(roles)) {
      const response = await post(path, { ...once(), ...(key === undefined ? {} : bearer(key)) })
      expect({ role, status: response.status }).toEqual({ role, status: expected[role] })
    }
  })

  it('W1: reads are open at a loopback address, and only to who asks for it by a loopback name', async () => {
    expect((await ask('/v1/markets')).status).toBe(200)
    // Who shows a key learns at once that it is another service's.
    const shown = async (headers: Record<string, string>) =>
      (await fetch(`${served.url}/v1/markets`, { headers })).status
    expect(await shown(bearer(keys.prover))).toBe(200)
    expect(await shown(bearer(randomBytes(32).toString('hex')))).toBe(401)
    expect(await shown({ authorization: 'Basic dGhlOnByb3h5' })).toBe(200)
    const { port } = new URL(served.url)
    const answer = await raw(
      Number(port),
      'GET /v1/markets HTTP/1.1\r\nHost: rebound.example:8080\r\nConnection: close\r\n\r\n',
    )
    expect(answer).toContain('421')
    expect(answer).toContain('http.host-refused')
    const own = await raw(Number(port), `GET /livez HTTP/1.1\r\nHost: localhost:${port}\r\nConnection: close\r\n\r\n`)
    expect(own).toContain('200 OK')
  })

  it('W1: without keys nobody may write, and beyond loopback the service does not begin', async () => {
    const closed = await serveHere('closed', { apiKeys: undefined })
    const response = await fetch(`${closed.url}/v1/prover/pause`, {
      method: 'POST',
      headers: { ...once(), ...bearer(keys.all) },
    })
    expect(response.status).toBe(403)
    const closedFor = await problemOf(response)
    expect(closedFor).toMatchObject({
      ...{ code: 'http.writes-closed', title: 'The service has no API keys', status: 403 },
      detail: expect.stringMatching(/--api-keys <file>/),
    })
    // The file that it shows is one that the service takes.
    const [shown] = /\{ "keys".* \}/.exec(String(closedFor.detail)) ?? []
    writeSecretFile(join(folder, 'shown.json'), (shown ?? '').replace('<openssl rand -hex 32>', String(keys.all)))
    expect(readApiKeys(join(folder, 'shown.json')).isEmpty).toBe(false)
    await closed.end()
    await expect(serveHere('exposed', { http: '0.0.0.0:0', apiKeys: undefined })).rejects.toMatchObject({
      code: 'service.http-exposed',
    })
    const exposed = await serveHere('exposed', { http: '0.0.0.0:0' })
    const url = exposed.url.replace('0.0.0.0', '127.0.0.1')
    expect((await fetch(`${url}/v1/markets`)).status).toBe(401)
    expect((await fetch(`${url}/metrics`)).status).toBe(401)
    expect((await fetch(`${url}/v1/markets`, { headers: bearer(keys.prover) })).status).toBe(403)
    expect((await fetch(`${url}/v1/markets`, { headers: bearer(keys.reader) })).status).toBe(200)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    await exposed.end()
  })

  it('says what it does not have by name, and makes nothing up', async () => {
    for (const path of ['/v1/margins', '/v1/accounts', '/v1/open-interest', '/v1/hedge', '/v1/liquidations']) {
      const response = await ask(path)
      const { code, detail, type } = await problemOf(response)
      expect([path, response.status, code]).toEqual([path, 404, 'http.no-portfolio-registry'])
      expect(type).toBe('urn:zkrisk:problem:http.no-portfolio-registry')
      expect(detail).toContain('docs/portfolio.md')
    }
    const codes = {
      '/v1/markets/DOGE-USD': 'http.unknown-market',
      [`/v1/batches/${'0'.repeat(64)}`]: 'http.unknown-batch',
      '/v1/batches/zero': 'http.invalid',
      '/v1/batches?limit=0': 'http.invalid',
      '/v1/nothing': 'http.unknown-address',
    }
    for (const [path, code] of Object.entries(codes))
      expect([path, (await problemOf(await ask(path))).code]).toEqual([path, code])
  })

  it('says what was expected of a request in its own words, not with patterns or those of a library', async () => {
    const details = {
      '/v1/batches/zero': 'address.batch: expected 64 hexadecimal digits, as /v1/batches lists them',
      '/v1/batches?limit=0': 'query.limit: expected at least 1',
      '/v1/batches?limit=1001': 'query.limit: expected at most 1000',
      '/v1/batches?limit=x': 'query.limit: expected a number',
      '/v1/batches?limit=1.5': 'query.limit: expected a whole number',
      '/v1/batches?limt=5': 'query: expected nothing called "limt"',
      '/v1/accounts/0x12': 'address.account: expected 0x and 40 hexadecimal digits',
      '/v1/markets/BTC%20USD': 'address.market: expected a market’s name, such as BTC-USD',
      '/v1/proof-requests/7': 'address.request: expected an id as its request was answered with',
    }
    for (const [path, detail] of Object.entries(details)) {
      const told = await problemOf(await ask(path))
      expect([path, told.detail]).toEqual([path, `Expected a request as /openapi.json describes it; ${detail}.`])
    }
    expect((await ask('/v1/batches?limit=1000')).status).toBe(200)
    const headers = { ...bearer(keys.prover), ...once() }
    const bodies = [{ markets: 'BTC-USD' }, { markets: [] }, { market: ['BTC-USD'] }]
    const told = await Promise.all(
      bodies.map(async (body) => problemOf(await post('/v1/proof-requests', headers, body))),
    )
    expect(told.map(({ errors }) => errors)).toEqual([
      [{ at: 'body.markets', says: 'expected a list' }],
      [{ at: 'body.markets', says: 'expected at least 1 of them' }],
      [{ at: 'body', says: 'expected nothing called "market"' }],
    ])
  })

  it('describes itself in OpenAPI 3.1, every address with its problem documents', async () => {
    const { openapi, paths } = await json('/openapi.json')
    expect(openapi).toBe('3.1.0')
    expect(Object.keys(paths).length).toBeGreaterThan(20)
    for (const [path, of] of Object.entries(paths as Record<string, Record<string, { responses: object }>>)) {
      for (const { responses } of Object.values(of))
        expect([path, Object.keys(responses)]).toEqual([path, expect.arrayContaining(['4XX'])])
    }
    expect(paths).toMatchObject({ '/metrics': { get: {} }, '/v1/events': { get: {} } })
    const { security } = paths['/v1/prover/pause'].post
    expect(security).toEqual([{ key: [] }])
  })

  it('W3: a thousand posts of one key at once are one request with one answer; another question under that key is refused', async () => {
    const { waitingRequests: before } = await json('/v1/status')
    const headers = { ...bearer(keys.prover), 'idempotency-key': 'a-thousand-times' }
    const answers = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        await sleep(Math.floor(i / 100))
        return untilTaken(() => post('/v1/proof-requests', headers, { markets: ['BTC-USD'] }))
      }),
    )
    const bodies = await Promise.all(answers.map((answer) => answer.json()))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    expect(new Set(bodies.map(({ id }) => id)).size).toBe(1)
    expect((await json('/v1/status')).waitingRequests).toBe(before + 1)
    const other = await post('/v1/proof-requests', headers, { markets: ['ETH-USD'] })
    expect((await problemOf(other)).code).toBe('http.idempotency-key-reused')
    // Of another client the same key is another one.
    expect(
      (await post('/v1/proof-requests', { ...headers, ...bearer(keys.all) }, { markets: ['ETH-USD'] })).status,
    ).toBe(202)
    const missing = await post('/v1/proof-requests', bearer(keys.prover), { markets: ['BTC-USD'] })
    expect((await problemOf(missing)).code).toBe('http.idempotency-key-missing')
  })

  it('proves what is asked for although no trigger fires, and shows it from bundle to verdict and series', async () => {
    const listed = async () =>
      (await json('/v1/markets')).markets.find((each: { market: string }) => each.market === 'BTC-USD')
    expect(await listed()).toMatchObject({ sequence: 0 })
    const asked = await (await post('/v1/proof-requests', { ...bearer(keys.prover), ...once() })).json()
    expect(asked.markets).toEqual(['BTC-USD', 'ETH-USD'])
    await tryOut.feed(1)
    const begun = await until(async () => {
      const request = await fetch(`${served.url}/v1/proof-requests/${asked.id}`).then((response) => response.json())
      return request.status === 'begun' ? request : undefined
    })
    const batch = await until(async () => {
      const found = await json(`/v1/batches/${begun.job}`)
      return found.status === 'confirmed' ? found : undefined
    })
    expect(batch.trigger).toContain('asked for: BTC-USD')
    expect(batch.stepSeconds.prove).toBeGreaterThan(0)
    expect(batch.transactions).toHaveLength(1)
    const { sending } = await json('/v1/status')
    expect(sending).toMatchObject({ endpoint: node.url, pendingTransactions: [] })
    expect(sending.lastsBatches).toBeGreaterThan(1000)
    expect(await json(`/v1/batches/${batch.id}/verdict`)).toMatchObject({ valid: true, failure: null })
    const bundle = join(folder, 'bundle.json')
    writeFileSync(bundle, Buffer.from(await (await ask(`/v1/batches/${batch.id}/bundle`)).arrayBuffer()))
    const verified = await zkrisk('verify', bundle, '--json')
    expect([verified.stderr, verified.code]).toEqual(['', 0])
    expect(JSON.parse(verified.stdout)).toMatchObject({ valid: true })
    expect((await json(`/v1/batches/${batch.id}/proof`)).proof.protocol).toBe('groth16')
    const market = await json('/v1/markets/BTC-USD')
    // A list is written once a block, and the next block's anew.
    expect([await listed(), await listed()]).toEqual([market, market])
    const { points } = await json('/v1/markets/BTC-USD/series')
    expect(points).toHaveLength(1)
    expect(points[0].sequence).toBe(market.sequence)
    expect(100 * points[0].initialMargin).toBeCloseTo(market.parameters.initialMarginPercent, 9)
    expect(points[0].bandLow).toBeLessThan(points[0].bandHigh)
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': 1n, 'ETH-USD': 1n })
  })

  it('begins nothing while it is paused, says so to whoever asks whether it is ready, and goes on when it is resumed', async () => {
    expect((await post('/v1/prover/pause', { ...bearer(keys.operator), ...once() })).status).toBe(200)
    const isTold = (line: string) => /"level":"info".*"route":"\/v1\/prover\/pause".*"by":"operator"/.test(line)
    await until(async () => served.lines.find(isTold))
    const ready = await until(async () => {
      const response = await ask('/readyz')
      const { checks } = await response.json()
      const prover = checks.find(({ name }: { name: string }) => name === 'prover')
      return prover.ok ? undefined : { status: response.status, says: prover.says }
    })
    expect(ready.status).toBe(503)
    expect(ready.says).toMatch(/^paused by operator since /)
    // When the service has taken note of it, not only when it was asked.
    const paused = await until(async () => served.lines.find((line) => eventOf(line) === 'paused'))
    expect(JSON.parse(paused)).toMatchObject({ level: 'warn', by: 'operator', since: expect.stringMatching(/^20/) })
    const asked = await (await post('/v1/proof-requests', { ...bearer(keys.prover), ...once() })).json()
    expect(asked).toMatchObject({ status: 'waiting', paused: { by: 'operator', since: JSON.parse(paused).since } })
    expect(await json(`/v1/proof-requests/${asked.id}`)).toEqual(asked)
    await tryOut.feed(1)
    await sleep(1500)
    expect(await tryOut.sequences()).toEqual({ 'BTC-USD': 1n, 'ETH-USD': 1n })
    await post('/v1/prover/resume', { ...bearer(keys.operator), ...once() })
    const resumed = await until(async () => served.lines.find((line) => eventOf(line) === 'resumed'))
    expect(JSON.parse(resumed)).toMatchObject({ level: 'info', by: 'operator' })
    await until(async () => ((await tryOut.sequences())['BTC-USD'] === 2n ? true : undefined))
    expect(await json(`/v1/proof-requests/${asked.id}`)).toEqual({
      ...{ ...asked, status: 'begun', job: expect.stringMatching(/^[0-9a-f]{64}$/) },
      paused: undefined,
    })
    await until(async () => ((await ask('/readyz')).status === 200 ? true : undefined))
  })

  it('says when it begins that it is paused, by whom and since when, and not again', async () => {
    const before = await serveHere('paused')
    const operate = { ...bearer(keys.operator), ...once() }
    expect((await fetch(`${before.url}/v1/prover/pause`, { method: 'POST', headers: operate })).status).toBe(200)
    await before.end()
    const after = await serveHere('paused')
    const told = () => after.lines.filter((line) => eventOf(line) === 'paused')
    await until(async () => told()[0])
    await sleep(500)
    expect(told().map((line) => JSON.parse(line))).toMatchObject([
      {
        level: 'warn',
        by: 'operator',
        msg: expect.stringMatching(/^paused by operator since 20\S+: before this start, no/),
      },
    ])
    await after.end()
    // Nor does it begin anything where nobody could resume it.
    await tryOut.feed(1)
    const steps: string[] = []
    const ended = new AbortController()
    const { rpc, deploymentFile: deployment, keyFile } = tryOut
    const serving = runServe({
      ...{ rpc, deployment, keyFile, store: join(folder, 'paused', 'serve.sqlite'), pollMs: 50, signal: ended.signal },
      triggers: { triggers: ['heartbeat'], heartbeatSeconds: 1 },
      onEvent: ({ step }) => void steps.push(step),
    })
    await until(async () => (steps.includes('paused') ? true : undefined))
    await sleep(500)
    ended.abort()
    await serving
    expect(steps).not.toContain('planned')
  })

  it('tells events as they come, and again from where a reader stopped', async () => {
    const response = await ask('/v1/events', { headers: { 'last-event-id': '0' } })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    let text = ''
    while (!/event: in-force\ndata: .*\n\n/.test(text))
      text += Buffer.from((await reader.read()).value ?? []).toString()
    await reader.cancel()
    expect(text).toMatch(/^retry: 2000\n\nid: 1\nevent: started\ndata: \{/)
    const data = /event: in-force\ndata: (.*)\n/.exec(text)?.[1] ?? ''
    expect(JSON.parse(data).market.name).toBe('BTC-USD')
  })

  it('has metrics under names by convention', async () => {
    const text = await (await ask('/metrics')).text()
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => [name, type] as const)
    const own = names.filter(([name]) => name.startsWith('zkrisk_'))
    expect(own.length).toBeGreaterThan(18)
    for (const [name, type] of own) {
      expect(name.endsWith('_total')).toBe(type === 'counter')
      if (type === 'histogram') expect(name).toMatch(/_seconds$/)
    }
    expect(text).toMatch(/^zkrisk_batches_total\{outcome="confirmed"\} 2$/m)
    expect(text).toMatch(/^zkrisk_initial_margin_ratio\{market="BTC-USD"\} 0\.\d+$/m)
    expect(text).toMatch(/^zkrisk_batch_stage_seconds_count\{stage="land"\} 2$/m)
    // What people send is no label: a thousand addresses are one.
    await Promise.all(Array.from({ length: 20 }, (_, i) => ask(`/v1/nothing/${i}`)))
    expect(await (await ask('/metrics')).text()).not.toContain('nothing')
  })

  it('has all that the Prometheus rules and the Grafana dashboard of scripts/operations/ ask for, and a section for each rule', async () => {
    const text = [await (await ask('/metrics')).text(), await metricsOfFeeds(), await metricsOfFleet()].join('\n')
    const known = new Map<string, Set<string>>()
    for (const [, name = '', labels = ''] of text.matchAll(/^(zkrisk_\w+)(?:\{([^}]*)\})? /gm)) {
      const found = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label)
      known.set(name, new Set([...(known.get(name) ?? []), ...found]))
    }
    for (const [, name = ''] of text.matchAll(/^# TYPE (zkrisk_\w+) (?:counter|gauge)$/gm))
      known.set(name, known.get(name) ?? new Set())
    const alerts = read('scripts/operations/alerts.yaml')
    const rules = alerts.split(/^ {6}- alert: /m).slice(1)
    const { panels } = JSON.parse(read('scripts/operations/grafana.json'))
    const shown: readonly string[] = panels.flatMap(({ targets }: { targets: { expr: string }[] }) =>
      targets.map(({ expr }) => expr),
    )
    const asked = [...rules.map((rule) => /^ {8}expr: (.+)$/m.exec(rule)?.[1] ?? ''), ...shown]
    expect([rules.length, shown.length]).toEqual([29, 30])
    for (const expression of asked.filter((each) => !each.startsWith('up{'))) {
      const metrics = [...expression.matchAll(/(zkrisk_\w+)(?:\{([^}]*)\})?/g)]
      expect([expression, metrics.length > 0]).toEqual([expression, true])
      for (const [, name = '', labels = ''] of metrics) {
        expect([name, known.has(name)]).toEqual([name, true])
        for (const [, label = ''] of labels.matchAll(/(\w+)=/g)) expect([...(known.get(name) ?? [])]).toContain(label)
      }
    }
    const sections = [...read('docs/operations.md').matchAll(/^### (.+)$/gm)].map(([, title = '']) =>
      title.toLowerCase().replaceAll(' ', '-'),
    )
    for (const rule of rules) {
      expect(rule).toMatch(/^ {10}summary: ".+"$/m)
      expect(sections).toContain(/^ {10}runbook: docs\/operations\.md#(.+)$/m.exec(rule)?.[1])
    }
  })

  it('W2: refuses who asks too fast, by name and with a time, and answers probes to them still', async () => {
    const slow = await serveHere('slow', { rate: 5 })
    const statuses = await Promise.all(Array.from({ length: 40 }, () => fetch(`${slow.url}/v1/alarms`)))
    const refused = statuses.filter(({ status }) => status === 429)
    expect(statuses.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(15)
    expect(refused.length).toBeGreaterThan(10)
    expect(refused[0]?.headers.get('retry-after')).toBe('1')
    expect((await problemOf(refused[0] as Response)).code).toBe('http.too-fast')
    expect((await fetch(`${slow.url}/livez`)).status).toBe(200)
    await slow.end()
  })

  it('W2: refuses what is sent all at once in order, a body or none, and answers the connection after it', async () => {
    // One at once, the next after three seconds.
    const slow = await serveHere('pipelined', { rate: 0.34 })
    const body = JSON.stringify({ reason: 'x'.repeat(1000) })
    const head = (method: string, url: string): string => `${method} ${url} HTTP/1.1\r\nHost: localhost\r\n`
    const post = `${head('POST', '/v1/prover/pause')}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
    const burst = Array.from({ length: 10 }, () => `${head('GET', '/v1/alarms')}\r\n`).join('')
    const last = `${head('GET', '/livez?from=here')}Connection: close\r\n\r\n`
    const socket = connect(Number(new URL(slow.url).port), '127.0.0.1').setEncoding('utf8')
    socket.write(`${burst}${head('HEAD', '/v1/alarms')}\r\n${post}${last}`)
    const told = (await socket.toArray()).join('')
    const answers = told.split(/(?=HTTP\/1\.1 \d)/)
    const statuses = answers.map((answer) => Number(answer.slice(9, 12)))
    expect(statuses).toEqual([200, ...Array.from({ length: 11 }, () => 429), 200])
    expect(answers[10]).toMatch(/\r\ncontent-length: \d+\r\n/i)
    expect(answers[10]?.endsWith('\r\n\r\n')).toBe(true)
    expect(answers[11]).toContain('"code":"http.too-fast"')
    await slow.end()
  })

  it('W2: has back what a client held that went away before its answer, and lets go of one that sends on and on', async () => {
    const busy = await serveHere('places', { rate: 10_000 })
    const port = Number(new URL(busy.url).port)
    const alarms = () => fetch(`${busy.url}/v1/alarms`)
    const head = (line: string): string => `${line} HTTP/1.1\r\nHost: localhost\r\n`
    const write = (): string =>
      `${head('POST /v1/prover/resume')}Authorization: ${bearer(keys.all).authorization}\r\nIdempotency-Key: ${randomUUID()}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'
    const gone = (sent: string): Promise<unknown> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined)
        socket.on('close', resolve).write(sent, () => setTimeout(() => socket.resetAndDestroy(), 2))
      })
    for (let i = 0; i < 30; i++) await Promise.all(Array.from({ length: 10 }, () => gone(write().repeat(3))))
    const before = await Promise.all(Array.from({ length: 60 }, alarms))
    expect(before.map(({ status }) => status).filter((status) => status !== 200)).toEqual([])

    // Nothing behind a stream is ever answered.
    const held = `${head('GET /v1/events')}\r\n`
    const many = connect(port, '127.0.0.1').on('error', () => undefined)
    const isLetGo = new Promise((resolve) => many.on('close', resolve))
    many.resume().write(held + `${head('GET /livez')}\r\n`.repeat(32))
    await isLetGo
    // Streams have places of their own: 31 of each connection, 64 of all.
    const three = Array.from({ length: 3 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
    for (const socket of three) socket.resume().write(held + `${head('GET /icon.svg')}\r\n`.repeat(31))
    const refused = await until(async () => {
      const answer = await alarms()
      return answer.status === 429 ? answer : undefined
    })
    expect((await problemOf(refused)).code).toBe('http.too-busy')
    expect((await fetch(`${busy.url}/livez`)).status).toBe(200)
    for (const socket of three) socket.destroy()
    await until(async () => ((await alarms()).status === 200 ? true : undefined))
    await busy.end()
  })

  it('W2: waits for no body of a request to an address that is none', async () => {
    const socket = connect(Number(new URL(served.url).port), '127.0.0.1').setEncoding('utf8')
    const headers = 'Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n'
    socket.write(`POST /nope HTTP/1.1\r\n${headers}[`)
    const answer = await new Promise((resolve) => socket.once('data', resolve))
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
    socket.destroy()
  })

  it('W2: holds to the limit what is no probe though it is sent to one, and what expects anything', async () => {
    const slow = await serveHere('no-probe', { rate: 5 })
    const statusesOf = async (line: string, more = ''): Promise<readonly number[]> => {
      const socket = connect(Number(new URL(slow.url).port), '127.0.0.1').setEncoding('utf8')
      const request = `${line} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`
      socket.write(`${request.repeat(29)}${line} HTTP/1.1\r\nHost: localhost\r\n${more}Connection: close\r\n\r\n`)
      const told = (await socket.toArray()).join('')
      return [...told.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
    }
    expect(new Set(await statusesOf('POST /livez', 'Content-Length: 0\r\n'))).toEqual(new Set([404, 429]))
    expect(await statusesOf('GET /v1/alarms', 'Expect: the-moon\r\n')).toContain(429)
    expect(new Set(await statusesOf('HEAD /livez'))).toEqual(new Set([200]))
    await slow.end()
  })

  it('W2: lets go of who sends a header slowly, and answers probes within 0.1 s beside three hundred of them', async () => {
    const port = Number(new URL(served.url).port)
    const sockets = Array.from({ length: 300 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
    for (const socket of sockets) socket.write('GET /v1/markets HTTP/1.1\r\nHost: localhost\r\nX-Slow: ')
    const closed = Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('close', resolve))))
    for (const socket of sockets) socket.resume()
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      const began = performance.now()
      await (await ask('/livez')).text()
      times.push(performance.now() - began)
    }
    expect(times.toSorted((a, b) => a - b)[10]).toBeLessThan(100)
    const began = performance.now()
    await closed
    expect(performance.now() - began).toBeLessThan(12_000)
  })

  it('W2: refuses a body beyond 64 KiB, and takes one below', async () => {
    const headers = { ...bearer(keys.prover), ...once() }
    const tooLarge = await post('/v1/proof-requests', headers, { markets: ['x'.repeat(70_000)] })
    expect([tooLarge.status, (await problemOf(tooLarge)).code]).toEqual([413, 'http.body-too-large'])
    const large = await post('/v1/proof-requests', headers, { markets: ['x'.repeat(60_000)] })
    expect([large.status, (await problemOf(large)).code]).toEqual([400, 'http.invalid'])
  })

  it('W5: answers nothing that is sent to it with a failure of its own', async () => {
    const { byStatus, failures } = await fuzzHttp(served.url, keys.all ?? '', 1200, 5)
    expect(failures).toEqual([])
    expect(Object.keys(byStatus).length).toBeGreaterThan(4)
    expect(byStatus['200']).toBeGreaterThan(50)
    await post('/v1/prover/resume', { ...bearer(keys.operator), ...once() })
  })

  it('S1: asks nothing of a node that is not tried to fail at every method', () => {
    const tried = [...Object.keys(nodeCalls), 'eth_sendRawTransaction']
    expect([...new Set(node.asked)].filter((method) => !tried.includes(method))).toEqual(['eth_chainId'])
  })

  it('writes no key of anybody into its log', () => {
    const text = served.lines.join('')
    expect(text).toContain('"event":"confirmed"')
    for (const key of Object.values(keys)) expect(text).not.toContain(key)
  })
})

/** What the service refuses because as much is under way is asked again. */
async function untilTaken(ask: () => Promise<Response>): Promise<Response> {
  for (let wait = 5; ; wait *= 2) {
    const response = await ask()
    if (response.status !== 429) return response
    await sleep(wait)
  }
}

function raw(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.setEncoding('utf8')
    socket.on('data', (chunk) => {
      answer += chunk
    })
    socket.on('close', () => resolve(answer)).on('error', reject)
  })
}

describe('readiness', () => {
  let proxy: ChainProxy
  beforeAll(async () => {
    proxy = await startChainProxy(tryOut.rpc)
  })
  afterAll(() => proxy?.close())

  type Turned = { readonly limits?: object; readonly keys?: ReadinessParts['keys'] }

  async function watchHere(name: string, { limits = {}, keys: ofBuilds }: Turned = {}) {
    const { deployment } = tryOut
    const provider = await connectProvider(proxy.url, deployment.chainId)
    const place = { chainId: deployment.chainId, registry: deployment.addresses.registry }
    const jobs = await SqliteJobStore.open(join(folder, name, 'serve.sqlite'), place)
    const requests = await SqliteRequestStore.open(join(folder, name, 'requests.sqlite'))
    const board = new Board()
    const figures = await Figures.open(deployment, provider)
    const account = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'
    const watch = new ReadinessWatch({
      ...{ figures, jobs, requests, board, account, rounds: undefined },
      limits: limitsFor(deployment.chainId, 3900n, { leastBalanceWei: 1000n, ...limits }),
      keys:
        ofBuilds ?? (async () => new Map(deployment.models.map((model) => [model.name, model.verificationKeyHash]))),
    })
    const look = async () => {
      requests.round()
      const began = performance.now()
      // A head is a second old at most.
      await sleep(1050)
      const { ready, checks } = await watch.look()
      expect(performance.now() - began).toBeLessThan(15_000)
      return { ready, failing: checks.filter(({ ok }) => !ok).map((check) => check.name), checks }
    }
    const says = async (check: string) => (await look()).checks.find((each) => each.name === check)?.says
    return { jobs, requests, board, look, says, provider }
  }

  it('W4: is there when all is well', async () => {
    const { look, provider } = await watchHere('well')
    expect(await look()).toMatchObject({ ready: true, failing: [] })
    provider.destroy()
  })

  it.each(['away', 'hangs'] as const)(
    'W4: goes within 15 s when the node is %s, and comes back with it',
    async (fault) => {
      const { look, says, provider } = await watchHere(fault)
      proxy.fault = fault
      expect((await look()).failing).toContain('rpc')
      expect(await says('rpc')).toContain('the node did not answer as it should')
      proxy.fault = 'none'
      expect((await look()).ready).toBe(true)
      provider.destroy()
    },
  )

  it('W4: goes when the account has too little, and says whose it is', async () => {
    const { look, says, provider } = await watchHere('poor')
    proxy.fault = 'poor'
    expect((await look()).failing).toEqual(['balance'])
    expect(await says('balance')).toMatch(
      /^0x3C44\w+ has 0\.000000000000000001, less than 0\.000000000000001: send it some$/,
    )
    proxy.fault = 'none'
    expect((await look()).ready).toBe(true)
    provider.destroy()
  })

  it('W4: goes when no block and no observation come, and comes back with them', async () => {
    await tryOut.feed(1)
    const { look, says, provider } = await watchHere('silent', {
      limits: { headAgeSeconds: 2, feedAgeSeconds: 3, lagSeconds: 2 },
    })
    expect((await look()).ready).toBe(true)
    await sleep(3000)
    expect((await look()).failing).toEqual(['head', 'feeds', 'lag'])
    expect(await says('feeds')).toMatch(
      /^BTC-USD has none since \d+ s, ETH-USD has none since \d+ s: see whoever feeds attested$/,
    )
    expect(await says('head')).toMatch(/ is the newest for \d+ s: see the node$/)
    expect(await says('lag')).toMatch(/^observations wait for a proof: BTC-USD since \d+ s/)
    await tryOut.feed(1)
    expect((await look()).failing).toEqual(['lag'])
    provider.destroy()
  })

  it.each([
    [-600, /^the chain is (10 min|9 min \d+ s|10 min \d+ s) ahead of this machine: set its clock$/],
    [
      600,
      /^this machine is (10 min|9 min \d+ s|10 min \d+ s) ahead of the chain: set its clock, or see whether the node catches up$/,
    ],
  ])('S69, W4: goes when the clock is %i s off the chain’s, and comes back when it is set', async (off, words) => {
    const limits = { hasTimeOfDay: true, headAgeSeconds: 10 ** 9 }
    const { look, says, provider } = await watchHere(`clock ${off}`, { limits })
    const chainAhead = async () => ((await provider.getBlock('latest'))?.timestamp ?? 0) - Math.floor(Date.now() / 1000)
    const right = await chainAhead()
    shiftClock(right)
    try {
      expect((await look()).failing).toEqual([])
      shiftClock(right + off)
      await provider.send('evm_mine', [])
      expect((await look()).failing).toEqual(['clock'])
      expect(await says('clock')).toMatch(words)
      shiftClock(right)
      await provider.send('evm_mine', [])
      expect((await look()).failing).toEqual([])
    } finally {
      shiftClock(0)
      provider.destroy()
    }
  })

  it('W4: goes when the last proof failed, until one is made', async () => {
    const { look, says, board, provider } = await watchHere('crashed')
    board.record({ step: 'retrying', code: 'proof.prover-crashed', detail: 'the prover ended' })
    expect((await look()).failing).toEqual(['prover'])
    expect(await says('prover')).toBe('the last proof failed: the prover ended')
    // A failure of something else says nothing of the prover.
    board.record({ step: 'proven', job: 'a' })
    board.record({ step: 'retrying', code: 'registry.rpc', detail: 'the node is away' })
    expect((await look()).ready).toBe(true)
    provider.destroy()
  })

  it('W4: goes when every round has failed for a minute, with what it failed with', async () => {
    const { look, says, requests, provider } = await watchHere('failing')
    requests.ended('the registry is another one (registry.wrong)')
    expect((await look()).ready).toBe(true)
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + 61_000)
    try {
      requests.ended('the registry is another one (registry.wrong)')
      expect((await look()).failing).toEqual(['prover'])
      expect(await says('prover')).toMatch(
        /^nothing has gone well for .*: the registry is another one \(registry\.wrong\)$/,
      )
      requests.ended(undefined)
      expect((await look()).ready).toBe(true)
    } finally {
      clock.mockRestore()
      provider.destroy()
    }
  })

  it('W4: goes when nothing can be stored, or the keys here are not the registered ones', async () => {
    const { look, jobs, says, provider } = await watchHere('full')
    await jobs.close()
    expect((await look()).failing).toEqual(['store'])
    expect(await says('store')).toMatch(/^nothing can be written: /)
    provider.destroy()
    const name = tryOut.deployment.models[0]?.name ?? ''
    const other = await watchHere('keys', { keys: async () => new Map([[name, `0x${'00'.repeat(32)}`]]) })
    expect((await other.look()).failing).toEqual(['keys'])
    expect(await other.says('keys')).toContain(name)
    other.provider.destroy()
  })
})
