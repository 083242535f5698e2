/** Observations on their way: kept while the chain does not answer, sent in order, told when they are given up. */
import { describe, expect, it } from 'vitest'
import { RpcError } from '../../../prover/registry/contractErrors.ts'
import type { Carried, Carrier } from '../../../prover/service/feeds/carrier.ts'
import { Dispatch, type DispatchEvent } from '../../../prover/service/feeds/dispatch.ts'

const of = (asOf: number, market = 'BTC-USD'): Carried => ({
  ...{ market, marketId: `0x${'00'.repeat(32)}`, asOf: BigInt(asOf) },
  ...{ priceE8: 1n, confidenceE8: 0n, impliedVolatilityX16: 0n },
})

/** A carrier that fails as often as it is told to, and keeps what it was brought. */
function carrying(failures: number) {
  const carried: bigint[] = []
  let left = failures
  const carrier: Carrier = {
    carry: async (observations) => {
      if (left-- > 0) throw new RpcError('Appending', new Error('away'))
      carried.push(...observations.map(({ asOf }) => asOf))
      return observations.map(({ market, asOf }) => ({ kind: 'passed-over', market, asOf }))
    },
  }
  return { carrier, carried }
}

describe('S35: observations on their way', () => {
  it('are kept while the chain does not answer, and sent once, in order, when it does', async () => {
    const { carrier, carried } = carrying(2)
    const events: DispatchEvent[] = []
    const dispatch = new Dispatch(
      () => carrier,
      (event) => events.push(event),
    )
    const running = dispatch.run()
    for (let i = 0; i < 40; i++) dispatch.send([of(i)])
    dispatch.stop()
    await running
    expect(carried).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(i)))
    const told = events.filter(({ kind }) => kind !== 'passed-over').map(({ kind }) => kind)
    expect(told).toEqual(['sending-fails', 'sending-again'])
    expect(events[0]).toMatchObject({ code: 'registry.rpc', waiting: 40 })
  })

  it('are the newest so many, and how many were given up is told', async () => {
    const { carrier, carried } = carrying(0)
    const events: DispatchEvent[] = []
    const dispatch = new Dispatch(
      () => carrier,
      (event) => events.push(event),
    )
    dispatch.send(Array.from({ length: 2050 }, (_, i) => of(i)))
    const running = dispatch.run()
    dispatch.stop()
    await running
    expect(events.find(({ kind }) => kind === 'unsent')).toEqual({ kind: 'unsent', observations: 2 })
    expect(carried).toEqual(Array.from({ length: 2048 }, (_, i) => BigInt(i + 2)))
  })

  it('S81: are given up and told while a transaction of theirs is not mined', async () => {
    const mined = Promise.withResolvers<void>()
    const events: DispatchEvent[] = []
    const carrier: Carrier = {
      carry: async (observations) => {
        await mined.promise
        return observations.map(({ market, asOf }) => ({ kind: 'passed-over', market, asOf }))
      },
    }
    const dispatch = new Dispatch(
      () => carrier,
      (event) => events.push(event),
    )
    dispatch.send([of(1), of(2)])
    const running = dispatch.run()
    dispatch.stop()
    await running
    expect(events).toEqual([{ kind: 'unsent', observations: 2 }])
    // What comes of them later is told to nobody.
    mined.resolve()
    await new Promise(setImmediate)
    expect(events.length).toBe(1)
  })

  it('of one source that fails stop none of another', async () => {
    const [away, well] = [carrying(Number.POSITIVE_INFINITY), carrying(0)]
    const dispatch = new Dispatch(
      (market) => (market === 'BTC-USD' ? away.carrier : well.carrier),
      () => undefined,
    )
    dispatch.send([of(1), of(1, 'ETH-USD'), of(2), of(2, 'ETH-USD')])
    const running = dispatch.run()
    await expect.poll(() => well.carried, { timeout: 120_000 }).toEqual([1n, 2n])
    dispatch.stop()
    await running
    expect(away.carried).toEqual([])
  })
})
