/** When a round of options is published, what is in it, and what keeps it back. */
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Wallet } from 'ethers'
import { describe, expect, it, vi } from 'vitest'
import { expiryMarketOf, roundMarketOf } from '../../../prover/audit/portfolio/calls.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { provableMargin } from '../../../prover/portfolio/accountMargin.ts'
import type { CollateralPolicy } from '../../../prover/portfolio/margin.ts'
import { ContractRevertError, RpcError } from '../../../prover/registry/contractErrors.ts'
import { marginSizes, readAccount } from '../../../prover/service/answers/margins.ts'
import { type Observed, RoundDesk, type RoundEvent } from '../../../prover/service/feeds/roundDesk.ts'
import { readSummaries } from '../../../prover/service/feeds/deribitSurfaces.ts'
import { FeedFigures } from '../../../prover/service/feeds/feedFigures.ts'
import { defaultRoundLimits, roundDue } from '../../../prover/service/feeds/roundDue.ts'
import {
  CollateralPriceError,
  type FittedMarket,
  roundOfOptions,
  RoundWithoutExpiriesError,
  RoundWithoutIndexError,
  RoundWithoutPerpError,
} from '../../../prover/service/feeds/roundOfOptions.ts'
import { readPortfolio } from '../../../prover/portfolio/input/schema.ts'
import { ClockApartError } from '../../../prover/service/feeds/clockWatch.ts'
import { FeedLog } from '../../../prover/service/feeds/feedLog.ts'
import { forgetOldRounds, keepWords, type RoundSource } from '../../../prover/service/feeds/roundSource.ts'
import { Turns } from '../../../prover/service/feeds/turns.ts'
import { roundFileName, roundFileOf } from '../../../prover/service/daemon/accounts/roundBook.ts'
import { temporaryFolder } from '../zkrisk.ts'

const home = temporaryFolder()
const example = join(import.meta.dirname, '..', '..', '..', 'docs', 'examples', 'short-strangle.json')
const { marginPolicy, round: own } = provableMargin(readAccount(example, {}), marginSizes)
const terms = {
  ...{ marketId: marketIdOf('BTC-USD'), priceScale: 0, stablePrice: '1' },
  ...{ collaterals: marginPolicy.collaterals, collateralPricesE12: [] },
}
const AS_OF = Number(own.asOf)
const DAY = 86_400
const svi = (a: number) => ({ a: String(a), b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' })
const expiry = (days: number, a = 0.012, forward = '71310') => ({
  expiry: String(AS_OF + days * DAY),
  forward,
  svi: { ...svi(a), forwardRef: forward, tauRef: String(days / 365), variance: 'total' },
})
const fitted: FittedMarket = {
  ...{ asOf: String(AS_OF), spot: '70853.26', isSpotForward: false, perpPrice: '70840' },
  expiries: [expiry(50), expiry(22, 0.006)],
}
const later = (seconds: number, more: Partial<FittedMarket> = {}): FittedMarket => ({
  ...{ ...fitted, asOf: String(AS_OF + seconds) },
  ...more,
})

/** Of an expiry, as Deribit tells them. */
function quotesOf(days: number): readonly object[] {
  const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
  const at = new Date(1000 * (AS_OF + days * DAY))
  const date = `${at.getUTCDate()}${months[at.getUTCMonth()]}${at.getUTCFullYear() % 100}`
  return Array.from({ length: 9 }, (_, i) => 50_000 + 5000 * i).flatMap((strike) =>
    ['C', 'P'].map((kind) => ({
      ...{ instrument_name: `BTC-${date}-${strike}-${kind}`, creation_timestamp: 1000 * AS_OF },
      ...{ underlying_price: 71_310, mark_iv: 50 + ((strike - 71_310) / 10_000) ** 2 },
    })),
  )
}

describe('a round is due', () => {
  const due = (now: FittedMarket) => roundDue(fitted, now, defaultRoundLimits)

  it('at first, when the last one is old, and never for quotes that are no later', () => {
    expect(roundDue(undefined, fitted, defaultRoundLimits)).toBe('first')
    expect([59, 60].map((seconds) => due(later(seconds)))).toEqual([undefined, 'heartbeat'])
    expect([0, -1].map((seconds) => due(later(seconds, { spot: '1' })))).toEqual([undefined, undefined])
  })

  it('when spot has moved, either way, by the stated log return', () => {
    const at = (move: number) => due(later(1, { spot: String(70_853.26 * Math.exp(move)) }))
    expect([0.001249, 0.001251, -0.001249, -0.001251].map(at)).toEqual([undefined, 'spot', undefined, 'spot'])
  })

  it('when the surface of an expiry has moved, or there is another expiry', () => {
    expect(due(later(1, { expiries: [expiry(50, 0.0121), expiry(22, 0.006)] }))).toBeUndefined()
    expect(due(later(1, { expiries: [expiry(50, 0.014), expiry(22, 0.006)] }))).toBe('surface')
    expect(due(later(1, { expiries: [...fitted.expiries, expiry(100)] }))).toBe('expiries')
    expect(due(later(1, { expiries: [expiry(50)] }))).toBeUndefined()
  })
})

describe('a round of what was fitted', () => {
  it('has spot, perpetual and surfaces as a portfolio file with them is read, by increasing expiry', () => {
    const { round, leftOut, spotE8 } = roundOfOptions(fitted, terms)
    expect([spotE8, leftOut, round.asOf]).toEqual([7_085_326_000_000n, [], own.asOf])
    const market = roundMarketOf(round.market)
    expect(market).toMatchObject({ spotE8, perpPriceE8: 7_084_000_000_000n, stablePriceE12: 10n ** 12n })
    const expiries = round.expiries.map((words) => expiryMarketOf(words).expiry)
    expect(expiries).toEqual([22, 50].map((days) => own.asOf + BigInt(days * DAY)))
  })

  it('leaves an expiry out whose surface fits no words, and none other', () => {
    const impossible = { ...expiry(30), svi: { ...expiry(30).svi, b: '-1' } }
    const far = expiry(30, 0.012, '170000')
    for (const wrong of [impossible, far]) {
      const { round, leftOut } = roundOfOptions({ ...fitted, expiries: [...fitted.expiries, wrong] }, terms)
      expect([round.expiries.length, leftOut.length]).toEqual([2, 1])
    }
  })

  it('is none without a price of the perpetual', () => {
    expect(() => roundOfOptions({ ...fitted, perpPrice: undefined }, terms)).toThrow(RoundWithoutPerpError)
  })

  it('S61: is none without an index price: a forward is not taken for spot', () => {
    expect(() => roundOfOptions({ ...fitted, isSpotForward: true }, terms)).toThrow(RoundWithoutIndexError)
    const perpetual = { instrument_name: 'BTC-PERPETUAL', mark_price: 70_840, creation_timestamp: 1000 * AS_OF }
    const fittedTo = (index: object) => {
      const rows = [50, 22].flatMap((days) => quotesOf(days).map((row) => ({ ...row, ...index })))
      const wanted = { market: 'BTC-USD', instrument: 'BTC-PERPETUAL', price: 'index', options: 'BTC' } as const
      const [event] = readSummaries(
        'deribit',
        { ...wanted, unitsExponent: 0 },
        JSON.parse(JSON.stringify(rows)),
        perpetual,
      )
      if (event?.kind !== 'options') throw new Error(JSON.stringify(event))
      return event.fitted
    }
    const { spotE8 } = roundOfOptions(fittedTo({ estimated_delivery_price: 70_853.26 }), terms)
    expect(spotE8).toBe(7_085_326_000_000n)
    for (const none of [{}, { estimated_delivery_price: null }, { estimated_delivery_price: 0 }])
      expect(() => roundOfOptions(fittedTo(none), terms)).toThrow(RoundWithoutIndexError)
  })

  it('S61: is none without an expiry, and says why', () => {
    expect(() => roundOfOptions({ ...fitted, expiries: [] }, terms)).toThrow(/none has quotes of enough strikes/)
    const impossible = { ...expiry(30), svi: { ...expiry(30).svi, b: '-1' } }
    const all = () => roundOfOptions({ ...fitted, expiries: [impossible, impossible] }, terms)
    expect(all).toThrow(RoundWithoutExpiriesError)
    expect(all).toThrow(/svi\.b/)
  })

  it('prices collateral that moves with spot at it, takes stated prices of others, and makes none up', () => {
    const unused = { ...(terms.collaterals[15] as CollateralPolicy) }
    const used = { ...unused, maintenanceHaircutX40: 1n, sizeQ: 1n }
    const collaterals = [{ ...used, movesWithSpot: 1n }, used, ...terms.collaterals.slice(2)]
    const stated = { ...terms, collaterals, collateralPricesE12: [undefined, 999n] }
    const { collaterals: priced } = roundMarketOf(roundOfOptions(fitted, stated).round.market)
    expect(priced.slice(0, 3).map(({ priceE12 }) => priceE12)).toEqual([70_853_260_000_000_000n, 999n, 0n])
    const missing = () => roundOfOptions(fitted, { ...stated, collateralPricesE12: [] })
    expect(missing).toThrow(CollateralPriceError)
    expect(missing).toThrow(/place 1 /)
  })

  it('tells the price of the asset as collateral of as many units as its spot, as a portfolio file does', () => {
    const [spot, priceScale] = ['0.07085326', 6]
    const collaterals = terms.collaterals.with(0, { ...(terms.collaterals[15] as CollateralPolicy), movesWithSpot: 1n })
    const made = roundOfOptions(
      { ...fitted, spot, perpPrice: spot, expiries: [expiry(50, 0.012, '0.07131')] },
      { ...terms, collaterals, priceScale },
    )
    const stated = { asOf: String(AS_OF), spot, currency: 'BTC', priceUnits: '1000000', expiries: [] }
    const market = { ...stated, collaterals: [{ asset: 'BTC', price: spot, confidence: '1' }] }
    const [asset] = readPortfolio(JSON.stringify({ account: {}, market }), 'file').market.collaterals
    expect(asset?.priceE12).toBe(70_853_260_000_000_000n)
    expect(roundMarketOf(made.round.market).collaterals[0]?.priceE12).toBe(asset?.priceE12)
  })
})

describe('rounds on their way', () => {
  type Publish = () => Promise<string>
  type More = {
    observed?: Observed
    leastSources?: number
    latestAsOf?: () => Promise<bigint>
    has?: () => Promise<boolean>
    turns?: Turns
  }
  function deskOf(publish: Publish, more: More = {}) {
    const events: RoundEvent[] = []
    const published: bigint[] = []
    const source = {
      ...{ market: 'BTC-USD', terms, fileOf: () => 'file' },
      ...{ latestAsOf: more.latestAsOf ?? (async () => 0n), has: more.has ?? (async () => true) },
      publish: async ({ asOf }: { asOf: bigint }) => {
        published.push(asOf)
        return publish()
      },
    } as unknown as RoundSource
    const desk = new RoundDesk(source, {
      ...{ limits: defaultRoundLimits, leastSources: more.leastSources ?? 1, maxDeviationBps: 100 },
      ...{ observed: () => more.observed, turns: more.turns ?? new Turns(), development: undefined },
      onEvent: (event) => events.push(event),
    })
    return { desk, events, published }
  }
  const kinds = (events: readonly RoundEvent[]) => events.map((event) => ('code' in event ? event.code : event.kind))

  it('S62: of quotes that come while one is on its way only the newest is published next', async () => {
    const first = Promise.withResolvers<string>()
    const { desk, events, published } = deskOf(() => first.promise)
    for (const seconds of [0, 100, 200, 300]) desk.take({ fitted: later(seconds) })
    first.resolve('file')
    await desk.idle()
    expect(published).toEqual([0, 300].map((seconds) => own.asOf + BigInt(seconds)))
    expect(events.map((event) => event.kind === 'round' && event.reason)).toEqual(['first', 'heartbeat'])
  })

  it('S62: quotes that come at whichever moment after one has landed wait for no others', async () => {
    for (let moments = 0; moments < 12; moments++) {
      const { desk, published } = deskOf(async () => {
        // As many turns of the queue of microtasks after the round has landed.
        void (async () => {
          for (let i = 0; i < moments; i++) await undefined
          if (published.length === 1) desk.take({ fitted: later(100) })
        })()
        return 'file'
      })
      desk.take({ fitted })
      await new Promise(setImmediate)
      await desk.idle()
      expect([moments, published.length]).toEqual([moments, 2])
    }
  })

  it('S62: what the chain did not answer is tried with the next quotes, what it refuses is told', async () => {
    let error: Error | undefined = new RpcError('Publishing', new Error('away'))
    const { desk, events } = deskOf(async () => {
      if (error !== undefined) throw error
      return 'file'
    })
    const take = async (seconds: number) => {
      desk.take({ fitted: later(seconds) })
      await desk.idle()
    }
    await take(0)
    error = new ContractRevertError('Publishing', 'RoundNotLater', {}, undefined)
    await take(1)
    error = undefined
    await take(2)
    expect(kinds(events)).toEqual(['registry.rpc', 'registry.reverted', 'round'])
    expect(events.map(({ kind }) => kind)).toEqual(['round-fails', 'round-refused', 'round'])
  })

  it('S81: one that is not mined is told when all ends, by its transaction, and waited for no longer', async () => {
    const mined = Promise.withResolvers<string>()
    const turns = new Turns()
    const hash = `0x${'ab'.repeat(32)}`
    const wallet = turns.follow({ sendTransaction: async () => ({ hash }) } as unknown as Wallet)
    const { desk, events, published } = deskOf(
      async () => {
        await wallet.sendTransaction({})
        return mined.promise
      },
      { turns },
    )
    const figures = new FeedFigures(new Map(), { readingSeconds: 60, observationSeconds: 60 })
    figures.expectRounds('BTC-USD', 0.001)
    figures.watchSending(() => turns.unmined)
    desk.take({ fitted })
    desk.take({ fitted: later(100) })
    await new Promise((resolve) => setTimeout(resolve, 5))
    const says = (name: string) => figures.ready().checks.find((check) => check.name === name)
    const waits = new RegExp(`transaction ${hash} waits to be mined since \\d{4}-`)
    expect(says('sending')).toMatchObject({ ok: true, says: expect.stringMatching(waits) })
    expect(says('rounds BTC-USD')).toMatchObject({ ok: false, says: expect.stringMatching(waits) })
    vi.useFakeTimers({ now: Date.now() + 61_000, toFake: ['Date'] })
    expect(says('sending')?.ok).toBe(false)
    vi.useRealTimers()
    await desk.stop(10)
    expect(kinds(events)).toEqual(['service.round-left'])
    expect(events[0]).toMatchObject({ says: expect.stringContaining(hash) })
    mined.resolve('file')
    await new Promise(setImmediate)
    await desk.idle()
    expect([events.length, published.length]).toEqual([1, 1])
    expect(says('sending')).toMatchObject({ ok: true, says: 'observations are sent' })
  })

  it('S62: none is published that the source has already, or a later one', async () => {
    const { desk, published } = deskOf(async () => 'file', { latestAsOf: async () => own.asOf })
    desk.take({ fitted })
    await desk.idle()
    desk.take({ fitted: later(1) })
    await desk.idle()
    expect(published).toEqual([own.asOf + 1n])
  })

  it('S73: one whose answer was lost is told once the source has it, and not published again', async () => {
    let latest = 0n
    const { desk, events, published } = deskOf(
      async () => {
        if (published.length > 1) return 'file'
        latest = own.asOf
        throw new RpcError('Publishing', new Error('the answer was lost'))
      },
      { latestAsOf: async () => latest },
    )
    const take = async (seconds: number) => {
      desk.take({ fitted: later(seconds) })
      await desk.idle()
    }
    await take(0)
    expect(kinds(events)).toEqual(['registry.rpc'])
    await take(1)
    // Nothing was due but what had landed.
    expect(kinds(events)).toEqual(['registry.rpc', 'round'])
    expect(published).toEqual([own.asOf])
    await take(60)
    expect(published).toEqual([own.asOf, own.asOf + 60n])
    expect(events.map((event) => event.kind === 'round' && event.reason)).toEqual([false, 'first', 'heartbeat'])
  })

  it('S73: one of another committee’s process of the same time is not taken for its own', async () => {
    const { desk, events, published } = deskOf(
      async () => {
        if (published.length > 1) return 'file'
        throw new ContractRevertError('Publishing', 'RoundNotLater', {}, undefined)
      },
      { latestAsOf: async () => (published.length === 0 ? 0n : own.asOf), has: async () => false },
    )
    for (const seconds of [0, 1]) {
      desk.take({ fitted: later(seconds) })
      await desk.idle()
    }
    expect(kinds(events)).toEqual(['registry.reverted', 'round'])
    expect(published).toEqual([own.asOf, own.asOf + 1n])
  })

  it('S72: none is published while the clock is off, and the next quotes are once it is right', async () => {
    let fault: Error | undefined = new ClockApartError('it is off')
    const turns = new Turns(() => {
      if (fault !== undefined) throw fault
    })
    const { desk, events, published } = deskOf(async () => 'file', { turns })
    desk.take({ fitted })
    await desk.idle()
    expect([kinds(events), published]).toEqual([['service.feed-clock'], []])
    fault = undefined
    desk.take({ fitted: later(1) })
    await desk.idle()
    expect(events.map(({ kind }) => kind)).toEqual(['round-fails', 'round'])
  })

  it('S61: why none is published is told by name in the log, by metrics and by readiness', async () => {
    const { desk, events } = deskOf(async () => 'file')
    const figures = new FeedFigures(new Map(), { readingSeconds: 60, observationSeconds: 60 })
    figures.expectRounds('BTC-USD', 0.001)
    const take = async (quotes: FittedMarket) => {
      desk.take({ fitted: quotes })
      await desk.idle()
      const event = events.at(-1) as RoundEvent
      figures.round(event)
      return [event, figures.ready().checks.find(({ name }) => name === 'rounds BTC-USD')] as const
    }
    for (const [quotes, code] of [
      [{ ...fitted, isSpotForward: true }, 'service.round-index'],
      [{ ...fitted, expiries: [] }, 'service.round-expiries'],
      [{ ...fitted, perpPrice: undefined }, 'service.round-perp'],
    ] as const) {
      const [event, check] = await take(quotes)
      expect(event).toMatchObject({ kind: 'round-refused', code })
      expect(new FeedLog().line(event)).toContain(`(${code})`)
      await new Promise((resolve) => setTimeout(resolve, 5))
      expect(figures.ready().checks.find(({ name }) => name === 'rounds BTC-USD')?.ok).toBe(false)
      expect(check?.says).toContain(`(${code})`)
      expect(await figures.registry.metrics()).toContain(
        `zkrisk_feed_rounds_total{market="BTC-USD",outcome="refused",reason="${code}"} 1\n`,
      )
    }
    const [event, check] = await take(fitted)
    expect([event.kind, check?.says]).toEqual(['round', 'it has rounds'])
  })

  it('S61: none is published whose spot is apart from what all feeds together say', async () => {
    const at = async (price: number | undefined, leastSources: number, age = 0) => {
      const observed = price === undefined ? undefined : { price, asOf: AS_OF - age }
      const { desk, events } = deskOf(async () => 'file', { observed, leastSources } as never)
      desk.take({ fitted })
      await desk.idle()
      return kinds(events)[0]
    }
    expect(await at(70_853.26 * 1.0099, 2)).toBe('round')
    for (const factor of [1.0102, 0.9899, 10]) expect(await at(70_853.26 * factor, 2)).toBe('service.round-apart')
    // Where several must agree a lone provider is not believed about spot, nor an observation of long ago.
    expect(await at(undefined, 2)).toBe('service.round-apart')
    expect(await at(70_853.26, 2, 121)).toBe('service.round-apart')
    expect(await at(undefined, 1)).toBe('round')
    expect(await at(100, 1, 121)).toBe('round')
    expect(await at(100, 1)).toBe('service.round-apart')
  })
})

describe('words of rounds that were written', () => {
  it('are kept of the latest rounds of the market alone, and nobody else’s files are touched', () => {
    const folder = join(home, 'rounds')
    mkdirSync(folder)
    const write = (name: string): void => writeFileSync(join(folder, name), '{}')
    for (let asOf = 1; asOf <= 300; asOf++) write(roundFileName({ market: 'BTC-USD', asOf }))
    const others = [
      'ETH-USD-1.round.json',
      `BTC-USD-1-${'a'.repeat(32)}.round.json`,
      'notes.txt',
      'BTC-USD-x.round.json',
    ]
    for (const name of others) write(name)
    forgetOldRounds(folder, 'BTC-USD', 300)
    const left = readdirSync(folder)
    expect(left.length).toBe(256 + others.length)
    expect(left).toEqual(expect.arrayContaining([...others, 'BTC-USD-45.round.json', 'BTC-USD-300.round.json']))
    expect(left).not.toContain('BTC-USD-44.round.json')
  })

  it('S73, S74: are there before their round is, never replaced by others of its second, and no more where none is taken', async () => {
    const folder = join(home, 'words')
    const keep = (asOf: number, word = '0x1') => {
      const words = { ...roundFileOf('BTC-USD', roundOfOptions(fitted, terms).round), asOf, marketWords: [word] }
      return keepWords(join(folder, roundFileName(words)), words)
    }
    for (let asOf = 1; asOf <= 300; asOf++) await keep(asOf)
    expect(readdirSync(folder).length).toBe(256)
    await expect(keep(300)).resolves.toBeUndefined()
    await expect(keep(300, '0x2')).rejects.toMatchObject({ code: 'service.round-words-kept' })
    expect(readFileSync(join(folder, 'BTC-USD-300.round.json'), 'utf8')).toContain('"marketWords":["0x1"]')
  })

  it('S73: are there however many files are dated later, and so are those of the rounds before', async () => {
    const folder = join(home, 'later')
    mkdirSync(folder)
    const nameOf = (asOf: number) => roundFileName({ market: 'BTC-USD', asOf })
    for (let i = 0; i < 400; i++) writeFileSync(join(folder, nameOf(1_900_000_000 + i)), '{}')
    const words = roundFileOf('BTC-USD', roundOfOptions(fitted, terms).round)
    for (const seconds of [0, 60, 120]) {
      const asOf = AS_OF + seconds
      await keepWords(join(folder, nameOf(asOf)), { ...words, asOf })
    }
    const left = readdirSync(folder)
    expect(left).toEqual(expect.arrayContaining([0, 60, 120].map((seconds) => nameOf(AS_OF + seconds))))
    expect(left.length).toBe(3 + 64)
  })

  it('S74: drafts of processes that were killed are deleted after an hour, those of one that lives are not', () => {
    const folder = join(home, 'drafts')
    mkdirSync(folder)
    const names = [
      '.BTC-USD-1.round.json.17.0.draft',
      `.BTC-USD-1-${'a'.repeat(32)}.round.json.17.1.draft`,
      '.other.draft',
    ]
    const write = (name: string): void => writeFileSync(join(folder, name), '{')
    for (const name of [...names, '.BTC-USD-2.round.json.18.0.draft']) write(name)
    const before = new Date(Date.now() - 3_700_000)
    for (const name of names) utimesSync(join(folder, name), before, before)
    forgetOldRounds(folder, 'BTC-USD', 2)
    expect(readdirSync(folder).toSorted()).toEqual(['.BTC-USD-2.round.json.18.0.draft', '.other.draft'])
  })
})
