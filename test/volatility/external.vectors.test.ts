/** Volatility updates that others published: Hull's EWMA and GARCH(1,1), QuantLib's GARCH recursion. Prints each comparison. */
import { describe, expect, it } from 'vitest'
import { ewmaStep, YEAR_SECONDS } from '../../prover/volatility/ewma.ts'
import { garchStep } from '../../prover/volatility/garch.ts'
import { compare, fromX, toX, vectorsOf, vectorsPresent, whereVectors } from '../externalVectors.ts'

const DAY_SECONDS = 86_400n
/** Daily variance to an annualised one, in doubles. */
const annualised = (dailyVolatility: string): number => Number(dailyVolatility) ** 2 * 365

const magnitude = (x: bigint): bigint => (x < 0n ? -x : x)

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
    const model = { omegaX36: toX(Number(omega) * 365, 36), alphaX32: toX(alpha, 32), betaX32: toX(beta, 32) }
    const next = garchStep(toX(annualised(prevVolDaily), 36), magnitude(toX(return_, 26)), DAY_SECONDS, model)
    const volatility = Math.sqrt(fromX(next, 36) / 365)
    compare(vector, 'volatility', Number(vector.expected.volDaily), volatility, 1e-5)
  })

  it.each(vectorsOf('garch11_recursion'))('V2: $id: ten steps of GARCH(1,1)', (vector) => {
    const { alpha, beta, vl, returns } = vector.inputs
    const omega = Number(vl) * (1 - Number(alpha) - Number(beta))
    const model = { omegaX36: toX(omega, 36), alphaX32: toX(alpha, 32), betaX32: toX(beta, 32) }
    let varianceX36 = toX(Number(returns[0]) ** 2, 36)
    for (const [i, sigma] of vector.expected.sigma.entries()) {
      varianceX36 = garchStep(varianceX36, toX(returns[i], 26), YEAR_SECONDS, model)
      compare(vector, `volatility ${i + 1}`, Number(sigma), Math.sqrt(fromX(varianceX36, 36)), 1e-6)
    }
  })
})

describe('GARCH(1,1)', () => {
  const model = { omegaX36: 1n << 30n, alphaX32: 1n << 28n, betaX32: 7n << 29n }

  it('V2: rounds up, by less than one unit of the weighted sum and one of the raised return', () => {
    const next = garchStep(12_345_678_901n, 1_234_567n, DAY_SECONDS, model)
    const exact = 2 ** 30 + ((1_234_567 ** 2 / 2 ** 16) * 365) / 16 + (12_345_678_901 * 7) / 8
    expect(Number(next)).toBeGreaterThanOrEqual(exact)
    expect(Number(next) - exact).toBeLessThan(1 + 1 / 16)
  })

  it('V2: tends to ω/(1 − α − β) when every return is what was expected', () => {
    let varianceX36 = 1n << 38n
    for (let i = 0; i < 400; i++) {
      const returnX26 = BigInt(Math.round(Math.sqrt(Number(varianceX36) / 2 ** 36) * 2 ** 26))
      varianceX36 = garchStep(varianceX36, returnX26, YEAR_SECONDS, model)
    }
    expect(fromX(varianceX36, 36)).toBeCloseTo(2 ** 30 / 2 ** 36 / (1 - 1 / 16 - 7 / 8), 5)
  })

  it('V2: saturates and never wraps', () => {
    expect(garchStep((1n << 46n) - 1n, 1n << 31n, 1n, model)).toBe((1n << 46n) - 1n)
  })

  it('V2: refuses weights that leave the long run no share', () => {
    const refused = (): bigint => garchStep(0n, 0n, DAY_SECONDS, { ...model, alphaX32: 1n << 29n })
    expect(refused).toThrow(expect.objectContaining({ code: 'volatility.garch-not-stationary', betaX32: 7n << 29n }))
  })
})
