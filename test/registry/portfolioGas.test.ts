import { beforeAll, describe, expect, test } from 'vitest'
import { expectGas } from '../gasSnapshot.ts'
import { portfolioBuilds } from '../../circuits/statements/index.ts'
import { PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import {
  measureArrayMarginGas,
  measureArrayWitnessGas,
  measureBatchGas,
  measureCountGas,
  measurePortfolioGas,
} from '../../scripts/tools/chains/portfolioGas.ts'

/**
 * What margins of accounts cost once their slots are in use. The verifiers are real ones: their cost does not depend on the
 * circuit but on the number of public signals.
 *
 * UPDATE_SNAPSHOTS=1 writes the snapshot anew.
 */
/** Calldata varies with the digits of roots and proofs, a few bytes of it zero by chance. */
const TOLERANCE = 3_000

let gas: Readonly<Record<string, number>>
let places: readonly [withEverything: number, alone: number]

beforeAll(async () => {
  const engine = await PortfolioEngine.start(portfolioBuilds)
  const found = await measurePortfolioGas(engine, 64)
  const counted = await measureCountGas(engine, 64)
  console.log(
    `${found.arrays} arrays, ${found.books} books, ${found.accounts} accounts in a full batch, ${found.accountsAlone} alone`,
  )
  places = [found.accounts, found.accountsAlone]
  gas = {
    'one array': found.oneArray,
    'all other arrays together': found.otherArrays,
    'margins of an account of 16 options': await few(16),
    'the same by its book': await fewByBook(1),
    'margins of two of them, by their books': await fewByBook(2),
    'margins of an account of 64 options': found.oneAccount,
    'margins of a full batch of them': found.fullBatch,
    'margins alone of one of them': found.oneAlone,
    'margins alone of a full batch of them': found.fullAlone,
    'margins of a full batch of them, counted': counted.fullBatch,
    'opening a count': counted.opening,
    'a report of one of them': counted.report,
    'the same after a cut-off': counted.reportInCount,
    'a witness from arrays against an account of 64 options': await fromArrays(64),
    'a witness from arrays against an account of 128': await fromArrays(128),
  }
})

/** In chains of their own: slots of other accounts are none of theirs. */
const few = async (options: number): Promise<number> =>
  measureArrayMarginGas(await PortfolioEngine.start(portfolioBuilds), options)
const fewByBook = async (accounts: number): Promise<number> =>
  measureBatchGas(await PortfolioEngine.start(portfolioBuilds), 16, accounts)
const fromArrays = async (options: number): Promise<number> =>
  measureArrayWitnessGas(await PortfolioEngine.start(portfolioBuilds), options)

describe('R89: what a witness from arrays costs', () => {
  test('an account of 64 options is shown to be below maintenance for at most 350,000 gas', () => {
    expect(gas['a witness from arrays against an account of 64 options']).toBeLessThanOrEqual(350_000)
  })
})

describe('R32: what margins of accounts cost', () => {
  test('an account of 64 options is margined alone for at most 520,000 gas, in a full batch for at most 260,000', () => {
    for (const [what, spent] of Object.entries(gas))
      console.log(`${what.padEnd(40)}${spent.toLocaleString('en').padStart(10)}`)
    const alone64 = gas['margins of an account of 64 options'] as number
    expect(alone64).toBeLessThanOrEqual(520_000)
    expect(gas['the same by its book']).toBeLessThan(alone64)
    const each = (what: string, of: number): number => Math.round((gas[what] ?? Number.NaN) / of)
    const [full, alone] = [
      each('margins of a full batch of them', places[0]),
      each('margins alone of a full batch of them', places[1]),
    ]
    console.log(`an account in a full batch ${full.toLocaleString('en')}, alone ${alone.toLocaleString('en')}`)
    expect(full).toBeLessThanOrEqual(260_000)
    expect(alone).toBeLessThan(0.95 * full)
    expect(gas['margins alone of one of them']).toBeLessThan(gas['margins of an account of 64 options'] ?? 0)
  })

  test('R197: one of 16 is margined straight from arrays for at most 350,000, which is less than by its book; two are cheaper by books', () => {
    const [one, byBook, two] = [
      'margins of an account of 16 options',
      'the same by its book',
      'margins of two of them, by their books',
    ].map((what) => gas[what] as number) as [number, number, number]
    expect(one).toBeLessThanOrEqual(350_000)
    expect(one).toBeLessThan(byBook)
    expect(two).toBeLessThan(2 * one)
  })

  test('R94: counting an account in a full batch costs less than 15,000 gas', () => {
    const [plain, counted] = [gas['margins of a full batch of them'], gas['margins of a full batch of them, counted']]
    const each = ((counted ?? Number.NaN) - (plain ?? Number.NaN)) / places[0]
    console.log(`counting costs ${Math.round(each).toLocaleString('en')} an account`)
    expect(each).toBeLessThan(15_000)
  })

  test('what the snapshot says', () => {
    expectGas('portfolioGas', gas, TOLERANCE)
  })
})
