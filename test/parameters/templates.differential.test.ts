import { expect, test } from 'vitest'
import { max } from '../../prover/math/index.ts'
import { learn, testPrediction } from '../../prover/parameters/confidence.ts'
import {
  dampen,
  horizonMoveUp,
  loanToValue,
  scanRangeUp,
  targetMarginsUp,
  usedVolatilityUp,
} from '../../prover/parameters/margins.ts'
import type { MarginPolicy, MarketPolicy } from '../../prover/parameters/margins.ts'
import type { Case, TemplateUnderTest } from '../../scripts/tools/circuits/parallel.ts'
import { Parallel } from '../../scripts/tools/circuits/parallel.ts'
import { Random } from '../../scripts/tools/cases/random.ts'

const CASES = 10_000

type Pair = {
  readonly claim: string
  readonly template: TemplateUnderTest
  /** Moves a random case into the domain that the policy contract and earlier templates guarantee. */
  readonly arrange: (raw: Record<string, bigint>) => Record<string, bigint>
  readonly twin: (one: Record<string, bigint>) => Case
  readonly instances?: number
}

const ordered = (low: string, high: string) => (raw: Record<string, bigint>) => {
  const [a, b] = [raw[low] as bigint, raw[high] as bigint]
  return { ...raw, [low]: a < b ? a : b, [high]: a < b ? b : a }
}

const market = (fields: Partial<MarketPolicy>): MarketPolicy => fields as MarketPolicy
const margin = (fields: Partial<MarginPolicy>): MarginPolicy => fields as MarginPolicy

const pairs: readonly Pair[] = [
  {
    claim: 'P1',
    template: {
      include: 'parameters/UsedVolatility.circom',
      call: 'UsedVolatility()',
      inputs: [
        { name: 'varianceX38', bits: 49 },
        { name: 'impliedVolatilityX16', bits: 20 },
        { name: 'impliedWeightX10', bits: 11 },
        { name: 'floorX16', bits: 20 },
        { name: 'ceilingX16', bits: 20 },
      ],
      outputs: ['out'],
    },
    arrange: ordered('floorX16', 'ceilingX16'),
    twin: (c) => ({
      out: usedVolatilityUp(
        c.varianceX38 as bigint,
        c.impliedVolatilityX16 as bigint,
        c.impliedWeightX10 as bigint,
        market({ volatilityFloorX16: c.floorX16 as bigint, volatilityCeilingX16: c.ceilingX16 as bigint }),
      ),
    }),
  },
  {
    claim: 'P2',
    template: {
      include: 'parameters/HorizonMove.circom',
      call: 'HorizonMove()',
      inputs: [
        { name: 'multiplierX18', bits: 22 },
        { name: 'scaledVolatilityX48', bits: 52 },
      ],
      outputs: ['out'],
    },
    arrange: (raw) => {
      const volatilityX24 = (raw.scaledVolatilityX48 as bigint) >> 24n
      const sqrtHorizonX24 = (raw.scaledVolatilityX48 as bigint) & 0xffffffn
      return { ...raw, volatilityX24, sqrtHorizonX24, scaledVolatilityX48: volatilityX24 * sqrtHorizonX24 }
    },
    twin: (c) => ({
      out: horizonMoveUp(c.multiplierX18 as bigint, c.volatilityX24 as bigint, c.sqrtHorizonX24 as bigint),
    }),
  },
  {
    claim: 'P3',
    template: {
      include: 'parameters/ScanRange.circom',
      call: 'ScanRange()',
      inputs: [
        { name: 'moveDownX24', bits: 24 },
        { name: 'moveUpX24', bits: 24 },
        { name: 'multiplierDownX18', bits: 22 },
        { name: 'multiplierUpX18', bits: 22 },
        { name: 'scanMultipleX8', bits: 12 },
        { name: 'floorX16', bits: 18 },
        { name: 'ceilingX16', bits: 18 },
      ],
      outputs: ['multiplierX18', 'out'],
    },
    // Moves grow with their multipliers, as Evaluate makes them.
    arrange: (raw) => {
      const ascending = ordered('floorX16', 'ceilingX16')(raw)
      const [small, large] =
        ordered('moveDownX24', 'moveUpX24')(raw).moveDownX24 === raw.moveDownX24
          ? [raw.moveDownX24, raw.moveUpX24]
          : [raw.moveUpX24, raw.moveDownX24]
      const upWider = (raw.multiplierUpX18 as bigint) > (raw.multiplierDownX18 as bigint)
      return {
        ...ascending,
        moveDownX24: (upWider ? small : large) as bigint,
        moveUpX24: (upWider ? large : small) as bigint,
      }
    },
    twin: (c) => ({
      multiplierX18: max(c.multiplierDownX18 as bigint, c.multiplierUpX18 as bigint),
      out: scanRangeUp(
        max(c.moveDownX24 as bigint, c.moveUpX24 as bigint),
        c.scanMultipleX8 as bigint,
        market({ scanRangeFloorX16: c.floorX16 as bigint, scanRangeCeilingX16: c.ceilingX16 as bigint }),
      ),
    }),
  },
  {
    claim: 'P4, P5',
    template: {
      include: 'parameters/TargetMargins.circom',
      call: 'TargetMargins()',
      inputs: [
        { name: 'volatilityX24', bits: 28 },
        { name: 'multiplierX18', bits: 22 },
        { name: 'sqrtHorizonX24', bits: 24 },
        { name: 'stressVolatilityX16', bits: 20 },
        { name: 'stressWeightX10', bits: 11 },
        { name: 'liquidationCostX16', bits: 16 },
        { name: 'floorX16', bits: 16 },
        { name: 'ceilingX16', bits: 16 },
        { name: 'bufferX10', bits: 10 },
      ],
      outputs: ['maintenanceX24', 'initialX24'],
    },
    arrange: (raw) => {
      const c = ordered('floorX16', 'ceilingX16')(raw)
      // RiskPolicy holds ceiling · (1 + buffer) below 1 and weights at most 1.
      const bufferX10 = (c.bufferX10 as bigint) / 2n
      const limit = (1n << 26n) / (1024n + bufferX10) - 1n
      const cap = (value: bigint) => (value < limit ? value : limit)
      return {
        ...c,
        bufferX10,
        floorX16: cap(c.floorX16 as bigint),
        ceilingX16: cap(c.ceilingX16 as bigint),
        stressWeightX10: (c.stressWeightX10 as bigint) > 1024n ? 1024n : (c.stressWeightX10 as bigint),
      }
    },
    twin: (c) => {
      const target = targetMarginsUp(
        c.volatilityX24 as bigint,
        c.multiplierX18 as bigint,
        c.sqrtHorizonX24 as bigint,
        market({
          stressVolatilityX16: c.stressVolatilityX16 as bigint,
          liquidationCostX16: c.liquidationCostX16 as bigint,
          maintenanceMarginFloorX16: c.floorX16 as bigint,
          maintenanceMarginCeilingX16: c.ceilingX16 as bigint,
        }),
        margin({ stressWeightX10: c.stressWeightX10 as bigint, initialMarginBufferX10: c.bufferX10 as bigint }),
      )
      return { maintenanceX24: target.maintenanceMarginX24, initialX24: target.initialMarginX24 }
    },
  },
  {
    claim: 'P6',
    template: {
      include: 'parameters/Dampers.circom',
      call: 'Dampers()',
      inputs: [
        { name: 'targetInitialX24', bits: 24 },
        { name: 'targetMaintenanceX24', bits: 24 },
        { name: 'previousInitialX24', bits: 24 },
        { name: 'previousMaintenanceX24', bits: 24 },
        { name: 'elapsed', bits: 32 },
        { name: 'loosenPerSecondX32', bits: 20 },
        { name: 'tightenPerSecondX32', bits: 20 },
      ],
      outputs: ['initialX24', 'maintenanceX24'],
    },
    arrange: (raw) => raw,
    twin: (c) => {
      const damped = dampen(
        {
          initialMarginX24: c.previousInitialX24 as bigint,
          maintenanceMarginX24: c.previousMaintenanceX24 as bigint,
        },
        { initialMarginX24: c.targetInitialX24 as bigint, maintenanceMarginX24: c.targetMaintenanceX24 as bigint },
        c.elapsed as bigint,
        margin({
          loosenPerSecondX32: c.loosenPerSecondX32 as bigint,
          tightenPerSecondX32: c.tightenPerSecondX32 as bigint,
        }),
      )
      return { initialX24: damped.initialMarginX24, maintenanceX24: damped.maintenanceMarginX24 }
    },
  },
  {
    claim: 'P7',
    template: {
      include: 'parameters/LoanToValue.circom',
      call: 'LoanToValue()',
      inputs: [
        { name: 'marginX24', bits: 24 },
        { name: 'bonusX16', bits: 16 },
      ],
      outputs: ['out'],
    },
    arrange: (raw) => ({ ...raw, marginX24: raw.marginX24 === 0n ? 1n : (raw.marginX24 as bigint) }),
    twin: (c) => ({ out: loanToValue(c.marginX24 as bigint, c.bonusX16 as bigint) }),
  },
  {
    claim: 'C1',
    template: {
      include: 'parameters/PredictionTest.circom',
      call: 'PredictionTest()',
      inputs: [
        { name: 'due', bits: 1, tagged: false },
        { name: 'lnPriceX26', bits: 32 },
        { name: 'anchorLnPriceX26', bits: 32 },
        { name: 'anchorMoveDownX24', bits: 24 },
        { name: 'anchorMoveUpX24', bits: 24 },
      ],
      outputs: ['breachDown', 'breachUp'],
    },
    // Half of the cases sit on the edge of the band or one unit beside it.
    arrange: (raw) => {
      const anchor = (raw.anchorLnPriceX26 as bigint) | (1n << 30n)
      const edges = [
        anchor - ((raw.anchorMoveDownX24 as bigint) << 2n),
        anchor + ((raw.anchorMoveUpX24 as bigint) << 2n),
      ]
      const choice = (raw.lnPriceX26 as bigint) % 12n
      const edge = edges[Number(choice % 2n)] as bigint
      const beside = edge + choice / 2n - 1n
      const lnPriceX26 = choice < 6n && beside < 1n << 32n ? beside : (raw.lnPriceX26 as bigint)
      return { ...raw, anchorLnPriceX26: anchor, lnPriceX26 }
    },
    twin: (c) => {
      const anchor = {
        anchorLnPriceX26: c.anchorLnPriceX26 as bigint,
        anchorAsOf: 100n,
        anchorMoveDownX24: c.anchorMoveDownX24 as bigint,
        anchorMoveUpX24: c.anchorMoveUpX24 as bigint,
      }
      const verdict = testPrediction(anchor, c.lnPriceX26 as bigint, c.due === 1n ? 110n : 109n, 10n)
      return { breachDown: verdict.breachDown ? 1n : 0n, breachUp: verdict.breachUp ? 1n : 0n }
    },
  },
  {
    claim: 'C1',
    template: {
      include: 'parameters/PredictionTest.circom',
      call: 'IsDue()',
      inputs: [
        { name: 'asOf', bits: 32 },
        { name: 'anchorAsOf', bits: 32 },
        { name: 'horizonSeconds', bits: 24 },
        { name: 'used', bits: 1, tagged: false },
      ],
      outputs: ['out'],
    },
    arrange: (raw) => {
      const edge = (raw.anchorAsOf as bigint) + (raw.horizonSeconds as bigint) - 1n + ((raw.asOf as bigint) % 3n)
      return (raw.asOf as bigint) % 2n === 0n && edge >= 0n && edge < 1n << 32n ? { ...raw, asOf: edge } : raw
    },
    twin: (c) => ({
      out: c.used === 1n && (c.asOf as bigint) >= (c.anchorAsOf as bigint) + (c.horizonSeconds as bigint) ? 1n : 0n,
    }),
  },
  {
    claim: 'C2',
    template: {
      include: 'parameters/MultiplierStep.circom',
      call: 'MultiplierStep()',
      inputs: [
        { name: 'multiplierX18', bits: 22 },
        { name: 'floorX18', bits: 22 },
        { name: 'ceilingX18', bits: 22 },
        { name: 'stepUpX18', bits: 18 },
        { name: 'stepDownX18', bits: 18 },
        { name: 'due', bits: 1, tagged: false },
        { name: 'breach', bits: 1, tagged: false },
      ],
      outputs: ['out'],
    },
    arrange: (raw) => ({
      ...ordered('floorX18', 'ceilingX18')(raw),
      breach: raw.due === 1n ? (raw.breach as bigint) : 0n,
    }),
    twin: (c) => {
      const breach = c.breach === 1n
      const policy = {
        stepUpX18: c.stepUpX18 as bigint,
        stepDownX18: c.stepDownX18 as bigint,
        multiplierFloorX18: c.floorX18 as bigint,
        multiplierCeilingX18: c.ceilingX18 as bigint,
        decayRateX36: 0n,
        horizonSeconds: 0n,
        sqrtHorizonX24: 0n,
      }
      const multiplier = c.multiplierX18 as bigint
      const next = learn(
        { multiplierDownX18: multiplier, multiplierUpX18: multiplier },
        { due: c.due === 1n, breachDown: breach, breachUp: breach },
        policy,
      )
      return { out: next.multiplierDownX18 }
    },
  },
]

for (const [index, { claim, template, arrange, twin, instances = 5 }] of pairs.entries()) {
  test(`${claim}: ${template.call} equals its twin on ${CASES} random cases`, async () => {
    const circuit = await Parallel.of(template, instances)
    const random = new Random(BigInt(100 + index))
    for (let done = 0; done < CASES; done += instances) {
      const cases = Array.from({ length: instances }, () =>
        arrange(Object.fromEntries(template.inputs.map(({ name, bits }) => [name, random.wide(bits)]))),
      )
      const answers = circuit.run(cases)
      for (const [i, one] of cases.entries()) {
        expect(
          answers[i],
          Object.entries(one)
            .map(([k, v]) => `${k} ${v}`)
            .join(', '),
        ).toEqual(twin(one))
      }
    }
  })
}
