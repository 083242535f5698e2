/** Observations from readings: known values, bounds, and that the order in which readings come does not matter. */
import { describe, expect, it, test } from 'vitest'
import { parseDecimal } from '../../../prover/market/decimal.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { extendHead } from '../../../prover/registry/market/calldata.ts'
import type { Carried } from '../../../prover/service/feeds/carrier.ts'
import { type DeskMarket, FeedDesk } from '../../../prover/service/feeds/feedDesk.ts'
import { CLOCK_SKEW_MS } from '../../../prover/service/feeds/judge.ts'
import { placeWithoutChain } from '../../../prover/service/feeds/places.ts'
import type { FeedReading } from '../../../prover/service/feeds/priceFeed.ts'
import { Random } from '../../../scripts/tools/cases/random.ts'
import { pack } from '../../../prover/statement/words.ts'

const START = 1_700_000_010
const NOW_MS = 1000 * START + 500

const marketOf = (more: Partial<DeskMarket> = {}): DeskMarket => ({
  place: placeWithoutChain('BTC-USD'),
  ...{
    leastSources: 1,
    maxDeviationBps: 100n,
    maxConfidenceBps: 50n,
    everySeconds: 30,
    inForceSeconds: 15,
    spacingSeconds: 30,
  },
  ...more,
})
const priceOf = (text: string, asOfMs: number, feed = 'a', confidence?: string, market = 'BTC-USD'): FeedReading => ({
  ...{ kind: 'price', feed, market, asOfMs },
  price: parseDecimal(text) ?? { negative: false, digits: 0n, exponent: 0 },
  confidence: confidence === undefined ? undefined : parseDecimal(confidence),
})
const kindsOf = ({ events }: ReturnType<FeedDesk['close']>): readonly string[] =>
  events.map((event) => (event.kind === 'refused' ? event.condition : event.kind))
const refusedBy = (desk: FeedDesk, reading: FeedReading, nowMs = NOW_MS): string | undefined => {
  const [event] = desk.take(reading, nowMs).refused
  return event?.kind === 'refused' ? event.condition : undefined
}

describe('an observation', () => {
  it('is the price in force at its step, at the step’s time, which is not asked before', () => {
    const desk = new FeedDesk([marketOf()], false)
    desk.take(priceOf('100', 1000 * START - 16_000), NOW_MS)
    desk.take(priceOf('101.5', 1000 * START - 1_000, 'a', '0.25'), NOW_MS)
    desk.take(priceOf('102', 1000 * START + 1), NOW_MS)
    expect(desk.close(START - 1).observations).toEqual([])
    const { observations, events } = desk.close(START)
    expect(observations).toEqual([
      {
        ...{ market: 'BTC-USD', marketId: marketIdOf('BTC-USD'), asOf: BigInt(START) },
        ...{ priceE8: 10_150_000_000n, confidenceE8: 25_000_000n, impliedVolatilityX16: 0n },
      },
    ])
    expect(events).toEqual([{ kind: 'observed', market: 'BTC-USD', asOf: START, price: '101.5', feeds: ['a'] }])
    expect(desk.close(START).observations).toEqual([])
  })

  it('is none where the price is as old as it may be in force, and one where it is a millisecond younger', () => {
    for (const [asOfMs, kind] of [
      [1000 * START - 15_000, 'too-few'],
      [1000 * START - 14_999, 'observed'],
    ] as const) {
      const desk = new FeedDesk([marketOf()], false)
      desk.take(priceOf('100', asOfMs), NOW_MS)
      expect(kindsOf(desk.close(START))).toEqual([kind])
    }
  })

  it('S31: is the median of as many feeds as must agree; one that is apart is named and does not count', () => {
    const market = marketOf({ leastSources: 2 })
    const take = (...prices: readonly string[]) => {
      const desk = new FeedDesk([market], false)
      for (const [i, price] of prices.entries()) desk.take(priceOf(price, NOW_MS - 1000, `feed-${i}`), NOW_MS)
      return desk.close(START)
    }
    expect(take('100', '101').observations[0]?.priceE8).toBe(10_050_000_000n)
    // A hundredth from the median is near, a step more is not.
    expect(take('100', '101', '100').observations[0]?.priceE8).toBe(10_000_000_000n)
    expect(kindsOf(take('100', '101', '100'))).toEqual(['observed'])
    expect(kindsOf(take('100', '101.00000001', '100'))).toEqual(['apart', 'observed'])
    expect(kindsOf(take('100', '65', '3000'))).toEqual(['apart', 'apart', 'too-few'])
    const alone = take('100')
    expect(alone.events).toEqual([{ kind: 'too-few', market: 'BTC-USD', asOf: START, found: 1, wanted: 2, steps: 1 }])
    expect(alone.observations).toEqual([])
  })

  it('S32: does not follow a feed beyond the factor of the source’s door, and goes on with the others', () => {
    const last = { priceE8: 10n ** 10n, asOf: BigInt(START - 60), impliedVolatilityX16: 0n, rangeCode: 0n }
    const market = marketOf({ place: { ...placeWithoutChain('BTC-USD'), last } })
    const take = (...prices: readonly string[]) => {
      const desk = new FeedDesk([market], false)
      for (const [i, price] of prices.entries()) desk.take(priceOf(price, NOW_MS - 1000, `feed-${i}`), NOW_MS)
      return desk.close(START)
    }
    expect(kindsOf(take('500'))).toEqual(['observed'])
    expect(kindsOf(take('500.00000001'))).toEqual(['jump', 'too-few'])
    expect(kindsOf(take('19.99999999'))).toEqual(['jump', 'too-few'])
    expect(kindsOf(take('100', '10000'))).toEqual(['jump', 'observed'])
  })

  it('is not sooner after the last one than its source takes, nor twice', () => {
    const last = { priceE8: 10n ** 10n, asOf: BigInt(START - 29), impliedVolatilityX16: 0n, rangeCode: 0n }
    const place = { ...placeWithoutChain('BTC-USD'), last }
    const desk = new FeedDesk([marketOf({ place })], false)
    expect(desk.take(priceOf('100', NOW_MS - 1000), NOW_MS)).toEqual({ outcome: 'repeated', refused: [] })
    expect(desk.close(START).observations).toEqual([])
    const later = new FeedDesk([marketOf({ place: { ...place, last: { ...last, asOf: BigInt(START - 30) } } })], false)
    later.take(priceOf('100', NOW_MS - 1000), NOW_MS)
    expect(later.close(START).observations.length).toBe(1)
    expect(refusedBy(later, priceOf('100', NOW_MS - 1000))).toBe('late')
  })

  it('has the implied volatility that is in force, and none once that is old', () => {
    const volatility: FeedReading = {
      kind: 'volatility',
      feed: 'v',
      market: 'BTC-USD',
      volatility: 0.65,
      asOfMs: NOW_MS - 2000,
    }
    const desk = new FeedDesk([marketOf()], true)
    desk.take(volatility, NOW_MS)
    for (const after of [0, 570, 630]) desk.take(priceOf('100', 1000 * (START + after) - 1), NOW_MS)
    const { observations } = desk.close(START + 630)
    expect(observations.map(({ impliedVolatilityX16 }) => impliedVolatilityX16)).toEqual([42_598n, 42_598n, 0n])
  })

  it('says how many steps nothing was in force at, at once', () => {
    const desk = new FeedDesk([marketOf()], true)
    for (const after of [0, 30, 3600]) desk.take(priceOf('100', 1000 * (START + after)), NOW_MS)
    const { events, observations } = desk.close(START + 4000)
    expect(observations.length).toBe(3)
    expect(events.filter(({ kind }) => kind === 'too-few')).toEqual([
      expect.objectContaining({ asOf: START + 3570, found: 0, steps: 118 }),
    ])
  })
})

describe('a reading', () => {
  const desk = new FeedDesk([marketOf(), marketOf({ place: { ...placeWithoutChain('PEPE-USD'), scale: 9 } })], false)

  it.each([
    ['from the future', priceOf('100', NOW_MS + CLOCK_SKEW_MS + 1), 'future'],
    ['in microseconds', priceOf('100', 1000 * NOW_MS), 'future'],
    ['of a time that no calendar has', priceOf('100', 1e300), 'future'],
    ['of yesterday', priceOf('100', NOW_MS - 120_001), 'old'],
    ['in seconds', priceOf('100', START), 'old'],
    ['before all times', priceOf('100', -1), 'old'],
    ['of 999 steps', priceOf('0.00000999', NOW_MS), 'coarse'],
    ['that no word holds', priceOf('2814749.76710656', NOW_MS), 'coarse'],
    ['less sure than the market allows', priceOf('100', NOW_MS, 'a', '0.50000001'), 'uncertain'],
    ['of a market that nobody asked for', priceOf('100', NOW_MS, 'a', undefined, 'DOGE-USD'), 'unknown-id'],
  ])('S32: %s is refused by name', (_, reading, condition) => {
    expect(refusedBy(desk, reading)).toBe(condition)
  })

  it.each([
    ['as far ahead as clocks differ', priceOf('100', NOW_MS + CLOCK_SKEW_MS)],
    ['as old as may be', priceOf('100', NOW_MS - 120_000)],
    ['of 1,000 steps', priceOf('0.00001', NOW_MS, 'b')],
    ['as large as a word', priceOf('2814749.76710655', NOW_MS, 'c')],
    ['as unsure as the market allows', priceOf('100', NOW_MS, 'd', '0.5')],
    ['of a small token, at its source’s scale', priceOf('4.2e-7', NOW_MS, 'a', undefined, 'PEPE-USD')],
  ])('%s is taken', (_, reading) => {
    expect(desk.take(reading, NOW_MS)).toEqual({ outcome: 'taken', refused: [] })
  })

  it('is held at its source’s scale, rounded down to its steps', () => {
    const small = new FeedDesk([marketOf({ place: { ...placeWithoutChain('PEPE-USD'), scale: 9 } })], false)
    small.take(priceOf('4.2012345678999999e-7', NOW_MS - 1000, 'a', undefined, 'PEPE-USD'), NOW_MS)
    expect(small.close(START).observations[0]?.priceE8).toBe(42_012_345_678n)
  })
})

describe('feeds that are late, dead, doubled or out of order', () => {
  const feeds = ['a', 'b', 'c']
  const markets = ['BTC-USD', 'ETH-USD']

  /** 10,000 readings of three feeds with pauses, of which some contradict others of the same time. */
  function readingsOf(seed: number): readonly FeedReading[] {
    const random = new Random(BigInt(seed))
    const below = (limit: number): number => Number(random.below(BigInt(limit)))
    let asOfMs = 1000 * START
    return Array.from({ length: 10_000 }, (): FeedReading => {
      asOfMs += below(100) === 0 ? below(200_000) : below(700)
      const market = markets[below(2)] ?? ''
      const feed = feeds[below(3)] ?? ''
      if (below(20) === 0) return { kind: 'volatility', feed, market, volatility: 0.3 + below(1000) / 1000, asOfMs }
      const price = below(300) === 0 ? below(1_000_000) : 100_000 + below(700)
      return priceOf(`${price}e-2`, asOfMs - below(3), feed, undefined, market)
    })
  }

  function shuffled<Item>(items: readonly Item[], seed: number, reach = items.length): readonly Item[] {
    const random = new Random(BigInt(seed))
    const keyed = items.map((item, i) => ({ item, key: i + Number(random.below(BigInt(reach))) }))
    return keyed.toSorted((a, b) => a.key - b.key).map(({ item }) => item)
  }

  const newDesk = (): FeedDesk =>
    new FeedDesk(
      markets.map((name) => marketOf({ place: placeWithoutChain(name), leastSources: 2 })),
      true,
    )

  /** What the inbox of each market comes to. */
  function headsOf(observations: readonly Carried[]): readonly string[] {
    return markets.map((name) => {
      const words = observations
        .filter(({ market }) => market === name)
        .map((each) => pack('observation', { ...each, rangeCode: 0n }))
      return extendHead('0x'.padEnd(66, '0'), words)
    })
  }

  test.each([1, 2, 3, 4, 5])(
    'S30: of 10,000 readings shuffled and repeated come the same observations (seed %i)',
    (seed) => {
      const readings = readingsOf(seed)
      const observe = (given: readonly FeedReading[]) => {
        const desk = newDesk()
        for (const reading of given) desk.take(reading, 0)
        return desk.close(Number.POSITIVE_INFINITY).observations
      }
      const inOrder = observe(readings)
      expect(inOrder.length).toBeGreaterThan(100)
      const repeated = [...readings, ...shuffled(readings, seed).slice(0, 3000)]
      const mixed = observe(shuffled(repeated, seed + 100))
      expect(mixed).toEqual(inOrder)
      expect(headsOf(mixed)).toEqual(headsOf(inOrder))
      // The control: one reading less that decided is another set.
      const [first] = inOrder
      const without = readings.filter(({ asOfMs }) => Math.ceil(asOfMs / 30_000) * 30 !== Number(first?.asOf))
      expect(headsOf(observe(without))).not.toEqual(headsOf(inOrder))
    },
  )

  test('S30: steps that are closed as time goes on, with readings up to the grace behind, come to the same observations', () => {
    const readings = readingsOf(6)
    const late = shuffled(readings, 7, 8)
    const observe = (given: readonly FeedReading[], graceSeconds: number) => {
      const desk = newDesk()
      let refused = 0
      const observations = given.flatMap((reading) => {
        refused += desk.take(reading, 0).refused.length
        return desk.close(Math.floor(desk.newestMs / 1000) - graceSeconds).observations
      })
      return { refused, observations: [...observations, ...desk.close(Number.POSITIVE_INFINITY).observations] }
    }
    const atOnce = observe(readings, 10_000_000)
    // Eight places further on is many minutes where a pause falls between.
    const asItGoes = observe(late, 2_000)
    expect(asItGoes.refused).toBe(atOnce.refused)
    const byTime = (all: readonly Carried[]) =>
      all.toSorted((a, b) => Number(a.asOf - b.asOf) || (a.market < b.market ? -1 : 1))
    expect(byTime(asItGoes.observations)).toEqual(byTime(atOnce.observations))
    // The control: without grace some come after their step and are refused by name.
    expect(observe(late, 0).refused).toBeGreaterThan(asItGoes.refused)
  })

  test('S31: no observation is made of fewer feeds than must agree, whoever else is silent, lies or comes late', () => {
    const random = new Random(11n)
    const below = (limit: number): number => Number(random.below(BigInt(limit)))
    const desk = newDesk()
    const honest = new Map<number, Set<string>>()
    for (const reading of shuffled(readingsOf(12), 13)) {
      if (reading.market !== 'BTC-USD' || reading.kind !== 'price') continue
      const isLie = below(2) === 0
      const price = isLie ? `${1 + below(50)}e3` : '1000'
      desk.take({ ...reading, price: parseDecimal(price) ?? reading.price }, 0)
      const step = Math.ceil(reading.asOfMs / 30_000) * 30
      const isInForce = reading.asOfMs > 1000 * (step - 15)
      if (isInForce) honest.set(step, (honest.get(step) ?? new Set()).add(reading.feed))
    }
    const { observations, events } = desk.close(Number.POSITIVE_INFINITY)
    expect(observations.length).toBeGreaterThan(10)
    for (const { asOf } of observations) expect(honest.get(Number(asOf))?.size).toBeGreaterThanOrEqual(2)
    for (const event of events) if (event.kind === 'observed') expect(event.feeds.length).toBeGreaterThanOrEqual(2)
    expect(kindsOf({ observations, events })).toContain('apart')
  })
})
