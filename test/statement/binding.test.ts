import { describe, expect, test } from 'vitest'
import type { StatementContext } from '../../prover/statement/challenge.ts'
import { challengeOf, evaluate, FIELD_ORDER } from '../../prover/statement/challenge.ts'
import { commit } from '../../prover/statement/commitment.ts'
import { loadPoseidon } from '../../prover/statement/poseidon.ts'
import { stateBatch } from '../../prover/statement/marketRisk.ts'
import { pack, unpack, WORD_LIMIT, wordBits } from '../../prover/statement/words.ts'
import { type WordName, words as declared } from '../../circuits/statements/index.ts'
import type { Field } from '../../circuits/statements/language.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { buildOf, randomBatch } from '../../scripts/tools/cases/batches.ts'

const layout = `0x${'01'.repeat(32)}`
const [market, other] = [`0x${'04'.repeat(32)}`, `0x${'05'.repeat(32)}`]
const sequence = (value: number): string => `0x${value.toString(16).padStart(64, '0')}`
const context: StatementContext = {
  chainId: 31337n,
  registry: `0x${'02'.repeat(20)}`,
  modelId: `0x${'03'.repeat(32)}`,
  subject: [market, sequence(7), other, sequence(9)],
}
const words = [11n, 22n, 33n, 44n]
const commitment = 1234567n

/** The values a field takes: [low, high). */
function rangeOf({ bits, signed }: Pick<Field, 'bits' | 'signed'>): readonly [low: bigint, high: bigint] {
  const size = 1n << BigInt(bits)
  return signed ? [-size / 2n, size / 2n] : [0n, size]
}

describe('Q1: packing', () => {
  test.each(Object.keys(declared) as WordName[])(
    '%s: packs and unpacks 1,000 random values, and no two alike',
    (word) => {
      const random = new Random(BigInt(word.length))
      const seen = new Map<bigint, string>()
      for (let i = 0; i < 1000; i++) {
        const values = Object.fromEntries(
          declared[word].fields.map((field) => [field.name, random.wide(field.bits) + rangeOf(field)[0]]),
        )
        const packed = pack(word, values as never)
        expect(packed < WORD_LIMIT).toBe(true)
        expect(unpack(word, packed)).toEqual(values)
        const text = JSON.stringify(values, (_, v) => (typeof v === 'bigint' ? `${v}` : v))
        expect(seen.get(packed) ?? text).toBe(text)
        seen.set(packed, text)
      }
    },
  )

  test.each(Object.keys(declared) as WordName[])(
    '%s: refuses a field at its limit and a word above its fields',
    (word) => {
      const zeros = Object.fromEntries(declared[word].fields.map(({ name }) => [name, 0n]))
      for (const field of declared[word].fields) {
        const { name } = field
        const [low, high] = rangeOf(field)
        expect(() => pack(word, { ...zeros, [name]: high - 1n } as never)).not.toThrow()
        expect(() => pack(word, { ...zeros, [name]: low } as never)).not.toThrow()
        for (const bad of [high, low - 1n]) {
          expect(() => pack(word, { ...zeros, [name]: bad } as never)).toThrow(
            expect.objectContaining({ code: 'statement.field-out-of-range', field: name }),
          )
        }
      }
      expect(() => unpack(word, 1n << BigInt(wordBits(word)))).toThrow(
        expect.objectContaining({ code: 'statement.word-out-of-range' }),
      )
    },
  )
})

describe('Q2: commitment', () => {
  test('depends on every word, on their order and on their number', async () => {
    const base = Array.from({ length: 34 }, (_, i) => BigInt(i + 1))
    const honest = await commit(base)
    const others = new Set<bigint>([honest])
    for (let i = 0; i < base.length; i++) others.add(await commit(base.with(i, 999n)))
    others.add(await commit(base.with(0, 2n).with(1, 1n)))
    others.add(await commit([...base, 0n]))
    others.add(await commit(base.slice(0, -1)))
    expect(others.size).toBe(1 + base.length + 3)
  })

  test('is that of the words as they are now, whatever was committed to before', async () => {
    const hash = await loadPoseidon()
    const words = [12n, 3n, 2n ** 248n - 1n]
    const first = await commit(words)
    expect([first, await commit([...words])]).toEqual([hash([3n, ...words]), first])
    words[1] = 4n
    expect(await commit(words)).toBe(hash([3n, ...words]))
    expect(await commit([1n, 23n])).toBe(hash([2n, 1n, 23n]))
    expect(await commit([12n, 3n])).toBe(hash([2n, 12n, 3n]))
    // More than are kept, so that the first is computed again.
    for (let i = 0n; i < 1_100n; i++) await commit([i])
    expect(await commit([12n, 3n, 2n ** 248n - 1n])).toBe(first)
  })
})

describe('Q3: challenge and evaluation', () => {
  const honest = challengeOf(layout, context, commitment, words)

  test.each([
    ['chain', { ...context, chainId: 1n }],
    ['contract', { ...context, registry: `0x${'12'.repeat(20)}` }],
    ['model', { ...context, modelId: `0x${'13'.repeat(32)}` }],
    ['market', { ...context, subject: [`0x${'14'.repeat(32)}`, ...context.subject.slice(1)] }],
    ['sequence', { ...context, subject: context.subject.with(1, sequence(8)) }],
    ['order of markets', { ...context, subject: [other, sequence(9), market, sequence(7)] }],
    ['number of markets', { ...context, subject: [market, sequence(7)] }],
  ])('another %s moves the challenge', (_, elsewhere) => {
    expect(challengeOf(layout, elsewhere, commitment, words)).not.toBe(honest)
  })

  test('another layout moves the challenge', () => {
    expect(challengeOf(`0x${'11'.repeat(32)}`, context, commitment, words)).not.toBe(honest)
  })

  test('another commitment, another word, two words swapped: the challenge moves', () => {
    expect(challengeOf(layout, context, commitment + 1n, words)).not.toBe(honest)
    for (let i = 0; i < words.length; i++)
      expect(challengeOf(layout, context, commitment, words.with(i, 99n))).not.toBe(honest)
    expect(challengeOf(layout, context, commitment, [22n, 11n, 33n, 44n])).not.toBe(honest)
  })

  test('is below 2^248, and the evaluation is the polynomial', () => {
    expect(honest < WORD_LIMIT).toBe(true)
    const direct = words.reduce((sum, word, i) => (sum + word * honest ** BigInt(i)) % FIELD_ORDER, 0n)
    expect(evaluate(words, honest)).toBe(direct)
  })

  test('a word and the word plus the field order evaluate alike, which is why every word must be below 2^248', () => {
    expect(evaluate([words[0]! + FIELD_ORDER, ...words.slice(1)], honest)).toBe(evaluate(words, honest))
    expect(words[0]! + FIELD_ORDER >= WORD_LIMIT).toBe(true)
  })

  test('attack: with a challenge that does not depend on the commitment, other words of the same width evaluate alike', () => {
    // The prover knows the challenge r of the words it shows, and proves (w0 + r, w1 - 1, …) instead.
    const random = new Random(3n)
    let forged = 0
    let caught = 0
    for (let i = 0; i < 200; i++) {
      const shown = [random.below(WORD_LIMIT), random.between(1n, WORD_LIMIT - 1n), random.below(WORD_LIMIT)]
      const r = challengeOf(layout, context, 0n, shown)
      const proven = [shown[0]! + r, shown[1]! - 1n, shown[2]!]
      if (proven[0]! >= WORD_LIMIT) continue
      expect(evaluate(proven, r)).toBe(evaluate(shown, r))
      forged++
      // With the commitment to the proven words inside, the contract's challenge is another one, and they differ.
      const bound = challengeOf(layout, context, BigInt(i) + 1n, shown)
      if (evaluate(proven, bound) !== evaluate(shown, bound)) caught++
    }
    expect(forged).toBeGreaterThan(50)
    expect(caught).toBe(forged)
  })
})

test('Q2: a smaller batch repeats its first market', async () => {
  const build = buildOf(4, 2, 0)
  const batch = randomBatch(new Random(21n), build)
  const [first] = batch.markets
  const { words } = await stateBatch({ ...batch, markets: [first!] })
  const [inputs, outputs] = [words.slice(2, 2 + 4 * 4), words.slice(2 + 4 * 4)]
  expect(words).toHaveLength(2 + 4 * 7)
  for (let i = 1; i < 4; i++) {
    expect(inputs.slice(4 * i, 4 * i + 4)).toEqual(inputs.slice(0, 4))
    expect(outputs.slice(3 * i, 3 * i + 3)).toEqual(outputs.slice(0, 3))
  }
})
