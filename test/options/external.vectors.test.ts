/**
 * Option prices, Greeks and smiles that others published, against the exact twins of this stage. Prints each comparison.
 *
 * The engine prices on the forward and does not discount: a spot, a dividend yield and a rate become a forward and a
 * discount here, in doubles. Black-76 is homogeneous in money, so small prices are stated in a smaller unit, where the
 * engine's 10^-8 rounds less.
 */
import { describe, expect, it } from 'vitest'
import { expFineDown, lnDown, OutOfDomainError } from '../../prover/math/index.ts'
import { CALL_BITS, GAMMA_BITS, greeks, PDF_BITS, priceCall, THETA_BITS } from '../../prover/options/black.ts'
import { sviVariance } from '../../prover/options/volatility.ts'
import {
  compare,
  type ExternalVector,
  fromX,
  toE8,
  toX,
  vectorsOf,
  vectorsPresent,
  whereVectors,
} from '../externalVectors.ts'

/** Error of a price, in units of the forward. */
const PRICE_PRECISION = 2e-12
/** Error of N(d1). */
const DELTA_PRECISION = 1e-10
const SQRT_BITS = 40

/** One option by the twin, in doubles again: undiscounted, on the forward. */
function twin(forward: number, strike: number, totalVolatility: number) {
  // The unit in which the larger price has seven digits before the point: below the engine's 2.8 million
  const unit = 10 ** (6 - Math.ceil(Math.log10(Math.max(forward, strike))))
  const [forwardE8, strikeE8] = [toE8(forward * unit), toE8(strike * unit)]
  const volatilityX40 = toX(totalVolatility, SQRT_BITS)
  const raw = greeks(forwardE8, strikeE8, volatilityX40)
  const call = fromX(priceCall(forwardE8, strikeE8, volatilityX40), CALL_BITS) / 1e8 / unit
  const pdf = fromX(raw.pdf, PDF_BITS)
  return {
    call,
    put: call - forward + strike,
    nd1: fromX(raw.nd1, CALL_BITS),
    /** K·N(d2). */
    exercise: fromX(raw.kNd2, CALL_BITS) / 1e8 / unit,
    gamma: fromX(raw.gammaN, GAMMA_BITS) / forward,
    /** Per unit of total volatility. */
    vega: forward * pdf,
    /** φ(d1)·v·F/2: what decays over the whole time to expiry. */
    decay: (forward * fromX(raw.thetaN, THETA_BITS)) / 2,
  }
}

/** Generalised Black–Scholes from the twin: spot, dividend yield and rate. */
function blackScholes({ inputs }: ExternalVector) {
  const [spot, strike, q, r, t, volatility] = ['spot', 'strike', 'q', 'r', 't', 'vol'].map((name) =>
    Number(inputs[name] ?? 0),
  ) as [number, number, number, number, number, number]
  const forward = spot * Math.exp((r - q) * t)
  const discount = Math.exp(-r * t)
  const onForward = twin(forward, strike, volatility * Math.sqrt(t))
  const isCall = inputs.type !== 'put'
  const value = discount * (isCall ? onForward.call : onForward.put)
  const delta = Math.exp(-q * t) * (isCall ? onForward.nd1 : onForward.nd1 - 1)
  return {
    ...onForward,
    forward,
    discount,
    value,
    delta,
    elasticity: (delta * spot) / value,
    gamma: discount * (forward / spot) ** 2 * onForward.gamma,
    vega: discount * Math.sqrt(t) * onForward.vega,
    theta: r * value - (r - q) * spot * delta - (discount * onForward.decay) / t,
    rho: t * discount * (isCall ? onForward.exercise : onForward.exercise - strike),
    dividendRho: -t * spot * delta,
  }
}

describe.skipIf(!vectorsPresent)(`published prices of options${whereVectors}`, () => {
  const [worthless, priced] = [
    vectorsOf('black76_price_delta').filter(({ inputs }) => Number(inputs.forward) === 0),
    vectorsOf('black76_price_delta').filter(({ inputs }) => Number(inputs.forward) !== 0),
  ]

  it.each(priced)('$id: Black-76 at strike $inputs.strike', (vector) => {
    const { secToExpiry, vol, forward, strike, discount } = vector.inputs
    const totalVolatility = Number(vol) * Math.sqrt(Number(secToExpiry) / 31_536_000)
    const { call, put, nd1 } = twin(Number(forward), Number(strike), totalVolatility)
    const tolerance = PRICE_PRECISION * Number(forward)
    compare(vector, 'call', Number(vector.expected.call), call * Number(discount), tolerance)
    compare(vector, 'put', Number(vector.expected.put), put * Number(discount), tolerance)
    compare(vector, 'N(d1)', Number(vector.expected.callDeltaUndiscounted), nd1, DELTA_PRECISION)
  })

  it.each(worthless)('$id: refuses a forward of 0, and comes to its answers at the least price there is', (vector) => {
    const { vol, strike, discount } = vector.inputs
    expect(() => priceCall(0n, toE8(strike), toX(vol, SQRT_BITS))).toThrow(OutOfDomainError)
    const call = fromX(priceCall(1n, toE8(strike), toX(vol, SQRT_BITS)), CALL_BITS) / 1e8
    compare(vector, 'call', Number(vector.expected.call), call * Number(discount), 1e-8)
    compare(vector, 'put', Number(vector.expected.put), (call - 1e-8 + Number(strike)) * Number(discount), 1e-8)
  })

  it.each(vectorsOf('bsm_price'))('$id: spot $inputs.spot, strike $inputs.strike, volatility $inputs.vol', (vector) => {
    const { call, put, discount, value } = blackScholes(vector)
    if (vector.inputs.type !== undefined) compare(vector, 'value', Number(vector.expected.value), value, 1e-4)
    else {
      // Inputs printed to five decimals
      compare(vector, 'call', Number(vector.expected.call), call * discount, 0.01)
      compare(vector, 'put', Number(vector.expected.put), put * discount, 0.01)
    }
  })

  it.each(vectorsOf('bsm_price_full_precision'))("$id: Hull's example to full precision", (vector) => {
    const { call, put, discount, nd1, gamma, vega, theta, forward } = blackScholes(vector)
    const { expected } = vector
    compare(vector, 'call', Number(expected.call), call * discount, PRICE_PRECISION * forward)
    compare(vector, 'put', Number(expected.put), put * discount, PRICE_PRECISION * forward)
    compare(vector, 'delta', Number(expected.delta), nd1, 1e-6)
    compare(vector, 'gamma', Number(expected.gamma), gamma, 1e-6)
    compare(vector, 'vega per point', Number(expected.vega_per_1pct), vega / 100, 1e-6)
    compare(vector, 'theta per day', Number(expected.theta_per_day), theta / 365, 1e-6)
  })

  const greekKinds = {
    bsm_greek_delta: 'delta',
    bsm_greek_elasticity: 'elasticity',
    bsm_greek_gamma: 'gamma',
    bsm_greek_vega: 'vega',
    bsm_greek_theta: 'theta',
    bsm_greek_rho: 'rho',
    bsm_greek_dividendRho: 'dividendRho',
  } as const
  it.each(vectorsOf(...Object.keys(greekKinds)))('$id: $kind', (vector) => {
    const name = greekKinds[vector.kind as keyof typeof greekKinds]
    compare(vector, name, Number(vector.expected[name]), blackScholes(vector)[name], 1e-4)
  })
})

describe.skipIf(!vectorsPresent)(`published smiles${whereVectors}`, () => {
  const volatility = ({ inputs }: ExternalVector): number => {
    const seconds = BigInt(Math.round(Number(inputs.tau) * 31_536_000))
    const market = {
      expiry: seconds,
      asOf: 0n,
      forwardVariableE8: toE8(inputs.forward),
      forwardFixedE8: 0n,
      rateX40: 0n,
      sviAX48: toX(inputs.a, 48),
      sviBX48: toX(inputs.b, 48),
      sviRhoX40: toX(inputs.rho, 40),
      sviMX40: toX(inputs.m, 40),
      sviSX40: toX(inputs.sigma, 40),
      forwardRefE8: toE8(inputs.forward),
      tauRefSecondsX20: seconds << 20n,
      confidenceX40: 1n << 40n,
      spotConfidenceX40: 1n << 40n,
    }
    const strikeE8 = toE8(inputs.strike)
    return Math.sqrt(fromX(sviVariance(market, strikeE8, lnDown(strikeE8, 36)), 48) / Number(inputs.tau))
  }

  it.each(vectorsOf('svi_vol'))('$id: SVI at strike $inputs.strike', (vector) => {
    // Log-moneyness is known to two units of X36
    compare(vector, 'volatility', Number(vector.expected.vol), volatility(vector), 2 ** -34)
  })

  it.each(vectorsOf('svi_vol_wing_cap'))('$id: SVI, cut off far out of the money', (vector) => {
    // Published with six decimals, the time to expiry with twelve
    compare(vector, 'volatility', Number(vector.expected.vol), volatility(vector), 1e-6)
  })
})

describe.skipIf(!vectorsPresent)(`published powers${whereVectors}`, () => {
  it.each(vectorsOf('fixed_point_pow'))('M16: $id: $inputs.base^$inputs.exponent by ln and exp', (vector) => {
    const { base, exponent } = vector.inputs
    // As the tenor's power is taken: logarithms of integers, their difference, the exponent, the exponential
    const unit = 10n ** 15n
    const lnX36 = lnDown(toE8(base) * 10n ** 7n, 36) - lnDown(unit, 36)
    const power = expFineDown((toX(exponent, 40) * lnX36) >> 36n)
    const expected = Number(vector.expected.y)
    // Each logarithm is within 1.3 units of X36
    compare(vector, 'power', expected, fromX(power, 40), expected * Number(exponent) * 2 ** -35)
  })
})
