/** Margins over several markets on a chain: what lands, and each thing that is refused, by name, beside what is not. */
import type { Contract } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { MOST_MARKETS, MOST_POSITIONS } from '../../circuits/statements/index.ts'
import { policyWordsOf, type ProvenPortfolio, type RoundWords } from '../../prover/registry/index.ts'
import { restrictedFunctions } from '../../prover/registry/authority.ts'
import { type CrossCall, crossBookHashOf, crossReportCall } from '../../prover/registry/portfolio/cross.ts'
import { pack } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import {
  argumentsOf,
  CrossEngine,
  type CrossHolder,
  crossMarginsWord,
  crossPolicySections,
  crossPolicyWords,
  ROUNDS_APART_SECONDS,
  SECOND_MARKET,
} from '../../scripts/tools/chains/crossEngine.ts'
import {
  amountsWords,
  type ArrayKey,
  E8,
  E12,
  freshness,
  ONE_X40,
  policy,
  PortfolioEngine,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { expectRevert, revertDataOf } from '../reverts.ts'

const EXPIRY = 2_000_000_000n
const keyAt = (strike: bigint): ArrayKey => ({
  expiry: EXPIRY,
  strikesE8: [0n, 1n, 2n, 3n, 4n, 5n].map((i) => (strike + i * 10n) * E8),
})
/** Of either market, so that only the contract can tell whose array it is. */
const keys = [keyAt(80_000n), keyAt(4_000n)]

let cross: CrossEngine
let rounds: readonly RoundWords[]
/** Options in both markets, in the second alone, in none. */
let holders: readonly [CrossHolder, CrossHolder, CrossHolder]
let books: readonly (readonly (readonly ProvenPortfolio[])[])[]
let margin: ProvenPortfolio

const position = (strike: bigint) => ({ expiry: EXPIRY, strikeE8: strike * E8, callsE12: -E12, putsE12: 2n * E12 })
const held = (cashE12: bigint) => ({ perpsE12: -E12, cashE12, perpPnlE12: -1n })
const part = (cashE12: bigint, ...strikes: readonly bigint[]) => ({
  positions: strikes.map(position),
  holdings: held(cashE12),
})

beforeAll(async () => {
  cross = await CrossEngine.start()
  const { signers } = cross.engine.chain
  const addresses = await Promise.all([4, 5, 6].map(async (i) => (await signers[i]?.getAddress()) ?? ''))
  const [first = '', second = '', third = ''] = addresses.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const collateralAmounts = amountsWords(1n, 2n)
  holders = [
    { signer: first, parts: [part(100n * E12, 80_000n), part(0n, 4_000n, 4_010n)], collateralAmounts },
    { signer: second, parts: [part(1n), part(0n, 4_000n)], collateralAmounts },
    { signer: third, parts: [part(-1n), part(0n)], collateralAmounts },
  ]
  for (const holder of holders) await cross.report(holder)
  await next()
})

/** Later rounds with everything proven of them. */
async function next(): Promise<void> {
  rounds = await cross.rounds([EXPIRY])
  for (const [m, round] of rounds.entries()) await cross.landArrays(m, round, [keys[m] as ArrayKey])
  await prove()
}

async function prove(of: readonly CrossHolder[] = holders): Promise<void> {
  const booksIn = async (holder: CrossHolder, m: number): Promise<readonly ProvenPortfolio[]> =>
    holder.parts[m]?.positions.length === 0
      ? []
      : cross.books(m, rounds[m] as RoundWords, holder, [keys[m] as ArrayKey])
  const all: (readonly (readonly ProvenPortfolio[])[])[] = []
  for (const holder of of) all.push([await booksIn(holder, 0), await booksIn(holder, 1)])
  books = all
  margin = await cross.margin(rounds, of, books)
}

async function honest(of: readonly CrossHolder[] = holders): Promise<CrossCall> {
  const reported = await cross.reported(of)
  return cross.call(
    rounds,
    reported.map((each, i) => ({ ...each, books: books[i] ?? [] })),
    margin,
  )
}

const lands = (call: CrossCall) => mined(cross.send(call))
const refused = (call: CrossCall, error: string, args?: readonly unknown[], by = cross.registry) =>
  expectRevert(cross.send(call), by, error, args)
const withArgument = (call: CrossCall, i: number, value: unknown): CrossCall => ({
  ...call,
  args: call.args.with(i, value),
})
type Item = { readonly arrays: readonly number[]; readonly holdings: readonly bigint[]; readonly margins: bigint }
const withItem = (call: CrossCall, i: number, change: object): CrossCall => {
  const items = call.args[2] as readonly Item[]
  return withArgument(call, 2, items.with(i, { ...(items[i] as Item), ...change }))
}
/** The chain as it was, and what was proven with it. */
async function undone(action: () => Promise<unknown>): Promise<void> {
  const before = { rounds, books, margin }
  try {
    await cross.engine.chain.undone(action as () => Promise<void>)
  } finally {
    ;({ rounds, books, margin } = before)
  }
}
/** The report that margins in force are of, or why there are none. */
const statusOf = (account: string): Promise<unknown> =>
  cross.registry
    .getFunction('crossMarginOf')(account)
    .then(
      ({ sequence }: { sequence: bigint }) => sequence,
      (error: unknown) => cross.registry.interface.parseError(revertDataOf(error) ?? '0x')?.name,
    )

describe('R100: markets and their policy', () => {
  test('a registry is of two to four markets, each once', async () => {
    const { engine, arrays } = cross
    const [first] = arrays
    if (first === undefined) throw new TypeError('no market')
    const deploy = (of: typeof arrays) => engine.chain.deploy('CrossMarginRegistry', ...argumentsOf(engine, of))
    const { registry } = cross
    await expectRevert(deploy([first]), registry, 'MarketsOutOfRange', [1n, BigInt(MOST_MARKETS)])
    await expectRevert(deploy(new Array(5).fill(first)), registry, 'MarketsOutOfRange', [5n, BigInt(MOST_MARKETS)])
    await expectRevert(deploy([first, first]), registry, 'MarketRepeated', [await first.getFunction('marketId')()])
    const target = await registry.getFunction('marketArrays')()
    expect([...target]).toEqual(arrays.map((each) => each.target))
  })

  test('a policy says for each collateral a market that is there, credits of at most four fifths, rounds within an hour', async () => {
    const set = (words: readonly bigint[], apart = ROUNDS_APART_SECONDS) =>
      cross.registry.getFunction('setCrossPolicy')(words, apart)
    const wordsOf = (market: bigint, credits: readonly bigint[]): readonly bigint[] => {
      const { collateralMarkets, spreadCredits } = crossPolicySections(market, credits)
      return [...collateralMarkets, ...spreadCredits]
    }
    const most = (4n * ONE_X40 + 2n) / 5n
    await undone(async () => {
      for (const [words, apart] of [
        [wordsOf(1n, [most, most]), 3_600n],
        [wordsOf(0n, [0n, 0n]), 0n],
      ] as const) {
        const [event] = eventsOf(await mined(set(words, apart)), cross.registry)
        expect([event?.name, event?.args.toArray()]).toEqual(['CrossPolicySet', [words, apart]])
        const { words: now, maxRoundsApartSeconds } = await cross.registry.getFunction('crossPolicy')()
        expect([[...now], maxRoundsApartSeconds]).toEqual([words, apart])
      }
    })
    const { registry } = cross
    await expectRevert(set(wordsOf(2n, [])), registry, 'CollateralMarketUnknown', [3n, 2n, 2n])
    await expectRevert(set(wordsOf(1n, [most + 1n])), registry, 'SpreadCreditAbove', [0n, most + 1n, most])
    await expectRevert(set(wordsOf(1n, [0n, 0n, 1n])), registry, 'SpreadCreditAbove', [2n, 1n, 0n])
    await expectRevert(set(wordsOf(1n, []), 3_601n), registry, 'RoundsApartAbove', [3_601n, 3_600n])
    for (const i of [0, 1]) {
      const words = crossPolicyWords.with(i, (crossPolicyWords[i] as bigint) | (1n << 200n))
      await expectRevert(set(words), registry, 'CrossWordOutOfRange', [BigInt(i), words[i]])
    }
    const stranger = cross.registry.connect(cross.engine.chain.signers[7] as never) as typeof cross.registry
    await expectRevert(
      stranger.getFunction('setCrossPolicy')(crossPolicyWords, 60n),
      cross.registry,
      'AccessManagedUnauthorized',
    )
  })
})

describe('R101: reports', () => {
  const wordsOf = ({ parts, collateralAmounts }: CrossHolder) => ({
    positions: parts.map(({ positions }) => positions.map((each) => pack('optionPosition', each))),
    holdings: parts.map(({ holdings }) => pack('holdings', holdings)),
    collateralAmounts,
  })

  test('are one hash of all markets, numbered', async () => {
    for (const holder of holders) {
      const { sequence, bookHash } = await cross.registry.getFunction('crossAccountOf')(holder.signer)
      expect([sequence, bookHash]).toEqual([1n, crossBookHashOf(wordsOf(holder))])
    }
    await undone(async () => {
      const [first] = holders
      const words = wordsOf(first)
      const [event] = eventsOf(await lands(crossReportCall(first.signer, words)), cross.registry)
      const { positions, holdings, collateralAmounts } = words
      expect(event?.args.toArray()).toEqual([first.signer, 2n, positions, holdings, collateralAmounts])
    })
  })

  test('are the venue’s alone', async () => {
    const [first] = holders
    const { method, args } = crossReportCall(first.signer, wordsOf(first))
    const stranger = cross.engine.chain.signers[7]
    const asStranger = cross.registry.connect(stranger as never) as typeof cross.registry
    const refusal = ['AccessManagedUnauthorized', [await stranger?.getAddress()]] as const
    await expectRevert(asStranger.getFunction(method)(...args), cross.registry, ...refusal)
    const restricted: string[] = []
    for (const name of ['reportCrossAccount', 'setCrossPolicy', 'submitCrossMargins']) {
      const given = name === method ? args : name === 'setCrossPolicy' ? [crossPolicyWords, 60n] : (await honest()).args
      const call = asStranger.getFunction(name).staticCall(...given)
      const error = await call.then(
        () => undefined,
        (thrown: unknown) => cross.registry.interface.parseError(revertDataOf(thrown) ?? '0x')?.name,
      )
      if (error === 'AccessManagedUnauthorized') restricted.push(name)
    }
    expect(restricted).toEqual(Object.keys(restrictedFunctions.CrossMarginRegistry).toSorted())
  })

  test('say something of each market, cash in the first alone, and positions as they are held to be of each', async () => {
    const [{ signer, ...first }] = holders
    const words = wordsOf({ signer, ...first })
    const reports = (change: Partial<typeof words>): CrossCall => crossReportCall(signer, { ...words, ...change })
    const three = [...words.positions, []]
    await refused(reports({ positions: three }), 'MarketCountMismatch', [3n, 2n])
    await refused(reports({ positions: words.positions.slice(1) }), 'MarketCountMismatch', [1n, 2n])
    await refused(reports({ holdings: words.holdings.slice(1) }), 'MarketCountMismatch', [1n, 2n])
    const twice = [words.holdings[0] ?? 0n, pack('holdings', held(1n))]
    await refused(reports({ holdings: twice }), 'CashTwice', [1n, twice[1]])
    await refused(reports({ holdings: [1n << 240n, twice[1] ?? 0n] }), 'HoldingsOutOfRange', [1n << 240n])
    await refused(reports({ collateralAmounts: amountsWords(1n << 248n) }), 'HoldingsOutOfRange', [1n << 248n])
    const many = (count: number): bigint[] =>
      Array.from({ length: count }, (_, i) => pack('optionPosition', position(BigInt(1_000 + i))))
    await undone(() => lands(reports({ positions: [many(MOST_POSITIONS), many(MOST_POSITIONS)] })))
    const [full, beyond] = [many(MOST_POSITIONS), many(MOST_POSITIONS + 1)]
    const limit = BigInt(MOST_POSITIONS)
    await refused(reports({ positions: [full, beyond] }), 'TooManyPositions', [limit + 1n, limit])
    await refused(reports({ positions: [full, full.toReversed()] }), 'PositionsNotIncreasing')
    const expired = pack('optionPosition', { ...position(1n), expiry: rounds[1]?.asOf ?? 0n })
    await refused(reports({ positions: [[], [expired]] }), 'PositionExpired')
    await undone(() => lands(reports({ positions: [[], []] })))
  })
})

describe('R102: rounds', () => {
  test('of each market one, in force, and no further apart than governed', async () => {
    const call = await honest()
    const given = call.args[0] as readonly object[]
    await refused(withArgument(call, 0, given.slice(1)), 'MarketCountMismatch', [1n, 2n])
    await refused(withArgument(call, 0, given.toReversed()), 'RoundUnknown', undefined, cross.arrays[0])
    await refused(withArgument(call, 0, [given[0], given[0]]), 'RoundUnknown', undefined, cross.arrays[1])
    await undone(async () => {
      const [first] = rounds as readonly [RoundWords]
      for (const [apart, fits] of [
        [ROUNDS_APART_SECONDS, true],
        [ROUNDS_APART_SECONDS + 1n, false],
      ] as const) {
        rounds = [first, await cross.secondRound(first, [EXPIRY], apart)]
        await cross.landArrays(1, rounds[1] as RoundWords, [keys[1] as ArrayKey])
        await prove()
        const late = await honest()
        if (fits) await undone(() => lands(late))
        else await refused(late, 'RoundsApart', [first.asOf, first.asOf + apart, ROUNDS_APART_SECONDS])
      }
    })
  })

  test('that are stale or overtaken in one market land in none', async () => {
    const call = await honest()
    const [first, second] = rounds as readonly [RoundWords, RoundWords]
    await undone(async () => {
      await cross.secondRound(second, [EXPIRY], freshness.maxRoundLagSeconds)
      await undone(() => lands(call))
    })
    await undone(async () => {
      await cross.secondRound(second, [EXPIRY], freshness.maxRoundLagSeconds + 1n)
      await refused(call, 'RoundOvertaken', undefined, cross.arrays[1])
    })
    await undone(async () => {
      await cross.engine.chain.setTime(first.asOf + freshness.maxRoundAgeSeconds + 1n)
      await refused(call, 'RoundStale', undefined, cross.arrays[0])
    })
  })

  test('a market without a round has no margins', async () => {
    const call = await honest()
    const [first, second] = call.args[0] as readonly { readonly asOf: bigint }[]
    const never = { ...second, asOf: (second?.asOf ?? 0n) + 7n }
    await refused(withArgument(call, 0, [first, never]), 'RoundTimeMismatch', undefined, cross.arrays[1])
  })
})

describe('R103: books', () => {
  test('are over arrays of their own market, and what is met is what was reported of it', async () => {
    await undone(async () => {
      // The same strikes are priced in both markets: the account's books of the second over arrays of the first.
      await cross.landArrays(0, rounds[0] as RoundWords, [keys[1] as ArrayKey])
      const [first] = holders
      const swapped = { ...first, parts: first.parts.toReversed() }
      const foreign = await cross.books(0, rounds[0] as RoundWords, swapped, [keys[1] as ArrayKey])
      books = [[books[0]?.[0] ?? [], foreign], ...books.slice(1)]
      margin = await cross.margin(rounds, holders, books)
      await refused(await honest(), 'ArrayUnknown', undefined, cross.arrays[1])
    })
    await undone(async () => {
      // All of it in the first market, as if it had been reported so.
      await cross.landArrays(0, rounds[0] as RoundWords, [keys[1] as ArrayKey])
      const [, second] = holders
      const moved = { ...second, parts: second.parts.toReversed() }
      const inFirst = await cross.books(0, rounds[0] as RoundWords, moved, [keys[1] as ArrayKey])
      books = [books[0] ?? [], [inFirst, []], books[2] ?? []]
      margin = await cross.margin(rounds, holders, books)
      await refused(await honest(), 'BookMismatch')
    })
  })

  test('holdings, collateral and positions are the last report’s', async () => {
    const call = await honest()
    const [item] = call.args[2] as readonly Item[]
    const holdings = item?.holdings ?? []
    await refused(withItem(call, 0, { holdings: holdings.toReversed() }), 'BookMismatch')
    await refused(withItem(call, 0, { holdings: holdings.slice(1) }), 'MarketCountMismatch', [1n, 2n])
    await refused(withItem(call, 0, { arrays: [1, 1, 0] }), 'MarketCountMismatch', [3n, 2n])
    await refused(withItem(call, 0, { collateralAmounts: amountsWords(1n, 3n) }), 'BookMismatch')
    await refused(withItem(call, 1, { arrays: [0, 0] }), 'BookMismatch')
    await refused(withItem(call, 0, { arrays: [0, 2] }), 'StatementWordOutOfRange')
    await refused(withItem(call, 2, { arrays: [0, 1] }), 'ProofCountMismatch')
  })
})

describe('R104: what was proven', () => {
  test('is put in force: every account with its word, the oldest round and its report', async () => {
    await undone(async () => {
      const events = eventsOf(await lands(await honest()), cross.registry)
      expect(events.map(({ name }) => name)).toEqual([
        ...holders.map(() => 'CrossMarginProven'),
        'CrossMarginsAccepted',
      ])
      const [oldest] = rounds as readonly [RoundWords]
      for (const [i, { signer }] of holders.entries()) {
        expect(events[i]?.args.toArray()).toEqual([signer, oldest.asOf, 1n, crossMarginsWord(i)])
        const found = await cross.registry.getFunction('crossMarginOf')(signer)
        expect(found.toArray()).toEqual([
          BigInt(i + 1) * E8,
          BigInt(2 * i + 2) * E8,
          BigInt(6 + 64 * i),
          oldest.asOf,
          1n,
        ])
      }
    })
  })

  test('and no other word: margins, a policy since, words of another market, another contract', async () => {
    const call = await honest()
    const items = call.args[2] as readonly Item[]
    for (const [i, { margins }] of items.entries()) {
      await refused(withItem(call, i, { margins: margins ^ 1n }), 'ProofRejected')
    }
    await refused(withItem(call, 0, { margins: 1n << 184n }), 'CrossMarginsOutOfRange', [holders[0].signer, 1n << 184n])
    const batch = call.args[1] as object
    await refused(withArgument(call, 1, { ...batch, commitment: 5n }), 'ProofRejected')
    await undone(async () => {
      const { collateralMarkets, spreadCredits } = crossPolicySections(1n, [ONE_X40 / 2n, ONE_X40 / 4n + 1n])
      await mined(cross.registry.getFunction('setCrossPolicy')([...collateralMarkets, ...spreadCredits], 60n))
      await refused(call, 'ProofRejected')
    })
    await undone(async () => {
      const elsewhere = await cross.engine.chain.deploy(
        'CrossMarginRegistry',
        ...argumentsOf(cross.engine, cross.arrays),
      )
      for (const { signer, parts, collateralAmounts } of holders) {
        const words = {
          positions: parts.map(({ positions }) => positions.map((each) => pack('optionPosition', each))),
          holdings: parts.map(({ holdings }) => pack('holdings', holdings)),
          collateralAmounts,
        }
        await mined(elsewhere.getFunction('reportCrossAccount')(...crossReportCall(signer, words).args))
      }
      await expectRevert(elsewhere.getFunction(call.method)(...call.args), elsewhere, 'ProofRejected')
    })
  })

  test('all proofs are verified together, and each must hold', async () => {
    const call = await honest()
    const proofs = call.args[4] as readonly unknown[]
    expect(proofs).toHaveLength(3)
    await refused(withArgument(call, 4, [proofs[1], proofs[0], proofs[2]]), 'ProofRejected')
    await refused(withArgument(call, 4, proofs.slice(1)), 'ProofCountMismatch')
    await refused(withArgument(call, 4, [...proofs, proofs[0]]), 'ProofCountMismatch')
    await refused(withArgument(call, 5, proofs[0]), 'ProofRejected')
    const words = call.args[3] as readonly bigint[]
    await refused(withArgument(call, 3, [...words, 0n]), 'WordCountMismatch')
  })
})

describe('R105: accounts of a batch', () => {
  test('as many as the model has places for, and not one more; in order, known, of a report that was made', async () => {
    const call = await honest()
    const items = call.args[2] as readonly object[]
    expect(items).toHaveLength(3)
    const four = withArgument(call, 2, [...items, { ...items[2], account: `0x${'ff'.repeat(20)}` }])
    await refused(four, 'AccountCountOutOfRange', [4n, 3n])
    await refused(withArgument(call, 2, []), 'AccountCountOutOfRange', [0n, 3n])
    await refused(withArgument(call, 2, items.toReversed()), 'AccountsNotIncreasing')
    await refused(withArgument(call, 2, [items[0], items[0]]), 'AccountsNotIncreasing')
    const unknown = `0x${'ff'.repeat(20)}`
    await refused(withItem(call, 2, { account: unknown }), 'AccountUnknown')
    await refused(withItem(call, 0, { sequence: 2n }), 'ReportUnknown', [holders[0].signer, 2n, 1n])
    await refused(withItem(call, 0, { sequence: 0n }), 'ReportUnknown', [holders[0].signer, 0n, 1n])
  })

  test('one alone, without options in any market, lands with empty places', async () => {
    await undone(async () => {
      const alone = [holders[2]]
      await prove(alone)
      const call = await honest(alone)
      expect(call.args[4]).toEqual([])
      await lands(call)
      expect(await statusOf(holders[2].signer)).toBe(1n)
      expect(await statusOf(holders[0].signer)).toBe('CrossMarginNotYetProven')
    })
  })

  test('a batch that is about what is in force is refused, and a part of one is skipped and told', async () => {
    await undone(async () => {
      await lands(await honest())
      await refused(await honest(), 'MarginNotNewer', [holders[0].signer, rounds[0]?.asOf, 1n])
      await cross.report(holders[1])
      expect(await statusOf(holders[1].signer)).toBe('CrossMarginOfOtherPositions')
      await prove()
      const events = eventsOf(await lands(await honest()), cross.registry)
      expect(events.map(({ name }) => name)).toEqual([
        'CrossMarginSkipped',
        'CrossMarginProven',
        'CrossMarginSkipped',
        'CrossMarginsAccepted',
      ])
      expect(await statusOf(holders[1].signer)).toBe(2n)
    })
  })

  test('of an earlier report nothing is put in force', async () => {
    await undone(async () => {
      const call = await honest()
      await cross.report(holders[0])
      const events = eventsOf(await lands(call), cross.registry)
      expect(events.map(({ name }) => name)).toEqual([
        'CrossMarginSkipped',
        'CrossMarginProven',
        'CrossMarginProven',
        'CrossMarginsAccepted',
      ])
      expect(await statusOf(holders[0].signer)).toBe('CrossMarginNotYetProven')
    })
  })

  test('later rounds of the markets are later margins; reads fail once they are old', async () => {
    await undone(async () => {
      await lands(await honest())
      await next()
      await lands(await honest())
      const [oldest] = rounds as readonly [RoundWords]
      const { signer } = holders[0]
      const found = await cross.registry.getFunction('crossMarginOf')(signer)
      expect(found.asOf).toBe(oldest.asOf)
      const { chain } = cross.engine
      await undone(async () => {
        // The shortest of all markets' ages counts.
        const shorter = { ...freshness, maxMarginAgeSeconds: freshness.maxRoundAgeSeconds }
        await mined((cross.arrays[1] as Contract).getFunction('setPortfolioFreshness')(shorter))
        await chain.setTime(oldest.asOf + freshness.maxRoundAgeSeconds)
        expect(await statusOf(signer)).toBe(1n)
        await chain.setTime(oldest.asOf + freshness.maxRoundAgeSeconds + 1n)
        expect(await statusOf(signer)).toBe('CrossMarginStale')
      })
      await chain.setTime(oldest.asOf + freshness.maxMarginAgeSeconds)
      expect(await statusOf(signer)).toBe(1n)
      await chain.setTime(oldest.asOf + freshness.maxMarginAgeSeconds + 1n)
      expect(await statusOf(signer)).toBe('CrossMarginStale')
      const { proven, ageSeconds } = await cross.registry.getFunction('unsafeCrossMargin')(signer)
      expect([proven.sequence, ageSeconds]).toEqual([1n, freshness.maxMarginAgeSeconds + 1n])
    })
  })
})

describe('R101: a market at another scale of prices', () => {
  const SCALE = 9
  test('has every account reported anew: nothing is proven of one as it was reported before', async () => {
    const { engine, arrays } = cross
    const before = engine.rounds
    await undone(async () => {
      const signers = engine.roundSigners.map(({ address }) => address)
      const scales = [{ marketId: SECOND_MARKET, scale: SCALE }]
      const scaled = await engine.chain.deploy('ScaledRounds', engine.council, signers, 2, 300, scales)
      for (const each of arrays) await mined(each.getFunction('setRounds')(scaled, policyWordsOf(policy)))
      Object.assign(engine, { rounds: scaled })
      await expectRevert(cross.report(holders[0]), arrays[1] as Contract, 'PriceScaleNotInForce', [0n, BigInt(SCALE)])
      await mined((arrays[1] as Contract).getFunction('acceptPriceScale')(SCALE))
      await next()
      const [first, ...others] = holders
      const inForce = BigInt(SCALE) << 8n // the second market's, in its place
      await refused(await honest(), 'AccountAtOtherScales', [first.signer, 0n, inForce])
      await cross.report(first)
      await prove()
      await refused(await honest(), 'AccountAtOtherScales', [others[0]?.signer, 0n, inForce])
      for (const holder of others) await cross.report(holder)
      await prove()
      await lands(await honest())
      expect(await statusOf(first.signer)).toBe(2n)
    }).finally(() => Object.assign(engine, { rounds: before }))
  })
})

describe('R106: models', () => {
  test('of another number of markets, and of another statement, prove nothing', async () => {
    await undone(async () => {
      const { engine } = cross
      const model = await engine.models.getFunction('modelOf')(engine.modelIdOf('crossMargins'))
      const three = `0x${'33'.repeat(32)}`
      const { verifier, places, volatilityModel, layoutHash, verificationKeyHash, manifestHash } = model
      const sizes = { places, slots: 3n, volatilityModel }
      const words = { verifier, layoutHash, verificationKeyHash, manifestHash }
      const registered = { ...sizes, ...words, status: 0, allowsBacklog: false }
      await mined(engine.models.getFunction('register')(three, registered))
      const call = await honest()
      const batch = call.args[1] as object
      await refused(withArgument(call, 1, { ...batch, marginModelId: three }), 'MarketCountMismatch', [3n, 2n])
      const other = engine.modelIdOf('marginsAlone')
      await refused(
        withArgument(call, 1, { ...batch, marginModelId: other }),
        'ModelOfAnotherLayout',
        undefined,
        engine.models,
      )
      await refused(
        withArgument(call, 1, { ...batch, bookModelId: other }),
        'ModelOfAnotherLayout',
        undefined,
        engine.models,
      )
    })
  })

  test('a registry of one market takes none of this, and this none of its', async () => {
    await undone(async () => {
      const { engine } = cross
      expect(engine).toBeInstanceOf(PortfolioEngine)
      const [first] = holders
      const account = { signer: first.signer, ...part(100n * E12, 80_000n), collateralAmounts: amountsWords(1n, 2n) }
      await engine.report(account)
      const [round] = rounds as readonly [RoundWords]
      const ofOne = await engine.books(round, account, [keys[0] as ArrayKey])
      books = [[ofOne, books[0]?.[1] ?? []], ...books.slice(1)]
      margin = await cross.margin(rounds, holders, books)
      await refused(await honest(), 'ProofRejected')
    })
  })
})
