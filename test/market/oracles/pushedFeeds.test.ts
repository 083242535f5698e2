/** Feeds that are pushed to the chain: Chainlink's own aggregator and proxy, its uptime feed, and what these never answer. */
import { type Contract, ZeroAddress, ZeroHash } from 'ethers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { defaultPlausibility } from '../../../prover/market/plausibility.ts'
import { unpack } from '../../../prover/statement/words.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined, startChain } from '../../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../../scripts/tools/chains/compileContract.ts'
import {
  btc,
  defaultFreshness,
  deployPushedFeed,
  deployUptimeFeed,
  eth,
  type Freshness,
} from '../../../scripts/tools/oracles/oracleChain.ts'
import { expectRevert } from '../../reverts.ts'

const PRICE = 50_000n * 10n ** 8n
const [LEAST, GREATEST] = [10n ** 8n, 10n ** 14n]
const HOUR = 3_600n

/** Answers what it is told to: what an aggregator that works never says. */
const stated = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {IAggregatorV3} from "contracts/market/oracles/IAggregatorV3.sol";
contract Stated is IAggregatorV3 {
    struct Round { uint80 id; int256 answer; uint256 startedAt; uint256 updatedAt; uint80 answeredIn; }
    Round public round;
    uint8 public decimals = 8;
    function say(Round calldata said) external { round = said; }
    function setDecimals(uint8 said) external { decimals = said; }
    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        require(round.id != 0, "nothing yet");
        return (round.id, round.answer, round.startedAt, round.updatedAt, round.answeredIn);
    }
}`

type Deployed = Awaited<ReturnType<typeof deployPushedFeed>>
type Pushed = {
  readonly decimals: bigint
  readonly maxAgeSeconds: bigint
  readonly leastAnswer: bigint
  readonly greatestAnswer: bigint
}
let chain: Chain
let feed: Deployed
let adapter: Contract
let said: Contract
let over: Contract

beforeAll(async () => {
  chain = await startChain()
  feed = await deployPushedFeed(chain, 8n, LEAST, GREATEST)
  adapter = await deploy(feed.proxy)
  said = await chain.deploy(compileContract('Stated', stated))
  over = await deploy(said, { leastAnswer: 0n, greatestAnswer: 2n ** 128n - 1n })
})

function deploy(of: Contract, pushed: Partial<Pushed> = {}, fresh: Partial<Freshness> = {}): Promise<Contract> {
  const bounds = { decimals: 8n, maxAgeSeconds: HOUR, leastAnswer: LEAST, greatestAnswer: GREATEST }
  const feeds = [{ marketId: btc, feed: of.target, ...bounds, ...pushed }]
  const freshness = { ...defaultFreshness, maxAgeSeconds: HOUR, ...fresh }
  return chain.deploy('ChainlinkFeedAdapter', feeds, freshness, defaultPlausibility)
}

const take = (from = adapter) => from.getFunction('take')(btc, { gasLimit: GAS_LIMIT })
const tryTake = (from = adapter, marketId = btc): Promise<unknown> => from.getFunction('take').staticCall(marketId)
const last = async (of = adapter) => unpack('observation', (await of.getFunction('latest')(btc)).lastWord)
/** An oracle's answer for the next round; its time is that of the block. */
async function submit(answer: bigint, to = feed.aggregator): Promise<bigint> {
  const round = (await to.getFunction('latestRound')()) + 1n
  await mined(to.getFunction('submit')(round, answer))
  return chain.now()
}
const say = (round: { id?: bigint; answer?: bigint; updatedAt: bigint; answeredIn?: bigint; startedAt?: bigint }) =>
  mined(
    said.getFunction('say')({
      id: 5n,
      answer: PRICE,
      startedAt: round.updatedAt,
      answeredIn: round.id ?? 5n,
      ...round,
    }),
  )

test('R115: the latest answer of Chainlink’s aggregator enters at its time, through its proxy', async () => {
  await chain.undone(async () => {
    for (const answer of [PRICE, PRICE + 7n]) {
      const asOf = await submit(answer)
      await mined(take())
      expect(await last()).toEqual({ priceE8: answer, asOf, impliedVolatilityX16: 0n, rangeCode: 0n })
      await chain.setTime(asOf + 100n)
    }
    // A replay: the round has not moved.
    const { asOf } = await last()
    await expectRevert(tryTake(), adapter, 'ObservationNotLater', [btc, asOf, asOf])
  })
})

test('R115: 18 decimals become 8, rounded down', async () => {
  await chain.undone(async () => {
    const fine = await deployPushedFeed(chain, 18n, 1n, 10n ** 30n)
    const scaled = await deploy(fine.proxy, { decimals: 18n, leastAnswer: 1n, greatestAnswer: 10n ** 30n })
    await submit(59_240_026_454_619_999_999_999n, fine.aggregator)
    await mined(take(scaled))
    expect((await last(scaled)).priceE8).toBe(5_924_002_645_461n)
  })
})

test('R117: an answer is as old as its feed may be, and no older', async () => {
  await chain.undone(async () => {
    const asOf = await submit(PRICE)
    await chain.setTime(asOf + HOUR)
    await tryTake()
    await chain.setTime(asOf + HOUR + 1n)
    await expectRevert(tryTake(), adapter, 'ObservationStale', [btc, asOf, asOf + 1n])
    const now = await chain.now()
    await say({ updatedAt: now + 16n })
    await tryTake(over)
    await say({ updatedAt: now + 18n })
    await expectRevert(tryTake(over), over, 'ObservationInFuture', [btc, now + 18n, now + 17n])
  })
})

describe('R118: an answer is a price', () => {
  test.each([-1n, -(2n ** 255n), 0n])('not %s', async (answer) => {
    await chain.undone(async () => {
      await say({ updatedAt: await chain.now(), answer })
      await expectRevert(tryTake(over), over, 'PriceNotPositive', [btc, answer])
    })
  })

  test('of a thousand steps or more: fewer would show instead of moves', async () => {
    for (const answer of [1n, 42n, 999n]) {
      await chain.undone(async () => {
        await say({ updatedAt: await chain.now(), answer })
        await expectRevert(tryTake(over), over, 'PriceTooCoarse', [btc, answer, 1_000n])
      })
    }
    await chain.undone(async () => {
      await say({ updatedAt: await chain.now(), answer: 1_000n })
      await mined(take(over))
      expect((await last(over)).priceE8).toBe(1_000n)
    })
  })

  test('of a thousand steps of 8 decimals, whatever decimals it has', async () => {
    await chain.undone(async () => {
      await mined(said.getFunction('setDecimals')(18n))
      const fine = await deploy(said, { decimals: 18n, leastAnswer: 0n, greatestAnswer: 2n ** 128n - 1n })
      await say({ updatedAt: await chain.now(), answer: 420_000_000_000n })
      await expectRevert(tryTake(fine), fine, 'PriceTooCoarse', [btc, 42n, 1_000n])
      await say({ updatedAt: await chain.now(), answer: 10n ** 13n })
      await tryTake(fine)
    })
  })

  test('of the decimals that the source was made for, also when another aggregator comes behind the proxy', async () => {
    await chain.undone(async () => {
      await submit(PRICE)
      await tryTake()
      const other = await deployPushedFeed(chain, 18n, 1n, 10n ** 30n)
      await submit(50_000n * 10n ** 18n, other.aggregator)
      await mined(feed.proxy.getFunction('proposeAggregator')(other.aggregator.target))
      await mined(feed.proxy.getFunction('confirmAggregator')(other.aggregator.target))
      await expectRevert(tryTake(), adapter, 'DecimalsMismatch', [btc, 18n, 8n])
      await expectRevert(deploy(feed.proxy), adapter, 'DecimalsMismatch', [btc, 18n, 8n])
    })
  })
})

describe('R123: a round is one that the feed has answered', () => {
  test('not one without data, nor without time, nor with the answer of an earlier one', async () => {
    await chain.undone(async () => {
      const reason = new (await import('ethers')).Interface(['error Error(string)']).encodeErrorResult('Error', [
        'No data present',
      ])
      await expectRevert(tryTake(), adapter, 'VerificationFailed', [feed.proxy.target, reason])
      const updatedAt = await chain.now()
      await say({ updatedAt: 0n })
      await expectRevert(tryTake(over), over, 'RoundIncomplete', [btc, 5n, 5n, 0n])
      await say({ updatedAt, id: 6n, answeredIn: 5n })
      await expectRevert(tryTake(over), over, 'RoundIncomplete', [btc, 6n, 5n, updatedAt])
      await say({ updatedAt, id: 6n, answeredIn: 6n })
      await tryTake(over)
    })
  })

  test('and not at a bound that the aggregator never passes', async () => {
    expect(await feed.aggregator.getFunction('minSubmissionValue')()).toBe(LEAST)
    expect(await feed.aggregator.getFunction('maxSubmissionValue')()).toBe(GREATEST)
    for (const [answer, isTaken] of [
      [LEAST, false],
      [LEAST + 1n, true],
      [GREATEST - 1n, true],
      [GREATEST, false],
    ] as const) {
      await chain.undone(async () => {
        await submit(answer)
        if (isTaken) await tryTake()
        else await expectRevert(tryTake(), adapter, 'AnswerAtBound', [btc, answer, LEAST, GREATEST])
      })
    }
  })
})

test('R126: feeds are contracts that say their decimals, with ages and bounds that leave something', async () => {
  const refused = (made: Promise<unknown>, error: string, args?: readonly unknown[]) =>
    expectRevert(made, adapter, error, args)
  const nobody = { ...said, target: '0x000000000000000000000000000000000000dEaD' } as unknown as Contract
  await refused(deploy(nobody), 'NoContract', [nobody.target])
  await refused(deploy(over), 'VerificationFailed', [over.target, '0x'])
  await refused(deploy(said, { decimals: 19n }), 'BoundOutOfRange', ['decimals', 19n, 0n, 18n])
  await refused(deploy(said, { maxAgeSeconds: 0n }), 'BoundOutOfRange', ['maxAgeSeconds', 0n, 1n, HOUR])
  await refused(deploy(said, { maxAgeSeconds: HOUR + 1n }), 'BoundOutOfRange', ['maxAgeSeconds', HOUR + 1n, 1n, HOUR])
  const most = 2n ** 128n - 1n
  await refused(deploy(said, { greatestAnswer: most + 1n }), 'BoundOutOfRange', ['greatestAnswer', most + 1n, 2n, most])
  await refused(deploy(said, { leastAnswer: GREATEST - 1n }), 'BoundOutOfRange', [
    'leastAnswer',
    GREATEST - 1n,
    0n,
    GREATEST - 2n,
  ])
  const narrow = await deploy(said, { leastAnswer: GREATEST - 2n })
  expect(await narrow.getFunction('feedOf')(btc)).toEqual([btc, said.target, 8n, HOUR, GREATEST - 2n, GREATEST])
  expect(await narrow.getFunction('feedOf')(eth)).toEqual([ZeroHash, ZeroAddress, 0n, 0n, 0n, 0n])
  await expectRevert(tryTake(adapter, eth), adapter, 'UnknownMarket', [eth])
  const one = {
    marketId: btc,
    feed: said.target,
    decimals: 8n,
    maxAgeSeconds: HOUR,
    leastAnswer: 0n,
    greatestAnswer: 9n,
  }
  const made = (feeds: readonly object[]) =>
    chain.deploy('ChainlinkFeedAdapter', feeds, { ...defaultFreshness, maxAgeSeconds: HOUR }, defaultPlausibility)
  await refused(made([one, one]), 'MarketListedTwice', [btc])
  await refused(made([]), 'MarketsOutOfRange', [0n, 256n])
})

describe('R122: nothing is taken of a chain whose sequencer was down', () => {
  test('while it is, and for the grace after, by Chainlink’s own uptime feed', async () => {
    await chain.undone(async () => {
      const uptime = await deployUptimeFeed(chain)
      const grace = 600n
      const guarded = await deploy(feed.proxy, {}, { uptimeFeed: uptime.target as string, graceSeconds: grace })
      const reason = uptime.interface.encodeErrorResult('Uninitialized', [])
      await expectRevert(tryTake(guarded), guarded, 'VerificationFailed', [uptime.target, reason])
      await mined(uptime.getFunction('initialize')())
      const start = await chain.now()
      await submit(PRICE)
      await expectRevert(tryTake(guarded), guarded, 'SequencerJustUp', [start, start + grace])
      await chain.setTime(start + grace)
      await expectRevert(tryTake(guarded), guarded, 'SequencerJustUp', [start, start + grace])
      await chain.setTime(start + grace + 1n)
      await mined(take(guarded))
      const status = async (isDown: boolean, since: bigint): Promise<unknown> =>
        mined(uptime.getFunction('updateStatus')(isDown, since, { gasLimit: GAS_LIMIT }))
      const down = (await chain.now()) + 10n
      await status(true, down)
      await submit(PRICE + 1n)
      await expectRevert(tryTake(guarded), guarded, 'SequencerDown', [1n, down])
      const up = (await chain.now()) + 100n
      await status(false, up)
      await chain.setTime(up + grace)
      await expectRevert(tryTake(guarded), guarded, 'SequencerJustUp', [up, up + grace])
      await chain.setTime(up + grace + 1n)
      await submit(PRICE + 2n)
      const [event] = eventsOf(await mined(take(guarded)), guarded)
      expect(event?.name).toBe('ObservationAppended')
      expect((await last(guarded)).priceE8).toBe(PRICE + 2n)
    })
  })

  test('nor while nobody has said since when it is up', async () => {
    await chain.undone(async () => {
      const guarded = await deploy(feed.proxy, {}, { uptimeFeed: said.target as string, graceSeconds: 0n })
      await submit(PRICE)
      await say({ updatedAt: await chain.now(), answer: 0n, startedAt: 0n })
      await expectRevert(tryTake(guarded), guarded, 'SequencerDown', [0n, 0n])
      await say({ updatedAt: await chain.now(), answer: 0n, startedAt: 1n })
      await tryTake(guarded)
    })
  })
})

test('R130: whatever a feed answers is taken or refused as the rules say', async () => {
  await chain.undone(async () => {
    const bounded = await deploy(said)
    const now = await chain.now()
    const answer = fc.oneof(
      fc.bigInt(-(2n ** 255n), 2n ** 255n - 1n),
      fc.constantFrom(-1n, 0n, 1n, LEAST, LEAST + 1n, GREATEST - 1n, GREATEST, PRICE),
    )
    const updatedAt = fc.oneof(fc.constantFrom(0n, 1n, 2n ** 256n - 1n), fc.bigInt(now - HOUR - 2n, now + 20n))
    const rounds = fc.record({ answer, updatedAt, id: fc.bigInt(1n, 3n), answeredIn: fc.bigInt(1n, 3n) })
    const outcomes = new Set<string>()
    await fc.assert(
      fc.asyncProperty(rounds, async (round) => {
        await chain.undone(async () => {
          await say(round)
          const time = await chain.now()
          const isIncomplete = round.updatedAt === 0n || round.answeredIn < round.id
          const isAtBound = round.answer > 0n && (round.answer <= LEAST || round.answer >= GREATEST)
          const wanted = isIncomplete
            ? 'RoundIncomplete'
            : isAtBound
              ? 'AnswerAtBound'
              : round.updatedAt < time - HOUR
                ? 'ObservationStale'
                : round.updatedAt > time + 15n
                  ? 'ObservationInFuture'
                  : round.answer <= 0n
                    ? 'PriceNotPositive'
                    : 'taken'
          outcomes.add(wanted)
          if (wanted === 'taken') await tryTake(bounded)
          else await expectRevert(tryTake(bounded), bounded, wanted)
        })
      }),
      { numRuns: 300, seed: 12 },
    )
    expect(outcomes.size).toBe(6)
  })
})
