/** A chain that holds proven margins over two markets, made with the real circuits. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditKey } from '../../prover/audit/index.ts'
import { auditCross, type CrossAudit } from '../../prover/audit/portfolio/crossAudit.ts'
import type { ProvableCross } from '../../prover/portfolio/crossAccount.ts'
import { readPortfolioOverMarkets } from '../../prover/portfolio/input/markets.ts'
import type { PortfolioOverMarkets } from '../../prover/portfolio/portfolio.ts'
import { createProver } from '../../prover/proof/index.ts'
import { crossStatementNames } from '../../prover/registry/portfolio/crossDeploy.ts'
import { accountAnswer } from '../../prover/service/answers/accountMargins.ts'
import { auditKeyOf } from '../../prover/service/answers/auditing.ts'
import { crossRoundsAt, type CrossSite, developmentCrossSite } from '../../prover/service/answers/crossSite.ts'
import { putCrossInForce } from '../../prover/service/daemon/portfolios/crossInForce.ts'
import {
  crossArraysToProve,
  crossProofCount,
  landCrossMargins,
  proveCrossMargins,
} from '../../prover/service/daemon/portfolios/crossMargins.ts'
import { ProofMaker } from '../../prover/service/daemon/portfolios/proofMaker.ts'
import { buildPortfolioKeys } from '../../prover/service/development/portfolio.ts'
import { root } from '../../scripts/tools/sources.ts'

type Json = ReturnType<typeof JSON.parse>

/** The example of an account in BTC and ETH, bent. */
export function twoMarkets(bend: (file: Json) => void = () => {}): Json {
  const file = JSON.parse(readFileSync(join(root, 'docs', 'examples', 'two-markets.json'), 'utf8'))
  bend(file)
  return file
}

/** What its proofs say and use. */
export async function togetherOf(file: Json): Promise<{
  readonly portfolio: PortfolioOverMarkets
  readonly provable: ProvableCross
}> {
  const { together } = await accountAnswer(readPortfolioOverMarkets(JSON.stringify(file), 'two-markets.json'))
  if (together === undefined) throw new TypeError('An account in one market.')
  return together
}

export type CrossChain = {
  readonly site: CrossSite
  readonly keys: readonly AuditKey[]
  readonly portfolio: PortfolioOverMarkets
  readonly provable: ProvableCross
  audit(options?: { readonly keys?: readonly AuditKey[]; readonly fromBlock?: number }): Promise<CrossAudit>
  close(): Promise<void>
}

/** Proves arrays and books of both markets and their margin, and lands them: about 30 seconds. */
export async function proveCrossChain(): Promise<CrossChain> {
  const { portfolio, provable } = await togetherOf(twoMarkets())
  const { keys: circuitKeys } = await buildPortfolioKeys(crossStatementNames, () => {})
  const site = await developmentCrossSite(circuitKeys, portfolio, provable)
  const prover = createProver()
  try {
    const place = { ...site, rounds: crossRoundsAt(site, portfolio, provable) }
    await putCrossInForce(site.client, site.hands, { ...place, provable }, () => {})
    const toProve = await crossArraysToProve(place, provable)
    const maker = new ProofMaker({ prover }, crossProofCount(provable, toProve))
    await landCrossMargins(place, await proveCrossMargins(place, maker, provable, toProve))
    const keys = Object.values(site.models).map(({ build, keys: own }) => auditKeyOf({ ...own, circuit: build.name }))
    const { provider } = site
    const { registry } = site.client
    return {
      ...{ site, keys, portfolio, provable },
      audit: (options = {}) => auditCross({ provider, registry, keys, ...options }),
      close: () => site.close(),
    }
  } finally {
    await prover.close()
  }
}
