/** Every adapter on a chain with a sequencer: while it is down, after it came up, and what is of before. */
import { type Contract, computeAddress } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { unpack } from '../../../prover/statement/words.ts'
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
import { btcFeed } from '../../../scripts/tools/oracles/recordings.ts'
import { expectRevert } from '../../reverts.ts'

const PRICE = 50_000n * 10n ** 8n
const GRACE = 600n
const MAX_AGE = 3_600n
const [digest, feedId] = [`0x0006${'11'.repeat(30)}`, `0x0003${'22'.repeat(30)}`]
const keys = ownKeys('key', 4)
const addresses = keys.map((key) => computeAddress(key))
let chain: Chain
let uptime: Contract
/** What brings a price of a time to each adapter: its contract, and the arguments behind the market. */
let adapters: Readonly<Record<string, readonly [Contract, (asOf: bigint) => Promise<readonly unknown[]>]>>

beforeAll(async () => {
  chain = await startChain()
  uptime = await deployUptimeFeed(chain)
  const fresh = { uptimeFeed: uptime.target as string, graceSeconds: GRACE, maxAgeSeconds: MAX_AGE }
  const accumulator = await deployAccumulator(chain, await deployWormhole(chain, addresses))
  const pyth = await deployPythAdapter(chain, accumulator, [{ marketId: btc, feedId: btcFeed, decimals: 8n }], fresh)
  const { proxy } = await deployVerifier(chain, digest, addresses, 2)
  const streams = await deployStreamsAdapter(chain, proxy, [{ marketId: btc, feedId, decimals: 8n }], fresh)
  const { adapter: redStone } = await deployRedStone(chain, addresses, fresh)
  const { aggregator, proxy: feed } = await deployPushedFeed(chain, 8n, 1n, 10n ** 14n)
  const bounds = { decimals: 8n, maxAgeSeconds: MAX_AGE, leastAnswer: 1n, greatestAnswer: 10n ** 14n }
  const feeds = [{ marketId: btc, feed: feed.target, ...bounds }]
  const freshness = { ...defaultFreshness, ...fresh }
  const pushed = await chain.deploy('ChainlinkFeedAdapter', feeds, freshness, defaultPlausibility)
  const quoted = { price: PRICE, bid: PRICE, ask: PRICE, nativeFee: 0n, linkFee: 0n }
  adapters = {
    Pyth: [
      pyth,
      async (publishTime) => {
        const said = { id: btcFeed, price: PRICE, confidence: 0n, exponent: -8n, publishTime }
        return [[pythUpdate([said], keys.slice(0, 3))]]
      },
    ],
    'Data Streams': [
      streams,
      async (asOf) => {
        const report = { feedId, validFrom: asOf, observedAt: asOf, expiresAt: asOf + 10_000n, ...quoted }
        return [streamsPayload(report, digest, keys.slice(0, 2))]
      },
    ],
    RedStone: [
      redStone,
      async (asOf) => {
        const said = { feed: 'BTC', value: PRICE, timestampMs: asOf * 1_000n }
        return [redStonePayload(keys.slice(0, 3).map((signer) => ({ ...said, signer })))]
      },
    ],
    'a push feed': [
      pushed,
      // Its time is that of the block in which it is submitted.
      async (asOf) => {
        const round = (await aggregator.getFunction('latestRound')()) + 1n
        await chain.setNextTime(asOf)
        await mined(aggregator.getFunction('submit')(round, PRICE))
        return []
      },
    ],
  }
})

const status = (isDown: boolean, since: bigint) =>
  mined(uptime.getFunction('updateStatus')(isDown, since, { gasLimit: GAS_LIMIT }))

describe.each(['Pyth', 'Data Streams', 'RedStone', 'a push feed'])('R122: %s', (name) => {
  test('makes no observation while the sequencer is down, for a grace after, nor of before it came up', async () => {
    await chain.undone(async () => {
      const [adapter, argumentsOf] = adapters[name] as (typeof adapters)[string]
      const call = (given: readonly unknown[]): Promise<unknown> =>
        adapter.getFunction('take').staticCall(btc, ...given, { gasLimit: GAS_LIMIT })
      await mined(uptime.getFunction('initialize')())
      const start = await chain.now()
      await chain.setTime(start + GRACE + 10n)
      const down = start + GRACE + 20n
      await chain.setNextTime(down)
      await status(true, down)
      // Its price is of now, and the chain's sequencer is down.
      const [old, up] = [down + 50n, down + 51n]
      const ofBefore = await argumentsOf(old)
      await expectRevert(call(ofBefore), adapter, 'SequencerDown', [1n, down])
      await chain.setNextTime(up)
      await status(false, up)
      await chain.setTime(up + GRACE)
      await expectRevert(call(ofBefore), adapter, 'SequencerJustUp', [up, up + GRACE])
      await chain.setTime(up + GRACE + 1n)
      await expectRevert(call(ofBefore), adapter, 'ObservationStale', [btc, old, up])
      const asOf = up + GRACE + 5n
      const since = await argumentsOf(asOf)
      await chain.setTime(asOf + 1n)
      await mined(adapter.getFunction('take')(btc, ...since, { gasLimit: GAS_LIMIT }))
      const { lastWord } = await adapter.getFunction('latest')(btc)
      expect(unpack('observation', lastWord)).toMatchObject({ priceE8: PRICE, asOf })
    })
  })

  test('takes what is of the very second in which it came up', async () => {
    await chain.undone(async () => {
      const [adapter, argumentsOf] = adapters[name] as (typeof adapters)[string]
      await mined(uptime.getFunction('initialize')())
      const up = (await chain.now()) + 20n
      await status(true, up - 10n)
      const given = await argumentsOf(up)
      await status(false, up)
      await chain.setTime(up + GRACE + 1n)
      await mined(adapter.getFunction('take')(btc, ...given, { gasLimit: GAS_LIMIT }))
      const { asOf } = await adapter.getFunction('latest')(btc)
      expect(asOf).toBe(up)
    })
  })
})
