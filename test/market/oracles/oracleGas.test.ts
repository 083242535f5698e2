/**
 * What an observation from each oracle costs, in gas of the whole transaction: as many signatures as its network makes today, the
 * market's third observation, so that the ring of heads still fills.
 *
 * UPDATE_SNAPSHOTS=1 writes the snapshot anew.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contract, computeAddress, ZeroAddress } from 'ethers'
import { expect, test } from 'vitest'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { type Chain, GAS_LIMIT, mined, startChain } from '../../../scripts/tools/chains/chain.ts'
import {
  btc,
  defaultFreshness,
  deployAccumulator,
  deployPushedFeed,
  deployPythAdapter,
  deployRedStone,
  deployStreamsAdapter,
  deployUptimeFeed,
  deployVerifier,
  deployWormhole,
  ownKeys,
} from '../../../scripts/tools/oracles/oracleChain.ts'
import { pythUpdate, redStonePayload, streamsPayload } from '../../../scripts/tools/oracles/payloads.ts'
import { btcFeed, ethFeed } from '../../../scripts/tools/oracles/recordings.ts'

const snapshotFile = join(import.meta.dirname, '..', '..', 'snapshots', 'oracleGas.json')
// A fixed time: the zeros among its bytes are part of the figures.
const START = 2_000_000_000n
const PRICE = 50_000n * 10n ** 8n

type Taking = (asOf: bigint) => Promise<{ readonly gasUsed: bigint }>

const called = (adapter: Contract, ...args: readonly unknown[]) =>
  mined(adapter.getFunction('take')(btc, ...args, { gasLimit: GAS_LIMIT }))

async function pythTaking(chain: Chain): Promise<Taking> {
  const guardians = ownKeys('guardian', 19)
  const core = await deployWormhole(
    chain,
    guardians.map((guardian) => computeAddress(guardian)),
  )
  const feeds = [{ marketId: btc, feedId: btcFeed, decimals: 8n }]
  const adapter = await deployPythAdapter(chain, await deployAccumulator(chain, core), feeds)
  return (publishTime) => {
    const said = { price: PRICE, confidence: 1n, exponent: -8n, publishTime }
    const prices = [btcFeed, ethFeed].map((id) => ({ id, ...said }))
    return called(adapter, [pythUpdate(prices, guardians.slice(0, 13))])
  }
}

async function streamsTaking(chain: Chain): Promise<Taking> {
  const [digest, feedId] = [`0x0006${'11'.repeat(30)}`, `0x0003${'22'.repeat(30)}`]
  const oracles = ownKeys('oracle', 16)
  const addresses = oracles.map((oracle) => computeAddress(oracle))
  const { proxy } = await deployVerifier(chain, digest, addresses, 6)
  const adapter = await deployStreamsAdapter(chain, proxy, [{ marketId: btc, feedId, decimals: 18n }])
  const price = PRICE * 10n ** 10n
  return (observedAt) => {
    const times = { validFrom: observedAt, observedAt, expiresAt: observedAt + 100n }
    const report = { feedId, ...times, nativeFee: 0n, linkFee: 0n, price, bid: price - 1n, ask: price + 1n }
    return called(adapter, streamsPayload(report, digest, oracles.slice(0, 6)))
  }
}

async function pushedTaking(chain: Chain, hasSequencer: boolean): Promise<Taking> {
  const { aggregator, proxy } = await deployPushedFeed(chain, 8n, 1n, 10n ** 14n)
  const bounds = { decimals: 8n, maxAgeSeconds: 60n, leastAnswer: 1n, greatestAnswer: 10n ** 14n }
  const uptime = hasSequencer ? await deployUptimeFeed(chain) : undefined
  if (uptime !== undefined) await mined(uptime.getFunction('initialize')())
  const fresh = {
    ...defaultFreshness,
    uptimeFeed: uptime?.target ?? ZeroAddress,
    graceSeconds: hasSequencer ? 600n : 0n,
  }
  const feeds = [{ marketId: btc, feed: proxy.target, ...bounds }]
  const adapter = await chain.deploy('ChainlinkFeedAdapter', feeds, fresh, defaultPlausibility)
  return async () => {
    const round = (await aggregator.getFunction('latestRound')()) + 1n
    await mined(aggregator.getFunction('submit')(round, PRICE))
    return called(adapter)
  }
}

async function redStoneTaking(chain: Chain): Promise<Taking> {
  const signers = ownKeys('signer', 5)
  const addresses = signers.map((signer) => computeAddress(signer))
  const { adapter } = await deployRedStone(chain, addresses)
  return (asOf) => {
    const said = { feed: 'BTC', value: PRICE, timestampMs: asOf * 1_000n }
    return called(adapter, redStonePayload(signers.slice(0, 3).map((signer) => ({ ...said, signer }))))
  }
}

test('R115: what an observation from each oracle costs', async () => {
  const chain = await startChain(new Date('2030-01-01'))
  const takings: Readonly<Record<string, Taking>> = {
    'Pyth: 13 guardians, an update of two prices': await pythTaking(chain),
    'Chainlink Data Streams: 6 signatures': await streamsTaking(chain),
    'Chainlink push feed': await pushedTaking(chain, false),
    'Chainlink push feed, with an uptime feed': await pushedTaking(chain, true),
    'RedStone: 3 signatures': await redStoneTaking(chain),
  }
  const found: Record<string, number> = {}
  for (let i = 1n; i <= 3n; i++) {
    const asOf = START + 1_000n * i
    for (const [name, taking] of Object.entries(takings)) {
      await chain.setTime(asOf + BigInt(Object.keys(takings).indexOf(name)) * 10n)
      found[name] = Number((await taking(asOf)).gasUsed)
    }
  }
  if (process.env.UPDATE_SNAPSHOTS === '1') writeFileSync(snapshotFile, `${JSON.stringify(found, undefined, 2)}\n`)
  expect(found).toEqual(JSON.parse(readFileSync(snapshotFile, 'utf8')))
})
