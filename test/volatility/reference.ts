/** The volatility models in doubles, straight from their formulas; variances annualised. */

const YEAR = 31_536_000
const decay = (elapsed: number, halfLife: number): number => 2 ** (-elapsed / halfLife)
const cut = (move: number, bound: number): number => Math.min(Math.abs(move), bound)

/** weight·v + (1 − weight)·r²/y */
export function ewmaReference(v: number, r: number, elapsed: number, halfLife: number, maxReturn: number): number {
  const weight = decay(elapsed, halfLife)
  return weight * v + ((1 - weight) * cut(r, maxReturn) ** 2 * YEAR) / elapsed
}

/** GARCH(1,1) on a fixed grid, as textbooks have it. */
export function garchOnGridReference(
  v: number,
  r: number,
  stepSeconds: number,
  model: { readonly omega: number; readonly alpha: number; readonly beta: number },
): number {
  return model.omega + (model.alpha * r * r * YEAR) / stepSeconds + model.beta * v
}

/** GARCH(1,1) on irregular times: three weights of two exponentials. */
export function garchReference(
  v: number,
  r: number,
  elapsed: number,
  model: { readonly reaction: number; readonly reversion: number; readonly longRunVariance: number },
  maxReturn: number,
): number {
  const kept = decay(elapsed, model.reversion)
  const old = kept * decay(elapsed, model.reaction)
  const period = (cut(r, maxReturn) ** 2 * YEAR) / elapsed
  return old * v + (kept - old) * period + (1 - kept) * model.longRunVariance
}

/** One average of the mixture: Parkinson's variance of the range, or r² where there is none. */
export function rangeReference(
  v: number,
  move: { readonly r: number; readonly range: number | undefined; readonly elapsed: number },
  halfLife: number,
  maxReturn: number,
): number {
  const { r, range, elapsed } = move
  const weight = decay(elapsed, halfLife)
  const bound = maxReturn * 2 * Math.sqrt(Math.LN2)
  const squared =
    range === undefined ? cut(r, maxReturn) ** 2 : cut(Math.max(range, Math.abs(r)), bound) ** 2 / (4 * Math.LN2)
  return weight * v + ((1 - weight) * squared * YEAR) / elapsed
}
