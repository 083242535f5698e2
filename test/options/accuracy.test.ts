/**
 * The twin's prices and Greeks against Black-76 to 150 bits, by functions that share neither code nor tables with it
 * (scripts/tools/cases/reference.ts). What is compared with is the price at exactly the forward, strike and volatility given.
 */
import { describe, expect, test } from 'vitest'
import { lnDown } from '../../prover/math/index.ts'
import {
  CALL_BITS,
  GAMMA_BITS,
  gridPrice,
  greeks,
  PDF_BITS,
  priceCall,
  SHOCKED_VOLATILITY,
  THETA_BITS,
  UNSHOCKED_VOLATILITY,
} from '../../prover/options/black.ts'
import {
  PRECISION,
  real,
  referenceLn,
  referenceNormalCdf,
  referenceNormalPdf,
} from '../../scripts/tools/cases/reference.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { logUniform, uniform } from '../../scripts/tools/cases/expiries.ts'

const POINTS = 9_000
const ONE = 1n << PRECISION
/** Beyond, a tail is below 10^-19. */
const TAIL = 9n * ONE

type Errors = {
  count: number
  mark: number
  shocked: number
  unshocked: number
  nd1: number
  pdf: number
  gamma: number
  theta: number
  kNd2: number
}

/** Total volatility, least and greatest, with what is claimed there: prices over the larger of F and K; the rest absolute. */
const ranges = [
  { from: -17, to: -14, scenario: 1e-11, mark: 3e-13, nd1: 2e-5, pdf: 2e-5 },
  { from: -14, to: -10, scenario: 2e-12, mark: 1e-12, nd1: 2e-6, pdf: 1e-6 },
  { from: -10, to: -6, scenario: 3e-12, mark: 3e-12, nd1: 8e-8, pdf: 5e-8 },
  { from: -6, to: -2, scenario: 3e-12, mark: 3e-12, nd1: 5e-9, pdf: 5e-9 },
  { from: -2, to: 0, scenario: 4e-12, mark: 3e-12, nd1: 4e-8, pdf: 4e-8 },
  { from: 0, to: 4, scenario: 6e-12, mark: 3e-12, nd1: 5e-7, pdf: 3e-7 },
] as const

describe('B4, B5 and B6: accuracy', () => {
  const found = ranges.map((range, index) => ({ ...range, errors: worst(range.from, range.to, BigInt(index) + 1n) }))

  test.each(found)('within the claim for v from 2^$from to 2^$to', ({ from, to, errors, ...claim }) => {
    const { count, ...rest } = errors
    const shown = Object.entries(rest).map(([name, error]) => `${name} ${error.toExponential(1)}`)
    console.log(`v 2^${from} to 2^${to}, ${count} points: ${shown.join(', ')}`)
    expect(errors.mark).toBeLessThan(claim.mark)
    expect(errors.shocked).toBeLessThan(claim.scenario)
    expect(errors.unshocked).toBeLessThan(claim.scenario)
    expect(errors.nd1).toBeLessThan(claim.nd1)
    expect(errors.kNd2).toBeLessThan(claim.nd1)
    expect(errors.pdf).toBeLessThan(claim.pdf)
    expect(errors.gamma).toBeLessThan(2 * claim.pdf)
    expect(errors.theta).toBeLessThan(claim.pdf)
  })

  test('below 2^-17 only strikes within 8·2^-17 of the forward lose accuracy: 0.17·2^-17 of it at most', () => {
    const random = new Random(9n)
    let worstNear = 0
    let worstFar = 0
    for (let i = 0; i < 2_000; i++) {
      const volatilityX40 = 1n + random.below(1n << 23n)
      const forward = 1n << random.between(40n, 47n)
      const distance = uniform(random, -12, 12) * 2 ** -17
      const strike = BigInt(Math.round(Number(forward) * Math.exp(distance)))
      const errors: Errors = {
        count: 0,
        mark: 0,
        shocked: 0,
        unshocked: 0,
        nd1: 0,
        pdf: 0,
        gamma: 0,
        theta: 0,
        kNd2: 0,
      }
      compare(errors, forward, strike, volatilityX40)
      const error = Math.max(errors.mark, errors.shocked, errors.unshocked)
      if (Math.abs(distance) < 8.01 * 2 ** -17) worstNear = Math.max(worstNear, error)
      else worstFar = Math.max(worstFar, error)
    }
    console.log(
      `below v = 2^-17: ${worstNear.toExponential(1)} near the forward, ${worstFar.toExponential(1)} elsewhere`,
    )
    expect(worstNear).toBeLessThan(0.17 * 2 ** -17)
    expect(worstFar).toBeLessThan(3e-12)
  })

  test('without volatility the price is the payoff', () => {
    const random = new Random(3n)
    for (let i = 0; i < 500; i++) {
      const forward = 1n + random.below(1n << 48n)
      const strike = 1n + random.below(1n << 48n)
      const payoff = forward > strike ? forward - strike : 0n
      expect(priceCall(forward, strike, 0n)).toBe(payoff << BigInt(CALL_BITS))
    }
    expect(priceCall(1000n, 1000n, 0n)).toBe(0n)
    // A strike above the forward by less than the logarithm sees: off by the difference, 10^-8 of the forward at most.
    expect(priceCall(1n << 47n, (1n << 47n) + 1n, 0n)).toBe(-1n << BigInt(CALL_BITS))
  })

  test('from a volatility of 16 on the call is the forward but for 10^-13 of it', () => {
    for (const strike of [950_000_000n, 9_500_000_000_000n, (1n << 48n) - 1n]) {
      const call = priceCall(9_500_000_000_000n, strike, 1n << 60n)
      expect(Math.abs(Number(call >> 90n) / 2 ** 36 / 9.5e12 - 1)).toBeLessThan(1e-12)
    }
  })
})

function worst(from: number, to: number, seed: bigint): Errors {
  const random = new Random(seed)
  const errors: Errors = { count: 0, mark: 0, shocked: 0, unshocked: 0, nd1: 0, pdf: 0, gamma: 0, theta: 0, kNd2: 0 }
  while (errors.count < POINTS / ranges.length) {
    const volatilityX40 = BigInt(Math.floor(logUniform(random, 2 ** from, 2 ** to) * 2 ** 40))
    const v = Number(volatilityX40) / 2 ** 40
    const forward = BigInt(Math.floor(logUniform(random, 1e8, 1.5e14)))
    const spread = errors.count % 3 === 0 ? 9.2 : Math.min(9.2, 8 * v + (v * v) / 2)
    const strike = BigInt(Math.floor(Number(forward) * Math.exp(uniform(random, -spread, spread))))
    if (strike < 1n || strike >= 1n << 48n) continue
    errors.count++
    compare(errors, forward, strike, volatilityX40)
  }
  return errors
}

function compare(errors: Errors, forward: bigint, strike: bigint, volatilityX40: bigint): void {
  const v = real(volatilityX40, 40)
  const d1 = ((referenceLn(forward) - referenceLn(strike)) * ONE) / v + v / 2n
  const nd1 = cdf(d1)
  const strikeNd2 = strike * cdf(d1 - v)
  const call = forward * nd1 - strikeNd2
  const density = d1 > 12n * ONE || d1 < -12n * ONE ? 0n : referenceNormalPdf(d1 < 0n ? -d1 : d1)
  const larger = forward > strike ? forward : strike

  const note = (name: keyof Errors, value: bigint, bits: number, exact: bigint, scale = 1n): void => {
    const error = Math.abs(Number(real(value, bits) - exact) / Number(scale) / Number(ONE))
    errors[name] = Math.max(errors[name], error)
  }
  const logarithm = lnDown(forward, 26) - (lnDown(strike, 36) >> 10n)
  note('mark', priceCall(forward, strike, volatilityX40), CALL_BITS, call, larger)
  for (const [name, precision] of [
    ['shocked', SHOCKED_VOLATILITY],
    ['unshocked', UNSHOCKED_VOLATILITY],
  ] as const) {
    note(name, gridPrice(forward, strike, logarithm, volatilityX40, precision).call, CALL_BITS, call, larger)
  }
  const raw = greeks(forward, strike, volatilityX40)
  note('nd1', raw.nd1, CALL_BITS, nd1)
  note('pdf', raw.pdf, PDF_BITS, density)
  note('kNd2', raw.kNd2, CALL_BITS, strikeNd2, larger)
  // φ/v and φ·v, compared as φ
  note('gamma', (raw.gammaN * volatilityX40) >> 40n, GAMMA_BITS, density)
  note('theta', (raw.thetaN << 40n) / volatilityX40, THETA_BITS, density)
}

function cdf(x: bigint): bigint {
  if (x > TAIL) return ONE
  if (x < -TAIL) return 0n
  return x < 0n ? ONE - referenceNormalCdf(-x) : referenceNormalCdf(x)
}
