/** An audit of margins: every proven margin of a portfolio registry, re-derived leg by leg from chain data alone. */
import type { Provider } from 'ethers'
import { refusesAs } from '../registryKind.ts'
import { type AuditOptions, readAndJudge } from '../target.ts'
import { collectPortfolioRecord } from './collect.ts'
import { judgePortfolio } from './judge.ts'
import type { PortfolioRecord } from './record.ts'
import type { PortfolioAuditReport } from './report.ts'

/** A verdict and what it rests on. */
export type PortfolioAudit = { readonly report: PortfolioAuditReport; readonly record: PortfolioRecord }

/**
 * Reads a portfolio registry's history from a node and judges it.
 *
 * @throws {@link RpcUnreachableError}, {@link WrongChainError}, {@link RpcError} if the node does not answer or is another's
 * @throws {@link RegistryMissingError} if there is no contract at the address
 * @throws {@link HistoryIncompleteError} if `fromBlock` lies after the deployment. A false history does not throw; it is
 * reported
 * @example
 * import { Wallet } from 'ethers'
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * const council = new Wallet(process.env.COUNCIL_KEY, provider)
 * const { provable } = await marginOf(readAccount('portfolio.json', {}))
 * const { registry, block } = await deployPortfolio(council, {
 *   council: addresses.council,
 *   modelRegistry: addresses.modelRegistry,
 *   market: 'BTC-USD',
 *   rounds: { signers: [council.address], threshold: 1 },
 *   policy: policyOf(provable),
 *   venue: council.address,
 *   models: [],
 * })
 * const { report } = await auditPortfolio({ provider, registry, fromBlock: block, keys: await portfolioAuditKeys() })
 * report.accepted // → true
 */
export async function auditPortfolio(options: AuditOptions): Promise<PortfolioAudit> {
  const { report, record } = await readAndJudge(options, (asked) => collectPortfolioRecord(asked), judgePortfolio)
  return { report, record }
}

/**
 * Whether the contract at an address is a portfolio registry: only that kind refuses the margin of nobody so.
 *
 * @example
 * const { addresses } = await readDeployment('deployment.json')
 * const provider = await connectProvider('http://127.0.0.1:8545')
 * await isPortfolioRegistry(provider, addresses.registry) // → false
 */
export async function isPortfolioRegistry(provider: Provider, registry: string): Promise<boolean> {
  return refusesAs(provider, registry, 'portfolio')
}
