/** Compiles Solidity that only tests need (the verifier of a test key, an unguarded source), outside the project's build. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { contentHash, filesBelow, root } from '../sources.ts'

export type CompiledContract = { readonly abi: readonly object[]; readonly bytecode: string }
/** With the code that stands when it is deployed, by which engines know it. */
export type RuntimeContract = CompiledContract & { readonly deployedBytecode: string }

type Compiler = { compile(input: string, callbacks: { import(path: string): { contents: string } }): string }
type CompilerOutput = {
  readonly errors?: readonly { readonly severity: string; readonly formattedMessage: string }[]
  readonly contracts: Record<string, Record<string, { abi: object[]; evm: Record<CodeName, { object: string }> }>>
}
type CodeName = 'bytecode' | 'deployedBytecode'

const require = createRequire(import.meta.url)

/** Where `contracts/` is looked up: where lines are counted, in what they are counted in. */
const sourcesFolder = process.env.ZKRISK_COUNTED_SOURCES || root

/**
 * Compiles one contract, or takes it from the cache: its key is the source, ours that it may import, and the compiler.
 *
 * @param source - imports are looked up in the project and in node_modules
 */
export const compileContract = (name: string, source: string): CompiledContract => kept(name, source, ['bytecode'])

/** The same, with its runtime code. */
export const compileRuntime = (name: string, source: string): RuntimeContract =>
  kept(name, source, ['bytecode', 'deployedBytecode']) as RuntimeContract

function kept(name: string, source: string, codes: readonly CodeName[]): CompiledContract {
  const { version } = require('solc/package.json') as { version: string }
  const imported = source.includes('"contracts/') ? contentHash(filesBelow('contracts', '.sol')) : ''
  const folder = sourcesFolder === root ? '' : sourcesFolder
  const key = createHash('sha256')
    .update(
      `${version}\0${name}\0${source}\0${imported}\0${folder}${codes
        .slice(1)
        .map((code) => `\0${code}`)
        .join('')}`,
    )
    .digest('hex')
  const file = join(root, 'build', 'testContracts', `${key}.json`)
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as CompiledContract

  const compiled = compile(name, source, codes)
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(compiled))
  renameSync(`${file}.${process.pid}`, file)
  return compiled
}

function compile(name: string, source: string, codes: readonly CodeName[]): CompiledContract {
  const compiler = require('solc') as Compiler
  const input = {
    language: 'Solidity',
    sources: { 'test.sol': { content: source } },
    settings: {
      evmVersion: 'cancun',
      viaIR: true,
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { 'test.sol': { '*': ['abi', ...codes.map((code) => `evm.${code}.object`)] } },
    },
  }
  const answer = compiler.compile(JSON.stringify(input), {
    import: (path) => ({
      contents: readFileSync(
        existsSync(join(sourcesFolder, path)) ? join(sourcesFolder, path) : join(root, 'node_modules', path),
        'utf8',
      ),
    }),
  })
  const output = JSON.parse(answer) as CompilerOutput
  const error = output.errors?.find(({ severity }) => severity === 'error')
  if (error) throw new Error(error.formattedMessage)
  const contract = output.contracts['test.sol']?.[name]
  if (!contract) throw new Error(`The source has no contract ${name}.`)
  const found = codes.map((code) => [code, `0x${contract.evm[code].object}`] as const)
  return { abi: contract.abi, ...(Object.fromEntries(found) as Record<CodeName, string>) }
}
