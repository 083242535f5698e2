import { type Contract, type LogDescription, Wallet } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { readExtract } from '../../prover/market/histories.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import {
  type Door,
  defaultPlausibility,
  emptyDoor,
  type Offered,
  type Outcome,
  offer,
  type Plausibility,
  refusals,
} from '../../prover/market/plausibility.ts'
import { unpack } from '../../prover/statement/words.ts'
import { attest, byAddress, domainOf } from '../../scripts/tools/chains/attestation.ts'
import { type Chain, eventsOf, GAS_LIMIT, mined, startChain } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'

const btc = marketIdOf('BTC-USD')
const LAST = 50_000n * 10n ** 8n
const bounds = defaultPlausibility
const SPACING = bounds.leastSpacingSeconds

const signers = byAddress([1, 2, 3].map((n) => new Wallet(`0x${n.toString(16).padStart(64, '0')}`)))
let chain: Chain
let council: Contract
let feed: Contract
let feedAddress: string
/** Time of the last observation, `LAST`. */
let start: bigint

const deploy = (change: Partial<Plausibility> = {}) =>
  chain.deploy(
    'AttestedFeed',
    council,
    signers.map(({ address }) => address),
    2,
    100,
    { ...bounds, ...change },
  )

beforeAll(async () => {
  chain = await startChain()
  council = await chain.deploy('RiskCouncil', await chain.signers[0]?.getAddress())
  feed = await deploy()
  feedAddress = feed.target as string
  start = (await chain.now()) + 100n
  await bring({ asOf: start })
})

/** Two of three signers attest observations, which a stranger carries in one transaction at a time. */
async function carry(observations: readonly Partial<Offered>[], at: bigint): Promise<readonly LogDescription[]> {
  const domain = await domainOf(feed)
  const whole = observations.map((change) => ({
    ...{ marketId: btc, priceE8: LAST, asOf: at, impliedVolatilityX16: 0n, rangeCode: 0n, confidenceE8: 0n },
    ...{ deadline: 2n ** 40n, ...change },
  }))
  const signatures = await Promise.all(whole.map((one) => attest(domain, signers.slice(0, 2), one)))
  if ((await chain.now()) < at) await chain.setNextTime(at)
  const stranger = feed.connect(chain.signers[7] as never) as Contract
  return eventsOf(await mined(stranger.getFunction('submitBatch')(whole, signatures, { gasLimit: GAS_LIMIT })), feed)
}

/** What the feed says of one observation that is carried at its own time. */
async function bring(what: Partial<Offered> & { readonly asOf: bigint }): Promise<string> {
  return saidOf(await carry([what], what.asOf))
}

function saidOf(events: readonly LogDescription[]): string {
  return events
    .map(({ name, args }) => {
      if (name === 'ObservationHeld') return `held ${args.confirmations}`
      if (name === 'ObservationRefused') return `refused ${refusals[Number(args.reason)]}`
      if (name === 'AttestedLeftOut') return `without ${args.impliedVolatilityX16} ${args.rangeCode},`
      return 'appended'
    })
    .join(' ')
}

const latest = async () => {
  const [, count, , word] = await feed.getFunction('latest')(btc)
  return { count: count as bigint, ...unpack('observation', word) }
}

/** The greatest price that a ratio to another lets pass, and the least. */
const most = (bps: bigint, price = LAST): bigint => (price * bps) / 10_000n
const least = (bps: bigint, price = LAST): bigint => (price * 10_000n + bps - 1n) / bps

/** The n-th observation after the last one, as close as may be. */
const nth = (n: number): bigint => start + BigInt(n) * SPACING

describe('R70: a source is made with bounds that make sense', () => {
  const { greatestFactorBps, jumpBps, windowSeconds } = bounds
  test.each<[keyof Plausibility, bigint, bigint]>([
    ['leastSpacingSeconds', 1n, 3600n],
    ['jumpBps', 10_001n, 19_999n],
    ['greatestFactorBps', jumpBps + 1n, 99_999n],
    ['agreementBps', 10_001n, jumpBps],
    ['confirmations', 1n, 10n],
    ['windowSeconds', SPACING, 30n * 86_400n],
    ['greatestImpliedX16', 1n << 15n, 1n << 19n],
    ['impliedJumpBps', 10_001n, 20_000n],
    ['greatestRangeCode', 1n, 4095n],
  ])('%s from %s to %s', async (field, lowest, highest) => {
    // What the others must be, for this one to be at its ends.
    const others = { agreementBps: 10_001n, windowSeconds: 3600n, greatestFactorBps: 20_000n }
    const room = field === 'greatestFactorBps' || field === 'agreementBps' || field === 'windowSeconds' ? {} : others
    for (const value of [lowest - 1n, highest + 1n]) {
      await expectRevert(deploy({ ...room, [field]: value }), feed, 'PlausibilityOutOfRange', [
        ...[field, value, lowest, highest],
      ])
    }
    for (const value of [lowest, highest]) {
      const made = await deploy({ ...room, [field]: value })
      const told = (await made.getFunction('plausibility')()).toObject()
      expect(told).toEqual({ ...bounds, ...room, [field]: value })
    }
    expect([greatestFactorBps, windowSeconds]).toEqual([50_000n, 7200n])
  })
})

describe('R71: observations of a market are no closer than the least spacing', () => {
  test('one second less is refused, at the spacing it is appended', async () => {
    await chain.undone(async () => {
      expect(await bring({ asOf: nth(1) - 1n })).toBe('refused TooSoon')
      expect(await latest()).toMatchObject({ count: 1n, asOf: start })
      expect(await bring({ asOf: nth(1) })).toBe('appended')
    })
  })

  test('a stranger who carries 100 of them a second apart brings as many as are spaced', async () => {
    await chain.undone(async () => {
      const burst = Array.from({ length: 100 }, (_, i) => ({ asOf: start + BigInt(i + 1), priceE8: LAST + BigInt(i) }))
      const events = await carry(burst, start + 100n)
      expect(events).toHaveLength(100)
      expect(events.filter(({ name }) => name === 'ObservationAppended')).toHaveLength(3)
      expect(await latest()).toMatchObject({ count: 4n, asOf: nth(3) })
    })
  })

  test('one that is too soon stops no other in its transaction', async () => {
    await chain.undone(async () => {
      const events = await carry([{ asOf: start + 1n }, { asOf: nth(1) }], nth(1))
      expect(saidOf(events)).toBe('refused TooSoon appended')
    })
  })
})

describe('R72: a jump is held until others confirm it', () => {
  test.each([
    ['up', most(bounds.jumpBps), 1n],
    ['down', least(bounds.jumpBps), -1n],
  ])('%s, one unit beyond the bound', async (_, edge, outwards) => {
    await chain.undone(async () => {
      expect(await bring({ asOf: nth(1), priceE8: edge + outwards })).toBe('held 0')
      expect(await latest()).toMatchObject({ count: 1n, priceE8: LAST })
      expect(await feed.getFunction('heldPrice')(btc)).toEqual([edge + outwards, nth(1), 0n])
    })
    await chain.undone(async () => expect(await bring({ asOf: nth(1), priceE8: edge })).toBe('appended'))
  })

  test.each([
    LAST * 2n,
    LAST / 2n,
    LAST * 4n,
    LAST / 4n,
    most(bounds.greatestFactorBps),
    least(bounds.greatestFactorBps),
  ])('and appended, alone and at its own time, when as many as it takes agree: %s', async (jump) => {
    await chain.undone(async () => {
      const said = []
      for (let n = 1; n <= 4; n++)
        said.push(await bring({ asOf: nth(n), priceE8: n === 2 ? jump + (jump < LAST ? 1n : -1n) : jump }))
      expect(said).toEqual(['held 0', 'held 1', 'appended', 'appended'])
      expect(await latest()).toMatchObject({ count: 3n, priceE8: jump, asOf: nth(4) })
      expect(await feed.getFunction('heldPrice')(btc)).toEqual([0n, 0n, 0n])
    })
  })

  test('and forgotten with the next that is near the last one, however often it comes back', async () => {
    await chain.undone(async () => {
      for (let n = 1; n <= 12; n += 3) {
        expect(await bring({ asOf: nth(n), priceE8: LAST * 2n })).toBe('held 0')
        expect(await bring({ asOf: nth(n + 1), priceE8: LAST * 2n })).toBe('held 1')
        expect(await bring({ asOf: nth(n + 2), priceE8: LAST + 1n })).toBe('appended')
      }
      expect(await latest()).toMatchObject({ count: 5n, priceE8: LAST + 1n })
    })
  })

  test('by none that is further from it than the agreement: that one is held instead', async () => {
    const held = LAST * 2n
    for (const [edge, outwards] of [
      [most(bounds.agreementBps, held), 1n],
      [least(bounds.agreementBps, held), -1n],
    ] as const) {
      await chain.undone(async () => {
        await bring({ asOf: nth(1), priceE8: held })
        await chain.undone(async () => expect(await bring({ asOf: nth(2), priceE8: edge })).toBe('held 1'))
        expect(await bring({ asOf: nth(2), priceE8: edge + outwards })).toBe('held 0')
        expect(await feed.getFunction('heldPrice')(btc)).toEqual([edge + outwards, nth(2), 0n])
      })
    }
  })

  test('by none that comes later than the window', async () => {
    await chain.undone(async () => {
      await bring({ asOf: nth(1), priceE8: LAST * 2n })
      const last = nth(1) + bounds.windowSeconds
      await chain.undone(async () => expect(await bring({ asOf: last, priceE8: LAST * 2n })).toBe('held 1'))
      expect(await bring({ asOf: last + 1n, priceE8: LAST * 2n })).toBe('held 0')
    })
  })

  test('by none that is closer to it than the least spacing, not even itself', async () => {
    await chain.undone(async () => {
      await bring({ asOf: nth(1), priceE8: LAST * 2n })
      for (const asOf of [nth(1), nth(2) - 1n]) {
        expect(saidOf(await carry([{ asOf, priceE8: LAST * 2n }], nth(2)))).toBe('refused TooSoon')
      }
      // One near the last price may be older than the held one: it says that there was no jump by then.
      expect(saidOf(await carry([{ asOf: nth(2) - 1n }], nth(3)))).toBe('appended')
    })
  })

  test('after a pause of any length as after none: nothing widens', async () => {
    await chain.undone(async () => {
      const later = start + 30n * 86_400n
      await chain.undone(async () =>
        expect(await bring({ asOf: later, priceE8: most(bounds.jumpBps) })).toBe('appended'),
      )
      const said = []
      for (let n = 0n; n < 3n; n++) said.push(await bring({ asOf: later + n * SPACING, priceE8: LAST / 3n }))
      expect(said).toEqual(['held 0', 'held 1', 'appended'])
    })
  })

  test('of the first observation there is nothing to compare with', async () => {
    await chain.undone(async () => {
      feed = await deploy()
      expect(await bring({ asOf: start, priceE8: 1n })).toBe('appended')
      feed = await deploy()
      expect(await bring({ asOf: start + 1n, priceE8: 2n ** 48n - 1n })).toBe('appended')
    })
    feed = await chain.ethers.getContractAt('AttestedFeed', feedAddress)
  })
})

describe('R73: what no market does is refused for ever, as an event', () => {
  const scales = [1, 2, 3, 6].flatMap((k) => [LAST * 10n ** BigInt(k), LAST / 10n ** BigInt(k)])

  test.each([
    ['up', most(bounds.greatestFactorBps), 1n],
    ['down', least(bounds.greatestFactorBps), -1n],
  ])('%s, one unit beyond the greatest factor', async (_, edge, outwards) => {
    await chain.undone(async () => {
      await chain.undone(async () => expect(await bring({ asOf: nth(1), priceE8: edge })).toBe('held 0'))
      expect(await bring({ asOf: nth(1), priceE8: edge + outwards })).toBe('refused BeyondFactor')
    })
  })

  test.each(scales)('%s, repeated, changes nothing, and the honest one lands', async (priceE8) => {
    await chain.undone(async () => {
      const before = await latest()
      for (let n = 1; n <= 5; n++)
        expect(await bring({ asOf: nth(n), priceE8 })).toMatch(/^refused (BeyondFactor|NoPrice)$/)
      expect(await latest()).toEqual(before)
      expect(await bring({ asOf: nth(6), priceE8: LAST + 7n })).toBe('appended')
    })
  })

  test('also after a pause, and after each other', async () => {
    await chain.undone(async () => {
      const later = start + 365n * 86_400n
      for (const [n, priceE8] of scales.entries()) {
        expect(await bring({ asOf: later + BigInt(n) * SPACING, priceE8 })).toMatch(/^refused/)
      }
      expect(await latest()).toMatchObject({ count: 1n, priceE8: LAST })
    })
  })

  test('while what nobody signed still reverts', async () => {
    const what = { priceE8: LAST * 10n, asOf: nth(1), impliedVolatilityX16: 0n, rangeCode: 0n }
    const whole = { ...what, marketId: btc, confidenceE8: 0n, deadline: 2n ** 40n }
    const signatures = await attest(await domainOf(feed), signers.slice(0, 2), { ...whole, priceE8: LAST })
    await expectRevert(
      feed.getFunction('submit')(whole, signatures, { gasLimit: GAS_LIMIT }),
      feed,
      'SignatureRejected',
    )
  })
})

describe('R74: an implied volatility that makes no sense is left out, and the price goes on', () => {
  const IMPLIED = 39_322n // 60 %
  const ceiling = bounds.greatestImpliedX16

  const attestedBefore = (body: () => Promise<void>) =>
    chain.undone(async () => {
      // The first to be attested has nothing to be compared with: it is confirmed as a jump is.
      for (const n of [1, 2]) {
        expect(await bring({ asOf: nth(n), impliedVolatilityX16: IMPLIED })).toBe(`without ${IMPLIED} 0, appended`)
      }
      expect(await bring({ asOf: nth(3), impliedVolatilityX16: IMPLIED })).toBe('appended')
      await body()
    })

  test.each([
    ['up', most(bounds.impliedJumpBps, IMPLIED), 1n],
    ['down', least(bounds.impliedJumpBps, IMPLIED), -1n],
  ])('a jump %s, one unit beyond the bound', async (_, edge, outwards) => {
    await attestedBefore(async () => {
      await chain.undone(async () => {
        expect(await bring({ asOf: nth(4), impliedVolatilityX16: edge })).toBe('appended')
        expect((await latest()).impliedVolatilityX16).toBe(edge)
      })
      const beyond = edge + outwards
      const priceE8 = LAST - 5n
      expect(await bring({ asOf: nth(4), priceE8, impliedVolatilityX16: beyond })).toBe(`without ${beyond} 0, appended`)
      expect(await latest()).toMatchObject({ priceE8, asOf: nth(4), impliedVolatilityX16: 0n })
    })
  })

  test('one that is confirmed is appended, and one that the accepted one contradicts is forgotten', async () => {
    await attestedBefore(async () => {
      const risen = 2n * IMPLIED
      const left = `without ${risen} 0, appended`
      const said = []
      const attested = [risen, risen, IMPLIED, risen, 0n, risen, risen, risen]
      for (const [i, impliedVolatilityX16] of attested.entries())
        said.push(await bring({ asOf: nth(4 + i), impliedVolatilityX16 }))
      expect(said).toEqual([left, left, 'appended', left, 'appended', left, 'appended', 'appended'])
      expect((await latest()).impliedVolatilityX16).toBe(risen)
    })
  })

  test.each([
    [0n, true],
    [1n, false],
  ])('one that comes %i s later than the window confirms: %s', async (seconds, confirms) => {
    await attestedBefore(async () => {
      const risen = 2n * IMPLIED
      const left = `without ${risen} 0, appended`
      const next = nth(4) + bounds.windowSeconds + seconds
      for (const asOf of [nth(4), next]) expect(await bring({ asOf, impliedVolatilityX16: risen })).toBe(left)
      const last = await bring({ asOf: next + SPACING, impliedVolatilityX16: risen })
      expect(last).toBe(confirms ? 'appended' : left)
    })
  })

  test('none above the ceiling ever, confirmed or not', async () => {
    await chain.undone(async () => {
      feed = await deploy()
      await bring({ asOf: start, impliedVolatilityX16: ceiling })
      expect((await latest()).impliedVolatilityX16).toBe(ceiling)
      feed = await deploy()
      for (let n = 0; n < 6; n++) {
        const absurd = [ceiling + 1n, 16n << 16n, ceiling + 1n][n % 3] as bigint
        expect(await bring({ asOf: nth(1 + n), impliedVolatilityX16: absurd })).toBe(`without ${absurd} 0, appended`)
      }
    })
    feed = await chain.ethers.getContractAt('AttestedFeed', feedAddress)
  })

  test('a range beyond the greatest is left out, and no other', async () => {
    await chain.undone(async () => {
      const rangeCode = bounds.greatestRangeCode
      await chain.undone(async () => expect(await bring({ asOf: nth(1), rangeCode })).toBe('appended'))
      expect(await bring({ asOf: nth(1), rangeCode: rangeCode + 1n })).toBe(`without 0 ${rangeCode + 1n}, appended`)
      expect((await latest()).rangeCode).toBe(0n)
    })
  })
})

describe('R75: attestations that are carried together do not confirm each other', () => {
  test('a stranger who saves up alike ones and carries them at once has none counted', async () => {
    await chain.undone(async () => {
      const saved = [1, 2, 3, 4].map((n) => ({ asOf: nth(n), priceE8: LAST * 2n }))
      expect(saidOf(await carry(saved, nth(4)))).toBe('held 0 held 0 held 0 held 0')
      const next = { asOf: nth(5), priceE8: LAST * 2n }
      await chain.undone(async () => expect(saidOf(await carry([next], nth(5) - 1n))).toBe('held 0'))
      expect(saidOf(await carry([next], nth(5)))).toBe('held 1')
      // Whoever disagrees has had the time to say so.
      expect(await bring({ asOf: nth(6) })).toBe('appended')
    })
  })

  test('and a block that brings one too soon costs one more, whoever chose it', async () => {
    await chain.undone(async () => {
      const priceE8 = LAST / 2n
      // Each second one comes a second too soon after the last that counted; 12 s are what a block may take.
      const delays = [12n, 11n, 12n, 11n, 12n]
      const said: string[] = []
      for (const [i, delay] of delays.entries()) {
        const asOf = nth(i + 1)
        said.push(saidOf(await carry([{ priceE8, asOf }], asOf + delay)))
      }
      expect(said).toEqual(['held 0', 'held 0', 'held 1', 'held 1', 'appended'])
    })
  })

  test('nor do implied volatilities', async () => {
    await chain.undone(async () => {
      const saved = [1, 2, 3, 4].map((n) => ({ asOf: nth(n), impliedVolatilityX16: 200_000n }))
      await carry(saved, nth(4))
      expect(await latest()).toMatchObject({ asOf: nth(4), impliedVolatilityX16: 0n })
    })
  })
})

describe('R76: the door is its twin, whatever is brought', () => {
  test('of 600 observations, honest, absurd and between', async () => {
    await chain.undone(async () => {
      feed = await deploy()
      let door: Door = emptyDoor
      const random = generator(20_260_311)
      const kinds = new Map<string, number>()
      let now = start
      for (let i = 0; i < 600; i++) {
        const offered = invent(door, random, now)
        now = offered.asOf + BigInt(random(3)) * 20n
        const expected = offer(door, offered, now, bounds)
        door = expected.door
        const events = await carry([offered], now)
        expect(events.map(({ name, args }) => [name, ...args.toArray().slice(1)])).toEqual(
          eventsLike(expected.outcome, offered, events),
        )
        kinds.set(saidOf(events).replace(/[0-9 ,]+/g, ' '), 1)
      }
      const { count, ...last } = await latest()
      expect(last).toEqual(door.last)
      expect(count).toBeGreaterThan(100n)
      const heldNow = door.held
      expect(await feed.getFunction('heldPrice')(btc)).toEqual(
        heldNow ? [heldNow.value, heldNow.asOf, heldNow.confirmations] : [0n, 0n, 0n],
      )
      expect([...kinds.keys()].sort()).toEqual([
        'appended',
        'held ',
        'refused BeyondFactor',
        'refused NoPrice',
        'refused TooSoon',
        'without appended',
      ])
    })
    feed = await chain.ethers.getContractAt('AttestedFeed', feedAddress)
  })

  /** What the contract must say of an outcome; of the count, what it says. */
  function eventsLike(outcome: Outcome, { asOf, priceE8 }: Offered, events: readonly LogDescription[]) {
    if (outcome.kind === 'refused')
      return [['ObservationRefused', asOf, priceE8, BigInt(refusals.indexOf(outcome.reason))]]
    if (outcome.kind === 'held')
      return [['ObservationHeld', asOf, priceE8, events[0]?.args.lastPriceE8, outcome.confirmations]]
    const { impliedVolatilityX16, rangeCode } = outcome.leftOut
    const leftOut =
      impliedVolatilityX16 + rangeCode === 0n ? [] : [['AttestedLeftOut', asOf, impliedVolatilityX16, rangeCode]]
    const appended = events.at(-1)?.args
    expect(unpack('observation', appended?.word)).toEqual(outcome.observation)
    return [...leftOut, ['ObservationAppended', appended?.count, appended?.word]]
  }
})

describe('R77: honest observations pass', () => {
  test.each(['BTC-USD', 'ETH-USD'] as const)('every hour of March 2020, %s', (market) => {
    let door = emptyDoor
    const { rows } = readExtract(market)
    for (const row of rows) {
      const next = offer(door, row, row.asOf, bounds)
      expect(next.outcome).toMatchObject({ kind: 'appended', leftOut: { impliedVolatilityX16: 0n, rangeCode: 0n } })
      door = next.door
    }
    expect(rows.length).toBeGreaterThan(100)
  })
})

/** Numbers below a bound, from a seed. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Prices and implied volatilities near the last, near what waits, at the bounds' edges and beyond. */
function invent(
  { last, held, acceptedImpliedX16, waitingImplied }: Door,
  random: (below: number) => number,
  now: bigint,
): Offered {
  const price = last?.priceE8 ?? LAST
  const factors = [
    10_000n,
    10_100n,
    9_900n,
    12_500n,
    12_501n,
    8_000n,
    7_999n,
    20_000n,
    5_000n,
    50_000n,
    50_001n,
    100_000n,
    1_000n,
    0n,
  ]
  const aroundHeld =
    held === undefined ? price : (held.value * [10_000n, 10_900n, 11_100n, 9_200n][random(4)]!) / 10_000n
  const drawn = (price * (factors[random(factors.length)] as bigint)) / 10_000n
  const priceE8 = random(5) < 3 ? drawn : aroundHeld
  const implied = [
    0n,
    30_000n,
    acceptedImpliedX16,
    (acceptedImpliedX16 * 3n) / 2n,
    2n * acceptedImpliedX16,
    waitingImplied?.value ?? 90_000n,
    262_144n,
    262_145n,
    1n << 20n,
  ]
  return {
    // Never so far that ×5 a few times leaves the words.
    priceE8: price > LAST * 30n ? price / 4n : price < LAST / 30n && priceE8 !== 0n ? price * 4n : priceE8,
    asOf: now + [30n, 31n, 60n, 90n, 29n, 7_200n, 7_300n][random(7)]!,
    impliedVolatilityX16: implied[random(implied.length)] as bigint,
    rangeCode: BigInt([0, 500, 3_000, 4_095, 5_000][random(5)]!),
  }
}
