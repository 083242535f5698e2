/** Margins alone against the full statement: the same words of the same inputs, and nothing else that can be said. */
import { beforeAll, describe, expect, test } from 'vitest'
import { mainComponent, portfolioBuilds, statements } from '../../circuits/statements/index.ts'
import type { Statement } from '../../circuits/statements/language.ts'
import { emptyBook } from '../../prover/portfolio/book.ts'
import { accountMargin, MarginOutOfRangeError, ScenarioSpreadError } from '../../prover/portfolio/margin.ts'
import { FIELD_ORDER } from '../../prover/statement/challenge.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { emptyAccount, stateMargins, type StatedMargins } from '../../prover/statement/portfolioMargin.ts'
import { mainSource } from '../../scripts/buildCircuits.ts'
import {
  aloneBuild,
  CONTEXT,
  marginBuild,
  marginInput,
  randomBook,
  randomHoldings,
  randomPolicy,
  randomRound,
} from '../../scripts/tools/cases/portfolios.ts'
import { Random } from '../../scripts/tools/cases/random.ts'
import { type Circuit, compileCircuit } from '../../scripts/tools/circuits/circuit.ts'

const ROUND = 1_770_000_000n
const [build, fullBuild] = [aloneBuild(2), marginBuild(2)]
type Input = Record<string, bigint | bigint[]>
let circuit: Circuit

beforeAll(async () => {
  circuit = await compileCircuit(mainSource(build))
})

const randomAccounts = (random: Random, bits = Number(random.between(20n, 60n))) =>
  [0, 1].map(() => ({
    book: random.below(4n) === 0n ? emptyBook : randomBook(random, ROUND, bits),
    holdings: randomHoldings(random, bits),
  }))

describe('L14: margins alone', () => {
  test('are bit for bit those of the full statement, of the same inputs', async () => {
    const random = new Random(141n)
    let compared = 0
    const worst = new Set<number>()
    while (compared < 40) {
      const given = [randomAccounts(random), randomRound(random, ROUND), randomPolicy(random)] as const
      let alone: StatedMargins
      try {
        alone = await stateMargins(build, CONTEXT, ...given)
      } catch (error) {
        if (error instanceof MarginOutOfRangeError || error instanceof ScenarioSpreadError) continue
        throw error
      }
      const { stated } = await stateMargins(fullBuild, CONTEXT, ...given)
      expect(alone.stated.sections.margins).toEqual(stated.sections.margins)
      expect(circuit.outputs(marginInput(alone))).toEqual(alone.stated.publicSignals.slice(0, 2))
      for (const { worstScenario } of alone.margins) worst.add(worstScenario)
      compared++
    }
    expect(worst.size).toBeGreaterThan(10)
  })

  test('follow from the same words, in the same order, and say one word of each account', () => {
    const [alone, full]: readonly Statement[] = [statements.marginsAlone, statements.portfolioMargin]
    expect(alone?.inputs).toEqual(full?.inputs)
    expect(alone?.outputs.flatMap(({ sections }) => sections)).toEqual([full?.outputs[0]?.sections[0]])
    expect(layoutHash('marginsAlone')).not.toBe(layoutHash('portfolioMargin'))
    expect(portfolioBuilds.map((each) => mainComponent(each))).toContain('MarginsAlone(5)')
  })

  test('are there where the round tells no volatility of the horizon, which only default needs', async () => {
    const random = new Random(142n)
    const round = { ...randomRound(random, ROUND), spotE8: 10n ** 13n, perpPriceE8: 10n ** 13n }
    const policy = randomPolicy(random)
    const stated = await stateMargins(build, CONTEXT, [emptyAccount], { ...round, horizonVolatilityX40: 1n }, policy)
    const input = marginInput(stated) as Input
    const full = await compileCircuit(mainSource(fullBuild))
    const fullInput = marginInput(
      await stateMargins(fullBuild, CONTEXT, [emptyAccount], { ...round, horizonVolatilityX40: 1n }, policy),
    ) as Input
    const silent = (given: Input): Input => ({
      ...given,
      roundConfidences: (given.roundConfidences as bigint) & ((1n << 82n) - 1n),
    })
    expect([full.accepts(fullInput), full.accepts(silent(fullInput))]).toEqual([true, false])
    expect([circuit.accepts(input), circuit.accepts(silent(input))]).toEqual([true, true])
  })

  test('no wire can move, none can be another number, and no opened book can be another', async () => {
    const random = new Random(143n)
    const round = { ...randomRound(random, ROUND), spotE8: 10n ** 13n, perpPriceE8: 10n ** 13n }
    const accounts = [
      { book: randomBook(random, ROUND, 30), holdings: randomHoldings(random, 40) },
      { book: emptyBook, holdings: { ...emptyAccount.holdings, perpsE12: -(10n ** 12n), cashE12: 2n * 10n ** 16n } },
    ]
    const input = marginInput(await stateMargins(build, CONTEXT, accounts, round, randomPolicy(random))) as Input
    const honest = circuit.witness(input)
    const isHint = (name: string): boolean => /\.inv$/.test(name)
    expect(circuit.movableWires(honest).filter((name) => !isHint(name))).toEqual([])
    const report = circuit.tamper(honest, (v) => [v + 1n, v - 1n, -v, 0n, 1n, random.below(FIELD_ORDER)])
    expect(report.undetected.filter((name) => !isHint(name))).toEqual([])
    console.log(`${report.tried} tampered wires, 0 accepted`)
    for (const name of ['totalsIn', 'asOfIn', 'expiryIn', 'stateIn']) {
      const values = input[name] as bigint[]
      for (let i = 0; i < values.length; i += 5) {
        const other = { ...input, [name]: values.with(i, (values[i] as bigint) + 1n) }
        expect(circuit.accepts(other), `${name}[${i}]`).toBe(false)
      }
    }
  })

  test('L13: perpetuals long and short, a unit below their size, at it and above, by whole units and within one', async () => {
    const random = new Random(144n)
    const round = { ...randomRound(random, ROUND), spotE8: 10n ** 12n, perpPriceE8: 10n ** 12n }
    const policy = randomPolicy(random)
    const charged: bigint[] = []
    for (const sizeQ of [0n, 1n, 1_000n, 1n << 28n]) {
      const concentration = { ...policy.concentration, concentrationX40: 1n << 40n, perpSizeQ: sizeQ }
      for (const by of [-(1n << 32n) - 1n, -1n, 0n, 1n, (1n << 32n) - 1n, 1n << 32n]) {
        const size = (sizeQ << 32n) + by
        if (size < 0n || size >= 1n << 60n) continue
        const accounts = [1n, -1n].map((sign) => ({
          ...emptyAccount,
          holdings: { ...emptyAccount.holdings, perpsE12: sign * size },
        }))
        const stated = await stateMargins(build, CONTEXT, accounts, round, { ...policy, concentration })
        expect(circuit.outputs(marginInput(stated)), `${sizeQ} ${by}`).toEqual(stated.stated.publicSignals.slice(0, 2))
        const free = { ...policy, concentration: { ...concentration, concentrationX40: 0n } }
        const [first, second] = accounts.map((account) => {
          const of = (under: typeof free): bigint => accountMargin(account, round, under).maintenanceContingencyE20X60
          return (of({ ...policy, concentration }) - of(free)) >> 60n
        })
        expect([first, second]).toEqual(new Array(2).fill(by > 0n ? by * 10n ** 12n : 0n))
        charged.push(first ?? 0n)
      }
    }
    expect(charged.filter((each) => each > 0n).length).toBeGreaterThan(5)
    // The most that a word holds of shorts is one more than of longs.
    const holdings = { ...emptyAccount.holdings, perpsE12: -(1n << 60n) }
    const most = await stateMargins(build, CONTEXT, [{ ...emptyAccount, holdings }], round, policy)
    expect(circuit.outputs(marginInput(most))).toEqual(most.stated.publicSignals.slice(0, 2))
  })
})
