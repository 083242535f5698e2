import { describe, expect, it } from 'vitest'
import { ewma } from '../../prover/volatility/ewma.ts'
import { defaultPolicy, INITIAL_MULTIPLIER_X18, INITIAL_VOLATILITY_X24 } from '../../prover/parameters/defaultPolicy.ts'
import { initialState } from '../../prover/parameters/marketRisk.ts'
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

  it('nothing waits, nothing fires', () => {
    const markets = [{ name: 'BTC-USD', state, waiting: [] }]
    const triggers = ['observations', 'heartbeat', 'spot', 'prediction'] as const
    expect(firedTrigger(markets, { ...defaultTriggerPolicy, triggers }, horizonSeconds)).toBeUndefined()
  })

  it('refuses a trigger it does not know', () => {
    expect(() => parseTriggers(['observations', 'moon'])).toThrow(UnknownTriggerError)
  })
})
