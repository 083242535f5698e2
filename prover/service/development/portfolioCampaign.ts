/** Margins with answers of others, each proven, landed, and compared with what the contract then holds. */
import { type ProvableMargin, provableMargin } from '../../portfolio/accountMargin.ts'
import type { Portfolio } from '../../portfolio/portfolio.ts'
import type { Prover } from '../../proof/index.ts'
import type { ProvenPortfolio } from '../../registry/index.ts'
import { roundWords } from '../../statement/portfolioMargin.ts'
import { expiryWords } from '../../statement/riskArray.ts'
import { startDevelopmentChain } from './chain.ts'
import { deployDevelopmentPortfolio, type DevelopmentPortfolio } from './portfolio.ts'
import { type DevelopmentLanded, proveDevelopmentPortfolios } from './portfolioProofs.ts'
import { marginSizes } from '../answers/margins.ts'
import type { PortfolioProver } from '../daemon/portfolios/proofMaker.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'
import type { PortfolioKeys } from '../workspace.ts'

/** A portfolio, and what its margins are by someone else's account. */
export type AnsweredCase = {
  readonly name: string
  readonly portfolio: Portfolio
  readonly initial: number
  readonly maintenance: number
}

/** A case after its margin landed. */
export type CaseProven = {
  readonly name: string
  readonly landed: DevelopmentLanded
  /** Margins as the contract holds them. */
  readonly initial: number
  readonly maintenance: number
  /** The larger error of the two margins, relative to the answer; to one unit of the quote currency where it is smaller. */
  readonly error: number
  readonly seconds: number
}

/** The chain starts this long before the first round, so that there is time to deploy. */
const LEAD_SECONDS = 600n

/**
 * Proves cases one by one. Those of one market share a chain and the proofs of its arrays.
 *
 * @param onCase - called as soon as a case's margin is on the chain
 */
export async function proveCases(
  cases: readonly AnsweredCase[],
  prover: Prover,
  keys: PortfolioKeys,
  onCase: (proven: CaseProven) => void = () => {},
): Promise<readonly CaseProven[]> {
  const markets = new Map<string, { readonly given: AnsweredCase; readonly provable: ProvableMargin }[]>()
  for (const given of cases) {
    const provable = provableMargin(given.portfolio, marginSizes)
    const market = marketOf(provable)
    markets.set(market, [...(markets.get(market) ?? []), { given, provable }])
  }
  const proven: CaseProven[] = []
  for (const group of markets.values()) {
    const first = group[0]?.provable as ProvableMargin
    const chain = await startDevelopmentChain(first.round.asOf - LEAD_SECONDS)
    try {
      const development = await deployDevelopmentPortfolio(chain, keys, policyOf(first))
      const known = new Map<string, ProvenPortfolio>()
      for (const [i, { given, provable }] of group.entries()) {
        const one = await proveCase(development, { prover, known }, given, provable, BigInt(i + 1))
        proven.push(one)
        onCase(one)
      }
    } finally {
      await chain.close()
    }
  }
  return proven
}

async function proveCase(
  development: DevelopmentPortfolio,
  proving: PortfolioProver,
  { name, ...answer }: AnsweredCase,
  provable: ProvableMargin,
  account: bigint,
): Promise<CaseProven> {
  const started = performance.now()
  const landed = await proveDevelopmentPortfolios(development, proving, [provable], account)
  const held = landed.accounts[0]?.held
  const initial = Number(held?.initialE8) / 1e8
  const maintenance = Number(held?.maintenanceE8) / 1e8
  const error = Math.max(relative(initial, answer.initial), relative(maintenance, answer.maintenance))
  return { name, landed, initial, maintenance, error, seconds: (performance.now() - started) / 1000 }
}

/** Near zero a margin is compared to one unit of the quote currency. */
const relative = (value: number, expected: number): number =>
  Math.abs(value - expected) / Math.max(1, Math.abs(expected))

/** Cases of one market can share its arrays. */
function marketOf({ round, arrays }: ProvableMargin): string {
  const surfaces = new Map(arrays.map(({ surface }) => [surface.expiry, expiryWords(surface)]))
  return JSON.stringify([roundWords(round), [...surfaces.values()]], (_, v) => (typeof v === 'bigint' ? `${v}` : v))
}
