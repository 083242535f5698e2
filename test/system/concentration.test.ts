/** The concentration contingency from a file to what a contract holds: with the real circuits, on a chain, audited. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditPortfolio } from '../../prover/audit/index.ts'
import { type ProvableMargin, provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { marginTerms } from '../../prover/portfolio/explain.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { createProver } from '../../prover/proof/index.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { proveUnhealthy } from '../../prover/service/daemon/portfolios/witness.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import { type DevelopmentPortfolio, deployDevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { type DevelopmentLanded, proveDevelopmentPortfolios } from '../../prover/service/development/portfolioProofs.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'

type Held = { readonly perps: string; readonly ether: string; readonly puts: string; readonly cash: string }

/** One round and one policy; a quarter of what exceeds 10 perpetuals, 5 naked options or 100 ether is kept back. */
const provable = ({ perps, ether, puts, cash }: Held, concentration = '0.25'): ProvableMargin => {
  const options = [{ instrument: 'BTC-27MAR26-60000-P', quantity: puts }]
  const file = {
    name: 'Concentrated',
    account: { cash, collaterals: [{ asset: 'ETH', amount: ether }], perps: { quantity: perps }, options },
    market: {
      asOf: '2026-02-05T04:30:00Z',
      spot: '70000',
      collaterals: [{ asset: 'ETH', price: '2000' }],
      expiries: [
        {
          expiry: '2026-03-27T08:00:00Z',
          forward: '70500',
          rate: '0.04',
          svi: { a: '0.012', b: '0.085', rho: '-0.3', m: '0.02', s: '0.25' },
        },
      ],
    },
    parameters: {
      contingency: { concentration, perpSize: '10', optionSize: '5' },
      collaterals: [{ asset: 'ETH', maintenanceHaircut: '0.1', initialHaircut: '0.05', size: '100' }],
    },
  }
  return provableMargin(readPortfolio(JSON.stringify(file), 'concentrated.json'), marginSizes)
}

// 2 perpetuals and 3 naked puts at 70,000, 50 ether at 2,000: 112,500 at a quarter, and what sizes lose to their units.
const beyond = { perps: '12', ether: '150', puts: '-8' }
const within = provable({ perps: '9.99', ether: '99.99', puts: '-4.99', cash: '200000' })
const rich = provable({ ...beyond, cash: '400000' })
const poor = provable({ ...beyond, cash: '0' })

let chain: DevelopmentChain
let development: DevelopmentPortfolio
let landed: DevelopmentLanded
let keys: ReturnType<typeof auditKeyOf>[]

beforeAll(async () => {
  const circuitKeys = await loadPortfolioKeys()
  keys = Object.values(circuitKeys).map(auditKeyOf)
  chain = await startDevelopmentChain(within.round.asOf - 60n)
  development = await deployDevelopmentPortfolio(chain, circuitKeys, policyOf(within))
  const prover = createProver()
  try {
    landed = await proveDevelopmentPortfolios(development, { prover }, [within, rich, poor])
    const [, , last] = landed.accounts
    if (last === undefined) throw new Error('No margin was proven.')
    await proveUnhealthy(
      { ...development, round: landed.round },
      { prover },
      { ...last, sequence: last.held.sequence },
      poor.margin.worstScenario,
    )
  } finally {
    await prover.close()
  }
})

afterAll(() => chain?.close())

describe('L13: concentrated accounts, proven', () => {
  it('are charged what exceeds each size, in both margins, and nothing within it', () => {
    expect(marginTerms(within).maintenance.concentration).toBe(0)
    for (const each of [rich, poor]) {
      const { concentration } = marginTerms(each).maintenance
      expect(concentration).toBeGreaterThanOrEqual(112_500)
      expect(concentration).toBeLessThan(112_500 + 0.25 * 0.0043 * (2 * 70_000 + 2_000))
    }
    const without = provable({ ...beyond, cash: '0' }, '0')
    for (const name of ['initialE8', 'maintenanceE8'] as const) {
      const lost = Number(without.margin[name] - poor.margin[name]) / 1e8
      expect(Math.abs(lost - marginTerms(poor).maintenance.concentration)).toBeLessThan(1e-7)
    }
  })

  it('are held by the contract on the side of health where the twin sees them', () => {
    for (const {
      held,
      provable: { margin },
    } of landed.accounts) {
      expect(held).toMatchObject({ initialE8: margin.initialE8, maintenanceE8: margin.maintenanceE8 })
    }
    const healthy = landed.accounts.map(({ held }) => held.maintenanceE8 >= 0n)
    expect(healthy).toEqual([true, true, false])
    // Nothing but the charge makes the last one unhealthy.
    expect(provable({ ...beyond, cash: '0' }, '0').margin.maintenanceE8 > 0n).toBe(true)
  })

  it('are marked by a witness of one scenario', async () => {
    const [, second, last] = landed.accounts
    const of = (account = '') => development.client.marginForLiquidation(account)
    expect(await of(last?.account)).toMatchObject({ liquidatable: true })
    expect(await of(second?.account)).toMatchObject({ liquidatable: false })
  })

  it('are accepted by the auditor, who reads sizes and fraction from the chain', async () => {
    const { registry } = development.deployment
    const { report } = await auditPortfolio({ provider: chain.provider, registry, keys })
    expect(report.failure).toBeUndefined()
    expect(report.accepted).toBe(true)
    expect(report.margins).toHaveLength(3)
    expect(report.witnesses).toHaveLength(1)
  })
})
