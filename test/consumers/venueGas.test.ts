import type { TransactionReceipt } from 'ethers'
import { beforeAll, describe, expect, test } from 'vitest'
import { expectGas } from '../gasSnapshot.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { E12, E8, type Position, PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'
import { selectorsOf, VENUE_ROLE } from '../../prover/registry/authority.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { option, rules, SPOT, sumOf, TestVenue } from './venue.ts'

/** Calldata varies with the digits of keys and hashes, a few bytes of it zero by chance. */
const TOLERANCE = 1_000
const [HOUSE, ALICE, BOB, ANYBODY] = [0, 1, 2, 6]
const FEW = [option(110_000n, -E12)]
/** A call and a put at each of 32 strikes. */
const MANY = Array.from({ length: 32 }, (_, i) => option(80_000n + 1_000n * BigInt(i), -E12, E12))

const gas: Record<string, number> = {}
let at: TestVenue

/** Margins of an account by the registry that takes proofs: anything, proven by a circuit that states nothing. */
async function prove(i: number): Promise<void> {
  const { candidate } = await at.change(i)
  const isWaiting = BigInt(candidate) !== 0n
  const { cashE12, perpsE12, key } = await at.account(i)
  const change = await at.change(i)
  const signer = isWaiting ? candidate : key
  const words = isWaiting ? (waiting.get(i) ?? []) : await at.positions(i)
  const cash = isWaiting ? change.reportedE12 : cashE12
  const perps = isWaiting ? perpsE12 + change.perpsE12 : perpsE12
  const positions: Position[] = words.map((word) => unpack('optionPosition', word))
  const account = {
    signer,
    positions,
    holdings: { perpsE12: perps, cashE12: cash, perpPnlE12: 0n },
    collateralAmounts: [0n, 0n, 0n, 0n],
  }
  const keys = arraysOf(positions)
  await at.engine.landMargins(at.newest, [account], [keys], 'marginsAlone')
}
const waiting = new Map<number, readonly bigint[]>()
const arraysOf = (positions: readonly Position[]) => {
  const strikes = positions.map(({ strikeE8 }) => strikeE8)
  const perArray = at.engine.strikes
  return Array.from({ length: Math.ceil(strikes.length / perArray) }, (_, i) => {
    const some = strikes.slice(perArray * i, perArray * (i + 1))
    while (some.length < perArray) some.push((some.at(-1) as bigint) + 100n * E8)
    return { expiry: positions[0]?.expiry as bigint, strikesE8: some }
  })
}

const spent = (receipt: TransactionReceipt): number => Number(receipt.gasUsed)

beforeAll(async () => {
  at = await TestVenue.open({ engine: await PortfolioEngine.start(), real: true })
  const { council, registry } = at.engine
  const reports = selectorsOf('PortfolioRegistry', 'venue')
  await mined(council.getFunction('setTargetFunctionRole')(registry, reports, VENUE_ROLE))
  await mined(council.getFunction('grantRole')(VENUE_ROLE, at.venue, 0))
  for (const each of [HOUSE, ALICE, BOB]) {
    await at.deposit(each, 10_000_000n)
    gas.deposit = spent(await at.deposit(each, 1n))
  }
  await measure('one option and a perpetual', FEW)
  at = await again()
  await measure('64 options and a perpetual', MANY)
})

/** A venue of its own, on the same chain. */
async function again(): Promise<TestVenue> {
  const other = await TestVenue.open({ engine: at.engine, real: true })
  await mined(at.engine.council.getFunction('grantRole')(VENUE_ROLE, other.venue, 0))
  for (const each of [HOUSE, ALICE, BOB]) await other.deposit(each, 10_000_000n)
  return other
}

async function measure(name: string, options: readonly bigint[]): Promise<void> {
  const { registry } = at.engine
  const note = (what: string, receipt: TransactionReceipt): void => {
    gas[`${what}, ${name}`] = spent(receipt)
  }
  const order = await at.place(ALICE, { perpsE12: E12, options, premiumE12: 2n ** 100n })
  await at.round(SPOT * E8)
  note('fill of an order, both sides reported', await at.match(order, HOUSE, 0n))
  waiting.set(ALICE, sumOf([], options)).set(HOUSE, sumOf([], options, -1n))
  await mined(
    at.engine.landArrays(at.newest, arraysOf(sumOf([], options).map((word) => unpack('optionPosition', word)))),
  )
  for (const each of [ALICE, HOUSE]) await prove(each)
  note('effect of a trade, both sides', await at.takeTrade(order, HOUSE))
  await at.round(SPOT * E8)
  await mined(at.mark(ANYBODY, ALICE))
  await at.round(SPOT * E8)
  note('mark', await mined(at.mark(ANYBODY, ALICE)))
  note('withdrawal, its request', await mined(at.withdraw(ALICE, 1n)))
  waiting.set(ALICE, await at.positions(ALICE))
  await mined(at.engine.landArrays(at.newest, arraysOf(options.map((word) => unpack('optionPosition', word)))))
  await prove(ALICE)
  note('withdrawal, its effect', await mined(at.call(ANYBODY, 'takeEffect', await at.address(ALICE), [], [])))
  const account = {
    signer: (await at.account(ALICE)).key as string,
    positions: options.map((word) => unpack('optionPosition', word)),
    holdings: { perpsE12: E12, cashE12: (await at.account(ALICE)).cashE12 as bigint, perpPnlE12: 0n },
    collateralAmounts: [0n, 0n, 0n, 0n],
  }
  if (arraysOf(account.positions).length <= 5) {
    const proof = await at.engine.witnessFromArrays(at.newest, account, arraysOf(account.positions))
    const call = at.engine.arraysWitnessCall(at.newest, { account: account.signer }, proof)
    const witness = registry.interface.encodeFunctionData(call.method, call.args)
    await at.undone(async () => {
      note('liquidation with its witness', await mined(at.liquidateByWitness(BOB, ALICE, rules.stepBps, witness)))
    })
    note('witness', await mined(at.engine.send(call)))
  } else {
    const books = await at.engine.books(at.newest, account, arraysOf(account.positions))
    const bound = { bound: [pack('maintenanceBound', { maintenanceE8: -1n })] }
    const proof = await at.engine.witness(at.newest, account, books, bound)
    await mined(at.engine.send(at.engine.witnessCall(at.newest, { account: account.signer, books }, proof)))
  }
  note('liquidation', await mined(at.liquidate(BOB, ALICE, rules.stepBps)))
}

describe('R151: what the venue costs', () => {
  test('a liquidation with its witness at most 640,000 gas of a small account, an effect at most 280,000 for both sides', () => {
    for (const [what, used] of Object.entries(gas))
      console.log(`${what.padEnd(70)}${used.toLocaleString('en').padStart(10)}`)
    const few = (what: string): number => gas[`${what}, one option and a perpetual`] ?? Number.NaN
    expect(few('witness') + few('liquidation')).toBeLessThanOrEqual(640_000)
    expect(few('effect of a trade, both sides')).toBeLessThanOrEqual(280_000)
  })

  test('what the snapshot says', () => {
    expectGas('venueGas', gas, TOLERANCE)
  })
})
