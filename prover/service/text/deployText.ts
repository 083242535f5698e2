import type { Deployed, PlanSummary } from '../answers/deploying.ts'
import type { DeployEvent } from '../deploying/carryOut.ts'
import { duration } from './figures.ts'
import { formatTable } from './table.ts'

const gas = (value: number | bigint): string => value.toLocaleString('en')

/** A plan as people judge it before they let it go on. */
export function formatPlan(plan: PlanSummary): string {
  const { chainId, isDevelopmentChain, deployer, council, models, steps, stepsDone } = plan
  const kind = isDevelopmentChain
    ? 'a development chain: development keys are taken, and no delay is asked for'
    : 'no development chain: keys from a ceremony and a council that waits'
  const code = council.hasCode ? '' : ' (an account without code: no multisig)'
  return [
    `Chain ${chainId}, ${kind}.`,
    `Deployer ${deployer}, which has ${plan.balance} and keeps nothing${council.account === deployer ? ' but the council, which is itself' : ''}.`,
    `Council ${council.account}${code}, ${council.delayHours === 0 ? 'at once' : `after ${duration(council.delayHours * 3600)}`}.`,
    '',
    formatTable(
      ['model', 'keys', 'contributions', 'first phase', 'verification key'],
      models.map(({ build, kind: keys, contributions, firstPhaseSha256, verificationKeySha256 }) => [
        build,
        keys,
        `${contributions}`,
        `${firstPhaseSha256.slice(0, 16)}…`,
        verificationKeySha256,
      ]),
    ),
    '',
    ...steps.map(
      ({ says, estimatedGas }, i) =>
        `${`${i + 1}`.padStart(3)}  ${i < stepsDone ? 'done' : gas(estimatedGas).padStart(9)}  ${says}`,
    ),
    '',
    ...plan.warnings.map((warning) => `Warning: ${warning}`),
    stepsDone === steps.length
      ? 'All of it stands: nothing is to be done.'
      : `${steps.length - stepsDone} of ${steps.length} transactions to send, at most ${gas(plan.estimatedGas)} gas: ${plan.estimatedCost} of the chain’s coin at its present fee.`,
  ].join('\n')
}

/** A step as it goes on. */
export function formatStep({ state, step, index, gasUsed }: DeployEvent, count: number): string {
  const cost = gasUsed === undefined ? '' : `, ${gas(gasUsed)} gas`
  return `${`${index + 1}`.padStart(3)} of ${count}  ${state.padEnd(6)}  ${step.says}${cost}`
}

/** What stands afterwards. */
export function formatDeployed({ deployment, file, journal, carriedOut, steps, gasUsed }: Deployed): string {
  const { addresses, sources, markets, portfolio, cross } = deployment
  const done =
    carriedOut === 0
      ? `Nothing to do: all ${steps} steps stand on chain ${deployment.chainId}.`
      : `${carriedOut} of ${steps} steps carried out on chain ${deployment.chainId}, ${steps - carriedOut} stood before; ${gas(gasUsed)} gas in all.`
  return [
    done,
    `  registry            ${addresses.registry}`,
    `  model registry      ${addresses.modelRegistry}`,
    `  council             ${addresses.council}`,
    ...sources.map(({ name, address }) => `  ${`source ${name}`.padEnd(18)}  ${address}`),
    ...(portfolio === undefined
      ? []
      : [
          `  portfolio registry  ${portfolio.registry}`,
          `  risk arrays         ${portfolio.arrays}`,
          `  rounds              ${portfolio.rounds}`,
        ]),
    ...(cross === undefined
      ? []
      : [
          `  cross registry      ${cross.registry}`,
          ...cross.markets.map(({ market, arrays }) => `  arrays of ${market.padEnd(9)} ${arrays}`),
          `  cross rounds        ${cross.rounds}`,
        ]),
    `  markets             ${markets.map(({ name }) => name).join(', ') || 'none'}`,
    `${file} written; ${journal} has every transaction. Who may do what: zkrisk doctor --deployment ${file} --rpc <url>`,
  ].join('\n')
}
