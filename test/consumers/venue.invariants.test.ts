/**
 * Whatever accounts do at the venue, in whatever order: its cash is its tokens, its positions sum to nothing, the registry knows what it
 * says, and nobody gains but by a price that moved.
 *
 * VENUE_RUNS and VENUE_STEPS say how many sequences of how many requests, VENUE_SEED which; `npm run campaign:venue` has 10,000 of 64.
 */
import * as fc from 'fast-check'
import { AbiCoder, type Contract, keccak256, type Result, solidityPacked } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { pack, unpack } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { E12, E8, PortfolioEngine, roundAt } from '../../scripts/tools/chains/portfolioEngine.ts'
import { revertDataOf } from '../reverts.ts'
import { EXPIRY, ONE_BPS, option, roundArgument, rules, SPOT, sumOf, TestVenue } from './venue.ts'

const RUNS = Number(process.env.VENUE_RUNS ?? 12)
const STEPS = Number(process.env.VENUE_STEPS ?? 24)
const SEED = Number(process.env.VENUE_SEED ?? 20_261_129)
const ANYBODY = 6
const TRADERS = [0, 1, 2, 3]
const LOT = 10n ** 8n
/** What these options trade at throughout, so that they change nobody's worth. */
const KINDS = [
  { word: (lots: bigint) => option(110_000n, lots * LOT), valueE8: 2_000n * E8 },
  { word: (lots: bigint) => option(90_000n, 0n, lots * LOT), valueE8: 1_500n * E8 },
] as const

type Action =
  | { readonly name: 'deposit' | 'withdraw'; readonly i: number; readonly whole: bigint }
  | { readonly name: 'round'; readonly spot: bigint; readonly i: number }
  | {
      readonly name: 'trade'
      readonly i: number
      readonly j: number
      readonly perps: bigint
      readonly lots: bigint
      readonly kind: 0 | 1
      readonly isTaken: boolean
    }
  | { readonly name: 'liquidate'; readonly i: number; readonly j: number; readonly bps: bigint; readonly wait: bigint }
  | { readonly name: 'mark' | 'cancel' | 'insure'; readonly i: number }

const trader = fc.constantFrom(...TRADERS)
const lots = fc.bigInt({ min: -30_000n, max: 30_000n })
const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({ name: fc.constantFrom('deposit', 'withdraw'), i: trader, whole: fc.bigInt({ min: 1n, max: 50_000n }) }),
  fc.record({ name: fc.constant('round'), i: trader, spot: fc.bigInt({ min: 80_000n, max: 120_000n }) }),
  {
    weight: 3,
    arbitrary: fc.record({
      name: fc.constant('trade'),
      i: trader,
      j: trader,
      perps: lots,
      lots,
      kind: fc.constantFrom(0, 1),
      isTaken: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      name: fc.constant('liquidate'),
      i: trader,
      j: trader,
      bps: fc.oneof(fc.bigInt({ min: 1n, max: rules.stepBps }), fc.constant(ONE_BPS)),
      wait: fc.bigInt({ min: 0n, max: rules.auctionSeconds }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ name: fc.constantFrom('mark', 'cancel', 'cancel', 'insure'), i: trader }) },
) as fc.Arbitrary<Action>

/** All that is looked at after each request, in one call. */
const readerSource = `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {IOptionsVenue} from "contracts/consumers/IOptionsVenue.sol";
import {IPortfolioMargins} from "contracts/registry/IPortfolioMargins.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
interface IVenue is IOptionsVenue {
    function registry() external view returns (IPortfolioMargins);
    function token() external view returns (IERC20);
    function insuranceE12() external view returns (int256);
    function badDebtE12() external view returns (int256);
    function clearingE12() external view returns (int256);
}
contract Reader {
    struct Row { address key; address candidate; IOptionsVenue.Account account; uint256 sequence; bytes32 bookHash; }
    struct Totals { int256 insuranceE12; int256 badDebtE12; int256 clearingE12; uint256 tokens; }
    function read(IVenue venue, address[] calldata owners) external view returns (Row[] memory rows, Totals memory totals) {
        rows = new Row[](owners.length);
        for (uint256 i = 0; i < owners.length; ++i) {
            (rows[i].key, rows[i].account) = venue.accountOf(owners[i]);
            (rows[i].candidate, ) = venue.changeOf(owners[i]);
            (rows[i].sequence, rows[i].bookHash, ) = venue.registry().accountOf(rows[i].key);
        }
        totals = Totals(venue.insuranceE12(), venue.badDebtE12(), venue.clearingE12(), venue.token().balanceOf(address(venue)));
    }
}`

let at: TestVenue
let reader: Contract
let owners: readonly string[]
/** How often each kind of request went through, so that a test of refusals alone is seen. */
const done = new Map<string, number>()

beforeAll(async () => {
  at = await TestVenue.open({ engine: await PortfolioEngine.start() })
  for (const each of TRADERS) await at.deposit(each, 100_000n)
  reader = await at.chain.deploy(compileContract('Reader', readerSource))
  owners = await Promise.all(TRADERS.map(at.address))
})

const perpPriceE8 = (): bigint => unpack('roundPrices', at.newest.market[0] as bigint).perpPriceE8

/** Whether a request went through; that it was refused by one of the venue's or the registry's errors is as good. */
async function tried(name: string, body: () => Promise<unknown>): Promise<boolean> {
  try {
    await body()
  } catch (error) {
    if (revertDataOf(error) === undefined) throw error
    return false
  }
  done.set(name, (done.get(name) ?? 0) + 1)
  return true
}

type State = Awaited<ReturnType<TestVenue['account']>>
type Row = State & { readonly candidate: string; readonly sequence: bigint; readonly bookHash: string }
type Totals = Readonly<Record<'insuranceE12' | 'badDebtE12' | 'clearingE12' | 'tokens', bigint>>
type Seen = { readonly rows: readonly Row[]; readonly totals: Totals }

async function seen(): Promise<Seen> {
  const { rows, totals } = await reader.getFunction('read')(at.venue, owners)
  return {
    rows: rows.map(({ key, candidate, account, sequence, bookHash }: Result & { readonly account: Result }) => ({
      ...{ key, candidate, sequence, bookHash },
      ...account.toObject(),
    })),
    totals: totals.toObject(),
  }
}

/** Cash, perpetuals at the newest price and options at theirs. */
async function worthOf(i: number, state?: State): Promise<bigint> {
  const { cashE12, perpsE12, markE8 } = state ?? (await at.account(i))
  const options = (at.books.get(owners[i] as string) ?? []).reduce((sum, word) => {
    const { callsE12, putsE12 } = unpack('optionPosition', word)
    return sum + callsE12 * KINDS[0].valueE8 + putsE12 * KINDS[1].valueE8
  }, 0n)
  return cashE12 + (perpsE12 * (perpPriceE8() - markE8) + options) / E8
}

/** What each request brings who makes it, to the unit, if it goes through. */
async function run(action: Action): Promise<readonly bigint[]> {
  const gains = TRADERS.map(() => 0n)
  const { name, i } = action
  const gain = (of: number, amount: bigint): void => {
    gains[of] = (gains[of] as bigint) + amount
  }
  switch (action.name) {
    case 'deposit':
      if (await tried(name, () => at.deposit(i, action.whole))) gain(i, action.whole * E12)
      break
    case 'withdraw':
      await withdraw(i, action.whole, gain)
      break
    case 'round':
      await moveTo(action.spot, gain)
      break
    case 'trade':
      await trade(action, gain)
      break
    case 'liquidate':
      await liquidate(action, gain)
      break
    case 'mark':
      await tried(name, async () => mined(at.mark(ANYBODY, i)))
      break
    case 'cancel':
      await cancel(i)
      break
    default:
      await tried(name, () => mined(at.call(i, 'fundInsurance', 1_000n * 10n ** 6n)))
  }
  return gains
}
/** What waits is given up when its time is over. */
async function cancel(i: number): Promise<void> {
  if (BigInt((await at.change(i)).candidate) !== 0n) await at.later(rules.changeSeconds + 1n)
  await tried('cancel', async () => mined(at.call(ANYBODY, 'cancelChange', await at.address(i))))
}

type Gain = (of: number, amount: bigint) => void

async function withdraw(i: number, whole: bigint, gain: Gain): Promise<void> {
  if (!(await tried('withdraw', async () => mined(at.withdraw(i, whole))))) return
  if (BigInt((await at.change(i)).candidate) !== 0n) {
    await at.prove(i)
    if (!(await tried('effect', async () => mined(at.call(ANYBODY, 'takeEffect', await at.address(i), [], []))))) return
  }
  gain(i, -whole * E12)
}

async function moveTo(spot: bigint, gain: Gain): Promise<void> {
  const before = perpPriceE8()
  await at.round(spot * E8)
  const { rows } = await seen()
  for (const each of TRADERS) gain(each, ((rows[each]?.perpsE12 ?? 0n) * (perpPriceE8() - before)) / E8)
}

async function trade(action: Extract<Action, { name: 'trade' }>, gain: Gain): Promise<void> {
  const { i, j, perps, lots: count, kind, isTaken } = action
  if (i === j || (perps === 0n && count === 0n)) return
  const { word, valueE8 } = KINDS[kind]
  const options = count === 0n ? [] : [word(count)]
  const premiumE12 = (count * LOT * valueE8) / E8
  const order = await at.place(i, { perpsE12: perps * LOT, options, premiumE12: 2n ** 100n })
  await moveTo(SPOT + perps / 100n, gain)
  if (!(await tried('fill', () => at.match(order, j, premiumE12)))) return
  if (!isTaken) return
  for (const each of [i, j]) await at.prove(each)
  await tried('trade', () => at.takeTrade(order, j))
}

async function liquidate(action: Extract<Action, { name: 'liquidate' }>, gain: Gain): Promise<void> {
  const { i, j, bps, wait } = action
  if (i === j) return
  await tried('mark', async () => mined(at.mark(ANYBODY, i)))
  await at.witness(i)
  await tried('flag', async () => mined(at.call(ANYBODY, 'flag', await at.address(i))))
  const { spotE8 } = unpack('roundPrices', at.newest.market[0] as bigint)
  if (wait > 0n) await at.later(wait)
  await moveTo(spotE8 / E8, gain)
  await tried('mark', async () => mined(at.mark(ANYBODY, j)))
  await at.prove(j, { initialE8: 10n ** 15n })
  const [before, other] = [await at.account(i), await worthOf(j)]
  const owned = await at.positions(i)
  if (!(await tried('liquidate', async () => mined(at.liquidate(j, i, bps))))) return
  const share = (quantity: bigint): bigint => (((quantity / LOT) * bps) / ONE_BPS) * LOT
  const part = sumOf(
    owned.map((held) => {
      const fields = unpack('optionPosition', held)
      return pack('optionPosition', { ...fields, callsE12: share(fields.callsE12), putsE12: share(fields.putsE12) })
    }),
    [],
  )
  const [owner, liquidator] = [await at.address(i), await at.address(j)]
  at.books.set(owner, sumOf(owned, part, -1n)).set(liquidator, sumOf(at.books.get(liquidator) ?? [], part))
  // What one gives the other has; debt of an account of nothing is the fund's.
  const passed = (await worthOf(j)) - other
  const after = await at.account(i)
  const isClosed = after.perpsE12 === 0n && (await at.positions(i)).length === 0 && before.cashE12 !== 0n
  gain(j, passed)
  gain(i, isClosed && after.cashE12 === 0n ? (await worthOf(i)) - worthBefore(i) : -passed)
}
const worths: bigint[] = []
const worthBefore = (i: number): bigint => worths[i] as bigint

/** Everything that holds after every request. */
function expectInvariants({ rows, totals }: Seen): void {
  const { insuranceE12, badDebtE12, clearingE12, tokens } = totals
  const sum = (of: (row: Row) => bigint): bigint => rows.reduce((total, row) => total + of(row), 0n)
  expect(sum(({ cashE12 }) => cashE12) + insuranceE12 + clearingE12 - badDebtE12).toBe(tokens * 10n ** 6n)
  expect(sum(({ perpsE12 }) => perpsE12)).toBe(0n)
  expect(sum(({ perpsE12, markE8 }) => ((perpsE12 as bigint) * -(markE8 as bigint)) / E8)).toBe(clearingE12)
  const books = owners.map((owner) => at.books.get(owner) ?? [])
  expect(books.reduce((total, words) => sumOf(total, words), [])).toEqual([])
  for (const [i, row] of rows.entries()) {
    const hash = keccak256(solidityPacked(['uint256[]'], [books[i]]))
    expect(row.positionsHash).toBe(hash)
    expect(row.sequence).toBe(row.reports)
    if (!row.isReported) continue
    const holdings = pack('holdings', { perpsE12: row.perpsE12, cashE12: row.cashE12, perpPnlE12: 0n })
    const types = ['bytes32', ...new Array(5).fill('uint256')]
    expect(row.bookHash).toBe(keccak256(AbiCoder.defaultAbiCoder().encode(types, [hash, holdings, 0n, 0n, 0n, 0n])))
  }
}

async function expectSettled(): Promise<void> {
  await at.chain.setTime(EXPIRY)
  const round = roundAt(EXPIRY, [], 113_000n * E8)
  await at.engine.publish(round)
  at.newest = round
  await mined(at.call(ANYBODY, 'fixSettlement', EXPIRY, roundArgument(round)))
  await at.chain.setTime(EXPIRY + rules.settlementSeconds + 1n)
  for (const each of TRADERS) {
    const positions = await at.positions(each)
    if (positions.length > 0) await mined(at.call(ANYBODY, 'settle', await at.address(each), positions))
    at.books.set(await at.address(each), [])
    await tried('mark', async () => mined(at.mark(ANYBODY, each)))
  }
  const end = await seen()
  expectInvariants(end)
  expect(end.totals.clearingE12).toBe(0n)
}

describe('R147: cash, positions and worth', () => {
  test(
    `are kept through ${RUNS} sequences of up to ${STEPS} requests, to the end`,
    async () => {
      const began = performance.now()
      await fc.assert(
        fc.asyncProperty(
          fc.array(actions, { minLength: Math.ceil(STEPS / 2), maxLength: STEPS, size: 'max' }),
          async (sequence) =>
            at.undone(async () => {
              worths.splice(0, worths.length, ...(await Promise.all(TRADERS.map((i) => worthOf(i)))))
              for (const action of sequence) {
                const gains = await run(action)
                const now = await seen()
                const after = await Promise.all(now.rows.map((row, i) => worthOf(i, row)))
                expect(after.map((worth, i) => worth - worthBefore(i))).toEqual(gains)
                expectInvariants(now)
                worths.splice(0, worths.length, ...after)
              }
              await expectSettled()
            }),
        ),
        { numRuns: RUNS, seed: SEED, endOnFailure: RUNS < 10 },
      )
      const minutes = (performance.now() - began) / 60_000
      console.log(`${RUNS} sequences, ${(RUNS / minutes).toFixed(0)} a minute`, Object.fromEntries(done))
      for (const name of ['deposit', 'withdraw', 'fill', 'trade', 'mark', 'liquidate', 'cancel', 'insure']) {
        expect(done.get(name) ?? 0, name).toBeGreaterThan(0)
      }
    },
    3_600_000 * 24,
  )
})
