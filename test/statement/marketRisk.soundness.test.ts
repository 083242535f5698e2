import { beforeAll, describe, expect, test } from 'vitest'
import { marketStateWords, previousOf, type WordName, words } from '../../circuits/statements/index.ts'
import type { MarketRiskBatch, MarketRiskStatement } from '../../prover/statement/marketRisk.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { wordBits } from '../../prover/statement/words.ts'
import type { Circuit } from '../../scripts/tools/circuits/circuit.ts'
import { compileCircuit, FIELD_ORDER } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { buildOf, flatInput, randomBatch, sourceOf } from '../../scripts/tools/cases/batches.ts'

const build = buildOf(1, 2, 0)
let circuit: Circuit
/** One honest statement with both slots used, and one with an unused slot. */
let statements: readonly MarketRiskStatement[]

beforeAll(async () => {
  circuit = await compileCircuit(sourceOf(build))
  const random = new Random(5n)
  const wanted = [2, 1]
  const found: MarketRiskStatement[] = []
  while (found.length < wanted.length) {
    const batch = randomBatch(random, build)
    if (batch.markets[0]?.observations.length === wanted[found.length]) found.push(await stateBatch(batch))
  }
  statements = found
})

const inputOf = (statement: MarketRiskStatement) =>
  flatInput(statement.circuitInput) as Record<string, bigint | bigint[]>

describe('Q1: words', () => {
  const places: readonly [input: string, word: WordName][] = [
    ['learningPolicy', 'learningPolicy'],
    ['marginPolicy', 'marginPolicy'],
    ...marketStateWords.map((word): [string, WordName] => [previousOf(word), word]),
    ['marketPolicy', 'marketPolicy'],
  ]
  test.each(places)(
    '%s is refused with a bit above its fields, negative, or moved by the field order',
    (name, word) => {
      for (const statement of statements) {
        const input = inputOf(statement)
        const honest = [input[name]].flat()[0] as bigint
        for (const forged of [
          1n << BigInt(wordBits(word)),
          honest + (1n << BigInt(wordBits(word))),
          FIELD_ORDER - 1n,
          honest + (1n << 248n),
        ]) {
          expect(circuit.accepts({ ...input, [name]: Array.isArray(input[name]) ? [forged] : forged })).toBe(false)
        }
      }
    },
  )

  test('observations are refused above their two slots', () => {
    const input = inputOf(statements[0] as MarketRiskStatement)
    const [word] = input.observations as bigint[]
    for (const forged of [(word as bigint) + (1n << 224n), FIELD_ORDER - 1n]) {
      expect(circuit.accepts({ ...input, observations: [forged] })).toBe(false)
    }
  })

  test('Q3: every field of every word changes the evaluation: no word or bit is left out', async () => {
    const statement = statements[0] as MarketRiskStatement
    const input = inputOf(statement)
    const honest = circuit.outputs(input)
    let seen = 0
    for (const [name, word] of places) {
      let offset = 0
      for (const field of words[word].fields) {
        const value = [input[name]].flat()[0] as bigint
        const changed = value ^ (1n << BigInt(offset))
        const forged = { ...input, [name]: Array.isArray(input[name]) ? [changed] : changed }
        // A changed field is either refused or another statement.
        if (circuit.accepts(forged)) {
          const outputs = circuit.outputs(forged)
          expect(outputs[0], `${name}.${field.name}`).not.toBe(honest[0])
          expect(outputs[1], `${name}.${field.name}`).not.toBe(honest[1])
          seen++
        }
        offset += field.bits
      }
    }
    expect(seen).toBeGreaterThan(30)
  })
})

describe('O1 O2 C1: slots', () => {
  const withObservations = (change: (packed: bigint) => bigint) => {
    const input = inputOf(statements[0] as MarketRiskStatement)
    return { ...input, observations: [change((input.observations as bigint[])[0] as bigint)] }
  }
  const slotBits = BigInt(wordBits('observation'))
  const slotMask = (1n << slotBits) - 1n
  const timeShift = 48n

  test('O1: a used slot without a price has no witness', () => {
    expect(circuit.accepts(withObservations((w) => w))).toBe(true)
    expect(circuit.accepts(withObservations((w) => (w >> 48n) << 48n))).toBe(false)
    expect(circuit.accepts(withObservations((w) => w - (((w >> slotBits) & ((1n << 48n) - 1n)) << slotBits)))).toBe(
      false,
    )
  })

  test('O1: time must move forward: equal and earlier times have no witness', () => {
    const statement = statements[0] as MarketRiskStatement
    const { previous, observations } = statement.batch.markets[0] as MarketRiskBatch['markets'][number]
    const setTimes = (first: bigint, second: bigint) =>
      withObservations((w) => {
        const at = (slot: bigint, time: bigint) =>
          (slot & ((1n << timeShift) - 1n)) | (time << timeShift) | ((slot >> 80n) << 80n)
        return at(w & slotMask, first) | (at(w >> slotBits, second) << slotBits)
      })
    const [first, second] = observations.map(({ asOf }) => asOf) as [bigint, bigint]
    expect(circuit.accepts(setTimes(first, second))).toBe(true)
    expect(circuit.accepts(setTimes(previous.volatility.asOf, second))).toBe(false)
    expect(circuit.accepts(setTimes(previous.volatility.asOf + 1n, second))).toBe(true)
    expect(circuit.accepts(setTimes(first, first))).toBe(false)
    expect(circuit.accepts(setTimes(second, first))).toBe(false)
    expect(circuit.accepts(setTimes(0n, second))).toBe(false)
  })

  test('O2: a slot with any bit set is used: no observation can be passed over by clearing its price', () => {
    const input = inputOf(statements[1] as MarketRiskStatement)
    const [word] = input.observations as bigint[]
    for (const bit of [0n, 47n, 48n, 79n, 80n, 99n, 100n, 111n]) {
      expect(circuit.accepts({ ...input, observations: [(word as bigint) | (1n << bit)] })).toBe(false)
    }
  })

  test('C1: an observation that is due cannot hide in an earlier slot', async () => {
    const random = new Random(9n)
    let tried = 0
    while (tried < 20) {
      const batch = randomBatch(random, build)
      const [market] = batch.markets
      if (market === undefined || market.observations.length !== 2) continue
      const { anchor } = market.previous
      const dueFrom = anchor.anchorAsOf + batch.learning.horizonSeconds
      const [first, second] = market.observations
      if (first === undefined || second === undefined || dueFrom <= market.previous.volatility.asOf + 1n) continue
      for (const [time, allowed] of [
        [dueFrom - 1n, true],
        [dueFrom, false],
        [dueFrom + 1n, false],
      ] as const) {
        const observations = [
          { ...first, asOf: time },
          { ...second, asOf: dueFrom + 100n },
        ]
        const forged = { ...batch, markets: [{ ...market, observations }] }
        if (allowed) {
          expect(circuit.accepts(inputOf(await stateBatch(forged)))).toBe(true)
        } else {
          await expect(stateBatch(forged)).rejects.toMatchObject({ code: 'statement.batch-slots' })
          // The prover's own check aside: the same words in the catch-up layout have no witness in the live build.
          const words = await stateBatch({ ...forged, build: buildOf(1, 2, 1) })
          expect(circuit.accepts(inputOf(words))).toBe(false)
        }
      }
      tried++
    }
  })
})

describe('determinism: every wire follows from the inputs', () => {
  test('no wire can move at an honest witness but the hint of a zero test at zero', () => {
    for (const statement of statements) {
      const movable = circuit.movableWires(circuit.witness(inputOf(statement)))
      expect(movable.filter((name) => !/\.inv$/.test(name))).toEqual([])
    }
  })

  test('no single wire can be changed: every wire × 24 other values is caught', () => {
    const random = new Random(11n)
    let tried = 0
    for (const statement of statements) {
      const witness = circuit.witness(inputOf(statement))
      const report = circuit.tamper(witness, (value) => [
        value + 1n,
        value - 1n,
        -value,
        FIELD_ORDER - 1n,
        0n,
        1n,
        ...Array.from({ length: 12 }, () => value + (1n << random.below(253n))),
        ...Array.from({ length: 6 }, () => random.below(FIELD_ORDER)),
      ])
      tried += report.tried
      expect(report.undetected.filter((name) => !/\.inv$/.test(name))).toEqual([])
    }
    console.log(`${tried} tampered wires, 0 accepted`)
  })
})

describe('Q1: what another model reads', () => {
  test.each([
    ['garch', 'variance1X36', 64n + 46n],
    ['ewma', 'variance2X36', 64n + 92n],
    ['ewma', 'longRunVolatilityX16', 176n],
    ['rangeMixture', 'longRunVolatilityX16', 176n],
  ] as const)('a batch under %s has no witness if %s is not zero', async (model, _, bit) => {
    const other = buildOf(1, 1, 1, model)
    const compiled = await compileCircuit(sourceOf(other))
    const { circuitInput } = await stateBatch(randomBatch(new Random(8n), other))
    const input = flatInput(circuitInput) as Record<string, bigint | bigint[]>
    const place = bit === 176n ? 'marketPolicy' : 'previousVolatilityState'
    const [word] = [input[place]].flat() as [bigint]
    expect(compiled.accepts(input)).toBe(true)
    expect(compiled.accepts({ ...input, [place]: [word | (1n << bit)] })).toBe(false)
  })
})
