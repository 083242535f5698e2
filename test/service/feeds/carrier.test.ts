/** Observations brought to contracts of sources: as signed updates of Pyth's, and attested; and what they refuse. */
import { type Contract, computeAddress, Wallet } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { parseEndpoint } from '../../../prover/service/feeds/endpoint.ts'
import { AttestingCarrier, type Carried, PythCarrier } from '../../../prover/service/feeds/carrier.ts'
import { FeedDesk } from '../../../prover/service/feeds/feedDesk.ts'
import { HermesFeed } from '../../../prover/service/feeds/hermes.ts'
import { placeOf, placeWithoutChain } from '../../../prover/service/feeds/places.ts'
import type { Deployment } from '../../../prover/registry/index.ts'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { unpack } from '../../../prover/statement/words.ts'
import { type Chain, startChain } from '../../../scripts/tools/chains/chain.ts'
import {
  btc,
  deployAccumulator,
  deployPythAdapter,
  deployWormhole,
  eth,
  ownKeys,
} from '../../../scripts/tools/oracles/oracleChain.ts'
import { pythUpdate } from '../../../scripts/tools/oracles/payloads.ts'
import { btcFeed, ethFeed } from '../../../scripts/tools/oracles/recordings.ts'
import { has, hear, quickly, serveHttp } from './servers.ts'

const START = 1_720_000_020
const guardians = ownKeys('guardian', 4)
const signerKeys = [1, 2].map((key) => new Wallet(`0x${String(key).padStart(64, '0')}`))
const prices = [
  { market: 'BTC-USD', id: btcFeed, decimals: 8, unitsExponent: 0 },
  { market: 'ETH-USD', id: ethFeed, decimals: 8, unitsExponent: 0 },
]

let chain: Chain
let adapter: Contract
let feed: Contract

beforeAll(async () => {
  chain = await startChain(new Date(1000 * (START - 600)))
  const core = await deployWormhole(
    chain,
    guardians.map((guardian) => computeAddress(guardian)),
  )
  const feeds = [
    { marketId: btc, feedId: btcFeed, decimals: 8n },
    { marketId: eth, feedId: ethFeed, decimals: 8n },
  ]
  adapter = await deployPythAdapter(chain, await deployAccumulator(chain, core), feeds)
  const signers = signerKeys.map(({ address }) => address).toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  feed = await chain.deploy('AttestedFeed', chain.signers[0]?.address, signers, 2, 50, defaultPlausibility)
})

const last = async (source: Contract, marketId: string) =>
  unpack('observation', (await source.getFunction('latest')(marketId)).lastWord)
const payer = () => chain.signers[0] as never
const updateOf = (time: number, of: readonly (readonly [string, bigint])[]): string =>
  pythUpdate(
    of.map(([id, price]) => ({ id, price, confidence: price / 1000n, exponent: -8n, publishTime: BigInt(time) })),
    guardians.slice(0, 3),
  )

describe('an adapter of Pyth’s', () => {
  test('S38: takes what a stream of Hermes brought, at its own price and time, each step the latest', async () => {
    const told = [
      [START - 31, 60_000n * 10n ** 8n, 3000n * 10n ** 8n],
      [START - 2, 60_100n * 10n ** 8n, 3010n * 10n ** 8n],
      [START - 1, 60_200n * 10n ** 8n, 3020n * 10n ** 8n],
    ] as const
    const served = await serveHttp((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const [time, ofBtc, ofEth] of told) {
        const both = [
          [btcFeed, ofBtc],
          [ethFeed, ofEth],
        ] as const
        const parsed = both.map(([id, price]) => ({
          id: id.slice(2),
          price: { price: String(price), conf: String(price / 1000n), expo: -8, publish_time: time },
        }))
        const data = [updateOf(time, both).slice(2)]
        response.write(`data:${JSON.stringify({ binary: { encoding: 'hex', data }, parsed })}\n\n`)
      }
    })
    const endpoint = parseEndpoint(served.url, ['https:', 'http:'], false)
    const events = await hear(new HermesFeed({ name: 'pyth', endpoint, prices, limits: quickly }), has('price', 6))
    await served.close()
    const source = { name: 'pyth', kind: 'other', address: adapter.target as string } as const
    const desk = new FeedDesk(
      prices.map(({ market }) => ({
        place: { ...placeWithoutChain(market), source },
        ...{
          leastSources: 1,
          maxDeviationBps: 100n,
          maxConfidenceBps: 50n,
          everySeconds: 30,
          inForceSeconds: 15,
          spacingSeconds: 30,
        },
      })),
      true,
    )
    for (const event of events) if (event.kind === 'price') desk.take(event, 0)
    const { observations } = desk.close(START)
    // The least spacing of the door: 29 s after the one before, the last of a step would be refused.
    expect(observations.map(({ market, asOf }) => [market, Number(asOf)])).toEqual([
      ['BTC-USD', START - 31],
      ['ETH-USD', START - 31],
      ['BTC-USD', START - 1],
      ['ETH-USD', START - 1],
    ])
    const carrier = new PythCarrier(adapter.target as string, payer())
    for (const [i, asOf] of [START - 31, START - 1].entries()) {
      await chain.setTime(BigInt(asOf + 1))
      const carried = await carrier.carry(observations.filter((each) => Number(each.asOf) === asOf))
      expect(carried.map((event) => event.kind === 'door' && event.event.kind)).toEqual(['appended', 'appended'])
      const [, ofBtc, ofEth] = told[i === 0 ? 0 : 2]!
      expect(await last(adapter, btc)).toMatchObject({ priceE8: ofBtc, asOf: BigInt(asOf) })
      expect(await last(adapter, eth)).toMatchObject({ priceE8: ofEth, asOf: BigInt(asOf) })
    }
    // Again, as after an answer that was lost.
    const again = await carrier.carry(observations.slice(2))
    expect(again.map(({ kind }) => kind)).toEqual(['passed-over', 'passed-over'])
  })

  test('S35: one update that it reverts on stops no other', async () => {
    const carrier = new PythCarrier(adapter.target as string, payer())
    const now = Number(await chain.now())
    const good = updateOf(now, [[btcFeed, 60_300n * 10n ** 8n]])
    // A guardian that is none signed it.
    const forged = pythUpdate(
      [{ id: ethFeed, price: 1n, confidence: 0n, exponent: -8n, publishTime: BigInt(now) }],
      ownKeys('stranger', 3),
    )
    const base = { confidenceE8: 0n, impliedVolatilityX16: 0n, asOf: BigInt(now), priceE8: 1n }
    const events = await carrier.carry([
      { ...base, market: 'ETH-USD', marketId: eth, update: forged },
      { ...base, market: 'BTC-USD', marketId: btc, update: good },
    ])
    expect(events.map(({ kind, market }) => [kind, market])).toEqual([
      ['reverted', 'ETH-USD'],
      ['door', 'BTC-USD'],
    ])
    const missing = carrier.carry([{ ...base, market: 'BTC-USD', marketId: btc }])
    await expect(missing).rejects.toMatchObject({ code: 'service.feed-update-missing', market: 'BTC-USD' })
  })
})

describe('an attested feed', () => {
  test('S35: appends what is new, passes over what it has, and without one that it reverts on the others', async () => {
    const now = await chain.now()
    const deployed = {
      ...{ name: 'feed', kind: 'attestedFeed' as const, address: feed.target as string, threshold: 2 },
      ...{ signers: signerKeys.map(({ address }) => address), maxConfidenceBps: 50 },
    }
    const carrier = new AttestingCarrier(deployed, 31_337n, signerKeys, payer())
    const of = (marketId: string, asOf: bigint, priceE8 = 10n ** 12n): Carried => ({
      ...{ market: marketId === btc ? 'BTC-USD' : 'ETH-USD', marketId, asOf, priceE8 },
      ...{ confidenceE8: 10n ** 8n, impliedVolatilityX16: 32_768n },
    })
    const first = await carrier.carry([of(btc, now - 60n), of(btc, now - 30n, 101n * 10n ** 10n), of(eth, now - 30n)])
    expect(first.map((event) => event.kind === 'door' && event.event.kind)).toEqual([
      'appended',
      'appended',
      'appended',
    ])
    expect(await last(feed, btc)).toMatchObject({ asOf: now - 30n, impliedVolatilityX16: 32_768n })
    // A minute ahead of the chain: its contract reverts on the whole of a batch.
    const second = await carrier.carry([of(btc, now - 30n), of(eth, now + 600n), of(btc, now, 40n * 10n ** 11n)])
    expect(second.map((event) => (event.kind === 'door' ? event.event.kind : event.kind))).toEqual([
      'passed-over',
      'reverted',
      'held',
    ])
  })
})

describe('where prices of a market go', () => {
  const deploymentOf = (source: Contract): Deployment =>
    ({
      sources: [{ name: 'own', kind: 'other', address: source.target as string }],
      markets: [{ name: 'BTC-USD', marketId: btc, source: source.target as string }],
    }) as unknown as Deployment

  test('S38: an adapter of Pyth’s with its door and its last price; to another contract nothing is brought', async () => {
    const { provider } = chain.ethers
    const place = await placeOf(provider as never, deploymentOf(adapter), 'BTC-USD')
    expect(place).toMatchObject({ market: 'BTC-USD', scale: 0, bounds: defaultPlausibility })
    expect(place.last).toEqual(await last(adapter, btc))
    // By name, of a market that is yet to be added.
    expect(await placeOf(provider as never, deploymentOf(adapter), 'SOL-USD', 'own')).toMatchObject({ last: undefined })
    const refused = (source: Contract, market: string, named?: string) =>
      placeOf(provider as never, deploymentOf(source), market, named)
    await expect(refused(feed, 'BTC-USD')).rejects.toMatchObject({ code: 'service.feed-source', source: 'own' })
    await expect(refused(adapter, 'SOL-USD')).rejects.toMatchObject({ code: 'service.feed-market', market: 'SOL-USD' })
    await expect(refused(adapter, 'BTC-USD', 'other')).rejects.toMatchObject({ code: 'registry.source-unknown' })
  })
})
