import { ProverError } from '../../errors.ts'
import { realValues } from '../../parameters/real.ts'
import type { MarketState, Observation } from '../../parameters/marketRisk.ts'

/** Why a batch is worth its gas. */
export const triggerNames = ['observations', 'heartbeat', 'spot', 'prediction', 'volatility', 'liquidations'] as const
export type TriggerName = (typeof triggerNames)[number]

export type TriggerPolicy = {
  /** Any of these is enough. */
  readonly triggers: readonly TriggerName[]
  /** heartbeat: parameters are renewed when the data behind them is this old. */
  readonly heartbeatSeconds: number
  /** spot: log return since the last batch, either way. */
  readonly spotMove: number
  /** volatility: what it would be now over what is in force, as a logarithm; a fall fires at twice that. */
  readonly volatilityMove: number
  /** liquidations: so many accounts of the market were shown to be below maintenance within the window. */
  readonly liquidationBudget: number
  readonly liquidationWindowSeconds: number
}

export const defaultTriggerPolicy: TriggerPolicy = {
  triggers: ['observations'],
  heartbeatSeconds: 3600,
  spotMove: 0.005,
  volatilityMove: 0.05,
  liquidationBudget: 3,
  liquidationWindowSeconds: 3600,
}

/** A fall of volatility fires later than a rise, so that one that swings about its value does not fire each time. */
const FALL_FACTOR = 2

/** What a trigger looks at, per market. */
export type WaitingMarket = {
  readonly name: string
  readonly state: MarketState
  /** Appended and not yet consumed, oldest first. */
  readonly waiting: readonly Observation[]
  /** In force, and what it would be with what waits; undefined before the first batch, or where nobody asks. */
  readonly volatility?: { readonly inForceX24: bigint; readonly nowX24: bigint } | undefined
  /** Accounts shown to be below maintenance within the window. */
  readonly liquidations?: number
}

/**
 * The first trigger that fires, with its reason; undefined while nothing is worth a batch.
 *
 * @param horizonSeconds - of the learning policy in force
 * @example
 * firedTrigger([], defaultTriggerPolicy, 3600n) // → undefined
 */
export function firedTrigger(
  markets: readonly WaitingMarket[],
  policy: TriggerPolicy,
  horizonSeconds: bigint,
): { readonly name: TriggerName; readonly reason: string } | undefined {
  for (const name of policy.triggers) {
    for (const market of markets) {
      const reason = market.waiting.length === 0 ? undefined : conditions[name](market, policy, horizonSeconds)
      if (reason !== undefined) return { name, reason: `${market.name}: ${reason}` }
    }
  }
  return undefined
}

type Condition = (market: WaitingMarket, policy: TriggerPolicy, horizonSeconds: bigint) => string | undefined

const conditions: Readonly<Record<TriggerName, Condition>> = {
  observations: ({ waiting }) => `${waiting.length} new observation${waiting.length === 1 ? '' : 's'}`,

  heartbeat: ({ state, waiting }, { heartbeatSeconds }) => {
    const age = Number((waiting.at(-1)?.asOf ?? 0n) - state.volatility.asOf)
    return age >= heartbeatSeconds ? `the data in force is ${age} s old` : undefined
  },

  spot: ({ state, waiting }, { spotMove }) => {
    const { lnPrice } = realValues(state.volatility)
    const moves = waiting.map(({ priceE8 }) => Math.log(Number(priceE8)) - lnPrice)
    const greatest = moves.reduce((most, move) => (Math.abs(move) > Math.abs(most) ? move : most), 0)
    return Math.abs(greatest) >= spotMove ? `the price moved by ${(100 * greatest).toFixed(2)} %` : undefined
  },

  volatility: ({ volatility }, { volatilityMove }) => {
    if (volatility === undefined || volatility.inForceX24 === 0n) return undefined
    const ratio = Number(volatility.nowX24) / Number(volatility.inForceX24)
    const move = Math.log(ratio)
    const fires = move >= volatilityMove || move <= -FALL_FACTOR * volatilityMove
    return fires ? `volatility would be ${(100 * (ratio - 1)).toFixed(1)} % from what is in force` : undefined
  },

  liquidations: ({ liquidations = 0 }, { liquidationBudget, liquidationWindowSeconds }) =>
    liquidations >= liquidationBudget
      ? `${liquidations} accounts shown to be below maintenance within ${liquidationWindowSeconds} s`
      : undefined,

  prediction: ({ state, waiting }, _, horizonSeconds) => {
    const due = state.anchor.anchorAsOf + horizonSeconds
    return (waiting.at(-1)?.asOf ?? 0n) >= due ? 'its prediction is due' : undefined
  },
}

/** @throws {@link UnknownTriggerError} */
export function parseTriggers(names: readonly string[]): readonly TriggerName[] {
  return names.map((name) => {
    const known = triggerNames.find((candidate) => candidate === name)
    if (known === undefined) throw new UnknownTriggerError(name)
    return known
  })
}

/** There is no trigger of this name. */
export class UnknownTriggerError extends ProverError {
  readonly code = 'service.unknown-trigger'
  readonly trigger: string

  constructor(trigger: string) {
    super(`Expected triggers among ${triggerNames.join(', ')}, got "${trigger}".`)
    this.trigger = trigger
  }
}
