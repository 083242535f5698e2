/** What proofs of margins refuse: other openings, open or foreign books, malformed words, margins that do not fit. */
import { beforeAll, describe, expect, test } from 'vitest'
import { COLLATERALS, REGULAR_SHOCKS, UP_ONLY_SHOCKS, type WordName, words } from '../../circuits/statements/index.ts'
import { bitsOf, type Field, type Word } from '../../circuits/statements/language.ts'
import { emptyBook } from '../../prover/portfolio/book.ts'
import {
  accountMargin,
  type MarginPolicy,
  type RoundMarket,
  roundTerms,
  unhealthyWitness,
} from '../../prover/portfolio/margin.ts'
import { stateElements } from '../../prover/portfolio/state.ts'
import { FIELD_ORDER } from '../../prover/statement/challenge.ts'
import { commit } from '../../prover/statement/commitment.ts'
import { emptyAccount, stateMargins, stateWitness } from '../../prover/statement/portfolioMargin.ts'
import { wordCount } from '../../prover/statement/words.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import type { Circuit } from '../../scripts/tools/circuits/circuit.ts'
import { compileCircuit } from '../../scripts/tools/circuits/circuit.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import {
  CONTEXT,
  marginBuild,
  marginInput,
  randomBook,
  randomHoldings,
  randomPolicy,
  randomRound,
  witnessBuild,
  witnessInput,
} from '../../scripts/tools/cases/portfolios.ts'

const ROUND = 1_770_000_000n
const build = marginBuild(2)
const code = (name: string) => expect.objectContaining({ code: `portfolio.${name}` })
let margins: Circuit
let witness: Circuit
let round: RoundMarket
let policy: MarginPolicy

type Input = Record<string, bigint | bigint[]>
let honest: Input
let shown: Input

/** Cheap enough a market that nothing saturates, and dampings of 1. */
beforeAll(async () => {
  margins = await compileCircuit(mainSource(build))
  witness = await compileCircuit(mainSource(witnessBuild))
  const random = new Random(71n)
  round = {
    ...randomRound(random, ROUND),
    spotE8: 10n ** 13n,
    perpPriceE8: 10n ** 13n,
    horizonVolatilityX40: 1n << 36n,
  }
  policy = randomPolicy(random)
  const cash = { ...emptyAccount.holdings, perpsE12: 10n ** 12n, cashE12: 2n * 10n ** 16n }
  const accounts = [
    { book: randomBook(random, ROUND, 30), holdings: randomHoldings(random, 40) },
    { book: emptyBook, holdings: cash },
  ]
  honest = { ...marginInput(await stateMargins(build, CONTEXT, accounts, round, policy)) } as Input
  const poor = { book: randomBook(random, ROUND, 20), holdings: { ...emptyAccount.holdings, cashE12: -(10n ** 20n) } }
  shown = { ...witnessInput(await stateWitness(witnessBuild, CONTEXT, poor, round, policy, 4)) } as Input
})

const changed = (input: Input, name: string, index: number, by: (value: bigint) => bigint): Input => {
  const value = input[name]
  return {
    ...input,
    [name]: Array.isArray(value) ? value.with(index, by(value[index] as bigint)) : by(value as bigint),
  }
}

describe('L5 L6: books', () => {
  test('honest inputs have a witness', () => {
    expect(margins.accepts(honest)).toBe(true)
    expect(witness.accepts(shown)).toBe(true)
  })

  test('no element of an opened book can be another', () => {
    let tried = 0
    for (const [circuit, input] of [
      [margins, honest],
      [witness, shown],
    ] as const) {
      for (const name of ['totalsIn', 'asOfIn', 'expiryIn', 'stateIn']) {
        const length = [input[name]].flat().length
        // Every one in the smaller circuit, every fifth in the other.
        for (let i = 0; i < length; i += circuit === witness ? 1 : 5) {
          expect(circuit.accepts(changed(input, name, i, (v) => v + 1n)), `${name}[${i}]`).toBe(false)
          expect(circuit.accepts(changed(input, name, i, (v) => v - (1n << 77n))), `${name}[${i}]`).toBe(false)
          tried += 2
        }
      }
    }
    console.log(`${tried} false openings refused`)
  })

  test('a book with an expiry under way, or of another round, has no margins', async () => {
    const random = new Random(72n)
    const book = randomBook(random, ROUND, 20)
    const openRoot = await commit(stateElements(book, 5n).map((e) => (e < 0n ? e + FIELD_ORDER : e)))
    const input = marginInput(await stateMargins(build, CONTEXT, [{ ...emptyAccount, book }], round, policy)) as Input
    expect(margins.accepts(input)).toBe(true)
    expect(margins.accepts(changed(input, 'stateIn', 0, () => openRoot))).toBe(false)
    for (const asOf of [ROUND - 1n, ROUND + 1n, 1n]) {
      const other = { ...book, asOf }
      const root = await commit(stateElements(other, 0n).map((e) => (e < 0n ? e + FIELD_ORDER : e)))
      const mixed = changed(
        changed(input, 'stateIn', 0, () => root),
        'asOfIn',
        0,
        () => asOf,
      )
      expect(margins.accepts(mixed)).toBe(false)
      expect(() => accountMargin({ ...emptyAccount, book: other }, round, policy)).toThrow(code('mixed-rounds'))
    }
    const open = {
      header: {} as never,
      calls: [],
      nd1: 0n,
      pdf: 0n,
      gammaN: 0n,
      thetaN: 0n,
      putsE12: 0n,
      strikePutsE20: 0n,
    }
    expect(() => accountMargin({ ...emptyAccount, book: { ...book, open } }, round, policy)).toThrow(code('open-book'))
  })
})

const places: readonly [input: string, word: WordName, places: number][] = [
  ['roundPrices', 'roundPrices', 1],
  ['roundConfidences', 'roundConfidences', 1],
  ['collateralPrices', 'collateralPrice', wordCount('collateralPrice', COLLATERALS)],
  ['scenarioRegular', 'scenarioRegular', REGULAR_SHOCKS],
  ['scenarioUpOnly', 'scenarioUpOnly', wordCount('scenarioUpOnly', UP_ONLY_SHOCKS)],
  ['scenarioSkew', 'scenarioSkew', 1],
  ['lossFactors', 'lossFactors', 1],
  ['contingencies', 'contingencies', 1],
  ['collateralPolicy', 'collateralPolicy', wordCount('collateralPolicy', COLLATERALS)],
  ['concentration', 'concentration', 1],
  ['collateralSizes', 'collateralSize', wordCount('collateralSize', COLLATERALS)],
  ['holdings', 'holdings', 1],
  ['collateralAmounts', 'collateralAmount', wordCount('collateralAmount', COLLATERALS)],
]

/** Every field of a word, of each of its elements. */
const elementsIn = ({ fields, perWord = 1 }: Word): readonly Field[] =>
  Array.from({ length: perWord }, () => fields).flat()

describe('L7 L9 L13: words', () => {
  test.each(places)('%s is refused with a bit above its fields, or moved by the field order', (name, word, count) => {
    for (let i = 0; i < count; i++) {
      for (const by of [
        (v: bigint) => v + (1n << BigInt(bitsOf(words[word]))),
        () => 1n << BigInt(bitsOf(words[word])),
        () => FIELD_ORDER - 1n,
        (v: bigint) => v + (1n << 248n),
      ]) {
        expect(margins.accepts(changed(honest, name, i, by)), `${name}[${i}]`).toBe(false)
        expect(witness.accepts(changed(shown, name, i, by)), `${name}[${i}]`).toBe(false)
      }
    }
  })

  test('every field of every word is part of what is said', () => {
    const before = margins.outputs(honest)
    let seen = 0
    for (const [name, word] of places) {
      let offset = 0n
      for (const field of elementsIn(words[word])) {
        const input = changed(honest, name, 0, (v) => v ^ (1n << offset))
        if (margins.accepts(input)) {
          const outputs = margins.outputs(input)
          expect([outputs[0] === before[0], outputs[1] === before[1]], `${name}.${field.name}`).toEqual([false, false])
          seen++
        }
        offset += BigInt(field.bits)
      }
    }
    expect(seen).toBeGreaterThan(40)
  })

  test('what no round or policy may say: a middle shock that moves spot, a free settlement currency, no volatility', () => {
    const regular = policy.scenarios.regular.map((each, r) =>
      r === 3 ? { ...each, shockX40: each.shockX40 + 1n } : each,
    )
    expect(margins.accepts(changed(honest, 'scenarioRegular', 3, (v) => v + 1n))).toBe(false)
    expect(() => roundTerms(round, { ...policy, scenarios: { ...policy.scenarios, regular } })).toThrow(
      code('policy-shock'),
    )
    const stable = ((1n << 44n) - 1n) << 96n
    expect(margins.accepts(changed(honest, 'roundPrices', 0, (v) => v & ~stable))).toBe(false)
    expect(margins.accepts(changed(honest, 'roundConfidences', 0, (v) => v & ((1n << 82n) - 1n)))).toBe(false)
  })

  test('a perpetual without a price, and one of 10^-8', () => {
    const priced = (perpPriceE8: bigint) => (v: bigint) => (v & ~(((1n << 48n) - 1n) << 48n)) | (perpPriceE8 << 48n)
    for (const [perpPriceE8, fits] of [
      [1n, true],
      [0n, false],
    ] as const) {
      const terms = () => roundTerms({ ...round, perpPriceE8 }, policy)
      if (fits) expect(terms).not.toThrow()
      else expect(terms).toThrow(code('perp-price'))
      expect(margins.accepts(changed(honest, 'roundPrices', 0, priced(perpPriceE8)))).toBe(fits)
    }
  })

  test('a collateral of 2^73 units of the settlement currency, and one unit less', () => {
    const [stablePriceE12, unit] = [10n ** 10n, (10n ** 8n) << 20n]
    const least = ((1n << 73n) * stablePriceE12 + unit - 1n) / unit
    const free = { priceE12: 0n, confidenceX40: 0n }
    const only = (name: string, first: bigint) => (honest[name] as bigint[]).map((_, i) => (i === 0 ? first : 0n))
    const stable = (v: bigint): bigint => (v & ~(((1n << 44n) - 1n) << 96n)) | (stablePriceE12 << 96n)
    for (const [priceE12, fits] of [
      [least - 1n, true],
      [least, false],
    ] as const) {
      const collaterals = round.collaterals.map((_, i) => (i === 0 ? { ...free, priceE12 } : free))
      const terms = () => roundTerms({ ...round, stablePriceE12, collaterals }, policy)
      if (fits) expect(terms).not.toThrow()
      else expect(terms).toThrow(code('collateral-price'))
      const dear = changed(
        { ...honest, collateralPrices: only('collateralPrices', priceE12) },
        'roundPrices',
        0,
        stable,
      )
      expect(margins.accepts({ ...dear, collateralAmounts: only('collateralAmounts', 0n) })).toBe(fits)
    }
  })
})

describe('L8 L9 L12: margins at their borders', () => {
  /** An account whose equity is a number of E8X60 units of 10^-12, given by the mark of its book alone. */
  const marked = async (markMX40: bigint) => {
    const book = { ...emptyBook, asOf: ROUND, totals: { ...emptyBook.totals, markMX40 } }
    return { ...emptyAccount, book }
  }
  const limitE8 = 1n << 79n
  const toMX40 = (e8: bigint): bigint => (e8 * 10n ** 12n) << 8n

  test('a margin of 2^79 - 1 fits, one of 2^79 does not; likewise below', async () => {
    const good = await stateMargins(build, CONTEXT, [await marked(toMX40(limitE8) - 1n)], round, policy)
    expect(good.margins[0]?.equityE8).toBe(limitE8 - 1n)
    expect(margins.accepts(marginInput(good))).toBe(true)
    const low = await stateMargins(build, CONTEXT, [await marked(-toMX40(limitE8))], round, policy)
    expect(low.margins[0]?.maintenanceE8).toBe(-limitE8)
    expect(margins.accepts(marginInput(low))).toBe(true)
    for (const mark of [toMX40(limitE8), -toMX40(limitE8) - 1n]) {
      const account = await marked(mark)
      expect(() => accountMargin(account, round, policy)).toThrow(code('margin-out-of-range'))
      const root = await commit(stateElements(account.book, 0n).map((e) => (e < 0n ? e + FIELD_ORDER : e)))
      const input = marginInput(good) as Input
      const totalsIn = (input.totalsIn as bigint[]).with(34, mark)
      expect(margins.accepts({ ...changed(input, 'stateIn', 0, () => root), totalsIn })).toBe(false)
    }
  })

  test('L8: scenarios as far apart as margins reach, and further by one unit of MX40', async () => {
    const regular = policy.scenarios.regular.map((each) => ({
      ...each,
      dampingUpX40: 1n << 40n,
      dampingNoneX40: 1n << 40n,
    }))
    const counted = { ...policy, scenarios: { ...policy.scenarios, regular } }
    const gain = (1n << 128n) - 1n
    const account = (least: bigint) => {
      const scenarioPnlMX40 = emptyBook.totals.scenarioPnlMX40.map((_, s) => (s === 0 ? gain : s === 4 ? least : 0n))
      return { ...emptyAccount, book: { ...emptyBook, asOf: ROUND, totals: { ...emptyBook.totals, scenarioPnlMX40 } } }
    }
    const good = await stateMargins(build, CONTEXT, [account(-1n)], round, counted)
    const input = marginInput(good) as Input
    expect(good.margins[0]?.worstScenario).toBe(4)
    expect(margins.accepts(input)).toBe(true)
    const further = account(-2n)
    expect(() => accountMargin(further, round, counted)).toThrow(code('scenario-spread'))
    const root = await commit(stateElements(further.book, 0n).map((e) => (e < 0n ? e + FIELD_ORDER : e)))
    const totalsIn = (input.totalsIn as bigint[]).with(4, -2n)
    expect(margins.accepts({ ...changed(input, 'stateIn', 0, () => root), totalsIn })).toBe(false)
  })

  test('below maintenance by the last unit is unhealthy, at it is not', async () => {
    const below = await marked(-1n)
    const stated = await stateWitness(witnessBuild, CONTEXT, below, round, policy, 0)
    expect(unhealthyWitness(below, round, policy, 0).maintenanceE8).toBe(-1n)
    expect(witness.accepts(witnessInput(stated))).toBe(true)
    const level = await marked(0n)
    expect(() => unhealthyWitness(level, round, policy, 0)).toThrow(code('not-unhealthy'))
    expect(() => unhealthyWitness(level, round, policy, 34)).toThrow(code('scenario-index'))
    const root = await commit(stateElements(level.book, 0n))
    const input = { ...witnessInput(stated), stateIn: root } as Input
    expect(witness.accepts(changed(input, 'totalsIn', 34, () => 0n))).toBe(false)
    for (const choice of [34n, 63n, 64n, FIELD_ORDER - 1n]) {
      expect(witness.accepts({ ...(witnessInput(stated) as Input), choice })).toBe(false)
    }
  })

  test('the bound of any scenario is at least the maintenance margin', () => {
    const random = new Random(73n)
    let tried = 0
    for (let i = 0; i < 20; i++) {
      const account = { book: randomBook(random, ROUND, 30), holdings: randomHoldings(random, 30) }
      const { maintenanceE8, worstScenario } = accountMargin(account, round, policy)
      for (let scenario = 0; scenario < 34; scenario++) {
        try {
          const bound = unhealthyWitness(account, round, policy, scenario)
          expect(bound.maintenanceE8 >= maintenanceE8).toBe(true)
          if (scenario === worstScenario) expect(bound.maintenanceE8).toBe(maintenanceE8)
          tried++
        } catch (error) {
          expect(error).toMatchObject({ code: 'portfolio.not-unhealthy' })
          if (scenario === worstScenario) expect(maintenanceE8 >= 0n).toBe(true)
        }
      }
    }
    expect(tried).toBeGreaterThan(50)
  })
})

describe('determinism: every wire follows from the inputs', () => {
  test('no wire can move, and none can be another number', () => {
    const random = new Random(74n)
    let tried = 0
    for (const [circuit, input] of [
      [margins, honest],
      [witness, shown],
    ] as const) {
      const honestWitness = circuit.witness(input)
      expect(circuit.movableWires(honestWitness).filter((name) => !/\.inv$/.test(name))).toEqual([])
      const report = circuit.tamper(honestWitness, (v) => [v + 1n, v - 1n, -v, 0n, 1n, random.below(FIELD_ORDER)])
      tried += report.tried
      expect(report.undetected.filter((name) => !/\.inv$/.test(name))).toEqual([])
    }
    console.log(`${tried} tampered wires, 0 accepted`)
  })
})
