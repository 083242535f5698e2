/** Everything that proves margins of accounts at a deployment, where it has a registry of them. */
import type { Provider } from 'ethers'
import type { PortfolioStatementName } from '../../../../circuits/statements/index.ts'
import { portfolioBuilds } from '../../../../circuits/statements/index.ts'
import { ProverError } from '../../../errors.ts'
import { type Deployment, PortfolioClient } from '../../../registry/index.ts'
import { loadKeysIfBuilt } from '../../workspace.ts'
import type { PortfolioModel, PortfolioModels } from '../portfolios/place.ts'
import { keyHashOf } from '../proving.ts'
import { defaultDuePolicy } from './due.ts'
import type { AccountsOptions } from './lane.ts'
import { RoundBook, type RoundFileError } from './roundBook.ts'

export type AccountsWanted = {
  /** Of words of rounds. */
  readonly rounds: string
  /** Spot within such a fraction of a liquidation threshold is near. */
  readonly near?: number | undefined
  /** Spot may have moved by such a fraction since a round whose arrays still serve. */
  readonly carry?: number | undefined
  readonly countEvery?: number | undefined
  /** Instead of the project's own keys. */
  readonly keys?: string | undefined
}

/** Where nobody says otherwise: as `npm run campaign:round` carries arrays. */
const CARRY_FRACTION = 0.0025

/** Margins need these where an account has options. */
const NEEDED: readonly PortfolioStatementName[] = ['riskArray', 'optionBook']

/** @throws {@link AccountsNotProvableError} if what margins take is not built here, or not registered */
export async function openAccounts(
  { portfolio, block, chainId }: Deployment,
  provider: Provider,
  wanted: AccountsWanted,
  onRefused: (error: RoundFileError) => void,
): Promise<AccountsOptions | undefined> {
  if (portfolio === undefined) return undefined
  const models = await modelsAt(portfolio.models, wanted.keys)
  const hasMargins = models.portfolioMargin !== undefined || models.marginsAlone !== undefined
  const missing: string[] = NEEDED.filter((statement) => models[statement] === undefined)
  if (missing.length > 0 || !hasMargins) {
    throw new AccountsNotProvableError([...missing, ...(hasMargins ? [] : ['portfolioMargin'])])
  }
  const { registry, market } = portfolio
  return {
    client: await PortfolioClient.connect({ registry, provider, expectedChainId: chainId, fromBlock: block }),
    ...{ models, fromBlock: block },
    rounds: new RoundBook({ market, folder: wanted.rounds, onRefused }),
    policy: { ...defaultDuePolicy, ...(wanted.near === undefined ? {} : { nearFraction: wanted.near }) },
    carryFraction: wanted.carry ?? CARRY_FRACTION,
    countEverySeconds: wanted.countEvery,
  }
}

/** Of the models of a deployment those whose circuits and keys are here. */
async function modelsAt(
  deployed: NonNullable<Deployment['portfolio']>['models'],
  folder?: string,
): Promise<PortfolioModels> {
  const models: Partial<Record<PortfolioStatementName, PortfolioModel>> = {}
  for (const { name, modelId, verificationKeyHash } of deployed) {
    const build = portfolioBuilds.find((each) => each.name === name)
    const keys = build && (await loadKeysIfBuilt(name, folder))
    if (build === undefined || keys === undefined || keyHashOf(keys) !== verificationKeyHash) continue
    models[build.statement as PortfolioStatementName] = { build, keys, modelId }
  }
  return models
}

/** Margins of accounts cannot be proven here. */
export class AccountsNotProvableError extends ProverError {
  readonly code = 'service.accounts-not-provable'
  readonly statements: readonly string[]

  constructor(statements: readonly string[]) {
    super(
      `Expected circuits and keys of ${statements.join(', ')} here, as the deployment has models of, to prove margins of accounts. ` +
        'Run `npm run build`, deploy with the keys of this machine, or serve markets alone with --no-accounts.',
    )
    this.statements = statements
  }
}
