/** Random batches inside the declared domain: what governance, inbox and earlier proofs can bring about. */

import {
  type Build,
  marketState,
  sizeOf,
  volatilityModelOf,
  type VolatilityModelName,
  volatilityModels,
  words,
} from '../../../circuits/statements/index.ts'
import type { Field, VolatilityModelRow } from '../../../circuits/statements/language.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import type { AnchorState, MarketState, Observation, VolatilityState } from '../../../prover/parameters/marketRisk.ts'
import { batchLength } from '../../../prover/parameters/marketRisk.ts'
import type { MarketRiskBatch } from '../../../prover/statement/marketRisk.ts'
import { mainSource } from '../../buildCircuits.ts'
import type { Random } from './random.ts'

const REGISTRY = `0x${'5a'.repeat(20)}`
const MODEL_ID = `0x${'7b'.repeat(32)}`

export const buildOf = (
  markets: number,
  observations: number,
  testEverySlot: 0 | 1,
  model: VolatilityModelName = 'ewma',
): Build => ({
  name: `test${model}${markets}x${observations}`,
  statement: 'marketRisk',
  sizes: Object.entries({ markets, observations, testEverySlot, volatilityModel: volatilityModels[model].id }).map(
    ([name, value]) => ({ name, value }),
  ),
  meaning: 'a small build for tests',
})

/** The main file of a build, as `npm run build` compiles it. */
export const sourceOf = mainSource

function randomEngine(random: Random): Pick<MarketRiskBatch, 'learning' | 'margin'> {
  const multiplierFloorX18 = random.wide(22)
  const cap = (value: bigint, most: bigint) => (value < most ? value : most)
  return {
    learning: {
      decayRateX36: random.wide(25),
      horizonSeconds: random.between(1n, 1n << random.between(1n, 24n)) & 0xffffffn,
      sqrtHorizonX24: random.wide(24),
      stepUpX18: random.wide(18),
      stepDownX18: random.wide(18),
      multiplierFloorX18,
      multiplierCeilingX18: random.between(multiplierFloorX18, (1n << 22n) - 1n),
    },
    margin: {
      impliedWeightX10: cap(random.wide(11), 1024n),
      stressWeightX10: cap(random.wide(11), 1024n),
      scanMultipleX8: random.wide(12),
      loosenPerSecondX32: random.wide(20),
      tightenPerSecondX32: random.wide(20),
      initialMarginBufferX10: random.below(512n),
    },
  }
}

function randomPolicy(
  random: Random,
  { readsOptionalPolicy }: VolatilityModelRow,
): MarketRiskBatch['markets'][number]['policy'] {
  const pair = (bits: number, most = (1n << BigInt(bits)) - 1n): [bigint, bigint] => {
    const high = random.wide(bits) % (most + 1n)
    return [random.below(high + 1n), high]
  }
  const [volatilityFloorX16, volatilityCeilingX16] = pair(20)
  // ceiling · (1 + buffer) < 1 with a buffer below one half.
  const [maintenanceMarginFloorX16, maintenanceMarginCeilingX16] = pair(16, 43_000n)
  const [scanRangeFloorX16, scanRangeCeilingX16] = pair(18)
  return {
    maxReturnX16: random.wide(16),
    volatilityFloorX16,
    volatilityCeilingX16,
    stressVolatilityX16: random.wide(20),
    liquidationCostX16: random.wide(16),
    // A margin of nothing is no margin: RiskPolicy refuses a floor of 0.
    maintenanceMarginFloorX16: maintenanceMarginFloorX16 + 1n,
    maintenanceMarginCeilingX16: maintenanceMarginCeilingX16 + 1n,
    liquidationBonusX16: random.wide(16),
    scanRangeFloorX16,
    scanRangeCeilingX16,
    ...(readsOptionalPolicy
      ? {
          longRunVolatilityX16: random.wide(20),
          reversionRateX36: random.wide(25),
          forecastWeightX26: random.below((1n << 26n) + 1n),
        }
      : { longRunVolatilityX16: 0n, reversionRateX36: 0n, forecastWeightX26: 0n }),
  }
}

function randomState(random: Random, { variances }: VolatilityModelRow): MarketState {
  const kept = (index: number): bigint => (index < variances ? random.wide(46) : 0n)
  const volatility: VolatilityState = {
    lnPriceX26: random.below(2_232_000_000n),
    asOf: random.between(1n << 20n, (1n << 31n) - 1n),
    variance0X36: kept(0),
    variance1X36: kept(1),
    variance2X36: kept(2),
    variance3X36: kept(3),
  }
  const maintenanceMarginX24 = random.between(1n, (1n << 24n) - 1n)
  const anchor: AnchorState = {
    anchorLnPriceX26: random.below(2_232_000_000n),
    anchorAsOf: volatility.asOf - random.below(1n << 16n),
    anchorMoveDownX24: random.wide(24),
    anchorMoveUpX24: random.wide(24),
    initialMarginX24: random.between(maintenanceMarginX24, (1n << 24n) - 1n),
    maintenanceMarginX24,
    multiplierDownX18: random.wide(22),
    multiplierUpX18: random.wide(22),
  }
  return { ...randomOthers(random), volatility, anchor }
}

/** Words of a state that the rest of a batch does not depend on: any values that fit. */
function randomOthers(random: Random): MarketState {
  const others = Object.entries(marketState).filter(([part]) => part !== 'volatility' && part !== 'anchor')
  return Object.fromEntries(
    others.map(([part, word]) => [part, randomFields(random, words[word].fields)]),
  ) as MarketState
}

const randomFields = (random: Random, fields: readonly Field[]): Readonly<Record<string, bigint>> =>
  Object.fromEntries(fields.map(({ name, bits }) => [name, random.wide(bits)]))

function randomObservations(random: Random, state: MarketState, most: number): Observation[] {
  const count = Number(random.between(1n, BigInt(most)))
  let { asOf } = state.volatility
  let priceE8 =
    random.below(4n) === 0n
      ? random.wide(48)
      : BigInt(Math.round(Math.exp(Number(state.volatility.lnPriceX26) / 2 ** 26)))
  return Array.from({ length: count }, () => {
    asOf += random.between(1n, 1n << random.between(0n, 20n))
    const change = random.between(-100n, 100n)
    priceE8 = (priceE8 * (10_000n + change)) / 10_000n
    if (priceE8 < 1n) priceE8 = 1n
    if (priceE8 >= 1n << 48n) priceE8 = (1n << 48n) - 1n
    return {
      priceE8,
      asOf,
      impliedVolatilityX16: random.boolean() ? 0n : random.wide(20),
      rangeCode: random.boolean() ? 0n : random.wide(12),
    }
  })
}

/** The volatility model of a build. */
const rowOf = (build: Build): VolatilityModelRow =>
  Object.values(volatilityModels).find(({ id }) => id === volatilityModelOf(build)) as VolatilityModelRow

/** A batch of 1 to as many markets as the build has places with as many observations as one batch may take. */
export function randomBatch(random: Random, build: Build): MarketRiskBatch {
  const engine = randomEngine(random)
  const row = rowOf(build)
  const count = Number(random.between(1n, BigInt(sizeOf(build, 'markets'))))
  const markets = Array.from({ length: count }, (_, i) => {
    const previous = randomState(random, row)
    const waiting = randomObservations(random, previous, sizeOf(build, 'observations'))
    const taken = batchLength(
      previous,
      waiting,
      sizeOf(build, 'observations'),
      sizeOf(build, 'testEverySlot') === 1,
      engine.learning.horizonSeconds,
    )
    return {
      marketId: marketIdOf(`M${i}-USD`),
      sequence: random.between(1n, (1n << 26n) - 1n),
      previous,
      observations: waiting.slice(0, taken),
      policy: randomPolicy(random, row),
    }
  })
  return { build, chainId: 31337n, registry: REGISTRY, modelId: MODEL_ID, ...engine, markets }
}

/** Inputs in the flat form that a witness generator takes. */
export function flatInput(input: Readonly<Record<string, unknown>>): Record<string, bigint | bigint[]> {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => [
      name,
      Array.isArray(value) ? (value.flat(2) as bigint[]) : (value as bigint),
    ]),
  )
}
