/** Prices as providers send them, to parameters in force: feeds, an attested source, a service that proves; and what fails between. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Wallet } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { connectProvider, RegistryClient } from '../../prover/registry/index.ts'
import { parseFeeds } from '../../prover/service/feeds/feedConfig.ts'
import { placeOf } from '../../prover/service/feeds/places.ts'
import { type LiveEvent, type RunFeedsOptions, runFeeds } from '../../prover/service/feeds/runFeeds.ts'
import { btcFeed, ethFeed } from '../../scripts/tools/oracles/recordings.ts'
import { quickly, type Served, serveHttp, serveWebsocket } from '../service/feeds/servers.ts'
import { errorOf, temporaryFolder, zkrisk, zkriskAlone } from '../service/zkrisk.ts'
import { type ChainProxy, startChainProxy } from './chainProxy.ts'
import { serveIn } from './serveHere.ts'
import { startTryOut, type TryOut } from './tryOut.ts'
import { signerKeyFilesIn } from './signerKeys.ts'

const folder = temporaryFolder()
const SECRET = 'sesame-of-ours'
const signerKeyFile = signerKeyFilesIn(folder)
const providerKey = join(folder, 'provider.key')
writeFileSync(providerKey, `${SECRET}\n`, { mode: 0o600 })

let tryOut: TryOut
let proxy: ChainProxy
let hermes: Served
let deribit: Served
/** Time of the recording that is sent, unix seconds; both providers go on together. */
let clock = 0
/** What Hermes says of bitcoin's price, as a factor. */
let lie = 1

beforeAll(async () => {
  tryOut = await startTryOut(folder)
  proxy = await startChainProxy(tryOut.rpc)
  const provider = await connectProvider(tryOut.rpc)
  clock = (await provider.getBlock('latest'))?.timestamp ?? 0
  const bases = await Promise.all(
    ['BTC-USD', 'ETH-USD'].map(
      async (market) => (await placeOf(provider, tryOut.deployment, market)).last?.priceE8 ?? 0n,
    ),
  )
  provider.destroy()
  const [ofBtc = 0n, ofEth = 0n] = bases
  const moved = (priceE8: bigint, seconds: number): bigint => (priceE8 * BigInt(100_000 + (seconds % 997))) / 100_000n
  hermes = await serveHttp((request, response) => {
    if (request.headers.authorization !== `Bearer ${SECRET}`) return void response.writeHead(401).end()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const telling = setInterval(() => {
      clock += 5
      const parsed = (
        [
          [btcFeed, (moved(ofBtc, clock) * BigInt(lie * 10)) / 10n],
          [ethFeed, moved(ofEth, clock)],
        ] as const
      ).map(([id, price]) => ({
        id: id.slice(2),
        price: { price: String(price), conf: '1000', expo: -8, publish_time: clock },
      }))
      response.write(`data:${JSON.stringify({ binary: { encoding: 'hex', data: ['00'] }, parsed })}\n\n`)
    }, 50)
    response.on('close', () => clearInterval(telling))
  })
  deribit = await serveWebsocket((socket) => {
    socket.on('message', (data) => {
      const { id, method, params } = JSON.parse(String(data))
      socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params.channels ?? 'ok' }))
      if (method !== 'public/subscribe') return
      const notice = (channel: string, of: object) =>
        socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'subscription', params: { channel, data: of } }))
      const telling = setInterval(() => {
        const timestamp = 1000 * clock + 1
        for (const [instrument, base] of [
          ['BTC', ofBtc],
          ['ETH', ofEth],
        ] as const) {
          const index_price = Number(moved(base, clock)) / 1e8
          notice(`ticker.${instrument}-PERPETUAL.100ms`, {
            instrument_name: `${instrument}-PERPETUAL`,
            index_price,
            timestamp,
          })
        }
        notice('deribit_volatility_index.btc_usd', { index_name: 'btc_usd', volatility: 91.5, timestamp })
      }, 50)
      socket.on('close', () => clearInterval(telling))
    })
  })
})

afterAll(async () => {
  await Promise.all([hermes.close(), deribit.close(), proxy.close()])
  await tryOut.close()
})

const feedsFile = (more: object = {}) => ({
  feeds: [
    {
      ...{ name: 'pyth', kind: 'pyth', endpoint: `${hermes.url}/${SECRET}-path?token=${SECRET}`, keyFile: providerKey },
      prices: { 'BTC-USD': { id: btcFeed }, 'ETH-USD': { id: ethFeed } },
    },
    {
      ...{ name: 'deribit', kind: 'deribit', endpoint: deribit.url },
      prices: {
        'BTC-USD': { instrument: 'BTC-PERPETUAL', volatilityIndex: 'btc_usd' },
        'ETH-USD': { instrument: 'ETH-PERPETUAL' },
      },
    },
  ],
  markets: { 'BTC-USD': { leastSources: 2, ...more }, 'ETH-USD': { leastSources: 2 } },
})

/** Feeds in this process until enough was heard. */
async function runUntil(isEnough: (events: readonly LiveEvent[]) => boolean, more: Partial<RunFeedsOptions> = {}) {
  const events: LiveEvent[] = []
  const ended = new AbortController()
  const { deploymentFile: deployment, keyFile } = tryOut
  const totals = await runFeeds({
    ...{ file: parseFeeds(feedsFile(), 'test'), isRecorded: true, limits: quickly, signal: ended.signal },
    chain: { rpc: proxy.url, deployment, signerKeyFile, keyFile },
    onEvent: (event) => {
      events.push(event)
      if (isEnough(events)) ended.abort()
    },
    ...more,
  })
  return { events, totals }
}
const doorKinds = (events: readonly LiveEvent[], market?: string): readonly string[] =>
  events.flatMap((event) =>
    event.kind === 'door' && (market ?? event.market) === event.market ? [event.event.kind] : [],
  )
const latest = async (market: string) => {
  const provider = await connectProvider(tryOut.rpc)
  const place = await placeOf(provider, tryOut.deployment, market)
  provider.destroy()
  return place.last
}

describe('zkrisk feed live', () => {
  it('S36, S37: from what providers send to parameters in force, proven by a service beside it', async () => {
    const served = await serveIn(tryOut, join(folder, 'serve.sqlite'), {}, 'observations')
    const file = join(folder, 'feeds.json')
    writeFileSync(file, JSON.stringify(feedsFile()))
    const { rpc, deploymentFile, keyFile } = tryOut
    const ended = await zkriskAlone(
      ...['feed', 'live', '--feeds', file, '--rpc', rpc, '--deployment', deploymentFile, '--key-file', keyFile],
      ...['--signer-key-file', ...signerKeyFile, '--recorded', '--count', '6'],
    )
    expect(ended.stderr).toMatch(/observed {2}BTC-USD {2}.* by deribit, pyth, implied volatility 91\.5 %/)
    expect(ended.stdout).toBe('6 observations, 6 appended, 0 held, 0 refused by the door.\n')
    expect(ended.code).toBe(0)
    expect(ended.stderr + ended.stdout).not.toContain(SECRET)
    await expect
      .poll(() => tryOut.sequences(), { timeout: 120_000 })
      .toEqual({
        'BTC-USD': expect.any(BigInt),
        'ETH-USD': expect.any(BigInt),
      })
    const last = await latest('BTC-USD')
    const provider = await connectProvider(rpc)
    const client = await RegistryClient.connect({ registry: tryOut.deployment.addresses.registry, provider })
    await expect
      .poll(async () => (await client.market('BTC-USD')).parameters?.asOf, { timeout: 120_000, interval: 500 })
      .toBe(last?.asOf)
    provider.destroy()
    await served.end()
  })

  it('hears prices of now, and tells observations of each second where they go nowhere', async () => {
    const live = await serveWebsocket((socket) => {
      socket.on('message', (data) => {
        const { id, method, params } = JSON.parse(String(data))
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params.channels ?? 'ok' }))
        if (method !== 'public/subscribe') return
        const ticking = setInterval(() => {
          const data = { instrument_name: 'BTC-PERPETUAL', index_price: 92_263.55, timestamp: Date.now() }
          const ticker = { jsonrpc: '2.0', method: 'subscription', params: { channel: params.channels[0], data } }
          socket.send(JSON.stringify(ticker))
        }, 100)
        socket.on('close', () => clearInterval(ticking))
      })
    })
    const began = Math.floor(Date.now() / 1000)
    const args = [
      '--deribit',
      'BTC-USD=BTC-PERPETUAL',
      '--deribit-endpoint',
      live.url,
      '--dry-run',
      '--every',
      '1',
      '--count',
      '3',
    ]
    const ended = await zkriskAlone('feed', 'live', ...args)
    await live.close()
    expect(ended.stdout).toBe('3 observations.\n')
    const times = [...ended.stderr.matchAll(/observed {2}BTC-USD {2}92263\.55 as of (\S+) by deribit/g)].map(
      ([, time = '']) => Date.parse(time) / 1000,
    )
    expect(times.length).toBeGreaterThanOrEqual(3)
    expect(times.slice(1).map((time, i) => time - (times[i] ?? 0))).toEqual(times.slice(1).map(() => 1))
    expect(times[0]).toBeGreaterThanOrEqual(began)
  })

  it('S34: goes on with one feed while another floods', async () => {
    const garbage = `data:${JSON.stringify({ parsed: [], note: 'x'.repeat(200) }).slice(0, -1)}\n\n`.repeat(5000)
    const flood = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      const flooding = setInterval(() => response.writableNeedDrain || response.write(garbage), 1)
      response.on('close', () => clearInterval(flooding))
    })
    const quiet = await serveWebsocket((socket) => {
      socket.on('message', (data) => {
        const { id, params } = JSON.parse(String(data))
        socket.send(JSON.stringify({ jsonrpc: '2.0', id, result: params.channels ?? 'ok' }))
      })
      const ticking = setInterval(() => {
        const data = { instrument_name: 'BTC-PERPETUAL', index_price: 92_263.55, timestamp: Date.now() }
        const params = { channel: 'ticker.BTC-PERPETUAL.100ms', data }
        socket.send(JSON.stringify({ jsonrpc: '2.0', method: 'subscription', params }))
      }, 100)
      socket.on('close', () => clearInterval(ticking))
    })
    const feeds = [
      { name: 'pyth', kind: 'pyth', endpoint: flood.url, prices: { 'BTC-USD': { id: btcFeed } } },
      { name: 'deribit', kind: 'deribit', endpoint: quiet.url, prices: { 'BTC-USD': { instrument: 'BTC-PERPETUAL' } } },
    ]
    const file = parseFeeds({ feeds, markets: { 'BTC-USD': { everySeconds: 1 } } }, 'test')
    const events: LiveEvent[] = []
    const onEvent = (event: LiveEvent): number => events.push(event)
    const signal = new AbortController().signal
    const { observed } = await runFeeds({ file, limits: { ...quickly, waiting: 1000 }, count: 5, signal, onEvent })
    await Promise.all([flood.close(), quiet.close()])
    expect(observed).toBe(5)
    expect(events.filter((event) => event.kind === 'too-few')).toEqual([])
    const refused = events.filter((event) => event.kind === 'refused' && event.condition === 'not-json')
    const dropped = events.reduce((sum, event) => sum + (event.kind === 'flooded' ? event.dropped : 0), 0)
    expect(refused.length).toBeGreaterThan(1000)
    expect(dropped).toBeGreaterThan(1000)
  })

  it('S35: keeps observations while the node is away, and appends each once when it is back', async () => {
    const { events, totals } = await runUntil((all) => {
      const observed = all.filter(({ kind }) => kind === 'observed').length
      if (observed === 2) proxy.fault = 'away'
      const isAway = all.some(({ kind }) => kind === 'sending-fails')
      if (isAway && observed >= 8) proxy.fault = 'none'
      return all.some(({ kind }) => kind === 'sending-again') && doorKinds(all).length >= 10
    })
    const kinds = events.map(({ kind }) => kind)
    expect(kinds.filter((kind) => kind === 'sending-fails').length).toBe(1)
    expect(kinds).not.toContain('passed-over')
    expect(totals.unsent).toBe(0)
    expect(totals.appended).toBe(totals.observed)
    expect(new Set(doorKinds(events))).toEqual(new Set(['appended']))
  })

  it('S81: ends in time while nothing is mined, and says which transaction waits', async () => {
    const provider = await connectProvider(tryOut.rpc)
    await provider.send('evm_setAutomine', [false])
    let url = ''
    const ended = new AbortController()
    const ready = async () => (url === '' ? '' : await (await fetch(`${url}/readyz`)).text())
    const running = runUntil(
      (all) => {
        url = all.find((event) => event.kind === 'listening')?.url ?? ''
        return false
      },
      { http: '127.0.0.1:0', signal: ended.signal },
    )
    try {
      await expect.poll(ready, { timeout: 120_000 }).toMatch(/transaction 0x[0-9a-f]{64} waits to be mined since /)
      ended.abort()
      const { totals, events } = await running
      expect(totals).toMatchObject({ appended: 0, unsent: totals.observed })
      expect(events.at(-1)).toEqual({ kind: 'unsent', observations: totals.observed })
    } finally {
      await provider.send('evm_setAutomine', [true])
      await provider.send('evm_mine', [])
      provider.destroy()
    }
  })

  it('S39: makes nothing without one of two feeds, and says why', async () => {
    let asked: Promise<Response> | undefined
    let answer: Response | undefined
    await deribit.close()
    const { events } = await runUntil(
      (all) => {
        const listening = all.find((event) => event.kind === 'listening')
        const isSilent = all.filter(({ kind }) => kind === 'too-few').length >= 4
        if (isSilent) asked ??= fetch(`${listening?.url}/readyz`)
        asked?.then((found) => {
          answer ??= found
        })
        return answer !== undefined
      },
      { http: '127.0.0.1:0' },
    )
    expect(events.filter(({ kind }) => kind === 'observed')).toEqual([])
    expect(events.find(({ kind }) => kind === 'too-few')).toMatchObject({ found: 1, wanted: 2 })
    expect(answer?.status).toBe(503)
    expect(await answer?.text()).toMatch(/"feed deribit","ok":false,"says":"not connected: /)
  })

  it('S32: one feed that is believed alone and lies is held by the door, or refused beyond its factor', async () => {
    const { feeds } = feedsFile()
    const file = parseFeeds({ feeds: feeds.slice(0, 1) }, 'test')
    const before = await latest('BTC-USD')
    lie = 3
    const held = await runUntil((all) => doorKinds(all, 'BTC-USD').length >= 1, { file })
    lie = 10
    const jumped = await runUntil(
      (all) => all.some((event) => event.kind === 'refused') && doorKinds(all, 'ETH-USD').length >= 2,
      { file },
    )
    lie = 1
    expect(doorKinds(held.events, 'BTC-USD')[0]).toBe('held')
    expect(jumped.events.filter(({ kind }) => kind === 'refused')[0]).toMatchObject({ feed: 'pyth', condition: 'jump' })
    expect(doorKinds(jumped.events, 'BTC-USD')).toEqual([])
    // The other market goes on.
    expect(new Set(doorKinds(jumped.events, 'ETH-USD'))).toEqual(new Set(['appended']))
    expect((await latest('BTC-USD'))?.priceE8).toBe(before?.priceE8)
  })
})

describe('what is refused at the start', () => {
  const live = (...args: readonly string[]) => zkrisk('feed', 'live', '--json', ...args)
  const one = ['--deribit', 'BTC-USD=BTC-PERPETUAL']

  it.each([
    [[], 'service.no-feed', 2],
    [['--deribit', 'BTC-USD'], 'service.feed-pair', 2],
    [['--deribit', 'BTC-USD=X-Y', 'BTC-USD=Z-W', '--dry-run'], 'service.feed-pair', 2],
    [['--pyth', 'BTC-USD=0xabc', '--dry-run'], 'service.feed-flag', 2],
    [[...one, '--least-sources', '2', '--dry-run'], 'service.feed-flag', 2],
    [[...one, '--pyth-mode', 'poll', '--dry-run'], 'service.option-alone', 2],
    [[...one, '--speed', '60', '--dry-run'], 'service.option-alone', 2],
    [['--pyth', `BTC-USD=${'0x'.padEnd(66, 'e')}`, '--volatility-index', 'BTC-USD=btc_usd'], 'service.option-alone', 2],
    [[...one, '--volatility-index', 'ETH-USD=eth_usd', '--dry-run'], 'service.feed-flag-market', 2],
    [[...one, '--price-units', 'ETH-USD=1000', '--dry-run'], 'service.feed-flag-market', 2],
    [[...one, '--price-units', 'BTC-USD=1000', '--rpc', 'http://127.0.0.1:1'], 'service.usage', 2],
    [[...one, '--deribit-endpoint', 'ws://prices.example', '--dry-run'], 'service.feed-endpoint', 1],
    [[...one, '--feeds', 'x.json'], 'service.option-besides', 2],
    [['--feeds', join(folder, 'none.json'), '--dry-run'], 'service.feed-file', 1],
    [['--recording', 'BTC-USD=x.csv', '--dry-run'], 'service.feed-recording-live', 2],
    [[...one, '--rpc', 'http://127.0.0.1:1', '--dry-run'], 'service.option-besides', 2],
    [[...one, '--rpc', 'http://127.0.0.1:1'], 'service.usage', 2],
    [one, 'service.usage', 2],
  ] as const)('%j: %s', async (args, code, exit) => {
    const ended = await live(...args)
    expect(errorOf(ended).code).toBe(code)
    expect(ended.code).toBe(exit)
  })

  it('names the flag and its market, not a field of a file that nobody wrote', async () => {
    const messageOf = async (...args: readonly string[]) => errorOf(await live(...args, '--dry-run')).message
    expect(await messageOf('--pyth', 'BTC-USD=0xabc')).toMatch(/^--pyth, BTC-USD: expected 0x and 64 hexadecimal/)
    expect(await messageOf(...one, '--least-sources', '2')).toMatch(
      /^--least-sources, BTC-USD: 2 feeds must agree, and one/,
    )
    expect(await messageOf(...one, '--price-units', 'BTC-USD=3')).toMatch(/^--price-units, BTC-USD: expected a power/)
    expect(await messageOf('--deribit', 'BTC-USD=b')).toMatch(/^--deribit, BTC-USD: expected/)
    expect(await messageOf('--deribit', `${'B'.repeat(32)}=BTC-PERPETUAL`)).toMatch(
      /^--deribit, B{32}: expected a market’s/,
    )
  })

  it('is a market that the deployment does not know, and keys that are not the source’s', async () => {
    const { rpc, deploymentFile, keyFile } = tryOut
    const place = ['--rpc', rpc, '--deployment', deploymentFile, '--key-file', keyFile]
    const unknown = await live(
      '--deribit',
      'DOGE-USD=DOGE-PERPETUAL',
      ...place,
      '--recorded',
      '--signer-key-file',
      ...signerKeyFile,
    )
    expect(errorOf(unknown)).toMatchObject({ code: 'service.feed-market', market: 'DOGE-USD' })
    // A development chain lives in 2020, where nothing of now can enter.
    const early = await live(...one, ...place, '--signer-key-file', ...signerKeyFile)
    expect(errorOf(early).code).toBe('service.feed-chain-time')
    const recorded = [...place, '--recorded']
    const stranger = join(folder, 'stranger.key')
    writeFileSync(stranger, `${Wallet.createRandom().privateKey}\n`, { mode: 0o600 })
    const others = await live(...one, ...recorded, '--signer-key-file', signerKeyFile[0] ?? '', stranger)
    expect(errorOf(others).code).toBe('service.signers')
  })

  it.each([
    ['{"feeds":[]}', 'feeds'],
    ['{"feeds":[{"name":"a","kind":"kraken","prices":{}}]}', 'feeds[0].kind'],
    ['{"feeds":[{"name":"a","kind":"deribit","prices":{}}]}', 'feeds.a.prices'],
    [
      '{"feeds":[{"name":"a","kind":"deribit","prices":{"X":{"instrument":"X-PERPETUAL","colour":"red"}}}]}',
      'feeds[0].prices.X.colour',
    ],
    ['{"feeds":[{"name":"a","kind":"deribit","prices":{"X":{"instrument":"X-P"}}}],"markets":{"Y":{}}}', 'markets.Y'],
    ['{"feeds":[1,],"feeds":[]}', ''],
    [
      '{"feeds":[{"name":"a","kind":"deribit","prices":{"X":{"instrument":"X-P"}}}],"markets":{"X":{"leastSorces":2}}}',
      'markets.X.leastSorces',
    ],
  ])('is a file with a wrong field: %s', async (text, field) => {
    const file = join(folder, 'wrong.json')
    writeFileSync(file, text)
    const error = errorOf(await live('--feeds', file, '--dry-run'))
    expect(error).toMatchObject({ code: 'service.feed-file', field })
    expect(error.message).not.toMatch(/\^|\[a-z|Invalid/)
    if (field.endsWith('Sorces')) expect(error.message).toContain('did you mean `leastSources`?')
  })
})

describe('zkrisk feed replay --speed', () => {
  it('plays as fast as it may, tells gaps, and means nothing beside --pause', async () => {
    const csv = join(folder, 'prices.csv')
    const { asOf, priceE8 } = (await latest('ETH-USD')) ?? { asOf: 0n, priceE8: 0n }
    const first = Math.max(Number(asOf), clock) + 60
    const rows = [0, 60, 120, 180, 480, 540].map((after) => `${first + after},${Number(priceE8) / 1e8}`)
    writeFileSync(csv, `time,price\n${rows.join('\n')}\n`)
    const args = [
      'feed',
      'replay',
      csv,
      '--market',
      'ETH-USD',
      '--rpc',
      tryOut.rpc,
      '--deployment',
      tryOut.deploymentFile,
    ]
    const ended = await zkrisk(...args, '--speed', 'max')
    expect(ended.stdout).toBe('6 times attested; 1 gap between them.\n')
    expect(ended.stderr).toContain('Nothing was recorded for 5 min before')
    const both = await zkrisk(...args, '--speed', '60', '--pause', '1', '--json')
    expect(errorOf(both).code).toBe('service.option-besides')
    expect((await zkrisk(...args, '--speed', 'fast')).code).toBe(2)
  })
})
