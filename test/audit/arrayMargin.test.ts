/** Margins that rest on arrays alone: chosen, proven with the circuits that ship, landed, and derived again by an auditor. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditPortfolio, judgePortfolio, type PortfolioAudit } from '../../prover/audit/index.ts'
import { formatPortfolioAuditBundle, parsePortfolioAuditBundle } from '../../prover/audit/portfolio/auditBundle.ts'
import { decodeProvingCall, isFromArrays, type MarginsCall } from '../../prover/audit/portfolio/calls.ts'
import type { PortfolioRecord } from '../../prover/audit/portfolio/record.ts'
import { marginOfParts } from '../../prover/portfolio/accountMargin.ts'
import { createProver } from '../../prover/proof/index.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import { deployDevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { type DevelopmentLanded, proveDevelopmentPortfolios } from '../../prover/service/development/portfolioProofs.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'
import { layoutHash } from '../../prover/statement/layout.ts'
import { strangle } from './portfolioChain.ts'

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T

const provable = strangle()
/** As many as a batch of margins has places for, without options: one of four is left over. */
const others = [1n, 2n, 3n].map((perps) => {
  const holdings = { ...provable.account.holdings, perpsE12: perps * 10n ** 11n, cashE12: 10n ** 16n }
  return marginOfParts({ ...provable, surfaces: new Map(), positions: [], holdings }, marginSizes)
})
let chain: DevelopmentChain
let landed: DevelopmentLanded
let whole: PortfolioAudit

beforeAll(async () => {
  const circuitKeys = await loadPortfolioKeys()
  chain = await startDevelopmentChain(provable.round.asOf - 60n)
  const development = await deployDevelopmentPortfolio(chain, circuitKeys, policyOf(provable))
  const prover = createProver()
  try {
    landed = await proveDevelopmentPortfolios(development, { prover }, [provable, ...others])
  } finally {
    await prover.close()
  }
  const keys = Object.values(circuitKeys).map(auditKeyOf)
  whole = await auditPortfolio({ provider: chain.provider, registry: development.deployment.registry, keys })
})

afterAll(() => chain?.close())

/** The record with its margins' call changed. */
function withCall(change: (call: Mutable<MarginsCall>) => void): PortfolioRecord {
  const record = structuredClone(whole.record) as Mutable<PortfolioRecord>
  const transaction = record.transactions.at(-1)
  const call = decodeProvingCall(transaction?.calls?.[0] ?? '') as Mutable<MarginsCall>
  change(call)
  const registry = interfaceOf('PortfolioRegistry')
  const { inputs = [] } = registry.getFunction('submitPortfolio') ?? {}
  const args = inputs.map(({ name }) => call[name as keyof typeof call])
  if (transaction !== undefined)
    transaction.calls = [registry.encodeFunctionData('submitPortfolio', args).toLowerCase()]
  return record as PortfolioRecord
}
type Item = Mutable<MarginsCall['accounts'][number]>
const itemOf = (call: Mutable<MarginsCall>): Item => call.accounts[0] as Item

describe('R196 R198: margins straight from arrays', () => {
  it('are chosen for an account of few options, by one proof besides its array’s, and held by the contract', () => {
    expect(landed.proofs.map(({ statement }) => statement).toSorted()).toEqual([
      'arrayMargin',
      'portfolioMargin',
      'riskArray',
    ])
    expect(landed.accounts.map(({ books, held: { maintenanceE8 } }) => [books, maintenanceE8])).toEqual(
      [provable, ...others].map(({ margin }) => [[], margin.maintenanceE8]),
    )
    expect(landed.landed.margins).toHaveLength(2)
    const call = decodeProvingCall(whole.record.transactions.at(-1)?.calls?.[0] ?? '') as MarginsCall
    expect(isFromArrays(call)).toBe(true)
    console.log(`margins from arrays: ${landed.landed.margins.map(({ gasUsed }) => gasUsed)} gas`)
  })

  it('are derived again by an auditor with everything that is proven of them, leg by leg, and travel', async () => {
    const { report } = whole
    expect(report.failure).toBeUndefined()
    expect(report.margins).toHaveLength(4)
    const margin = report.margins.at(-1)
    expect(margin).toMatchObject({ accepted: true, sequence: 1n, books: [] })
    expect(margin?.maintenanceE8).toBe(provable.margin.maintenanceE8)
    expect(margin?.legs.length).toBeGreaterThanOrEqual(3)
    const claims = margin?.claims.map(({ claim }) => claim)
    for (const claim of ['L4', 'L8', 'L9', 'L10', 'L11', 'L20', 'R28', 'R29', 'R54', 'Q2', 'Q3', 'J1'])
      expect(claims).toContain(claim)
    const again = parsePortfolioAuditBundle(Buffer.from(formatPortfolioAuditBundle(whole.record)), 'from arrays')
    expect((await judgePortfolio(again)).accepted).toBe(true)
  })

  const changes: readonly (readonly [string, (call: Mutable<MarginsCall>) => void, string])[] = [
    ['margin', (call) => bump(itemOf(call), 'margins'), 'L9'],
    ['threshold', (call) => bump(itemOf(call), 'thresholds'), 'L10'],
    ['Greek', (call) => bump(itemOf(call), 'spotGreeks'), 'L4'],
    ['expected shortfall', (call) => bump(itemOf(call), 'risk', 1n << 160n), 'L20'],
    ['array', ({ bookWords }) => bump(bookWords, 0), 'R28'],
    ['position', (call) => bump(call.bookWords, Number(itemOf(call).held.arrays), 1n << 80n), 'R28'],
    ['holding', (call) => bump(itemOf(call).held, 'holdings', 1n << 70n), 'R28'],
    ['number of words', ({ bookWords }) => void bookWords.push(0n), 'J1'],
    ['number of arrays', (call) => bump(itemOf(call).held, 'arrays'), 'J1'],
    ['account', (call) => void Object.assign(itemOf(call).held, { account: `0x${'22'.repeat(20)}` }), 'R29'],
    ['report', (call) => bump(itemOf(call).held, 'sequence'), 'R29'],
    ['commitment', ({ batch }) => bump(batch, 'commitment'), 'Q2'],
    ['proof', ({ marginProof }) => bump(marginProof, 3), 'Q3'],
  ]

  it.each(changes)('with another %s are rejected', async (_, change, claim) => {
    const report = await judgePortfolio(withCall(change))
    expect(report.accepted).toBe(false)
    const failed = report.margins.flatMap(({ claims }) => claims).filter(({ holds }) => !holds)
    expect(failed.map((each) => each.claim)).toContain(claim)
  })

  it('under another model, or with a proof of a book that there is not, are rejected', async () => {
    const ofBatch = layoutHash('portfolioMargin')
    const other = whole.record.models.find((model) => model.layoutHash === ofBatch)?.modelId ?? ''
    expect(other).not.toBe('')
    for (const change of [
      ({ batch }: Mutable<MarginsCall>) => void Object.assign(batch, { marginModelId: other }),
      (call: Mutable<MarginsCall>) => void call.bookProofs.push([...call.marginProof]),
    ]) {
      const report = await judgePortfolio(withCall(change))
      expect(report.accepted).toBe(false)
      const failed = report.margins.flatMap(({ claims }) => claims).filter(({ holds }) => !holds)
      expect(failed.map((each) => each.claim)).toContain('R1')
    }
  })
})

/** Adds to a number of a call. */
function bump<T extends object>(of: T, key: keyof T, by = 1n): void {
  of[key] = ((of[key] as bigint) + by) as T[keyof T]
}
