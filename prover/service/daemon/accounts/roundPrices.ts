/** A round as the twin reads it under the policy in force: each strike is priced once, whoever asks for it. */
import {
  expiryMarketOf,
  holdingsOf,
  marginPolicyOf,
  pricingPolicyOf,
  roundMarketOf,
} from '../../../audit/portfolio/calls.ts'
import { type PricingPolicy, riskArray } from '../../../options/riskArray.ts'
import {
  marginInArrays,
  type MarginSizes,
  type PricedSurface,
  type ProvableMargin,
} from '../../../portfolio/accountMargin.ts'
import type { OptionPosition } from '../../../portfolio/book.ts'
import type { MarginPolicy, RoundMarket } from '../../../portfolio/margin.ts'
import type { ExpirySurface } from '../../../portfolio/portfolio.ts'
import { UnknownInstrumentError } from '../../../portfolio/sharding.ts'
import type { ReportWords } from '../../../registry/portfolio/calldata.ts'
import type { RoundWords } from '../../../registry/portfolio/rounds.ts'
import { rootOfArray } from '../../../statement/riskArray.ts'
import { unpack } from '../../../statement/words.ts'

/** What an array is of. */
export type Strikes = { readonly expiry: bigint; readonly strikesE8: readonly bigint[] }

export type ArrayAt = PricedSurface & { readonly root: bigint }

/** Sizes for looking at an account without proving it: any number of arrays of one strike each. */
const LOOKING: MarginSizes = { strikes: 1, segments: 1 << 10, expiries: 1 << 10 }

const strikesKey = ({ expiry, strikesE8 }: Strikes): string => `${expiry} ${strikesE8.join(' ')}`

export const positionsIn = ({ positions }: ReportWords): readonly OptionPosition[] =>
  positions.map((word) => unpack('optionPosition', word))

export class RoundPrices {
  readonly round: RoundWords
  readonly policyVersion: bigint
  readonly market: RoundMarket
  readonly pricingPolicy: PricingPolicy
  readonly marginPolicy: MarginPolicy
  readonly surfaces: ReadonlyMap<bigint, ExpirySurface>
  private readonly priceScale: number
  private readonly priced = new Map<string, PricedSurface>()
  private readonly roots = new Map<PricedSurface, Promise<bigint>>()

  constructor(
    round: RoundWords,
    policy: { readonly policyVersion: bigint; readonly policyWords: readonly bigint[]; readonly priceScale: number },
  ) {
    this.round = round
    this.policyVersion = policy.policyVersion
    this.priceScale = policy.priceScale
    this.market = roundMarketOf(round.market)
    this.pricingPolicy = pricingPolicyOf(policy.policyWords)
    this.marginPolicy = marginPolicyOf(policy.policyWords)
    this.surfaces = new Map(round.expiries.map((words) => expiryMarketOf(words)).map((each) => [each.expiry, each]))
  }

  /**
   * An array of some strikes, and what it commits to.
   *
   * @throws {@link UnknownInstrumentError}, and the errors of pricing
   */
  async array(strikes: Strikes): Promise<ArrayAt> {
    const priced = this.pricedAt(strikes)
    const root = this.roots.get(priced) ?? rootOfArray(priced.array)
    this.roots.set(priced, root)
    return { ...priced, root: await root }
  }

  /** What an account's margin comes to, without what its proof takes. @throws the errors of pricing and of the portfolio stage */
  look(words: ReportWords): ProvableMargin {
    const arrays = positionsIn(words).map(({ expiry, strikeE8 }) => this.pricedAt({ expiry, strikesE8: [strikeE8] }))
    return this.marginIn(words, arrays, LOOKING)
  }

  /** Whether it has prices of all expiries in which an account holds options. */
  lists(words: ReportWords): boolean {
    return positionsIn(words).every(({ expiry }) => this.surfaces.has(expiry))
  }

  /** What {@link look} says, over arrays that it is proven in. */
  provable(words: ReportWords, arrays: readonly PricedSurface[], sizes: MarginSizes): ProvableMargin {
    return this.marginIn(words, arrays, sizes)
  }

  private marginIn(words: ReportWords, arrays: readonly PricedSurface[], sizes: MarginSizes): ProvableMargin {
    const { pricingPolicy, marginPolicy, market: round, priceScale } = this
    const [positions, holdings] = [positionsIn(words), holdingsOf(words)]
    const margin = marginInArrays({ pricingPolicy, marginPolicy, round, positions, holdings }, arrays, sizes)
    return { ...margin, priceScale }
  }

  private pricedAt(strikes: Strikes): PricedSurface {
    const key = strikesKey(strikes)
    const known = this.priced.get(key)
    if (known !== undefined) return known
    const { expiry, strikesE8 } = strikes
    const surface = this.surfaces.get(expiry)
    if (surface === undefined)
      throw new UnknownInstrumentError({ expiry, strikeE8: strikesE8[0] ?? 0n, callsE12: 0n, putsE12: 0n })
    const array = riskArray(surface, this.pricingPolicy, strikesE8)
    const priced = { surface, strikesE8, array }
    this.priced.set(key, priced)
    return priced
  }
}
