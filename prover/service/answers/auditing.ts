/** Auditing with the keys on this machine's disk. */
import { type Build, portfolioBuilds } from '../../../circuits/statements/index.ts'
import {
  type AuditKey,
  type AuditReport,
  audit,
  auditOffline,
  auditPortfolio,
  isPortfolioRegistry,
  type Pin,
  type PortfolioAuditReport,
  writeAuditBundle,
} from '../../audit/index.ts'
import { isPackageAlone } from '../../config.ts'
import { ProverError } from '../../errors.ts'
import { KeysMissingError, type VerifyingKeys, verificationKeyHash } from '../../proof/index.ts'
import { connectProvider, type Deployment, readDeployment } from '../../registry/index.ts'
import { verifierFor } from '../deploying/verifier.ts'
import { loadMarketVerifyingKeys, loadVerifyingKeys } from '../workspace.ts'

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

async function brought<T>(folder: string | undefined, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    throw error instanceof KeysMissingError ? new AuditKeysMissingError(folder, error) : error
  }
}

/**
 * The same of all that prove prices and margins.
 *
 * @example
 * const keys = await portfolioAuditKeys()
 * keys.length // → 4
 */
export const portfolioAuditKeys = (folder?: string): Promise<readonly AuditKey[]> => auditKeys(folder, portfolioBuilds)

/** An audit's report, and what it was pinned to. */
export type PinnedAudit<R> = { readonly report: R; readonly pins: readonly Pin[] }

export type ChainAuditOptions = {
  readonly rpc?: string | undefined
  readonly registry?: string | undefined
  readonly deployment?: string | undefined
  readonly fromBlock?: number | undefined
  /** Audit bundle to write. */
  readonly out?: string | undefined
  readonly keys?: string | undefined
  /** Page to write. */
  readonly html?: string | undefined
  readonly say: (line: string) => void
}

/**
 * Audits a registry of either kind through a node.
 *
 * @throws {@link AuditTargetError} if it is not said what to audit, or where
 */
export async function auditFromChain(
  options: ChainAuditOptions,
): Promise<PinnedAudit<AuditReport | PortfolioAuditReport>> {
  const deployment = options.deployment === undefined ? undefined : await readDeployment(options.deployment)
  const registry = options.registry ?? deployment?.addresses.registry
  if (options.rpc === undefined || registry === undefined) throw new AuditTargetError()
  const provider = await connectProvider(options.rpc, deployment?.chainId)
  const target = {
    provider,
    registry,
    fromBlock: options.fromBlock ?? deployment?.block ?? 0,
    onProgress: progressOf(options.say),
    ...(deployment === undefined ? {} : { expectedChainId: deployment.chainId }),
  }
  if (await isPortfolioRegistry(provider, registry)) {
    if (options.out !== undefined) throw new NoPortfolioBundleError()
    if (options.html !== undefined) throw new NoPortfolioPageError()
    const keys = await portfolioAuditKeys(options.keys)
    const { report } = await auditPortfolio({ ...target, keys })
    return { report, pins: pinsOf(report, keys, options, 'what the node says') }
  }
  const keys = await marketAuditKeys(options.keys, deployment)
  const { report, record } = await audit({ ...target, keys })
  if (options.out !== undefined) await writeAuditBundle(options.out, record)
  return { report, pins: pinsOf(report, keys, options, 'what the node says') }
}

type PinOptions = Pick<ChainAuditOptions, 'registry' | 'deployment' | 'keys'>

/** Audits a bundle against the keys at hand, and against a deployment where one is given. */
export async function auditFromFile(file: string, options: PinOptions): Promise<PinnedAudit<AuditReport>> {
  const deployment = options.deployment === undefined ? undefined : await readDeployment(options.deployment)
  const registry = options.registry ?? deployment?.addresses.registry
  const keys = await marketAuditKeys(options.keys, deployment)
  const report = await auditOffline(file, {
    verificationKeyHashes: keys.map(({ verificationKey }) => `0x${verificationKeyHash(verificationKey)}`),
    ...(registry === undefined ? {} : { registry }),
    ...(deployment === undefined ? {} : { chainId: deployment.chainId }),
  })
  return { report, pins: pinsOf(report, keys, options, 'nobody: the bundle says so') }
}

/** What a verdict rests on: what was brought along by file or flag, and what was taken from `otherwise`. */
function pinsOf(
  { chainId, registry }: Pick<AuditReport, 'chainId' | 'registry'>,
  keys: readonly AuditKey[],
  { registry: asked, deployment, keys: folder }: PinOptions,
  otherwise: string,
): readonly Pin[] {
  return [
    { what: 'chain', value: chainId.toString(), by: deployment ?? otherwise },
    { what: 'registry', value: registry, by: asked === undefined ? (deployment ?? otherwise) : '--registry' },
    ...keys.map(({ build, verificationKey, manifest }) => ({
      what: 'keys' as const,
      value: `${build} sha256 ${verificationKeyHash(verificationKey).slice(0, 16)}…`,
      by: `${folder ?? HERE}${manifest === undefined ? '' : `, ${manifest.kind} key`}`,
    })),
  ]
}

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
        'An audit counts only under keys that do not come from the prover: take them from where the ceremony’s outcome is ' +
        'published, and name their folder with --keys. Of a development chain they are in build/keys of the checkout that ' +
        'deployed it.',
      { cause },
    )
    this.circuit = cause.circuit
    this.folder = folder
  }
}

/** Nothing to audit was named. */
export class AuditTargetError extends ProverError {
  readonly code = 'service.audit-target'

  constructor() {
    super('Say what to audit: --rpc with --registry or --deployment, or --bundle for a file.')
  }
}

/** Audits of portfolio registries have no bundle. */
export class NoPortfolioBundleError extends ProverError {
  readonly code = 'service.no-portfolio-bundle'

  constructor() {
    super('Expected no --out: an audit of a portfolio registry has no bundle yet. Use --json for its report.')
  }
}

/** Audits of portfolio registries have no page. */
export class NoPortfolioPageError extends ProverError {
  readonly code = 'service.no-portfolio-page'

  constructor() {
    super('Expected no --html: an audit of a portfolio registry has no page. Its table tells of every leg.')
  }
}
