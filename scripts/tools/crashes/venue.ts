/** The venue of a run: accounts opened by orders and quotes, rounds published, margins proven, accounts flagged and liquidated. */
import { type Contract, dataSlice, getAddress, id, type Signer } from 'ethers'
import { provableMargin } from '../../../prover/portfolio/accountMargin.ts'
import type { OptionPosition } from '../../../prover/portfolio/book.ts'
import type { Portfolio } from '../../../prover/portfolio/portfolio.ts'
import { policyWordsOf, roundOf, type RoundWords } from '../../../prover/registry/index.ts'
import { roundArgument } from '../../../prover/registry/portfolio/calldata.ts'
import { marginSizes } from '../../../prover/service/answers/margins.ts'
import { policyOf } from '../../../prover/service/daemon/portfolios/sharedRound.ts'
import { roundWords } from '../../../prover/statement/portfolioMargin.ts'
import { expiryWords } from '../../../prover/statement/riskArray.ts'
import { eventsOf, GAS_LIMIT, mined } from '../chains/chain.ts'
import { type Contracts, COUNCIL, MARKET, type Rules } from './contracts.ts'
import {
  type Book,
  E12,
  type Holder,
  type Kind,
  ONE_BPS,
  partOf,
  type Priced,
  priced,
  refreshed,
  sumOf,
  wordsOf,
} from './holders.ts'
import { type Evidence, RoundProofs } from './roundProofs.ts'

/** Who quotes, among the chain's accounts; they take turns. */
const MAKERS = [1, 3, 4] as const
/** Cash in a unit of its token. */
export const CASH_UNIT_E12 = 10n ** 6n
const MOST = 2n ** 256n - 1n
const ORDER_SECONDS = 3_000n

/** As much as nobody runs out of. */
export const LIQUIDATOR_CASH_E12 = 10n ** 9n * E12

const quoteTypes = {
  Quote: [
    { name: 'orderId', type: 'bytes32' },
    { name: 'maker', type: 'address' },
    { name: 'premiumE12', type: 'int256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
  ],
}

/** What an owner wants of a maker. */
export type Wanted = {
  readonly perpsE12: bigint
  readonly options: readonly OptionPosition[]
  /** For the options; negative: what the owner gets. */
  readonly premiumE12: bigint
}

type Placed = Wanted & { readonly order: object; readonly owner: string; readonly maker: string }

/** What a liquidation came to, cash E12. */
export type Taken = {
  readonly notionalE12: bigint
  readonly cashE12: bigint
  readonly coveredE12: bigint
  readonly badDebtE12: bigint
}

export class CrashVenue {
  readonly contracts: Contracts
  readonly holders = new Map<string, Holder>()
  readonly proofs: RoundProofs
  round: RoundWords | undefined
  market: Priced | undefined
  #nonce = 0n
  #entered = 0
  #placed = 0
  readonly #expiry: bigint
  readonly #strikesE8: readonly bigint[]

  private constructor(contracts: Contracts, expiry: bigint, strikesE8: readonly bigint[]) {
    this.contracts = contracts
    this.proofs = new RoundProofs(contracts.maker)
    this.#expiry = expiry
    this.#strikesE8 = strikesE8
  }

  /** @param strikesE8 - as many as an array has */
  static async open(
    contracts: Contracts,
    {
      expiry,
      strikesE8,
      makerCash,
    }: { readonly expiry: bigint; readonly strikesE8: readonly bigint[]; readonly makerCash: bigint },
  ): Promise<CrashVenue> {
    const venue = new CrashVenue(contracts, expiry, strikesE8)
    for (const i of MAKERS) await venue.enter('maker', makerCash, contracts.chain.signers[i] as unknown as Signer)
    return venue
  }

  get chain(): Contracts['chain'] {
    return this.contracts.chain
  }

  as = (signer: Signer, contract: Contract): Contract => contract.connect(signer) as Contract

  holder(owner: string): Holder {
    return this.holders.get(owner) as Holder
  }

  get makers(): readonly Holder[] {
    return [...this.holders.values()].filter(({ kind }) => kind === 'maker')
  }

  async #send(signer: Signer, contract: Contract, name: string, ...args: readonly unknown[]) {
    return mined(this.as(signer, contract).getFunction(name)(...args, { gasLimit: GAS_LIMIT }))
  }

  /** Somebody comes with cash. */
  async enter(kind: Kind, cashE12: bigint, signer?: Signer): Promise<Holder> {
    const { cash, venue } = this.contracts
    const who = signer ?? (await this.#newcomer())
    const [owner, amount] = [await who.getAddress(), cashE12 / CASH_UNIT_E12]
    await this.#send(who, cash, 'mint', owner, amount)
    await this.#send(who, cash, 'approve', venue, MOST)
    await this.#send(who, venue, 'deposit', amount)
    const nothing = { positions: [], perpsE12: 0n, cashE12: 0n, markE8: 0n }
    const unknown = { key: owner, flaggedAt: 0n, flaggedAsOf: 0n, leftAsOf: 0n, reportedAsOf: 0n }
    const holder = await refreshed({ kind, owner, signer: who, ...nothing, ...unknown }, venue)
    this.holders.set(owner, holder)
    return holder
  }

  async #newcomer(): Promise<Signer> {
    const address = getAddress(dataSlice(id(`account ${this.#entered++}`), 12))
    await this.chain.request('hardhat_setBalance', address, '0x56bc75e2d63100000')
    return (await this.chain.ethers.getImpersonatedSigner(address)) as unknown as Signer
  }

  /** Puts a market in force: its policy first, then the round, a second before the chain's time. */
  async publish(portfolio: Portfolio): Promise<Priced> {
    const { contracts } = this
    const base = provableMargin(portfolio, marginSizes)
    const [surface] = portfolio.market.expiries
    if (surface === undefined) throw new Error('The market has no expiry.')
    const { asOf } = base.round
    if ((await this.chain.now()) < asOf) await this.chain.setTime(asOf)
    await this.#send(this.#council, contracts.arrays, 'setPortfolioPolicy', policyWordsOf(policyOf(base)))
    this.round = roundOf(MARKET, asOf, roundWords(base.round), [expiryWords(surface)])
    await contracts.publish(this.round)
    await this.chain.setTime((await this.chain.now()) + 1n)
    this.market = priced(base, surface, this.#strikesE8)
    this.proofs.begin(this.round, this.market)
    return this.market
  }

  get #council(): Signer {
    return this.chain.signers[COUNCIL] as unknown as Signer
  }

  /** Proves margins of what is held under keys, of the newest round, and has the registry hold them. */
  prove(accounts: readonly { readonly key: string; readonly book: Book }[]): Promise<ReadonlyMap<string, Evidence>> {
    return this.proofs.land(this.contracts, accounts)
  }

  /** Places an order, which a maker will quote for; a later round fills it. */
  async place(owner: string, wanted: Wanted): Promise<Placed> {
    const isBuyer = wanted.perpsE12 > 0n
    const order = {
      owner,
      number: this.#nonce++,
      perpsE12: wanted.perpsE12,
      limitE8: isBuyer ? 2n ** 48n : 0n,
      premiumE12: wanted.premiumE12,
      expiresAt: (await this.chain.now()) + ORDER_SECONDS,
      options: wordsOf({ positions: wanted.options }),
    }
    await this.#send(this.holder(owner).signer, this.contracts.orders, 'placeOrder', order)
    const maker = this.makers[this.#placed++ % MAKERS.length] as Holder
    return { ...wanted, order, owner, maker: maker.owner }
  }

  /** The maker quotes for an order at the newest round, both sides are proven, and the trade takes effect. */
  async fill(placed: Placed): Promise<void> {
    const { orders, venue } = this.contracts
    const { owner, order, perpsE12, options, premiumE12 } = placed
    const [taker, maker] = [this.holder(owner), this.holder(placed.maker)]
    const quote = await this.#quoteFor(placed)
    const signature = await this.#sign(quote, maker)
    const round = roundArgument(this.round as RoundWords)
    await this.#send(this.#council, orders, 'fill', order, quote, signature, round, wordsOf(taker), wordsOf(maker))
    const then = [
      await this.#candidate(taker, { perpsE12, cashE12: -premiumE12, options }, 1n),
      await this.#candidate(maker, { perpsE12, cashE12: -premiumE12, options }, -1n),
    ]
    await this.prove(then)
    const [taken, made] = then.map(({ book }) => book)
    if (taken === undefined || made === undefined) throw new Error('A trade has two sides.')
    await this.#send(this.#council, venue, 'takeEffect', owner, wordsOf(taken), wordsOf(made))
    this.holders.set(owner, await refreshed(taker, venue, taken.positions))
    this.holders.set(maker.owner, await refreshed(maker, venue, made.positions))
  }

  async #quoteFor({ order, maker, premiumE12 }: Placed) {
    const orderId: string = await this.contracts.orders.getFunction('orderIdOf')(order)
    const deadline = (await this.chain.now()) + ORDER_SECONDS
    return { orderId, maker, premiumE12, deadline, nonce: this.#nonce++ }
  }

  #sign(quote: object, { signer }: Holder): Promise<string> {
    const domain = {
      name: 'zk-risk-engine VenueOrders',
      version: '1',
      chainId: this.contracts.client.chainId,
      verifyingContract: this.contracts.orders.target as string,
    }
    return signer.signTypedData(domain, quoteTypes, quote)
  }

  /** What an account would hold after a trade, and where that is reported. */
  async #candidate(
    holder: Holder,
    change: { readonly perpsE12: bigint; readonly cashE12: bigint; readonly options: readonly OptionPosition[] },
    times: bigint,
  ): Promise<{ readonly key: string; readonly book: Book }> {
    const { venue } = this.contracts
    const { candidate } = await venue.getFunction('changeOf')(holder.owner)
    const marked = await refreshed(holder, venue)
    const book = {
      positions: sumOf(holder.positions, change.options, times),
      perpsE12: marked.perpsE12 + times * change.perpsE12,
      cashE12: marked.cashE12 + times * change.cashE12,
      markE8: (this.market as Priced).priceE8,
    }
    return { key: candidate, book }
  }

  /** Marks accounts at the newest round, proves them, and notes the evidence. */
  async flag(owners: readonly string[]): Promise<ReadonlyMap<string, Evidence>> {
    const { venue } = this.contracts
    const marked = await this.#mark(owners)
    const proven = await this.prove(marked.map((book) => ({ key: book.key, book })))
    const evidence = new Map<string, Evidence>()
    for (const { owner, key } of marked) {
      await this.#send(this.#council, venue, 'flag', owner)
      this.holders.set(owner, await refreshed(this.holder(owner), venue))
      evidence.set(owner, proven.get(key) as Evidence)
    }
    return evidence
  }

  /** Accounts that have recovered are marked and proven: what was evidence is none then. */
  async clear(owners: readonly string[]): Promise<void> {
    const marked = await this.#mark(owners)
    await this.prove(marked.map((book) => ({ key: book.key, book })))
  }

  async #mark(owners: readonly string[]): Promise<readonly Holder[]> {
    const { venue } = this.contracts
    const round = roundArgument(this.round as RoundWords)
    for (const owner of owners) {
      const holder = this.holder(owner)
      if (holder.perpsE12 === 0n || holder.reportedAsOf === this.round?.asOf) continue
      await this.#send(this.#council, venue, 'mark', owner, round, wordsOf(holder))
      this.holders.set(owner, await refreshed(holder, venue))
    }
    return owners.map((owner) => this.holder(owner))
  }

  /** What a liquidator is paid now, of the notional; negative: it pays. */
  bonusBpsOf(owner: string): Promise<bigint> {
    return this.contracts.venue.getFunction('bonusBpsOf')(owner)
  }

  /** Notional that the window still takes while liquidators pay. */
  async budgetLeftE12(): Promise<bigint> {
    const { venue } = this.contracts
    const [{ budgetE12, windowSeconds }, since, used]: readonly [Rules, bigint, bigint] = await Promise.all([
      venue.getFunction('rules')(),
      venue.getFunction('windowSince')(),
      venue.getFunction('windowUsedE12')(),
    ])
    const isOver = (await this.chain.now()) >= since + windowSeconds
    return isOver ? budgetE12 : budgetE12 - used
  }

  /** A liquidator of cash alone takes over a fraction. */
  async liquidate(owner: string, liquidator: Holder, fractionBps: bigint): Promise<Taken> {
    const { venue } = this.contracts
    const holder = this.holder(owner)
    const round = roundArgument(this.round as RoundWords)
    const sent = await this.#send(liquidator.signer, venue, 'liquidate', owner, fractionBps, round, wordsOf(holder), [])
    const part = partOf(holder.positions, fractionBps)
    this.holders.set(owner, await refreshed(holder, venue, sumOf(holder.positions, part, -1n)))
    this.holders.set(liquidator.owner, await refreshed(liquidator, venue, part))
    const event = eventsOf(sent, venue).find(({ name }) => name === 'Liquidated')
    return event?.args.receipt.toObject()
  }

  /** Anybody puts cash into the insurance fund. */
  async insure(cashE12: bigint): Promise<void> {
    const { cash, venue } = this.contracts
    const amount = cashE12 / CASH_UNIT_E12
    await this.#send(this.#council, cash, 'mint', this.#council, amount)
    await this.#send(this.#council, cash, 'approve', venue, MOST)
    await this.#send(this.#council, venue, 'fundInsurance', amount)
  }

  get expiry(): bigint {
    return this.#expiry
  }

  /** As it stands, to come back to after the chain was put back. */
  remembered(): () => void {
    const [holders, round, market] = [new Map(this.holders), this.round, this.market]
    const [entered, placed] = [this.#entered, this.#placed]
    return () => {
      this.holders.clear()
      for (const [owner, holder] of holders) this.holders.set(owner, holder)
      ;[this.round, this.market, this.#entered, this.#placed] = [round, market, entered, placed]
    }
  }
}

/** Most that may be taken while liquidators pay, as the venue has it. */
export function mostBps(evidence: Evidence, wholeE12: bigint, bonusBps: bigint): bigint {
  if (bonusBps >= 0n) return ONE_BPS
  const least = evidence.initialE8 < evidence.maintenanceE8 ? evidence.initialE8 : evidence.maintenanceE8
  const [shortE12, paidE12] = [-least * 10_000n, (wholeE12 * -bonusBps) / ONE_BPS]
  const most = (shortE12 * ONE_BPS + shortE12 + paidE12 - 1n) / (shortE12 + paidE12)
  return most < ONE_BPS ? most : ONE_BPS
}
