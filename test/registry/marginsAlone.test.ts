/** Margins that were proven alone: nothing of them lands as more, nothing more lands as them, and no threshold outlives them. */
import { beforeAll, describe, expect, test } from 'vitest'
import { SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import type { ProvenMargin, ProvenPortfolio, RoundWords } from '../../prover/registry/index.ts'
import { type RegistryCall, subjectOf } from '../../prover/registry/portfolio/calldata.ts'
import { readAccount } from '../../prover/registry/portfolio/inForce.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { pack } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import {
  type Account,
  amountsWords,
  type ArrayKey,
  E8,
  E12,
  marginsWord,
  modelIdOf,
  PortfolioEngine,
  rootOf,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert } from '../reverts.ts'

const EXPIRY = 2_000_000_000n
const key: ArrayKey = { expiry: EXPIRY, strikesE8: [80n, 81n, 82n, 83n, 84n, 85n].map((k) => k * 1000n * E8) }

let engine: PortfolioEngine
let round: RoundWords
/** One with options, two without. */
let accounts: readonly [Account, Account, Account]
let books: ProvenPortfolio[][]
let full: ProvenPortfolio
let alone: ProvenPortfolio

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  const addresses = await Promise.all([4, 5, 6].map(async (i) => (await engine.chain.signers[i]?.getAddress()) ?? ''))
  const [first = '', second = '', third = ''] = addresses.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const trader = (signer: string): Account => ({
    signer,
    positions: [],
    holdings: { perpsE12: -E12, cashE12: 100n * E12, perpPnlE12: -1n },
    collateralAmounts: amountsWords(1n, 2n),
  })
  const positions = [{ expiry: EXPIRY, strikeE8: 80_000n * E8, callsE12: -E12, putsE12: 2n * E12 }]
  accounts = [{ ...trader(first), positions }, trader(second), trader(third)]
  for (const account of accounts) await engine.report(account)
  await next()
})

/** A later round with everything proven of it. */
async function next(): Promise<void> {
  round = await engine.round([EXPIRY])
  await mined(engine.landArrays(round, [key]))
  books = [await engine.books(round, accounts[0], [key]), [], []]
  full = await engine.margin(round, accounts, books)
  alone = await engine.marginAlone(round, accounts, books)
}

const proven = (of: readonly Account[] = accounts) =>
  of.map((account) => ({ account: account.signer, books: account === accounts[0] ? (books[0] ?? []) : [] }))
const honest = (): RegistryCall => engine.aloneCall(round, proven(), alone)
const lands = (call: RegistryCall) => mined(engine.send(call))
const refused = (call: RegistryCall, error: string, args?: readonly unknown[], by = engine.registry) =>
  expectRevert(engine.send(call), by, error, args)
const withArgument = (call: RegistryCall, i: number, value: unknown): RegistryCall => ({
  ...call,
  args: call.args.with(i, value),
})
const statusOf = (reading: Promise<unknown>): Promise<unknown> =>
  reading.then(
    () => 'there',
    ({ reason, arguments: args }) => [reason, args],
  )
/** The chain as it was, and the round with it. */
async function undone(action: () => Promise<unknown>): Promise<void> {
  const before = { round, books, full, alone }
  await engine.chain.undone(action as () => Promise<void>)
  ;({ round, books, full, alone } = before)
}

describe('R87: margins alone', () => {
  test('are put in force as margins with everything else are, for four accounts where the others have three', async () => {
    await undone(async () => {
      const receipt = await lands(honest())
      const events = eventsOf(receipt, engine.registry)
      expect(events.map(({ name }) => name)).toEqual([...accounts.map(() => 'MarginProvenAlone'), 'MarginsAccepted'])
      const inForce: ProvenMargin[] = []
      for (const [i, { signer }] of accounts.entries()) {
        const word = alone.stated.sections.margins?.[i]
        expect(events[i]?.args.toArray()).toEqual([signer, round.asOf, 1n, word])
        inForce.push(await engine.client.margin(signer))
      }
      const subject = subjectOf(
        await engine.client.roundId(round),
        accounts.map(({ signer }) => ({ account: signer, sequence: 1n })),
      )
      expect(events.at(-1)?.args.toArray()).toEqual([round.asOf, subject, await engine.chain.signers[0]?.getAddress()])
      expect(inForce.map(({ asOf }) => asOf)).toEqual(accounts.map(() => round.asOf))
      expect(alone.stated.sections.margins).toHaveLength(4)
      expect(full.stated.sections.margins).toHaveLength(3)
    })
    await undone(async () => {
      await lands(engine.marginCall(round, proven(), full))
      const { initialE8, maintenanceE8 } = await engine.client.margin(accounts[1].signer)
      expect([initialE8, maintenanceE8]).toEqual([2n * E8, 4n * E8])
    })
  })

  test('do not land as a full proof, nor the reverse, under either model', async () => {
    const [ofAlone, ofFull] = [modelIdOf('marginsAlone'), modelIdOf('portfolioMargin')]
    const layouts = [layoutHash('marginsAlone'), layoutHash('portfolioMargin')]
    const asAlone = engine.aloneCall(round, proven(), full)
    await refused(asAlone, 'ProofRejected')
    const batch = asAlone.args[1] as object
    const otherModel = withArgument(asAlone, 1, { ...batch, marginModelId: ofFull })
    await refused(otherModel, 'ModelOfAnotherLayout', [ofFull, layouts[1], layouts[0]], engine.models)
    // Words that only the full statement has, whatever they say.
    const further = { ...full.stated.sections, ...alone.stated.sections }
    const asFull = engine.marginCall(round, proven(), { ...alone, stated: { ...alone.stated, sections: further } })
    await refused(asFull, 'ProofRejected')
    const aloneModel = withArgument(asFull, 1, { ...(asFull.args[1] as object), marginModelId: ofAlone })
    await refused(aloneModel, 'ModelOfAnotherLayout', [ofAlone, layouts[0], layouts[1]], engine.models)
    // A proof of the other statement that is made for this one's model.
    for (const [name, other, call] of [
      ['marginsAlone', full, asAlone],
      ['portfolioMargin', { ...alone, stated: { ...alone.stated, sections: further } }, asFull],
    ] as const) {
      const signers = accounts.map(({ signer }) => signer)
      const context = { ...(await engine.context(name, round, signers)), modelId: modelIdOf(name) }
      const foreign = name === 'marginsAlone' ? 'portfolioMargin' : 'marginsAlone'
      const made = await engine.prove(foreign, context, other.stated.sections)
      await refused(withArgument(call, 5, made.proof), 'ProofRejected')
    }
  })

  test('say every word that was proven, and no other', async () => {
    const call = honest()
    const items = call.args[2] as readonly { readonly held: object; readonly margins: bigint }[]
    for (const [i, item] of items.entries()) {
      await refused(withArgument(call, 2, items.with(i, { ...item, margins: item.margins ^ 1n })), 'ProofRejected')
      for (const change of [
        { holdings: pack('holdings', { ...accounts[1].holdings, cashE12: 101n * E12 }) },
        { collateralAmounts: amountsWords(1n, 3n) },
      ]) {
        const held = { ...item.held, ...change }
        await refused(withArgument(call, 2, items.with(i, { ...item, held })), 'BookMismatch')
      }
    }
    const [one, two, three] = items as [(typeof items)[0], (typeof items)[0], (typeof items)[0]]
    const exchanged = [{ ...one, margins: two.margins }, { ...two, margins: one.margins }, three]
    await refused(withArgument(call, 2, exchanged), 'ProofRejected')
    const batch = call.args[1] as { readonly commitment: bigint; readonly emptyMargins: bigint }
    for (const change of [{ emptyMargins: batch.emptyMargins ^ 1n }, { commitment: batch.commitment ^ 1n }]) {
      await refused(withArgument(call, 1, { ...batch, ...change }), 'ProofRejected')
    }
    const aliased = { ...batch, commitment: batch.commitment + SCALAR_FIELD_ORDER }
    await refused(withArgument(call, 1, aliased), 'SignalNotCanonical', [0n, aliased.commitment])
    const words = call.args[3] as readonly bigint[]
    await refused(withArgument(call, 3, [...words, 0n]), 'WordCountMismatch')
    await refused(withArgument(call, 3, words.slice(1)), 'WordCountMismatch')
    await undone(() => lands(call))
  })

  test('are of one to as many accounts as the model has places, which empty accounts fill', async () => {
    const call = honest()
    const items = call.args[2] as readonly { readonly held: object }[]
    const [first, second, third] = items as [object, object, object]
    await refused(withArgument(call, 2, []), 'AccountCountOutOfRange', [0n, 4n])
    await refused(withArgument(call, 2, [...items, third, third]), 'AccountCountOutOfRange', [5n, 4n])
    await refused(withArgument(call, 2, [second, first, third]), 'AccountsNotIncreasing')
    for (const of of [[accounts[0]], [accounts[1], accounts[2]]]) {
      const given = of.map((account) => (account === accounts[0] ? (books[0] ?? []) : []))
      const fewer = await engine.marginAlone(round, of, given)
      await undone(() => lands(engine.aloneCall(round, proven(of), fewer)))
      const { stateIn = [], holdings = [] } = fewer.stated.sections
      for (const change of [
        { stateIn: stateIn.with(3, rootOf(5n)) },
        { holdings: holdings.with(3, (holdings[3] as bigint) + 1n) },
      ]) {
        const other = await engine.marginAlone(round, of, given, change)
        await refused(engine.aloneCall(round, proven(of), other), 'ProofRejected')
      }
    }
  })

  test('keep within their word', async () => {
    const beyond = (1n << 166n) | marginsWord({})
    const margins = (alone.stated.sections.margins as readonly bigint[]).with(1, beyond)
    const forged = await engine.marginAlone(round, accounts, books, { margins })
    await refused(engine.aloneCall(round, proven(), forged), 'MarginsOutOfRange', [accounts[1].signer, beyond])
  })

  test('count once, whichever statement said them first, and skip who has them', async () => {
    const whole = () => engine.marginCall(round, proven(), full)
    const again = async (...calls: readonly (() => RegistryCall)[]) => {
      for (const call of calls) await refused(call(), 'MarginNotNewer', [accounts[0].signer, round.asOf, 1n])
    }
    await undone(async () => {
      await lands(whole())
      await again(whole, honest)
    })
    // Whoever proves margins alone first keeps nobody from their thresholds.
    await undone(async () => {
      await lands(honest())
      await again(honest)
      await lands(whole())
      expect((await engine.client.thresholds(accounts[1].signer)).asOf).toBe(round.asOf)
      await again(whole, honest)
    })
    await undone(async () => {
      const { gasUsed: ofAll } = await engine.chain.undone(() => lands(honest()))
      await lands(engine.marginCall(round, proven([accounts[1]]), await engine.margin(round, [accounts[1]], [[]])))
      const thresholds = await engine.client.thresholds(accounts[1].signer)
      const receipt = await lands(honest())
      expect(receipt.gasUsed).toBeLessThan(ofAll)
      expect(eventsOf(receipt, engine.registry).map(({ name }) => name)).toEqual([
        ...['MarginProvenAlone', 'MarginSkipped', 'MarginProvenAlone', 'MarginsAccepted'],
      ])
      // Who was skipped keeps what was proven of the same round and report.
      expect(await engine.client.thresholds(accounts[1].signer)).toEqual(thresholds)
    })
  })

  test('below maintenance mark the account, and clear it by a later round', async () => {
    await undone(async () => {
      const short = marginsWord({ maintenanceE8: -1n })
      const poor = await engine.marginAlone(round, accounts, books, { margins: [short, short, short, short] })
      await lands(engine.aloneCall(round, proven(), poor))
      const { signer } = accounts[0]
      expect((await engine.client.marginForLiquidation(signer)).liquidatable).toBe(true)
      await next()
      const events = eventsOf(await lands(honest()), engine.registry)
      expect(events.filter(({ name }) => name === 'AccountCleared')).toHaveLength(3)
      expect((await engine.client.marginForLiquidation(signer)).liquidatable).toBe(false)
    })
  })
})

describe('R86: thresholds', () => {
  const { thresholds, margin } = {
    thresholds: () => statusOf(engine.client.thresholds(accounts[1].signer)),
    margin: () => engine.client.margin(accounts[1].signer),
  }
  const unsafe = () => engine.registry.getFunction('unsafeThresholds')(accounts[1].signer)
  const none = () => ({ account: accounts[1].signer, asOf: round.asOf, sequence: 1n })

  test('are those of the margins in force, or not there: a read names the round that came without', async () => {
    await undone(async () => {
      expect(await thresholds()).toEqual(['MarginNotYetProven', { account: accounts[1].signer }])
      await lands(engine.marginCall(round, proven(), full))
      const held = await engine.client.thresholds(accounts[1].signer)
      expect([held.asOf, held.sequence]).toEqual([(await margin()).asOf, 1n])
      await next()
      // Margins of the earlier round have their thresholds, until others come.
      expect((await engine.client.thresholds(accounts[1].signer)).asOf).toBeLessThan(round.asOf)
      await lands(honest())
      expect((await margin()).asOf).toBe(round.asOf)
      expect(await thresholds()).toEqual(['ThresholdsNotProven', none()])
      await expectRevert(unsafe(), engine.registry, 'ThresholdsNotProven', Object.values(none()))
      expect(await readAccount(engine.client, accounts[1].signer)).toMatchObject({
        ...{ status: 'in-force', thresholds: undefined },
        margin: { asOf: round.asOf },
      })
      await next()
      await lands(engine.marginCall(round, proven(), full))
      expect((await engine.client.thresholds(accounts[1].signer)).asOf).toBe(round.asOf)
    })
  })

  test('of another account are no account’s: one that comes without has none', async () => {
    await undone(async () => {
      await lands(engine.marginCall(round, proven([accounts[2]]), await engine.margin(round, [accounts[2]], [[]])))
      await lands(engine.aloneCall(round, proven([accounts[1]]), await engine.marginAlone(round, [accounts[1]], [[]])))
      expect(await thresholds()).toEqual(['ThresholdsNotProven', none()])
      expect((await engine.client.thresholds(accounts[2].signer)).sequence).toBe(1n)
    })
  })

  test('fail as margins do: stale, or of other positions', async () => {
    await undone(async () => {
      await lands(engine.marginCall(round, proven(), full))
      await undone(async () => {
        await engine.report(accounts[1])
        expect((await thresholds()) as unknown[]).toContain('MarginOfOtherPositions')
        expect((await unsafe()).proven.sequence).toBe(1n)
      })
      await undone(async () => {
        await engine.chain.setTime(round.asOf + 3_601n)
        expect((await thresholds()) as unknown[]).toContain('MarginStale')
        expect((await unsafe()).ageSeconds).toBe(3_601n)
      })
      await undone(async () => {
        await engine.chain.setTime(round.asOf + 3_600n)
        expect(await thresholds()).toBe('there')
      })
    })
  })
})
