import { z } from 'zod'
import type { Fields } from '../../circuits/statements/index.ts'
import { ProverError } from '../errors.ts'
import { divUp, sqrtUp } from '../math/index.ts'
import { garchPolicyWords } from '../volatility/garch.ts'
import { YEAR_SECONDS } from '../volatility/variance.ts'

const fraction = z.number().min(0).max(1)
const positive = z.number().positive()

/** Risk appetite of the whole engine in human units: plain fractions, hours, annualised volatilities. */
const enginePolicySchema = z
  .strictObject({
    fastHalfLifeHours: positive
      .min(1)
      .describe('weight of a return halves in this time; the slow half-life is 16 times it'),
    horizonSeconds: z
      .number()
      .int()
      .min(60)
      .max(2 ** 24 - 1)
      .describe('time a position needs to be closed'),
    breachProbability: z
      .number()
      .min(0.0001)
      .max(0.2)
      .describe('α: share of horizons whose move may exceed the prediction'),
    learningRate: z.number().min(0.001).max(0.9).describe('γ: how fast a breach raises the confidence multiplier'),
    multiplierFloor: positive.max(15),
    multiplierCeiling: positive.max(15),
    impliedWeight: fraction.describe('weight of an attested implied volatility'),
    stressWeight: fraction.describe('share of stressed variance in the margin'),
    scanMultiple: z.number().min(1).max(15),
    loosenPerHour: positive.max(0.8).describe('fastest fall of a margin, fraction of notional'),
    tightenPerHour: positive.max(0.8).describe('fastest rise of the maintenance margin, fraction of notional'),
    initialMarginBuffer: z.number().min(0).max(0.99).describe('initial over maintenance margin, less 1'),
  })
  .refine((p) => p.multiplierFloor <= p.multiplierCeiling, { message: 'multiplierFloor exceeds multiplierCeiling' })

/** Risk appetite of one market in human units. */
const marketPolicySchema = z
  .strictObject({
    maxReturn: positive.max(0.99).describe('log returns beyond it are winsorised'),
    volatilityFloor: positive.max(15),
    volatilityCeiling: positive.max(15),
    stressVolatility: positive.max(15),
    liquidationCost: fraction.max(0.9),
    maintenanceMarginFloor: positive.max(0.9),
    maintenanceMarginCeiling: positive.max(0.99),
    liquidationBonus: fraction.max(0.9),
    scanRangeFloor: positive.max(3.9),
    scanRangeCeiling: positive.max(3.9),
    garch: z
      .strictObject({
        longRunVolatility: positive.max(15),
        reversionHalfLifeHours: positive.min(1),
        horizonSeconds: z.number().int().positive().describe('the engine’s, over which volatility is forecast'),
      })
      .optional()
      .describe('only for markets bound to GARCH; a market of another model has no proof with it'),
  })
  .refine((p) => p.volatilityFloor <= p.volatilityCeiling, { message: 'volatilityFloor exceeds volatilityCeiling' })
  .refine((p) => p.maintenanceMarginFloor <= p.maintenanceMarginCeiling, {
    message: 'maintenanceMarginFloor exceeds maintenanceMarginCeiling',
  })
  .refine((p) => p.scanRangeFloor <= p.scanRangeCeiling, { message: 'scanRangeFloor exceeds scanRangeCeiling' })

export type EnginePolicy = z.infer<typeof enginePolicySchema>
export type MarketRiskPolicy = z.infer<typeof marketPolicySchema>

const scale = (value: number, bits: number): bigint => BigInt(Math.round(value * 2 ** bits))
const perSecond = (perHour: number): bigint => scale(perHour / 3600, 32)

/** √(horizon in years), X24, rounded up; exact. */
export function sqrtHorizonUp(horizonSeconds: bigint): bigint {
  return sqrtUp(divUp(horizonSeconds << 48n, YEAR_SECONDS))
}

/**
 * Policy words of the engine.
 *
 * @throws {@link PolicyError} naming the entry that is missing, unknown or out of range
 */
export function encodeEnginePolicy(input: unknown): {
  learning: Fields<'learningPolicy'>
  margin: Fields<'marginPolicy'>
} {
  const policy = parse(enginePolicySchema, input, 'engine')
  const horizonSeconds = BigInt(policy.horizonSeconds)
  return {
    learning: {
      decayRateX36: scale(1 / (policy.fastHalfLifeHours * 3600), 36),
      horizonSeconds,
      sqrtHorizonX24: sqrtHorizonUp(horizonSeconds),
      stepUpX18: scale(policy.learningRate * (1 - policy.breachProbability), 18),
      stepDownX18: scale(policy.learningRate * policy.breachProbability, 18),
      multiplierFloorX18: scale(policy.multiplierFloor, 18),
      multiplierCeilingX18: scale(policy.multiplierCeiling, 18),
    },
    margin: {
      impliedWeightX10: scale(policy.impliedWeight, 10),
      stressWeightX10: scale(policy.stressWeight, 10),
      scanMultipleX8: scale(policy.scanMultiple, 8),
      loosenPerSecondX32: perSecond(policy.loosenPerHour),
      tightenPerSecondX32: perSecond(policy.tightenPerHour),
      initialMarginBufferX10: scale(policy.initialMarginBuffer, 10),
    },
  }
}

/**
 * Policy word of one market.
 *
 * @throws {@link PolicyError} naming the entry that is missing, unknown or out of range
 */
export function encodeMarketPolicy(input: unknown): Fields<'marketPolicy'> {
  const policy = parse(marketPolicySchema, input, 'market')
  return {
    maxReturnX16: scale(policy.maxReturn, 16),
    volatilityFloorX16: scale(policy.volatilityFloor, 16),
    volatilityCeilingX16: scale(policy.volatilityCeiling, 16),
    stressVolatilityX16: scale(policy.stressVolatility, 16),
    liquidationCostX16: scale(policy.liquidationCost, 16),
    maintenanceMarginFloorX16: scale(policy.maintenanceMarginFloor, 16),
    maintenanceMarginCeilingX16: scale(policy.maintenanceMarginCeiling, 16),
    liquidationBonusX16: scale(policy.liquidationBonus, 16),
    scanRangeFloorX16: scale(policy.scanRangeFloor, 16),
    scanRangeCeilingX16: scale(policy.scanRangeCeiling, 16),
    ...(policy.garch === undefined
      ? { longRunVolatilityX16: 0n, reversionRateX36: 0n, forecastWeightX26: 0n }
      : garchPolicyWords(policy.garch, BigInt(policy.garch.horizonSeconds))),
  }
}

function parse<T>(schema: z.ZodType<T>, input: unknown, scope: string): T {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new PolicyError(scope, issue?.path.join('.') ?? '', issue?.message ?? 'invalid', result.error)
}

/** A policy entry is missing, unknown or out of range. */
export class PolicyError extends ProverError {
  readonly code = 'parameters.policy'
  readonly scope: string
  readonly entry: string

  constructor(scope: string, entry: string, reason: string, cause: unknown) {
    super(`The ${scope} policy is invalid${entry === '' ? '' : ` at "${entry}"`}: ${reason}.`, { cause })
    this.scope = scope
    this.entry = entry
  }
}
