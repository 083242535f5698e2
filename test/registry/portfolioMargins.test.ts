import { beforeAll, describe, expect, test } from 'vitest'
import { BASE_FIELD_ORDER, SCALAR_FIELD_ORDER } from '../../prover/proof/bn254.ts'
import type { ProvenPortfolio, RoundWords } from '../../prover/registry/index.ts'
import { type RegistryCall, subjectOf } from '../../prover/registry/portfolio/calldata.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import type { SectionWords } from '../../prover/statement/state.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
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
  rootOf,
} from '../../scripts/tools/chains/portfolioEngine.ts'

const EXPIRIES = [2_000_000_000n, 2_000_604_800n, 2_001_209_600n]
const [NEAR = 0n, MIDDLE = 0n, FAR = 0n] = EXPIRIES

const array = (expiry: bigint, firstE8: bigint): ArrayKey => ({
  expiry,
  strikesE8: Array.from({ length: 6 }, (_, i) => (firstE8 + BigInt(i) * 1000n) * E8),
})
const nearLow = array(NEAR, 80_000n)
const nearHigh = array(NEAR, 90_000n)
const middle = array(MIDDLE, 80_000n)
const farLow = array(FAR, 80_000n)
const farHigh = array(FAR, 90_000n)
const farHighest = array(FAR, 100_000n)
const all = [nearLow, nearHigh, middle, farLow, farHigh, farHighest]

const position = (key: ArrayKey, slot: number, calls: bigint, puts: bigint): Position => ({
  expiry: key.expiry,
  strikeE8: key.strikesE8[slot] as bigint,
  callsE12: calls * E12,
  putsE12: puts * E12,
})

let engine: PortfolioEngine
let round: RoundWords
let earlier: RoundWords
/** Two books: seven arrays, of which the last expiry runs over the end of the first. */
let writer: Account
/** One book. */
let buyer: Account
/** No options. */
let trader: Account
let accounts: readonly [Account, Account, Account]
let books: [ProvenPortfolio[], ProvenPortfolio[], ProvenPortfolio[]]
let margin: ProvenPortfolio

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  const addresses = await Promise.all(
    [4, 5, 6].map(async (i) => (await engine.chain.signers[i]?.getAddress()) as string),
  )
  const [first = '', second = '', third = ''] = addresses.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const holdings = { perpsE12: 3n * E12, cashE12: -5n * E12, perpPnlE12: 1n }
  writer = {
    holdings,
    collateralAmounts: amountsWords(1n, 2n),
    signer: first,
    positions: [
      position(nearLow, 0, -2n, 1n),
      position(nearLow, 5, 0n, -3n),
      position(nearHigh, 2, 4n, 0n),
      position(middle, 1, -1n, -1n),
      position(farLow, 3, 7n, 0n),
      position(farHigh, 0, 0n, 2n),
      position(farHigh, 1, 1n, 0n),
      position(farHighest, 5, -9n, 9n),
    ],
  }
  buyer = {
    ...writer,
    signer: second,
    positions: [position(middle, 0, 1n, 0n), position(farLow, 1, 0n, 1n)],
    holdings: { perpsE12: 0n, cashE12: 9n * E12, perpPnlE12: 0n },
  }
  trader = {
    ...writer,
    signer: third,
    positions: [],
    holdings: { perpsE12: -E12, cashE12: 100n * E12, perpPnlE12: -1n },
  }
  accounts = [writer, buyer, trader]
  for (const account of accounts) await engine.report(account)
  earlier = await engine.round(EXPIRIES)
  await mined(engine.landArrays(earlier, all))
  round = await engine.round(EXPIRIES)
  await mined(engine.landArrays(round, all))
  books = [
    await engine.books(round, writer, all),
    await engine.books(round, buyer, [middle, farLow]),
    await engine.books(round, trader, []),
  ]
  margin = await engine.margin(round, accounts, books)
})

const proven = (given = books, of: readonly Account[] = accounts) =>
  of.map(({ signer }, i) => ({ account: signer, books: given[i] as ProvenPortfolio[] }))
const honest = (): RegistryCall => engine.marginCall(round, proven(), margin)
const lands = (call: RegistryCall) => engine.chain.undone(async () => mined(engine.send(call)))
const refused = (call: RegistryCall, error: string, args?: readonly unknown[], by = engine.registry) =>
  expectRevert(engine.send(call), by, error, args)
/** A call with one argument changed. */
const withArgument = (call: RegistryCall, i: number, value: unknown): RegistryCall => ({
  ...call,
  args: call.args.with(i, value),
})
const changed = (proof: ProvenPortfolio, change: SectionWords): ProvenPortfolio => ({
  ...proof,
  stated: { ...proof.stated, sections: { ...proof.stated.sections, ...change } },
})

describe('R28: margins of accounts', () => {
  test('are put in force, all or none, with what they are about', async () => {
    await engine.chain.undone(async () => {
      const receipt = await mined(engine.send(honest()))
      const events = eventsOf(receipt, engine.registry)
      expect(events.map(({ name }) => name)).toEqual([...accounts.map(() => 'MarginProven'), 'PortfolioAccepted'])
      for (const [i, { signer }] of accounts.entries()) {
        const word = margin.stated.sections.margins?.[i] as bigint
        const { initialE8, maintenanceE8 } = unpack('accountMargins', word)
        const found = await engine.client.margin(signer)
        expect(found).toMatchObject({ initialE8, maintenanceE8, worstScenario: 6, asOf: round.asOf, sequence: 1n })
        const thresholds = await engine.client.thresholds(signer)
        expect(thresholds).toMatchObject({ liquidationDownE8: BigInt(i + 1) * E8, defaultProbabilityX32: 77n })
        expect(thresholds).toMatchObject({ asOf: round.asOf, sequence: 1n })
        expect(events[i]?.args.toArray()).toEqual([
          signer,
          round.asOf,
          1n,
          ...['margins', 'thresholds', 'spotGreeks', 'risk'].map((name) => margin.stated.sections[name]?.[i]),
        ])
      }
    })
  })
})

describe('R28: an account’s books', () => {
  test('open with the empty state and go on where the last one ended', async () => {
    const [one, two] = books[0] as [ProvenPortfolio, ProvenPortfolio]
    const wrong = await reproven('optionBook', [writer], two, { stateIn: [rootOf(7n)] })
    await refused(engine.marginCall(round, proven([[one, wrong], books[1], []]), margin), 'ProofRejected')
    const headless = await reproven('optionBook', [writer], one, { stateIn: [rootOf(7n)] })
    await refused(engine.marginCall(round, proven([[headless, two], books[1], []]), margin), 'ProofRejected')
    await refused(engine.marginCall(round, proven([[two, one], books[1], []]), margin), 'ExpiriesDecreasing')
  })

  test('hand their last state to the margins', async () => {
    const { stateIn = [] } = margin.stated.sections
    for (const i of [0, 1, 2]) {
      const other = await engine.margin(round, accounts, books, { stateIn: stateIn.with(i, rootOf(9n)) })
      await refused(engine.marginCall(round, proven(), other), 'ProofRejected')
    }
    const [first = 0n, second = 0n, third = 0n] = stateIn
    const exchanged = await engine.margin(round, accounts, books, { stateIn: [second, first, third] })
    await refused(engine.marginCall(round, proven(), exchanged), 'ProofRejected')
  })

  test('use arrays of this round only, and of the policy in force', async () => {
    const roots = (books[1][0] as ProvenPortfolio).stated.sections.arrayRoots as readonly bigint[]
    const record = (asOf: bigint, version: bigint, expiry: bigint) => asOf | (version << 32n) | (expiry << 64n)
    const foreign = engine.arrayRoot(earlier, middle)
    await refused(
      callOf(1, [changed(books[1][0] as ProvenPortfolio, { arrayRoots: roots.with(0, foreign) })]),
      'ArrayUnknown',
      [foreign, record(earlier.asOf, 1n, MIDDLE), record(round.asOf, 1n, MIDDLE)],
    )
    const unknown = rootOf(1n, 2n)
    await refused(
      callOf(1, [changed(books[1][0] as ProvenPortfolio, { arrayRoots: roots.with(4, unknown) })]),
      'ArrayUnknown',
      [unknown, 0n, record(round.asOf, 1n, FAR)],
    )
    // An array of the round, but of another expiry than the positions that stand over it.
    const misplaced = engine.arrayRoot(round, nearLow)
    await refused(
      callOf(1, [changed(books[1][0] as ProvenPortfolio, { arrayRoots: roots.with(0, misplaced) })]),
      'ArrayUnknown',
      [misplaced, record(round.asOf, 1n, NEAR), record(round.asOf, 1n, MIDDLE)],
    )
    // Another array of the same round and expiry is recorded as well; which strikes it has the proof knows.
    const sameExpiry = engine.arrayRoot(round, farHigh)
    await refused(
      callOf(1, [changed(books[1][0] as ProvenPortfolio, { arrayRoots: roots.with(1, sameExpiry) })]),
      'ProofRejected',
    )
    await engine.chain.undone(async () => {
      await mined(
        engine.arrays.getFunction('setPortfolioPolicy')(await engine.client.policy().then(({ words }) => [...words])),
      )
      const root = engine.arrayRoot(round, nearLow)
      await refused(honest(), 'ArrayUnknown', [root, record(round.asOf, 1n, NEAR), record(round.asOf, 2n, NEAR)])
    })
  })

  test('hold every position that was reported, once, in order, and nothing else', async () => {
    const [one, two] = books[0] as [ProvenPortfolio, ProvenPortfolio]
    const words = one.stated.sections.positions as readonly bigint[]
    const held = words.map((word, i) => ({ i, word })).filter(({ word }) => word >> 80n !== NOTHING_HELD)
    expect(held.length).toBe(7)
    const emptied = (word: bigint): bigint => (word & ((1n << 80n) - 1n)) | (NOTHING_HELD << 80n)
    const [{ i: i0, word: w0 }, { i: i1, word: w1 }] = held as [(typeof held)[0], (typeof held)[0]]
    const attacks: Record<string, readonly bigint[]> = {
      'one left out': words.with(i0, emptied(w0)),
      'one twice': words.with(i0 + 1, w0),
      'two exchanged': words.with(i0, w1).with(i1, w0),
      'one more call': words.with(i0, w0 + (1n << 80n)),
      'another strike': words.with(i0, w0 + (1n << 32n)),
      'one invented': words.with(i0 + 1, (words[i0 + 1] as bigint) + (1n << 80n)),
      'a bit beyond its fields': words.with(i0, w0 | (1n << 202n)),
    }
    for (const [name, positions] of Object.entries(attacks)) {
      const forged = await reproven('optionBook', [writer], one, { positions })
      const call = engine.marginCall(round, proven([[forged, two], books[1], []]), margin)
      await refused(call, 'BookMismatch').catch((error: Error) =>
        Promise.reject(new Error(`${name}: ${error.message}`)),
      )
    }
    const bookWords = honest().args[3] as bigint[]
    const tooWide = withArgument(honest(), 3, bookWords.with(6, (bookWords[6] as bigint) | (1n << 248n)))
    await refused(tooWide, 'StatementWordOutOfRange')
    await refused(engine.marginCall(round, proven([[one], books[1], []]), margin), 'BookMismatch')
    await refused(engine.marginCall(round, proven([[], books[1], []]), margin), 'BookMismatch')
  })

  test('value every expiry as a whole: segments of one stand together and continue', async () => {
    // The far expiry in two runs with another between them, which holds nothing there.
    const split = { ...buyer, positions: [position(farLow, 1, 1n, 0n), position(farHigh, 1, 1n, 0n)] }
    await engine.chain.undone(async () => {
      await engine.report(split)
      const apart = await engine.books(round, split, [farLow, middle, farHigh])
      const args = [MIDDLE, FAR]
      const alone = await engine.margin(round, [split], [apart])
      await refused(engine.marginCall(round, proven([apart, [], []], [split]), alone), 'ExpiriesDecreasing', args)
      const together = await engine.books(round, split, [farLow, farHigh])
      const whole = await engine.margin(round, [split], [together])
      await lands(engine.marginCall(round, proven([together, [], []], [split]), whole))
      // A proof that closes the expiry in between is of other flags than the contract derives.
      const [book] = together as [ProvenPortfolio]
      const [flags = 0n] = book.stated.sections.flags ?? []
      expect(flags).toBe(0b01111n)
      for (const other of [flags ^ 1n, flags ^ 16n, 0n]) {
        const cut = await reproven('optionBook', [split], book, { flags: [other] })
        await refused(engine.marginCall(round, proven([[cut], [], []], [split]), whole), 'ProofRejected')
      }
    })
  })

  test('continue from one book into the next', async () => {
    const [one, two] = books[0] as [ProvenPortfolio, ProvenPortfolio]
    expect(one.stated.sections.flags).toEqual([0b11001n])
    expect(two.stated.sections.flags).toEqual([0b01111n])
    const closed = await reproven('optionBook', [writer], one, { flags: [0b01001n] })
    await refused(engine.marginCall(round, proven([[closed, two], books[1], []]), margin), 'ProofRejected')
  })

  test('are as many as their proofs, with exactly their words', async () => {
    const call = honest()
    const words = call.args[3] as readonly bigint[]
    const proofs = call.args[4] as readonly unknown[]
    const count = BigInt(words.length)
    await refused(withArgument(call, 3, [...words, 0n]), 'WordCountMismatch', [count + 1n, count])
    await refused(withArgument(call, 3, words.slice(0, -1)), 'WordCountMismatch')
    await refused(withArgument(call, 4, proofs.slice(0, -1)), 'ProofCountMismatch')
    await refused(withArgument(call, 4, [...proofs, proofs[0]]), 'ProofCountMismatch')
    const items = call.args[2] as readonly { readonly held: object }[]
    const withArrays = (i: number, of: number | bigint) =>
      items.with(i, { ...items[i], held: { ...items[i]?.held, arrays: of } })
    expect(items.map(({ held }) => (held as { arrays: number }).arrays)).toEqual([6, 2, 0])
    for (const fewer of [0, 5]) await refused(withArgument(call, 2, withArrays(0, fewer)), 'BookMismatch')
    await refused(withArgument(call, 2, withArrays(0, 1)), 'StatementWordOutOfRange')
    await refused(withArgument(call, 2, withArrays(2, 1)), 'ProofCountMismatch', [3n, 4n])
    await refused(withArgument(call, 2, withArrays(0, 16)), 'ProofCountMismatch', [3n, 4n])
    await refused(withArgument(call, 2, withArrays(0, (1n << 256n) - 1n)), 'ProofCountMismatch')
    await refused(withArgument(call, 2, withArrays(1, 5)), 'WordCountMismatch', [count, count + 21n])
  })

  test('R195: may fill the last one up in full: it is the same statement, and no other', async () => {
    const [three] = books[1] as [ProvenPortfolio]
    const alone = await engine.margin(round, [buyer], [books[1]])
    const call = engine.marginCall(round, proven([books[1], [], []], [buyer]), alone)
    const [item] = call.args[2] as readonly { readonly held: object }[]
    const { arrayRoots = [], positions = [], stateOut = [] } = three.stated.sections
    const inFull = (roots: readonly bigint[], words: readonly bigint[]) => {
      const given = [{ ...item, held: { ...item?.held, arrays: roots.length } }]
      const bookWords = [three.stated.commitment, ...roots, ...words, ...stateOut]
      return withArgument(withArgument(call, 2, given), 3, bookWords)
    }
    expect((call.args[3] as readonly bigint[]).length).toBe(2 + 2 * 7)
    await lands(call)
    for (const places of [2, 3, 5]) await lands(inFull(arrayRoots.slice(0, places), positions.slice(0, 6 * places)))
    const [first] = arrayRoots as [bigint]
    await refused(inFull(arrayRoots.with(-1, first), positions), 'ArrayUnknown', undefined, engine.arrays)
    await refused(inFull(arrayRoots, positions.with(-1, (positions.at(-1) as bigint) + (1n << 80n))), 'BookMismatch')
    await refused(inFull(arrayRoots, positions.with(-1, (positions.at(-1) as bigint) + (1n << 32n))), 'ProofRejected')
  })

  test('of another account are not its own, however alike', async () => {
    await engine.chain.undone(async () => {
      const twin = { ...buyer, signer: writer.signer }
      await engine.report(twin)
      const theirs = books[1]
      const alone = await engine.margin(round, [twin], [theirs])
      await refused(engine.marginCall(round, proven([theirs, [], []], [twin]), alone), 'ProofRejected')
      const own = await engine.books(round, twin, [middle, farLow])
      await lands(engine.marginCall(round, proven([own, [], []], [twin]), alone))
    })
  })

  test('serve any batch: they are proven by account', async () => {
    const alone = await engine.margin(round, [buyer], [books[1]])
    await lands(engine.marginCall(round, proven([books[1], [], []], [buyer]), alone))
  })

  test('fail together with one that is wrong, and alone too', async () => {
    const [one, two] = books[0] as [ProvenPortfolio, ProvenPortfolio]
    const [three] = books[1] as [ProvenPortfolio]
    for (const [i, given] of [
      [[{ ...one, proof: two.proof }, two], [three], []],
      [[one, { ...two, proof: three.proof }], [three], []],
      [[one, two], [{ ...three, proof: one.proof }], []],
    ].entries()) {
      const call = engine.marginCall(round, proven(given as never), margin)
      await refused(call, 'ProofRejected').catch((error) => Promise.reject(new Error(`${i}`, { cause: error })))
    }
    const alone = await engine.margin(round, [buyer], [books[1]])
    await refused(callAlone([{ ...three, proof: one.proof }], alone), 'ProofRejected')
  })
})

describe('R80: books and margins in one check', () => {
  test('count for the key of their own model alone', async () => {
    const call = honest()
    const proofs = call.args[4] as readonly unknown[]
    await refused(withArgument(withArgument(call, 4, proofs.with(0, margin.proof)), 5, proofs[0]), 'ProofRejected')
    const underBooks = await (await engine.proving('portfolioMargin', 'first')).margin(round, accounts, books)
    await refused(engine.marginCall(round, proven(), underBooks), 'ProofRejected')
    const three = await (await engine.proving('optionBook', 'second')).books(round, buyer, [middle, farLow])
    await refused(engine.marginCall(round, proven([books[0], three, books[2]]), margin), 'ProofRejected')
    await lands(call)
  })
})

describe('R81: books and margins of different first phases', () => {
  test('are refused by name; margins without books have none to differ from, nor have keys of the same one', async () => {
    await engine.chain.undone(async () => {
      const apart = await engine.withKey('portfolioMargin', 'apart')
      const differing = apart.marginCall(round, proven(), await apart.margin(round, accounts, books))
      await refused(differing, 'FirstPhaseDiffers', [await apart.verifierOf('optionBook')])
      const alone = await apart.margin(round, [trader], [[]])
      await lands(apart.marginCall(round, proven([[], [], []], [trader]), alone))
      const another = await engine.withKey('portfolioMargin', 'third')
      await lands(another.marginCall(round, proven(), await another.margin(round, accounts, books)))
    })
    await engine.chain.undone(async () => {
      const apart = await engine.withKey('optionBook', 'apart')
      const theirs = [await apart.books(round, writer, all), await apart.books(round, buyer, [middle, farLow]), []]
      const call = apart.marginCall(round, proven(theirs as never), margin)
      await refused(call, 'FirstPhaseDiffers', [await apart.verifierOf('optionBook')])
    })
  })
})

describe('R28: a batch of accounts', () => {
  test('has one to as many accounts as the model has places, by increasing address', async () => {
    const call = honest()
    const items = call.args[2] as readonly { readonly held: object }[]
    const [first, second, third] = items as [object, object, (typeof items)[0]]
    await refused(withArgument(call, 2, []), 'AccountCountOutOfRange', [0n, 3n])
    await refused(withArgument(call, 2, [...items, third]), 'AccountCountOutOfRange', [4n, 3n])
    await refused(withArgument(call, 2, [first, first, third]), 'AccountsNotIncreasing', [writer.signer, writer.signer])
    await refused(withArgument(call, 2, [second, first, third]), 'AccountsNotIncreasing', [writer.signer, buyer.signer])
    const nobody = `0x${'ff'.repeat(20)}`
    await refused(
      withArgument(call, 2, [first, second, { ...third, held: { ...third.held, account: nobody } }]),
      'AccountUnknown',
    )
  })

  test('skips an account whose margins are in force already, and lands the others with the same proof, at no more gas', async () => {
    const { gasUsed: ofAll } = await lands(honest())
    for (const [i, first] of accounts.entries()) {
      await engine.chain.undone(async () => {
        const alone = await engine.margin(round, [first], [books[i] as ProvenPortfolio[]])
        await mined(
          engine.send(engine.marginCall(round, proven([books[i] as ProvenPortfolio[], [], []], [first]), alone)),
        )
        const before = await engine.registry.getFunction('unsafeMargin')(first.signer)
        const receipt = await mined(engine.send(honest()))
        expect(receipt.gasUsed).toBeLessThan(ofAll)
        const events = eventsOf(receipt, engine.registry)
        expect(events.map(({ name }) => name)).toEqual([
          ...accounts.map((account) => (account === first ? 'MarginSkipped' : 'MarginProven')),
          'PortfolioAccepted',
        ])
        expect(events[i]?.args.toArray()).toEqual([first.signer, round.asOf, 1n])
        expect((await engine.registry.getFunction('unsafeMargin')(first.signer)).proven).toEqual(before.proven)
        await refused(honest(), 'MarginNotNewer', [writer.signer, round.asOf, 1n])
      })
    }
  })

  test('skips no account of which it says something else than was proven', async () => {
    await engine.chain.undone(async () => {
      const alone = await engine.margin(round, [buyer], [books[1]])
      await mined(engine.send(engine.marginCall(round, proven([books[1], [], []], [buyer]), alone)))
      const items = honest().args[2] as readonly { readonly thresholds: bigint }[]
      const other = { ...items[1], thresholds: (items[1]?.thresholds ?? 0n) ^ 1n } as never
      await refused(withArgument(honest(), 2, items.with(1, other)), 'ProofRejected')
    })
  })

  test('fills its places with accounts that hold nothing', async () => {
    const alone = await engine.margin(round, [trader], [[]])
    await lands(engine.marginCall(round, proven([[], [], []], [trader]), alone))
    const { holdings = [], collateralAmounts = [], stateIn = [] } = alone.stated.sections
    for (const change of [
      { holdings: holdings.with(2, (holdings[2] as bigint) + 1n) },
      { collateralAmounts: collateralAmounts.with(-1, 1n) },
      { stateIn: stateIn.with(1, rootOf(5n)) },
    ]) {
      const other = await engine.margin(round, [trader], [[]], change)
      await refused(engine.marginCall(round, proven([[], [], []], [trader]), other), 'ProofRejected')
    }
  })

  test('holds what the venue reported', async () => {
    for (const [field, value] of [
      ['holdings', pack('holdings', { ...trader.holdings, cashE12: 101n * E12 })],
      ['collateralAmounts', amountsWords(1n, 3n)],
      ['collateralAmounts', amountsWords(2n, 2n)],
      ['collateralAmounts', amountsWords(1n, 2n).with(-1, 1n)],
    ] as const) {
      const call = honest()
      const items = call.args[2] as readonly { readonly held: object }[]
      const held = { ...items[2]?.held, [field]: value }
      await refused(withArgument(call, 2, items.with(2, { ...items[2], held })), 'BookMismatch')
    }
  })

  test('is proven as a whole: no result of it changed or exchanged', async () => {
    const call = honest()
    const items = call.args[2] as readonly Record<string, bigint>[]
    const [first, second] = items as [Record<string, bigint>, Record<string, bigint>]
    for (const field of ['margins', 'thresholds', 'spotGreeks', 'risk']) {
      const other = { ...first, [field]: (first[field] as bigint) + 1n }
      await refused(withArgument(call, 2, items.with(0, other as never)), 'ProofRejected')
    }
    const exchanged = [{ ...first, margins: second.margins }, { ...second, margins: first.margins }, items[2]]
    await refused(withArgument(call, 2, exchanged), 'ProofRejected')
    const batch = call.args[1] as Record<string, unknown>
    await refused(withArgument(call, 1, { ...batch, commitment: (batch.commitment as bigint) + 1n }), 'ProofRejected')
  })

  test('keeps margins within their word', async () => {
    const beyond = (1n << 166n) | marginsWord({})
    const margins = (margin.stated.sections.margins as readonly bigint[]).with(1, beyond)
    const forged = await engine.margin(round, accounts, books, { margins })
    await refused(engine.marginCall(round, proven(), forged), 'MarginsOutOfRange', [buyer.signer, beyond])
    const widest = marginsWord({ initialE8: (1n << 79n) - 1n, maintenanceE8: -(1n << 79n), worstScenario: 63n })
    const edge = await engine.margin(round, accounts, books, { margins: [widest, widest, widest] })
    await engine.chain.undone(async () => {
      await mined(engine.send(engine.marginCall(round, proven(), edge)))
      expect((await engine.client.margin(buyer.signer)).maintenanceE8).toBe(-(1n << 79n))
    })
  })

  test('takes canonical numbers only', async () => {
    const call = honest()
    const batch = call.args[1] as Record<string, bigint>
    const aliased = { ...batch, commitment: (batch.commitment as bigint) + SCALAR_FIELD_ORDER }
    await refused(withArgument(call, 1, aliased), 'SignalNotCanonical', [0n, aliased.commitment])
    const words = call.args[3] as readonly bigint[]
    const last = words.length - 1
    const root = words[last] as bigint
    await refused(withArgument(call, 3, words.with(last, root + SCALAR_FIELD_ORDER)), 'StatementWordOutOfRange')
    await refused(withArgument(call, 3, words.with(0, (words[0] as bigint) + SCALAR_FIELD_ORDER)), 'SignalNotCanonical')
    const proof = call.args[5] as readonly bigint[]
    await refused(withArgument(call, 5, proof.with(0, (1n << 256n) - 1n)), 'CoordinateNotCanonical')
  })
})

describe('R29: a proof fits one place once', () => {
  test('is not taken twice, not even in another encoding', async () => {
    await engine.chain.undone(async () => {
      await mined(engine.send(honest()))
      await refused(honest(), 'MarginNotNewer', [writer.signer, round.asOf, 1n])
      await refused(withArgument(honest(), 5, negated(margin.proof)), 'MarginNotNewer')
      const later = await engine.margin(round, [buyer], [books[1]])
      await refused(engine.marginCall(round, proven([books[1], [], []], [buyer]), later), 'MarginNotNewer')
    })
    await lands(withArgument(honest(), 5, negated(margin.proof))) // once, it is as good as the first
  })

  test('does not follow a later report of its account, and lands without it', async () => {
    await engine.chain.undone(async () => {
      await engine.report(buyer) // the same positions again
      const claiming = (sequence: bigint) => {
        const items = honest().args[2] as readonly { readonly held: object }[]
        return withArgument(honest(), 2, items.with(1, { ...items[1], held: { ...items[1]?.held, sequence } }))
      }
      await refused(claiming(2n), 'ProofRejected')
      await refused(claiming(0n), 'ReportUnknown', [buyer.signer, 0n, 2n])
      await refused(claiming(3n), 'ReportUnknown', [buyer.signer, 3n, 2n])
      await engine.chain.undone(async () => {
        const events = eventsOf(await mined(engine.send(honest())), engine.registry)
        const skipped = events.filter(({ name }) => name === 'MarginSkipped')
        expect(skipped.map(({ args }) => args.toArray())).toEqual([[buyer.signer, round.asOf, 1n]])
        await expectRevert(engine.registry.getFunction('marginOf')(buyer.signer), engine.registry, 'MarginNotYetProven')
        expect((await engine.client.margin(writer.signer)).sequence).toBe(1n)
      })
      const alone = await engine.margin(round, [buyer], [books[1]])
      const late = engine.marginCall(round, [{ account: buyer.signer, sequence: 1n, books: books[1] }], alone)
      await refused(late, 'MarginNotNewer', [buyer.signer, round.asOf, 1n])
      const books1 = await engine.books(round, buyer, [middle, farLow])
      const again = await engine.margin(round, accounts, [books[0], books1, []])
      await lands(engine.marginCall(round, proven([books[0], books1, []]), again))
    })
  })

  test('does not follow a later round, and no earlier one comes back', async () => {
    await engine.chain.undone(async () => {
      const next = await engine.round(EXPIRIES)
      await mined(engine.landArrays(next, [middle, farLow]))
      const nextBooks = await engine.books(next, buyer, [middle, farLow])
      await refused(
        engine.marginCall(next, proven([books[1], [], []], [buyer]), await engine.margin(next, [buyer], [books[1]])),
        'ArrayUnknown',
      )
      const later = await engine.margin(next, [buyer], [nextBooks])
      await mined(engine.send(engine.marginCall(next, proven([nextBooks, [], []], [buyer]), later)))
      const before = await engine.margin(round, [buyer], [books[1]])
      const call = engine.marginCall(round, proven([books[1], [], []], [buyer]), before)
      await refused(call, 'MarginNotNewer', [buyer.signer, round.asOf, 1n])
    })
  })

  test('takes the round’s own words, at most as old as the policy allows', async () => {
    const call = honest()
    const given = call.args[0] as {
      readonly asOf: bigint
      readonly expiriesHash: string
      readonly marketWords: bigint[]
    }
    const marketWords = given.marketWords.with(1, (given.marketWords[1] as bigint) + 1n)
    await refused(withArgument(call, 0, { ...given, marketWords }), 'RoundUnknown')
    await refused(withArgument(call, 0, { ...given, expiriesHash: `0x${'12'.repeat(32)}` }), 'RoundUnknown')
    await refused(withArgument(call, 0, { ...given, asOf: given.asOf + 1n }), 'RoundTimeMismatch', [
      round.asOf,
      round.asOf + 1n,
    ])
    for (const [age, stale] of [
      [600n, false],
      [601n, true],
    ] as const) {
      await engine.chain.undone(async () => {
        await engine.chain.setNextTime(round.asOf + age)
        if (!stale) await mined(engine.send(call))
        else await refused(call, 'RoundStale', [round.asOf, round.asOf + 1n])
      })
    }
  })

  test('R53: takes no round whose perpetuals are not within a factor of 2 of spot', async () => {
    const call = honest()
    const given = call.args[0] as { readonly marketWords: bigint[] }
    const prices = unpack('roundPrices', given.marketWords[0] as bigint)
    const priced = (spotE8: bigint, perpPriceE8: bigint) => {
      const marketWords = given.marketWords.with(0, pack('roundPrices', { ...prices, spotE8, perpPriceE8 }))
      return withArgument(call, 0, { ...given, marketWords })
    }
    const { spotE8 } = prices
    const half = (spotE8 + 1n) / 2n
    for (const perpPriceE8 of [0n, half - 1n, 2n * spotE8 + 1n]) {
      await refused(priced(spotE8, perpPriceE8), 'RoundPricesApart', [spotE8, perpPriceE8, 10_000n])
    }
    for (const perpPriceE8 of [half, 2n * spotE8]) await refused(priced(spotE8, perpPriceE8), 'RoundUnknown')
    await refused(priced(0n, 0n), 'RoundPricesApart', [0n, 0n, 10_000n])
  })

  const elsewhere: Record<string, (context: Context) => Context> = {
    'another chain': (context) => ({ ...context, chainId: 1n }),
    'another registry': (context) => ({ ...context, registry: engine.models.target as string }),
    'another model': (context) => ({ ...context, modelId: modelIdOf('riskArray') }),
    'another round': (context) => ({ ...context, subject: [subjectOf(rootHash(1n), reports())] }),
    'other accounts': (context) => ({ ...context, subject: [subjectOf(context.subject[0] ?? '', reports().slice(1))] }),
  }
  for (const [place, move] of Object.entries(elsewhere)) {
    test(`is not of ${place}`, async () => {
      const context = await engine.context(
        'portfolioMargin',
        round,
        accounts.map(({ signer }) => signer),
      )
      const foreign = await engine.prove('portfolioMargin', move(context), margin.stated.sections)
      await refused(engine.marginCall(round, proven(), foreign), 'ProofRejected')
      const [one, two] = books[0] as [ProvenPortfolio, ProvenPortfolio]
      const ofBook = await engine.context('optionBook', round, [writer.signer])
      const book = await engine.prove('optionBook', move(ofBook), one.stated.sections)
      await refused(engine.marginCall(round, proven([[book, two], books[1], []]), margin), 'ProofRejected')
    })
  }

  test('is of the kind of statement that is asked for', async () => {
    const call = honest()
    const batch = call.args[1] as object
    for (const [field, name, expected] of [
      ['marginModelId', 'optionBook', 'portfolioMargin'],
      ['marginModelId', 'unhealthyWitness', 'portfolioMargin'],
      ['bookModelId', 'portfolioMargin', 'optionBook'],
      ['bookModelId', 'riskArray', 'optionBook'],
    ] as const) {
      const id = modelIdOf(name)
      await refused(
        withArgument(call, 1, { ...batch, [field]: id }),
        'ModelOfAnotherLayout',
        [id, layoutHash(name), layoutHash(expected)],
        engine.models,
      )
    }
    await engine.chain.undone(async () => {
      await mined(engine.models.getFunction('disable')(modelIdOf('portfolioMargin')))
      await refused(call, 'ModelNotActive', [modelIdOf('portfolioMargin'), 2n], engine.models)
    })
  })
})

type Context = Awaited<ReturnType<PortfolioEngine['context']>>

/** Calls and puts of a position word that holds nothing. */
const NOTHING_HELD = (1n << 60n) | (1n << 121n)

const reports = () => accounts.map(({ signer }) => ({ account: signer, sequence: 1n }))
const rootHash = (n: bigint): string => `0x${rootOf(n).toString(16).padStart(64, '0')}`

/** A batch of the three accounts in which one has other books. */
function callOf(i: number, given: readonly ProvenPortfolio[]): RegistryCall {
  return engine.marginCall(round, proven(books.with(i, [...given]) as typeof books), margin)
}

function callAlone(given: readonly ProvenPortfolio[], alone: ProvenPortfolio): RegistryCall {
  return engine.marginCall(round, proven([[...given], [], []], [buyer]), alone)
}

/** The same statement with some words changed, and a valid proof of it. */
async function reproven(
  name: Parameters<PortfolioEngine['prove']>[0],
  of: readonly Account[],
  { stated }: ProvenPortfolio,
  change: SectionWords,
): Promise<ProvenPortfolio> {
  const context = await engine.context(
    name,
    round,
    of.map(({ signer }) => signer),
  )
  return engine.prove(name, context, { ...stated.sections, ...change })
}

/** (-A, -B, C): as valid as the proof itself. */
function negated([ax, ay, bx1, bx0, by1, by0, cx, cy]: ProvenPortfolio['proof']): readonly bigint[] {
  const minus = (value: bigint): bigint => (value === 0n ? 0n : BASE_FIELD_ORDER - value)
  return [ax, minus(ay), bx1, bx0, minus(by1), minus(by0), cx, cy]
}
