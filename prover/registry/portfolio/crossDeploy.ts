/** Deploys what margins of accounts over several markets need beside an engine. */
import { getAddress, type Signer } from 'ethers'
import type { StatementName } from '../../../circuits/statements/index.ts'
import { marketIdOf } from '../../market/marketId.ts'
import { emptyBook } from '../../portfolio/book.ts'
import { stateRoot } from '../../statement/optionBook.ts'
import type { SectionWords } from '../../statement/state.ts'
import { artifactOf, type ContractName } from '../artifacts.ts'
import { selectorsOf, VENUE_ROLE } from '../authority.ts'
import type { DeployedModel } from '../deployment.ts'
import { registerLayouts } from '../layouts.ts'
import { attempt, deployContract, SignerOffChainError, transact } from '../transactions.ts'
import {
  checkKeysOf,
  DEFAULT_ROUND_AGE_SECONDS,
  defaultPortfolioFreshness,
  type PortfolioDeployOptions,
  policyWordsOf,
  registerPortfolioModel,
} from './deploy.ts'

export type CrossDeployOptions = Omit<PortfolioDeployOptions, 'market' | 'policy' | 'priceScale'> & {
  /** By name, each with the sections of its policy and k of its prices; the first one's policy says what collateral is. */
  readonly markets: readonly {
    readonly market: string
    readonly policy: SectionWords
    readonly priceScale?: number | undefined
  }[]
  /** Words of list crossPolicy. */
  readonly crossPolicy: readonly bigint[]
  readonly maxRoundsApartSeconds: bigint
}

export type CrossDeployment = {
  readonly chainId: bigint
  /** Block from which on the registry's events are found. */
  readonly block: number
  readonly registry: string
  readonly rounds: string
  /** By market. */
  readonly arrays: readonly string[]
  readonly marketIds: readonly string[]
  readonly models: Readonly<Partial<Record<StatementName, DeployedModel>>>
}

/** What such a registry takes proofs of. */
export const crossStatementNames = ['riskArray', 'optionBook', 'crossMargins'] as const

/**
 * Deploys a registry of margins over several markets, with a contract of arrays for each; the signer must be the council's
 * administrator.
 *
 * @throws as {@link deployPortfolio} does
 */
export async function deployCross(signer: Signer, options: CrossDeployOptions): Promise<CrossDeployment> {
  const { provider } = signer
  if (provider === null) throw new SignerOffChainError()
  const { council, modelRegistry, freshness = defaultPortfolioFreshness } = options
  const chainId = await attempt('Reading the chain id', async () => (await provider.getNetwork()).chainId)
  checkKeysOf(options.models, chainId)
  const block = await attempt('Reading the block number', () => provider.getBlockNumber())
  const create = (contract: ContractName, ...args: readonly unknown[]): Promise<string> =>
    deployContract(signer, contract, artifactOf(contract), args)
  await registerLayouts(signer, council, modelRegistry, crossStatementNames)
  const signers = options.rounds.signers.toSorted((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  const { threshold, maxAgeSeconds = DEFAULT_ROUND_AGE_SECONDS } = options.rounds
  const marketIds = options.markets.map(({ market }) => marketIdOf(market))
  const scales = options.markets.flatMap(({ priceScale: scale = 0 }, m) =>
    scale === 0 ? [] : [{ marketId: marketIds[m], scale }],
  )
  const rounds = await (scales.length === 0
    ? create('AttestedRounds', council, signers, threshold, maxAgeSeconds)
    : create('ScaledRounds', council, signers, threshold, maxAgeSeconds, scales))
  const arrays: string[] = []
  for (const [m, { policy }] of options.markets.entries()) {
    const place = [council, modelRegistry, rounds, marketIds[m]]
    arrays.push(getAddress(await create('RiskArrays', ...place, policyWordsOf(policy), freshness)))
  }
  const governed = [options.crossPolicy, options.maxRoundsApartSeconds]
  const empty = await stateRoot(emptyBook)
  const registry = await create('CrossMarginRegistry', council, modelRegistry, arrays, empty, ...governed)
  for (const [target, contract] of [
    [registry, 'CrossMarginRegistry'] as const,
    ...arrays.map((each) => [each, 'RiskArrays'] as const),
  ]) {
    const args = [target, selectorsOf(contract, 'venue'), VENUE_ROLE]
    await transact(signer, council, 'RiskCouncil', 'setTargetFunctionRole', args)
  }
  await transact(signer, council, 'RiskCouncil', 'grantRole', [VENUE_ROLE, options.venue, 0])
  const models: Partial<Record<StatementName, DeployedModel>> = {}
  for (const model of options.models) {
    models[model.build.statement] = await registerPortfolioModel(signer, modelRegistry, model)
  }
  return { chainId, block, registry: getAddress(registry), rounds: getAddress(rounds), arrays, marketIds, models }
}
