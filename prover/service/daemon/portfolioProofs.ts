/** Proves margins of accounts of one round and lands them: arrays, then books, then margins, each tied to the one before. */
import { toBeHex } from 'ethers'
import { ProverError } from '../../errors.ts'
import type { ProvableMargin } from '../../portfolio/accountMargin.ts'
import type { PricedArray } from '../../portfolio/book.ts'
import type { ExpirySurface } from '../../portfolio/portfolio.ts'
import { CALLS_UNDER_WAY, encodeProofCalldata, parseProof, type ProofTimings, type Prover } from '../../proof/index.ts'
import {
  type AccountBooks,
  type Landed,
  type PortfolioClient,
  type ProvenMargin,
  type ProvenPortfolio,
  type ReportedAccount,
  roundOf,
  type RoundWords,
} from '../../registry/index.ts'
import { type PortfolioStatementName, sizeOf } from '../../../circuits/statements/index.ts'
import { positionWord, stateBook } from '../../statement/optionBook.ts'
import type { CircuitSignals, SectionWords, Stated } from '../../statement/state.ts'
import {
  holdingsWords,
  marginPolicyWords,
  roundWords,
  stateMargins,
  type StatedMargins,
  stateWitness,
} from '../../statement/portfolioMargin.ts'
import { expiryWords, pricingWords, stateRiskArray } from '../../statement/riskArray.ts'
import {
  type DevelopmentPortfolio,
  portfolioBuildOf,
  type PortfolioKeys,
  publishDevelopmentRound,
  setDevelopmentPolicy,
} from '../development/portfolio.ts'
import { underWay } from './underWay.ts'

/** One proof on its way: what it says, and how long it took. */
export type ProofMade = {
  readonly statement: PortfolioStatementName
  readonly proven: ProvenPortfolio
  readonly timings: ProofTimings
  readonly backend: string
}

/** An account whose margin a contract holds. */
export type MarginHeld = {
  readonly account: string
  readonly provable: ProvableMargin
  readonly books: readonly ProvenPortfolio[]
  /** As the contract answers. */
  readonly held: ProvenMargin
}

export type PortfolioLanded = {
  readonly round: RoundWords
  readonly proofs: readonly ProofMade[]
  readonly accounts: readonly MarginHeld[]
  readonly batches: readonly StatedMargins[]
  readonly landed: { readonly arrays: readonly Landed[]; readonly margins: readonly Landed[] }
}

/** What is proven with: a backend, and keys. */
export type PortfolioProver = {
  readonly prover: Prover
  readonly keys: PortfolioKeys
  /** Called after each proof. */
  readonly onProof?: (made: ProofMade, done: number, total: number) => void
  /** Proofs made before, by what they say; what is made is added. Statements name place, round and account. */
  readonly known?: Map<string, ProvenPortfolio>
}

/** Arrays that land in one transaction: their proofs are verified together, within a block's gas. */
const ARRAYS_PER_TRANSACTION = 16

/** Sections of the policy that a margin was computed under. */
export const policyOf = ({ pricingPolicy, marginPolicy }: ProvableMargin): SectionWords => ({
  ...pricingWords(pricingPolicy),
  ...marginPolicyWords(marginPolicy),
})

/**
 * Proves accounts of one market and policy and has the registry hold their margins.
 *
 * Arrays that accounts share are proven once. Proofs do not wait for each other, for the twin knows what each arrives at;
 * transactions do.
 *
 * @param firstAccount - address of the first account, as a number; the others follow it
 * @throws {@link AccountsDifferError} if the accounts are of different rounds or policies
 * @throws {@link MarginDiffersError} if the registry holds another margin than the twin computed
 * @throws what provers and the registry throw; then nothing is half in force
 */
export async function provePortfolios(
  development: DevelopmentPortfolio,
  proving: PortfolioProver,
  provables: readonly ProvableMargin[],
  firstAccount = 1n,
): Promise<PortfolioLanded> {
  const { client, deployment } = development
  const [first] = provables
  if (first === undefined) throw new AccountsDifferError('at least one account', 'none')
  const round = roundWordsOf(deployment.marketId, provables)
  await setDevelopmentPolicy(development, policyOf(first))
  await publishDevelopmentRound(development, round)
  const names = provables.map((_, i) => toBeHex(firstAccount + BigInt(i), 20))
  await reportAccounts(development, names, provables)

  const place: Place = {
    client,
    round,
    reported: await Promise.all(names.map((name) => client.account(name))),
    modelOf,
  }
  const maker = new ProofMaker(proving, countProofs(provables))
  const arrays = await proveArrays(place, maker, provables)
  const books = await proveBooks(place, maker, provables, arrays)
  const batches = await proveMargins(place, maker, provables)
  const landed = await land(place, arrays, books, batches)

  const accounts = await Promise.all(
    provables.map(async (provable, i): Promise<MarginHeld> => {
      const { account, books: made } = books[i] as AccountBooks
      const held = await client.margin(account)
      requireHeld(account, provable, held)
      return { account, provable, books: made, held }
    }),
  )
  return { round, proofs: maker.made, accounts, batches: batches.map(({ stated }) => stated), landed }

  function modelOf(statement: PortfolioStatementName): string {
    const model = deployment.models[statement]
    if (model === undefined) throw new AccountsDifferError(`a model of ${statement}`, 'none')
    return model.modelId
  }
}

/** Where proofs of a round belong. */
type Place = {
  readonly client: PortfolioClient
  readonly round: RoundWords
  /** In the order of the accounts. */
  readonly reported: readonly ReportedAccount[]
  readonly modelOf: (statement: PortfolioStatementName) => string
}

/** Proven arrays by what they are of; see {@link arrayKey}. */
type ProvenArrays = ReadonlyMap<string, { readonly proven: ProvenPortfolio; readonly root: bigint }>

/** Margins of some accounts, the first of them at `from`. */
type MarginBatch = { readonly stated: StatedMargins; readonly proven: ProvenPortfolio; readonly from: number }

/** The venue says what each account holds. */
async function reportAccounts(
  { venue }: DevelopmentPortfolio,
  names: readonly string[],
  provables: readonly ProvableMargin[],
): Promise<void> {
  for (const [i, { positions, account }] of provables.entries()) {
    const { holdings = [], collateralAmounts = [] } = holdingsWords(account.holdings)
    await venue.reportAccount(names[i] as string, positions.map(positionWord), holdings[0] as bigint, collateralAmounts)
  }
}

/** Every array that an account reads, once. */
async function proveArrays(
  { client, round, modelOf }: Place,
  maker: ProofMaker,
  provables: readonly ProvableMargin[],
): Promise<ProvenArrays> {
  const context = await client.arrayContext(round, modelOf('riskArray'))
  const wanted = new Map(
    provables.flatMap(({ pricingPolicy, arrays }) =>
      arrays.map(({ surface, strikesE8 }) => [
        arrayKey(surface.expiry, strikesE8),
        { surface, strikesE8, pricingPolicy },
      ]),
    ),
  )
  const build = portfolioBuildOf('riskArray')
  const made = await underWay(wanted, CALLS_UNDER_WAY, async ([key, { surface, strikesE8, pricingPolicy }]) => {
    const stated = await stateRiskArray(build, context, surface, pricingPolicy, strikesE8)
    return [key, { root: stated.arrayRoot, proven: await maker.make('riskArray', stated) }] as const
  })
  return new Map(made)
}

/** The books of every account, each a fold over arrays. */
async function proveBooks(
  { client, round, modelOf, reported }: Place,
  maker: ProofMaker,
  provables: readonly ProvableMargin[],
  arrays: ProvenArrays,
): Promise<readonly AccountBooks[]> {
  const rootOf = ({ header, leaves }: PricedArray): bigint => {
    const strikesE8 = leaves.map(({ strikeE8 }) => strikeE8)
    return arrays.get(arrayKey(header.expiry, strikesE8))?.root ?? 0n
  }
  const build = portfolioBuildOf('optionBook')
  const shards = provables.flatMap(({ chain }, account) => chain.shards.map((shard) => ({ account, shard })))
  const made = await underWay(shards, CALLS_UNDER_WAY, async ({ account, shard }) => {
    const of = reported[account] as ReportedAccount
    const context = await client.accountContext(round, modelOf('optionBook'), [of])
    const roots = shard.segments.map(({ array }) => rootOf(array))
    return { account, proven: await maker.make('optionBook', await stateBook(build, context, shard, roots)) }
  })
  return reported.map(({ account }, i) => ({
    account,
    books: made.filter((book) => book.account === i).map(({ proven }) => proven),
  }))
}

/** Margins, as many accounts a proof as the build has places. */
async function proveMargins(
  { client, round, modelOf, reported }: Place,
  maker: ProofMaker,
  provables: readonly ProvableMargin[],
): Promise<readonly MarginBatch[]> {
  const build = portfolioBuildOf('portfolioMargin')
  const places = marginPlaces()
  const groups = Array.from({ length: Math.ceil(provables.length / places) }, (_, g) => g * places)
  return underWay(groups, CALLS_UNDER_WAY, async (from) => {
    const some = provables.slice(from, from + places)
    const { round: market, marginPolicy } = some[0] as ProvableMargin
    const context = await client.accountContext(round, modelOf('portfolioMargin'), reported.slice(from, from + places))
    const accounts = some.map(({ account }) => account)
    const stated = await stateMargins(build, context, accounts, market, marginPolicy)
    return { stated, proven: await maker.make('portfolioMargin', stated), from }
  })
}

/** Arrays first, since the registry takes no margin over arrays that it does not hold. */
async function land(
  { client, round, modelOf }: Place,
  arrays: ProvenArrays,
  books: readonly AccountBooks[],
  batches: readonly MarginBatch[],
): Promise<PortfolioLanded['landed']> {
  const landed = { arrays: [] as Landed[], margins: [] as Landed[] }
  const all = [...arrays.values()].map(({ proven }) => proven)
  for (let from = 0; from < all.length; from += ARRAYS_PER_TRANSACTION) {
    const some = all.slice(from, from + ARRAYS_PER_TRANSACTION)
    landed.arrays.push(await client.submitArrays(round, modelOf('riskArray'), some))
  }
  for (const { proven, from } of batches) {
    const some = books.slice(from, from + marginPlaces())
    landed.margins.push(
      await client.submitPortfolio(round, modelOf('optionBook'), modelOf('portfolioMargin'), some, proven),
    )
  }
  return landed
}

/**
 * Proves that one scenario shows an account to be below maintenance, and has the registry mark it.
 *
 * @throws {@link NotUnhealthyError} if the scenario does not show it
 */
export async function proveUnhealthy(
  { client, deployment }: DevelopmentPortfolio,
  { prover, keys }: PortfolioProver,
  round: RoundWords,
  { account, provable, books }: MarginHeld,
  scenario: number,
): Promise<Landed> {
  const bookModel = deployment.models.optionBook?.modelId as string
  const witnessModel = deployment.models.unhealthyWitness?.modelId as string
  const context = await client.accountContext(round, witnessModel, [await client.account(account)])
  const build = portfolioBuildOf('unhealthyWitness')
  const { marginPolicy, round: market } = provable
  const stated = await stateWitness(build, context, provable.account, market, marginPolicy, scenario)
  const { proof, publicSignals } = await prover.prove(keys.unhealthyWitness, stated.circuitInput)
  requireStated('unhealthyWitness', stated.stated, publicSignals)
  const proven = { stated: stated.stated, proof: encodeProofCalldata(parseProof(proof)) }
  return client.proveUnhealthy(round, bookModel, witnessModel, { account, books }, proven)
}

/** Makes proofs and counts them. */
class ProofMaker {
  readonly made: ProofMade[] = []
  private readonly proving: PortfolioProver
  private total: number

  constructor(proving: PortfolioProver, total: number) {
    this.proving = proving
    this.total = total
  }

  async make(
    statement: PortfolioStatementName,
    { stated, circuitInput }: { readonly stated: Stated; readonly circuitInput: CircuitSignals },
  ): Promise<ProvenPortfolio> {
    const { prover, keys, onProof, known } = this.proving
    const key = stated.publicSignals.join(' ')
    const before = known?.get(key)
    if (before !== undefined) {
      this.total--
      return before
    }
    const { proof, publicSignals, timings, backend } = await prover.prove(keys[statement], circuitInput)
    requireStated(statement, stated, publicSignals)
    const proven = { stated, proof: encodeProofCalldata(parseProof(proof)) }
    const made = { statement, proven, timings, backend }
    this.made.push(made)
    known?.set(key, proven)
    onProof?.(made, this.made.length, this.total)
    return proven
  }
}

/** Accounts in one proof of margins. */
const marginPlaces = (): number => sizeOf(portfolioBuildOf('portfolioMargin'), 'accounts')

const arrayKey = (expiry: bigint, strikesE8: readonly bigint[]): string => `${expiry} ${strikesE8.join(' ')}`

function countProofs(provables: readonly ProvableMargin[]): number {
  const arrays = new Set(
    provables.flatMap((each) => each.arrays.map(({ surface, strikesE8 }) => arrayKey(surface.expiry, strikesE8))),
  )
  const books = provables.reduce((sum, { chain }) => sum + chain.shards.length, 0)
  return arrays.size + books + Math.ceil(provables.length / marginPlaces())
}

/** The round that accounts share: the market's words, and those of every expiry that one of them holds. */
function roundWordsOf(marketId: string, provables: readonly ProvableMargin[]): RoundWords {
  const words = provables.map(({ round, arrays }) => {
    const surfaces = new Map<bigint, ExpirySurface>(arrays.map(({ surface }) => [surface.expiry, surface]))
    return { market: roundWords(round), surfaces, asOf: round.asOf }
  })
  const [first] = words
  const surfaces = new Map(words.flatMap((each) => [...each.surfaces]))
  const expiries = [...surfaces.values()].toSorted((a, b) => Number(a.expiry - b.expiry)).map(expiryWords)
  const round = roundOf(marketId, first?.asOf ?? 0n, first?.market ?? {}, expiries)
  for (const [i, each] of words.entries()) {
    const own = roundOf(marketId, each.asOf, each.market, [...each.surfaces.values()].map(expiryWords))
    const isSame =
      own.asOf === round.asOf &&
      own.market.every((word, w) => word === round.market[w]) &&
      own.expiries.every((expiry) => round.expiries.some((other) => other.every((word, w) => word === expiry[w])))
    if (!isSame) throw new AccountsDifferError('accounts of one round', `account ${i + 1} of another`)
  }
  const policies = provables.map((each) =>
    JSON.stringify(policyOf(each), (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  )
  const other = policies.findIndex((policy) => policy !== policies[0])
  if (other !== -1) throw new AccountsDifferError('accounts under one policy', `account ${other + 1} under another`)
  return round
}

/** A circuit that computes something else than its twin would only be found out by the contract. */
function requireStated(statement: PortfolioStatementName, stated: Stated, publicSignals: readonly bigint[]): void {
  const signals = ['commitment', 'evaluation', 'challenge'] as const
  for (const [i, signal] of signals.entries()) {
    const expected = stated.publicSignals[i] as bigint
    const found = publicSignals[i] as bigint
    if (expected !== found) throw new CircuitDiffersError(statement, signal, expected, found)
  }
}

function requireHeld(account: string, { margin }: ProvableMargin, held: ProvenMargin): void {
  const pairs = [
    ['initialE8', margin.initialE8, held.initialE8],
    ['maintenanceE8', margin.maintenanceE8, held.maintenanceE8],
    ['worstScenario', BigInt(margin.worstScenario), BigInt(held.worstScenario)],
  ] as const
  for (const [field, expected, found] of pairs) {
    if (expected !== found) throw new MarginDiffersError(account, field, expected, found)
  }
}

/** Accounts that were to be proven together do not go together. */
export class AccountsDifferError extends ProverError {
  readonly code = 'service.accounts-differ'

  constructor(expected: string, found: string) {
    super(`Expected ${expected}, got ${found}. Prove them apart.`)
  }
}

/** The circuit arrives at another statement than the twin: their builds do not belong together. */
export class CircuitDiffersError extends ProverError {
  readonly code = 'service.circuit-differs'
  readonly statement: string
  readonly signal: string

  constructor(statement: string, signal: string, expected: bigint, found: bigint) {
    super(`Expected ${signal} ${expected} of ${statement}, the circuit has ${found}. Run \`npm run build\`.`)
    this.statement = statement
    this.signal = signal
  }
}

/** The registry holds another margin than the twin computed: one of them is wrong. */
export class MarginDiffersError extends ProverError {
  readonly code = 'service.margin-differs'
  readonly account: string
  readonly field: string

  constructor(account: string, field: string, expected: bigint, found: bigint) {
    super(
      `Expected the registry to hold ${field} ${expected} for ${account}, it holds ${found}. Keep both and report it.`,
    )
    this.account = account
    this.field = field
  }
}
