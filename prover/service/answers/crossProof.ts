/** `zkrisk margin --prove` of an account over several markets: its margins proven and held by a contract. */
import { type PortfolioStatementName, sizeOf } from '../../../circuits/statements/index.ts'
import { auditCross } from '../../audit/portfolio/crossAudit.ts'
import type { CrossAuditReport } from '../../audit/portfolio/crossReport.ts'
import { isPackageAlone } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import type { ProvableCross } from '../../portfolio/crossAccount.ts'
import { createProver, type Prover } from '../../proof/index.ts'
import type { ProvenCrossMargin } from '../../registry/portfolio/crossClient.ts'
import { crossStatementNames } from '../../registry/portfolio/crossDeploy.ts'
import { putCrossInForce } from '../daemon/portfolios/crossInForce.ts'
import {
  crossArraysToProve,
  type CrossPlace,
  crossProofCount,
  landCrossMargins,
  proveCrossMargins,
} from '../daemon/portfolios/crossMargins.ts'
import { ProofMaker, type ProofMade } from '../daemon/portfolios/proofMaker.ts'
import { MarginDiffersError } from '../daemon/portfolios/portfolios.ts'
import { buildPortfolioKeys } from '../development/portfolio.ts'
import { portfolioBuildOf } from '../workspace.ts'
import type { CrossAnswer } from './accountMargins.ts'
import { auditKeyOf } from './auditing.ts'
import {
  crossRoundsAt,
  type CrossSite,
  developmentCrossSite,
  type ExistingCross,
  existingCrossSite,
} from './crossSite.ts'
import { CloneNeededError, MarginHeldAlreadyError, requireReportable } from './marginProof.ts'
import { ProofClock, type ProofSeconds, proofTimes, secondsText, secondsJson } from './proofFigures.ts'

/** What proving took, in plain numbers. */
export type CrossProof = {
  /** As the contract answers. */
  readonly held: ProvenCrossMargin
  readonly registry: string
  readonly account: string
  /** Where it can be read; undefined on a chain that ended with the command. */
  readonly place: Pick<ExistingCross, 'rpc'> | undefined
  readonly proofs: readonly { readonly statement: string; readonly milliseconds: number }[]
  readonly gas: { readonly arrays: number; readonly margin: number }
  readonly seconds: ProofSeconds
  readonly backend: string
}

/** How to prove. */
export type CrossProofOptions = {
  /** Instead of a registry of its own on a development chain. */
  readonly existing?: ExistingCross | undefined
  readonly prover?: Prover
}

/**
 * Proves an account over several markets: arrays and a book of each, its margins; every proof verified here and by a contract.
 *
 * @throws {@link CloneNeededError}, {@link MarketsOfProofError}, {@link MarginDiffersError}, and what provers and the registry throw
 */
export async function proveCross(
  { portfolio, provable }: CrossAnswer,
  say: (line: string) => void,
  { existing, prover = createProver() }: CrossProofOptions = {},
): Promise<CrossProof> {
  if (isPackageAlone) throw new CloneNeededError()
  const built = sizeOf(portfolioBuildOf('crossMargins'), 'markets')
  if (provable.markets.length !== built) throw new MarketsOfProofError(provable.markets.length, built)
  for (const { positions } of provable.parts) requireReportable(positions)
  const clock = new ProofClock()
  let site: CrossSite | undefined
  try {
    const { keys, buildSeconds } = await buildPortfolioKeys(statementsOf(provable), say)
    clock.passed('build', buildSeconds)
    say(
      existing === undefined
        ? 'deploying a registry of several markets on a development chain'
        : `looking at the registry of ${existing.registry ?? existing.deployment}`,
    )
    site = await (existing === undefined
      ? developmentCrossSite(keys, portfolio, provable)
      : existingCrossSite(keys, existing, portfolio))
    const place = { ...site, rounds: crossRoundsAt(site, portfolio, provable) }
    await putCrossInForce(site.client, site.hands, { ...place, provable }, say)
    await requireNew(place)
    clock.end('preparation')
    const toProve = await crossArraysToProve(place, provable)
    const maker = makerOf(prover, crossProofCount(provable, toProve), say)
    const made = await proveCrossMargins(place, maker, provable, toProve)
    clock.end('proving')
    const gas = await landCrossMargins(place, made)
    const held = await site.client.margin(site.account)
    requireHeld(site.account, provable, held)
    if (existing === undefined) await audit(site)
    clock.end('landing')
    return {
      held,
      registry: site.client.registry,
      account: site.account,
      place: existing,
      proofs: proofTimes(maker.made),
      gas,
      seconds: clock.read(),
      backend: [...new Set(maker.made.map(({ backend }) => backend))].join(', '),
    }
  } finally {
    await Promise.all([prover.close(), site?.close()])
  }
}

const statementsOf = ({ parts }: ProvableCross): readonly PortfolioStatementName[] =>
  parts.every(({ positions }) => positions.length === 0) ? ['crossMargins'] : crossStatementNames

function makerOf(prover: Prover, total: number, say: (line: string) => void): ProofMaker {
  const onProof = ({ statement, timings }: ProofMade, done: number, of: number): void =>
    say(`proof ${done} of ${of}: ${statement} (${(timings.total / 1000).toFixed(1)} s)`)
  return new ProofMaker({ prover, onProof }, total)
}

/** A registry takes one margin of the same rounds and report, and none of earlier ones. @throws {@link MarginHeldAlreadyError} */
async function requireNew({ client, account, rounds }: CrossPlace): Promise<void> {
  const held = await client.lastMargin(account)
  const { sequence } = await client.account(account)
  const [{ asOf } = { asOf: 0n }] = rounds
  const isNew = held === undefined || asOf > held.asOf || (asOf === held.asOf && sequence > held.sequence)
  if (!isNew) throw new MarginHeldAlreadyError(account, client.registry)
}

function requireHeld(account: string, { margin: { margins } }: ProvableCross, held: ProvenCrossMargin): void {
  for (const field of ['initialE8', 'maintenanceE8', 'worstScenarios'] as const) {
    if (margins[field] !== held[field]) throw new MarginDiffersError(account, field, margins[field], held[field])
  }
}

/** Judges everything from the chain alone, as an auditor with these keys does. @throws {@link CrossAuditError} */
async function audit({ client, provider, models }: CrossSite): Promise<void> {
  const { registry } = client
  const keys = Object.values(models).map(({ build, keys: own }) => auditKeyOf({ ...own, circuit: build.name }))
  const { report } = await auditCross({ provider, registry, keys })
  if (report.margins.length !== 1 || report.failure !== undefined) throw new CrossAuditError(registry, report.failure)
}

/** The proof as the JSON answer has it. */
export const crossProofJson = ({
  held,
  registry,
  account,
  place,
  proofs,
  gas,
  seconds,
  backend,
}: CrossProof): object => ({
  proven: true,
  ...(place === undefined ? { audited: true } : { rpc: place.rpc }),
  held: { im: Number(held.initialE8) / 1e8, mm: Number(held.maintenanceE8) / 1e8 },
  ...{ registry, account, proofs, gas },
  ...secondsJson(seconds),
  backend,
})

/** The proof as people read it. */
export function formatCrossProof({ proofs, gas, seconds, backend, registry, account, place }: CrossProof): string {
  const of = (statement: string, word: string): string => {
    const count = proofs.filter((each) => each.statement === statement).length
    return `${count} ${word}${count === 1 ? '' : 's'}`
  }
  const number = (value: number): string => value.toLocaleString('en')
  const counts = [of('riskArray', 'risk array'), of('optionBook', 'book'), of('crossMargins', 'margin')].join(', ')
  return [
    `Proven (${backend}): ${counts} over all markets. A contract verified every proof and holds both margins to the last digit.`,
    ...(place === undefined
      ? ['An audit derived them again from the report, the rounds and the policies on the chain alone.']
      : []),
    secondsText(seconds),
    `Gas: ${number(gas.margin)} for the account, ${number(gas.arrays)} for ${gas.arrays === 0 ? 'arrays, of which none was missing' : 'arrays that all accounts of the rounds share'}.`,
    ...(place === undefined
      ? [`Held as crossMarginOf(${account}) at ${registry}, on a chain that ended with this command.`]
      : [
          `Held as crossMarginOf(${account}) at ${registry}. Audit it: zkrisk audit --rpc ${place.rpc} --registry ${registry}`,
        ]),
  ].join('\n')
}

/** Circuits prove accounts over another number of markets. */
export class MarketsOfProofError extends ProverError {
  readonly code = 'service.prove-over-markets'
  readonly markets: number

  constructor(markets: number, built: number) {
    super(
      `Expected an account over ${built} markets, which is what circuits prove together, got one over ${markets}. ` +
        'Prove some of its markets as an account of their own; without --prove the margin is computed all the same.',
    )
    this.markets = markets
  }
}

/** What a contract took does not follow from what its chain says. */
export class CrossAuditError extends ProverError {
  readonly code = 'service.cross-audit'
  readonly claim: string | undefined

  constructor(registry: string, failure: CrossAuditReport['failure']) {
    const { claim, field = '' } = failure?.claim ?? {}
    const found =
      failure === undefined ? 'no margin, or several' : `${claim} that does not hold of ${failure.of} ${field}`
    super(
      `Expected one margin at ${registry} that follows from its report and rounds, found ${found}. Keep it and report it.`,
    )
    this.claim = claim
  }
}
