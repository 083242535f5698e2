/** `zkrisk margin --prove --unhealthy`: one scenario that shows an account to be below maintenance, so that it can be liquidated. */
import type { RpcAddress } from '../../registry/index.ts'
import { isPackageAlone } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { createProver, type Prover } from '../../proof/index.ts'
import type { NamedScenario } from '../../portfolio/explain.ts'
import { landArrays, proveArrays } from '../daemon/portfolios/arrays.ts'
import { proveBooks } from '../daemon/portfolios/books.ts'
import type { PortfolioPlace } from '../daemon/portfolios/place.ts'
import type { AccountToProve } from '../daemon/portfolios/place.ts'
import { decimalText } from '../../portfolio/input/exact.ts'
import { ProofMaker, type PortfolioProver, type ProofMade } from '../daemon/portfolios/proofMaker.ts'
import { putInForce } from '../daemon/portfolios/putInForce.ts'
import { arraysNotHeld, opensArraysOf } from '../daemon/portfolios/inArrays.ts'
import { proveUnhealthy, proveUnhealthyByArrays } from '../daemon/portfolios/witness.ts'
import { buildPortfolioKeys } from '../development/portfolio.ts'
import { portfolioBuildOf } from '../workspace.ts'
import { CloneNeededError, requireReportable, roundAt } from './marginProof.ts'
import type { MarginAnswer } from './margins.ts'
import { developmentSite, type ExistingRegistry, existingSite, marketNameFor, type MarginSite } from './marginSite.ts'
import { ProofClock, type ProofSeconds, proofTimes, secondsText, gasOf } from './proofFigures.ts'

/** What showing it took, in plain numbers. */
export type UnhealthyProof = {
  readonly account: string
  readonly registry: string
  /** Where it can be read; undefined on a chain that ended with the command. */
  readonly place: { readonly rpc: RpcAddress; readonly deployment: string } | undefined
  /** The one that the proof is about. */
  readonly scenario: NamedScenario
  readonly maintenanceE8: bigint
  /** As the contract answers; false is a fault. */
  readonly liquidatable: boolean
  readonly proofs: readonly { readonly statement: string; readonly milliseconds: number }[]
  readonly gas: { readonly arrays: number; readonly witness: number }
  readonly seconds: ProofSeconds
}

/**
 * Shows an account to be below maintenance by its worst scenario, and has a registry mark it.
 *
 * Straight from arrays, of which those that the registry holds already are not proven again; an account in more arrays than that
 * witness opens is shown from its book.
 *
 * @throws {@link AccountHealthyError} before anything is proven; otherwise as {@link proveMargin}
 */
export async function proveUnhealthyAccount(
  answer: MarginAnswer,
  say: (line: string) => void,
  given: { readonly existing?: ExistingRegistry | undefined; readonly prover?: Prover } = {},
): Promise<UnhealthyProof> {
  if (isPackageAlone) throw new CloneNeededError()
  const { existing, prover = createProver() } = given
  const { provable } = answer
  requireReportable(provable.positions)
  if (provable.margin.maintenanceE8 >= 0n) throw new AccountHealthyError(provable.margin.maintenanceE8)
  const clock = new ProofClock()
  let site: MarginSite | undefined
  try {
    const isByArrays = opensArraysOf(portfolioBuildOf('scenarioWitness'), provable)
    const statements = isByArrays
      ? (['riskArray', 'scenarioWitness'] as const)
      : (['riskArray', 'optionBook', 'unhealthyWitness'] as const)
    const { keys, buildSeconds } = await buildPortfolioKeys(statements, say)
    clock.passed('build', buildSeconds)
    const market = marketNameFor(answer.portfolio)
    site = await (existing === undefined
      ? developmentSite(keys, provable, market)
      : existingSite(keys, existing, market))
    const { client, models, account } = site
    const place = { client, models, round: roundAt(site, answer) }
    await putInForce(client, site.hands, { account, provable, round: place.round }, say)
    clock.end('preparation')
    const made: ProofMade[] = []
    const onProof = (one: ProofMade): void => {
      made.push(one)
      say(`proven: ${one.statement} (${(one.timings.total / 1000).toFixed(1)} s)`)
      if (one.statement.endsWith('Witness')) clock.end('proving')
    }
    const gas = await show(place, { prover, onProof }, isByArrays, { account, provable })
    const { liquidatable } = await client.marginForLiquidation(account)
    clock.end('landing')
    return {
      proofs: proofTimes(made),
      gas,
      ...{ account, registry: client.registry, place: existing, liquidatable },
      ...{ scenario: answer.worst, maintenanceE8: provable.margin.maintenanceE8 },
      seconds: clock.read(),
    }
  } finally {
    await Promise.all([prover.close(), site?.close()])
  }
}

/** Arrays that are missing, books where they are needed, the witness. */
async function show(
  place: PortfolioPlace,
  proving: PortfolioProver,
  isByArrays: boolean,
  { account, provable }: AccountToProve,
): Promise<UnhealthyProof['gas']> {
  const maker = new ProofMaker(proving, 0)
  const report = await place.client.account(account)
  const wanted = isByArrays ? { ...provable, arrays: await arraysNotHeld(place, provable) } : provable
  const arrays = await proveArrays(place, maker, [wanted])
  const proofs = [...arrays.values()].flatMap(({ proven }) => proven ?? [])
  const landed = await landArrays(place, proofs)
  const { worstScenario } = provable.margin
  const shown = { account, provable, sequence: report.sequence }
  if (isByArrays) {
    const marked = await proveUnhealthyByArrays(place, proving, shown, worstScenario)
    return { arrays: gasOf(landed), witness: gasOf([marked]) }
  }
  const [own] = await proveBooks(place, maker, [provable], [report], arrays)
  const marked = await proveUnhealthy(place, proving, { ...shown, books: own?.books ?? [] }, worstScenario)
  return { arrays: gasOf(landed), witness: gasOf([marked]) }
}

/** The answer as JSON has it. */
export function unhealthyJson({ scenario, maintenanceE8, place, seconds, ...rest }: UnhealthyProof): object {
  return {
    proven: true,
    ...rest,
    ...(place === undefined ? {} : { rpc: place.rpc, deployment: place.deployment }),
    mm: Number(maintenanceE8) / 1e8,
    worstScenario: scenario.index,
    seconds,
  }
}

/** The answer as people read it. */
export function formatUnhealthy(shown: UnhealthyProof): string {
  const { account, registry, place, scenario, gas, seconds, proofs } = shown
  const number = (value: number): string => value.toLocaleString('en')
  const isByArrays = proofs.some(({ statement }) => statement === 'scenarioWitness')
  const arrays = proofs.filter(({ statement }) => statement === 'riskArray').length
  return [
    `Shown to be below maintenance (${scenario.words}), ${isByArrays ? 'straight from arrays' : 'from its book'}. The contract says: ${shown.liquidatable ? 'liquidatable' : 'not liquidatable'}.`,
    secondsText(seconds),
    `Gas: ${number(gas.witness)} for the account, ${number(gas.arrays)} for ${arrays === 0 ? 'arrays, which were all in force' : 'arrays that all accounts of the round share'}.`,
    ...(place === undefined
      ? []
      : [
          `Read it: zkrisk read --rpc ${place.rpc} --deployment ${place.deployment} --account ${account}, or marginForLiquidation(${account}) at ${registry}.`,
        ]),
  ].join('\n')
}

/** The account holds at least its maintenance margin, so nothing can show otherwise. */
export class AccountHealthyError extends ProverError {
  readonly code = 'service.account-healthy'
  readonly maintenanceE8: bigint

  constructor(maintenanceE8: bigint) {
    super(
      `Expected an account below maintenance, it has ${decimalText(maintenanceE8, 10n ** 8n)} above it in its worst scenario. ` +
        'Leave out --unhealthy to prove its margins.',
    )
    this.maintenanceE8 = maintenanceE8
  }
}
