import type { Fields } from '../../circuits/statements/index.ts'
import { subtractOrZero } from '../math/index.ts'
import type { Anchor, LearningPolicy } from './confidence.ts'

/** The running score of a shadow, as the registry keeps it. */
export type Score = Fields<'score'>

/**
 * A score after a batch that took the anchor from `before` to `next`; the same if no prediction was tried.
 *
 * The quantile loss of a predicted move m and a log return r is α·m + max(−r − m, 0) for falls, with −r for r for rises; it is
 * kept times stepUp + stepDown, so nothing is divided. Twin of `contracts/registry/ShadowScore.sol`, exact.
 *
 * @see R. Koenker, G. Bassett, Regression Quantiles, Econometrica 46, 1978
 */
export function addLoss(score: Score, before: Anchor, next: Anchor, policy: LearningPolicy): Score {
  if (next.anchorAsOf === before.anchorAsOf) return score
  const steps = policy.stepUpX18 + policy.stepDownX18
  const loss = (moveX24: bigint, higherX26: bigint, lowerX26: bigint): bigint => {
    const moveX26 = moveX24 << 2n
    return moveX26 * policy.stepDownX18 + subtractOrZero(higherX26, lowerX26 + moveX26) * steps
  }
  const [startX26, endX26] = [before.anchorLnPriceX26, next.anchorLnPriceX26]
  return {
    predictions: score.predictions + 1n,
    lossDownX44: score.lossDownX44 + loss(before.anchorMoveDownX24, startX26, endX26),
    lossUpX44: score.lossUpX44 + loss(before.anchorMoveUpX24, endX26, startX26),
  }
}

/** A score without predictions. */
export const NO_SCORE: Score = { predictions: 0n, lossDownX44: 0n, lossUpX44: 0n }

/**
 * Mean quantile score of each side, m + max(−r − m, 0)/α, as backtests print it (score.ts); NaN before the first prediction.
 *
 * @param policy - of learning, the one in force throughout
 */
export function meanScores(score: Score, policy: LearningPolicy): { readonly down: number; readonly up: number } {
  const weight = Number(policy.stepDownX18) * Number(score.predictions) * 2 ** 26
  return { down: Number(score.lossDownX44) / weight, up: Number(score.lossUpX44) / weight }
}
