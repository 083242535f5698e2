/** What margins of accounts cost on a chain, for the snapshot and for the benchmark against a margin engine in Solidity. */
import { sizeOf } from '../../../circuits/statements/index.ts'
import type { TransactionReceipt } from 'ethers'
import type { RoundWords } from '../../../prover/registry/index.ts'
import { arraysCall, countCall } from '../../../prover/registry/portfolio/calldata.ts'
import { pack } from '../../../prover/statement/words.ts'
import { mined } from './chain.ts'
import {
  type Account,
  amountsWords,
  type ArrayKey,
  E12,
  E8,
  type MarginStatement,
  type PortfolioEngine,
} from './portfolioEngine.ts'

const EXPIRY = 2_000_000_000n

/** Gas of whole transactions, calldata included, once all slots are in use. */
export type PortfolioGas = {
  /** Arrays that the options take; any number of accounts share them. */
  readonly arrays: number
  readonly oneArray: number
  /** Of all arrays but one, together. */
  readonly otherArrays: number
  /** Proofs of books that one account takes. */
  readonly books: number
  readonly oneAccount: number
  /** As many accounts as the model of margins has places for. */
  readonly fullBatch: number
  readonly accounts: number
  /** Margins of one account alone, and of as many as their model has places for. */
  readonly oneAlone: number
  readonly fullAlone: number
  readonly accountsAlone: number
}

/**
 * Margins of accounts that each have a call and a put at each strike of one expiry.
 *
 * @param engine  - with models of the sizes to measure
 * @param options - of each account, from 14 to 256
 */
export async function measurePortfolioGas(engine: PortfolioEngine, options: number): Promise<PortfolioGas> {
  const { keys, strikes } = strikesOf(engine, options)
  const accounts = await accountsOf(engine, strikes)
  for (const account of accounts) await engine.report(account)
  const used = (receipt: TransactionReceipt): number => Number(receipt.gasUsed)
  const gas = { oneArray: 0, otherArrays: 0, oneAccount: 0, fullBatch: 0, oneAlone: 0, fullAlone: 0 }
  // Twice: slots that were empty cost more the first time.
  for (let i = 0; i < 2; i++) {
    const round = await engine.round([EXPIRY])
    const proven = await Promise.all(keys.map((key) => engine.array(round, key)))
    const land = async (given: typeof proven) =>
      used(await mined(engine.send(arraysCall(round, engine.modelIdOf('riskArray'), given))))
    gas.oneArray = await land(proven.slice(0, 1))
    gas.otherArrays = await land(proven.slice(1))
    gas.oneAccount = used(await engine.landMargins(round, accounts.slice(0, 1), [keys]))
    const next = await engine.round([EXPIRY])
    await mined(engine.landArrays(next, keys))
    const some = accounts.slice(0, placesOf(engine, 'portfolioMargin'))
    gas.fullBatch = await landAll(engine, next, some, keys, 'portfolioMargin')
  }
  // By themselves, as thresholds that come and go take a slot anew.
  for (let i = 0; i < 2; i++) {
    for (const [what, count] of [
      ['oneAlone', 1],
      ['fullAlone', placesOf(engine, 'marginsAlone')],
    ] as const) {
      const round = await engine.round([EXPIRY])
      await mined(engine.landArrays(round, keys))
      gas[what] = await landAll(engine, round, accounts.slice(0, count), keys, 'marginsAlone')
    }
  }
  const arrays = keys.length
  const books = Math.ceil(arrays / engine.segments)
  const [places, placesAlone] = [placesOf(engine, 'portfolioMargin'), placesOf(engine, 'marginsAlone')]
  return { arrays, books, accounts: places, accountsAlone: placesAlone, ...gas }
}

/** What the open interest costs on top. */
export type CountGas = {
  /** A full batch in the middle of a count, all of it counted and put in force. */
  readonly fullBatch: number
  readonly opening: number
  /** Of an account of these options, without a count; during one, the first time. */
  readonly report: number
  readonly reportInCount: number
}

/**
 * The same accounts while they are counted.
 *
 * @param engine  - as {@link measurePortfolioGas} left it
 * @param options - as it was given
 */
export async function measureCountGas(engine: PortfolioEngine, options: number): Promise<CountGas> {
  const { keys, strikes } = strikesOf(engine, options)
  const accounts = await accountsOf(engine, strikes)
  const places = placesOf(engine, 'portfolioMargin')
  const reporting = (account: Account) => {
    const words = account.positions.map((position) => pack('optionPosition', position))
    return engine.client.reportAccount(
      account.signer,
      words,
      pack('holdings', account.holdings),
      account.collateralAmounts,
    )
  }
  const gas = { fullBatch: 0, opening: 0, report: 0, reportInCount: 0 }
  // Twice, as above; each count is completed, so that the next one may be opened.
  for (let i = 0; i < 2; i++) {
    const round = await engine.round([EXPIRY])
    await mined(engine.landArrays(round, keys))
    gas.report = Number((await reporting(accounts[0] as Account)).gasUsed)
    gas.opening = Number((await mined(engine.send(countCall(round)))).gasUsed)
    const [first, last] = accounts.slice(places) as [Account, Account]
    await landAll(engine, round, [first], keys, 'portfolioMargin')
    gas.fullBatch = await landAll(engine, round, accounts.slice(0, places), keys, 'portfolioMargin')
    await landAll(engine, round, [last], keys, 'portfolioMargin')
    const next = await engine.round([EXPIRY])
    await mined(engine.landArrays(next, keys))
    await mined(engine.send(countCall(next)))
    await engine.chain.undone(async () => {
      gas.reportInCount = Number((await reporting(accounts[0] as Account)).gasUsed)
    })
    await landAll(engine, next, accounts.slice(0, places), keys, 'portfolioMargin')
    await landAll(engine, next, [first, last], keys, 'portfolioMargin')
  }
  return gas
}

const placesOf = (engine: PortfolioEngine, statement: MarginStatement): number =>
  sizeOf(engine.buildOf(statement), 'accounts')

/** Gas of a batch of accounts that hold options of all arrays. */
async function landAll(
  engine: PortfolioEngine,
  round: RoundWords,
  accounts: readonly Account[],
  keys: readonly ArrayKey[],
  statement: MarginStatement,
): Promise<number> {
  const ofEach = accounts.map(() => keys)
  return Number((await engine.landMargins(round, accounts, ofEach, statement)).gasUsed)
}

/**
 * What margins of an account cost straight from its arrays that has a call and a put at each strike of one expiry.
 *
 * @param engine  - with models of the sizes to measure
 * @param options - of the account, at most two for each strike that the model has places for
 */
export async function measureArrayMarginGas(engine: PortfolioEngine, options: number): Promise<number> {
  const { keys, account } = await holderOf(engine, options)
  let gas = 0
  for (let i = 0; i < 2; i++) {
    const round = await engine.round([EXPIRY])
    await mined(engine.landArrays(round, keys))
    const proof = await engine.arrayMargin(round, account, keys)
    gas = Number((await mined(engine.send(engine.arrayMarginCall(round, { account: account.signer }, proof)))).gasUsed)
  }
  return gas
}

/**
 * Gas of a batch of so many of them, each with a call and a put at each strike of one expiry.
 *
 * @param count - of the accounts, at most as many as a proof of margins has places for
 */
export async function measureBatchGas(engine: PortfolioEngine, options: number, count: number): Promise<number> {
  const { keys, strikes } = strikesOf(engine, options)
  const accounts = (await accountsOf(engine, strikes)).slice(0, count)
  for (const account of accounts) await engine.report(account)
  let gas = 0
  for (let i = 0; i < 2; i++) {
    const round = await engine.round([EXPIRY])
    await mined(engine.landArrays(round, keys))
    gas = await landAll(engine, round, accounts, keys, 'portfolioMargin')
  }
  return gas
}

/** Strikes of which each account has a call and a put, and the arrays that have them. */
function strikesOf({ strikes: perArray }: PortfolioEngine, options: number) {
  const held = Math.ceil(options / 2)
  const arrays = Math.ceil(held / perArray)
  const strikes = Array.from({ length: arrays * perArray }, (_, i) => (50_000n + 1_000n * BigInt(i)) * E8)
  const keys = Array.from(
    { length: arrays },
    (_, i): ArrayKey => ({ expiry: EXPIRY, strikesE8: strikes.slice(perArray * i, perArray * (i + 1)) }),
  )
  return { keys, strikes: strikes.slice(0, held) }
}

/** An account that is reported, and the arrays that its options take. */
async function holderOf(engine: PortfolioEngine, options: number) {
  const { keys, strikes } = strikesOf(engine, options)
  const [account] = await accountsOf(engine, strikes)
  if (account === undefined) throw new Error('The build of margins has no places.')
  await engine.report(account)
  return { keys, account }
}

/**
 * What a witness from arrays costs against an account that has a call and a put at each strike of one expiry.
 *
 * @param engine  - with models of the sizes to measure
 * @param options - of the account, at most two for each strike that the witness has places for
 */
export async function measureArrayWitnessGas(engine: PortfolioEngine, options: number): Promise<number> {
  const { keys, account } = await holderOf(engine, options)
  let gas = 0
  // Twice: slots that were empty cost more the first time.
  for (let i = 0; i < 2; i++) {
    const round = await engine.round([EXPIRY])
    await mined(engine.landArrays(round, keys))
    const proof = await engine.witnessFromArrays(round, account, keys)
    gas = Number(
      (await mined(engine.send(engine.arraysWitnessCall(round, { account: account.signer }, proof)))).gasUsed,
    )
  }
  return gas
}

/** Accounts with a call and a put at each strike, in the order of their addresses. */
async function accountsOf(engine: PortfolioEngine, strikes: readonly bigint[]): Promise<readonly Account[]> {
  const places = Math.max(placesOf(engine, 'portfolioMargin'), placesOf(engine, 'marginsAlone'))
  const signers = engine.chain.signers.slice(4, 4 + places)
  const addresses = await Promise.all(signers.map((signer) => signer.getAddress()))
  return addresses
    .toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
    .map((signer) => ({
      signer,
      positions: strikes.map((strikeE8, i) => ({
        expiry: EXPIRY,
        strikeE8,
        callsE12: (i % 2 === 0 ? -1n : 1n) * E12 + BigInt(i),
        putsE12: E12 / 2n + BigInt(i),
      })),
      holdings: { perpsE12: -E12, cashE12: 10n ** 18n, perpPnlE12: 5n },
      collateralAmounts: amountsWords(1n << 100n),
    }))
}
