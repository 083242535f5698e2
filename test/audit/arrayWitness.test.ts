/** A liquidation that rests on arrays alone: proven with the circuits that ship, landed, and derived again by an auditor. */
import { toBeHex } from 'ethers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditPortfolio, judgePortfolio, type PortfolioAudit } from '../../prover/audit/index.ts'
import { type ArraysWitnessCall, decodeProvingCall } from '../../prover/audit/portfolio/calls.ts'
import { createProver } from '../../prover/proof/index.ts'
import { interfaceOf } from '../../prover/registry/artifacts.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { landArrays, proveArrays } from '../../prover/service/daemon/portfolios/arrays.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { policyOf, roundWordsOf } from '../../prover/service/daemon/portfolios/sharedRound.ts'
import { proveUnhealthyByArrays } from '../../prover/service/daemon/portfolios/witness.ts'
import { type DevelopmentChain, startDevelopmentChain } from '../../prover/service/development/chain.ts'
import {
  deployDevelopmentPortfolio,
  publishDevelopmentRound,
  setDevelopmentPolicy,
} from '../../prover/service/development/portfolio.ts'
import { reportAccounts } from '../../prover/service/development/portfolioProofs.ts'
import { loadPortfolioKeys } from '../../prover/service/workspace.ts'
import { strangle } from './portfolioChain.ts'

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T

const provable = strangle()
const account = toBeHex(1n, 20)
let chain: DevelopmentChain
let whole: PortfolioAudit
let gasUsed: bigint
let isLiquidatable: boolean
let healthy: unknown

beforeAll(async () => {
  const circuitKeys = await loadPortfolioKeys()
  chain = await startDevelopmentChain(provable.round.asOf - 60n)
  const development = await deployDevelopmentPortfolio(chain, circuitKeys, policyOf(provable))
  const { client, deployment, models } = development
  const round = roundWordsOf(deployment.marketId, [provable])
  await setDevelopmentPolicy(development, policyOf(provable))
  await reportAccounts(development, [{ account, provable }])
  await publishDevelopmentRound(development, round)
  const place = { client, models, round }
  const prover = createProver()
  try {
    const arrays = await proveArrays(place, new ProofMaker({ prover }, provable.arrays.length), [provable])
    await landArrays(
      place,
      [...arrays.values()].flatMap(({ proven }) => proven ?? []),
    )
    const shown = { account, provable, sequence: 1n }
    const rich = { ...provable.account.holdings, cashE12: 1n << 80n }
    const ofRich = { ...provable, account: { ...provable.account, holdings: rich } }
    healthy = await proveUnhealthyByArrays(place, { prover }, { ...shown, provable: ofRich }, 0).catch((error) => error)
    const landed = await proveUnhealthyByArrays(place, { prover }, shown, provable.margin.worstScenario)
    gasUsed = landed.gasUsed
  } finally {
    await prover.close()
  }
  isLiquidatable = (await client.marginForLiquidation(account)).liquidatable
  const keys = Object.values(circuitKeys).map(auditKeyOf)
  whole = await auditPortfolio({ provider: chain.provider, registry: deployment.registry, keys })
})

afterAll(() => chain?.close())

/** The record with its witness changed, judged. */
async function judgedWith(change: (call: Mutable<ArraysWitnessCall>) => void) {
  const record = structuredClone(whole.record) as Mutable<PortfolioAudit['record']>
  const transaction = record.transactions.at(-1)
  const call = decodeProvingCall(transaction?.calls?.[0] ?? '') as unknown as Mutable<ArraysWitnessCall>
  change(call)
  const { inputs } = interfaceOf('PortfolioRegistry').getFunction('proveUnhealthyByArrays') ?? { inputs: [] }
  const args = inputs.map(({ name }) => (call as unknown as Record<string, unknown>)[name])
  const calldata = interfaceOf('PortfolioRegistry').encodeFunctionData('proveUnhealthyByArrays', args)
  if (transaction !== undefined) transaction.calls = [calldata.toLowerCase()]
  return judgePortfolio(record)
}

describe('R88 L18: an account shown straight from arrays', () => {
  it('is liquidatable without a book, a margin, or a second proof', () => {
    expect(isLiquidatable).toBe(true)
    console.log(`a witness from arrays: ${gasUsed} gas`)
    expect(whole.report.margins).toEqual([])
  })

  it('that is healthy is refused by name', () => {
    expect(healthy).toMatchObject({ code: 'portfolio.not-unhealthy' })
  })

  it('is derived again by an auditor, from chain data alone', () => {
    const { report } = whole
    expect(report.failure).toBeUndefined()
    const [witness] = report.witnesses
    expect(witness).toMatchObject({ accepted: true, sequence: 1n, books: [] })
    expect(witness?.maintenanceE8).toBe(provable.margin.maintenanceE8)
    const claims = witness?.claims.map(({ claim }) => claim)
    for (const claim of ['L12', 'R28', 'R30', 'R54', 'Q2', 'Q3', 'J1']) expect(claims).toContain(claim)
  })

  const changes: readonly (readonly [string, (call: Mutable<ArraysWitnessCall>) => void, string])[] = [
    ['scenario', ({ witness }) => bump(witness, 'scenario'), 'L12'],
    ['bound', ({ witness }) => bump(witness, 'bound'), 'L12'],
    ['array', ({ arrayWords }) => bump(arrayWords, 0), 'R28'],
    ['position', ({ witness, arrayWords }) => bump(arrayWords, Number(witness.arrays), 1n << 80n), 'R28'],
    ['number of words', ({ arrayWords }) => void arrayWords.push(0n), 'J1'],
    ['number of arrays', ({ witness }) => bump(witness, 'arrays'), 'J1'],
    ['report', ({ witness }) => bump(witness, 'sequence', -1n), 'R30'],
    ['proof', ({ witnessProof }) => bump(witnessProof, 3), 'Q3'],
  ]

  it.each(changes)('with another %s is rejected', async (_, change, claim) => {
    const report = await judgedWith(change)
    expect(report.accepted).toBe(false)
    const failed = report.witnesses.flatMap(({ claims }) => claims).filter(({ holds }) => !holds)
    expect(failed.map((each) => each.claim)).toContain(claim)
  })
})

/** Adds to a number of a call. */
function bump<T extends object>(of: T, key: keyof T, by = 1n): void {
  of[key] = ((of[key] as bigint) + by) as T[keyof T]
}
