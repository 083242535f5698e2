/** Each alarm provoked on a chain: raised with the round that gives cause, cleared after. */
import { beforeEach, describe, expect, test } from 'vitest'
import {
  type Alarm,
  type AlarmKind,
  alarmsOf,
  type MarketTrack,
  trackDoor,
  untracked,
} from '../../prover/registry/market/alarms.ts'
import { AlarmWatch } from '../../prover/registry/market/alarmWatch.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { Engine, type Market } from './engine.ts'

let engine: Engine
let market: Market
let watch: AlarmWatch
let priceE8: bigint

beforeEach(async () => {
  engine = await Engine.start(1)
  await engine.neverStale()
  market = engine.markets[0] as Market
  priceE8 = 50_000n * 10n ** 8n
  watch = watchOf()
})

const watchOf = () =>
  new AlarmWatch({
    provider: engine.chain.ethers.provider as never,
    registry: engine.registry.target as string,
    fromBlock: 0,
  })

/** Alarms of a kind, as a watch sees them now that has looked before, and as a new one does. */
async function raised(kind: AlarmKind): Promise<readonly Alarm[]> {
  const seen = await watch.look()
  expect(await watchOf().look()).toEqual(seen)
  return seen.filter((alarm) => alarm.kind === kind)
}

/** An hour later the price has moved by so many per cent, and that is proven. */
async function hour(percent: bigint): Promise<void> {
  priceE8 += (priceE8 * percent) / 100n
  await engine.observe(market, priceE8, 3600n)
  await engine.land(engine.batch([market]))
}

describe('R78: an alarm is raised within one round, and cleared after', () => {
  test('when three predictions in a row are breached', async () => {
    await hour(-15n)
    await hour(-20n)
    expect(await raised('breaches')).toEqual([])
    await hour(-20n)
    const [alarm, ...others] = await raised('breaches')
    expect(others).toEqual([])
    expect(alarm?.says).toBe('3 predictions in a row were breached')
    await hour(0n)
    expect(await raised('breaches')).toEqual([])
  })

  test('when three batches in a row move a margin as far as its speed limit lets them', async () => {
    await hour(-20n)
    await hour(0n)
    await hour(0n)
    expect((await raised('margin-steps')).map(({ says }) => says).filter((says) => says.includes('down'))).toEqual([])
    await hour(0n)
    const down = (await raised('margin-steps')).filter(({ says }) => says.startsWith('the initial margin went down'))
    expect(down).toHaveLength(1)
    await hour(-15n)
    const after = (await raised('margin-steps')).filter(({ says }) => says.startsWith('the initial margin went down'))
    expect(after).toEqual([])
  })

  test('when a price is refused, once however often it is carried, and cleared by the next that is appended', async () => {
    expect(await raised('refused')).toEqual([])
    for (let i = 0; i < 3; i++) await attest(10n * priceE8)
    const [alarm, ...others] = await raised('refused')
    expect(others).toEqual([])
    expect(alarm?.says).toMatch(/^500000 as of /)
    expect(alarm?.says).toContain('is refused: it is more than the greatest factor, 5, from the last price')
    expect(alarm?.says).toContain('2 more since the last one that was appended')
    await attest(priceE8)
    expect(await raised('refused')).toEqual([])
  })

  test('when a price is held, and cleared when it is dropped, and when it is confirmed', async () => {
    await attest(2n * priceE8)
    expect(await raised('held')).toHaveLength(1)
    await attest(priceE8)
    expect(await raised('held')).toEqual([])
    for (const confirmed of ['0 have so far', '1 has so far']) {
      await attest(2n * priceE8)
      expect((await raised('held'))[0]?.says).toContain(confirmed)
    }
    await attest(2n * priceE8)
    expect(await raised('held')).toEqual([])
  })

  test('when an implied volatility is left out, and cleared by the next observation', async () => {
    await attest(priceE8, 16n << 16n)
    expect((await raised('left-out'))[0]?.says).toContain('its implied volatility of 1600 %')
    await attest(priceE8)
    expect(await raised('left-out')).toEqual([])
  })

  test('when what is in force is older than may be read, a second later and no sooner', async () => {
    await hour(0n)
    const { asOf } = market.state.volatility
    const { maxParameterAgeSeconds } = await engine.registry.getFunction('freshnessPolicy')()
    await engine.chain.setTime(asOf + maxParameterAgeSeconds)
    expect(await raised('stale')).toEqual([])
    await engine.chain.setTime(asOf + maxParameterAgeSeconds + 1n)
    expect(await raised('stale')).toHaveLength(1)
    await hour(0n)
    expect(await raised('stale')).toEqual([])
  })

  test('when as few signers are left as must sign, and cleared when there are others', async () => {
    expect(await raised('signers')).toEqual([])
    const addresses = engine.feedSigners.map(({ address }) => address)
    await mined(market.feed.getFunction('revokeSigner')(addresses[0]))
    const says = '2 of 2 signers must attest: with the loss of one nothing can be'
    expect(await raised('signers')).toEqual([{ kind: 'signers', of: market.feed.target, says }])
    await mined(market.feed.getFunction('setCommittee')(addresses, 2))
    expect(await raised('signers')).toEqual([])
  })

  test('and none where there is no cause', async () => {
    await hour(1n)
    await hour(-1n)
    expect(await watch.look()).toEqual([])
  })

  /** Two seconds later, whatever the door says of it. */
  async function attest(price: bigint, impliedVolatilityX16 = 0n): Promise<void> {
    const asOf = (await engine.chain.now()) + 2n
    await engine.chain.setTime(asOf)
    await engine.append(market, { priceE8: price, asOf, impliedVolatilityX16, rangeCode: 0n })
  }
})

describe('S74: what is remembered of a market whose door refuses for months', () => {
  const marketId = `0x${'00'.repeat(32)}`
  const refused = (asOf: number) =>
    ({ kind: 'refused', marketId, asOf: BigInt(asOf), priceE8: 1n, reason: 'BeyondFactor' }) as const
  const said = (track: MarketTrack): string =>
    alarmsOf({
      tracks: [track],
      committees: [],
      now: 0n,
      maxParameterAgeSeconds: 1n,
      bounds: new Map(),
      units: new Map(),
    })
      .map(({ says }) => says)
      .join()

  test('is bounded, and how often it refused stays exact, each once however often it is carried', () => {
    let track = untracked('BTC-USD')
    for (let asOf = 1; asOf <= 20_000; asOf++) {
      track = trackDoor(track, refused(asOf))
      if (asOf % 100 === 0) track = trackDoor(trackDoor(track, refused(asOf)), refused(asOf - 50))
    }
    expect(track.refused.length).toBe(1000)
    expect(said(track)).toContain('; 19999 more since the last one that was appended')
    const observation = { priceE8: 1n, asOf: 20_001n, impliedVolatilityX16: 0n, rangeCode: 0n }
    track = trackDoor(track, { kind: 'appended', marketId, count: 1n, ...observation })
    expect([track.refused, said(track)]).toEqual([[], ''])
    expect(said(trackDoor(track, refused(20_002)))).not.toContain('more since')
  })
})
