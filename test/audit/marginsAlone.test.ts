/** The auditor of margins where they were proven alone: derived again as any others, and no threshold outlives them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type AuditKey,
  auditPortfolio,
  formatPortfolioAudit,
  judgePortfolio,
  type PortfolioAudit,
} from '../../prover/audit/index.ts'
import { formatPortfolioAuditBundle, parsePortfolioAuditBundle } from '../../prover/audit/portfolio/auditBundle.ts'
import { decodeProvingCall, type MarginsCall } from '../../prover/audit/portfolio/calls.ts'
import type { PortfolioRecord } from '../../prover/audit/portfolio/record.ts'
import { provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { createProver } from '../../prover/proof/index.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import { deployDevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { proveDevelopmentPortfolios } from '../../prover/service/development/portfolioProofs.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T

const accountAt = (asOf: string) =>
  provableMargin(
    readPortfolio(
      JSON.stringify({
        account: { cash: '20000', perps: { quantity: '1.5' } },
        market: { asOf, spot: '70853.26', perpPrice: '70840' },
      }),
      'perpetual.json',
    ),
    marginSizes,
  )

let chain: DevelopmentChain
let whole: PortfolioAudit
let keys: readonly AuditKey[]

/** The account's margins with everything else, then two minutes later alone. */
beforeAll(async () => {
  const { portfolioMargin, marginsAlone } = await loadPortfolioKeys()
  const [first, second] = [accountAt('2026-02-05T04:30:00Z'), accountAt('2026-02-05T04:32:00Z')]
  chain = await startDevelopmentChain(first.round.asOf - 60n)
  const development = await deployDevelopmentPortfolio(chain, { portfolioMargin, marginsAlone }, policyOf(first))
  const prover = createProver()
  try {
    await proveDevelopmentPortfolios(development, { prover }, [first])
    const { marginsAlone: model } = development.models
    const models = model === undefined ? {} : { marginsAlone: model }
    const { accounts } = await proveDevelopmentPortfolios({ ...development, models }, { prover }, [second])
    expect(accounts[0]?.held.maintenanceE8).toBe(second.margin.maintenanceE8)
  } finally {
    await prover.close()
  }
  keys = [portfolioMargin, marginsAlone].map(auditKeyOf)
  whole = await auditPortfolio({ provider: chain.provider, registry: development.deployment.registry, keys })
})

afterAll(() => chain.close())

const failuresOf = async (record: PortfolioRecord): Promise<readonly string[]> => {
  const { margins, deployed, accounts } = await judgePortfolio(record)
  return [...margins, ...accounts, deployed.reads].flatMap(({ claims }) =>
    claims.filter(({ holds }) => !holds).map(({ claim, field }) => `${claim} ${field}`),
  )
}
const changed = (change: (record: Mutable<PortfolioRecord>) => unknown): PortfolioRecord => {
  const copy = structuredClone(whole.record) as Mutable<PortfolioRecord>
  change(copy)
  return copy as PortfolioRecord
}
/** The record with the call that brought margins alone changed. */
const withCall = (change: (call: Mutable<MarginsCall>) => void): PortfolioRecord =>
  changed(({ transactions }) => {
    const last = transactions.at(-1)
    const call = decodeProvingCall(last?.calls?.[0] ?? '') as Mutable<MarginsCall>
    change(call)
    const registry = interfaceOf('PortfolioRegistry')
    const { inputs = [] } = registry.getFunction('submitMargins') ?? {}
    const args = inputs.map(({ name }) => call[name as keyof typeof call])
    if (last !== undefined) last.calls = [registry.encodeFunctionData('submitMargins', args).toLowerCase()]
  })

describe('R86: margins alone', () => {
  it('are accepted, with the thresholds before them and none after, and travel', async () => {
    expect(whole.report.failure).toBeUndefined()
    expect(whole.report.margins).toHaveLength(2)
    const claims = whole.report.margins.map((margin) => new Set(margin.claims.map(({ claim }) => claim)))
    expect([claims[0]?.has('L10'), claims[1]?.has('L10')]).toEqual([true, false])
    for (const claim of ['L8', 'L9', 'Q2', 'Q3', 'R28', 'R29'] as const) expect(claims[1]).toContain(claim)
    expect(formatPortfolioAudit(whole.report)).toMatch(/^margin alone of 0x\w+ .* accepted/m)
    expect(formatPortfolioAudit(whole.report)).toMatch(/^margin of 0x\w+ .* accepted/m)
    const reads = whole.record.deployed.reads.filter(({ method }) => /thresholds/i.test(method))
    expect(reads.map(({ reverted }) => reverted)).toEqual(['ThresholdsNotProven', 'ThresholdsNotProven'])
    const again = parsePortfolioAuditBundle(Buffer.from(formatPortfolioAuditBundle(whole.record)), 'alone')
    expect((await judgePortfolio(again)).accepted).toBe(true)
  })

  it.each([
    [
      'the margins',
      (call: Mutable<MarginsCall>) => {
        ;(call.accounts[0] as { margins: bigint }).margins ^= 1n
      },
      'L9',
    ],
    [
      'the places left',
      (call: Mutable<MarginsCall>) => {
        call.batch.emptyMargins = (call.batch.emptyMargins as bigint) ^ 1n
      },
      'L9',
    ],
    [
      'the commitment',
      (call: Mutable<MarginsCall>) => {
        call.batch.commitment ^= 1n
      },
      'Q2',
    ],
    [
      'the proof',
      (call: Mutable<MarginsCall>) => {
        call.marginProof[0] = (call.marginProof[0] as bigint) ^ 1n
      },
      'Q3',
    ],
    [
      'holdings',
      (call: Mutable<MarginsCall>) => {
        ;(call.accounts[0] as { held: { holdings: bigint } }).held.holdings ^= 1n
      },
      'R28',
    ],
    [
      'the model for that of everything',
      (call: Mutable<MarginsCall>) => {
        call.batch.marginModelId =
          whole.record.models.find(({ modelId }) => modelId !== call.batch.marginModelId)?.modelId ?? ''
      },
      'R1',
    ],
  ] as const)('with another of %s are rejected', async (_, change, claim) => {
    const failures = await failuresOf(withCall(change))
    expect(failures.map((each) => each.split(' ')[0])).toContain(claim)
  })

  it('are told of by their own events: another one, or one of everything, is rejected', async () => {
    const event = (record: Mutable<PortfolioRecord>, i: number) => record.transactions.at(-1)?.events[i] as never
    for (const [change, field] of [
      [{ margins: 1n }, 'J1 MarginProvenAlone.margins'],
      [{ sequence: 7n }, 'R29 MarginProvenAlone.sequence'],
      [{ name: 'MarginProven', thresholds: 1n, spotGreeks: 1n, risk: 1n }, 'J1 MarginProvenAlone.account'],
    ] as const) {
      expect(await failuresOf(changed((record) => Object.assign(event(record, 0), change)))).toContain(field)
    }
    const asFull = changed((record) => Object.assign(event(record, 1), { name: 'PortfolioAccepted', counted: 0n }))
    expect(await failuresOf(asFull)).toContain('J1 MarginsAccepted.asOf')
  })

  it('leave no thresholds: an answer that still has those of the round before is rejected', async () => {
    const stale = changed(({ deployed }) => {
      const read = deployed.reads.find(({ method }) => method === 'unsafeThresholds')
      Object.assign(read ?? {}, { reverted: null, answer: [{ name: 'liquidationDownE8', value: '1' }] })
    })
    expect(await failuresOf(stale)).toEqual([expect.stringMatching(/^A12 reads\.unsafeThresholds/)])
  })
})
