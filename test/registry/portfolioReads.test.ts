import { beforeAll, describe, expect, test } from 'vitest'
import type { ProvenPortfolio, RoundWords } from '../../prover/registry/index.ts'
import { type RegistryCall, bookHashOf } from '../../prover/registry/portfolio/calldata.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { pack } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import {
  amountsWords,
  type Account,
  type ArrayKey,
  E12,
  E8,
  marginsWord,
  modelIdOf,
  PortfolioEngine,
  type Position,
} from '../../scripts/tools/chains/portfolioEngine.ts'

const EXPIRY = 2_000_000_000n
const key: ArrayKey = { expiry: EXPIRY, strikesE8: [80n, 81n, 82n, 83n, 84n, 85n].map((strike) => strike * 1000n * E8) }
const position = (slot: number, callsE12: bigint, putsE12: bigint): Position => ({
  expiry: EXPIRY,
  strikeE8: key.strikesE8[slot] as bigint,
  callsE12,
  putsE12,
})

let engine: PortfolioEngine
let round: RoundWords
let account: Account
let books: readonly ProvenPortfolio[]
let witness: ProvenPortfolio

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  account = {
    signer: (await engine.chain.signers[7]?.getAddress()) as string,
    positions: [position(0, -E12, 0n), position(4, 0n, 3n * E12)],
    holdings: { perpsE12: -2n * E12, cashE12: 1n, perpPnlE12: 0n },
    collateralAmounts: amountsWords(5n, 6n),
  }
  await engine.report(account)
  round = await engine.round([EXPIRY])
  await mined(engine.landArrays(round, [key]))
  books = await engine.books(round, account, [key])
  witness = await engine.witness(round, account, books)
})

const call = (proof = witness, of = books, at = round): RegistryCall =>
  engine.witnessCall(at, { account: account.signer, books: of }, proof)
const refused = (what: RegistryCall, error: string, args?: readonly unknown[], by = engine.registry) =>
  expectRevert(engine.send(what), by, error, args)
const withArgument = (what: RegistryCall, i: number, value: unknown): RegistryCall => ({
  ...what,
  args: what.args.with(i, value),
})
const forLiquidation = () => engine.client.marginForLiquidation(account.signer)
/** Proves and lands margins of the account with the given maintenance margin. */
async function landMargin(at: RoundWords, maintenanceE8: bigint): Promise<void> {
  const own = await engine.books(at, account, [key])
  const word = marginsWord({ maintenanceE8 })
  const margin = await engine.margin(at, [account], [own], { margins: [word, word, word] })
  await mined(engine.send(engine.marginCall(at, [{ account: account.signer, books: own }], margin)))
}

describe('R27: the venue’s reports', () => {
  const report = (
    positions: readonly bigint[],
    holdings = pack('holdings', account.holdings),
    amounts = account.collateralAmounts,
  ) => engine.registry.getFunction('reportAccount')(account.signer, positions, holdings, amounts)
  const word = (slot: number, calls = 1n, puts = 0n): bigint => pack('optionPosition', position(slot, calls, puts))

  test('are hashed, counted and told in full', async () => {
    await engine.chain.undone(async () => {
      const positions = [word(0), word(3, -5n, 7n)]
      const receipt = await mined(report(positions))
      const [event] = eventsOf(receipt, engine.registry)
      const holdings = pack('holdings', account.holdings)
      expect(event?.args.toArray()).toEqual([account.signer, 2n, positions, holdings, account.collateralAmounts])
      const { sequence, bookHash } = await engine.client.account(account.signer)
      expect([sequence, bookHash]).toEqual([2n, bookHashOf(positions, holdings, account.collateralAmounts)])
      const told = await engine.client.report(account.signer)
      expect(told).toMatchObject({ sequence: 2n, holdings: account.holdings })
      expect(told.positions).toEqual([position(0, 1n, 0n), position(3, -5n, 7n)])
    })
  })

  test('list positions that hold something by strictly increasing expiry and strike', async () => {
    const later = pack('optionPosition', { ...position(0, 1n, 1n), expiry: EXPIRY + 1n })
    await engine.chain.undone(async () => mined(report([word(0), word(1), later])))
    for (const [positions, i] of [
      [[word(1), word(0)], 1n],
      [[word(0), word(0)], 1n],
      [[word(0), word(0, 2n)], 1n],
      [[later, word(5)], 1n],
    ] as const) {
      await expectRevert(report(positions), engine.registry, 'PositionsNotIncreasing', [i, positions[1]])
    }
    const nothing = word(2, 0n, 0n)
    await expectRevert(report([nothing]), engine.registry, 'PositionOutOfRange', [0n, nothing])
    const noStrike = pack('optionPosition', { ...position(0, 1n, 0n), strikeE8: 0n })
    await expectRevert(report([noStrike]), engine.registry, 'PositionOutOfRange', [0n, noStrike])
  })

  test('hold what can be proven: widths, 128 positions, quantities below 2^62 together', async () => {
    const wide = word(0) | (1n << 202n)
    await expectRevert(report([wide]), engine.registry, 'PositionOutOfRange', [0n, wide])
    const most = (1n << 60n) - 1n
    const four = [word(0, most, -most), word(1, -most, most)]
    await engine.chain.undone(async () => mined(report([...four, word(2, 2n, 1n)]))) // 2^62 - 1 in all
    const last = word(2, 2n, -2n)
    await expectRevert(report([...four, last]), engine.registry, 'PositionOutOfRange', [2n, last])
    const many = Array.from({ length: 129 }, (_, i) =>
      pack('optionPosition', { ...position(0, 1n, 0n), strikeE8: BigInt(i + 1) }),
    )
    await engine.chain.undone(async () => mined(report(many.slice(1))))
    await expectRevert(report(many), engine.registry, 'TooManyPositions', [129n, 128n])
    const holdings = pack('holdings', account.holdings) | (1n << 229n)
    await expectRevert(report([], holdings), engine.registry, 'HoldingsOutOfRange', [holdings])
    for (const i of [0, 1]) {
      const amounts = account.collateralAmounts.with(i, 1n << 248n)
      await expectRevert(report([], undefined, amounts), engine.registry, 'HoldingsOutOfRange', [1n << 248n])
    }
  })

  test('come from the venue alone', async () => {
    const [, stranger] = engine.chain.signers
    const asStranger = engine.registry.connect(stranger as never) as typeof engine.registry
    const asked = asStranger.getFunction('reportAccount')(
      account.signer,
      [],
      pack('holdings', account.holdings),
      amountsWords(),
    )
    await expectRevert(asked, engine.registry, 'AccessManagedUnauthorized', [await stranger?.getAddress()])
  })
})

describe('R30: a witness that an account is below maintenance', () => {
  test('marks it for its round and report', async () => {
    await engine.chain.undone(async () => {
      await expect(forLiquidation()).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
      const [event] = eventsOf(await mined(engine.send(call())), engine.registry)
      const bound = pack('maintenanceBound', { maintenanceE8: -1n })
      expect(event?.args.toArray()).toEqual([account.signer, round.asOf, 1n, bound])
      expect(await forLiquidation()).toMatchObject({ liquidatable: true })
      await refused(call(), 'MarginNotNewer', [account.signer, round.asOf, 1n])
      await expect(engine.client.margin(account.signer)).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
    })
  })

  test('shows a negative bound under a scenario that there is', async () => {
    for (const [maintenanceE8, error] of [
      [0n, 'AccountHealthy'],
      [1n, 'AccountHealthy'],
      [-(1n << 79n), undefined],
    ] as const) {
      const bound = [pack('maintenanceBound', { maintenanceE8 })]
      const proof = await engine.witness(round, account, books, { bound })
      if (error === undefined) await engine.chain.undone(async () => mined(engine.send(call(proof))))
      else await refused(call(proof), error, [account.signer, maintenanceE8])
    }
    const atBasis = await engine.witness(round, account, books, { choice: [33n] })
    await engine.chain.undone(async () => mined(engine.send(call(atBasis))))
    await refused(call(await engine.witness(round, account, books, { choice: [34n] })), 'ScenarioOutOfRange', [34n])
  })

  test('R81: and its books are of one first phase', async () => {
    await engine.chain.undone(async () => {
      const apart = await engine.withKey('unhealthyWitness', 'apart')
      const differing = await apart.witness(round, account, books)
      const callOf = (by: PortfolioEngine, proof: ProvenPortfolio) =>
        by.witnessCall(round, { account: account.signer, books }, proof)
      await refused(callOf(apart, differing), 'FirstPhaseDiffers', [await apart.verifierOf('optionBook')])
      const another = await engine.withKey('unhealthyWitness', 'second')
      await mined(engine.send(callOf(another, await another.witness(round, account, books))))
    })
  })

  test('is of the account’s report, books, round and policy', async () => {
    const alien = { ...account, holdings: { ...account.holdings, cashE12: 2n } }
    await refused(call(await engine.witness(round, alien, books)), 'BookMismatch')
    await refused(call(witness, []), 'BookMismatch')
    const stateIn = [1n]
    await refused(call(await engine.witness(round, account, books, { stateIn })), 'ProofRejected')
    const { sections } = witness.stated
    for (const name of ['roundPrices', 'lossFactors', 'scenarioSkew', 'collateralPolicy', 'choice']) {
      const words = sections[name] as readonly bigint[]
      const changed = words.with(0, (words[0] as bigint) ^ 1n)
      const forged = await engine.witness(round, account, books, { [name]: changed })
      // What the contract puts itself stays as it is; the choice is the submitter's.
      const restored = {
        ...forged,
        stated: { ...forged.stated, sections: { ...forged.stated.sections, [name]: words } },
      }
      await refused(call(restored), 'ProofRejected')
    }
    const theirs = (call().args[1] as object) && { ...(call().args[1] as object), account: engine.models.target }
    await refused(withArgument(call(), 1, theirs), 'AccountUnknown')
    await engine.chain.undone(async () => {
      await engine.report(account)
      await refused(
        engine.witnessCall(round, { account: account.signer, books, sequence: 2n }, witness),
        'ProofRejected',
      )
    })
    await engine.chain.undone(async () => {
      await engine.chain.setNextTime(round.asOf + 601n)
      await refused(call(), 'RoundStale')
    })
    const ofMargins = { ...(call().args[1] as object), witnessModelId: modelIdOf('portfolioMargin') }
    await refused(
      withArgument(call(), 1, ofMargins),
      'ModelOfAnotherLayout',
      [modelIdOf('portfolioMargin'), layoutHash('portfolioMargin'), layoutHash('unhealthyWitness')],
      engine.models,
    )
  })

  test('gives way to margins of a later round, and outlives those of its own or an earlier one', async () => {
    await engine.chain.undone(async () => {
      await landMargin(round, 5n)
      expect((await forLiquidation()).liquidatable).toBe(false)
      await engine.chain.undone(async () => {
        await mined(engine.send(call()))
        expect((await forLiquidation()).liquidatable).toBe(true)
      })
      const second = await engine.round([EXPIRY])
      await mined(engine.landArrays(second, [key]))
      const own = await engine.books(second, account, [key])
      await mined(engine.send(call(await engine.witness(second, account, own), own, second)))
      expect((await forLiquidation()).liquidatable).toBe(true)
      await refused(call(), 'MarginNotNewer', [account.signer, round.asOf, 1n])
      const third = await engine.round([EXPIRY])
      await mined(engine.landArrays(third, [key]))
      await landMargin(third, 5n)
      expect((await forLiquidation()).liquidatable).toBe(false)
    })
  })
})

describe('R31: reads of margins', () => {
  test('fail closed from the first stale second on, and before the first proof', async () => {
    await engine.chain.undone(async () => {
      const read = () => engine.client.margin(account.signer)
      await expect(read()).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
      await landMargin(round, 5n)
      await engine.chain.setTime(round.asOf + 3_600n)
      expect((await read()).maintenanceE8).toBe(5n)
      await engine.chain.setTime(round.asOf + 3_601n)
      await expect(read()).rejects.toMatchObject({ reason: 'MarginStale' })
    })
  })

  test('fail closed when the account holds something else by now', async () => {
    await engine.chain.undone(async () => {
      await landMargin(round, 5n)
      await engine.report(account)
      const arguments_ = { account: account.signer, sequence: 1n, current: 2n }
      const read = engine.client.margin(account.signer)
      await expect(read).rejects.toMatchObject({ reason: 'MarginOfOtherPositions', arguments: arguments_ })
    })
  })

  test('for liquidation never fail on an account with any evidence, and tell its age', async () => {
    await engine.chain.undone(async () => {
      await landMargin(round, -5n)
      const year = 31_536_000n
      await engine.chain.setTime(round.asOf + year)
      const found = await forLiquidation()
      expect(found).toMatchObject({ liquidatable: true, ageSeconds: year })
      expect(found.margin.maintenanceE8).toBe(-5n)
      const unsafe = await engine.registry.getFunction('unsafeMargin')(account.signer)
      expect([unsafe.proven.maintenanceE8, unsafe.ageSeconds]).toEqual([-5n, year])
    })
  })

  test('are liquidatable below zero, not at it', async () => {
    for (const [maintenanceE8, liquidatable] of [
      [-1n, true],
      [0n, false],
    ] as const) {
      await engine.chain.undone(async () => {
        await landMargin(round, maintenanceE8)
        expect(await forLiquidation()).toMatchObject({ liquidatable })
      })
    }
  })
})
