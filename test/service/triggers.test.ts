import { describe, expect, it } from 'vitest'
import { ewma } from '../../prover/volatility/ewma.ts'
import { defaultPolicy, INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../prover/parameters/defaultPolicy.ts'
import { initialState } from '../../prover/parameters/marketRisk.ts'
import { Settling } from '../../prover/service/daemon/settling.ts'
import {
  defaultTriggerPolicy,
  firedTrigger,
  parseTriggers,
  type TriggerName,
  UnknownTriggerError,
} from '../../prover/service/daemon/triggers.ts'

const START = 1_584_003_600n
const E8 = 10n ** 8n
const first = { priceE8: 8000n * E8, asOf: START }
const state = initialState(ewma, first, INITIAL_VOLATILITY_X24, INITIAL_MULTIPLIER_X18, defaultPolicy)
const { horizonSeconds } = defaultPolicy.learning

/** Whether a trigger fires for one observation. */
function fires(trigger: TriggerName, secondsLater: bigint, price: bigint): boolean {
  const waiting = [{ priceE8: price * E8, asOf: START + secondsLater, impliedVolatilityX16: 0n, rangeCode: 0n }]
  const policy = { ...defaultTriggerPolicy, triggers: [trigger], heartbeatSeconds: 600, spotMove: 0.01 }
  return firedTrigger([{ name: 'BTC-USD', state, waiting }], policy, horizonSeconds)?.name === trigger
}

describe('firedTrigger', () => {
  it('observations: at any', () => expect(fires('observations', 1n, 8000n)).toBe(true))

  it('heartbeat: once the data in force is old enough', () => {
    expect([fires('heartbeat', 599n, 8000n), fires('heartbeat', 600n, 8000n)]).toEqual([false, true])
  })

  it('spot: at moves either way', () => {
    expect([7919n, 7921n, 8080n, 8081n].map((price) => fires('spot', 1n, price))).toEqual([true, false, false, true])
  })

  it('prediction: once the running one is due', () => {
    const at = (seconds: bigint): boolean => fires('prediction', seconds, 8000n)
    expect([at(horizonSeconds - 1n), at(horizonSeconds)]).toEqual([false, true])
  })

  it('volatility: at a rise, and at twice the fall, so that one that swings about its value fires once', () => {
    const waiting = [{ priceE8: 8000n * E8, asOf: START + 1n, impliedVolatilityX16: 0n, rangeCode: 0n }]
    const policy = { ...defaultTriggerPolicy, triggers: ['volatility'] as const, volatilityMove: 0.1 }
    const at = (nowX24: bigint) =>
      firedTrigger(
        [{ name: 'BTC-USD', state, waiting, volatility: { inForceX24: 10_000n, nowX24 } }],
        policy,
        horizonSeconds,
      )
    expect([11_051n, 11_052n, 9_000n, 8_188n, 8_187n].map((now) => at(now)?.reason)).toEqual([
      ...[undefined, 'BTC-USD: volatility would be 10.5 % from what is in force', undefined, undefined],
      'BTC-USD: volatility would be -18.1 % from what is in force',
    ])
    expect(firedTrigger([{ name: 'BTC-USD', state, waiting }], policy, horizonSeconds)).toBeUndefined()
  })

  it('liquidations: once so many accounts were shown to be below maintenance', () => {
    const waiting = [{ priceE8: 8000n * E8, asOf: START + 1n, impliedVolatilityX16: 0n, rangeCode: 0n }]
    const policy = { ...defaultTriggerPolicy, triggers: ['liquidations'] as const, liquidationBudget: 2 }
    const at = (liquidations: number) =>
      firedTrigger([{ name: 'BTC-USD', state, waiting, liquidations }], policy, horizonSeconds)
    expect([at(1), at(2)?.reason]).toEqual([
      undefined,
      'BTC-USD: 2 accounts shown to be below maintenance within 3600 s',
    ])
  })

  it('nothing waits, nothing fires', () => {
    const markets = [{ name: 'BTC-USD', state, waiting: [] }]
    const triggers = ['observations', 'heartbeat', 'spot', 'prediction'] as const
    expect(firedTrigger(markets, { ...defaultTriggerPolicy, triggers }, horizonSeconds)).toBeUndefined()
  })

  it('refuses a trigger it does not know', () => {
    expect(() => parseTriggers(['observations', 'moon'])).toThrow(UnknownTriggerError)
  })
})

describe('S26: a batch that waits for markets that have not moved', () => {
  it('waits so long and no longer, whatever comes meanwhile, and then anew', () => {
    const settling = new Settling(250)
    expect([0, 100, 249].map((now) => settling.left('live', false, now))).toEqual([250, 150, 1])
    expect(settling.left('live', false, 250)).toBe(0)
    expect(settling.left('live', false, 300)).toBe(250)
  })

  it('does not wait once all have moved, nor longer for what nobody wanted any more', () => {
    const settling = new Settling(250)
    settling.left('live', false, 0)
    expect([settling.left('live', true, 10), settling.left('other', true, 10)]).toEqual([0, 0])
    settling.left('live', false, 20)
    settling.forget('live')
    expect(settling.left('live', false, 400)).toBe(250)
    expect(new Settling(0).left('live', false, 0)).toBe(0)
  })
})
