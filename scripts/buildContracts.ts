/** Compiles the contracts into build/artifacts: ours first, then the verifiers, which follow from the keys. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ContractsAnswer, ContractsTask } from './contractsWorker.ts'
import { contentHash, filesBelow, root, versionOf } from './tools/sources.ts'
import { isStamped, stamp } from './tools/stamps.ts'

const VERIFIERS = 'build/contracts/'
/** What a build is for: everything, parameters of markets, or margins of accounts. */
export type BuildScope = 'all' | 'markets' | 'margins'

/** A third of the work, for portfolios alone. */
const FOR_PORTFOLIOS = [
  'contracts/registry/CrossMarginRegistry.sol',
  'contracts/registry/CrossPolicy.sol',
  'contracts/registry/PortfolioRegistry.sol',
  'contracts/registry/RiskArrays.sol',
]
/** Most of the rest: what moves markets, and who reads them. */
const FOR_MARKETS = [
  'contracts/consumers',
  'contracts/market/AttestedFeed.sol',
  'contracts/market/MedianFeed.sol',
  'contracts/market/oracles',
  'contracts/registry/RiskRegistry.sol',
]
const notNeededFor: Readonly<Record<BuildScope, readonly string[]>> = {
  all: [],
  markets: FOR_PORTFOLIOS,
  margins: FOR_MARKETS,
}

let thread: Worker | undefined

/** @returns what was compiled; undefined when all was up to date */
export function compileOwnContracts(scope: BuildScope): Promise<string | undefined> {
  return compile('contracts', [VERIFIERS, ...notNeeded(scope)])
}

/** The verifiers, after the keys and our own contracts. */
export async function compileVerifiers(scope: BuildScope): Promise<string | undefined> {
  const done = await compile('verifiers', notNeeded(scope))
  await thread?.terminate()
  return done
}

/** What was once compiled is kept up to date, with what has come to go with it since. */
function notNeeded(scope: BuildScope): readonly string[] {
  const isThere = (file: string): boolean => existsSync(join(root, 'build', 'artifacts', file))
  return notNeededFor[scope].some(isThere) ? [] : notNeededFor[scope]
}

async function compile(name: string, leaveOut: readonly string[]): Promise<string | undefined> {
  const all = [...filesBelow('contracts', '.sol'), ...filesBelow('build/contracts', '.sol')]
  const sources = all.filter((file) => !leaveOut.some((start) => file.startsWith(start)))
  const tools = ['hardhat', 'solc', '@openzeppelin/contracts', 'solady'].map(versionOf)
  const key = contentHash([...sources, 'hardhat.config.ts', 'scripts/tools/solidity.ts'], ...tools)
  if (existsSync(join(root, 'build', 'artifacts')) && isStamped(name, key)) return undefined
  const { failure } = await runHardhat({ leaveOut })
  if (failure !== undefined) throw new Error(failure)
  stamp(name, key)
  return `${sources.length} files`
}

/** What Hardhat prints is said again in its answer, or of no interest. */
async function runHardhat(task: ContractsTask): Promise<ContractsAnswer> {
  thread ??= new Worker(new URL('./contractsWorker.ts', import.meta.url), { execArgv: [], stdout: true, stderr: true })
  thread.ref()
  thread.postMessage(task)
  const [answer] = (await once(thread, 'message')) as [ContractsAnswer]
  thread.unref()
  return answer
}
