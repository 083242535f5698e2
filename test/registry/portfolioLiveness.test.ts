/** What an account, or whoever reports or proves, cannot do to evidence that is true: void it, outrun it, or choose its round. */
import { beforeAll, describe, expect, test } from 'vitest'
import { marginPolicyOf, roundMarketOf } from '../../prover/audit/portfolio/calls.ts'
import { improvementAtMost } from '../../prover/portfolio/improvement.ts'
import { policyWordsOf, type ProvenPortfolio, type RoundWords } from '../../prover/registry/index.ts'
import { arraysCall, type RegistryCall, type ReportWords } from '../../prover/registry/portfolio/calldata.ts'
import { pack, unpackElements } from '../../prover/statement/words.ts'
import { eventsOf, mined } from '../../scripts/tools/chains/chain.ts'
import { expectRevert } from '../reverts.ts'
import {
  amountsWords,
  type Account,
  type ArrayKey,
  E12,
  E8,
  freshness,
  marginsWord,
  modelIdOf,
  policy,
  PortfolioEngine,
  roundAt,
} from '../../scripts/tools/chains/portfolioEngine.ts'

const EXPIRY = 2_000_000_000n
const SPOT = 100_000n * E8
const key: ArrayKey = { expiry: EXPIRY, strikesE8: [80n, 81n, 82n, 83n, 84n, 85n].map((strike) => strike * 1000n * E8) }
/** Ten of quote short of maintenance. */
const BOUND = -10n * E8
const SCENARIO = 4

let engine: PortfolioEngine
let account: Account
let round: RoundWords
let books: readonly ProvenPortfolio[]
let witness: ProvenPortfolio

beforeAll(async () => {
  engine = await PortfolioEngine.start()
  account = {
    signer: (await engine.chain.signers[7]?.getAddress()) as string,
    positions: [
      { expiry: EXPIRY, strikeE8: key.strikesE8[0] as bigint, callsE12: -E12, putsE12: 0n },
      { expiry: EXPIRY, strikeE8: key.strikesE8[4] as bigint, callsE12: 0n, putsE12: 3n * E12 },
    ],
    holdings: { perpsE12: -2n * E12, cashE12: 7n * E12, perpPnlE12: 0n },
    collateralAmounts: amountsWords(5n * E12),
  }
  await engine.report(account)
  round = await engine.round([EXPIRY])
  await mined(engine.landArrays(round, [key]))
  books = await engine.books(round, account, [key])
  witness = await witnessOf(BOUND)
})

const witnessOf = (maintenanceE8: bigint, at = round, of = account, own = books): Promise<ProvenPortfolio> =>
  engine.witness(at, of, own, { bound: [pack('maintenanceBound', { maintenanceE8 })] })
const reportOf = ({ positions, holdings, collateralAmounts }: Account): ReportWords => ({
  positions: positions.map((position) => pack('optionPosition', position)),
  holdings: pack('holdings', holdings),
  collateralAmounts,
})
/** The witness in flight, where the venue has reported something else since. */
const inFlight = (present?: Account, sequence = 1n, proof = witness): RegistryCall =>
  engine.witnessCall(
    round,
    { account: account.signer, books, sequence },
    proof,
    present === undefined ? undefined : reportOf(present),
  )
const refused = (what: RegistryCall, error: string, args?: readonly unknown[], by = engine.registry) =>
  expectRevert(engine.send(what), by, error, args)
const isLiquidatable = async (): Promise<boolean> =>
  (await engine.client.marginForLiquidation(account.signer)).liquidatable
const withCash = (cashE12: bigint, of = account): Account => ({ ...of, holdings: { ...of.holdings, cashE12 } })
const report = (of: Account) => engine.report(of)

/** Proves and lands margins of an account. */
async function landMargin(at: RoundWords, maintenanceE8: bigint, of = account) {
  const own = await engine.books(at, of, of.positions.length === 0 ? [] : [key])
  const word = marginsWord({ maintenanceE8 })
  const margin = await engine.margin(at, [of], [own], { margins: [word, word, word] })
  return mined(engine.send(engine.marginCall(at, [{ account: of.signer, books: own }], margin)))
}

/** Another round, with its array. */
async function nextRound(secondsLater = 1n): Promise<RoundWords> {
  const next = await engine.round([EXPIRY], secondsLater)
  await mined(engine.landArrays(next, [key]))
  return next
}

/** A grain of dust more or less of one thing, another each time. */
function withDust(of: Account, i: number): Account {
  const way = i % 8 < 4 ? 1n : -1n
  const [first, ...others] = of.positions as [Account['positions'][number], ...Account['positions']]
  if (i % 4 === 0) return withCash(of.holdings.cashE12 + way, of)
  if (i % 4 === 1) return { ...of, holdings: { ...of.holdings, perpsE12: of.holdings.perpsE12 + way } }
  if (i % 4 === 2) return { ...of, positions: [{ ...first, callsE12: first.callsE12 + way }, ...others] }
  return { ...of, collateralAmounts: amountsWords((of.collateralAmounts[0] as bigint) + way) }
}

/** Reports an account that often, each time with dust. */
async function dusted(of: Account, times: number): Promise<Account> {
  let present = of
  for (let i = 0; i < times; i++) {
    present = withDust(present, i)
    await report(present)
  }
  return present
}

const held = ({ positions, holdings, collateralAmounts }: Account) => ({
  positions,
  holdings: {
    ...holdings,
    collateralsE12: unpackElements('collateralAmount', collateralAmounts, 16).map(({ amountE12 }) => amountE12),
  },
})
const worthOf = (present: Account): bigint =>
  improvementAtMost(
    SCENARIO,
    roundMarketOf(round.market),
    marginPolicyOf(policyWordsOf(policy)),
    held(account),
    held(present),
  )

describe('R50: a witness in flight', () => {
  test('lands after 500 reports of dust, and 500 more do not lift what it says', async () => {
    await engine.chain.undone(async () => {
      const since = await dusted(account, 500)
      const [event] = eventsOf(await mined(engine.send(inFlight(since))), engine.registry)
      const bound = pack('maintenanceBound', { maintenanceE8: BOUND })
      expect(event?.args.toArray()).toEqual([account.signer, round.asOf, 1n, bound])
      const present = await dusted(since, 500)
      expect(await isLiquidatable()).toBe(true)
      await landMargin(await nextRound(), 0n, present)
      expect(await isLiquidatable()).toBe(false)
    })
  })

  test('lands up to the last unit of what the account was short of, and is refused from there on', async () => {
    const roomE20 = (-BOUND - 1n) * E12 - worthOf(account)
    const most = (roomE20 - 1n) / E8
    expect(most).toBeGreaterThan(9n * E12) // of ten, the rest is for what is cut in between
    await engine.chain.undone(async () => {
      const present = withCash(account.holdings.cashE12 + most)
      await report(present)
      await mined(engine.send(inFlight(present)))
      expect(await isLiquidatable()).toBe(true)
    })
    await engine.chain.undone(async () => {
      const healed = withCash(account.holdings.cashE12 + most + 1n)
      await report(healed)
      await refused(inFlight(healed), 'AccountChanged', [account.signer, BOUND, worthOf(healed)])
      await expect(isLiquidatable()).rejects.toMatchObject({ reason: 'MarginNotYetProven' })
    })
  })

  test('is judged by all that an account holds, as the twin does', async () => {
    const { holdings } = account
    const [first, second] = account.positions as [Account['positions'][number], Account['positions'][number]]
    const changed: readonly Account[] = [
      { ...account, holdings: { ...holdings, perpPnlE12: 11n * E12 } },
      { ...account, holdings: { ...holdings, perpsE12: -holdings.perpsE12 } },
      { ...account, collateralAmounts: amountsWords(16n * E12) },
      { ...account, positions: [first] },
      { ...account, positions: [{ ...first, callsE12: 0n, putsE12: E12 }, second] },
      { ...account, positions: [first, { ...second, strikeE8: second.strikeE8 + 1n }] },
    ]
    for (const present of changed) {
      await engine.chain.undone(async () => {
        await report(present)
        const worth = worthOf(present)
        expect(worth).toBeGreaterThan(9n * E8 * E12)
        await refused(inFlight(present), 'AccountChanged', [account.signer, BOUND, worth])
      })
    }
  })

  test('lands where the account has taken on more risk, or has come back', async () => {
    await engine.chain.undone(async () => {
      await report(withCash(account.holdings.cashE12 + 1_000_000n * E12))
      const poorer = withCash(account.holdings.cashE12 - 1_000_000n * E12)
      await report(poorer)
      await mined(engine.send(inFlight(poorer)))
      expect(await isLiquidatable()).toBe(true)
    })
  })

  test('is about a report that was made, and is held to the last one', async () => {
    await refused(inFlight(undefined, 0n), 'ReportUnknown', [account.signer, 0n, 1n])
    await refused(inFlight(undefined, 2n), 'ReportUnknown', [account.signer, 2n, 1n])
    await engine.chain.undone(async () => {
      const present = withCash(account.holdings.cashE12 + 1n)
      await report(present)
      await refused(inFlight(), 'WordCountMismatch', [0n, 5n])
      await refused(inFlight(account), 'BookMismatch')
      await refused(inFlight(withCash(account.holdings.cashE12 - 1n)), 'BookMismatch')
      await refused(inFlight(present, 2n), 'WordCountMismatch', [7n, 0n]) // as if it were about the last report
      await refused(inFlight(undefined, 2n), 'BookMismatch')
      await mined(engine.send(inFlight(present)))
    })
  })

  test('gives way to margins of a later round, whatever was reported since', async () => {
    await engine.chain.undone(async () => {
      await landMargin(await nextRound(), 5n)
      const present = withDust(account, 0)
      await report(present)
      await refused(inFlight(present), 'MarginNotNewer', [account.signer, round.asOf, 2n])
      expect(await isLiquidatable()).toBe(false)
    })
  })
})

describe('R50: an account below maintenance', () => {
  test('stays so by its own margins through dust, a deposit and time', async () => {
    await engine.chain.undone(async () => {
      await landMargin(round, -1n)
      for (const present of [withDust(account, 0), withCash(10n ** 6n * E12)]) {
        await report(present)
        expect(await isLiquidatable()).toBe(true)
      }
      await engine.chain.setTime(round.asOf + 10_000_000n)
      expect(await isLiquidatable()).toBe(true)
    })
    await engine.chain.undone(async () => {
      await landMargin(round, 0n)
      await report(withDust(account, 0))
      expect(await isLiquidatable()).toBe(false)
    })
  })

  test('is cleared by margins of a later report in the same round, and not by those of an earlier round', async () => {
    await engine.chain.undone(async () => {
      await mined(engine.send(inFlight()))
      const healed = withCash(10n ** 6n * E12)
      await report(healed)
      const receipt = await landMargin(round, 0n, healed)
      expect(eventsOf(receipt, engine.registry).map(({ name, args }) => [name, ...args.toArray()])).toContainEqual([
        'AccountCleared',
        account.signer,
        2n,
      ])
      expect(await isLiquidatable()).toBe(false)
    })
    await engine.chain.undone(async () => {
      const later = await nextRound()
      const own = await engine.books(later, account, [key])
      const proof = await witnessOf(BOUND, later, account, own)
      await mined(engine.send(engine.witnessCall(later, { account: account.signer, books: own }, proof)))
      await landMargin(round, 5n)
      expect(await isLiquidatable()).toBe(true)
    })
  })

  test('is cleared by a report of cash alone that is not owed, and by no other', async () => {
    const nothing = { perpsE12: 0n, cashE12: 0n, perpPnlE12: 0n }
    const closed: Account = { ...account, positions: [], holdings: nothing, collateralAmounts: amountsWords() }
    for (const [present, liquidatable] of [
      [closed, false],
      [{ ...closed, holdings: { ...nothing, cashE12: 5n, perpPnlE12: -5n } }, false],
      [{ ...closed, holdings: { ...nothing, cashE12: 5n, perpPnlE12: -6n } }, true],
      [{ ...closed, holdings: { ...nothing, perpsE12: 1n } }, true],
      [{ ...closed, collateralAmounts: amountsWords(0n, 0n, 0n, 1n) }, true],
      [{ ...closed, positions: account.positions }, true],
    ] as const) {
      await engine.chain.undone(async () => {
        await landMargin(round, -1n)
        await report(present)
        expect(await isLiquidatable()).toBe(liquidatable)
      })
    }
    // Closed but for collateral it proves margins, without a book.
    await engine.chain.undone(async () => {
      await landMargin(round, -1n)
      const present = { ...closed, collateralAmounts: amountsWords(E12) }
      await report(present)
      await landMargin(round, 1n, present)
      expect(await isLiquidatable()).toBe(false)
    })
  })
})

describe('R51: the newest round, or nearly', () => {
  const lag = freshness.maxRoundLagSeconds

  test.each([
    [lag, false],
    [lag + 1n, true],
  ])('a round %i s older than the newest is refused: %s', async (seconds, isRefused) => {
    await engine.chain.undone(async () => {
      const margin = await engine.margin(round, [account], [books])
      await engine.round([EXPIRY], round.asOf + seconds - (await engine.chain.now()))
      const calls = [engine.marginCall(round, [{ account: account.signer, books }], margin), inFlight()]
      for (const call of calls) {
        if (isRefused) await refused(call, 'RoundOvertaken', [round.asOf, round.asOf + seconds, lag])
        else await mined(engine.send(call))
      }
    })
  })

  test('a batch in flight lands however many rounds came meanwhile', async () => {
    await engine.chain.undone(async () => {
      const margin = await engine.margin(round, [account], [books])
      for (let i = 0; i < 15; i++) await engine.round([EXPIRY], 2n)
      await mined(engine.send(engine.marginCall(round, [{ account: account.signer, books }], margin)))
      expect((await engine.client.margin(account.signer)).asOf).toBe(round.asOf)
    })
  })
})

describe('R52: reports that nobody can prove', () => {
  const listing = (expiry: bigint): Account => ({
    ...account,
    positions: [{ expiry, strikeE8: SPOT, callsE12: E12, putsE12: 0n }],
  })
  /** Reports at a second; the call is sent without an estimate, which would be of another. */
  async function reportAt(time: bigint, { signer, ...rest }: Account) {
    const { positions, holdings, collateralAmounts } = reportOf({ signer, ...rest })
    await engine.chain.setNextTime(time)
    const method = engine.registry.getFunction('reportAccount')
    return method(signer, positions, holdings, collateralAmounts, { gasLimit: 1_000_000n })
  }
  const LIMIT = 1n << 26n

  test.each([
    ['in 1970', () => 0n, 'PositionExpired'],
    ['a second ago', (now: bigint) => now - 1n, 'PositionExpired'],
    ['now', (now: bigint) => now, 'PositionExpired'],
    ['in a second', (now: bigint) => now + 1n, undefined],
    ['in 776 days', (now: bigint) => now + LIMIT - 1n, undefined],
    ['a second later', (now: bigint) => now + LIMIT, 'PositionTooLong'],
    ['in 2106', () => (1n << 32n) - 1n, 'PositionTooLong'],
  ] as const)('an option that expires %s', async (_, expiryAt, error) => {
    await engine.chain.undone(async () => {
      const now = (await engine.chain.now()) + 100n
      const expiry = expiryAt(now)
      const asked = reportAt(now, listing(expiry))
      if (error === undefined) await mined(asked as never)
      else {
        const limit = error === 'PositionExpired' ? now + 1n : now + LIMIT
        await expectRevert(asked as never, engine.registry, error, [0n, expiry, limit])
      }
    })
  })

  test('an option that expires in the newest round, which may be ahead of the chain', async () => {
    await engine.chain.undone(async () => {
      const asOf = (await engine.chain.now()) + 12n
      await engine.publish(roundAt(asOf, [EXPIRY], SPOT))
      await expect(report(listing(asOf))).rejects.toMatchObject({ reason: 'PositionExpired' })
      await report(listing(asOf + 1n))
    })
  })

  test('what has expired is settled by a report of its payoff in cash, and margins go on from there', async () => {
    await engine.chain.undone(async () => {
      const expiry = (await engine.chain.now()) + 1_000n
      await report(listing(expiry))
      await engine.chain.setTime(expiry)
      const dust = withCash(account.holdings.cashE12 + 1n, listing(expiry))
      await expect(report(dust)).rejects.toMatchObject({ reason: 'PositionExpired' })
      const settled = { ...withCash(account.holdings.cashE12 + 20_000n * E12), positions: [] }
      await report(settled)
      await landMargin(await engine.round([EXPIRY]), 5n, settled)
      expect((await engine.client.margin(account.signer)).maintenanceE8).toBe(5n)
    })
  })
})

describe('R53: prices of a round', () => {
  /** A round with another forward, or another perpetual. */
  async function published(forwardE8: bigint, perpPriceE8 = SPOT): Promise<RoundWords> {
    const asOf = (await engine.chain.now()) + 1n
    await engine.chain.setTime(asOf)
    const usual = roundAt(asOf, [EXPIRY], SPOT)
    const [forward = 0n, ...shape] = usual.expiries[0] ?? []
    const prices = { spotE8: SPOT, perpPriceE8, stablePriceE12: E12, asOf }
    // The variable part of the forward stands above two times of 32 bits; a tenth of it is fixed.
    const parts = (forwardE8 - forwardE8 / 10n) | ((forwardE8 / 10n) << 48n)
    const mask = ((1n << 96n) - 1n) << 64n
    const given = {
      ...usual,
      market: [pack('roundPrices', prices), ...usual.market.slice(1)],
      expiries: [[(forward & ~mask) | (parts << 64n), ...shape]],
    }
    await engine.publish(given)
    return given
  }
  const submit = async (forwardE8: bigint, perpPriceE8?: bigint): Promise<RegistryCall> => {
    const at = await published(forwardE8, perpPriceE8)
    return arraysCall(at, modelIdOf('riskArray'), [await engine.array(at, key)])
  }

  test.each([
    [2n * SPOT, true],
    [2n * SPOT + 1n, false],
    [SPOT / 2n, true],
    [SPOT / 2n - 1n, false],
    [0n, false],
  ])('forward and perpetual at %i are taken: %s', async (priceE8, isTaken) => {
    await engine.chain.undone(async () => {
      for (const call of [await submit(priceE8), await submit(SPOT, priceE8)]) {
        if (isTaken) await mined(engine.send(call))
        else await refused(call, 'RoundPricesApart', [SPOT, priceE8, 10_000n])
      }
    })
  })

  test('are as near as governed, from a tenth to a factor of 2', async () => {
    const set = (gapBps: bigint) => engine.arrays.getFunction('setRoundPriceGap')(gapBps)
    await engine.chain.undone(async () => {
      const [event] = eventsOf(await mined(set(1_000n)), engine.arrays)
      expect(event?.args.toArray()).toEqual([10_000n, 1_000n])
      await mined(engine.send(await submit((SPOT * 11n) / 10n)))
      await refused(await submit((SPOT * 11n) / 10n + 1n), 'RoundPricesApart')
      await mined(set(10_000n))
    })
    await expectRevert(set(999n), engine.arrays, 'PortfolioPolicyBelow', ['roundPriceGapBps', 999n, 1_000n])
    await expectRevert(set(10_001n), engine.arrays, 'PortfolioPolicyAbove', ['roundPriceGapBps', 10_001n, 10_000n])
    const [, stranger] = engine.chain.signers
    const asStranger = engine.arrays.connect(stranger as never) as typeof engine.arrays
    const refusal = ['AccessManagedUnauthorized', [await stranger?.getAddress()]] as const
    await expectRevert(asStranger.getFunction('setRoundPriceGap')(5_000n), engine.arrays, ...refusal)
  })
})

test('R54: arrays of a model that has been disabled are of no use, to margins or witnesses', async () => {
  const margin = await engine.margin(round, [account], [books])
  const calls = [engine.marginCall(round, [{ account: account.signer, books }], margin), inFlight()]
  for (const call of calls) await engine.chain.undone(async () => mined(engine.send(call)))
  await engine.chain.undone(async () => {
    await mined(engine.models.getFunction('disable')(modelIdOf('riskArray')))
    for (const call of calls) await refused(call, 'ModelNotActive', [modelIdOf('riskArray'), 2n], engine.models)
  })
})
