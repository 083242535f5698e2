/** The open interest, added up again from chain data alone: who was counted, who was not, and every figure. */
import { toBeHex } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditPortfolio, formatPortfolioAudit, judgePortfolio, type PortfolioAudit } from '../../prover/audit/index.ts'
import { formatPortfolioAuditBundle, parsePortfolioAuditBundle } from '../../prover/audit/portfolio/auditBundle.ts'
import type { PortfolioRecord } from '../../prover/audit/portfolio/record.ts'
import { type ProvableMargin, provableMargin } from '../../prover/portfolio/accountMargin.ts'
import { readPortfolio } from '../../prover/portfolio/input/schema.ts'
import { createProver } from '../../prover/proof/index.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { marginSizes } from '../../prover/service/answers/margins.ts'
import { landMargins, proveMargins } from '../../prover/service/daemon/portfolios/margins.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { policyOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import { deployDevelopmentPortfolio, type DevelopmentPortfolio } from '../../prover/service/development/portfolio.ts'
import { proveDevelopmentPortfolios, reportAccounts } from '../../prover/service/development/portfolioProofs.ts'
import { transact } from '../../prover/registry/transactions.ts'
import { pack } from '../../prover/statement/words.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'

const market = { asOf: '2026-02-05T04:30:00Z', spot: '70853.26', perpPrice: '70840' }
const holding = (cash: string, quantity: string): ProvableMargin =>
  provableMargin(
    readPortfolio(JSON.stringify({ account: { cash, perps: { quantity } }, market }), 'account.json'),
    marginSizes,
  )

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T

/** One owes more than its perpetuals are worth after a fall, one is in default already, one holds little beside its cash. */
const held = [holding('9000', '-1.5'), holding('-60000', '1'), holding('70000', '0.25')] as const
const addresses = [1n, 7n, 8n].map((n) => toBeHex(n, 20))

const FOURTH = toBeHex(9n, 20)

let chain: DevelopmentChain
let whole: PortfolioAudit

/** The first is in force when the count is opened, the second is reported anew before it is counted, the third is both at once. */
beforeAll(async () => {
  const { portfolioMargin } = await loadPortfolioKeys()
  chain = await startDevelopmentChain(held[0].round.asOf - 60n)
  const development = await deployDevelopmentPortfolio(chain, { portfolioMargin }, policyOf(held[0]))
  const prover = createProver()
  try {
    const { client, models } = development
    const accounts = addresses.map((account, i) => ({ account, provable: held[i] as ProvableMargin }))
    await reportCandidates(development, accounts)
    await reportAccounts(development, accounts.slice(1, 2))
    const { round } = await proveDevelopmentPortfolios(development, { prover }, [held[0]])
    await client.openCount(round)
    const reported = await Promise.all(addresses.map((account) => client.account(account)))
    const place = { client, models, round }
    const batches = await proveMargins(place, new ProofMaker({ prover }, 1), held, reported)
    await reportAccounts(development, [{ account: addresses[1] as string, provable: holding('100000', '0') }])
    const books = reported.map((each) => ({ ...each, books: [] }))
    await landMargins(place, books, batches)
  } finally {
    await prover.close()
  }
  const { provider } = chain
  const { registry } = development.deployment
  whole = await auditPortfolio({ provider, registry, keys: [portfolioMargin].map(auditKeyOf) })
})

/** The third takes the place of one that was never reported; what a fourth would hold waits. */
async function reportCandidates(
  development: DevelopmentPortfolio,
  accounts: readonly { readonly account: string; readonly provable: ProvableMargin }[],
): Promise<void> {
  const { registry } = development.deployment
  const waiting = [accounts[2], { account: FOURTH, provable: held[1] }]
  for (const each of waiting) {
    if (each === undefined) continue
    const { holdings } = each.provable.account
    const args = [each.account, [], pack('holdings', holdings), [0n, 0n, 0n, 0n]]
    await transact(chain.account('feeder'), registry, 'PortfolioRegistry', 'reportCandidate', args)
  }
  const taken = [toBeHex(5n, 20), addresses[2], true]
  await transact(chain.account('feeder'), registry, 'PortfolioRegistry', 'replaceAccount', taken)
}

afterAll(() => chain.close())

const claimsOf = async (change: (record: Mutable<PortfolioRecord>) => unknown): Promise<readonly string[]> => {
  const record = structuredClone(whole.record) as Mutable<PortfolioRecord>
  change(record)
  const report = await judgePortfolio(record as PortfolioRecord)
  expect(report.accepted).toBe(report.failure === undefined)
  return [...report.margins, ...report.accounts, report.openInterest, report.deployed.reads].flatMap(({ claims }) =>
    claims.filter(({ holds }) => !holds).map(({ claim, field }) => `${claim} ${field}`),
  )
}

describe('R91 R94 R186: an audit of the open interest', () => {
  it('is accepted, and has what was proven of every account, each once', () => {
    const { report, record } = whole
    expect(report.failure).toBeUndefined()
    const told = record.transactions.at(-1)?.events ?? []
    expect(told.map(({ name }) => name)).toEqual([
      'MarginSkipped',
      'MarginSkipped',
      'MarginProven',
      'PortfolioAccepted',
    ])
    expect(told.at(-1)).toMatchObject({ counted: 0b111n })
    const sum = (part: (of: ProvableMargin) => bigint): bigint => held.reduce((total, each) => total + part(each), 0n)
    expect(report.openInterest).toMatchObject({ opened: 1, complete: 1 })
    expect(report.openInterest.last).toMatchObject({
      asOf: held[0].round.asOf,
      accounts: 3n,
      defaultProbabilityX32: sum(({ margin }) => margin.thresholds.defaultProbabilityX32),
      expectedShortfallE8: sum(({ margin }) => margin.risk.expectedShortfallE8),
      unhealthy: sum(({ margin }) => (margin.maintenanceE8 < 0n ? 1n : 0n)),
      deltaE12: sum(({ account }) => account.holdings.perpsE12),
    })
    expect(report.openInterest.last?.expectedShortfallE8).toBeGreaterThan(0n)
    expect(formatPortfolioAudit(report)).toMatch(/open interest +1 of 1 counts +3 accounts at 2026-02-05/)
    // Of the three, one was counted and put in force, two were counted alone.
    expect(report.margins.map(({ isCounted, isCountedAlone }) => [isCounted, isCountedAlone])).toEqual([
      [undefined, undefined],
      [true, true],
      [true, true],
      [true, undefined],
    ])
  })

  it('goes into a bundle and comes back', async () => {
    const bundle = formatPortfolioAuditBundle(whole.record)
    const read = parsePortfolioAuditBundle(Buffer.from(bundle), 'counts.json')
    expect(read).toEqual(whole.record)
    expect((await judgePortfolio(read)).openInterest.accepted).toBe(true)
  })

  it.each([
    [
      'a sum',
      (record) => bump(record.openInterests[0], 'expectedShortfallE8'),
      'R94 openInterests(1770265800).expectedShortfallE8',
    ],
    ['a net Greek', (record) => bump(record.openInterests[0], 'deltaE12'), 'R94 openInterests(1770265800).deltaE12'],
    [
      'how many are in it',
      (record) => bump(record.openInterests[0], 'accounts'),
      'R91 openInterests(1770265800).accounts',
    ],
    ['figures that are not told', (record) => record.openInterests.pop(), 'R91 openInterests.asOf.length'],
    [
      'figures told twice',
      (record) => record.openInterests.push(record.openInterests[0] as never),
      'R91 openInterests.asOf.length',
    ],
    [
      'who was counted',
      (record) => bump(record.transactions.at(-1)?.events.at(-1), 'counted', -1n),
      'R91 PortfolioAccepted.counted',
    ],
    ['how many it is of', (record) => bump(record.counts[0], 'accounts', -1n), 'R91 counts(1770265800).accounts'],
    ['its policy', (record) => bump(record.counts[0], 'policyVersion'), 'R90 counts(1770265800).policyVersion'],
    ['its round', (record) => bump(record.counts[0], 'asOf'), 'R90 counts(1770265801).asOf'],
    ['its age', (record) => bump(record.counts[0], 'timestamp', 86_401n), 'R90 counts(1770265800).asOf'],
    ['another one under way', (record) => secondCount(record), 'R90 counts(1770265800)'],
    ['no count at all', (record) => record.counts.pop(), 'R91 PortfolioAccepted.counted'],
    ['an account that was left out', (record) => hideAccount(record), 'R91 counts(1770265800).accounts'],
    ['what would be held', (record) => standing(record, FOURTH, undefined), 'R91 counts(1770265800).accounts'],
    ['what is held', (record) => standing(record, addresses[1], 'candidate'), 'R91 counts(1770265800).accounts'],
    ['whoever took a place', (record) => record.taken.pop(), 'R91 counts(1770265800).accounts'],
    ['a report after its cut-off', (record) => reportEarlier(record), 'R91 PortfolioAccepted.counted'],
    ['what consumers are answered', (record) => otherAnswer(record), 'A12 reads.openInterest().expectedShortfallE8'],
  ] as readonly (readonly [string, (record: Mutable<PortfolioRecord>) => unknown, string])[])(
    'is rejected with another: %s',
    async (_, change, failure) => {
      expect(await claimsOf(change)).toContain(failure)
    },
  )
})

function bump(of: object | undefined, name: string, by = 1n): void {
  const values = of as Record<string, bigint>
  values[name] = (values[name] ?? 0n) + by
}

/** The same round opened once more, a block later. */
function secondCount({ counts }: Mutable<PortfolioRecord>): void {
  const [first] = counts
  if (first !== undefined) counts.push({ ...first, logIndex: first.logIndex + 1 })
}

/** As if what was reported of an account were of another standing. */
function standing({ reports }: Mutable<PortfolioRecord>, of: string | undefined, as: 'candidate' | undefined): void {
  for (const report of reports) if (BigInt(report.account) === BigInt(of ?? 0)) report.standing = as
}

/** As if another account had been reported with the first one's positions before. */
function hideAccount({ reports }: Mutable<PortfolioRecord>): void {
  const [first] = reports
  if (first !== undefined)
    reports.unshift({ ...first, standing: undefined, account: toBeHex(11n, 20), logIndex: first.logIndex - 1 })
}

/** As if the report after the cut-off had come before it. */
function reportEarlier({ reports, counts }: Mutable<PortfolioRecord>): void {
  const [last, count] = [reports.at(-1), counts[0]]
  if (last === undefined || count === undefined) return
  last.block = count.block
  last.logIndex = count.logIndex - 1
}

function otherAnswer({ deployed }: Mutable<PortfolioRecord>): void {
  const read = deployed.reads.find(({ method }) => method === 'openInterest')
  const value = read?.answer?.find(({ name }) => name === 'expectedShortfallE8')
  if (value !== undefined) value.value = '1'
}
