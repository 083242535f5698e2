/** What is proven in one transaction about accounts: arrays of a round, margins of a few accounts, one witness. */
import { ZeroHash } from 'ethers'
import { sizeOf } from '../../../../circuits/statements/index.ts'
import type { MarginSizes, ProvableMargin } from '../../../portfolio/accountMargin.ts'
import { CALLS_UNDER_WAY } from '../../../proof/backends/workerProver.ts'
import {
  arrayMarginCall,
  arraysCall,
  arraysWitnessCall,
  countCall,
  marginsCall,
  portfolioCall,
  type ProvenPortfolio,
  type RegistryCall,
  type ReportedAccount,
  type ReportWords,
  witnessCall,
} from '../../../registry/portfolio/calldata.ts'
import { expiriesHashOf, hashOfWords } from '../../../registry/portfolio/rounds.ts'
import { stateBook } from '../../../statement/optionBook.ts'
import { stateMargins, stateWitness } from '../../../statement/portfolioMargin.ts'
import { stateRiskArray } from '../../../statement/riskArray.ts'
import { stateScenarioWitness } from '../../../statement/scenarioWitness.ts'
import { jobIdOf } from '../jobStore.ts'
import { apartFrom, stateApart } from '../portfolios/arrayMargins.ts'
import { accountInArrays, opensArraysOf } from '../portfolios/inArrays.ts'
import { marginModelOf, modelOf, type PortfolioModel, type PortfolioPlace } from '../portfolios/place.ts'
import type { proveStatement } from '../portfolios/proofMaker.ts'
import { underWay } from '../underWay.ts'
import { type AccountJobKind, countBuild } from './accountJob.ts'
import type { ArrayAt, RoundPrices, Strikes } from './roundPrices.ts'

type Provable = Parameters<typeof proveStatement>[2]

/** Proves one statement; undefined if the work is not wanted any more. */
export type Make = (model: PortfolioModel, statement: Provable) => Promise<ProvenPortfolio>

/** An account as it is to be proven, over arrays that are in force or on their way. */
export type AccountToMargin = ReportedAccount & { readonly words: ReportWords; readonly arrays: readonly ArrayAt[] }

/** A piece of work whose proofs land in one transaction. */
export type Unit = {
  readonly id: string
  readonly kind: AccountJobKind
  /** Of its last proof. */
  readonly build: string
  readonly trigger: string
  readonly summary: string
  readonly prices: RoundPrices
  readonly accounts: readonly ReportedAccount[]
  /** That it brings, or that must have landed before. */
  readonly arrayRoots: readonly bigint[]
  /** What of these it brings itself, for whoever else needs them. */
  readonly brings: readonly Strikes[]
  readonly isFull: boolean
  readonly since: number
  /** Proves whatever it takes; each proof is asked for when the one before is made. */
  prove(make: Make): Promise<RegistryCall>
}

type Told = Pick<Unit, 'trigger' | 'summary' | 'since'>

/** Arrays of a round. */
export function arraysUnit(place: PortfolioPlace, prices: RoundPrices, arrays: readonly ArrayAt[], told: Told): Unit {
  const model = modelOf(place, 'riskArray')
  const arrayRoots = arrays.map(({ root }) => root)
  return {
    ...told,
    ...{ kind: 'arrays', build: model.build.name, prices, accounts: [], arrayRoots, isFull: false },
    id: nameOf(place, prices, model, arrayRoots),
    brings: arrays.map(({ surface, strikesE8 }) => ({ expiry: surface.expiry, strikesE8 })),
    prove: async (make) => {
      const context = await place.client.arrayContext(place.round, model.modelId)
      // Side by side, for everything else waits for them.
      const proven = await underWay(arrays, CALLS_UNDER_WAY, async ({ surface, strikesE8 }) =>
        make(model, await stateRiskArray(model.build, context, surface, prices.pricingPolicy, strikesE8)),
      )
      return arraysCall(place.round, model.modelId, proven)
    },
  }
}

/** Sizes that the models at hand cut books into. */
function sizesAt(place: PortfolioPlace): MarginSizes {
  const { riskArray, optionBook } = place.models
  return {
    strikes: riskArray === undefined ? 1 : sizeOf(riskArray.build, 'strikes'),
    segments: optionBook === undefined ? 1 : sizeOf(optionBook.build, 'segments'),
    expiries: optionBook === undefined ? 1 : sizeOf(optionBook.build, 'expiries'),
  }
}

/**
 * Margins of accounts, at most as many as a proof has places: by their books, or straight from arrays where {@link apartFrom} says so.
 *
 * @throws the errors of the portfolio stage, if an account has no margin in the round
 */
export function marginsUnit(
  place: PortfolioPlace,
  prices: RoundPrices,
  given: readonly AccountToMargin[],
  told: Told,
): Unit {
  const accounts = given.toSorted((a, b) => (BigInt(a.account) < BigInt(b.account) ? -1 : 1))
  const provables = accounts.map(({ words, arrays }) => prices.provable(words, arrays, sizesAt(place)))
  const [only] = provables
  const isApart = only !== undefined && provables.length === 1 && apartFrom(place.models, provables) === 0
  const model = isApart ? modelOf(place, 'arrayMargin') : marginModelOf(place)
  const used = accounts.flatMap(({ arrays }, i) => usedOf(provables[i] as ProvableMargin, arrays))
  const reported = accounts.map(({ account, sequence }) => ({ account, sequence }))
  const isFull = model.build.statement !== 'marginsAlone'
  return {
    ...told,
    ...{ kind: 'margins', build: model.build.name, prices, accounts: reported, isFull, brings: [] },
    arrayRoots: [...new Set(used.map(({ root }) => root))],
    id: nameOf(place, prices, model, subjectWords(reported)),
    prove: async (make) => {
      if (isApart)
        return proveApart(place, make, model, { reported: reported[0] as ReportedAccount, provable: only, used })
      const books: ProvenPortfolio[][] = []
      for (const [i, provable] of provables.entries()) {
        books.push(await proveBooks(place, make, reported[i] as ReportedAccount, provable, used))
      }
      const context = await place.client.accountContext(place.round, model.modelId, reported)
      const states = provables.map(({ account }) => account)
      const stated = await stateMargins(model.build, context, states, prices.market, prices.marginPolicy)
      const proven = await make(model, stated)
      const withBooks = reported.map((each, i) => ({ ...each, books: books[i] ?? [] }))
      const bookModelId = books.some(({ length }) => length > 0) ? modelOf(place, 'optionBook').modelId : ZeroHash
      const call = isFull ? portfolioCall : marginsCall
      return call(place.round, bookModelId, model.modelId, withBooks, proven)
    },
  }
}

async function proveApart(
  place: PortfolioPlace,
  make: Make,
  model: PortfolioModel,
  { reported, provable, used }: Pick<Shown, 'provable' | 'used'> & { readonly reported: ReportedAccount },
): Promise<RegistryCall> {
  const stated = await stateApart(place, model, reported, provable, rootOf(used))
  const arrayModelId = modelOf(place, 'riskArray').modelId
  return arrayMarginCall(place.round, arrayModelId, model.modelId, reported, await make(model, stated))
}

/**
 * A witness that an account is below maintenance: straight from arrays, or from its book where it is in too many or in none;
 * undefined where no model at hand shows it.
 *
 * @throws the errors of the portfolio stage, above all if the account is not below maintenance
 */
export function witnessUnit(
  place: PortfolioPlace,
  prices: RoundPrices,
  shown: AccountToMargin,
  scenario: number,
  told: Told,
): Unit | undefined {
  const { account, sequence } = shown
  const provable = prices.provable(shown.words, shown.arrays, sizesAt(place))
  const used = usedOf(provable, shown.arrays)
  const common: Omit<Unit, 'id' | 'build' | 'prove'> = {
    ...told,
    ...{ kind: 'witness', prices, accounts: [{ account, sequence }], isFull: false, brings: [] },
    arrayRoots: [...new Set(used.map(({ root }) => root))],
  }
  const { scenarioWitness, unhealthyWitness } = place.models
  const ofAccount = subjectWords(common.accounts)
  if (scenarioWitness !== undefined && opensArraysOf(scenarioWitness.build, provable)) {
    return {
      ...{ ...common, build: scenarioWitness.build.name },
      id: nameOf(place, prices, scenarioWitness, ofAccount),
      prove: (make) => proveByArrays(place, make, scenarioWitness, { shown, provable, used, scenario }),
    }
  }
  if (unhealthyWitness === undefined) return undefined
  return {
    ...{ ...common, build: unhealthyWitness.build.name },
    id: nameOf(place, prices, unhealthyWitness, ofAccount),
    prove: (make) => proveByBook(place, make, unhealthyWitness, { shown, provable, used, scenario }),
  }
}

/** Opens a count of a round, which takes no proof. */
export function countUnit(place: PortfolioPlace, prices: RoundPrices, told: Told): Unit {
  return {
    ...told,
    ...{ kind: 'count', build: countBuild, prices, accounts: [], arrayRoots: [], brings: [], isFull: true },
    id: jobIdOf(countBuild, [place.client.chainId, BigInt(place.client.registry), prices.round.asOf]),
    prove: async () => countCall(place.round),
  }
}

/** Arrays that an account's books run through. */
function usedOf({ chain }: ProvableMargin, arrays: readonly ArrayAt[]): readonly ArrayAt[] {
  const run = new Set(chain.shards.flatMap(({ segments }) => segments.map(({ array }) => array)))
  return arrays.filter(({ array }) => run.has(array))
}

const rootOf =
  (used: readonly ArrayAt[]) =>
  (array: unknown): bigint =>
    used.find((each) => each.array === array)?.root ?? 0n

async function proveBooks(
  place: PortfolioPlace,
  make: Make,
  reported: ReportedAccount,
  { chain }: ProvableMargin,
  used: readonly ArrayAt[],
): Promise<ProvenPortfolio[]> {
  if (chain.shards.length === 0) return []
  const model = modelOf(place, 'optionBook')
  const context = await place.client.accountContext(place.round, model.modelId, [reported])
  const books: ProvenPortfolio[] = []
  for (const shard of chain.shards) {
    const roots = shard.segments.map(({ array }) => rootOf(used)(array))
    books.push(await make(model, await stateBook(model.build, context, shard, roots)))
  }
  return books
}

type Shown = {
  readonly shown: AccountToMargin
  readonly provable: ProvableMargin
  readonly used: readonly ArrayAt[]
  readonly scenario: number
}

async function proveByArrays(
  place: PortfolioPlace,
  make: Make,
  model: PortfolioModel,
  { shown, provable, used, scenario }: Shown,
): Promise<RegistryCall> {
  const { account, sequence } = shown
  const inArrays = await accountInArrays(model.build, provable, rootOf(used))
  const context = await place.client.accountContext(place.round, model.modelId, [{ account, sequence }])
  const { round: market, marginPolicy } = provable
  const stated = await stateScenarioWitness(model.build, context, inArrays, market, marginPolicy, scenario)
  const arrayModelId = modelOf(place, 'riskArray').modelId
  const proven = await make(model, stated)
  return arraysWitnessCall(place.round, arrayModelId, model.modelId, { account, sequence }, proven)
}

async function proveByBook(
  place: PortfolioPlace,
  make: Make,
  model: PortfolioModel,
  { shown, provable, used, scenario }: Shown,
): Promise<RegistryCall> {
  const { account, sequence } = shown
  const books = await proveBooks(place, make, { account, sequence }, provable, used)
  const context = await place.client.accountContext(place.round, model.modelId, [{ account, sequence }])
  const { round: market, marginPolicy } = provable
  const stated = await stateWitness(model.build, context, provable.account, market, marginPolicy, scenario)
  const proven = await make(model, stated)
  const bookModelId = books.length === 0 ? ZeroHash : modelOf(place, 'optionBook').modelId
  return witnessCall(place.round, bookModelId, model.modelId, { account, sequence, books }, proven)
}

const subjectWords = (accounts: readonly ReportedAccount[]): readonly bigint[] =>
  accounts.flatMap(({ account, sequence }) => [BigInt(account), sequence])

/** Its statements follow from what it is about: the same work has the same name, however often it is proven. */
function nameOf(
  { client, round }: PortfolioPlace,
  { policyVersion }: RoundPrices,
  { build, modelId }: PortfolioModel,
  about: readonly bigint[],
): string {
  const ofRound = [BigInt(hashOfWords(round.market)), BigInt(expiriesHashOf(round))]
  const where = [client.chainId, BigInt(client.registry), ...ofRound, policyVersion, BigInt(modelId)]
  return jobIdOf(build.name, [...where, ...about])
}
