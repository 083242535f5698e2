/** What proofs of margins over several markets refuse: other openings and rounds, malformed words, margins that do not fit. */
import { beforeAll, describe, expect, test } from 'vitest'
import { COLLATERALS, type Fields, MOST_MARKETS, type WordName, words } from '../../circuits/statements/index.ts'
import { bitsOf, type Field, type Word } from '../../circuits/statements/language.ts'
import { emptyBook } from '../../prover/portfolio/book.ts'
import {
  type CrossAccount,
  type CrossMarket,
  type CrossPolicy,
  crossMargin,
} from '../../prover/portfolio/crossMargin.ts'
import { stateElements } from '../../prover/portfolio/state.ts'
import { FIELD_ORDER } from '../../prover/statement/challenge.ts'
import { commit } from '../../prover/statement/commitment.ts'
import { emptyCrossAccount, stateCrossMargins } from '../../prover/statement/crossMargins.ts'
import { pack, packElements, wordCount } from '../../prover/statement/words.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import {
  CONTEXT,
  crossBuild,
  crossInput,
  randomBook,
  randomHoldings,
  randomPolicy,
  randomRound,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const MARKETS = 2
const ONE = 1n << 40n
const build = crossBuild(1, MARKETS)
const code = (name: string) => expect.objectContaining({ code: `portfolio.${name}` })
type Input = Record<string, bigint | bigint[]>
let circuit: Circuit
let markets: readonly CrossMarket[]
let policy: CrossPolicy
let account: CrossAccount
let honest: Input

const inputOf = async (of: CrossAccount, under = policy): Promise<Input> =>
  crossInput(await stateCrossMargins(build, CONTEXT, [of], markets, under)) as Input

/** Cheap enough markets that nothing saturates; both have books, and what they lose offsets. */
beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
  const random = new Random(311n)
  markets = [0n, 1n].map((by) => ({
    round: { ...randomRound(random, ROUND + by), spotE8: 10n ** 13n, perpPriceE8: 10n ** 13n },
    policy: randomPolicy(random),
  }))
  policy = {
    collateralMarkets: Array.from({ length: COLLATERALS }, (_, i) => BigInt(i % MARKETS)),
    creditsX40: [ONE / 2n, ONE / 4n],
  }
  const { collateralsE12, ...holdings } = randomHoldings(random, 40)
  const parts = [1n, -1n].map((sign, m) => ({
    book: randomBook(random, ROUND + BigInt(m), 1),
    holdings: { ...holdings, perpsE12: sign * 10n ** 13n },
  }))
  account = { parts, collateralsE12 }
  honest = await inputOf(account)
})

const changed = (input: Input, name: string, index: number, by: (value: bigint) => bigint): Input => {
  const value = input[name]
  return {
    ...input,
    [name]: Array.isArray(value) ? value.with(index, by(value[index] as bigint)) : by(value as bigint),
  }
}

const rootOf = (book: Parameters<typeof stateElements>[0], open = 0n): Promise<bigint> =>
  commit(stateElements(book, open).map((e) => (e < 0n ? e + FIELD_ORDER : e)))

describe('L30: books', () => {
  test('no element of an opened book can be another', () => {
    expect(circuit.accepts(honest)).toBe(true)
    for (const name of ['totalsIn', 'asOfIn', 'expiryIn', 'stateIn']) {
      for (let i = 0; i < [honest[name]].flat().length; i += 3) {
        expect(circuit.accepts(changed(honest, name, i, (v) => v + 1n)), `${name}[${i}]`).toBe(false)
        expect(circuit.accepts(changed(honest, name, i, (v) => v - (1n << 77n))), `${name}[${i}]`).toBe(false)
      }
    }
  })

  test('a part’s book is finished and of its own market’s round, not of another market’s', async () => {
    for (const m of [0, 1]) {
      const { book, holdings } = account.parts[m] as CrossAccount['parts'][number]
      expect(circuit.accepts(changed(honest, 'stateIn', m, () => FIELD_ORDER - 1n))).toBe(false)
      const openRoot = await rootOf(book, 5n)
      expect(circuit.accepts(changed(honest, 'stateIn', m, () => openRoot))).toBe(false)
      for (const asOf of [ROUND + BigInt(1 - m), ROUND - 1n, 1n]) {
        const other = { ...book, asOf }
        const root = await rootOf(other)
        const mixed = changed(
          changed(honest, 'stateIn', m, () => root),
          'asOfIn',
          m,
          () => asOf,
        )
        expect(circuit.accepts(mixed)).toBe(false)
        const parts = account.parts.with(m, { book: other, holdings })
        expect(() => crossMargin({ ...account, parts }, markets, policy)).toThrow(code('mixed-rounds'))
      }
    }
  })
})

const places: readonly [input: string, word: WordName, places: number][] = [
  ['roundPrices', 'roundPrices', MARKETS],
  ['roundConfidences', 'roundConfidences', MARKETS],
  ['scenarioRegular', 'scenarioRegular', MARKETS * 7],
  ['scenarioUpOnly', 'scenarioUpOnly', MARKETS * 5],
  ['scenarioSkew', 'scenarioSkew', MARKETS],
  ['lossFactors', 'lossFactors', MARKETS],
  ['contingencies', 'contingencies', MARKETS],
  ['concentration', 'concentration', MARKETS],
  ['collateralPrices', 'collateralPrice', wordCount('collateralPrice', COLLATERALS)],
  ['collateralPolicy', 'collateralPolicy', wordCount('collateralPolicy', COLLATERALS)],
  ['collateralSizes', 'collateralSize', wordCount('collateralSize', COLLATERALS)],
  ['collateralMarkets', 'collateralMarket', wordCount('collateralMarket', COLLATERALS)],
  ['spreadCredits', 'spreadCredit', wordCount('spreadCredit', MOST_MARKETS)],
  ['collateralAmounts', 'collateralAmount', wordCount('collateralAmount', COLLATERALS)],
  ['holdings', 'holdings', MARKETS],
]

const elementsIn = ({ fields, perWord = 1 }: Word): readonly Field[] =>
  Array.from({ length: perWord }, () => fields).flat()

describe('L30 L31 L32: words', () => {
  test.each(places)('%s is refused with a bit above its fields, or moved by the field order', (name, word, count) => {
    expect([honest[name]].flat()).toHaveLength(count)
    // The last word may have places that stand for nothing.
    const used = bitsOf(words[word])
    for (let i = 0; i < count; i++) {
      for (const by of [
        (v: bigint) => v + (1n << BigInt(used)),
        () => 1n << BigInt(used),
        () => FIELD_ORDER - 1n,
        (v: bigint) => v + (1n << 248n),
      ]) {
        expect(circuit.accepts(changed(honest, name, i, by)), `${name}[${i}]`).toBe(false)
      }
    }
  })

  test('every field of every word is part of what is said', () => {
    const before = circuit.outputs(honest)
    let seen = 0
    for (const [name, word, count] of places) {
      for (const index of count > 1 ? [0, count - 1] : [0]) {
        let offset = 0n
        for (const field of elementsIn(words[word])) {
          const input = changed(honest, name, index, (v) => v ^ (1n << offset))
          if (circuit.accepts(input)) {
            const outputs = circuit.outputs(input)
            expect([outputs[0] === before[0], outputs[1] === before[1]], `${name}.${field.name}`).toEqual([
              false,
              false,
            ])
            seen++
          }
          offset += BigInt(field.bits)
        }
      }
    }
    expect(seen).toBeGreaterThan(60)
  })

  test('in each market a middle shock is 1 and perpetuals have a price; the first one’s settlement currency has one', () => {
    for (const m of [0, 1]) {
      expect(circuit.accepts(changed(honest, 'scenarioRegular', 7 * m + 3, (v) => v + 1n))).toBe(false)
      expect(circuit.accepts(changed(honest, 'roundPrices', m, (v) => v & ~(((1n << 48n) - 1n) << 48n)))).toBe(false)
    }
    const stable = ((1n << 44n) - 1n) << 96n
    expect(circuit.accepts(changed(honest, 'roundPrices', 0, (v) => v & ~stable))).toBe(false)
    expect(circuit.accepts(changed(honest, 'roundPrices', 1, (v) => v & ~stable))).toBe(true)
  })
})

describe('L31: one pool', () => {
  const marketsWord = (market: bigint, i = 5): bigint => {
    const [word = 0n] = packElements(
      'collateralMarket',
      policy.collateralMarkets.with(i, market).map((place) => ({ market: place })),
    )
    return word
  }

  test('a collateral counts in the last market, and in none beyond it', () => {
    for (const [market, fits] of [
      [0n, true],
      [1n, true],
      [2n, false],
      [3n, false],
    ] as const) {
      const collateralMarkets = policy.collateralMarkets.with(5, market)
      const twin = () => crossMargin(account, markets, { ...policy, collateralMarkets })
      expect(circuit.accepts(changed(honest, 'collateralMarkets', 0, () => marketsWord(market)))).toBe(fits)
      if (fits) expect(twin).not.toThrow()
      else expect(twin).toThrow(code('collateral-market'))
    }
  })

  test('four markets have a place for each value of the field', async () => {
    const four = crossBuild(1, 4)
    const wide = await compileCircuit(mainSource(four))
    const all = [...markets, ...markets]
    const given = { collateralMarkets: policy.collateralMarkets.with(0, 3n), creditsX40: [0n, 0n, 0n, 0n] }
    const input = crossInput(await stateCrossMargins(four, CONTEXT, [emptyCrossAccount(4)], all, given))
    expect(wide.accepts(input)).toBe(true)
  })

  test('accounts, credits and rounds are of as many markets', () => {
    const [first] = markets as readonly [CrossMarket]
    expect(() => crossMargin(account, [first], policy)).toThrow(code('market-count'))
    expect(() => crossMargin(account, markets, { ...policy, creditsX40: [0n] })).toThrow(code('market-count'))
    expect(() => crossMargin(emptyCrossAccount(3), [first, first, first], policy)).toThrow(code('market-count'))
  })
})

describe('L30: margins at their borders', () => {
  const limitE8 = 1n << 79n
  const toMX40 = (e8: bigint): bigint => (e8 * 10n ** 12n) << 8n
  /** Equity alone, half of it in each market. */
  const marked = (markMX40: bigint): CrossAccount => {
    const none = emptyCrossAccount(MARKETS)
    const bookOf = (m: number, mark: bigint) => ({
      ...emptyBook,
      asOf: ROUND + BigInt(m),
      totals: { ...emptyBook.totals, markMX40: mark },
    })
    const half = markMX40 / 2n
    const parts = none.parts.map(({ holdings }, m) => ({ holdings, book: bookOf(m, m === 0 ? half : markMX40 - half) }))
    return { ...none, parts }
  }

  test('a sum of 2^79 - 1 fits, one of 2^79 does not; likewise below', async () => {
    for (const mark of [toMX40(limitE8) - 1n, -toMX40(limitE8)]) {
      expect(circuit.accepts(await inputOf(marked(mark)))).toBe(true)
    }
    const input = await inputOf(marked(0n))
    for (const mark of [toMX40(limitE8), -toMX40(limitE8) - 1n]) {
      const beyond = marked(mark)
      expect(() => crossMargin(beyond, markets, policy)).toThrow(code('margin-out-of-range'))
      let forced = input
      for (const [m, { book }] of beyond.parts.entries()) {
        const root = await rootOf(book)
        forced = changed(forced, 'stateIn', m, () => root)
        forced = changed(forced, 'asOfIn', m, () => book.asOf)
        forced = changed(forced, 'totalsIn', 43 * m + 34, () => book.totals.markMX40)
      }
      expect(circuit.accepts(forced)).toBe(false)
    }
  })

  test('cash is added up over the words of all markets', async () => {
    const none = emptyCrossAccount(MARKETS)
    const cash = (m: number): CrossAccount => ({
      ...none,
      parts: none.parts.map((part, i) => ({
        ...part,
        holdings: { ...part.holdings, cashE12: i === m ? 7n * 10n ** 12n : 0n },
      })),
    })
    const margins = [0, 1].map((m): Fields<'crossMargins'> => crossMargin(cash(m), markets, policy).margins)
    expect(margins[0]).toEqual(margins[1])
    expect(margins[0]?.maintenanceE8).toBe(7n * 10n ** 8n)
    for (const m of [0, 1]) expect(circuit.accepts(await inputOf(cash(m)))).toBe(true)
  })
})

describe('determinism: every wire follows from the inputs', () => {
  test('no wire can move, and none can be another number', () => {
    const random = new Random(312n)
    const witness = circuit.witness(honest)
    const isHint = (name: string): boolean => /\.inv$/.test(name)
    expect(circuit.movableWires(witness).filter((name) => !isHint(name))).toEqual([])
    const report = circuit.tamper(witness, (v) => [v + 1n, v - 1n, -v, 0n, 1n, random.below(FIELD_ORDER)])
    expect(report.undetected.filter((name) => !isHint(name))).toEqual([])
    console.log(`${report.tried} tampered wires, 0 accepted`)
  })

  test('L32: a credit is part of what is said: no other margin comes of the words', () => {
    const { margins, creditMX80 } = crossMargin(account, markets, policy)
    expect(creditMX80).toBeGreaterThan(0n)
    const none = { ...policy, creditsX40: [0n, 0n] }
    expect(crossMargin(account, markets, none).margins.maintenanceE8).toBeLessThan(margins.maintenanceE8)
    const [without = 0n] = packElements(
      'spreadCredit',
      Array.from({ length: MOST_MARKETS }, () => ({ creditX40: 0n })),
    )
    const said = circuit.outputs(honest)
    expect(circuit.outputs(changed(honest, 'spreadCredits', 0, () => without))[1]).not.toBe(said[1])
    expect(pack('crossMargins', margins)).toBeGreaterThan(0n)
  })
})
