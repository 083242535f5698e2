import { max, min, subtractOrZero } from '../math/index.ts'

export type LearningPolicy = {
  readonly decayRateX36: bigint
  readonly horizonSeconds: bigint
  readonly sqrtHorizonX24: bigint
  readonly stepUpX18: bigint
  readonly stepDownX18: bigint
  readonly multiplierFloorX18: bigint
  readonly multiplierCeilingX18: bigint
}

/** A prediction on trial: the move that should not be exceeded within one horizon of `anchorAsOf`. */
export type Anchor = {
  readonly anchorLnPriceX26: bigint
  readonly anchorAsOf: bigint
  readonly anchorMoveDownX24: bigint
  readonly anchorMoveUpX24: bigint
}

export type Multipliers = { readonly multiplierDownX18: bigint; readonly multiplierUpX18: bigint }

export type Verdict = { readonly due: boolean; readonly breachDown: boolean; readonly breachUp: boolean }

/**
 * Tries the running prediction against a new observation: due at the first one a horizon or more after the anchor.
 *
 * Twin of `circuits/parameters/PredictionTest.circom`.
 */
export function testPrediction(anchor: Anchor, lnPriceX26: bigint, asOf: bigint, horizonSeconds: bigint): Verdict {
  const due = asOf >= anchor.anchorAsOf + horizonSeconds
  return {
    due,
    breachDown: due && anchor.anchorLnPriceX26 > lnPriceX26 + (anchor.anchorMoveDownX24 << 2n),
    breachUp: due && lnPriceX26 > anchor.anchorLnPriceX26 + (anchor.anchorMoveUpX24 << 2n),
  }
}

/**
 * Adaptive conformal inference: a breach raises the side's multiplier, a quiet horizon lowers it a little, so that in
 * the long run a share α = stepDown / (stepUp + stepDown) of horizons is breached whatever prices do.
 *
 * A bound holds back only steps toward it, so that a newly governed bound is approached and not jumped to.
 *
 * @see I. Gibbs, E. Candès, Adaptive Conformal Inference Under Distribution Shift, NeurIPS 2021
 */
export function learn(multipliers: Multipliers, verdict: Verdict, policy: LearningPolicy): Multipliers {
  const step = (multiplier: bigint, breach: boolean): bigint => {
    if (!verdict.due) return multiplier
    return breach
      ? min(multiplier + policy.stepUpX18, policy.multiplierCeilingX18)
      : max(subtractOrZero(multiplier, policy.stepDownX18), policy.multiplierFloorX18)
  }
  return {
    multiplierDownX18: step(multipliers.multiplierDownX18, verdict.breachDown),
    multiplierUpX18: step(multipliers.multiplierUpX18, verdict.breachUp),
  }
}
