/** What a batch tells of accounts that it skips, and what the first array of an account is held to. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { RoundWords } from '../../prover/registry/index.ts'
import { pack } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import {
  type Account,
  amountsWords,
  type ArrayKey,
  E8,
  E12,
  PortfolioEngine,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'

const EXPIRY = 2_000_000_000n
const key: ArrayKey = { expiry: EXPIRY, strikesE8: [80n, 81n, 82n, 83n, 84n, 85n].map((k) => k * 1000n * E8) }
const STRIKES = key.strikesE8.length

let engine: PortfolioEngine
let round: RoundWords
let signers: readonly string[]
const owning = (signer: string, cashE12: bigint): Account => ({
  signer,
  positions: [],
  holdings: { perpsE12: 0n, cashE12, perpPnlE12: 0n },
  collateralAmounts: amountsWords(),
})

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  const addresses = await Promise.all([4, 5].map(async (i) => (await engine.chain.signers[i]?.getAddress()) ?? ''))
  signers = addresses.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  for (const signer of signers) await engine.report(owning(signer, 100n * E12))
  round = await engine.round([EXPIRY])
  await mined(engine.landArrays(round, [key]))
})

describe('R28: an account of a batch that was reported anew', () => {
  test('adds nothing made up to a count, nor to what is told of the batch', async () => {
    const [first = '', second = ''] = signers
    // It never held anything but 100 of cash, and is said to have owed a billion in its first report.
    const accounts = [owning(first, 100n * E12), owning(second, -(10n ** 9n) * E12)]
    const risk = pack('accountRisk', { thetaE8: 0n, rhoE8: 0n, expectedShortfallE8: 10n ** 17n })
    const margin = await engine.margin(round, accounts, [[], []], { risk: [0n, risk, 0n] })
    const call = engine.marginCall(
      round,
      signers.map((account) => ({ account, books: [] })),
      margin,
    )
    await expectRevert(engine.send(call), engine.registry, 'BookMismatch')
    await engine.chain.undone(async () => {
      // Owing nothing it is of no count, and its first report says what nobody can look up any more.
      await engine.client.openCount(round)
      await engine.report(owning(second, 100n * E12))
      const told = await engine.send(call).then(
        async (sent) => eventsOf(await mined(Promise.resolve(sent)), engine.registry).map(({ args }) => args.toArray()),
        () => [],
      )
      expect(told.flat(2)).not.toContain(risk)
    })
  })
})

describe('R28: the first array of an account', () => {
  test('was recorded, whatever its root and expiry', async () => {
    const account = { ...owning(signers[0] ?? '', 100n * E12) }
    const sections = (await engine.witnessFromArrays(round, account, [key])).stated.sections
    const [roots = [], positions = []] = [sections.arrayRoots, sections.positions]
    const nothing = pack('optionPosition', { expiry: 0n, strikeE8: 0n, callsE12: 0n, putsE12: 0n })
    const witness = await engine.witnessFromArrays(round, account, [key], {
      arrayRoots: [0n, ...roots.slice(1)],
      positions: [...new Array<bigint>(STRIKES).fill(nothing), ...positions.slice(STRIKES)],
      flags: [0b1110n],
    })
    const call = engine.arraysWitnessCall(round, { account: account.signer }, witness)
    await engine.chain.undone(() => expectRevert(engine.send(call), engine.arrays, 'ArrayUnknown'))
  })
})
