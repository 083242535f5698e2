/** The calls of a portfolio registry that carry proofs, and the words of rounds and policies in them. */
import { COLLATERALS, UP_ONLY_SHOCKS } from '../../../circuits/statements/index.ts'
import type { ScenarioPolicy } from '../../options/grid.ts'
import type { ExpiryMarket, PricingPolicy } from '../../options/riskArray.ts'
import type { Holdings, MarginPolicy, RoundMarket } from '../../portfolio/margin.ts'
import { decodeRegistryCall } from '../../registry/portfolio/calldata.ts'
import { unpack, unpackElements, wordCount } from '../../statement/words.ts'

export const PROVING_METHODS: readonly string[] = ['submitArrays', 'submitPortfolio', 'proveUnhealthy']

export type ArrayItem = {
  readonly commitment: bigint
  readonly expiryIndex: bigint
  readonly expiryWords: readonly [bigint, bigint, bigint]
  readonly arrayRoot: bigint
}
export type ArraysCall = {
  readonly method: 'submitArrays'
  readonly asOf: bigint
  readonly marketHash: string
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
/** What an account is said to hold, and how many proofs fold its options. */
export type HeldItem = {
  readonly account: string
  readonly books: bigint
  readonly holdings: bigint
  readonly collateralAmounts: readonly [bigint, bigint]
}
export type AccountItem = HeldItem & {
  readonly margins: bigint
  readonly thresholds: bigint
  readonly spotGreeks: bigint
  readonly timeGreeks: bigint
}
/** The books of a submission, one after the other. */
export type BooksArgument = {
  readonly bookWords: readonly bigint[]
  readonly bookProofs: readonly (readonly bigint[])[]
}
export type MarginsCall = BooksArgument & {
  readonly method: 'submitPortfolio'
  readonly round: RoundArgument
  readonly batch: {
    readonly bookModelId: string
    readonly marginModelId: string
    readonly commitment: bigint
    readonly emptyMargins: readonly bigint[]
    readonly batchWords: readonly bigint[]
  }
  readonly accounts: readonly AccountItem[]
  readonly marginProof: readonly bigint[]
}
export type WitnessCall = BooksArgument & {
  readonly method: 'proveUnhealthy'
  readonly round: RoundArgument
  readonly witness: HeldItem & {
    readonly bookModelId: string
    readonly witnessModelId: string
    readonly commitment: bigint
    readonly scenario: bigint
    readonly bound: bigint
  }
  readonly witnessProof: readonly bigint[]
}
export type ProvingCall = ArraysCall | MarginsCall | WitnessCall

/** @returns undefined if it is no call that carries proofs */
export function decodeProvingCall(calldata: string): ProvingCall | undefined {
  const call = decodeRegistryCall(calldata)
  if (call === undefined || !PROVING_METHODS.includes(call.method)) return undefined
  return { method: call.method, ...call.args } as unknown as ProvingCall
}

/** How many events a call leaves behind. */
export function eventCount(call: ProvingCall): number {
  if (call.method === 'submitArrays') return call.arrays.length
  return call.method === 'submitPortfolio' ? call.accounts.length + 1 : 1
}

/** Where the words of `IPortfolioPolicy.setPortfolioPolicy` begin. */
const AT = {
  upOnly: 7,
  special: 12,
  volatility: 13,
  lossFactors: 18,
  contingencies: 19,
  collaterals: 20,
  end: 24,
} as const

/** What prices take from a policy's words. @throws {@link WordOutOfRangeError} */
export function pricingPolicyOf(words: readonly bigint[]): PricingPolicy {
  const at = (index: number): bigint => words[AT.volatility + index] ?? 0n
  return {
    scenarios: scenariosOf(words),
    volatilityShocks: unpack('volatilityShocks', at(0)),
    skewLinear: unpack('skewLinear', at(1)),
    skewAbsolute: unpack('skewAbsolute', at(2)),
    longDiscount: unpack('longDiscount', at(3)),
    shortDiscount: unpack('shortDiscount', at(4)),
  }
}

/** What margins take from a policy's words. @throws {@link WordOutOfRangeError} */
export function marginPolicyOf(words: readonly bigint[]): MarginPolicy {
  return {
    scenarios: scenariosOf(words),
    lossFactors: unpack('lossFactors', words[AT.lossFactors] ?? 0n),
    contingencies: unpack('contingencies', words[AT.contingencies] ?? 0n),
    collaterals: unpackElements('collateralPolicy', words.slice(AT.collaterals, AT.end), COLLATERALS),
  }
}

function scenariosOf(words: readonly bigint[]): ScenarioPolicy {
  return {
    regular: words.slice(0, AT.upOnly).map((word) => unpack('scenarioRegular', word)),
    upOnly: unpackElements('scenarioUpOnly', words.slice(AT.upOnly, AT.special), UP_ONLY_SHOCKS),
    ...unpack('scenarioSpecial', words[AT.special] ?? 0n),
  }
}

/** What a round's market words say. @throws {@link WordOutOfRangeError} */
export function roundMarketOf([prices = 0n, confidences = 0n, ...collaterals]: readonly bigint[]): RoundMarket {
  return {
    ...unpack('roundPrices', prices),
    ...unpack('roundConfidences', confidences),
    collaterals: unpackElements('collateralPrice', collaterals, COLLATERALS),
  }
}

/** What a round's words say of one expiry. @throws {@link WordOutOfRangeError} */
export function expiryMarketOf([forward, surface, shape]: readonly [bigint, bigint, bigint]): ExpiryMarket {
  return {
    ...unpack('expiryForward', forward),
    ...unpack('expirySurface', surface),
    ...unpack('expirySurfaceShape', shape),
  }
}

/** What an account holds besides options. @throws {@link WordOutOfRangeError} */
export function holdingsOf({ holdings, collateralAmounts }: Omit<HeldItem, 'account' | 'books'>): Holdings {
  const collateralsE12 = unpackElements('collateralAmount', collateralAmounts, COLLATERALS).map(
    ({ amountE12 }) => amountE12,
  )
  return { ...unpack('holdings', holdings), collateralsE12 }
}

/** @param words - shape [⌈strikes / 5⌉] @throws {@link WordOutOfRangeError} */
export const strikesOf = (words: readonly bigint[], strikes: number): readonly bigint[] =>
  unpackElements('strike', words, strikes).map(({ strikeE8 }) => strikeE8)

export const strikeWordCount = (strikes: number): number => wordCount('strike', strikes)
