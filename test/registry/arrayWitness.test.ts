import { beforeAll, describe, expect, test } from 'vitest'
import type { ProvenPortfolio, RoundWords } from '../../prover/registry/index.ts'
import type { RegistryCall } from '../../prover/registry/portfolio/calldata.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import type { SectionWords } from '../../prover/statement/state.ts'
import { pack } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import {
  type Account,
  amountsWords,
  type ArrayKey,
  E12,
  E8,
  marginsWord,
  modelIdOf,
  PortfolioEngine,
  type Position,
  rootOf,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'

const [NEAR, FAR] = [2_000_000_000n, 2_001_000_000n]
const keyOf = (expiry: bigint, from: bigint): ArrayKey => ({
  expiry,
  strikesE8: [0n, 1n, 2n, 3n, 4n, 5n].map((step) => (from + step) * 1000n * E8),
})
const near = keyOf(NEAR, 80n)
const farLow = keyOf(FAR, 60n)
const farHigh = keyOf(FAR, 90n)
const keys = [near, farLow, farHigh]
const position = ({ expiry, strikesE8 }: ArrayKey, slot: number, calls: bigint, puts: bigint): Position => ({
  expiry,
  strikeE8: strikesE8[slot] as bigint,
  callsE12: calls * E12,
  putsE12: puts * E12,
})

let engine: PortfolioEngine
let round: RoundWords
let earlier: RoundWords
let account: Account
let witness: ProvenPortfolio

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  account = {
    signer: (await engine.chain.signers[7]?.getAddress()) as string,
    positions: [position(near, 0, -1n, 0n), position(farLow, 4, 0n, 3n), position(farHigh, 2, -2n, 2n)],
    holdings: { perpsE12: -2n * E12, cashE12: 1n, perpPnlE12: 0n },
    collateralAmounts: amountsWords(5n, 6n),
  }
  await engine.report(account)
  earlier = await engine.round([NEAR, FAR])
  await mined(engine.landArrays(earlier, keys))
  round = await engine.round([NEAR, FAR])
  await mined(engine.landArrays(round, keys))
  witness = await engine.witnessFromArrays(round, account, keys)
})

const call = (proof = witness, at = round): RegistryCall =>
  engine.arraysWitnessCall(at, { account: account.signer }, proof)
const refused = (what: RegistryCall, error: string, args?: readonly unknown[], by = engine.registry) =>
  expectRevert(engine.send(what), by, error, args)
const lands = (what: RegistryCall) => engine.chain.undone(async () => mined(engine.send(what)))
const withArgument = (what: RegistryCall, i: number, value: unknown): RegistryCall => ({
  ...what,
  args: what.args.with(i, value),
})
const withWitness = (what: RegistryCall, change: object): RegistryCall =>
  withArgument(what, 1, { ...(what.args[1] as object), ...change })
const forged = (change: SectionWords) => engine.witnessFromArrays(round, account, keys, change)
const wordsOf = (what: RegistryCall): readonly bigint[] => what.args[3] as readonly bigint[]
const forLiquidation = () => engine.client.marginForLiquidation(account.signer)
const PLACES = 5

describe('R88: a witness straight from arrays', () => {
  test('marks an account for its round and report, by one proof and without a book', async () => {
    await engine.chain.undone(async () => {
      await expect(forLiquidation()).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
      const [event] = eventsOf(await mined(engine.send(call())), engine.registry)
      const bound = pack('maintenanceBound', { maintenanceE8: -1n })
      expect(event?.args.toArray()).toEqual([account.signer, round.asOf, 1n, bound])
      expect(await forLiquidation()).toMatchObject({ liquidatable: true })
      await refused(call(), 'MarginNotNewer', [account.signer, round.asOf, 1n])
    })
  })

  test('shows a negative bound under a scenario that there is', async () => {
    for (const [maintenanceE8, error] of [
      [0n, 'AccountHealthy'],
      [1n, 'AccountHealthy'],
      [-(1n << 79n), undefined],
    ] as const) {
      const proof = await forged({ bound: [pack('maintenanceBound', { maintenanceE8 })] })
      if (error === undefined) await lands(call(proof))
      else await refused(call(proof), error, [account.signer, maintenanceE8])
    }
    await lands(call(await forged({ choice: [33n] })))
    await refused(call(await forged({ choice: [34n] })), 'ScenarioOutOfRange', [34n])
  })

  test('holds every reported position once and in order, and nothing else', async () => {
    const { sections } = witness.stated
    const positions = sections.positions as readonly bigint[]
    const [first, last] = [position(near, 0, -1n, 0n), position(farHigh, 2, -2n, 2n)]
    const nothing = { callsE12: 0n, putsE12: 0n }
    const changes = {
      'one is left out': positions.with(0, pack('optionPosition', { ...first, ...nothing })),
      'one more': positions.with(1, pack('optionPosition', position(near, 1, 1n, 0n))),
      'another quantity': positions.with(0, pack('optionPosition', { ...first, callsE12: -E12 + 1n })),
      'one twice, in an array that fills up': positions.with(-4, pack('optionPosition', last)),
    }
    for (const [what, words] of Object.entries(changes)) {
      await expect(refused(call(await forged({ positions: words })), 'BookMismatch'), what).resolves.toBeUndefined()
    }
    const alien = { ...account, holdings: { ...account.holdings, cashE12: 2n } }
    await refused(call(await engine.witnessFromArrays(round, alien, keys)), 'BookMismatch')
    await refused(call(await engine.witnessFromArrays(round, account, [near, farLow])), 'BookMismatch')
  })

  test('uses arrays of its round and policy, of the expiries that positions say, each expiry whole', async () => {
    const roots = witness.stated.sections.arrayRoots as readonly bigint[]
    const unknown = rootOf(1n)
    await refused(call(await forged({ arrayRoots: roots.with(0, unknown) })), 'ArrayUnknown', undefined, engine.arrays)
    const older = engine.arrayRoot(earlier, near)
    await refused(call(await forged({ arrayRoots: roots.with(0, older) })), 'ArrayUnknown', undefined, engine.arrays)
    const misplaced = roots.with(0, roots[1] as bigint)
    await refused(call(await forged({ arrayRoots: misplaced })), 'ArrayUnknown', undefined, engine.arrays)
    const apart = await engine.witnessFromArrays(round, account, [farLow, near, farHigh])
    await refused(call(apart), 'ExpiriesDecreasing', [NEAR, FAR])
    // The near expiry ends at once, the far one goes on to the end, where it is filled up.
    expect(witness.stated.sections.flags).toEqual([0b01110n])
    for (const flags of [0b01111n, 0b11110n, 0b00110n, 0n]) {
      await refused(call(await forged({ flags: [flags] })), 'ProofRejected')
    }
  })

  test('has exactly the words of its arrays, as many as there are places for', async () => {
    const words = wordsOf(call())
    const count = BigInt(keys.length * 7)
    expect(BigInt(words.length)).toBe(count)
    await refused(withArgument(call(), 3, [...words, 0n]), 'WordCountMismatch', [count + 1n, count])
    await refused(withArgument(call(), 3, words.slice(1)), 'WordCountMismatch', [count - 1n, count])
    const places = BigInt(PLACES)
    for (const arrays of [0n, places + 1n, (1n << 256n) - 1n]) {
      await refused(withWitness(call(), { arrays }), 'ArrayCountOutOfRange', [arrays, places])
    }
    for (const arrays of [2n, 4n, places]) {
      await refused(withWitness(call(), { arrays }), 'WordCountMismatch', [count, arrays * 7n])
    }
    await refused(withArgument(call(), 2, [0n]), 'WordCountMismatch', [1n, 0n])
  })

  test('R195: may give what fills places up in full: it is the same statement, and no other', async () => {
    const { arrayRoots = [], positions = [] } = witness.stated.sections
    const inFull = (roots: readonly bigint[], words: readonly bigint[]) =>
      withArgument(withWitness(call(), { arrays: BigInt(PLACES) }), 3, [...roots, ...words])
    await lands(inFull(arrayRoots, positions))
    const nearRoot = arrayRoots[0] as bigint
    await refused(inFull(arrayRoots.with(-1, nearRoot), positions), 'ArrayUnknown', undefined, engine.arrays)
    const onceMore = positions.with(-4, positions.at(-16) as bigint)
    await refused(inFull(arrayRoots, onceMore), 'BookMismatch')
    const atAnotherStrike = positions.with(-1, (positions.at(-1) as bigint) + (1n << 32n))
    await refused(inFull(arrayRoots, atAnotherStrike), 'ProofRejected')
  })

  test('each word that is tampered with is refused', async () => {
    const honest = call()
    const words = wordsOf(honest)
    const named = /BookMismatch|ArrayUnknown|ExpiriesDecreasing|ProofRejected|StatementWordOutOfRange/
    for (const [i, word] of words.entries()) {
      const bit = i < keys.length ? 3n : [0n, 33n, 90n, 230n][i % 4]!
      const tampered = withArgument(honest, 3, words.with(i, word ^ (1n << bit)))
      await expect(engine.send(tampered), `word ${i}`).rejects.toThrow(named)
    }
    for (const change of [
      { commitment: 1n },
      { scenario: 5n },
      { bound: pack('maintenanceBound', { maintenanceE8: -2n }) },
    ]) {
      await refused(withWitness(honest, change), 'ProofRejected')
    }
    const market = honest.args[0] as { readonly marketWords: readonly bigint[] }
    const other = { ...market, marketWords: market.marketWords.with(1, 0n) }
    await refused(withArgument(honest, 0, other), 'RoundUnknown', undefined, engine.arrays)
  })

  test('is of an active model of such witnesses', async () => {
    await refused(
      withWitness(call(), { witnessModelId: modelIdOf('unhealthyWitness') }),
      'ModelOfAnotherLayout',
      [modelIdOf('unhealthyWitness'), layoutHash('unhealthyWitness'), layoutHash('scenarioWitness')],
      engine.models,
    )
    const book = await engine.books(round, account, keys)
    const ofBook = engine.witnessCall(
      round,
      { account: account.signer, books: book },
      await engine.witness(round, account, book),
    )
    await refused(
      withWitness(ofBook, { witnessModelId: modelIdOf('scenarioWitness') }),
      'ModelOfAnotherLayout',
      [modelIdOf('scenarioWitness'), layoutHash('scenarioWitness'), layoutHash('unhealthyWitness')],
      engine.models,
    )
    await lands(ofBook)
  })

  test('may be about an earlier report, as far as what is held now is worth little more', async () => {
    const later = (cashE12: bigint): Account => ({ ...account, holdings: { ...account.holdings, cashE12 } })
    const words = ({ holdings, positions, collateralAmounts }: Account) => ({
      holdings: pack('holdings', holdings),
      positions: positions.map((each) => pack('optionPosition', each)),
      collateralAmounts,
    })
    const short = await forged({ bound: [pack('maintenanceBound', { maintenanceE8: -100n })] })
    const submitted = (present: Account, sequence = 1n) =>
      engine.arraysWitnessCall(round, { account: account.signer, sequence }, short, words(present))
    // 10^4 E12 of cash is a unit of the bound.
    for (const [deposit, error] of [
      [90n * 10n ** 4n, undefined],
      [99n * 10n ** 4n, 'AccountChanged'],
    ] as const) {
      const now = later(1n + deposit)
      await engine.chain.undone(async () => {
        await engine.report(now)
        if (error === undefined) await mined(engine.send(submitted(now)))
        else await refused(submitted(now), error)
        await refused(submitted(now, 3n), 'ReportUnknown', [account.signer, 3n, 2n])
        await refused(submitted(account), 'BookMismatch')
      })
    }
  })

  test('gives way to margins of a later round', async () => {
    await engine.chain.undone(async () => {
      const next = await engine.round([NEAR, FAR])
      await mined(engine.landArrays(next, keys))
      const own = await engine.books(next, account, keys)
      const word = marginsWord({ maintenanceE8: 5n })
      const margin = await engine.margin(next, [account], [own], { margins: [word, word, word] })
      await mined(engine.send(engine.marginCall(next, [{ account: account.signer, books: own }], margin)))
      await refused(call(), 'MarginNotNewer', [account.signer, round.asOf, 1n])
    })
  })
})
