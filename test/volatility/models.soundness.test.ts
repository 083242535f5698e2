/**
 * What a cheating prover could try against the volatility models: every wire, the Jacobian's rank, another quotient, inputs
 * too wide. And what each template costs, as `npm run snapshot` last wrote it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { volatilityModels as rows } from '../../circuits/statements/index.ts'
import { type ModelName, modelNames, volatilityModels } from '../../prover/volatility/models.ts'
import { includedFiles } from '../../scripts/tools/compileCircom.ts'
import { root } from '../../scripts/tools/sources.ts'
import { type Circuit, compileCircuit, countConstraints } from '../../scripts/tools/circuits/circuit.ts'
import type { ModelCase, ModelTemplate } from '../../scripts/tools/mains/volatility.ts'
import {
  gathered,
  modelSource,
  modelTemplates,
  stepTemplate,
  volatilityMains,
} from '../../scripts/tools/mains/volatility.ts'

const snapshot: Record<string, number> = JSON.parse(
  readFileSync(join(root, 'test', 'snapshots', 'volatility.json'), 'utf8'),
)

it('every template has as many constraints as the snapshot says, and every model says what its step costs', async () => {
  expect(await countConstraints(volatilityMains)).toEqual(snapshot)
  for (const name of modelNames) {
    expect(volatilityModels[name].constraints, name).toBe(snapshot[stepTemplate(name).name])
  }
})

const LN = 1n << 30n
/** 8 bits of 200, shifted up by 5. */
const rangeCodeBits = Array.from({ length: 12 }, (_, i) => (((5n << 8n) | 200n) >> BigInt(i)) & 1n)
const noRange = Array<bigint>(12).fill(0n)
const hour = {
  previousAsOf: 1_584_000_000n,
  previousLnPriceX26: LN,
  lnPriceX26: LN - 300_000n,
  elapsed: 3600n,
  unused: 0n,
  rangeCodeBits,
  decayRateX36: 4_772_186n,
  maxReturnX16: 6554n,
  longRunVolatilityX16: 52_429n,
  reversionRateX36: 1_193_046n,
}
const hourOf = (name: ModelName): ModelCase => ({
  ...hour,
  variancesX36: [35n, 34n, 33n, 32n].map((bits, i) => (i < rows[name].variances ? 1n << bits : 0n)),
})

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

const unusedSlot = { lnPriceX26: LN, elapsed: 0n, unused: 1n, rangeCodeBits: noRange }

const models = modelNames.map((name) => ({
  claim: rows[name].claim,
  template: stepTemplate(name),
  points: {
    'an hour': hourOf(name),
    'an hour without range': { ...hourOf(name), rangeCodeBits: noRange },
    'an unused slot': { ...hourOf(name), ...unusedSlot },
    'the largest inputs': top(stepTemplate(name)),
  } as Readonly<Record<string, ModelCase>>,
}))

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

describe('compile-time widths', () => {
  const wider = (template: ModelTemplate, name: string): ModelTemplate => ({
    ...template,
    inputs: template.inputs.map((each) => (each.name === name ? { ...each, bits: each.bits + 1 } : each)),
  })
  const templates = new Map(modelTemplates.map((template) => [template.name.replace(/\(.*/, ''), template]))
  it.each([
    ['WinsorisedReturn', 'lnPriceX26'],
    ['WinsorisedReturn', 'previousLnPriceX26'],
    ['WinsorisedReturn', 'maxReturnX16'],
    ['RangeOrReturn', 'lnPriceX26'],
    ['RangeOrReturn', 'previousLnPriceX26'],
    ['RangeOrReturn', 'maxReturnX16'],
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
