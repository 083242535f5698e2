/** Margins of one account straight from its arrays: what is put in force, and what the registry refuses of it by itself. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { ProvenPortfolio, RoundWords } from '../../prover/registry/index.ts'
import { countCall, type RegistryCall, subjectOf } from '../../prover/registry/portfolio/calldata.ts'
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
  freshness,
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
const far = keyOf(FAR, 60n)
const keys = [near, far]
/** Places of the model, and words of an array: its root, six positions. */
const [PLACES, WORDS] = [3, 7]
const position = ({ expiry, strikesE8 }: ArrayKey, slot: number, calls: bigint, puts: bigint): Position => ({
  expiry,
  strikeE8: strikesE8[slot] as bigint,
  callsE12: calls * E12,
  putsE12: puts * E12,
})
const [first, last] = [position(near, 0, -1n, 0n), position(far, 2, -2n, 2n)]

let engine: PortfolioEngine
let round: RoundWords
let earlier: RoundWords
let account: Account
let margin: ProvenPortfolio

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  account = {
    signer: (await engine.chain.signers[7]?.getAddress()) as string,
    positions: [first, position(near, 4, 0n, 3n), last],
    holdings: { perpsE12: -2n * E12, cashE12: 100n * E12, perpPnlE12: 0n },
    collateralAmounts: amountsWords(5n, 6n),
  }
  await engine.report(account)
  earlier = await engine.round([NEAR, FAR])
  await mined(engine.landArrays(earlier, keys))
  round = await engine.round([NEAR, FAR])
  await mined(engine.landArrays(round, keys))
  margin = await engine.arrayMargin(round, account, keys)
})

const call = (proof = margin, at = round, sequence = 1n): RegistryCall =>
  engine.arrayMarginCall(at, { account: account.signer, sequence }, proof)
const refused = (what: RegistryCall, error: string, args?: readonly unknown[], by = engine.registry) =>
  expectRevert(engine.send(what), by, error, args)
const lands = (what: RegistryCall) => engine.chain.undone(async () => mined(engine.send(what)))
const withArgument = (what: RegistryCall, i: number, value: unknown): RegistryCall => ({
  ...what,
  args: what.args.with(i, value),
})
const withBatch = (what: RegistryCall, change: object): RegistryCall =>
  withArgument(what, 1, { ...(what.args[1] as object), ...change })
type Item = { readonly held: object }
const itemOf = (what: RegistryCall): Item => (what.args[2] as readonly Item[])[0] as Item
const withItem = (what: RegistryCall, change: object): RegistryCall =>
  withArgument(what, 2, [{ ...itemOf(what), ...change }])
const withHeld = (what: RegistryCall, change: object): RegistryCall =>
  withItem(what, { held: { ...itemOf(what).held, ...change } })
const wordsOf = (what: RegistryCall): readonly bigint[] => what.args[3] as readonly bigint[]
const forged = (change: SectionWords) => engine.arrayMargin(round, account, keys, change)
const resultsOf = ({ margins, thresholds, spotGreeks, risk }: SectionWords) =>
  [margins, thresholds, spotGreeks, risk].map((words) => words?.[0])

describe('R196: margins straight from arrays', () => {
  test('are put in force with everything else that is proven, once, by one proof and without a book', async () => {
    await engine.chain.undone(async () => {
      await expect(engine.client.margin(account.signer)).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
      const [proven, accepted] = eventsOf(await mined(engine.send(call())), engine.registry)
      expect(proven?.name).toBe('MarginProven')
      expect(proven?.args.toArray()).toEqual([account.signer, round.asOf, 1n, ...resultsOf(margin.stated.sections)])
      const subject = subjectOf(await engine.client.roundId(round), [{ account: account.signer, sequence: 1n }])
      const sender = await engine.chain.signers[0]?.getAddress()
      expect(accepted?.args.toArray()).toEqual([round.asOf, subject, 0n, sender])
      expect(await engine.client.margin(account.signer)).toMatchObject({ asOf: round.asOf, sequence: 1n })
      expect(await engine.client.thresholds(account.signer)).toMatchObject({ asOf: round.asOf })
      await refused(call(), 'MarginNotNewer', [account.signer, round.asOf, 1n])
    })
  })

  test('leave what a book and a batch of margins leave that say the same', async () => {
    const results = resultsOf(margin.stated.sections) as bigint[]
    const [margins, thresholds, spotGreeks, risk] = results.map((word) => [word, word, word])
    const books = await engine.books(round, account, keys)
    const byBook = await engine.margin(round, [account], [books], {
      margins,
      thresholds,
      spotGreeks,
      risk,
    } as SectionWords)
    const left: unknown[] = []
    for (const each of [call(), engine.marginCall(round, [{ account: account.signer, books }], byBook)]) {
      await engine.chain.undone(async () => {
        const events = eventsOf(await mined(engine.send(each)), engine.registry)
        const { signer } = account
        left.push({
          events: events.map(({ name, args }) => [name, args.toArray()]),
          margin: await engine.client.margin(signer),
          thresholds: await engine.client.thresholds(signer),
          liquidation: { ...(await engine.client.marginForLiquidation(signer)), ageSeconds: 0n },
        })
      })
    }
    expect(left[0]).toEqual(left[1])
  })

  test('hold every reported position once and in order, and nothing else', async () => {
    const positions = margin.stated.sections.positions as readonly bigint[]
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
    const richer = { ...account, holdings: { ...account.holdings, cashE12: account.holdings.cashE12 + 1n } }
    await refused(call(await engine.arrayMargin(round, richer, keys)), 'BookMismatch')
    const more = { ...account, collateralAmounts: amountsWords(5n, 7n) }
    await refused(call(await engine.arrayMargin(round, more, keys)), 'BookMismatch')
    // An expiry that is left out, with all that is held of it.
    await refused(call(await engine.arrayMargin(round, account, [near])), 'BookMismatch')
    await refused(call(await engine.arrayMargin(round, account, [far])), 'BookMismatch')
  })

  test('use arrays of their round and policy, of the expiries that positions say, each expiry whole', async () => {
    const roots = margin.stated.sections.arrayRoots as readonly bigint[]
    const [older, misplaced] = [engine.arrayRoot(earlier, near), roots[1] as bigint]
    for (const other of [rootOf(1n), older, misplaced])
      await refused(call(await forged({ arrayRoots: roots.with(0, other) })), 'ArrayUnknown', undefined, engine.arrays)
    await refused(call(await engine.arrayMargin(round, account, [far, near])), 'ExpiriesDecreasing', [NEAR, FAR])
    await refused(call(await engine.arrayMargin(round, account, [near, far, near])), 'ExpiriesDecreasing', [NEAR, FAR])
    // The near expiry ends at once, the far one goes on to the end, where it is filled up.
    expect(margin.stated.sections.flags).toEqual([0b010n])
    for (const flags of [0b011n, 0b110n, 0b111n, 0n]) {
      await refused(call(await forged({ flags: [flags] })), 'ProofRejected')
    }
  })

  test('have exactly the words of their arrays, as many as there are places for', async () => {
    const words = wordsOf(call())
    const count = BigInt(keys.length * WORDS)
    expect(BigInt(words.length)).toBe(count)
    await refused(withArgument(call(), 3, [...words, 0n]), 'WordCountMismatch', [count + 1n, count])
    await refused(withArgument(call(), 3, words.slice(1)), 'WordCountMismatch', [count - 1n, count])
    for (const arrays of [BigInt(PLACES) + 1n, (1n << 256n) - 1n]) {
      await refused(withHeld(call(), { arrays }), 'ArrayCountOutOfRange', [arrays, BigInt(PLACES)])
    }
    for (const arrays of [1n, BigInt(PLACES)]) {
      await refused(withHeld(call(), { arrays }), 'WordCountMismatch', [count, arrays * BigInt(WORDS)])
    }
  })

  test('may fill every place, and R195: what fills them up may be given in full', async () => {
    const farther = keyOf(FAR, 90n)
    const held = [...account.positions, position(farther, 5, 1n, 1n)]
    const wider = { ...account, positions: held }
    await engine.chain.undone(async () => {
      await mined(engine.landArrays(round, [farther]))
      await engine.report(wider)
      const full = await engine.arrayMargin(round, wider, [near, far, farther])
      expect(wordsOf(call(full))).toHaveLength(PLACES * WORDS)
      await mined(engine.send(call(full, round, 2n)))
    })
    const { arrayRoots = [], positions = [] } = margin.stated.sections
    const inFull = (roots: readonly bigint[], words: readonly bigint[]) =>
      withArgument(withHeld(call(), { arrays: BigInt(PLACES) }), 3, [...roots, ...words])
    await lands(inFull(arrayRoots, positions))
    await refused(
      inFull(arrayRoots.with(-1, arrayRoots[0] as bigint), positions),
      'ArrayUnknown',
      undefined,
      engine.arrays,
    )
    await refused(inFull(arrayRoots, positions.with(-4, pack('optionPosition', last))), 'BookMismatch')
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
    const { sections } = margin.stated
    for (const name of ['margins', 'thresholds', 'spotGreeks', 'risk']) {
      const other = (sections[name]?.[0] as bigint) ^ 1n
      await refused(withItem(honest, { [name]: other }), 'ProofRejected')
    }
    const beyond = marginsWord({}) | (1n << 200n)
    await refused(withItem(honest, { margins: beyond }), 'MarginsOutOfRange', [account.signer, beyond])
    await refused(withBatch(honest, { commitment: margin.stated.commitment + 1n }), 'ProofRejected')
    const market = honest.args[0] as { readonly marketWords: readonly bigint[] }
    const otherRound = { ...market, marketWords: market.marketWords.with(1, 0n) }
    await refused(withArgument(honest, 0, otherRound), 'RoundUnknown', undefined, engine.arrays)
    await lands(honest)
  })

  test('are of the round, the account and the report that were proven', async () => {
    const stranger = (await engine.chain.signers[8]?.getAddress()) as string
    await refused(withHeld(call(), { account: stranger }), 'AccountUnknown', [stranger])
    for (const sequence of [0n, 2n])
      await refused(call(margin, round, sequence), 'ReportUnknown', [account.signer, sequence, 1n])
    await engine.chain.undone(async () => {
      await engine.report({ ...account, signer: stranger })
      await refused(withHeld(call(), { account: stranger }), 'ProofRejected')
      await engine.report({ ...account, positions: [first] })
      await refused(call(), 'MarginNotNewer', [account.signer, round.asOf, 1n])
      // Under the number of another report: not what that says, and not what was proven.
      await refused(call(margin, round, 2n), 'BookMismatch')
      await engine.report(account)
      await refused(call(margin, round, 3n), 'ProofRejected')
      await mined(engine.send(call(await engine.arrayMargin(round, account, keys), round, 3n)))
    })
    const ofEarlier = await engine.arrayMargin(earlier, account, keys)
    await refused(call(ofEarlier), 'ArrayUnknown', undefined, engine.arrays)
    await lands(call(ofEarlier, earlier))
    const mixed = { ...ofEarlier.stated.sections, arrayRoots: margin.stated.sections.arrayRoots as readonly bigint[] }
    await refused(call({ ...ofEarlier, stated: { ...ofEarlier.stated, sections: mixed } }), 'ProofRejected')
  })

  test('are of an active model of such margins, and the arrays of models in force', async () => {
    const layouts = [layoutHash('portfolioMargin'), layoutHash('arrayMargin')] as const
    const ofBatch = modelIdOf('portfolioMargin')
    await refused(
      withBatch(call(), { marginModelId: ofBatch }),
      'ModelOfAnotherLayout',
      [ofBatch, layouts[0], layouts[1]],
      engine.models,
    )
    const books = await engine.books(round, account, keys)
    const byBook = await engine.margin(round, [account], [books])
    const ofBook = engine.marginCall(round, [{ account: account.signer, books }], byBook)
    const fromArrays = modelIdOf('arrayMargin')
    await refused(
      withBatch(ofBook, { marginModelId: fromArrays }),
      'ModelOfAnotherLayout',
      [fromArrays, layouts[1], layouts[0]],
      engine.models,
    )
    await lands(ofBook)
    // Which model proved the arrays is a hint: another one is looked up.
    await lands(withBatch(call(), { bookModelId: modelIdOf('optionBook') }))
    await engine.chain.undone(async () => {
      await mined(engine.models.getFunction('disable')(modelIdOf('riskArray')))
      await expect(engine.send(call())).rejects.toThrow(/ModelNotActive|ArrayUnknown/)
    })
    await engine.chain.undone(async () => {
      await mined(engine.models.getFunction('disable')(fromArrays))
      await refused(call(), 'ModelNotActive', [fromArrays, 2n], engine.models)
      await lands(ofBook)
    })
  })

  test('are of one account that has options: others are not taken without a book', async () => {
    const item = itemOf(call())
    const other = { ...item, held: { ...item.held, account: (await engine.chain.signers[8]?.getAddress()) as string } }
    await engine.chain.undone(async () => {
      await engine.report({ ...account, signer: other.held.account as unknown as string })
      const both = [item, other].toSorted((a, b) => {
        const of = ({ held }: Item) => BigInt((held as { readonly account: string }).account)
        return of(a) < of(b) ? -1 : 1
      })
      const together = withBatch(withArgument(call(), 2, both), { marginModelId: modelIdOf('portfolioMargin') })
      await refused(together, 'ProofCountMismatch')
    })
    const fromArrays = modelIdOf('arrayMargin')
    const layouts = [layoutHash('arrayMargin'), layoutHash('portfolioMargin')]
    await refused(
      withArgument(withHeld(call(), { arrays: 0n }), 3, []),
      'ModelOfAnotherLayout',
      [fromArrays, ...layouts],
      engine.models,
    )
    const books = await engine.books(round, account, keys)
    const alone = await engine.marginAlone(round, [account], [books])
    const aloneCall = engine.aloneCall(round, [{ account: account.signer, books }], alone)
    await refused(withArgument(withArgument(aloneCall, 3, wordsOf(call())), 4, []), 'ProofCountMismatch')
  })
})

describe('R196 R94: margins straight from arrays in a count', () => {
  test('count an account as a batch does, also of a round that is not fresh any more', async () => {
    await engine.chain.undone(async () => {
      await mined(engine.send(countCall(round)))
      await engine.report({ ...account, positions: [first] }) // of this the count knows nothing
      await refused(call(await forged({ margins: [beyondFields] })), 'MarginsOutOfRange')
      await refused(call(await engine.arrayMargin(round, { ...account, positions: [first] }, [near])), 'BookMismatch')
      await engine.chain.undone(async () => {
        const events = eventsOf(await mined(engine.send(call())), engine.registry)
        expect(events.map(({ name }) => name)).toEqual(['MarginSkipped', 'PortfolioAccepted'])
        expect(events.at(-1)?.args.counted).toBe(1n)
      })
      await engine.chain.setNextTime(round.asOf + freshness.maxRoundAgeSeconds + 1n)
      const events = eventsOf(await mined(engine.send(call())), engine.registry)
      expect(events.map(({ name }) => name)).toEqual(['MarginSkipped', 'PortfolioAccepted'])
      await expect(engine.client.margin(account.signer)).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
      expect(await engine.client.countUnderWay()).toBeUndefined()
    })
    await engine.chain.undone(async () => {
      await engine.chain.setNextTime(round.asOf + freshness.maxRoundAgeSeconds + 1n)
      await expect(engine.send(call())).rejects.toThrow(/RoundStale|RoundTooOld/)
    })
  })
})

const beyondFields = 1n << 247n
