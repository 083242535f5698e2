/** Audits of margins over several markets: what does not follow from report, rounds and policies is found, claim by claim. */
import { beforeAll, describe, expect, test } from 'vitest'
import { auditCrossMargins, type CrossAuditReport } from '../../prover/audit/portfolio/crossAudit.ts'
import { emptyCrossAccount, stateCrossMargins } from '../../prover/statement/crossMargins.ts'
import { crossMargin } from '../../prover/portfolio/crossMargin.ts'
import { marginPolicyOf, roundMarketOf } from '../../prover/audit/portfolio/calls.ts'
import { policyWordsOf, type RoundWords } from '../../prover/registry/index.ts'
import { pack } from '../../prover/statement/words.ts'
import { mined } from '../../scripts/tools/chains/chain.ts'
import { CrossEngine, type CrossHolder } from '../../scripts/tools/chains/crossEngine.ts'
import { amountsWords, E12, policy } from '../../scripts/tools/chains/portfolioEngine.ts'

let cross: CrossEngine
let rounds: readonly RoundWords[]
let holder: CrossHolder

/** Perpetuals in both markets and cash: there is nothing that arrays would have to say. */
const holdings = [
  { perpsE12: E12, cashE12: 50_000n * E12, perpPnlE12: -1n },
  { perpsE12: -20n * E12, cashE12: 0n, perpPnlE12: 0n },
] as const

beforeAll(async () => {
  cross = await CrossEngine.start()
  const signer = (await cross.engine.chain.signers[4]?.getAddress()) ?? ''
  const parts = holdings.map((each) => ({ positions: [], holdings: each }))
  holder = { signer, parts, collateralAmounts: amountsWords(3n * E12) }
  await cross.report(holder)
  rounds = await cross.rounds([])
})

/** What the twin makes of the account, and of nobody. */
function twin() {
  const markets = rounds.map(({ market }) => ({
    round: roundMarketOf(market),
    policy: marginPolicyOf(policyWordsOf(policy)),
  }))
  const none = emptyCrossAccount(2)
  const collateralsE12 = none.collateralsE12.map((_, i) => (i === 0 ? 3n * E12 : 0n))
  const account = {
    parts: none.parts.map(({ book }, m) => ({ book, holdings: holdings[m] ?? holdings[0] })),
    collateralsE12,
  }
  const { policyInForce } = cross
  return {
    given: [[account], markets, policyInForce] as const,
    of: crossMargin(account, markets, policyInForce).margins,
    empty: crossMargin(none, markets, policyInForce).margins,
  }
}

/** Lands margins of the account as said, whatever is true, and audits the chain. */
async function audited(margins: bigint, empty: bigint): Promise<CrossAuditReport> {
  let report: CrossAuditReport | undefined
  await cross.engine.chain.undone(async () => {
    const books = [[[], []]]
    const margin = await cross.margin(rounds, [holder], books, { margins: [margins, empty, empty] })
    const [reported] = await cross.reported([holder])
    if (reported === undefined) throw new TypeError('no account')
    await mined(cross.send(cross.call(rounds, [{ ...reported, books: [[], []] }], margin)))
    report = await auditCrossMargins({
      provider: cross.engine.chain.ethers.provider as never,
      registry: cross.registry.target as string,
      build: cross.engine.buildOf('crossMargins'),
      verificationKey: cross.engine.proofsOf.crossMargins.verificationKey,
    })
  })
  return report as CrossAuditReport
}

const failures = ({ margins }: CrossAuditReport): readonly string[] =>
  margins.flatMap(({ claims }) => claims.flatMap(({ holds, claim, field }) => (holds ? [] : [`${claim} ${field}`])))

describe('R107: an audit of margins over several markets', () => {
  test('L30: finds a margin that does not follow from the report, though the contract took it', async () => {
    const { of, empty } = twin()
    const none = pack('crossMargins', empty)
    const honest = await audited(pack('crossMargins', of), none)
    expect(honest.margins.map(({ account, sequence }) => [account, sequence])).toEqual([[holder.signer, 1n]])
    // These proofs are of a circuit that says nothing, under a commitment of its own: all else holds.
    expect(failures(honest).map((each) => each.split(' ')[0])).toEqual(['Q2', 'Q3'])
    for (const field of ['initialE8', 'maintenanceE8', 'worstScenarios'] as const) {
      const lie = pack('crossMargins', { ...of, [field]: of[field] + 1n })
      const report = await audited(lie, none)
      expect(report.accepted).toBe(false)
      expect(failures(report)).toContain(`L30 margins.${field}`)
    }
  })

  test('L32: holds margins to the credits in force then', async () => {
    const { given, of } = twin()
    const [accounts, markets, inForce] = given
    const stated = await stateCrossMargins(
      cross.engine.buildOf('crossMargins'),
      { chainId: 1n, registry: `0x${'11'.repeat(20)}`, modelId: `0x${'22'.repeat(32)}`, subject: [] },
      accounts,
      markets,
      { ...inForce, creditsX40: [0n, 0n] },
    )
    expect(stated.margins[0]?.margins.maintenanceE8).toBeLessThan(of.maintenanceE8)
    const report = await audited(stated.stated.sections.margins?.[0] ?? 0n, pack('crossMargins', twin().empty))
    expect(failures(report)).toContain('L30 margins.initialE8')
  })
})
