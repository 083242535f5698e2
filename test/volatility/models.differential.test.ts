/** GARCH and the range mixture: the circuit is the twin, bit for bit; unused slots change nothing. */
import { describe, expect, it } from 'vitest'
import { garchStep } from '../../prover/volatility/garch.ts'
import type { Variances } from '../../prover/volatility/model.ts'
import { rangeMixtureStep } from '../../prover/volatility/rangeMixture.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import type { ModelCase, ModelTemplate } from '../../scripts/tools/mains/volatility.ts'
import { garchTemplate, gathered, mixtureTemplate, modelSource } from '../../scripts/tools/mains/volatility.ts'

const CASES = 5000
const INSTANCES = 25

type Values = Record<string, bigint>

/** Prices, mostly near each other, and times; an unused slot repeats the price and has no time. */
function randomMove(random: Random): Values {
  const previousLnPriceX26 = random.wide(32)
  const unused = random.below(25n) === 0n
  const near = (of: bigint): bigint => {
    const other = of + random.between(-(1n << 22n), 1n << 22n)
    return other >= 0n && other < 1n << 32n ? other : random.wide(32)
  }
  const lnPriceX26 = random.boolean() ? near(previousLnPriceX26) : random.wide(32)
  return {
    previousLnPriceX26,
    lnPriceX26: unused ? previousLnPriceX26 : lnPriceX26,
    elapsed: unused ? 0n : random.wide(32) || 1n,
    maxReturnX16: random.wide(16),
    unused: unused ? 1n : 0n,
  }
}

function garchCase(random: Random): Values {
  const rates = { reactionRateX36: random.wide(25), reversionRateX36: random.wide(25) }
  return { varianceX36: random.wide(46), longRunVarianceX36: random.wide(46), ...rates, ...randomMove(random) }
}

function garchAnswer(one: Values): readonly bigint[] {
  const value = (name: string): bigint => one[name] as bigint
  if (one.unused === 1n) return [value('varianceX36')]
  const words = {
    reactionRateX36: value('reactionRateX36'),
    reversionRateX36: value('reversionRateX36'),
    longRunVarianceX36: value('longRunVarianceX36'),
  }
  const [before, after] = [value('previousLnPriceX26'), value('lnPriceX26')]
  return [garchStep(value('varianceX36'), before, after, value('elapsed'), words, value('maxReturnX16'))]
}

function mixtureCase(random: Random): ModelCase {
  const move = randomMove(random)
  const hasRange = move.unused === 0n && random.boolean()
  const prices = [move.lnPriceX26 as bigint, move.previousLnPriceX26 as bigint] as const
  const [a, b] = random.boolean() ? ([random.wide(32), random.wide(32)] as const) : prices
  const [low, high] = a < b ? [a, b] : [b, a]
  return {
    ...move,
    variancesX36: [random.wide(46), random.wide(46), random.wide(46), random.wide(46)],
    decayRateX36: random.wide(25),
    hasRange: hasRange ? 1n : 0n,
    lnHighX26: hasRange ? high : low,
    lnLowX26: low,
  }
}

function mixtureAnswer(one: ModelCase): readonly bigint[] {
  const value = (name: string): bigint => one[name] as bigint
  const variances = one.variancesX36 as unknown as Variances
  const move = {
    previousLnPriceX26: value('previousLnPriceX26'),
    lnPriceX26: value('lnPriceX26'),
    elapsedSeconds: value('elapsed'),
    range: one.hasRange === 1n ? { lnHighX26: value('lnHighX26'), lnLowX26: value('lnLowX26') } : undefined,
  }
  const isUnused = one.unused === 1n
  const next = isUnused ? variances : rangeMixtureStep(variances, move, value('decayRateX36'), value('maxReturnX16'))
  return [...next, next.reduce((sum, v) => sum + v)]
}

type Pair = {
  readonly template: ModelTemplate
  readonly draw: (random: Random) => ModelCase
  readonly twin: (one: ModelCase) => readonly bigint[]
}

const pairs: readonly (readonly [claim: string, pair: Pair])[] = [
  ['V2', { template: garchTemplate, draw: garchCase, twin: (one) => garchAnswer(one as Values) }],
  ['V3', { template: mixtureTemplate, draw: mixtureCase, twin: mixtureAnswer }],
]

describe.each(pairs)('%s', (claim, { template, draw, twin }) => {
  it(`${claim}: ${template.name} equals its twin on ${CASES} random steps, unused slots among them`, async () => {
    const circuit = await compileCircuit(modelSource(template, { instances: INSTANCES }))
    const random = new Random(31n)
    let unused = 0
    for (let done = 0; done < CASES; done += INSTANCES) {
      const cases = Array.from({ length: INSTANCES }, () => draw(random))
      const outputs = circuit.outputs(gathered(template, cases))
      let start = 0
      const answers: bigint[][] = cases.map(() => [])
      for (const { size = 1 } of template.outputs) {
        for (const [i, answer] of answers.entries())
          answer.push(...outputs.slice(start + i * size, start + (i + 1) * size))
        start += INSTANCES * size
      }
      for (const [i, one] of cases.entries()) {
        if (one.unused === 1n) unused++
        const which = JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? `${value}` : value))
        expect(answers[i], which).toEqual(twin(one))
      }
    }
    expect(unused).toBeGreaterThan(CASES / 100)
  })
})
