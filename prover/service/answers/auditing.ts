/** Auditing with the keys on this machine's disk. */
import { type Build, portfolioBuilds } from '../../../circuits/statements/index.ts'
import {
  type AuditKey,
  type AuditReport,
  audit,
  auditOffline,
  auditPortfolio,
  isPortfolioRegistry,
  type PortfolioAuditReport,
  writeAuditBundle,
} from '../../audit/index.ts'
import { ProverError } from '../../errors.ts'
import { type CircuitKeys, verificationKeyHash } from '../../proof/index.ts'
import { connectProvider, type Deployment, readDeployment } from '../../registry/index.ts'
import { verifierFor } from '../deploying/verifier.ts'
import { loadKeys, loadMarketKeys } from '../workspace.ts'

/** What an auditor trusts of a key: its values, and the verifier compiled from it here. */
export function auditKeyOf({ circuit, verificationKey, manifest }: CircuitKeys): AuditKey {
  const verifierCode = verifierFor(circuit, verificationKey).deployedBytecode
  return { build: circuit as AuditKey['build'], verificationKey, manifest, verifierCode }
}

/** Keys of builds compiled here. */
export const auditKeys = async (
  folder: string | undefined,
  of: readonly Pick<Build, 'name'>[],
): Promise<readonly AuditKey[]> => Promise.all(of.map(async ({ name }) => auditKeyOf(await loadKeys(name, folder))))

/** The same of all that prove parameters of markets: of the default model, and of whatever other models have been built. */
export async function marketAuditKeys(folder?: string, deployment?: Deployment): Promise<readonly AuditKey[]> {
  const deployed = deployment?.models.map(({ name }) => name)
  return (await loadMarketKeys(folder, deployed)).map(auditKeyOf)
}

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
export async function auditFromChain(options: ChainAuditOptions): Promise<AuditReport | PortfolioAuditReport> {
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
    return (await auditPortfolio({ ...target, keys: await auditKeys(options.keys, portfolioBuilds) })).report
  }
  const { report, record } = await audit({ ...target, keys: await marketAuditKeys(options.keys, deployment) })
  if (options.out !== undefined) await writeAuditBundle(options.out, record)
  return report
}

/** Audits a bundle against the keys at hand, and against a deployment where one is given. */
export async function auditFromFile(
  file: string,
  options: Pick<ChainAuditOptions, 'registry' | 'deployment' | 'keys'>,
): Promise<AuditReport> {
  const deployment = options.deployment === undefined ? undefined : await readDeployment(options.deployment)
  const registry = options.registry ?? deployment?.addresses.registry
  const keys = await marketAuditKeys(options.keys, deployment)
  return auditOffline(file, {
    verificationKeyHashes: keys.map(({ verificationKey }) => `0x${verificationKeyHash(verificationKey)}`),
    ...(registry === undefined ? {} : { registry }),
    ...(deployment === undefined ? {} : { chainId: deployment.chainId }),
  })
}

/** Tells of every tenth batch. */
function progressOf(say: (line: string) => void): (step: string, done: number, total: number) => void {
  return (step, done, total) => {
    if (done % 10 === 0 && done > 0) say(`${step}: ${done} of ${total}`)
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
