/** Margins over several markets against published ones: a venue that margins by currency adds up what its managers say. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { COLLATERALS } from '../../circuits/statements/index.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { crossOf } from '../../prover/portfolio/crossAccount.ts'
import { readDeriveCase } from '../../prover/portfolio/input/deriveCase.ts'
import type { Portfolio } from '../../prover/portfolio/portfolio.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'

const folder = join(import.meta.dirname, '..', '..', '..', 'shared', 'vectors', 'derive-pmrm2')
const isPresent = existsSync(folder)
if (!isPresent) console.log(`skipped: no ${folder}`)

type Case = { readonly portfolio: Portfolio; readonly result: { readonly IM: number; readonly MM: number } }
const cases: readonly Case[] = isPresent
  ? readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => {
        const text = readFileSync(join(folder, file), 'utf8')
        return { portfolio: readDeriveCase(text, file), result: JSON.parse(text).Result }
      })
  : []

/** Accounts of several cases as one, each in a market of its own. */
function together(portfolios: readonly Portfolio[]) {
  const cashE12 = portfolios.reduce((sum, { account }) => sum + account.cashE12, 0n)
  const parts = portfolios.map((each) => ({ ...each, account: { ...each.account, cashE12: 0n } }))
  const spreadCreditsX40 = parts.map(() => 0n)
  return crossOf(
    { name: 'both', cashE12, parts, spreadCreditsX40 },
    parts.map((part) => provableMargin(part, marginSizes)),
  ).margin.margins
}

const errorOf = (valueE8: bigint, expected: number): number =>
  Math.abs(Number(valueE8) / 1e8 - expected) / Math.max(1, Math.abs(expected))

describe.skipIf(!isPresent)('L30 L31: Derive’s own portfolio margins over two markets', () => {
  it('are the sum of two cases’ of one settlement currency, cash and collateral in one pool', () => {
    const errors = cases.flatMap((first, i) => {
      const second = cases[(i + 1) % cases.length] as Case
      const isOfOnePool =
        first.portfolio.market.stablePriceE12 === second.portfolio.market.stablePriceE12 &&
        first.portfolio.rules.lossFactors.pegThresholdX40 === second.portfolio.rules.lossFactors.pegThresholdX40 &&
        first.portfolio.rules.lossFactors.pegLossX40 === second.portfolio.rules.lossFactors.pegLossX40
      const count = first.portfolio.account.collaterals.length + second.portfolio.account.collaterals.length
      if (!isOfOnePool || count > COLLATERALS) return []
      const { initialE8, maintenanceE8 } = together([first.portfolio, second.portfolio])
      return [
        errorOf(initialE8, first.result.IM + second.result.IM),
        errorOf(maintenanceE8, first.result.MM + second.result.MM),
      ]
    })
    console.log(`${errors.length / 2} pairs of ${cases.length}, worst error ${Math.max(...errors).toExponential(2)}`)
    expect(errors.length).toBeGreaterThan(80)
    expect(errors.filter((error) => error > 1e-8)).toEqual([])
  })

  it('are each case’s beside a market that its account is not in', () => {
    for (const { portfolio, result } of cases) {
      const nothing = { cashE12: 0n, perpsE12: 0n, perpPnlE12: 0n, collaterals: [], options: [] }
      const { initialE8, maintenanceE8 } = together([portfolio, { ...portfolio, account: nothing }])
      const { margin } = provableMargin(portfolio, marginSizes)
      expect([initialE8, maintenanceE8]).toEqual([margin.initialE8, margin.maintenanceE8])
      expect(errorOf(initialE8, result.IM)).toBeLessThan(1e-8)
    }
  })
})
