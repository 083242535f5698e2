/** Volatility updates that others published: Hull's EWMA and GARCH(1,1), QuantLib's GARCH recursion. Prints each comparison. */
import { describe, it } from 'vitest'
import { ewmaStep } from '../../prover/volatility/ewma.ts'
import type { GarchOnGrid } from '../../prover/volatility/garch.ts'
import { garchOfGrid, garchStep, garchWords } from '../../prover/volatility/garch.ts'
import { YEAR_SECONDS } from '../../prover/volatility/variance.ts'
import { compare, fromX, toX, vectorsOf, vectorsPresent, whereVectors } from '../externalVectors.ts'

const DAY_SECONDS = 86_400n
/** Daily variance to an annualised one, in doubles. */
const annualised = (dailyVolatility: string): number => Number(dailyVolatility) ** 2 * 365

/** One step of a GARCH on a grid by the twin, which knows irregular times only; a log price near 16 has room around it. */
function stepOnGrid(varianceX36: bigint, returnX26: bigint, model: GarchOnGrid): bigint {
  const [before, words] = [1n << 30n, garchWords(garchOfGrid(model))]
  return garchStep(varianceX36, before, before + returnX26, BigInt(model.stepSeconds), words, 65_535n)
}

describe.skipIf(!vectorsPresent)(`published volatility updates${whereVectors}`, () => {
  it.each(vectorsOf('ewma_update'))('V1: $id: EWMA of $inputs.return_', (vector) => {
    const { lambda_, prevVolDaily, return_ } = vector.inputs
    // The weight of one day is 2^-(86,400·rate)
    const decayRateX36 = BigInt(Math.round((-Math.log2(Number(lambda_)) / Number(DAY_SECONDS)) * 2 ** 36))
    const varianceX36 = toX(annualised(prevVolDaily), 36)
    const lnPriceX26 = 1n << 30n
    const next = ewmaStep(
      { varianceFastX36: varianceX36, varianceSlowX36: varianceX36, lnPriceX26 },
      lnPriceX26 + toX(return_, 26),
      DAY_SECONDS,
      decayRateX36,
      1n << 15n,
    )
    const variance = fromX(next.varianceFastX36, 36) / 365
    // Printed to four significant digits
    compare(vector, 'variance', Number(vector.expected.variance), variance, 1e-8)
    compare(vector, 'volatility', Number(vector.expected.volDaily), Math.sqrt(variance), 1e-5)
  })

  it.each(vectorsOf('garch11_update'))('V2: $id: GARCH(1,1) of $inputs.return_', (vector) => {
    const { omega, alpha, beta, prevVolDaily, return_ } = vector.inputs
    const model = {
      omega: Number(omega) * 365,
      alpha: Number(alpha),
      beta: Number(beta),
      stepSeconds: Number(DAY_SECONDS),
    }
    const next = stepOnGrid(toX(annualised(prevVolDaily), 36), toX(return_, 26), model)
    const volatility = Math.sqrt(fromX(next, 36) / 365)
    compare(vector, 'volatility', Number(vector.expected.volDaily), volatility, 1e-5)
  })

  it.each(vectorsOf('garch11_recursion'))('V2: $id: ten steps of GARCH(1,1)', (vector) => {
    const { vl, returns } = vector.inputs
    const [alpha, beta, stepSeconds] = [Number(vector.inputs.alpha), Number(vector.inputs.beta), 3600]
    const model = { omega: Number(vl) * (1 - alpha - beta), alpha, beta, stepSeconds }
    // Its variances are per step: as annual ones they belong to returns that are smaller by the root of the steps a year
    const perStep = Math.sqrt(stepSeconds / Number(YEAR_SECONDS))
    let varianceX36 = toX(Number(returns[0]) ** 2, 36)
    for (const [i, sigma] of vector.expected.sigma.entries()) {
      varianceX36 = stepOnGrid(varianceX36, BigInt(Math.round(Number(returns[i]) * perStep * 2 ** 26)), model)
      compare(vector, `volatility ${i + 1}`, Number(sigma), Math.sqrt(fromX(varianceX36, 36)), 1e-6)
    }
  })
})
