/** What `zkrisk deployment` writes and `zkrisk serve --registry` serves: an engine by its chain alone. */
import { isAddress } from 'ethers'
import { ProverError } from '../../errors.ts'
import { type Deployment, readDeployment, writeDeployment } from '../../registry/deployment.ts'
import { connectProvider, type RpcAddress } from '../../registry/index.ts'
import { AccountAddressError } from '../answers/inForce.ts'
import { differenceText, servedText } from '../text/engineText.ts'
import { familyOf } from '../workspace.ts'
import { modelNames } from '../../volatility/models.ts'
import type { ModelStanding } from './models.ts'
import { type Difference, differencesOf } from './published.ts'
import { type Rebuilt, type RebuildFinding, rebuildDeployment } from './rebuilt.ts'

export type EnginePlace = {
  readonly rpc: RpcAddress
  readonly registry: string
  readonly portfolio?: string | undefined
  readonly fromBlock?: number | undefined
  readonly keys?: string | undefined
  /** A deployment file that somebody published, to be compared with the chain. */
  readonly published?: string | undefined
}

/** An engine as its chain has it, and what a published file says otherwise. */
export type EngineFound = Rebuilt & { readonly differences: readonly Difference[] }

/**
 * @throws {@link AccountAddressError} if an address is none
 * @throws what {@link rebuildDeployment} and {@link readDeployment} throw
 */
export async function findEngine({ rpc, published, ...place }: EnginePlace): Promise<EngineFound> {
  for (const address of [place.registry, ...(place.portfolio === undefined ? [] : [place.portfolio])]) {
    if (!isAddress(address)) throw new AccountAddressError(address)
  }
  const file = published === undefined ? undefined : await readDeployment(published)
  const provider = await connectProvider(rpc)
  try {
    const rebuilt = await rebuildDeployment({ provider, ...place })
    return { ...rebuilt, differences: file === undefined ? [] : differencesOf(file, rebuilt.deployment) }
  } finally {
    provider.destroy()
  }
}

/** The same, its deployment written to a file. */
export async function writeEngine(place: EnginePlace, out: string | undefined): Promise<EngineFound> {
  const found = await findEngine(place)
  if (out !== undefined) await writeDeployment(out, found.deployment)
  return found
}

/**
 * What can be served here of an engine: with those of its models alone whose keys are here.
 *
 * @throws {@link ContractsDifferError} if a contract that batches would be sent to is not the one compiled here
 * @throws {@link NothingProvableError} if no model that proves live batches has its keys here
 */
export function servedPart({ deployment, models, findings }: Rebuilt): Deployment {
  const refused = findings.filter(({ severity }) => severity === 'refused')
  if (refused[0] !== undefined) throw new ContractsDifferError(deployment.addresses.registry, refused)
  const usable = new Set(models.filter(({ status }) => status === 'usable').map(({ modelId }) => modelId))
  const lives: readonly string[] = modelNames.map((name) => familyOf(name).live)
  const provable = deployment.models.filter(({ modelId }) => usable.has(modelId))
  if (!provable.some(({ name }) => lives.includes(name))) throw new NothingProvableError(deployment, models)
  const { portfolio } = deployment
  const margins = portfolio && { ...portfolio, models: portfolio.models.filter(({ modelId }) => usable.has(modelId)) }
  return { ...deployment, models: provable, ...(margins === undefined ? {} : { portfolio: margins }) }
}

/**
 * What to serve of an engine, by its chain alone; everything that whoever serves it should know is told first.
 *
 * @throws what {@link findEngine} and {@link servedPart} throw
 */
export async function takeOver(
  place: EnginePlace,
  onEvent: (event: { readonly step: 'rebuilt'; readonly detail: string }) => Promise<void> | void,
): Promise<Deployment> {
  const found = await findEngine(place)
  const { deployment, models, findings, differences } = found
  const told = [
    `${deployment.addresses.registry} on chain ${deployment.chainId}, from block ${deployment.block} on`,
    ...findings.map(findingText),
    ...differences.map(differenceText),
    ...models.filter(({ status }) => status !== 'usable').map(({ name, says }) => `model ${name} is left out: ${says}`),
    ...servedText(found),
  ]
  for (const detail of told) await onEvent({ step: 'rebuilt', detail })
  return servedPart(found)
}

const findingText = ({ of, says }: Pick<RebuildFinding, 'of' | 'says'>): string => `${of}: ${says}`

/** Contracts of an engine are not those of this version. */
export class ContractsDifferError extends ProverError {
  readonly code = 'service.contracts-differ'
  readonly registry: string
  readonly findings: readonly string[]

  constructor(registry: string, refused: readonly RebuildFinding[]) {
    const findings = refused.map(findingText)
    super(
      `Expected the contracts of ${registry} to be those compiled here, found otherwise: ${findings.join('; ')}. ` +
        'Check out the version that was deployed, or send nothing there: what it would do with a proof is nobody’s promise.',
    )
    this.registry = registry
    this.findings = findings
  }
}

/** No batch of the engine could be proven here. */
export class NothingProvableError extends ProverError {
  readonly code = 'service.nothing-provable'
  readonly registry: string
  readonly models: readonly string[]

  constructor({ addresses, models: deployed }: Deployment, standings: readonly ModelStanding[]) {
    const ids = new Set(deployed.map(({ modelId }) => modelId))
    const models = standings
      .filter(({ modelId, status }) => ids.has(modelId) && status !== 'usable')
      .map(({ name, says }) => `${name}: ${says}`)
    const listed = models.length === 0 ? 'it lists none that is active' : models.join('; ')
    super(`Expected keys here for a model that ${addresses.registry} takes live batches of, found none. ${listed}.`)
    this.registry = addresses.registry
    this.models = models
  }
}
