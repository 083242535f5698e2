/** Auditing with the keys on this machine's disk. */
import { getAddress, isAddress } from 'ethers'
import { type Build, portfolioBuilds } from '../../../circuits/statements/index.ts'
import {
  type AuditKey,
  type AuditOptions,
  type AuditReport,
  type DeployedReport,
  audit,
  auditOffline,
  auditPortfolio,
  auditPortfolioOffline,
  type Pin,
  type PinnedDeployment,
  type PinnedSource,
  pinsOfKeys,
  type PortfolioAuditReport,
  writeAuditBundle,
  writePortfolioAuditBundle,
} from '../../audit/index.ts'
import { isPortfolioAuditBundle } from '../../audit/portfolio/auditBundle.ts'
import { auditCross } from '../../audit/portfolio/crossAudit.ts'
import { auditCrossOffline, isCrossBundle, writeCrossBundle } from '../../audit/portfolio/crossBundle.ts'
import type { CrossAuditReport } from '../../audit/portfolio/crossReport.ts'
import { registryKindAt } from '../../audit/registryKind.ts'
import { isPackageAlone, packageVersion } from '../../config.ts'
import { AccountAddressError } from './inForce.ts'
import { ProverError } from '../../errors.ts'
import { KeysMissingError, type VerifyingKeys, verificationKeyHash } from '../../proof/index.ts'
import {
  type RpcAddress,
  connectProvider,
  type DeployedFeed,
  type Deployment,
  portfolioStatementNames,
  readDeployment,
} from '../../registry/index.ts'
import { crossStatementNames } from '../../registry/portfolio/crossDeploy.ts'
import { artifactOf, contractSources, type ContractName } from '../../registry/artifacts.ts'
import { sha256 } from '../../proof/keys/keyStore.ts'
import { verifierFor } from '../deploying/verifier.ts'
import { loadMarketVerifyingKeys, loadVerifyingKeys } from '../workspace.ts'
import { UsageError } from '../text/usageError.ts'

/** Whose keys are taken unless a folder is named. */
const HERE = isPackageAlone ? 'this package' : 'this checkout'

/** What an auditor trusts of a key: its values, and the verifier compiled from it here. */
export function auditKeyOf({ circuit, verificationKey, manifest }: VerifyingKeys): AuditKey {
  const verifierCode = verifierFor(circuit, verificationKey).deployedBytecode
  return { build: circuit as AuditKey['build'], verificationKey, manifest, verifierCode }
}

/** Keys of builds, as they are compiled here or ship with the package. @throws {@link AuditKeysMissingError} */
const auditKeys = (folder: string | undefined, of: readonly Pick<Build, 'name'>[]): Promise<readonly AuditKey[]> =>
  brought(folder, () => Promise.all(of.map(async ({ name }) => auditKeyOf(await loadVerifyingKeys(name, folder)))))

/**
 * The same of all that prove parameters of markets: of the default model, and of whatever other models have been built.
 *
 * @throws {@link AuditKeysMissingError}
 *
 * @example
 * const keys = await marketAuditKeys()
 * keys.some(({ build }) => build === 'marketRiskRange6x2') // → true
 */
export const marketAuditKeys = (folder?: string, deployment?: Deployment): Promise<readonly AuditKey[]> =>
  brought(folder, async () => {
    const deployed = deployment?.models.map(({ name }) => name)
    return (await loadMarketVerifyingKeys(folder, deployed)).map(auditKeyOf)
  })

/**
 * What a verdict rests on is not the verifier's to make.
 *
 * @param folder - where keys are loaded from, if not from here
 * @throws {@link AuditKeysMissingError} for {@link KeysMissingError}
 */
export async function brought<T>(folder: string | undefined, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw error instanceof KeysMissingError ? new AuditKeysMissingError(folder, error) : error
  }
}

/**
 * The same of all that prove prices and margins in a registry of one market.
 *
 * @example
 * const keys = await portfolioAuditKeys()
 * keys.length // → 7
 */
export const portfolioAuditKeys = (folder?: string): Promise<readonly AuditKey[]> =>
  auditKeys(
    folder,
    portfolioBuilds.filter(({ statement }) => portfolioStatementNames.some((each) => each === statement)),
  )

/** The same of all that prove margins over several markets. */
export const crossAuditKeys = (folder?: string): Promise<readonly AuditKey[]> =>
  auditKeys(
    folder,
    portfolioBuilds.filter(({ statement }) => crossStatementNames.some((each) => each === statement)),
  )

/** Of a registry of whichever kind. */
export type AnyAuditReport = AuditReport | PortfolioAuditReport | CrossAuditReport

/** An audit's report, and what it was pinned to. */
export type PinnedAudit<R> = { readonly report: R; readonly pins: readonly Pin[] }

export type ChainAuditOptions = {
  readonly rpc?: RpcAddress | undefined
  readonly fromBlock?: number | undefined
  /** Audit bundle to write. */
  readonly out?: string | undefined
  /** Page to write. */
  readonly html?: string | undefined
  readonly say: (line: string) => void
} & PinOptions

/** What an auditor brings along, by file or flag. */
export type PinOptions = {
  readonly registry?: string | undefined
  readonly deployment?: string | undefined
  readonly keys?: string | undefined
  readonly governor?: readonly string[] | undefined
  readonly leastDelay?: number | undefined
  readonly trustCode?: readonly string[] | undefined
}

/**
 * Audits a registry of whichever kind through a node.
 *
 * @throws {@link AuditTargetError} if it is not said what to audit, or where; {@link NoRegistryError} if none stands there
 */
export async function auditFromChain(options: ChainAuditOptions): Promise<PinnedAudit<AnyAuditReport>> {
  const deployment = options.deployment === undefined ? undefined : await readDeployment(options.deployment)
  const registry = options.registry ?? deployment?.addresses.registry
  if (options.rpc === undefined || registry === undefined) throw new AuditTargetError()
  if (!isAddress(registry)) throw new AccountAddressError(registry)
  const provider = await connectProvider(options.rpc, deployment?.chainId)
  const target = {
    provider,
    registry,
    fromBlock: options.fromBlock ?? deployment?.block ?? 0,
    onProgress: progressOf(options.say),
    pins: pinsBrought(options, registry, deployment),
    ...(deployment === undefined ? {} : { expectedChainId: deployment.chainId }),
  }
  const kind = await registryKindAt(provider, registry)
  if (kind === 'portfolio') {
    const keys = await portfolioAuditKeys(options.keys)
    const { report, record } = await auditPortfolio({ ...target, keys })
    if (options.out !== undefined) await writePortfolioAuditBundle(options.out, record)
    return { report, pins: pinsOf(report, keys, options, 'what the node says') }
  }
  if (kind === 'cross') {
    const keys = await crossAuditKeys(options.keys)
    const { report, record } = await auditCross({ ...target, keys })
    if (options.out !== undefined) await writeCrossBundle(options.out, record)
    return { report, pins: pinsOf(report, keys, options, 'what the node says') }
  }
  const margins = [deployment?.portfolio, deployment?.cross].flatMap((each) => each?.registry ?? [])
  if (options.registry === undefined && margins.length > 0) {
    const flags = margins.map((each) => `--registry ${each}`).join(' or ')
    options.say(`Markets only: margins are in registries of their own, ${flags} audits one.`)
  }
  const keys = await marketAuditKeys(options.keys, deployment)
  const { report, record } = await audit({ ...target, keys })
  if (options.out !== undefined) await writeAuditBundle(options.out, record)
  return { report, pins: pinsOf(report, keys, options, 'what the node says') }
}

const SECONDS_PER_HOUR = 3600

/** What is known of the contracts beforehand. */
function pinsBrought(
  { governor, leastDelay, trustCode }: PinOptions,
  registry: string | undefined,
  deployment: Deployment | undefined,
): NonNullable<AuditOptions['pins']> {
  return {
    ...(deployment === undefined ? {} : { deployment: pinnedDeployment(deployment, registry) }),
    ...(governor === undefined ? {} : { governors: governor.map(governorOf) }),
    ...(leastDelay === undefined ? {} : { leastDelaySeconds: leastDelay * SECONDS_PER_HOUR }),
    ...(trustCode === undefined ? {} : { trustedCode: trustCode.map(codeHashOf) }),
  }
}

function governorOf(value: string): string {
  if (!/^0x/.test(value) || !isAddress(value)) throw new AuditPinError('--governor', value, 'an address')
  return getAddress(value)
}

function codeHashOf(value: string): string {
  if (!/^0x[0-9a-f]{64}$/i.test(value)) {
    throw new AuditPinError('--trust-code', value, 'a keccak256 hash, 0x and 64 hexadecimal digits')
  }
  return value.toLowerCase()
}

const committeeOf = ({ address, signers, threshold, maxConfidenceBps }: DeployedFeed): PinnedSource => ({
  ...{ address, signers, threshold, maxConfidenceBps },
})

/** Where the contracts of one of a deployment's registries stand, and who attests for it. */
export function pinnedDeployment(
  { addresses, sources, portfolio, cross }: Deployment,
  registry: string | undefined,
): PinnedDeployment {
  const { council, modelRegistry } = addresses
  const ofMargins = [portfolio, cross].find((each) => each?.registry.toLowerCase() === registry?.toLowerCase())
  return {
    ...{ council, modelRegistry },
    sources:
      ofMargins !== undefined
        ? [{ address: ofMargins.rounds }]
        : sources.map((source) => (source.kind === 'attestedFeed' ? committeeOf(source) : { address: source.address })),
  }
}

/** Audits a bundle against the keys at hand, and against a deployment where one is given. */
export async function auditFromFile(file: string, options: PinOptions): Promise<PinnedAudit<AnyAuditReport>> {
  const deployment = options.deployment === undefined ? undefined : await readDeployment(options.deployment)
  const registry = options.registry ?? deployment?.addresses.registry
  const [load, judge] = (await isCrossBundle(file))
    ? [crossAuditKeys, auditCrossOffline]
    : (await isPortfolioAuditBundle(file))
      ? [portfolioAuditKeys, auditPortfolioOffline]
      : [marketAuditKeys, auditOffline]
  const keys = await load(options.keys, deployment)
  const report: AnyAuditReport = await judge(file, {
    ...pinsBrought(options, registry, deployment),
    ...pinsOfKeys(keys),
    ...(registry === undefined ? {} : { registry }),
    ...(deployment === undefined ? {} : { chainId: deployment.chainId }),
  })
  return { report, pins: pinsOf(report, keys, options, 'nobody: the bundle says so') }
}

/** What a verdict rests on: what was brought along by file or flag, and what was taken from `otherwise`. */
function pinsOf(
  { chainId, registry, deployed, models }: Pick<AuditReport, 'chainId' | 'registry' | 'deployed' | 'models'>,
  keys: readonly AuditKey[],
  options: PinOptions,
  otherwise: string,
): readonly Pin[] {
  const { registry: asked, deployment, keys: folder } = options
  const keysOfModels = keys.filter(({ build }) => models.some(({ name }) => name === build))
  return [
    ...codePins(deployed, options),
    { what: 'chain', value: chainId.toString(), by: deployment ?? otherwise },
    { what: 'registry', value: registry, by: asked === undefined ? (deployment ?? otherwise) : '--registry' },
    // A key pins nothing where no model is of it.
    ...keysOfModels.map(({ build, verificationKey, manifest }) => ({
      what: 'keys' as const,
      value: `${build} sha256 ${verificationKeyHash(verificationKey).slice(0, 16)}…`,
      by: keysFrom(folder, manifest?.kind),
    })),
  ]
}

/** Where keys come from that a verdict rests on. */
export const keysFrom = (folder: string | undefined, kind: string | undefined): string =>
  `${folder ?? HERE}${kind === undefined ? '' : `, ${kind} key`}`

/** Which code counts as ours, and what else is asked of whoever governs. */
function codePins(
  { contracts }: DeployedReport,
  { governor, leastDelay, trustCode = [], deployment }: PinOptions,
): Pin[] {
  const names = [...new Set(contracts.map(({ name }) => name))].filter(isContractName)
  const compiled = sha256(names.map((name) => artifactOf(name).deployedBytecode).join())
  const value = `${names.join(', ')} sha256 ${compiled.slice(0, 16)}…`
  return [
    { what: 'code', value, by: `${HERE} ${packageVersion}, compiled` },
    ...trustCode.map((hash): Pin => ({ what: 'code', value: `keccak256 ${hash.slice(0, 18)}…`, by: '--trust-code' })),
    ...(deployment === undefined
      ? []
      : [{ what: 'contracts' as const, value: 'council, registry of models, sources, signers', by: deployment }]),
    ...(governor === undefined ? [] : [{ what: 'governors' as const, value: governor.join(' '), by: '--governor' }]),
    ...(leastDelay === undefined
      ? []
      : [{ what: 'least delay' as const, value: `${leastDelay} h`, by: '--least-delay' }]),
  ]
}

const isContractName = (name: string): name is ContractName => Object.hasOwn(contractSources, name)

/** Tells of every tenth batch. */
function progressOf(say: (line: string) => void): (step: string, done: number, total: number) => void {
  return (step, done, total) => {
    if (done % 10 === 0 && done > 0) say(`${step}: ${done} of ${total}`)
  }
}

/** An auditor has no keys to judge by. */
export class AuditKeysMissingError extends ProverError {
  readonly code = 'service.audit-keys-missing'
  readonly circuit: string
  readonly folder: string | undefined

  constructor(folder: string | undefined, cause: KeysMissingError) {
    super(
      `Expected the verification keys that you trust in ${folder ?? HERE}, found none for ${cause.circuit} as compiled here. ` +
        'A verdict counts only under keys that do not come from the prover: take them from where the ceremony’s outcome is ' +
        'published, and name their folder with --keys. Of a development chain they are in build/keys of the checkout that ' +
        'deployed it.',
      { cause },
    )
    this.circuit = cause.circuit
    this.folder = folder
  }
}

/** Nothing to audit was named. */
export class AuditTargetError extends UsageError {
  readonly code = 'service.audit-target'

  constructor() {
    super('Say what to audit: --rpc with --registry or --deployment, or --bundle for a file.')
  }
}

/** A pin is no address, or no hash. */
export class AuditPinError extends UsageError {
  readonly code = 'service.audit-pin'
  readonly option: string
  readonly value: string

  constructor(option: string, value: string, expected: string) {
    super(`Expected ${expected} after ${option}, got ${JSON.stringify(value.slice(0, 80))}.`)
    this.option = option
    this.value = value
  }
}
