import { type Contract, Wallet, ZeroAddress } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { marketIdOf } from '../../prover/market/marketId.ts'
import { defaultPlausibility } from '../../prover/market/plausibility.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { attest, domainOf } from '../../scripts/tools/chains/attestation.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { uncheckedSource } from '../registry/uncheckedSource.ts'
import { expectRevert } from '../reverts.ts'

const btc = marketIdOf('BTC-USD')
const PRICE_E8 = 50_000n * 10n ** 8n
const LEAST = 3n
const MAX_AGE_SECONDS = 120n
const MAX_DEVIATION_BPS = 200n
const LEAST_SPACING_SECONDS = 10n

/** Sources that break every rule of answering. */
const broken = (body: string) => `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
contract Broken { fallback() external { ${body} } }`

const signer = new Wallet(`0x${'7'.padStart(64, '0')}`)
let chain: Chain
/** Five attested feeds, by address, and their median. */
let feeds: Contract[]
let median: Contract

beforeAll(async () => {
  chain = await startChain()
  const deployed = []
  const council = await chain.deploy('RiskCouncil', signer.address)
  const deployFeed = () => chain.deploy('AttestedFeed', council, [signer.address], 1, 100, door(1n))
  for (let i = 0; i < 5; i++) deployed.push(await deployFeed())
  feeds = deployed.sort((a, b) => (BigInt(a.target as string) < BigInt(b.target as string) ? -1 : 1))
  median = await deploy(feeds)
})

const door = (leastSpacingSeconds: bigint) => ({ ...defaultPlausibility, leastSpacingSeconds })

const deploy = (
  sources: readonly Contract[],
  least = LEAST,
  age: bigint | readonly bigint[] = MAX_AGE_SECONDS,
  deviation = MAX_DEVIATION_BPS,
  spacing = LEAST_SPACING_SECONDS,
  implied: { readonly from: string; readonly age: bigint } = { from: ZeroAddress, age: 0n },
) =>
  chain.deploy(
    'MedianFeed',
    sources.map(({ target }) => target),
    typeof age === 'bigint' ? sources.map(() => age) : age,
    least,
    deviation,
    implied.from,
    implied.age,
    door(spacing),
  )

type Said = { readonly price?: bigint; readonly secondsAgo?: bigint; readonly implied?: bigint }

/** Each feed says something, or nothing. */
async function say(said: readonly (Said | undefined)[]): Promise<void> {
  const now = await chain.now()
  for (const [i, what] of said.entries()) {
    if (what === undefined) continue
    const { price = PRICE_E8, secondsAgo = 0n, implied = 0n } = what
    const asOf = now - secondsAgo
    const observation = {
      ...{ marketId: btc, priceE8: price, confidenceE8: 0n, asOf, impliedVolatilityX16: implied },
      ...{ rangeCode: 77n, deadline: now + 600n },
    }
    const feed = feeds[i] as Contract
    const signatures = await attest(await domainOf(feed), [signer], observation)
    await mined(feed.getFunction('submit')(observation, signatures, { gasLimit: GAS_LIMIT }))
  }
}

const take = (from = median) => from.getFunction('take')(btc, { gasLimit: GAS_LIMIT })
async function taken(from = median) {
  const [appended] = eventsOf(await mined(take(from)), from).filter(({ name }) => name !== 'AttestedLeftOut')
  expect(appended?.name).toBe('ObservationAppended')
  return unpack('observation', appended?.args.word)
}
const five = (prices: readonly (bigint | undefined)[]): readonly (Said | undefined)[] =>
  prices.map((price) => (price === undefined ? undefined : { price }))

describe('R38: the median of several sources', () => {
  test('is theirs, at the median of their times, with the implied volatility that enough of them attest', async () => {
    await chain.undone(async () => {
      const now = await chain.now()
      await say([
        { price: PRICE_E8 + 5n, secondsAgo: 40n, implied: 50_000n },
        { price: PRICE_E8 - 7n, secondsAgo: 10n, implied: 70_000n },
        { price: PRICE_E8 + 2n, secondsAgo: 30n },
        { price: PRICE_E8 + 9n, secondsAgo: 0n, implied: 60_000n },
        { price: PRICE_E8, secondsAgo: 20n },
      ])
      const expected = { priceE8: PRICE_E8 + 2n, asOf: now - 20n, impliedVolatilityX16: 50_000n, rangeCode: 0n }
      expect(await taken()).toEqual(expected)
      const [, count, asOf] = await median.getFunction('latest')(btc)
      expect([count, asOf]).toEqual([1n, now - 20n])
      // Nobody takes the same twice.
      await expectRevert(take(), median, 'ObservationTooSoon', [now - 20n, now - 20n + LEAST_SPACING_SECONDS])
    })
    await chain.undone(async () => {
      await say([{ implied: 50_000n }, { implied: 60_000n }, {}, {}, {}])
      expect((await taken()).impliedVolatilityX16).toBe(0n)
    })
  })

  test('of an even number is the mean of the middle two, rounded down', async () => {
    await chain.undone(async () => {
      await say(five([PRICE_E8, PRICE_E8 + 4n, PRICE_E8 + 7n, PRICE_E8 + 9n, undefined]))
      expect((await taken()).priceE8).toBe(PRICE_E8 + 5n)
    })
  })

  test.each([0.000001, 0.01, 0.65, 2, 30, 50])(
    'moves within the others whatever two of five say, here %s times the price',
    async (factor) => {
      await chain.undone(async () => {
        const lie = BigInt(Math.round(Number(PRICE_E8) * factor))
        await say(five([lie, PRICE_E8, PRICE_E8 + 100n, lie, PRICE_E8 + 300n]))
        const { priceE8 } = await taken()
        expect(priceE8).toBeGreaterThanOrEqual(PRICE_E8)
        expect(priceE8).toBeLessThanOrEqual(PRICE_E8 + 300n)
      })
    },
  )

  test.each([1n, 45_000n, defaultPlausibility.greatestImpliedX16])(
    'has an implied volatility within the others’ whatever one of three says, also where only one other attests it, here %s',
    async (lie) => {
      await chain.undone(async () => {
        const three = await deploy(feeds.slice(0, 3), 2n)
        await say([{ implied: 40_000n }, {}, { implied: lie }])
        expect((await taken(three)).impliedVolatilityX16).toBe(lie < 40_000n ? lie : 40_000n)
      })
    },
  )

  test('lets half of the fresh ones move the price no further from another than the greatest deviation, nor more of them', async () => {
    await chain.undone(async () => {
      const greatest = (PRICE_E8 * 10_000n) / (10_000n - MAX_DEVIATION_BPS)
      const lie = 2n * greatest - PRICE_E8
      await say(five([PRICE_E8, PRICE_E8, undefined, lie, lie]))
      expect((await taken()).priceE8).toBe(greatest)
    })
    await chain.undone(async () => {
      await say(five([PRICE_E8, undefined, undefined, PRICE_E8 * 2n, PRICE_E8 * 2n]))
      await expectRevert(take(), median, 'TooFewAgree', [btc, 2n, LEAST])
    })
  })

  test.each([
    [0n, true],
    [1n, false],
  ])('needs enough near it: %s units beyond the greatest deviation', async (beyond, isTaken) => {
    await chain.undone(async () => {
      const most = (PRICE_E8 * MAX_DEVIATION_BPS) / 10_000n
      await say(five([PRICE_E8 - most - beyond, PRICE_E8 / 2n, PRICE_E8, PRICE_E8 + most, PRICE_E8 * 2n]))
      if (isTaken) expect((await taken()).priceE8).toBe(PRICE_E8)
      else await expectRevert(take(), median, 'TooFewAgree', [btc, 2n, LEAST])
    })
  })

  test('is taken no sooner than the least spacing after the last one, however often one of three says something between the others', async () => {
    await chain.undone(async () => {
      const three = await deploy(feeds.slice(0, 3), 2n)
      const start = await chain.now()
      await say([{ secondsAgo: 30n }, { price: PRICE_E8 + 100n }, { secondsAgo: 29n }])
      const { asOf: first } = await taken(three)
      for (const [later, isTaken] of [
        [LEAST_SPACING_SECONDS - 1n, false],
        [LEAST_SPACING_SECONDS, true],
      ] as const) {
        const secondsAgo = (await chain.now()) - first - later
        await say([undefined, undefined, { price: PRICE_E8 + 50n, secondsAgo }])
        const taking = three.getFunction('take')
        const earliest = first + LEAST_SPACING_SECONDS
        if (isTaken) await taking.staticCall(btc)
        else await expectRevert(taking.staticCall(btc), three, 'ObservationTooSoon', [earliest - 1n, earliest])
      }
      expect(first).toBe(start - 29n)
    })
  })

  test('leaves out what is old, from the future or not there', async () => {
    await chain.undone(async () => {
      await expectRevert(take(), median, 'TooFewFresh', [btc, 0n, LEAST])
      const start = await chain.now()
      await say([{ secondsAgo: 0n }, {}, {}, undefined, undefined])
      // The next block is timed so that the oldest is exactly as old as it may be.
      await chain.setTime(start + MAX_AGE_SECONDS)
      await median.getFunction('take').staticCall(btc)
      await chain.setTime(start + MAX_AGE_SECONDS + 1n)
      await expectRevert(median.getFunction('take').staticCall(btc), median, 'TooFewFresh', [btc, 0n, LEAST])
    })
    await chain.undone(async () => {
      const ahead = await chain.deploy(uncheckedSource())
      const word = async (secondsAhead: bigint) => PRICE_E8 | (((await chain.now()) + secondsAhead) << 48n)
      const alone = await deploy([ahead], 1n)
      await mined(ahead.getFunction('append')(btc, await word(1_000n)))
      await expectRevert(take(alone), alone, 'TooFewFresh', [btc, 0n, 1n])
    })
  })

  test.each([
    ['reverts', 'revert("no");'],
    ['answers too little', 'assembly { mstore(0, 1) return(0, 96) }'],
    ['answers endlessly', 'assembly { return(0, 0x100000) }'],
    ['burns all its gas', 'while (true) {}'],
    [
      'answers with ones',
      'assembly { for { let i := 0 } lt(i, 128) { i := add(i, 32) } { mstore(i, not(0)) } return(0, 128) }',
    ],
  ])('stands by itself where a source %s', async (_, body) => {
    await chain.undone(async () => {
      const bad = await chain.deploy(compileContract('Broken', broken(body)))
      const sources = [...feeds.slice(0, 3), bad].sort((a, b) =>
        BigInt(a.target as string) < BigInt(b.target as string) ? -1 : 1,
      )
      const with3 = await deploy(sources)
      await say([{}, {}, {}, undefined, undefined])
      expect((await taken(with3)).priceE8).toBe(PRICE_E8)
    })
  })

  test('has sources once each, more than half of which must agree, and bounds that are', async () => {
    const twice = [feeds[0], feeds[0]] as Contract[]
    const refused = (deployed: Promise<unknown>, error: string, args?: readonly unknown[]) =>
      expectRevert(deployed, median, error, args)
    await refused(deploy([]), 'SourcesOutOfRange', [0n, 15n])
    await refused(deploy(twice, 2n), 'SourcesNotIncreasing')
    await refused(deploy([...feeds].reverse()), 'SourcesNotIncreasing')
    await refused(deploy(feeds, 2n), 'LeastSourcesOutOfRange', [2n, 3n, 5n])
    await refused(deploy(feeds, 6n), 'LeastSourcesOutOfRange', [6n, 3n, 5n])
    const thirtyDays = 30n * 86_400n
    await refused(deploy(feeds, 3n, 0n), 'BoundOutOfRange', [0n, 1n, thirtyDays])
    await refused(deploy(feeds, 3n, thirtyDays + 1n), 'BoundOutOfRange', [thirtyDays + 1n, 1n, thirtyDays])
    await deploy(feeds, 3n, thirtyDays)
    await refused(deploy(feeds, 3n, 60n, 0n), 'BoundOutOfRange', [0n, 1n, 9_999n])
    await refused(deploy(feeds, 3n, 60n, 10_000n), 'BoundOutOfRange', [10_000n, 1n, 9_999n])
    await refused(deploy(feeds, 3n, 60n, 1n, 0n), 'PlausibilityOutOfRange', ['leastSpacingSeconds', 0n, 1n, 3600n])
    await refused(deploy(feeds, 3n, 60n, 1n, 61n), 'BoundOutOfRange', [61n, 1n, 60n])
    expect(await median.getFunction('sources')()).toEqual(feeds.map(({ target }) => target))
  })

  test('leaves out a source by an age of its own', async () => {
    await chain.undone(async () => {
      const three = await deploy(feeds.slice(0, 3), 2n, [20n, 60n, 3_600n])
      expect(await three.getFunction('maxAgesSeconds')()).toEqual([20n, 60n, 3_600n])
      const asOf = await chain.now()
      await say([{ price: PRICE_E8 + 1n }, { price: PRICE_E8 + 5n }, { price: PRICE_E8 + 2n }])
      const priceAt = async (seconds: bigint): Promise<unknown> =>
        chain.undone(async () => {
          await chain.setNextTime(asOf + seconds)
          return (await taken(three)).priceE8
        })
      // All three, then the second and third, whose mean is rounded down.
      const after = [await priceAt(20n), await priceAt(21n), await priceAt(60n)]
      expect(after).toEqual([2n, 3n, 3n].map((more) => PRICE_E8 + more))
      await chain.setTime(asOf + 61n)
      await expectRevert(three.getFunction('take').staticCall(btc), three, 'TooFewFresh', [btc, 1n, 2n])
    })
    const refused = (ages: readonly bigint[], error: string, args: readonly unknown[]) =>
      expectRevert(deploy(feeds.slice(0, 3), 2n, ages), median, error, args)
    await refused([60n, 60n], 'AgesMismatch', [3n, 2n])
    await refused([60n, 60n, 0n], 'BoundOutOfRange', [0n, 1n, 30n * 86_400n])
    await refused([60n, 9n, 60n], 'BoundOutOfRange', [10n, 1n, 9n])
    await deploy(feeds.slice(0, 3), 2n, [60n, 10n, 60n])
  })

  test('R129: has the implied volatility of one source alone, where it is made so, while that is fresh', async () => {
    await chain.undone(async () => {
      const from = feeds[3]?.target as string
      const three = await deploy(feeds.slice(0, 3), 2n, 600n, MAX_DEVIATION_BPS, LEAST_SPACING_SECONDS, {
        from,
        age: 120n,
      })
      expect([await three.getFunction('impliedSource')(), await three.getFunction('impliedMaxAgeSeconds')()]).toEqual([
        from,
        120n,
      ])
      const start = await chain.now()
      // Prices are of the three: what the fourth says of one, and what they say of volatility, is not heard.
      await say([{ implied: 90_000n }, { implied: 90_000n }, {}, { price: PRICE_E8 * 2n, implied: 50_000n }])
      const heard = async (seconds: bigint) => {
        await chain.setNextTime(start + seconds)
        return taken(three)
      }
      const { priceE8, impliedVolatilityX16 } = await chain.undone(() => heard(120n))
      expect([priceE8, impliedVolatilityX16]).toEqual([PRICE_E8, 50_000n])
      expect((await chain.undone(() => heard(121n))).impliedVolatilityX16).toBe(0n)
    })
    const implied = (source: string, age: bigint) =>
      deploy(feeds, 3n, MAX_AGE_SECONDS, MAX_DEVIATION_BPS, LEAST_SPACING_SECONDS, { from: source, age })
    const thirtyDays = 30n * 86_400n
    const from = feeds[0]?.target as string
    await expectRevert(implied(ZeroAddress, 1n), median, 'BoundOutOfRange', [1n, 0n, 0n])
    await expectRevert(implied(from, 0n), median, 'BoundOutOfRange', [0n, 1n, thirtyDays])
    await expectRevert(implied(from, thirtyDays + 1n), median, 'BoundOutOfRange', [thirtyDays + 1n, 1n, thirtyDays])
    await implied(from, thirtyDays)
  })

  test('R129: keeps an implied volatility that its door leaves out from whoever attests it alone', async () => {
    await chain.undone(async () => {
      const loud = await chain.deploy(uncheckedSource())
      const implied = { from: loud.target as string, age: 600n }
      const three = await deploy(
        feeds.slice(0, 3),
        2n,
        MAX_AGE_SECONDS,
        MAX_DEVIATION_BPS,
        LEAST_SPACING_SECONDS,
        implied,
      )
      const start = await chain.now()
      for (const [i, [given, kept]] of [
        [50_000n, 50_000n],
        [defaultPlausibility.greatestImpliedX16 + 1n, 0n],
        [75_000n, 75_000n],
        [112_501n, 0n],
      ].entries()) {
        await chain.setTime(start + 40n * BigInt(i + 1))
        const asOf = await chain.now()
        const said = { priceE8: 1n, asOf, impliedVolatilityX16: given as bigint, rangeCode: 0n }
        await mined(loud.getFunction('append')(btc, pack('observation', said)))
        await say([{}, {}, {}, undefined])
        expect((await taken(three)).impliedVolatilityX16).toBe(kept)
      }
    })
  })

  test('R129: does without an implied volatility where its source is none, and takes the price all the same', async () => {
    await chain.undone(async () => {
      const bad = await chain.deploy(compileContract('Broken', broken('revert("no");')))
      const implied = { from: bad.target as string, age: 60n }
      const three = await deploy(
        feeds.slice(0, 3),
        2n,
        MAX_AGE_SECONDS,
        MAX_DEVIATION_BPS,
        LEAST_SPACING_SECONDS,
        implied,
      )
      await say([{ implied: 40_000n }, { implied: 40_000n }, { implied: 40_000n }])
      const { priceE8, impliedVolatilityX16 } = await taken(three)
      expect([priceE8, impliedVolatilityX16]).toEqual([PRICE_E8, 0n])
    })
  })

  test('keeps an inbox as any source does', async () => {
    await chain.undone(async () => {
      for (let i = 0; i < 3; i++) {
        await chain.setTime((await chain.now()) + 10n)
        await say([{}, {}, {}, undefined, undefined])
        await taken()
      }
      const [head, count] = await median.getFunction('latest')(btc)
      expect(count).toBe(3n)
      expect(await median.getFunction('checkpoints')([btc], [3])).toEqual([head])
    })
  })
})
