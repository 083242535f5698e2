/** The calls of a portfolio registry that carry proofs, and the words of rounds and policies in them. */
import { COLLATERALS, type Fields, UP_ONLY_SHOCKS } from '../../../circuits/statements/index.ts'
import type { ScenarioPolicy } from '../../options/grid.ts'
import type { ExpiryMarket, PricingPolicy } from '../../options/riskArray.ts'
import type { Holdings, MarginPolicy, RoundMarket } from '../../portfolio/margin.ts'
import { decodeRegistryCall } from '../../registry/portfolio/calldata.ts'
import { type ListSections, splitList } from '../../statement/lists.ts'
import { unpack, unpackElements, wordCount } from '../../statement/words.ts'

export const PROVING_METHODS: readonly string[] = [
  'submitArrays',
  'submitPortfolio',
  'submitMargins',
  'proveUnhealthy',
  'proveUnhealthyByArrays',
]

export type ArrayItem = {
  readonly commitment: bigint
  readonly expiryIndex: bigint
  readonly expiryWords: readonly bigint[]
  readonly arrayRoot: bigint
}
export type ArraysCall = {
  readonly method: 'submitArrays'
  readonly asOf: bigint
  readonly marketWords: readonly bigint[]
  readonly expiryHashes: readonly string[]
  readonly modelId: string
  readonly arrays: readonly ArrayItem[]
  readonly strikeWords: readonly bigint[]
  readonly proofs: readonly (readonly bigint[])[]
}
export type RoundArgument = {
  readonly asOf: bigint
  readonly expiriesHash: string
  readonly marketWords: readonly bigint[]
}
/** What an account is said to hold, and how many arrays its options are in. */
export type HeldItem = {
  readonly account: string
  /** Report that it is about. */
  readonly sequence: bigint
  readonly arrays: bigint
  readonly holdings: bigint
  readonly collateralAmounts: readonly bigint[]
}
/** Of margins alone, the first. */
export type AccountItem = {
  readonly held: HeldItem
  readonly margins: bigint
  readonly thresholds: bigint
  readonly spotGreeks: bigint
  readonly risk: bigint
}
/** The books of a submission, one after the other. */
export type BooksArgument = {
  readonly bookWords: readonly bigint[]
  readonly bookProofs: readonly (readonly bigint[])[]
}
/**
 * A submission of margins alone says nothing of the rest. Straight from arrays its words are roots of the arrays that are used, then
 * a position word for each of their strikes.
 */
export type MarginsCall = BooksArgument & {
  readonly method: 'submitPortfolio' | 'submitMargins'
  readonly round: RoundArgument
  readonly batch: {
    readonly bookModelId: string
    readonly marginModelId: string
    readonly commitment: bigint
    readonly emptyMargins: readonly bigint[] | bigint
  }
  readonly accounts: readonly (Pick<AccountItem, 'held' | 'margins'> & Partial<AccountItem>)[]
  readonly marginProof: readonly bigint[]
}
/** Whether a submission is of one account's margins straight from arrays, as the contract tells: its options come without a book. */
export const isFromArrays = ({ method, accounts, bookProofs }: MarginsCall): boolean =>
  method === 'submitPortfolio' && bookProofs.length === 0 && accounts.length === 1 && accounts[0]?.held.arrays !== 0n

/** What witnesses have in common, from books or straight from arrays. */
export type WitnessArgument = {
  readonly round: RoundArgument
  readonly witness: HeldItem & {
    readonly bookModelId: string
    readonly witnessModelId: string
    readonly commitment: bigint
    /** Report that it is about. */
    readonly sequence: bigint
    readonly scenario: bigint
    readonly bound: bigint
  }
  /** What the venue reported last, if the witness is about an earlier report. */
  readonly present: readonly bigint[]
  readonly witnessProof: readonly bigint[]
}
export type WitnessCall = WitnessArgument & BooksArgument & { readonly method: 'proveUnhealthy' }
export type ArraysWitnessCall = WitnessArgument & {
  readonly method: 'proveUnhealthyByArrays'
  /** Roots of the arrays that are used, then a position word for each of their strikes. */
  readonly arrayWords: readonly bigint[]
}
export type ProvingCall = ArraysCall | MarginsCall | WitnessCall | ArraysWitnessCall

/** @returns undefined if it is no call that carries proofs */
export function decodeProvingCall(calldata: string): ProvingCall | undefined {
  const call = decodeRegistryCall(calldata)
  if (call === undefined || !PROVING_METHODS.includes(call.method)) return undefined
  return { method: call.method, ...call.args } as unknown as ProvingCall
}

export const isWitness = (call: ProvingCall): call is WitnessCall | ArraysWitnessCall =>
  call.method === 'proveUnhealthy' || call.method === 'proveUnhealthyByArrays'

/** How many events a call leaves behind. */
export function eventCount(call: ProvingCall): number {
  if (call.method === 'submitArrays') return call.arrays.length
  return isWitness(call) ? 1 : call.accounts.length + 1
}

/** What prices take from a policy's words. @throws {@link WordOutOfRangeError} */
export function pricingPolicyOf(words: readonly bigint[]): PricingPolicy {
  const policy = splitList('portfolioPolicy', words)
  return {
    scenarios: scenariosOf(policy),
    volatilityShocks: unpack('volatilityShocks', only(policy.volatilityShocks)),
    skewLinear: unpack('skewLinear', only(policy.skewLinear)),
    skewAbsolute: unpack('skewAbsolute', only(policy.skewAbsolute)),
    longDiscount: unpack('longDiscount', only(policy.longDiscount)),
    shortDiscount: unpack('shortDiscount', only(policy.shortDiscount)),
  }
}

/** What margins take from a policy's words. @throws {@link WordOutOfRangeError} */
export function marginPolicyOf(words: readonly bigint[]): MarginPolicy {
  const policy = splitList('portfolioPolicy', words)
  const sizes = unpackElements('collateralSize', policy.collateralSizes, COLLATERALS)
  return {
    scenarios: scenariosOf(policy),
    lossFactors: unpack('lossFactors', only(policy.lossFactors)),
    contingencies: unpack('contingencies', only(policy.contingencies)),
    concentration: unpack('concentration', only(policy.concentration)),
    collaterals: unpackElements('collateralPolicy', policy.collateralPolicy, COLLATERALS).map((each, i) => ({
      ...each,
      ...(sizes[i] as Fields<'collateralSize'>),
    })),
  }
}

const scenariosOf = (policy: ListSections<'portfolioPolicy'>): ScenarioPolicy => ({
  regular: policy.scenarioRegular.map((word) => unpack('scenarioRegular', word)),
  upOnly: unpackElements('scenarioUpOnly', policy.scenarioUpOnly, UP_ONLY_SHOCKS),
  ...unpack('basisShocks', only(policy.basisShocks)),
  ...unpack('scenarioSkew', only(policy.scenarioSkew)),
})

const only = ([word = 0n]: readonly bigint[]): bigint => word

/** What a round's market words say. @throws {@link WordOutOfRangeError} */
export function roundMarketOf(words: readonly bigint[]): RoundMarket {
  const market = splitList('roundMarket', words)
  return {
    ...unpack('roundPrices', only(market.roundPrices)),
    ...unpack('roundConfidences', only(market.roundConfidences)),
    collaterals: unpackElements('collateralPrice', market.collateralPrices, COLLATERALS),
  }
}

/** What a round's words say of one expiry. @throws {@link WordOutOfRangeError} */
export function expiryMarketOf(words: readonly bigint[]): ExpiryMarket {
  const market = splitList('expiryMarket', words)
  return {
    ...unpack('expiryForward', only(market.expiryForward)),
    ...unpack('expirySurface', only(market.expirySurface)),
    ...unpack('expirySurfaceShape', only(market.expirySurfaceShape)),
  }
}

/** What an account holds besides options. @throws {@link WordOutOfRangeError} */
export function holdingsOf({
  holdings,
  collateralAmounts,
}: Pick<HeldItem, 'holdings' | 'collateralAmounts'>): Holdings {
  const collateralsE12 = unpackElements('collateralAmount', collateralAmounts, COLLATERALS).map(
    ({ amountE12 }) => amountE12,
  )
  return { ...unpack('holdings', holdings), collateralsE12 }
}

/** @param words - shape [⌈strikes / 5⌉] @throws {@link WordOutOfRangeError} */
export const strikesOf = (words: readonly bigint[], strikes: number): readonly bigint[] =>
  unpackElements('strike', words, strikes).map(({ strikeE8 }) => strikeE8)

export const strikeWordCount = (strikes: number): number => wordCount('strike', strikes)
