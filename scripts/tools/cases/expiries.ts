/** Random expiries and policies over the whole domain, and circuit inputs for them. */
import type { ExpiryMarket, PricingPolicy } from '../../../prover/options/riskArray.ts'
import type { ScenarioPolicy } from '../../../prover/options/grid.ts'
import { pack, packElements } from '../../../prover/statement/words.ts'
import type { Random } from './random.ts'

const ONE = 1n << 40n

/** A real number at X40, to the nearest. */
export const x40 = (value: number): bigint => BigInt(Math.round(value * 2 ** 40))

/** A number in [low, high). */
export function uniform(random: Random, low: number, high: number): number {
  return low + (Number(random.below(1n << 53n)) / 2 ** 53) * (high - low)
}

/** A positive number, its logarithm uniform. */
export function logUniform(random: Random, low: number, high: number): number {
  return Math.exp(uniform(random, Math.log(low), Math.log(high)))
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[Number(random.below(BigInt(choices.length)))] as T
}

/** The grid of the venue whose margins we reproduce: ±18 %, tails and skews. */
export const usualScenarios: ScenarioPolicy = {
  regular: [1.135, 1.09, 1.045, 1, 0.955, 0.91, 0.865].map((shock) => ({
    shockX40: x40(shock),
    dampingUpX40: ONE,
    dampingNoneX40: ONE,
    dampingDownX40: ONE,
  })),
  upOnly: [1.18, 0.82, 1.5, 2, 3, 4, 0.67, 0.34, 1, 1].map((shock) => ({ shockX40: x40(shock), dampingX40: ONE })),
  shockLinearX40: ONE,
  dampingLinearX40: ONE,
  shockAbsoluteX40: ONE,
  dampingAbsoluteX40: ONE,
  basisUpX40: x40(1.045),
  basisDownX40: x40(0.955),
  basisAddX40: x40(0.25),
}

export const usualPolicy: PricingPolicy = {
  scenarios: usualScenarios,
  volatilityShocks: {
    rangeUpX40: x40(0.5),
    rangeDownX40: x40(0.3),
    shortPowerX40: x40(0.3),
    longPowerX40: x40(0.13),
    tenorFloorSeconds: 86_400n,
    floorUpX40: x40(0.1),
  },
  skewLinear: { capX40: x40(0.1), capSlopeX40: x40(0.05), widthFloorX40: x40(0.01), widthScaleX40: x40(4) },
  skewAbsolute: { capX40: x40(0.12), capSlopeX40: x40(0.06), volatilityX40: x40(0.5), volatilitySlopeX40: x40(-0.1) },
  longDiscount: { baseX40: x40(0.95), rateMultipleX40: x40(1), rateAddX40: x40(0.12) },
  shortDiscount: {
    baseX40: x40(1.03),
    rateMultipleX40: x40(0.5),
    rateAddX40: x40(0.12),
    basisSlopeX40: x40(0.5),
    confidenceThresholdX40: x40(0.55),
  },
}

/** An expiry like those of real chains. */
export const usualMarket: ExpiryMarket = {
  expiry: 1_767_225_600n,
  asOf: 1_764_633_600n,
  forwardVariableE8: 9_500_000_000_000n,
  forwardFixedE8: 0n,
  rateX40: x40(0.05),
  sviAX48: x40(0.0128) << 8n,
  sviBX48: x40(0.05) << 8n,
  sviRhoX40: x40(-0.3),
  sviMX40: x40(0.01),
  sviSX40: x40(0.12),
  forwardRefE8: 9_480_000_000_000n,
  tauRefSecondsX20: 2_592_000n << 20n,
  confidenceX40: x40(0.9),
  spotConfidenceX40: ONE,
}

const TENORS = [0n, 1n, 2n, 60n, 2_280n, 86_400n, 2_592_000n, 2_592_001n, 31_363_200n, 31_536_000n, (1n << 26n) - 1n]

/** A random expiry within the domain; its corners come up often. */
export function randomMarket(random: Random): ExpiryMarket {
  const seconds = random.boolean() ? pick(random, TENORS) : BigInt(Math.floor(logUniform(random, 1, 2 ** 26)))
  const asOf = 1_600_000_000n + random.below(1n << 28n)
  const forward = BigInt(Math.floor(logUniform(random, 1e6, 2e14)))
  const isFixed = random.below(4n) === 0n
  const fixed = isFixed ? random.below(forward) : 0n
  const tenor = Math.max(Number(seconds), 1) * logUniform(random, 0.9, 1.1) + uniform(random, 0, 2)
  const tau = tenor / 31_536_000
  const volatility = random.below(12n) === 0n ? 0 : logUniform(random, 0.1, 3.5)
  const variance = volatility ** 2 * tau
  const b = variance === 0 ? 0 : uniform(random, 0, 0.4) * Math.sqrt(variance)
  const s = logUniform(random, 0.01, 1)
  return {
    expiry: asOf + seconds,
    asOf,
    forwardVariableE8: forward - fixed,
    forwardFixedE8: fixed,
    rateX40: x40(uniform(random, -0.05, 0.3)),
    sviAX48: BigInt(Math.round(variance * 2 ** 48)),
    sviBX48: BigInt(Math.round(b * 2 ** 48)),
    sviRhoX40: x40(uniform(random, -0.99, 0.99)),
    sviMX40: x40(uniform(random, -0.2, 0.2)),
    sviSX40: x40(s),
    forwardRefE8: BigInt(Math.max(1, Math.floor(Number(forward) * uniform(random, 0.97, 1.03)))),
    tauRefSecondsX20: BigInt(Math.round(tenor * 2 ** 20)),
    confidenceX40: x40(uniform(random, 0, 1)),
    spotConfidenceX40: pick(random, [ONE, x40(0.5)]),
  }
}

/** A random policy: the usual one, its numbers moved, sometimes to extremes. */
export function randomPolicy(random: Random): PricingPolicy {
  if (random.below(3n) === 0n) return usualPolicy
  const wild = random.below(3n) === 0n
  const fraction = (bits: number, usual: number): bigint =>
    wild ? random.wide(bits) : x40(usual * uniform(random, 0, 2))
  const signed = (bits: number, usual: number): bigint => {
    const magnitude = wild ? random.wide(bits - 1) : x40(usual * uniform(random, 0, 2))
    return random.boolean() ? magnitude : -magnitude
  }
  const shock = (): bigint =>
    (wild ? (random.wide(43) || 1n) + (1n << 24n) : x40(uniform(random, 0.2, 7))) % (1n << 43n)
  return {
    scenarios: {
      ...usualScenarios,
      regular: usualScenarios.regular.map((one, i) => (i === 3 ? one : { ...one, shockX40: shock() || 1n })),
      upOnly: usualScenarios.upOnly.map((one) => ({ ...one, shockX40: shock() || 1n })),
      basisUpX40: shock() || 1n,
      basisAddX40: fraction(45, 0.25),
    },
    volatilityShocks: {
      rangeUpX40: fraction(44, 0.5),
      rangeDownX40: fraction(44, 0.3),
      shortPowerX40: fraction(44, 0.3),
      longPowerX40: fraction(44, 0.13),
      tenorFloorSeconds: wild ? random.wide(26) : 86_400n,
      floorUpX40: fraction(45, 0.1),
    },
    skewLinear: {
      capX40: signed(48, 0.1),
      capSlopeX40: signed(48, 0.05),
      widthFloorX40: fraction(44, 0.01),
      widthScaleX40: fraction(44, 4),
    },
    skewAbsolute: {
      capX40: signed(48, 0.12),
      capSlopeX40: signed(48, 0.06),
      volatilityX40: fraction(44, 0.5),
      volatilitySlopeX40: signed(48, 0.1),
    },
    longDiscount: { baseX40: fraction(43, 0.95), rateMultipleX40: fraction(48, 1), rateAddX40: fraction(48, 0.12) },
    shortDiscount: {
      baseX40: fraction(43, 1.03),
      rateMultipleX40: fraction(48, 0.5),
      rateAddX40: fraction(48, 0.12),
      basisSlopeX40: fraction(48, 0.5),
      confidenceThresholdX40: fraction(41, 0.55),
    },
  }
}

/** A strike from 1e-4 to 1e4 times the forward, near it as often as not. */
export function randomStrike(random: Random, { forwardVariableE8, forwardFixedE8 }: ExpiryMarket): bigint {
  const forward = Number(forwardVariableE8 + forwardFixedE8)
  const choice = random.below(4n)
  if (choice === 0n) return BigInt(Math.min(2 ** 48 - 1, Math.max(1, Math.floor(forward))))
  const ratio = choice === 1n ? logUniform(random, 1e-4, 1e4) : logUniform(random, 0.15, 8.6)
  return BigInt(Math.min(2 ** 48 - 1, Math.max(1, Math.floor(forward * ratio))))
}

/** Packed words of policy and expiry by signal name, as ExpiryArray takes them. */
export function expiryInputs(market: ExpiryMarket, policy: PricingPolicy): Record<string, bigint | bigint[]> {
  const { regular, upOnly } = policy.scenarios
  return {
    scenarioRegular: regular.map((shock) => pack('scenarioRegular', shock)),
    scenarioUpOnly: [...packElements('scenarioUpOnly', upOnly)],
    basisShocks: pack('basisShocks', policy.scenarios),
    volatilityShocks: pack('volatilityShocks', policy.volatilityShocks),
    skewLinear: pack('skewLinear', policy.skewLinear),
    skewAbsolute: pack('skewAbsolute', policy.skewAbsolute),
    longDiscount: pack('longDiscount', policy.longDiscount),
    shortDiscount: pack('shortDiscount', policy.shortDiscount),
    expiryForward: pack('expiryForward', market),
    expirySurface: pack('expirySurface', market),
    expirySurfaceShape: pack('expirySurfaceShape', market),
  }
}

/** A main with header and leaves as its outputs. */
export const arraySource = (strikes: number): string => `pragma circom 2.2.3;
include "options/ExpiryArray.circom";
include "bitify.circom";
template Main(N) {
    signal input scenarioRegular[7], scenarioUpOnly[5], basisShocks;
    signal input volatilityShocks, skewLinear, skewAbsolute, longDiscount, shortDiscount;
    signal input expiryForward, expirySurface, expirySurfaceShape, strikes[N];
    signal output header[29], leaves[N][41];
    signal bits[N][48];
    for (var i = 0; i < N; i++) {
        bits[i] <== Num2Bits(48)(strikes[i]);
    }
    (header, leaves) <== ExpiryArray(N)(
        scenarioRegular, scenarioUpOnly, basisShocks, volatilityShocks, skewLinear, skewAbsolute, longDiscount,
        shortDiscount, expiryForward, expirySurface, expirySurfaceShape, bits
    );
}
component main = Main(${strikes});
`
