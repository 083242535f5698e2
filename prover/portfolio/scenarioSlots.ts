/** Any scenario grid of the supported form, laid out in the fixed slots that circuits have. */
import type { Fields } from '../../circuits/statements/index.ts'
import { REGULAR_SHOCKS, UP_ONLY_SHOCKS } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import type { Scenario, VolatilityMove } from './portfolio.ts'

const ONE = 1n << 40n

/** Regular slot whose shock is 1. */
const MIDDLE = (REGULAR_SHOCKS - 1) / 2

export type RegularSlot = Fields<'scenarioRegular'>
export type UpOnlySlot = { readonly shockX40: bigint; readonly dampingX40: bigint }

export type ScenarioSlots = {
  /** Shocks do not increase; the middle one is 1. */
  readonly regular: readonly RegularSlot[]
  readonly upOnly: readonly UpOnlySlot[]
  readonly shockLinearX40: bigint
  readonly dampingLinearX40: bigint
  readonly shockAbsoluteX40: bigint
  readonly dampingAbsoluteX40: bigint
}

/** One of the 33 scenarios in slot order, in words: regular slots × (up, none, down), up-only, linear, absolute. */
export type SlottedScenario = {
  readonly spotShockX40: bigint
  readonly volatility: VolatilityMove
  readonly dampingX40: bigint
}

/**
 * Slots of a grid. A spot shock with a `none` or `down` scenario takes a regular slot, of which there are three above 1,
 * three below and 1 itself; every other `up` scenario takes one of ten up-only slots, and each skew has one of its own. Slots that are left over are damped
 * to nothing.
 *
 * @throws {@link ScenarioGridError} naming what does not fit
 */
export function scenarioSlots(scenarios: readonly Scenario[]): ScenarioSlots {
  const unique = withoutRepeats(scenarios)
  const moved = unique.filter(({ volatility }) => volatility === 'none' || volatility === 'down')
  const regularShocks = new Set([ONE, ...moved.map(({ spotShockX40 }) => spotShockX40)])
  const above = [...regularShocks].filter((shock) => shock > ONE).toSorted(descending)
  const below = [...regularShocks].filter((shock) => shock < ONE).toSorted(descending)
  for (const [side, shocks] of Object.entries({ above, below })) {
    if (shocks.length > MIDDLE) {
      throw new ScenarioGridError(`${MIDDLE} regular spot shocks ${side} 1`, `${shocks.length}: ${list(shocks)}`)
    }
  }
  const taken = new Set<Scenario>()
  const damping = (shock: bigint, volatility: VolatilityMove): bigint => {
    const found = unique.find(
      (each) => each.spotShockX40 === shock && each.volatility === volatility && !taken.has(each),
    )
    if (found === undefined) return 0n
    taken.add(found)
    return found.dampingX40
  }
  const slot = (shockX40: bigint | undefined, outer: bigint): RegularSlot =>
    shockX40 === undefined
      ? { shockX40: outer, dampingUpX40: 0n, dampingNoneX40: 0n, dampingDownX40: 0n }
      : {
          shockX40,
          dampingUpX40: damping(shockX40, 'up'),
          dampingNoneX40: damping(shockX40, 'none'),
          dampingDownX40: damping(shockX40, 'down'),
        }
  // A slot that is left over repeats its neighbour further out, so that the shocks stay in order
  const highest = above[0] ?? ONE
  const lowest = below.at(-1) ?? ONE
  const regular = [
    ...Array.from({ length: MIDDLE - above.length }, () => slot(undefined, highest)),
    ...above.map((shock) => slot(shock, highest)),
    slot(ONE, ONE),
    ...below.map((shock) => slot(shock, lowest)),
    ...Array.from({ length: MIDDLE - below.length }, () => slot(undefined, lowest)),
  ]
  const rest = unique.filter((each) => each.volatility === 'up' && !taken.has(each))
  if (rest.length > UP_ONLY_SHOCKS) {
    throw new ScenarioGridError(`${UP_ONLY_SHOCKS} spot shocks with volatility up alone`, `${rest.length}`)
  }
  const unused = { shockX40: ONE, dampingX40: 0n }
  const linear = skewOf(unique, 'linear') ?? unused
  const absolute = skewOf(unique, 'absolute') ?? unused
  return {
    regular,
    upOnly: Array.from({ length: UP_ONLY_SHOCKS }, (_, i) => {
      const scenario = rest[i]
      return scenario === undefined ? unused : { shockX40: scenario.spotShockX40, dampingX40: scenario.dampingX40 }
    }),
    shockLinearX40: linear.shockX40,
    dampingLinearX40: linear.dampingX40,
    shockAbsoluteX40: absolute.shockX40,
    dampingAbsoluteX40: absolute.dampingX40,
  }
}

/** The scenarios of the slots in their order; a damping of 0 marks one that the grid does not have. */
export function slottedScenarios(slots: ScenarioSlots): readonly SlottedScenario[] {
  const regular = slots.regular.flatMap(({ shockX40, dampingUpX40, dampingNoneX40, dampingDownX40 }) => [
    { spotShockX40: shockX40, volatility: 'up' as const, dampingX40: dampingUpX40 },
    { spotShockX40: shockX40, volatility: 'none' as const, dampingX40: dampingNoneX40 },
    { spotShockX40: shockX40, volatility: 'down' as const, dampingX40: dampingDownX40 },
  ])
  const upOnly = slots.upOnly.map(({ shockX40, dampingX40 }) => ({
    spotShockX40: shockX40,
    volatility: 'up' as const,
    dampingX40,
  }))
  return [
    ...regular,
    ...upOnly,
    { spotShockX40: slots.shockLinearX40, volatility: 'linear', dampingX40: slots.dampingLinearX40 },
    { spotShockX40: slots.shockAbsoluteX40, volatility: 'absolute', dampingX40: slots.dampingAbsoluteX40 },
  ]
}

/** A scenario stated twice alike counts once; `up` may also be repeated with another damping. */
function withoutRepeats(scenarios: readonly Scenario[]): readonly Scenario[] {
  const kept: Scenario[] = []
  for (const scenario of scenarios) {
    const same = kept.filter(
      (each) => each.spotShockX40 === scenario.spotShockX40 && each.volatility === scenario.volatility,
    )
    if (same.some((each) => each.dampingX40 === scenario.dampingX40)) continue
    if (same.length > 0 && scenario.volatility !== 'up') {
      throw new ScenarioGridError(
        'each spot shock and volatility once',
        `spot × ${shockText(scenario.spotShockX40)}, volatility ${scenario.volatility} with two dampings`,
      )
    }
    kept.push(scenario)
  }
  return kept
}

function skewOf(scenarios: readonly Scenario[], volatility: 'linear' | 'absolute'): UpOnlySlot | undefined {
  const found = scenarios.filter((each) => each.volatility === volatility)
  if (found.length > 1) {
    throw new ScenarioGridError(`one ${volatility} skew scenario`, list(found.map(({ spotShockX40 }) => spotShockX40)))
  }
  return found.map(({ spotShockX40, dampingX40 }) => ({ shockX40: spotShockX40, dampingX40 }))[0]
}

const descending = (a: bigint, b: bigint): number => (a === b ? 0 : a < b ? 1 : -1)
const shockText = (shockX40: bigint): string => String(Number((Number(shockX40) / 2 ** 40).toPrecision(10)))
const list = (shocks: readonly bigint[]): string => shocks.map(shockText).join(', ')

/** A scenario grid does not fit the slots that the circuits have. */
export class ScenarioGridError extends ProverError {
  readonly code = 'portfolio.scenario-grid'
  readonly expected: string
  readonly found: string

  constructor(expected: string, found: string) {
    super(`The scenario grid does not fit: expected at most ${expected}, got ${found}. Merge or drop scenarios.`)
    this.expected = expected
    this.found = found
  }
}
