/** Absurd observations, signed by k, against a real engine: door, circuit, proof and registry. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { audit, formatAudit } from '../../prover/audit/index.ts'
import { marketIdOf } from '../../prover/market/marketId.ts'
import type { Parameters } from '../../prover/parameters/marketRisk.ts'
import { attestedFeedOf, attestObservation, feedDomain, submitObservations } from '../../prover/registry/index.ts'
import type { Alarm } from '../../prover/registry/market/alarms.ts'
import { AlarmWatch } from '../../prover/registry/market/alarmWatch.ts'
import { doorEventsIn } from '../../prover/registry/market/door.ts'
import { type AlarmEvent, reportAlarms } from '../../prover/service/daemon/alarms.ts'
import { feedSigners, LiveEngine } from './liveEngine.ts'

const MARKET = 'BTC-USD'
const PRICE_E8 = 50_000n * 10n ** 8n
const IMPLIED_X16 = 39_322n // 60 %

let engine: LiveEngine

beforeAll(async () => {
  engine = await LiveEngine.start(['marketRisk8x2'], { [MARKET]: 50_000n })
  await observe({})
  await land()
})

afterAll(async () => {
  await engine?.close()
})

type Attested = { readonly priceE8?: bigint; readonly impliedVolatilityX16?: bigint }

/** What the door says of one observation, attested by two of three, a minute later or at a time. */
async function observe(
  { priceE8 = PRICE_E8, impliedVolatilityX16 = 0n }: Attested,
  at?: bigint,
): Promise<readonly string[]> {
  const asOf = at ?? (await engine.chain.now()) + 60n
  await engine.chain.setTime(asOf)
  const { address } = attestedFeedOf(engine.deployment)
  const observation = {
    marketId: marketIdOf(MARKET),
    priceE8,
    asOf,
    impliedVolatilityX16,
    rangeCode: 0n,
    confidenceE8: 0n,
  }
  const signed = await attestObservation(feedDomain(engine.deployment.chainId, address), feedSigners.slice(0, 2), {
    ...observation,
    deadline: asOf + 600n,
  })
  const { logs } = await submitObservations(engine.chain.signers[3] as never, address, [signed])
  return doorEventsIn(logs, address).map(({ kind }) => kind)
}

/** Proves and lands what waits, as many batches as it takes; what is in force then. */
async function land(): Promise<Parameters | undefined> {
  const client = await engine.connect()
  while ((await client.waiting(MARKET)).length > 0) await engine.client.submit(await engine.prove('marketRisk8x2'))
  return (await (await engine.connect()).market(MARKET)).parameters
}

/** What is in force after an attack, and after as much time without one. */
async function inForceAfter(attack: readonly Attested[]): Promise<Parameters | undefined> {
  return engine.chain.undone(async () => {
    const start = await engine.chain.now()
    for (const [i, each] of attack.entries())
      expect(await observe(each, start + 60n * BigInt(i + 1))).not.toContain('appended')
    await observe({ priceE8: PRICE_E8 + 10n ** 8n }, start + 360n)
    return land()
  })
}

describe('R78: absurd observations, signed by k, move no parameter', () => {
  test.each<[string, readonly Attested[]]>([
    ['twice the price', [{ priceE8: PRICE_E8 * 2n }]],
    ['half of it', [{ priceE8: PRICE_E8 / 2n }]],
    ['twice, again', [{ priceE8: PRICE_E8 * 2n }, { priceE8: PRICE_E8 * 2n }]],
    ['ten times', [{ priceE8: PRICE_E8 * 10n }]],
    ['ten times, over and over', Array<Attested>(4).fill({ priceE8: PRICE_E8 * 10n })],
    ['a tenth', [{ priceE8: PRICE_E8 / 10n }]],
    [
      'a million times, a millionth, nothing',
      [PRICE_E8 * 10n ** 6n, PRICE_E8 / 10n ** 6n, 0n].map((priceE8) => ({ priceE8 })),
    ],
    [
      'twice, half, four times, a quarter',
      [2n, 4n].flatMap((n) => [{ priceE8: PRICE_E8 * n }, { priceE8: PRICE_E8 / n }]),
    ],
  ])('%s', async (_, attack) => {
    expect(await inForceAfter(attack)).toEqual(await inForceAfter([]))
  })

  test('an implied volatility of 1600 %, or of four times the last one', async () => {
    await engine.chain.undone(async () => {
      // Attested from here on: the first is confirmed by two more.
      for (let i = 0; i < 3; i++) await observe({ impliedVolatilityX16: IMPLIED_X16 })
      await land()
      for (const impliedVolatilityX16 of [16n << 16n, 4n * IMPLIED_X16]) {
        // As if none had been attested with that price.
        const [attacked, control] = [await oneMore({ impliedVolatilityX16 }), await oneMore({})]
        expect(attacked).toEqual(control)
      }
      const risen = await oneMore({ impliedVolatilityX16: (IMPLIED_X16 * 14n) / 10n })
      expect(risen?.initialMarginX24).toBeGreaterThan((await oneMore({}))?.initialMarginX24 ?? 0n)
    })
  })

  const oneMore = (what: Attested) =>
    engine.chain.undone(async () => {
      await observe(what)
      return land()
    })

  test('the control: a crash that others confirm lands, and moves them', async () => {
    await engine.chain.undone(async () => {
      const quiet = await inForceAfter([])
      const crashed = (PRICE_E8 * 6n) / 10n
      const said = [
        await observe({ priceE8: crashed }),
        await observe({ priceE8: crashed }),
        await observe({ priceE8: crashed }),
      ]
      expect(said).toEqual([['held'], ['held'], ['appended']])
      const now = await land()
      expect(now?.initialMarginX24).toBeGreaterThan(quiet?.initialMarginX24 ?? 0n)
    })
  })
})

describe('R79: what the service tells is what an auditor finds', () => {
  test('a price that is held raises one alarm, which ends when it is dropped', async () => {
    await engine.chain.undone(async () => {
      const { provider, registry, fromBlock } = await place()
      const events: AlarmEvent[] = []
      const stop = new AbortController()
      const watch = new AlarmWatch({ provider, registry, fromBlock })
      const watching = reportAlarms({
        watch,
        pollMs: 5,
        signal: stop.signal,
        onEvent: (event) => void events.push(event),
      })
      try {
        await observe({ priceE8: PRICE_E8 * 2n })
        await observe({ priceE8: PRICE_E8 * 2n })
        const raised = await until(() => events.length === 1 && events[0])
        expect(raised).toMatchObject({ step: 'alarm', alarm: { kind: 'held', of: MARKET } })
        const found = await alarmsOfAudit()
        expect(found.alarms).toMatchObject([{ kind: 'held', of: MARKET }])
        expect(found.text).toContain('held of BTC-USD: 100000 as of ')
        expect(found.text.replaceAll(/\s+/g, ' ')).toContain('1 has so far. One near the last price drops it')
        await observe({})
        expect(await until(() => events.length === 2 && events[1])).toMatchObject({ step: 'alarm-cleared' })
        const after = await alarmsOfAudit()
        expect(after.alarms).toEqual([])
        expect(after.text).toContain('Alarms: none.')
      } finally {
        stop.abort()
        await watching
      }
    })
  })

  async function place() {
    const { addresses, block } = engine.deployment
    return { provider: engine.chain.ethers.provider as never, registry: addresses.registry, fromBlock: block }
  }

  async function alarmsOfAudit(): Promise<{ readonly alarms: readonly Alarm[] | undefined; readonly text: string }> {
    const { report } = await audit({ ...(await place()), keys: engine.auditKeys() })
    expect(report.accepted).toBe(true)
    return { alarms: report.alarms, text: formatAudit(report) }
  }
})

async function until<Value>(what: () => Value | false | undefined): Promise<Value> {
  for (let i = 0; i < 400; i++) {
    const found = what()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return expect.fail('It did not happen.')
}
