/** The call that carries proofs of margins over several markets. */
import { COLLATERALS } from '../../../circuits/statements/index.ts'
import type { CrossPolicy } from '../../portfolio/crossMargin.ts'
import { interfaceOf } from '../../registry/artifacts.ts'
import { namedCall } from '../../registry/portfolio/namedCall.ts'
import { splitList } from '../../statement/lists.ts'
import { unpackElements } from '../../statement/words.ts'
import type { BooksArgument, RoundArgument } from './calls.ts'

/** One account of a submission. */
export type CrossItem = {
  readonly account: string
  readonly sequence: bigint
  /** By market, how many arrays its options are in. */
  readonly arrays: readonly bigint[]
  readonly holdings: readonly bigint[]
  readonly collateralAmounts: readonly bigint[]
  readonly margins: bigint
}

export type CrossMarginsCall = BooksArgument & {
  readonly marketRounds: readonly RoundArgument[]
  readonly batch: {
    readonly bookModelId: string
    readonly marginModelId: string
    readonly commitment: bigint
    readonly emptyMargins: bigint
  }
  readonly accounts: readonly CrossItem[]
  readonly marginProof: readonly bigint[]
}

/** @returns undefined if it is another call, or malformed */
export function decodeCrossCall(calldata: string): CrossMarginsCall | undefined {
  const call = namedCall(interfaceOf('CrossMarginRegistry'), calldata)
  return call?.method === 'submitCrossMargins' ? (call.args as unknown as CrossMarginsCall) : undefined
}

/** What the words of a policy of several markets say. @throws {@link WordOutOfRangeError} */
export function crossPolicyOf(words: readonly bigint[], markets: number): CrossPolicy {
  const { collateralMarkets, spreadCredits } = splitList('crossPolicy', words)
  return {
    collateralMarkets: unpackElements('collateralMarket', collateralMarkets, COLLATERALS).map(({ market }) => market),
    creditsX40: unpackElements('spreadCredit', spreadCredits, markets).map(({ creditX40 }) => creditX40),
  }
}
