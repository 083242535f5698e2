/** The engine's own twin, with the ramp of its maintenance margin left to a shape. */
import { max } from '../../../prover/math/index.ts'
import { dampen, targetMarginsUp } from '../../../prover/parameters/margins.ts'
import { type MarketState, type Observation, type Policy, updateMarket } from '../../../prover/parameters/marketRisk.ts'
import { defaultModel } from '../../../prover/volatility/models.ts'
import type { Shape, Situation } from './shapes.ts'

const ONE_X24 = 2 ** 24

/** What one publication comes to but for the ramp, X24. */
export type Publication = {
  readonly asOf: number
  readonly elapsedSeconds: number
  /** The greater of both moves. */
  readonly move: number
  readonly targetMaintenance: number
  readonly initial: number
  /** Most that the maintenance margin may fall. */
  readonly loosen: number
}

/** A market's estimate, and the initial margin, which no shape changes. */
export class Estimate {
  readonly #policy: Policy
  #state: MarketState

  constructor(policy: Policy, state: MarketState) {
    this.#policy = policy
    this.#state = state
  }

  fork(): Estimate {
    return new Estimate(this.#policy, this.#state)
  }

  observe(observation: Observation): Publication {
    const { margin, market, learning } = this.#policy
    const { asOf } = this.#state.volatility
    const { state, parameters } = updateMarket(defaultModel, this.#state, [observation], this.#policy)
    this.#state = state
    const multiplier = max(state.anchor.multiplierDownX18, state.anchor.multiplierUpX18)
    const target = targetMarginsUp(parameters.volatilityX24, multiplier, learning.sqrtHorizonX24, market, margin)
    const elapsed = observation.asOf - asOf
    const highest = { initialMarginX24: BigInt(ONE_X24), maintenanceMarginX24: BigInt(ONE_X24) }
    const fallen = dampen(highest, { initialMarginX24: 0n, maintenanceMarginX24: 0n }, elapsed, margin)
    return {
      asOf: Number(observation.asOf),
      elapsedSeconds: Number(elapsed),
      move: Number(max(parameters.horizonMoveDownX24, parameters.horizonMoveUpX24)),
      targetMaintenance: Number(target.maintenanceMarginX24),
      initial: Number(parameters.initialMarginX24),
      loosen: ONE_X24 - Number(fallen.maintenanceMarginX24),
    }
  }
}

/** The maintenance margin that a shape puts in force, X24; what a venue can afford is a share of notional. */
export function rampedMargin(
  shape: Shape,
  previous: number,
  publication: Publication,
  affordable: Situation['affordable'],
): number {
  const { targetMaintenance, loosen, move, elapsedSeconds } = publication
  const wanted = Math.max(targetMaintenance, previous - loosen)
  return shape.reach({
    previous,
    wanted,
    move,
    elapsedSeconds,
    affordable: (part) => Math.floor(affordable(part) * ONE_X24),
  })
}

/** X24 as a share of notional. */
export const share = (x24: number): number => x24 / ONE_X24
