/**
 * A registry of margins over two markets beside a {@link PortfolioEngine}: the same rounds' source, models and venue, an array
 * contract for each market. Words are made up and proven with free statements, so what is refused is refused by contracts alone.
 */
import type { Contract } from 'ethers'
import { COLLATERALS, type Fields, MOST_MARKETS, sizeOf } from '../../../circuits/statements/index.ts'
import type { CrossPolicy } from '../../../prover/portfolio/crossMargin.ts'
import { marketIdOf } from '../../../prover/market/marketId.ts'
import { policyWordsOf, type ProvenPortfolio, type RoundWords } from '../../../prover/registry/index.ts'
import { arraysCall } from '../../../prover/registry/portfolio/calldata.ts'
import {
  type CrossBooks,
  type CrossCall,
  crossMarginsCall,
  crossReportCall,
  crossSubjectOf,
  partSubjectOf,
} from '../../../prover/registry/portfolio/cross.ts'
import { roundIdOf } from '../../../prover/registry/portfolio/rounds.ts'
import type { StatementContext } from '../../../prover/statement/challenge.ts'
import type { SectionWords } from '../../../prover/statement/state.ts'
import { pack, packElements } from '../../../prover/statement/words.ts'
import { GAS_LIMIT, mined } from './chain.ts'
import {
  amountsWords,
  type ArrayKey,
  bookSections,
  E8,
  freshness,
  ONE_X40,
  policy,
  type Position,
  PortfolioEngine,
  roundAt,
} from './portfolioEngine.ts'

export const SECOND_MARKET = marketIdOf('ETH-USD')
export const ROUNDS_APART_SECONDS = 60n

/** What a test account holds in each market. */
export type CrossHolder = {
  readonly signer: string
  readonly parts: readonly { readonly positions: readonly Position[]; readonly holdings: Fields<'holdings'> }[]
  readonly collateralAmounts: readonly bigint[]
}

/** Of each collateral the first market but of one, half and a quarter. */
const policyInForce: CrossPolicy = {
  collateralMarkets: Array.from({ length: COLLATERALS }, (_, i) => (i === 3 ? 1n : 0n)),
  creditsX40: [ONE_X40 / 2n, ONE_X40 / 4n],
}

/** Words of the policy of several markets. */
export const crossPolicySections = (
  collateralMarket: bigint,
  creditsX40: readonly bigint[],
): SectionWords & { readonly collateralMarkets: readonly bigint[]; readonly spreadCredits: readonly bigint[] } => ({
  collateralMarkets: packElements(
    'collateralMarket',
    Array.from({ length: COLLATERALS }, (_, i) => ({ market: i === 3 ? collateralMarket : 0n })),
  ),
  spreadCredits: packElements(
    'spreadCredit',
    Array.from({ length: MOST_MARKETS }, (_, m) => ({ creditX40: creditsX40[m] ?? 0n })),
  ),
})

const crossPolicy = crossPolicySections(1n, policyInForce.creditsX40)
export const crossPolicyWords = [...crossPolicy.collateralMarkets, ...crossPolicy.spreadCredits]

export class CrossEngine {
  readonly engine: PortfolioEngine
  readonly registry: Contract
  /** By market. */
  readonly arrays: readonly Contract[]
  readonly policyInForce = policyInForce

  private constructor(engine: PortfolioEngine, arrays: readonly Contract[], registry: Contract) {
    this.engine = engine
    this.arrays = arrays
    this.registry = registry
  }

  static async start(): Promise<CrossEngine> {
    const engine = await PortfolioEngine.start()
    const { chain, council, models, rounds } = engine
    const place = [council, models, rounds, SECOND_MARKET]
    const second = await chain.deploy('RiskArrays', ...place, policyWordsOf(policy), freshness)
    const arrays = [engine.arrays, second]
    const registry = await chain.deploy('CrossMarginRegistry', ...argumentsOf(engine, arrays))
    return new CrossEngine(engine, arrays, registry)
  }

  /** A round of each market, so many seconds from now and from each other. */
  async rounds(expiries: readonly bigint[], apartSeconds = 1n): Promise<readonly RoundWords[]> {
    const first = await this.engine.round(expiries)
    return [first, await this.secondRound(first, expiries, apartSeconds)]
  }

  async secondRound(first: RoundWords, expiries: readonly bigint[], apartSeconds: bigint): Promise<RoundWords> {
    const asOf = first.asOf + apartSeconds
    if (asOf > (await this.engine.chain.now())) await this.engine.chain.setTime(asOf)
    const second = { ...roundAt(asOf, expiries, 4_000n * E8), marketId: SECOND_MARKET }
    await this.engine.publish(second)
    return second
  }

  async roundId(round: RoundWords): Promise<string> {
    return roundIdOf(31337n, this.engine.rounds.target as string, round)
  }

  /** Arrays of a market's round. */
  async landArrays(market: number, round: RoundWords, keys: readonly ArrayKey[]): Promise<void> {
    const { engine } = this
    const target = this.arrays[market] as Contract
    const modelId = engine.modelIdOf('riskArray')
    const context = {
      chainId: 31337n,
      registry: target.target as string,
      modelId,
      subject: [await this.roundId(round)],
    }
    const arrays = await Promise.all(
      keys.map(async (key) => engine.prove('riskArray', context, await engine.arraySections(round, key))),
    )
    const { method, args } = arraysCall(round, modelId, arrays)
    await mined(target.getFunction(method)(...args, { gasLimit: GAS_LIMIT }))
  }

  async report({ signer, parts, collateralAmounts }: CrossHolder): Promise<void> {
    const words = {
      positions: parts.map(({ positions }) => positions.map((position) => pack('optionPosition', position))),
      holdings: parts.map(({ holdings }) => pack('holdings', holdings)),
      collateralAmounts,
    }
    await mined(this.send(crossReportCall(signer, words)))
  }

  async sequenceOf(account: string): Promise<bigint> {
    return (await this.registry.getFunction('crossAccountOf')(account)).sequence
  }

  /** Books of an account in one market over arrays of its round. */
  async books(
    market: number,
    round: RoundWords,
    holder: CrossHolder,
    keys: readonly ArrayKey[],
  ): Promise<readonly ProvenPortfolio[]> {
    const { engine } = this
    const account = { account: holder.signer, sequence: await this.sequenceOf(holder.signer) }
    const context = await this.context('optionBook', [partSubjectOf(await this.roundId(round), account)])
    const books: ProvenPortfolio[] = []
    let state = engine.emptyState
    for (let from = 0; from < keys.length; from += engine.segments) {
      const positions = holder.parts[market]?.positions ?? []
      const sections = bookSections(engine, round, positions, keys, from, state)
      books.push(await engine.prove('optionBook', context, sections))
      state = sections.stateOut[0] as bigint
    }
    return books
  }

  /** Margins of accounts whose books are given, by account and market. */
  async margin(
    rounds: readonly RoundWords[],
    holders: readonly CrossHolder[],
    books: readonly (readonly (readonly ProvenPortfolio[])[])[],
    change: SectionWords = {},
  ): Promise<ProvenPortfolio> {
    const reported = await this.reported(holders)
    const roundIds = await Promise.all(rounds.map((round) => this.roundId(round)))
    const context = await this.context('crossMargins', [crossSubjectOf(roundIds, reported)])
    return this.engine.prove('crossMargins', context, { ...this.sections(rounds, holders, books), ...change })
  }

  reported(holders: readonly CrossHolder[]) {
    return Promise.all(
      holders.map(async ({ signer }) => ({ account: signer, sequence: await this.sequenceOf(signer) })),
    )
  }

  call(rounds: readonly RoundWords[], accounts: readonly CrossBooks[], margin: ProvenPortfolio): CrossCall {
    const models = [this.engine.modelIdOf('optionBook'), this.engine.modelIdOf('crossMargins')] as const
    return crossMarginsCall(rounds, ...models, accounts, margin)
  }

  send({ method, args }: CrossCall) {
    return this.registry.getFunction(method)(...args, { gasLimit: GAS_LIMIT })
  }

  private async context(
    statement: 'optionBook' | 'crossMargins',
    subject: readonly string[],
  ): Promise<StatementContext> {
    const modelId = this.engine.modelIdOf(statement)
    return { chainId: 31337n, registry: this.registry.target as string, modelId, subject: [...subject] }
  }

  private sections(
    rounds: readonly RoundWords[],
    holders: readonly CrossHolder[],
    books: readonly (readonly (readonly ProvenPortfolio[])[])[],
  ): SectionWords {
    const { engine } = this
    const places = Array.from({ length: sizeOf(engine.buildOf('crossMargins'), 'accounts') }, (_, i) => i)
    const parts = places.flatMap((i) =>
      rounds.map((_, m) => ({ part: holders[i]?.parts[m], books: books[i]?.[m] ?? [] })),
    )
    const each = (name: string): readonly bigint[] => rounds.flatMap(() => policy[name] ?? [])
    const { collateralPolicy = [], collateralSizes = [] } = policy
    return {
      roundPrices: rounds.map(({ market: [prices = 0n] }) => prices),
      roundConfidences: rounds.map(({ market: [, confidences = 0n] }) => confidences),
      ...Object.fromEntries(OF_MARKETS.map((name) => [name, each(name)])),
      collateralPrices: rounds[0]?.market.slice(2) ?? [],
      collateralPolicy,
      collateralSizes,
      ...crossPolicy,
      collateralAmounts: places.flatMap((i) => holders[i]?.collateralAmounts ?? amountsWords()),
      stateIn: parts.map((part) => part.books.at(-1)?.stated.sections.stateOut?.[0] ?? engine.emptyState),
      holdings: parts.map(({ part }) => pack('holdings', part?.holdings ?? NOTHING)),
      // Places that are left all hold nothing, and so have the same results.
      margins: places.map((i) => crossMarginsWord(Math.min(i, holders.length))),
    }
  }
}

const OF_MARKETS = [
  'scenarioRegular',
  'scenarioUpOnly',
  'scenarioSkew',
  'lossFactors',
  'contingencies',
  'concentration',
] as const

const NOTHING = { perpsE12: 0n, cashE12: 0n, perpPnlE12: 0n }

/** Told apart by a number. */
export const crossMarginsWord = (i: number): bigint =>
  pack('crossMargins', {
    initialE8: BigInt(i + 1) * E8,
    maintenanceE8: BigInt(2 * i + 2) * E8,
    worstScenarios: BigInt(6 + 64 * i),
  })

/** Arguments of the contract's constructor. */
export const argumentsOf = (
  { council, models, emptyState }: PortfolioEngine,
  arrays: readonly Contract[],
): readonly unknown[] => [
  council,
  models,
  arrays.map(({ target }) => target),
  emptyState,
  crossPolicyWords,
  ROUNDS_APART_SECONDS,
]
