/** How Hardhat compiles our contracts: those that are ours only, in threads side by side, and once for all clones. */
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { SolidityHooks } from 'hardhat/types/hooks'
import type { HardhatPlugin } from 'hardhat/types/plugins'
import type { CompilerInput, CompilerOutput, CompilerOutputContract } from 'hardhat/types/solidity'
import { cache } from './cache.ts'
import type { SolcAnswer } from './solcWorker.ts'
import { contentHash, versionOf } from './sources.ts'

type Selection = CompilerInput['settings']['outputSelection']

/** Characters of contracts that a thread of their own pays for: it parses all sources again. */
const LEAST_PER_THREAD = 15_000

const compilerPath = createRequire(import.meta.url).resolve('solc/soljson.js')

const hooks: Partial<SolidityHooks> = {
  preprocessSolcInputBeforeBuilding: async (context, input, next) => ownContractsOnly(await next(context, input)),
  invokeSolc: async (context, compiler, input, config, next) =>
    compiler.compilerPath === compilerPath ? compile(input) : next(context, compiler, input, config),
}

export const ownSolidity: HardhatPlugin = {
  id: 'zkrisk-solidity',
  hookHandlers: { solidity: async () => ({ default: async () => hooks }) },
}

/**
 * Hardhat asks for the code of every contract of every package that ours import something from. Of those its chain, which
 * says where a transaction failed, needs no more than of an abstract contract.
 */
export function ownContractsOnly(input: CompilerInput): CompilerInput {
  const { '': ofFiles = [], '*': ofContracts = [] } = input.settings.outputSelection['*'] ?? {}
  const own = Object.keys(input.sources).filter(isOurs)
  const ofAll = ofContracts.filter((output) => output === 'abi' || output === 'evm.methodIdentifiers')
  const outputSelection: Selection = { '*': { '': ofFiles, '*': ofAll } }
  for (const file of own) outputSelection[file] = { '*': ofContracts }
  return { ...input, settings: { ...input.settings, outputSelection } }
}

/** Ours, or deployed by us: see `npmFilesToBuild` in hardhat.config.ts. */
const isOurs = (file: string): boolean => file.startsWith('project/') || file.endsWith('/tokens/WETH.sol')

async function compile(input: CompilerInput): Promise<CompilerOutput> {
  const key = contentHash([], JSON.stringify(input), versionOf('solc'))
  const kept = cache.get('contracts', key)?.get('output.json')
  if (kept !== undefined) return JSON.parse(kept.toString()) as CompilerOutput
  const output = await compileInParts(input)
  const failed = output.errors?.some(({ severity }) => severity === 'error')
  if (!failed) cache.put('contracts', key, new Map([['output.json', JSON.stringify(output)]]))
  return output
}

/**
 * The same sources with a part of the output asked for in each: a contract's code does not depend on which others are
 * compiled beside it. What is asked of all files is a part of its own, because together with a request for any code the
 * compiler would generate that of all. The dearest contracts, by length, go to different parts.
 */
export function partsOf(input: CompilerInput, most: number = availableParallelism()): readonly CompilerInput[] {
  const { '*': ofAll = {}, ...selection } = input.settings.outputSelection
  const lengthOf = (file: string): number => {
    const { content } = input.sources[file] ?? { content: '' }
    return /^contract \w+/m.test(content) ? content.length : 0
  }
  const files = Object.keys(selection).sort((a, b) => lengthOf(b) - lengthOf(a))
  const total = files.reduce((sum, file) => sum + lengthOf(file), 0)
  const count = Math.max(1, Math.min(most, Math.floor(total / LEAST_PER_THREAD)))
  const parts = Array.from({ length: count }, () => ({ length: 0, selection: {} as Selection }))
  for (const file of files) {
    const shortest = parts.reduce((a, b) => (b.length < a.length ? b : a))
    shortest.length += lengthOf(file)
    shortest.selection[file] = selection[file] ?? {}
  }
  return [...parts.map((part) => part.selection), { '*': ofAll }].map((outputSelection) => ({
    ...input,
    settings: { ...input.settings, outputSelection },
  }))
}

/** @param most - threads, besides the one for what is asked of all files */
export async function compileInParts(input: CompilerInput, most?: number): Promise<CompilerOutput> {
  return merge(await Promise.all(partsOf(input, most).map(compileInThread)))
}

/** A thread that holds more is ended, not kept for the next contracts. */
const MOST_IDLE_BYTES = 128 * 2 ** 20

/** Threads whose compiler is loaded, which takes half a second; without work they keep no process alive. */
const idle: Worker[] = []

async function compileInThread(input: CompilerInput): Promise<CompilerOutput> {
  const worker = idle.pop() ?? new Worker(new URL('./solcWorker.ts', import.meta.url), { execArgv: [] })
  worker.ref()
  worker.postMessage(JSON.stringify(input))
  const [{ output, memoryBytes }] = (await once(worker, 'message')) as [SolcAnswer]
  worker.unref()
  if (memoryBytes > MOST_IDLE_BYTES) void worker.terminate()
  else idle.push(worker)
  return JSON.parse(output) as CompilerOutput
}

/** Every part numbers the files alike; the same warning may come from several. */
function merge(outputs: readonly CompilerOutput[]): CompilerOutput {
  const errors = new Map(outputs.flatMap(({ errors = [] }) => errors.map((error) => [JSON.stringify(error), error])))
  const sources: CompilerOutput['sources'] = {}
  const contracts: NonNullable<CompilerOutput['contracts']> = {}
  for (const output of outputs) {
    for (const [file, source] of Object.entries(output.sources)) sources[file] = { ...sources[file], ...source }
    for (const [file, ofFile] of Object.entries(output.contracts ?? {})) {
      const complete = Object.entries(ofFile).map(([name, contract]) => [name, withCode(contract)])
      contracts[file] = { ...Object.fromEntries(complete), ...contracts[file] }
    }
  }
  return { sources, contracts, errors: [...errors.values()] }
}

/** As the compiler puts it for an abstract contract. */
function withCode(contract: CompilerOutputContract): CompilerOutputContract {
  const none = { object: '', opcodes: '', sourceMap: '', linkReferences: {} }
  const evm = { methodIdentifiers: {}, bytecode: none, deployedBytecode: { ...none, immutableReferences: {} } }
  return { ...contract, evm: { ...evm, ...contract.evm } }
}
