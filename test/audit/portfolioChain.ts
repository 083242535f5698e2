/** A chain that holds proven margins, made with the real circuits: what the auditor of margins is given. */
import { type AuditKey, auditPortfolio, type PortfolioAudit } from '../../prover/audit/index.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import type { RoundWords } from '../../prover/registry/index.ts'
import { createProver } from '../../prover/proof/index.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import { deployDevelopmentPortfolio, type DevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { proveDevelopmentPortfolios } from '../../prover/service/development/portfolioProofs.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import type { MarginHeld } from '../../prover/service/daemon/portfolios/portfolios.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { proveUnhealthy } from '../../prover/service/daemon/portfolios/witness.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'

/** A short strangle in one expiry that has lost more than its cash, with a perpetual against it. */
const portfolio = {
  name: 'Strangle below maintenance',
  account: {
    cash: '2000',
    perps: { quantity: '0.4', unrealisedPnl: '-350' },
    options: [
      { instrument: 'BTC-27MAR26-60000-P', quantity: '-2' },
      { instrument: 'BTC-27MAR26-90000-C', quantity: '-2' },
      { instrument: 'BTC-27MAR26-50000-P', quantity: '1' },
    ],
  },
  market: {
    asOf: '2026-02-05T04:30:00Z',
    spot: '70853.26',
    perpPrice: '70840',
    expiries: [
      {
        expiry: '2026-03-27T08:00:00Z',
        forward: '71320',
        rate: '0.04',
        svi: { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' },
      },
    ],
  },
}

/** An account that is below maintenance. */
export const strangle = () => provableMargin(readPortfolio(JSON.stringify(portfolio), 'strangle.json'), marginSizes)

export type PortfolioChain = {
  readonly development: DevelopmentPortfolio
  readonly keys: readonly AuditKey[]
  readonly provable: ReturnType<typeof provableMargin>
  readonly account: string
  readonly held: MarginHeld
  readonly round: RoundWords
  audit(options?: {
    readonly keys?: readonly AuditKey[]
    readonly fromBlock?: number
    readonly registry?: string
  }): Promise<PortfolioAudit>
  close(): Promise<void>
}

/** Proves an array, a book, a margin and a witness, and lands them: about 20 seconds. The model that needs no book is left aside. */
export async function provePortfolioChain(): Promise<PortfolioChain> {
  const provable = strangle()
  const circuitKeys = await loadPortfolioKeys()
  const chain: DevelopmentChain = await startDevelopmentChain(provable.round.asOf - 60n)
  const development = await deployDevelopmentPortfolio(chain, circuitKeys, policyOf(provable))
  const prover = createProver()
  try {
    const { arrayMargin: _, ...models } = development.models
    const { round, accounts } = await proveDevelopmentPortfolios({ ...development, models }, { prover }, [provable])
    const [held] = accounts
    if (held === undefined) throw new Error('No margin was proven.')
    await proveUnhealthy(
      { ...development, round },
      { prover },
      { ...held, sequence: held.held.sequence },
      provable.margin.worstScenario,
    )
    const keys = Object.values(circuitKeys).map(auditKeyOf)
    const { provider } = chain
    return {
      development,
      keys,
      provable,
      account: held.account,
      held,
      round,
      audit: (options = {}) =>
        auditPortfolio({ provider, registry: development.deployment.registry, keys, ...options }),
      close: () => chain.close(),
    }
  } finally {
    await prover.close()
  }
}
