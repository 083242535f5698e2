/** V1, V2 and V3: the circuit of every volatility model is the twin, bit for bit; unused slots change nothing. */
import { describe, expect, it } from 'vitest'
import { volatilityModels as rows } from '../../circuits/statements/index.ts'
import { rangeOfCode } from '../../prover/market/range.ts'
import type { Variances } from '../../prover/volatility/model.ts'
import { modelNames, volatilityModels } from '../../prover/volatility/models.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import type { ModelCase, ModelTemplate } from '../../scripts/tools/mains/volatility.ts'
import { gathered, modelSource, stepTemplate, usedTemplate } from '../../scripts/tools/mains/volatility.ts'

const CASES = 5000
const INSTANCES = 25

/** Prices, mostly near each other, times, and a range as often as not; an unused slot repeats the price and has no time. */
function randomMove(random: Random): ModelCase {
  const previousLnPriceX26 = random.wide(32)
  const isUnused = random.below(25n) === 0n
  const previousAsOf = random.wide(32)
  const near = (of: bigint): bigint => {
    const other = of + random.between(-(1n << 22n), 1n << 22n)
    return other >= 0n && other < 1n << 32n ? other : random.wide(32)
  }
  const lnPriceX26 = random.boolean() ? near(previousLnPriceX26) : random.wide(32)
  const rangeCode = isUnused || random.boolean() ? 0n : random.wide(12)
  return {
    previousAsOf,
    asOf: previousAsOf,
    previousLnPriceX26,
    lnPriceX26: isUnused ? previousLnPriceX26 : lnPriceX26,
    elapsed: isUnused ? 0n : random.wide(32) || 1n,
    unused: isUnused ? 1n : 0n,
    rangeCodeBits: Array.from({ length: 12 }, (_, i) => (rangeCode >> BigInt(i)) & 1n),
  }
}

const randomPolicy = (random: Random): ModelCase => ({
  horizonSeconds: random.wide(24) || 1n,
  decayRateX36: random.wide(25),
  maxReturnX16: random.wide(16),
  longRunVolatilityX16: random.wide(20),
  reversionRateX36: random.wide(25),
  forecastWeightX26: random.below((1n << 26n) + 1n),
})

function twinOf(name: (typeof modelNames)[number], one: ModelCase) {
  const value = (field: string): bigint => one[field] as bigint
  const inForce = volatilityModels[name].underPolicy({
    decayRateX36: value('decayRateX36'),
    maxReturnX16: value('maxReturnX16'),
    horizonSeconds: value('horizonSeconds'),
    longRunVolatilityX16: value('longRunVolatilityX16'),
    reversionRateX36: value('reversionRateX36'),
    forecastWeightX26: value('forecastWeightX26'),
  })
  const before = one.variancesX36 as unknown as Variances
  const rangeCode = (one.rangeCodeBits as readonly bigint[]).reduceRight((code, bit) => 2n * code + bit, 0n)
  const move = {
    previousAsOf: value('previousAsOf'),
    previousLnPriceX26: value('previousLnPriceX26'),
    lnPriceX26: value('lnPriceX26'),
    elapsedSeconds: value('elapsed'),
    rangeX26: rangeOfCode(rangeCode),
  }
  return { next: one.unused === 1n ? before : inForce.step(before, move), used: inForce.usedX38(before, value('asOf')) }
}

const answersOf = (template: ModelTemplate, outputs: readonly bigint[]): readonly (readonly bigint[])[] => {
  const [{ size = 1 } = { size: 1 }] = template.outputs
  return Array.from({ length: INSTANCES }, (_, i) => outputs.slice(i * size, (i + 1) * size))
}

describe.each(modelNames)('%s', (name) => {
  const { claim, variances } = rows[name]

  it(`${claim}: step and use equal the twin on ${CASES} random observations, unused slots among them`, async () => {
    const [step, used] = [stepTemplate(name), usedTemplate(name)]
    const circuits = await Promise.all(
      [step, used].map((each) => compileCircuit(modelSource(each, { instances: INSTANCES }))),
    )
    const random = new Random(31n)
    let unused = 0
    for (let done = 0; done < CASES; done += INSTANCES) {
      const cases = Array.from({ length: INSTANCES }, () => ({
        variancesX36: Array.from({ length: 4 }, (_, i) => (i < variances ? random.wide(46) : 0n)),
        ...randomMove(random),
        ...randomPolicy(random),
      }))
      const [next = [], use = []] = [step, used].map((template, i) =>
        answersOf(template, circuits[i]?.outputs(gathered(template, cases)) ?? []),
      )
      for (const [i, one] of cases.entries()) {
        if ((one as ModelCase).unused === 1n) unused++
        const which = JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
        const expected = twinOf(name, one)
        expect(next[i], which).toEqual(expected.next)
        expect(use[i], which).toEqual([expected.used])
      }
    }
    expect(unused).toBeGreaterThan(CASES / 100)
  })
})
