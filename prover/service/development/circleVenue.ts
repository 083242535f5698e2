/** A venue of options whose margins are proven: two puts are sold at one price, and their seller is liquidated at a lower one. */
import { Contract, id, type JsonRpcApiProvider, toBeHex, Wallet } from 'ethers'
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import type { Prover } from '../../proof/index.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { VENUE_ROLE } from '../../registry/authority.ts'
import { expiriesHashOf, type RoundWords } from '../../registry/portfolio/rounds.ts'
import { transact } from '../../registry/transactions.ts'
import { positionWord } from '../../statement/optionBook.ts'
import { landArrays, proveArrays } from '../daemon/portfolios/arrays.ts'
import { provePortfolios } from '../daemon/portfolios/portfolios.ts'
import { ProofMaker } from '../daemon/portfolios/proofMaker.ts'
import { policyOf, roundWordsOf } from '../daemon/portfolios/sharedRound.ts'
import { proveUnhealthyByArrays } from '../daemon/portfolios/witness.ts'
import { ProverError } from '../../errors.ts'
import type { DevelopmentChain } from './chain.ts'
import { E12, E8, putsAt, strikeE8At } from './circleAccounts.ts'
import { as, consumer, create, done } from './contracts.ts'
import {
  type Authority,
  deployDevelopmentPortfolio,
  type DevelopmentPortfolio,
  publishDevelopmentRound,
  type StatementKeys,
} from './portfolio.ts'
import { deployToken } from './uniswapPool.ts'

/** What is proven of accounts that liquidations may follow. */
export const venueStatements = ['riskArray', 'optionBook', 'marginsAlone', 'scenarioWitness'] as const

/** As an example has them. */
const rules = {
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
const CASH_DECIMALS = 6
const CASH_UNIT_E12 = 10n ** 6n
const RICH = 1_000_000n
const PUTS = '2'
/** Of the strike, for a put. */
const PREMIUM_BPS = 500n
/** What the seller brings beyond the least that opens the account. */
const SPARE_BPS = 10_100n
const BPS = 10_000n
/** Between an order and the round that fills it, more than clocks may differ. */
const ROUND_AFTER_SECONDS = 60n
/** How far prices fall, in per cent, until the seller is below maintenance. */
const FALLS = [6n, 8n, 10n, 12n, 15n, 20n, 30n, 40n]

/** The seller's account when it was opened, with what was proven of it. */
export type Opened = {
  readonly seller: string
  readonly strikeE8: bigint
  readonly premiumE12: bigint
  readonly cashE12: bigint
  readonly spotE8: bigint
  readonly initialE8: bigint
  readonly maintenanceE8: bigint
}

/** What showed it to be below maintenance, and who took part of it over. */
export type Liquidated = {
  readonly spotE8: bigint
  readonly asOf: bigint
  readonly maintenanceE8: bigint
  readonly fractionBps: bigint
  readonly transactionHash: string
}

type Traders = Readonly<Record<'seller' | 'maker' | 'liquidator', Wallet>>

/** Funded accounts of their own, with keys that anybody can make again. */
async function tradersOn({ provider }: DevelopmentChain): Promise<Traders> {
  const named = async (name: string): Promise<Wallet> => {
    const wallet = new Wallet(id(`zk-risk-engine ${name}`), provider)
    const node: JsonRpcApiProvider = provider
    await node.send('hardhat_setBalance', [wallet.address, toBeHex(10n ** 20n)])
    return wallet
  }
  return { seller: await named('seller'), maker: await named('maker'), liquidator: await named('liquidator') }
}

const roundArgument = (round: RoundWords) => ({
  asOf: round.asOf,
  expiriesHash: expiriesHashOf(round),
  marketWords: round.market,
})

export class CircleVenue {
  readonly development: DevelopmentPortfolio
  readonly venue: Contract
  readonly orders: Contract
  readonly token: Contract
  readonly traders: Traders
  private readonly prover: Prover

  private constructor(
    made: Pick<CircleVenue, 'development' | 'venue' | 'orders' | 'token' | 'traders'>,
    prover: Prover,
  ) {
    this.development = made.development
    this.venue = made.venue
    this.orders = made.orders
    this.token = made.token
    this.traders = made.traders
    this.prover = prover
  }

  /** Deploys the venue over a registry of margins, which takes reports from nobody else. */
  static async open(
    chain: DevelopmentChain,
    keys: StatementKeys,
    prover: Prover,
    authority: Authority,
    spotE8: bigint,
  ): Promise<CircleVenue> {
    const council = chain.account('council')
    const any = putsAt({ asOf: await chain.now(), spotE8 }, E12, strikeE8At(spotE8), PUTS)
    const development = await deployDevelopmentPortfolio(chain, keys, policyOf(any), 'BTC-USD', { authority })
    const token = await deployToken(council, 'USD', CASH_DECIMALS)
    const { registry } = development.deployment
    const venue = await create(council, consumer('OptionsVenue'), authority.council, registry, token, rules)
    await transact(council, authority.council, 'RiskCouncil', 'grantRole', [VENUE_ROLE, venue.target, 0])
    const feeder = chain.account('feeder').address
    await transact(council, authority.council, 'RiskCouncil', 'revokeRole', [VENUE_ROLE, feeder])
    const orders = new Contract(await venue.getFunction('orders')(), interfaceOf('VenueOrders'), council)
    return new CircleVenue({ development, venue, orders, token, traders: await tradersOn(chain) }, prover)
  }

  /** Sells two puts from an account that has hardly more than its initial margin; both sides' margins are proven. */
  async openAccount(spotE8: bigint): Promise<Opened> {
    const { seller, maker, liquidator } = this.traders
    const { chain } = this.development
    const strikeE8 = strikeE8At(spotE8)
    const premiumE12 = ((BigInt(PUTS) * strikeE8 * PREMIUM_BPS) / BPS / E8) * E12
    const at = { asOf: (await chain.now()) + ROUND_AFTER_SECONDS, spotE8 }
    const bare = putsAt(at, premiumE12, strikeE8, `-${PUTS}`)
    const cash = (-bare.margin.initialE8 * SPARE_BPS) / BPS / E8
    await this.deposit(seller, cash)
    await this.deposit(maker, RICH)
    await this.deposit(liquidator, RICH)
    const cashE12 = cash * E12 + premiumE12
    const sold = putsAt(at, cashE12, strikeE8, `-${PUTS}`)
    const bought = putsAt(at, RICH * E12 - premiumE12, strikeE8, PUTS)
    const round = await this.trade(sold, premiumE12)
    const accounts = [
      { account: await this.candidateOf(seller), provable: sold },
      { account: await this.candidateOf(maker), provable: bought },
    ]
    const { client, models } = this.development
    const inOrder = accounts.toSorted((a, b) => (BigInt(a.account) < BigInt(b.account) ? -1 : 1))
    await provePortfolios({ client, models, round }, { prover: this.prover }, inOrder)
    const books = [sold, bought].map(wordsOf)
    await done(as(liquidator, this.venue).getFunction('takeEffect')(seller.address, ...books))
    const { initialE8, maintenanceE8 } = sold.margin
    return { seller: seller.address, strikeE8, premiumE12, cashE12, spotE8, initialE8, maintenanceE8 }
  }

  /** A lower price at which one scenario shows the seller below maintenance; a liquidator takes over what that allows. */
  async fallAndLiquidate({ strikeE8, cashE12, spotE8 }: Opened): Promise<Liquidated> {
    const { seller, liquidator } = this.traders
    const { client, models, chain } = this.development
    const asOf = (await chain.now()) + ROUND_AFTER_SECONDS
    const fallen = FALLS.map((percent) => {
      const place = { asOf, spotE8: ((spotE8 * (100n - percent)) / 100n / E8) * E8 }
      return { place, provable: putsAt(place, cashE12, strikeE8, `-${PUTS}`) }
    }).find(({ provable }) => provable.margin.maintenanceE8 < 0n)
    if (fallen === undefined) throw new NothingToLiquidateError(FALLS.at(-1) ?? 0n)
    const {
      provable,
      place: { spotE8: lowE8 },
    } = fallen
    const round = await this.publish(provable)
    const place = { client, models, round }
    const arrays = await proveArrays(place, new ProofMaker({ prover: this.prover }, 1), [provable])
    const proven = [...arrays.values()].flatMap((each) => each.proven ?? [])
    await landArrays(place, proven)
    const { key, account } = await this.venue.getFunction('accountOf')(seller.address)
    const shown = { account: key, provable, sequence: account.reports }
    await proveUnhealthyByArrays(place, { prover: this.prover }, shown, provable.margin.worstScenario)
    const liquidate = as(liquidator, this.venue).getFunction('liquidate')
    const taken = liquidate(seller.address, rules.stepBps, roundArgument(round), wordsOf(provable), [])
    const { hash } = await done(taken)
    const { maintenanceE8 } = provable.margin
    return { spotE8: lowE8, asOf, maintenanceE8, fractionBps: rules.stepBps, transactionHash: hash }
  }

  private async deposit(who: Wallet, cash: bigint): Promise<void> {
    const amount = (cash * E12) / CASH_UNIT_E12
    const own = as(who, this.token)
    await done(own.getFunction('mint')(who.address, amount))
    await done(own.getFunction('approve')(this.venue, amount))
    await done(as(who, this.venue).getFunction('deposit')(amount))
  }

  /** The seller's order, the next round, and the maker's quote that fills it there. */
  private async trade(sold: ProvableMargin, premiumE12: bigint): Promise<RoundWords> {
    const { seller, maker, liquidator } = this.traders
    const { chain, client } = this.development
    const expiresAt = (await chain.now()) + 3_600n
    const terms = { number: 0n, perpsE12: 0n, limitE8: 0n, premiumE12: -premiumE12, options: wordsOf(sold) }
    const order = { owner: seller.address, ...terms, expiresAt }
    await done(as(seller, this.orders).getFunction('placeOrder')(order))
    const round = await this.publish(sold)
    const orderId = await this.orders.getFunction('orderIdOf')(order)
    const quote = { orderId, maker: maker.address, premiumE12: -premiumE12, deadline: expiresAt, nonce: 0n }
    const verifyingContract = this.orders.target as string
    const domain = { name: 'zk-risk-engine VenueOrders', version: '1', chainId: client.chainId, verifyingContract }
    const signature = await maker.signTypedData(domain, quoteTypes, quote)
    await done(as(liquidator, this.orders).getFunction('fill')(order, quote, signature, roundArgument(round), [], []))
    return round
  }

  private async publish(provable: ProvableMargin): Promise<RoundWords> {
    const round = roundWordsOf(this.development.deployment.marketId, [provable])
    await publishDevelopmentRound(this.development, round)
    return round
  }

  private async candidateOf(who: Wallet): Promise<string> {
    return (await this.venue.getFunction('changeOf')(who.address)).candidate
  }
}

const wordsOf = ({ positions }: ProvableMargin): readonly bigint[] => positions.map(positionWord)

const quoteTypes = {
  Quote: [
    { name: 'orderId', type: 'bytes32' },
    { name: 'maker', type: 'address' },
    { name: 'premiumE12', type: 'int256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
  ],
}

/** No fall that is tried leaves the account below maintenance. */
export class NothingToLiquidateError extends ProverError {
  readonly code = 'service.nothing-to-liquidate'
  readonly percent: bigint

  constructor(percent: bigint) {
    super(`Expected a fall of ${percent} % to leave the seller below maintenance, it does not. Report it.`)
    this.percent = percent
  }
}
