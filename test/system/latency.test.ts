/** `npm run bench:latency` at a small size, and the landing that it measures margins by: arrays and margins in one block. */
import { join } from 'node:path'
import { toBeHex } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createProver } from '../../prover/proof/index.ts'
import { readAccount } from '../../prover/service/answers/margins.ts'
import { marginOf } from '../../prover/service/answers/margins.ts'
import { landTogether, provePortfolios } from '../../prover/service/daemon/portfolios/portfolios.ts'
import { policyOf, roundWordsOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import {
  deployDevelopmentPortfolio,
  type DevelopmentPortfolio,
  publishDevelopmentRound,
} from '../../prover/service/development/portfolio.ts'
import { reportAccounts } from '../../prover/service/development/portfolioProofs.ts'
import { loadKeys, portfolioBuildOf } from '../../prover/service/workspace.ts'
import { mineEvery } from '../../scripts/tools/latency/blockTimes.ts'
import { latenciesOf } from '../../scripts/tools/latency/spread.ts'
import { run } from '../service/zkrisk.ts'

const root = join(import.meta.dirname, '..', '..')
const statements = ['riskArray', 'optionBook', 'portfolioMargin'] as const

describe('bench:latency', () => {
  it('measures batches, a margin and a liquidation by stage on a chain with a block every second', async () => {
    const args = [join(root, 'scripts', 'benchLatency.ts'), '--events', '1', '--block-seconds', '1', '--json']
    const { code, stdout, stderr } = await run(process.execPath, args)
    expect([stderr, code]).toEqual(['', 0])
    const { latencies, blockSeconds } = JSON.parse(stdout)
    expect(blockSeconds).toBe(1)
    const stages = latencies.map((each: { stages: object }) => Object.keys(each.stages))
    expect(stages).toEqual([
      ['seen', 'proof', 'sign', 'send', 'block', 'total'],
      ['proofs', 'block', 'total'],
      ['arrays', 'witness', 'total'],
    ])
    for (const { events, stages: of } of latencies) {
      expect(events).toBe(1)
      // From one block to a later one.
      expect(of.total.p50).toBeGreaterThan(900)
      expect(of.total.p95).toBe(of.total.p50)
    }
  })

  it('takes the value that so many percent do not exceed, of each stage and of all together', () => {
    const measured = Array.from({ length: 20 }, (_, i) => ({ one: i + 1, other: 20 - i }))
    expect(latenciesOf('x', measured)).toEqual({
      of: 'x',
      events: 20,
      stages: { one: { p50: 10, p95: 19 }, other: { p50: 10, p95: 19 }, total: { p50: 21, p95: 21 } },
    })
  })
})

describe('S47: margins that are sent before the arrays they rest on are mined', () => {
  const prover = createProver()
  const account = toBeHex(1n, 20)
  let chain: DevelopmentChain
  let development: DevelopmentPortfolio
  let provable: Awaited<ReturnType<typeof marginOf>>['provable']
  beforeAll(async () => {
    provable = (await marginOf(readAccount(join(root, 'docs', 'examples', 'short-strangle.json'), {}))).provable
    chain = await startDevelopmentChain(provable.round.asOf - 600n)
    const keys = await Promise.all(statements.map(async (each) => [each, await loadKeys(portfolioBuildOf(each).name)]))
    development = await deployDevelopmentPortfolio(chain, Object.fromEntries(keys), policyOf(provable))
    await reportAccounts(development, [{ account, provable }])
    await publishDevelopmentRound(development, roundWordsOf(development.deployment.marketId, [provable]))
  })
  afterAll(async () => {
    await prover.close()
    await chain.close()
  })

  it('are in one block with them, the twin’s to the last digit; where the arrays are refused nothing is sent', async () => {
    const { client, models, deployment } = development
    const round = roundWordsOf(deployment.marketId, [provable])
    const accounts = [{ account, provable }]
    await chain.provider.send('evm_setAutomine', [false])
    const prove = (of: typeof round) =>
      provePortfolios({ client, models, round: of }, { prover }, accounts, 'all', landTogether)
    const nonce = () => chain.provider.getTransactionCount(chain.account('prover').address, 'pending')
    const before = await nonce()
    // No such round was published.
    const other = { ...round, asOf: round.asOf + 1n }
    await expect(prove(other)).rejects.toMatchObject({ code: 'registry.reverted' })
    expect(await nonce()).toBe(before)

    // Blocks come once both are there, however busy the machine is.
    const sent = expect
      .poll(nonce, { timeout: 600_000 })
      .toBe(before + 2)
      .then(() => mineEvery(chain.provider, 1))
    const { landed } = await prove(round)
    await sent
    expect(new Set([...landed.arrays, ...landed.margins].map(({ block }) => block)).size).toBe(1)
    expect(landed.margins).toHaveLength(1)
    expect((await client.margin(account)).initialE8).toBe(provable.margin.initialE8)
  })
})
