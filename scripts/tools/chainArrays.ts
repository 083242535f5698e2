/** A recorded chain as arrays to prove: every expiry with its fitted surface, its strikes in groups of an array's size. */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ProverError } from '../../prover/errors.ts'
import { byExpiry, type ExpiryQuotes, latestQuotes, type OptionChain, readChain } from '../../prover/options/chain.ts'
import type { PricingPolicy } from '../../prover/options/riskArray.ts'
import { LEAST_POINTS, SviButterflyError, TooFewMarksError } from '../../prover/options/surface.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { marketOfChain } from '../../prover/portfolio/input/chainMarket.ts'
import { requireArbitrageFree } from '../../prover/portfolio/input/checks.ts'
import type { ExpirySurface } from '../../prover/portfolio/portfolio.ts'
import type { MarginPolicy, RoundMarket } from '../../prover/portfolio/margin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import type { SectionWords } from '../../prover/statement/state.ts'
import { roundWords } from '../../prover/statement/portfolioMargin.ts'
import { root } from './sources.ts'

/** Strikes of one expiry that are proven together. */
export type ArrayToProve = {
  readonly leg: string
  readonly surface: ExpirySurface
  /** As many as the build has, ascending, the last one repeated where there are fewer. */
  readonly strikesE8: readonly bigint[]
  /** Different ones among them. */
  readonly strikes: number
  /** Quotes of the chain at these strikes. */
  readonly options: number
}

/** Something of a chain that is not proven, and why. */
export type Refusal = { readonly leg: string; readonly code: string; readonly options: number }

/** One currency of a chain. */
export type MarketToProve = {
  readonly name: string
  readonly asOf: bigint
  readonly pricingPolicy: PricingPolicy
  readonly marginPolicy: MarginPolicy
  readonly round: RoundMarket
  readonly policy: SectionWords
  /** Of the round; those of its expiries are {@link MarketToProve.surfaces}. */
  readonly marketWords: SectionWords
  /** By increasing expiry. */
  readonly surfaces: readonly ExpirySurface[]
  readonly arrays: readonly ArrayToProve[]
  readonly refused: readonly Refusal[]
  /** Expiries whose fit can be arbitraged with butterflies somewhere among its strikes. They are priced all the same. */
  readonly arbitraged: readonly string[]
}

/** The largest recorded chain beside the checkout; undefined where there is none. */
export function largestChain(): string | undefined {
  const folder = join(root, '..', 'shared', 'data', 'options', 'deribit-2026')
  if (!existsSync(folder)) return undefined
  const files = readdirSync(folder).map((file) => join(folder, file))
  return files.toSorted((a, b) => statSync(b).size - statSync(a).size)[0]
}

/** @throws the errors of {@link readChain}, and {@link ChainMarketError} if a currency has no spot */
export function marketsOfChain(file: string): readonly MarketToProve[] {
  const chain = readChain(file)
  const currencies = [...new Set(chain.quotes.map(({ currency }) => currency))].toSorted()
  return currencies.map((currency) => marketOf(chain, currency))
}

function marketOf(chain: OptionChain, currency: string): MarketToProve {
  const { expiries: fitted, asOf, spot } = marketOfChain(chain, currency)
  const stated = { asOf, spot }
  const quoted = byExpiry(latestQuotes(chain.quotes)).filter((each) => each.currency === currency)
  const surfaces: ExpirySurface[] = []
  const arrays: ArrayToProve[] = []
  const refused: Refusal[] = []
  const arbitraged: string[] = []
  const read = (expiries: readonly object[]) =>
    readPortfolio(JSON.stringify({ account: {}, market: { ...stated, expiries } }), chain.file)
  for (const group of quoted) {
    const leg = `${currency} ${new Date(Number(group.expiry) * 1000).toISOString().slice(0, 10)}`
    try {
      const entry = fitted.find(({ expiry }) => expiry === String(group.expiry))
      const strikes = strikesOf(group)
      if (entry === undefined) throw new TooFewMarksError(leg, Math.min(strikes.length, LEAST_POINTS - 1))
      const surface = read([entry]).market.expiries[0] as ExpirySurface
      surfaces.push(surface)
      arrays.push(...arraysOf(leg, surface, group))
      if (isArbitraged(surface, strikes, leg)) arbitraged.push(leg)
    } catch (error) {
      if (!(error instanceof ProverError)) throw error
      refused.push({ leg, code: error.code, options: group.quotes.length })
    }
  }
  const { pricingPolicy, marginPolicy, round } = provableMargin(read([]), marginSizes)
  return {
    name: currency,
    asOf: round.asOf,
    pricingPolicy,
    marginPolicy,
    round,
    policy: policyOf({ pricingPolicy, marginPolicy }),
    marketWords: roundWords(round),
    surfaces,
    arrays,
    refused,
    arbitraged,
  }
}

const strikesOf = ({ quotes }: ExpiryQuotes): readonly bigint[] => [...new Set(quotes.map(({ strikeE8 }) => strikeE8))]

function arraysOf(leg: string, surface: ExpirySurface, group: ExpiryQuotes): readonly ArrayToProve[] {
  const all = strikesOf(group)
  const size = marginSizes.strikes
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => {
    const some = all.slice(i * size, (i + 1) * size)
    return {
      leg,
      surface,
      strikesE8: Array.from({ length: size }, (_, s) => some[s] ?? (some.at(-1) as bigint)),
      strikes: some.length,
      options: group.quotes.filter(({ strikeE8 }) => some.includes(strikeE8)).length,
    }
  })
}

function isArbitraged(surface: ExpirySurface, strikesE8: readonly bigint[], leg: string): boolean {
  try {
    requireArbitrageFree(surface, strikesE8, leg)
    return false
  } catch (error) {
    if (error instanceof SviButterflyError) return true
    throw error
  }
}
