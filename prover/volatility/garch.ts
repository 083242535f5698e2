import { ProverError } from '../errors.ts'
import { divUp, saturate, shiftRightUp } from '../math/index.ts'
import { VARIANCE_BITS, YEAR_SECONDS } from './ewma.ts'

const WEIGHT_BITS = 32
const ONE_X32 = 1n << BigInt(WEIGHT_BITS)

/** Long-run level and weights of a GARCH(1,1) on a fixed grid; the variance it tends to is ω/(1 − α − β). */
export type GarchModel = {
  readonly omegaX36: bigint
  readonly alphaX32: bigint
  readonly betaX32: bigint
}

/**
 * GARCH(1,1): v′ = ω + α·r²/y + β·v, y the step in years, so that every variance is annualised.
 *
 * A step of one year leaves returns as they are, for models stated per step. Exact integers, off-chain: no circuit
 * proves this model.
 *
 * @param varianceX36 - annualised variance before the step
 * @param returnX26 - |log return| over the step, rounded up by whoever measured it
 * @param stepSeconds - length of every step, at least 1
 * @returns annualised variance, rounded up; saturates at 2^46 − 1
 * @throws {@link GarchNotStationaryError} unless α + β < 1
 * @see T. Bollerslev, Generalized Autoregressive Conditional Heteroskedasticity, J. of Econometrics 31, 1986
 */
export function garchStep(varianceX36: bigint, returnX26: bigint, stepSeconds: bigint, model: GarchModel): bigint {
  const { omegaX36, alphaX32, betaX32 } = model
  if (alphaX32 + betaX32 >= ONE_X32) throw new GarchNotStationaryError(alphaX32, betaX32)

  const periodVarianceX36 = divUp(returnX26 ** 2n * YEAR_SECONDS, stepSeconds << 16n)
  const nextX68 = (omegaX36 << BigInt(WEIGHT_BITS)) + alphaX32 * periodVarianceX36 + betaX32 * varianceX36
  return saturate(shiftRightUp(nextX68, WEIGHT_BITS), VARIANCE_BITS)
}

/** The weights add up to one or more: the variance has no level to return to. */
export class GarchNotStationaryError extends ProverError {
  readonly code = 'volatility.garch-not-stationary'
  readonly alphaX32: bigint
  readonly betaX32: bigint

  constructor(alphaX32: bigint, betaX32: bigint) {
    super(
      `Expected weights with alpha + beta below 2^32, got ${alphaX32} + ${betaX32}. Choose weights that leave ω a share.`,
    )
    this.alphaX32 = alphaX32
    this.betaX32 = betaX32
  }
}
