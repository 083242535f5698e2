/** A venue over rounds that a test publishes, with margins that it sets, or with the registry that takes proofs. */
import type { Contract, Signer, TransactionReceipt } from 'ethers'
import type { Fields } from '../../circuits/statements/index.ts'
import { expiriesHashOf, type RoundWords } from '../../prover/registry/portfolio/rounds.ts'
import { pack, unpack } from '../../prover/statement/words.ts'
import { type Chain, GAS_LIMIT, mined } from '../../scripts/tools/chains/chain.ts'
import { type CompiledContract, compileContract } from '../../scripts/tools/chains/compileContract.ts'
import { E12, E8, type PortfolioEngine } from '../../scripts/tools/chains/portfolioEngine.ts'

export const EXPIRY = 2_000_000_000n
export const SPOT = 100_000n
/** Hundredths of a per cent in one. */
export const ONE_BPS = 10_000n
/** How much clocks of signers and chain may differ. */
const SKEW_SECONDS = 15n
const CASH_EACH = 10n ** 30n

export const rules = {
  changeSeconds: 600n,
  settlementSeconds: 300n,
  auctionSeconds: 1_200n,
  windowSeconds: 3_600n,
  startPayBps: 2_000n,
  endBonusBps: 1_000n,
  bondBps: 5_000n,
  stepBps: 2_500n,
  bandBps: 500n,
  budgetE12: 10_000_000n * E12,
}
export type Rules = typeof rules

export type Order = {
  readonly owner: string
  readonly number: bigint
  readonly perpsE12: bigint
  readonly limitE8: bigint
  readonly premiumE12: bigint
  readonly expiresAt: bigint
  readonly options: readonly bigint[]
}
export type Quote = {
  readonly orderId: string
  readonly maker: string
  readonly premiumE12: bigint
  readonly deadline: bigint
  readonly nonce: bigint
}

export const quoteTypes = {
  Quote: [
    { name: 'orderId', type: 'bytes32' },
    { name: 'maker', type: 'address' },
    { name: 'premiumE12', type: 'int256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
  ],
}

/** A token of some decimals whose transfers a test may bend. */
export const coin = (decimals: number, transfer = ''): CompiledContract =>
  compileContract(
    'Coin',
    `// SPDX-License-Identifier: GPL-3.0-or-later
pragma solidity ^0.8.28;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Coin is ERC20("Coin", "COIN") {
    function mint(address holder, uint256 amount) external { _mint(holder, amount); }
    function decimals() public pure override returns (uint8) { return ${decimals}; }
    ${transfer}
}`,
  )

/** A word of calls and puts at a strike, in whole assets times 10^12. */
export const option = (strike: bigint, callsE12: bigint, putsE12 = 0n, expiry = EXPIRY): bigint =>
  pack('optionPosition', { expiry, strikeE8: strike * E8, callsE12, putsE12 })

/** Positions after others were added, by expiry and strike. */
export function sumOf(words: readonly bigint[], added: readonly bigint[], times = 1n): readonly bigint[] {
  const held = new Map<string, Fields<'optionPosition'>>()
  for (const [list, factor] of [
    [words, 1n],
    [added, times],
  ] as const) {
    for (const word of list) {
      const { expiry, strikeE8, callsE12, putsE12 } = unpack('optionPosition', word)
      const name = `${expiry} ${strikeE8}`
      const before = held.get(name) ?? { callsE12: 0n, putsE12: 0n }
      held.set(name, {
        expiry,
        strikeE8,
        callsE12: before.callsE12 + factor * callsE12,
        putsE12: before.putsE12 + factor * putsE12,
      })
    }
  }
  return [...held.values()]
    .filter(({ callsE12, putsE12 }) => callsE12 !== 0n || putsE12 !== 0n)
    .toSorted((a, b) => Number(a.expiry - b.expiry) || Number(a.strikeE8 - b.strikeE8))
    .map((fields) => pack('optionPosition', fields))
}

export class TestVenue {
  readonly engine: PortfolioEngine
  readonly registry: Contract
  readonly token: Contract
  readonly venue: Contract
  readonly orders: Contract
  /** What accounts hold, as whoever follows reports knows. */
  readonly books = new Map<string, readonly bigint[]>()
  newest: RoundWords
  private nonce = 0n

  private constructor(
    engine: PortfolioEngine,
    contracts: Record<'registry' | 'token' | 'venue' | 'orders', Contract>,
    round: RoundWords,
  ) {
    this.engine = engine
    this.registry = contracts.registry
    this.token = contracts.token
    this.venue = contracts.venue
    this.orders = contracts.orders
    this.newest = round
  }

  /**
   * @param token - deployed or compiled; 6 decimals where none is given
   * @param real  - whether margins are those of the registry that takes proofs
   */
  static async open({
    engine,
    token = coin(6),
    change = {},
    real = false,
  }: {
    readonly engine: PortfolioEngine
    readonly token?: CompiledContract
    readonly change?: Partial<Rules>
    readonly real?: boolean
  }): Promise<TestVenue> {
    const { chain, council } = engine
    const registry = real ? engine.registry : await chain.deploy('MockPortfolioRegistry', engine.arrays)
    const cash = await chain.deploy(token)
    const venue = await chain.deploy('OptionsVenue', council, registry, cash, { ...rules, ...change })
    const orders = await chain.ethers.getContractAt('VenueOrders', await venue.getFunction('orders')())
    const opened = new TestVenue(
      engine,
      { registry, token: cash, venue, orders } as never,
      await engine.round([EXPIRY]),
    )
    for (const signer of chain.signers.slice(0, 8)) {
      await mined(cash.getFunction('mint')(await signer.getAddress(), CASH_EACH))
      await mined(opened.as(signer, cash).getFunction('approve')(venue, 2n ** 256n - 1n))
    }
    return opened
  }

  get chain(): Chain {
    return this.engine.chain
  }

  signer(i: number): Signer {
    return this.chain.signers[i] as unknown as Signer
  }

  address = (i: number): Promise<string> => this.signer(i).getAddress()

  as = (signer: unknown, contract: Contract = this.venue): Contract => contract.connect(signer as never) as Contract

  /** A call of the venue by a signer, not awaited. */
  call = (i: number, name: string, ...args: readonly unknown[]) =>
    this.as(this.signer(i)).getFunction(name)(...args, { gasLimit: GAS_LIMIT })

  callOrders = (i: number, name: string, ...args: readonly unknown[]) =>
    this.as(this.signer(i), this.orders).getFunction(name)(...args, { gasLimit: GAS_LIMIT })

  /** Publishes a round at a price, observed a while after whatever came before. */
  async round(spotE8: bigint, secondsLater = SKEW_SECONDS + 2n): Promise<RoundWords> {
    this.newest = await this.engine.round([EXPIRY], secondsLater, spotE8)
    return this.newest
  }

  get roundArgument() {
    return roundArgument(this.newest)
  }

  async account(i: number) {
    const { key, account } = await this.venue.getFunction('accountOf')(await this.address(i))
    return { key, ...account.toObject() }
  }

  async change(i: number) {
    const { candidate, change } = await this.venue.getFunction('changeOf')(await this.address(i))
    return { candidate, ...change.toObject() }
  }

  async positions(i: number): Promise<readonly bigint[]> {
    return this.books.get(await this.address(i)) ?? []
  }

  deposit = async (i: number, whole: bigint): Promise<TransactionReceipt> =>
    mined(this.call(i, 'deposit', whole * 10n ** BigInt(await this.token.getFunction('decimals')())))

  mark = async (by: number, i: number) =>
    this.call(by, 'mark', await this.address(i), this.roundArgument, await this.positions(i))

  withdraw = async (i: number, whole: bigint) =>
    this.call(
      i,
      'withdraw',
      whole * 10n ** BigInt(await this.token.getFunction('decimals')()),
      this.roundArgument,
      await this.positions(i),
    )

  /** Puts margins of an account's candidate in force, or of its key if it has none; of the newest round unless it is said. */
  async prove(i: number, change: Partial<Record<'initialE8' | 'maintenanceE8' | 'asOf' | 'sequence', bigint>> = {}) {
    const { candidate } = await this.change(i)
    return this.proveKey(BigInt(candidate) === 0n ? (await this.account(i)).key : candidate, change)
  }

  async proveKey(key: string, change: object = {}): Promise<void> {
    const { sequence } = await this.registry.getFunction('accountOf')(key)
    const margin = { initialE8: 0n, maintenanceE8: 0n, worstScenario: 6n, asOf: this.newest.asOf, sequence, ...change }
    await mined(this.registry.getFunction('setMargin')(key, margin))
  }

  async order(i: number, change: Partial<Order>): Promise<Order> {
    return {
      owner: await this.address(i),
      number: this.nonce++,
      perpsE12: 0n,
      limitE8: (change.perpsE12 ?? 0n) > 0n ? 2n ** 48n : 0n,
      premiumE12: 10n ** 20n,
      expiresAt: (await this.chain.now()) + 3_600n,
      options: [],
      ...change,
    }
  }

  async place(i: number, change: Partial<Order>): Promise<Order> {
    const order = await this.order(i, change)
    await mined(this.callOrders(i, 'placeOrder', order))
    return order
  }

  async quote(maker: number, order: Order, change: Partial<Quote> = {}): Promise<Quote> {
    return {
      orderId: await this.orders.getFunction('orderIdOf')(order),
      maker: await this.address(maker),
      premiumE12: 0n,
      deadline: order.expiresAt,
      nonce: this.nonce++,
      ...change,
    }
  }

  async sign(maker: number, quote: Quote): Promise<string> {
    const domain = {
      name: 'zk-risk-engine VenueOrders',
      version: '1',
      chainId: 31337n,
      verifyingContract: this.orders.target as string,
    }
    return (this.signer(maker) as never as { signTypedData(...a: unknown[]): Promise<string> }).signTypedData(
      domain,
      quoteTypes,
      quote,
    )
  }

  /** Brings an order and a quote together; by nobody in particular. */
  async fill(order: Order, quote: Quote, signature: string) {
    const positions = (owner: string) => this.books.get(owner) ?? []
    const both = [positions(order.owner), positions(quote.maker)]
    return this.callOrders(7, 'fill', order, quote, signature, this.roundArgument, ...both)
  }

  /** An order with its quote, filled at the newest round. */
  async match(order: Order, maker: number, premiumE12 = 0n): Promise<TransactionReceipt> {
    const quote = await this.quote(maker, order, { premiumE12 })
    return mined(this.fill(order, quote, await this.sign(maker, quote)))
  }

  /** Takes a filled trade into effect and notes what both hold then. */
  async takeTrade(order: Order, maker: number): Promise<TransactionReceipt> {
    const other = await this.address(maker)
    const owned = sumOf(this.books.get(order.owner) ?? [], order.options)
    const made = sumOf(this.books.get(other) ?? [], order.options, -1n)
    const receipt = await mined(this.call(7, 'takeEffect', order.owner, owned, made))
    this.books.set(order.owner, owned).set(other, made)
    return receipt
  }

  /** All of it: an order, the next round, the fill, margins of both, and the effect. */
  async trade(i: number, maker: number, change: Partial<Order>, premiumE12 = 0n, spotE8 = SPOT * E8): Promise<void> {
    const order = await this.place(i, change)
    await this.round(spotE8)
    await this.match(order, maker, premiumE12)
    for (const each of [i, maker]) await this.prove(each)
    await this.takeTrade(order, maker)
  }

  /** Says that a witness of the newest round has shown an account below maintenance, as it was last reported. */
  async witness(i: number, change: { readonly asOf?: bigint; readonly sequence?: bigint } = {}): Promise<void> {
    const { key, reports } = await this.account(i)
    const shown = { asOf: this.newest.asOf, sequence: reports, ...change }
    await mined(this.registry.getFunction('setWitness')(key, shown))
  }

  async liquidate(by: number, i: number, fractionBps: bigint) {
    const both = [await this.positions(i), await this.positions(by)]
    return this.call(by, 'liquidate', await this.address(i), fractionBps, this.roundArgument, ...both)
  }

  /** Both in one transaction: a call of the registry that shows the account below maintenance, and the liquidation. */
  async liquidateByWitness(by: number, i: number, fractionBps: bigint, witness: string) {
    const both = [await this.positions(i), await this.positions(by)]
    return this.call(by, 'liquidateByWitness', await this.address(i), fractionBps, ...both, witness)
  }

  /** Lets time pass without a block of its own. */
  later = async (seconds: bigint): Promise<void> => this.chain.setTime((await this.chain.now()) + seconds)

  undone = <T>(body: () => Promise<T>): Promise<T> =>
    this.chain.undone(async () => {
      const [books, newest] = [new Map(this.books), this.newest]
      try {
        return await body()
      } finally {
        this.books.clear()
        for (const [owner, words] of books) this.books.set(owner, words)
        this.newest = newest
      }
    })
}

export const roundArgument = (round: RoundWords) => ({
  asOf: round.asOf,
  expiriesHash: expiriesHashOf(round),
  marketWords: round.market,
})
