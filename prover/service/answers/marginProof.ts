/** `zkrisk margin --prove`: the margin proven and held by a contract on a development chain, and what that took. */
import { isPackageAlone } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { createProver, type Prover } from '../../proof/index.ts'
import { startDevelopmentChain } from '../development/chain.ts'
import { buildPortfolioKeys, deployDevelopmentPortfolio } from '../development/portfolio.ts'
import { proveDevelopmentPortfolios } from '../development/portfolioProofs.ts'
import type { MarginAnswer } from './margins.ts'
import type { PortfolioLanded } from '../daemon/portfolios/portfolios.ts'
import type { ProofMade } from '../daemon/portfolios/proofMaker.ts'
import { policyOf } from '../daemon/portfolios/sharedRound.ts'

/** What proving a margin took, in plain numbers. */
export type MarginProof = {
  /** As the contract answers. */
  readonly held: { readonly initialE8: bigint; readonly maintenanceE8: bigint; readonly worstScenario: number }
  readonly proofs: readonly { readonly statement: string; readonly milliseconds: number }[]
  readonly gas: { readonly arrays: number; readonly margin: number }
  readonly seconds: number
  readonly backend: string
}

/** The chain starts this long before the round, so that there is time to deploy. */
const LEAD_SECONDS = 600n

/**
 * Proves a margin: arrays of the strikes held, the account's book, its margin; every proof verified here and by a contract.
 *
 * @throws {@link CloneNeededError} in the package alone; what provers and the registry throw; a margin that the contract holds otherwise than the twin is an error
 * @example
 * const { held, gas } = await proveMargin(await marginOf(readAccount('portfolio.json', {})), console.error)
 * held.initialE8 // → -204_877_541_730n
 */
export async function proveMargin(
  { provable }: MarginAnswer,
  say: (line: string) => void,
  prover: Prover = createProver(),
): Promise<MarginProof> {
  if (isPackageAlone) throw new CloneNeededError()
  const started = performance.now()
  const keys = await buildPortfolioKeys(say)
  const chain = await startDevelopmentChain(provable.round.asOf - LEAD_SECONDS)
  const backends = new Set<string>()
  const onProof = ({ statement, timings, backend }: ProofMade, done: number, total: number): void => {
    backends.add(backend)
    say(`proof ${done} of ${total}: ${statement} (${(timings.total / 1000).toFixed(1)} s)`)
  }
  try {
    say('deploying a registry on a development chain')
    const development = await deployDevelopmentPortfolio(chain, keys, policyOf(provable))
    const landed = await proveDevelopmentPortfolios(development, { prover, onProof }, [provable])
    return summarise(landed, [...backends].join(', '), started)
  } finally {
    await Promise.all([prover.close(), chain.close()])
  }
}

function summarise({ proofs, accounts, landed }: PortfolioLanded, backend: string, started: number): MarginProof {
  const [account] = accounts
  if (account === undefined) throw new Error('A run of one account has one account.')
  const sum = (parts: readonly { readonly gasUsed: bigint }[]): number =>
    parts.reduce((total, { gasUsed }) => total + Number(gasUsed), 0)
  return {
    held: account.held,
    proofs: proofs.map(({ statement, timings }) => ({ statement, milliseconds: Math.round(timings.total) })),
    gas: { arrays: sum(landed.arrays), margin: sum(landed.margins) },
    seconds: (performance.now() - started) / 1000,
    backend,
  }
}

/** The proof as the JSON answer has it. */
export const proofJson = ({ held, proofs, gas, seconds, backend }: MarginProof): object => ({
  proven: true,
  held: {
    im: Number(held.initialE8) / 1e8,
    mm: Number(held.maintenanceE8) / 1e8,
    worstScenario: held.worstScenario,
  },
  proofs,
  gas,
  seconds,
  backend,
})

/** The proof as people read it. */
export function formatProof({ proofs, gas, seconds, backend }: MarginProof): string {
  const count = (statement: string): number => proofs.filter((proof) => proof.statement === statement).length
  const number = (value: number): string => value.toLocaleString('en')
  return [
    `Proven (${backend}): ${count('riskArray')} risk arrays, ${count('optionBook')} books, ${count('portfolioMargin')} margin in ${seconds.toFixed(1)} s. A contract verified every proof and holds both margins to the last digit.`,
    `Gas: ${number(gas.margin)} for the account, ${number(gas.arrays)} for arrays that all accounts of the round share.`,
  ].join('\n')
}

/** The package brings neither circuits nor a development chain. */
export class CloneNeededError extends ProverError {
  readonly code = 'service.clone-needed'

  constructor() {
    super(
      '`zkrisk margin --prove` needs a clone of zk-risk-engine itself: it proves with circuits and starts a development chain, ' +
        'and the package has neither. Run `npm ci` in the clone, then this command there; without --prove it computes here.',
    )
  }
}
