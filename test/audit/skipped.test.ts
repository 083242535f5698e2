/** A batch in which an account is said to have held, in an earlier report, what it never held: nobody is told sums with it in them. */
import { toBeHex } from 'ethers'
import { expect, it } from 'vitest'
import { auditPortfolio } from '../../prover/audit/index.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { createProver } from '../../prover/proof/index.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { landMargins, proveMargins } from '../../prover/service/daemon/portfolios/margins.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { startDevelopmentChain } from '../../prover/service/development/chain.ts'
import { deployDevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { proveDevelopmentPortfolios, reportAccounts } from '../../prover/service/development/portfolioProofs.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'

const holding = (cash: string, quantity: string) =>
  provableMargin(
    readPortfolio(
      JSON.stringify({
        account: { cash, perps: { quantity } },
        market: { asOf: '2026-02-05T04:30:00Z', spot: '70853.26', perpPrice: '70840' },
      }),
      'x.json',
    ),
    marginSizes,
  )

it('R28: sums of a batch are not told where a skipped account is said to have held what it never held', async () => {
  const { portfolioMargin } = await loadPortfolioKeys()
  const honest = holding('20000', '1.5')
  const lie = holding('-1000000000', '1000')
  const chain = await startDevelopmentChain(honest.round.asOf - 60n)
  const development = await deployDevelopmentPortfolio(chain, { portfolioMargin }, policyOf(honest))
  const prover = createProver()
  try {
    const { round } = await proveDevelopmentPortfolios(development, { prover }, [honest]) // account 1: policy and round are in force
    const { client, models } = development
    const place = { client, models, round }
    const [a, b] = [7n, 8n].map((n) => toBeHex(n, 20)) as [string, string]
    await reportAccounts(development, [
      { account: a, provable: honest },
      { account: b, provable: honest },
    ])
    const reported = await Promise.all([a, b].map((account) => client.account(account)))
    const maker = new ProofMaker({ prover }, 1)
    const batches = await proveMargins(place, maker, [honest, lie], reported)
    await reportAccounts(development, [{ account: b, provable: honest }]) // the same again
    await landMargins(
      place,
      reported.map((each) => ({ ...each, books: [] })),
      batches,
    )
  } finally {
    await prover.close()
  }
  const audit = await auditPortfolio({
    provider: chain.provider,
    registry: development.deployment.registry,
    keys: [portfolioMargin].map(auditKeyOf),
  })
  const told = audit.record.transactions.at(-1)?.events ?? []
  expect(told.map(({ name }) => name)).toEqual(['MarginProven', 'MarginSkipped', 'PortfolioAccepted'])
  expect(told.at(-1)).toMatchObject({ counted: 0n })
  await chain.close()
  expect(audit.report.accepted).toBe(true)
})
