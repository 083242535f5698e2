/** Margins straight from arrays: the circuit says what those of books and margins say of the same account, to the last bit. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { Build } from '../../circuits/statements/index.ts'
import { riskArray } from '../../prover/options/riskArray.ts'
import { type BookSegment, emptyBook, foldBook, type PricedArray } from '../../prover/portfolio/book.ts'
import type { Holdings, MarginPolicy, RoundMarket } from '../../prover/portfolio/margin.ts'
import { stateArrayMargin } from '../../prover/statement/arrayMargin.ts'
import { emptyAccount, stateMargins } from '../../prover/statement/portfolioMargin.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import { usualMarket, usualPolicy } from '../../scripts/tools/cases/expiries.ts'
import {
  arrayMarginBuild,
  arrayMarginInput,
  arrayRootOf,
  bookBuild,
  bookInput,
  CONTEXT,
  marginBuild,
  marginInput,
  randomArray,
  randomHoldings,
  randomPolicy,
  randomPositions,
  randomRound,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const DAY = 86_400n
const SIZES = [3, 2, 2] as const
const build = arrayMarginBuild(...SIZES)
const [ofBooks, ofMargins] = [bookBuild(...SIZES), marginBuild(1)]
const circuits = new Map<Build, Circuit>()

beforeAll(async () => {
  for (const each of [build, ofBooks, ofMargins]) circuits.set(each, await compileCircuit(mainSource(each)))
})

const circuitOf = (of: Build): Circuit => circuits.get(of) as Circuit

/** Which arrays stand side by side: one expiry, two, and filled up with nothing held. */
const ORDERS = [
  [0, 0, 0],
  [0, 0, 1],
  [0, 1, 1],
] as const

function segmentsOf(arrays: readonly PricedArray[], order: readonly number[], random: Random): readonly BookSegment[] {
  return order.map((at, i) => {
    const array = arrays[at] as PricedArray
    return { array, positions: randomPositions(random, array, 40), continues: order[i + 1] === at }
  })
}

/** Both ways are proven, and what they say of the account is the same words. */
async function expectEqual(
  segments: readonly BookSegment[],
  holdings: Holdings,
  round: RoundMarket,
  policy: MarginPolicy,
): Promise<bigint> {
  const arrayRoots = await Promise.all(segments.map(({ array }) => arrayRootOf(array)))
  const one = await stateArrayMargin(build, CONTEXT, { segments, arrayRoots, holdings }, round, policy)
  expect(circuitOf(build).outputs(arrayMarginInput(one))).toEqual(one.stated.publicSignals.slice(0, 2))

  const after = foldBook(emptyBook, segments)
  const book = await bookInput(ofBooks, { segments, before: emptyBook, after })
  expect(circuitOf(ofBooks).outputs(book.input)).toEqual(book.stated.publicSignals.slice(0, 2))
  const two = await stateMargins(ofMargins, CONTEXT, [{ book: after, holdings }], round, policy)
  expect(two.stated.sections.stateIn).toEqual(book.stated.sections.stateOut)
  expect(circuitOf(ofMargins).outputs(marginInput(two))).toEqual(two.stated.publicSignals.slice(0, 2))

  for (const name of ['margins', 'thresholds', 'spotGreeks', 'risk'])
    expect(one.stated.sections[name], name).toEqual(two.stated.sections[name])
  return one.stated.sections.margins?.[0] as bigint
}

describe('L34: margins straight from arrays are those of the book', () => {
  test('random books over random arrays', async () => {
    const random = new Random(341n)
    const different = new Set<bigint>()
    for (let i = 0; i < 12; i++) {
      const arrays = [1n, 2n].map((day) => randomArray(random, ROUND + day * DAY, ROUND, 2))
      const segments = segmentsOf(arrays, ORDERS[i % 3] as readonly number[], random)
      const [round, policy] = [randomRound(random, ROUND), randomPolicy(random)]
      different.add(await expectEqual(segments, randomHoldings(random, 30), round, policy))
    }
    expect(different.size).toBe(12)
  })

  test('books over arrays as the pricing twin makes them, the last second among them', async () => {
    const random = new Random(342n)
    for (const asOf of [usualMarket.asOf, usualMarket.expiry]) {
      const market = { ...usualMarket, asOf }
      const strikes = [8n, 9n, 10n, 11n].map((tenths) => (usualMarket.forwardVariableE8 * tenths) / 10n)
      const later = { ...market, expiry: market.expiry + 7n * DAY }
      const arrays = [
        riskArray(market, usualPolicy, strikes.slice(0, 2)),
        riskArray(later, usualPolicy, strikes.slice(2)),
      ]
      for (const order of ORDERS) {
        const [round, policy] = [randomRound(random, asOf), randomPolicy(random)]
        await expectEqual(segmentsOf(arrays, order, random), randomHoldings(random, 30), round, policy)
      }
    }
  })

  test('places that are left are filled up with nothing held, and an account may hold nothing at all', async () => {
    const random = new Random(343n)
    const array = randomArray(random, ROUND + DAY, ROUND, 2)
    const held = randomPositions(random, array, 40)
    const nothing = held.map((each) => ({ ...each, callsE12: 0n, putsE12: 0n }))
    for (const first of [held, nothing]) {
      const segments = [first, nothing, nothing].map((positions, e) => ({ array, positions, continues: e < 2 }))
      const [round, policy] = [randomRound(random, ROUND), randomPolicy(random)]
      await expectEqual(segments, randomHoldings(random, 30), round, policy)
      await expectEqual(segments, emptyAccount.holdings, round, policy)
    }
  })

  test('the most that quantities may come to', async () => {
    const random = new Random(344n)
    const arrays = [1n, 2n].map((day) => randomArray(random, ROUND + day * DAY, ROUND, 2))
    const most = (1n << 60n) - 1n
    const segments = segmentsOf(arrays, [0, 0, 1], random).map((segment, e) => ({
      ...segment,
      positions: segment.positions.map((each) => ({
        ...each,
        callsE12: e === 0 ? -most : 0n,
        putsE12: e === 0 ? -most : 0n,
      })),
    }))
    const [round, policy] = [randomRound(random, ROUND), randomPolicy(random)]
    await expectEqual(segments, emptyAccount.holdings, round, policy)
  })
})
