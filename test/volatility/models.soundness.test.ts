/**
 * What a cheating prover could try against GARCH and the range mixture: every wire, the Jacobian's rank, another quotient, a
 * high below the low, inputs too wide. And what each template costs, as `npm run snapshot` last wrote it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { modelNames, volatilityModels } from '../../prover/volatility/models.ts'
import { includedFiles } from '../../scripts/tools/compileCircom.ts'
import { root } from '../../scripts/tools/sources.ts'
import { type Circuit, compileCircuit, countConstraints } from '../../scripts/tools/circuits/circuit.ts'
import type { ModelCase, ModelTemplate } from '../../scripts/tools/mains/volatility.ts'
import {
  garchTemplate,
  gathered,
  mixtureTemplate,
  modelSource,
  modelTemplates,
  volatilityMains,
} from '../../scripts/tools/mains/volatility.ts'

const snapshot: Record<string, number> = JSON.parse(
  readFileSync(join(root, 'test', 'snapshots', 'volatility.json'), 'utf8'),
)

it('every template has as many constraints as the snapshot says, and every model says what its step costs', async () => {
  expect(await countConstraints(volatilityMains)).toEqual(snapshot)
  const steps = { ewma: 'EwmaStep(4)', garch: garchTemplate.name, rangeMixture: mixtureTemplate.name }
  for (const name of modelNames) expect(volatilityModels[name].constraints, name).toBe(snapshot[steps[name]])
})

const LN = 1n << 30n
const prices = { previousLnPriceX26: LN, lnPriceX26: LN - 300_000n, maxReturnX16: 6554n }
const garchHour = {
  ...prices,
  varianceX36: 1n << 35n,
  longRunVarianceX36: 1n << 34n,
  elapsed: 3600n,
  reactionRateX36: 3_181_457n,
  reversionRateX36: 1_193_046n,
  unused: 0n,
}
const mixtureHour = {
  ...prices,
  variancesX36: [1n << 35n, 1n << 34n, 1n << 33n, 1n << 32n],
  lnHighX26: LN + 100_000n,
  lnLowX26: LN - 500_000n,
  elapsed: 3600n,
  decayRateX36: 4_772_186n,
  hasRange: 1n,
  unused: 0n,
}

/** The largest values of all inputs, of a used slot. */
const top = (template: ModelTemplate): ModelCase => ({
  ...Object.fromEntries(
    template.inputs.map(({ name, bits, size }) => {
      const largest = (1n << BigInt(bits)) - 1n
      return [name, size === undefined ? largest : Array(size).fill(largest)]
    }),
  ),
  unused: 0n,
})

const unusedSlot = { lnPriceX26: LN, elapsed: 0n, unused: 1n }

const models = [
  {
    claim: 'V2',
    template: garchTemplate,
    points: {
      'an hour': garchHour,
      'an unused slot': { ...garchHour, ...unusedSlot },
      'the largest inputs': top(garchTemplate),
    },
  },
  {
    claim: 'V3',
    template: mixtureTemplate,
    points: {
      'an hour with its range': mixtureHour,
      'an hour without range': { ...mixtureHour, hasRange: 0n, lnHighX26: LN, lnLowX26: LN },
      'an unused slot': { ...mixtureHour, ...unusedSlot, hasRange: 0n, lnHighX26: LN, lnLowX26: LN },
      'the largest inputs': { ...top(mixtureTemplate), lnLowX26: 0n },
    },
  },
] as const

/** Free by design where IsZero's input is 0: the inverse of nothing. It reaches no other row. */
const isFreeInverse = (wire: string) => wire.endsWith('.inv')

describe.each(models)('$claim: $template.name', ({ template, points }) => {
  const isInput = (wire: string) => template.inputs.some(({ name }) => wire.startsWith(`main.${name}[`))
  let circuit: Circuit
  beforeAll(async () => {
    circuit = await compileCircuit(modelSource(template))
  })

  it.each(Object.entries(points))('has one witness near its honest one at %s', (_, values) => {
    const witness = circuit.witness(gathered(template, [values as ModelCase]))
    expect(circuit.violations(witness)).toEqual([])
    expect(circuit.movableWires(witness).filter((wire) => !isFreeInverse(wire))).toEqual([])
    const { tried, undetected } = circuit.tamper(witness, (value) => [value + 1n, value - 1n, 1n - value, -value, 0n])
    expect(tried).toBeGreaterThan(1000)
    expect(undetected.filter((wire) => !isFreeInverse(wire) && !isInput(wire))).toEqual([])
  })

  const [ordinary] = Object.values(points)
  it.each(template.inputs.filter(({ bare }) => bare !== true))(
    'takes $name of $bits bits at its largest, and not one more',
    ({ name, bits, size }) => {
      const at = (value: bigint): ModelCase => ({
        ...(ordinary as ModelCase),
        // High and low stay in order
        ...(name === 'lnLowX26' ? { lnHighX26: (1n << 32n) - 1n } : {}),
        [name]: size === undefined ? value : Array(size).fill(value),
      })
      expect(circuit.accepts(gathered(template, [at((1n << BigInt(bits)) - 1n)]))).toBe(true)
      for (const beyond of [1n << BigInt(bits), -1n])
        expect(circuit.accepts(gathered(template, [at(beyond)]))).toBe(false)
    },
  )

  it('has no witness for a used slot in which no time passed', () => {
    const still = { ...(ordinary as ModelCase), elapsed: 0n }
    expect(circuit.accepts(gathered(template, [still]))).toBe(false)
  })
})

describe('V3: RangeMixtureStep', () => {
  it.each([
    ['with', 1n],
    ['without', 0n],
  ])('V3: has no witness for a high below the low, %s a range', async (_, hasRange) => {
    const circuit = await compileCircuit(modelSource(mixtureTemplate))
    const crossed = { ...mixtureHour, hasRange, lnHighX26: mixtureHour.lnLowX26 - 1n }
    expect(circuit.accepts(gathered(mixtureTemplate, [crossed]))).toBe(false)
    expect(circuit.accepts(gathered(mixtureTemplate, [{ ...crossed, lnLowX26: crossed.lnHighX26 }]))).toBe(true)
  })
})

describe('compile-time widths', () => {
  const wider = (template: ModelTemplate, name: string): ModelTemplate => ({
    ...template,
    inputs: template.inputs.map((each) => (each.name === name ? { ...each, bits: each.bits + 1 } : each)),
  })
  const templates = new Map(modelTemplates.map((template) => [template.file, template]))
  it.each([
    ['WinsorisedReturn', 'lnPriceX26'],
    ['WinsorisedReturn', 'previousLnPriceX26'],
    ['WinsorisedReturn', 'maxReturnX16'],
    ['RangeMixtureStep', 'lnPriceX26'],
    ['RangeMixtureStep', 'previousLnPriceX26'],
    ['RangeMixtureStep', 'maxReturnX16'],
    ['PeriodVariance', 'annualisedX52'],
    ['PeriodVariance', 'elapsed'],
  ])('V2, V3: %s does not compile with %s one bit wider', async (file, name) => {
    const template = templates.get(file) as ModelTemplate
    await expect(compileCircuit(modelSource(wider(template, name)))).rejects.toThrow()
  })
})

/** A main file with all it includes in one text, so that a hint can be changed. */
function flatten(source: string): string {
  const files = [...includedFiles(source, '.')].map((file) => readFileSync(join(root, file), 'utf8'))
  const body = [...files, source].map((text) => text.replace(/^\s*(pragma|include)\b.*$/gm, ''))
  return `pragma circom 2.2.3;\n${body.join('\n')}`
}

/** The one hint of both models besides decompositions, which test/math attacks: the quotient of the period's variance. */
const HINT = '(numerator + denominator - 1) \\ denominator'

describe.each(models)('$claim: another quotient than the honest one', ({ template, points }) => {
  const source = flatten(modelSource(template))
  const input = gathered(template, [Object.values(points)[0] as ModelCase])
  let honest: Circuit
  beforeAll(async () => {
    honest = await compileCircuit(source)
  })

  it.each([
    ['one more', `${HINT} + 1`],
    ['one less', `${HINT} - 1`],
    ['none', '0'],
    ['the quotient of the field', 'numerator / denominator'],
    ['rounded down', 'numerator \\ denominator'],
    ['its negative', `0 - (${HINT})`],
  ])('is refused: %s', async (_, lie) => {
    expect(source.split(HINT).length).toBe(2)
    const forced = await compileCircuit(
      source.replace(HINT, () => lie),
      { tolerant: true },
    )
    expect(forced.hasConstraintsOf(honest)).toBe(true)
    expect(honest.violations(honest.witness(input))).toEqual([])
    expect(honest.violations(forced.witness(input)).length).toBeGreaterThan(0)
  })
})
