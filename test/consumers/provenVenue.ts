/** A venue over the registry that takes proofs: of anything, by a circuit that states nothing. */
import { selectorsOf, VENUE_ROLE } from '../../prover/registry/authority.ts'
import { unpack } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import {
  type Account,
  type ArrayKey,
  E8,
  PortfolioEngine,
  type Position,
} from '../../scripts/tools/chains/portfolioEngine.ts'
import { type Order, SPOT, sumOf, TestVenue } from './venue.ts'

export class ProvenVenue {
  readonly at: TestVenue
  /** Positions of changes that wait, by account. */
  private readonly waiting = new Map<number, readonly bigint[]>()

  private constructor(at: TestVenue) {
    this.at = at
  }

  /** A venue that alone may report, on a chain of its own or on another one's. */
  static async open(engine?: PortfolioEngine): Promise<ProvenVenue> {
    const started = engine ?? (await PortfolioEngine.start())
    const at = await TestVenue.open({ engine: started, real: true })
    const { council, registry } = started
    const reports = selectorsOf('PortfolioRegistry', 'venue')
    await mined(council.getFunction('setTargetFunctionRole')(registry, reports, VENUE_ROLE))
    await mined(council.getFunction('grantRole')(VENUE_ROLE, at.venue, 0))
    return new ProvenVenue(at)
  }

  /** Arrays that options are in, of as many strikes as arrays have. */
  arraysOf(positions: readonly Position[]): readonly ArrayKey[] {
    const { strikes: perArray } = this.at.engine
    const strikes = positions.map(({ strikeE8 }) => strikeE8)
    return Array.from({ length: Math.ceil(strikes.length / perArray) }, (_, i) => {
      const some = strikes.slice(perArray * i, perArray * (i + 1))
      while (some.length < perArray) some.push((some.at(-1) as bigint) + 100n * E8)
      return { expiry: positions[0]?.expiry as bigint, strikesE8: some }
    })
  }

  async landArrays(options: readonly bigint[]): Promise<void> {
    const { engine, newest } = this.at
    await mined(engine.landArrays(newest, this.arraysOf(options.map((word) => unpack('optionPosition', word)))))
  }

  /** What an account holds, as it was reported under its key. */
  async reported(i: number): Promise<Account> {
    const { key, cashE12, perpsE12 } = await this.at.account(i)
    return accountOf(key, await this.at.positions(i), perpsE12, cashE12)
  }

  /** Margins of an account, or of what it would hold if a change waits. */
  async prove(i: number): Promise<void> {
    const { at } = this
    const change = await at.change(i)
    const { cashE12, perpsE12, key } = await at.account(i)
    const isWaiting = BigInt(change.candidate) !== 0n
    const account = isWaiting
      ? accountOf(change.candidate, this.waiting.get(i) ?? [], perpsE12 + change.perpsE12, change.reportedE12)
      : accountOf(key, await at.positions(i), perpsE12, cashE12)
    await at.engine.landMargins(at.newest, [account], [this.arraysOf(account.positions)], 'marginsAlone')
  }

  /** Notes what an account would hold once its change took effect. */
  wait(i: number, words: readonly bigint[]): void {
    this.waiting.set(i, words)
  }

  /** An order that is filled at the next round, of accounts that held no options before. */
  async fill(i: number, maker: number, change: Partial<Order>) {
    const order = await this.at.place(i, { premiumE12: 2n ** 90n, ...change })
    await this.at.round(SPOT * E8)
    const receipt = await this.at.match(order, maker, 0n)
    this.wait(i, sumOf([], order.options))
    this.wait(maker, sumOf([], order.options, -1n))
    return { order, receipt }
  }

  /** A call of the registry that shows an account below maintenance, whatever it holds, straight from arrays in force. */
  async witnessOf(i: number): Promise<string> {
    const { engine, newest } = this.at
    const account = await this.reported(i)
    const proof = await engine.witnessFromArrays(newest, account, this.arraysOf(account.positions))
    const { reports: sequence } = await this.at.account(i)
    const { method, args } = engine.arraysWitnessCall(newest, { account: account.signer, sequence }, proof)
    return engine.registry.interface.encodeFunctionData(method, [...args])
  }
}

const accountOf = (signer: string, words: readonly bigint[], perpsE12: bigint, cashE12: bigint): Account => ({
  signer,
  positions: words.map((word) => unpack('optionPosition', word)),
  holdings: { perpsE12, cashE12, perpPnlE12: 0n },
  collateralAmounts: [0n, 0n, 0n, 0n],
})
