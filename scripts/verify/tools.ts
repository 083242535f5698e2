/**
 * The analysers that contracts are verified with, in pinned versions, in a folder of the cache outside of the clone: halmos and
 * slither from PyPI in a virtual environment of their own, forge from npm. Nobody needs them to use the engine.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, join } from 'node:path'
import { cache } from '../tools/cache.ts'

const pythonPackages = ['halmos==0.3.3', 'slither-analyzer==0.11.6'] as const
const npmPackages = ['@foundry-rs/forge@1.7.1'] as const

export type Tools = {
  readonly forge: string
  readonly halmos: string
  readonly slither: string
  /** Stands in for a native solc: the project's own compiler, which comes from npm as WebAssembly. */
  readonly solc: string
  /** With all of them on its PATH. */
  readonly environment: NodeJS.ProcessEnv
}

/**
 * Installs what is not there yet, which takes about a minute.
 *
 * @throws {@link ToolNotInstalledError} that says which one, and what its installer said
 */
export function installTools(): Tools {
  const folder = toolsFolder()
  const done = join(folder, 'installed')
  if (!areToolsInstalled()) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(join(folder, 'npm'), { recursive: true })
    console.log(`Installing ${[...pythonPackages, ...npmPackages].join(', ')} into ${folder}.`)
    run('Python 3', 'python3', ['-m', 'venv', join(folder, 'python')])
    run(pythonPackages.join(', '), join(folder, 'python', 'bin', 'pip'), ['install', '--quiet', ...pythonPackages])
    const npm = [
      'install',
      '--prefix',
      join(folder, 'npm'),
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
      ...npmPackages,
    ]
    run(npmPackages.join(', '), 'npm', npm)
    writeFileSync(done, '')
  }
  return toolsIn(folder)
}

export const areToolsInstalled = (): boolean => existsSync(join(toolsFolder(), 'installed'))

function toolsFolder(): string {
  const key = createHash('sha256')
    .update(JSON.stringify([pythonPackages, npmPackages, process.platform, process.arch]))
    .digest('hex')
  return join(cache.folder, 'verify', key.slice(0, 16))
}

function run(tool: string, command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new ToolNotInstalledError(tool, (error?.message ?? stderr ?? '').trim().split('\n').slice(-3))
}

function toolsIn(folder: string): Tools {
  // The package of this machine holds the binary itself; the script beside it exits 0 when tests fail.
  const packages = join(folder, 'npm', 'node_modules', '@foundry-rs')
  const platform = readdirSync(packages).find((name) => name.startsWith('forge-'))
  if (platform === undefined) throw new ToolNotInstalledError('forge', [`none for ${process.platform} ${process.arch}`])
  const python = join(folder, 'python', 'bin')
  const forge = join(packages, platform, 'bin')
  const solc = join(folder, 'solc.cjs')
  writeFileSync(solc, solcSource(), { mode: 0o755 })
  const path = [python, forge, join(process.execPath, '..'), process.env.PATH].join(delimiter)
  return {
    forge: join(forge, 'forge'),
    halmos: join(python, 'halmos'),
    slither: join(python, 'slither'),
    solc,
    environment: { ...process.env, PATH: path },
  }
}

/** The settings of hardhat.config.ts for a copy of the contracts; what no test imports is compiled if it lies in `sources`. */
export function writeFoundryConfig(
  tools: Tools,
  project: string,
  { sources, tests }: { readonly sources: string; readonly tests: string },
): void {
  const config = `[profile.default]
src = ${JSON.stringify(sources)}
test = ${JSON.stringify(tests)}
libs = ["node_modules"]
remappings = ["@openzeppelin/=node_modules/@openzeppelin/"]
solc = ${JSON.stringify(tools.solc)}
offline = true
evm_version = "cancun"
ast = true
via_ir = true
optimizer = true
optimizer_runs = 10000
`
  writeFileSync(join(project, 'foundry.toml'), config)
}

/** As forge asks a compiler: for its version, and with a description of what to compile on its standard input. */
function solcSource(): string {
  const solc = createRequire(import.meta.url).resolve('solc')
  return `#!/usr/bin/env node
const solc = require(${JSON.stringify(solc)});
const fs = require('fs');
if (process.argv.includes('--version')) {
  process.stdout.write('solc, the solidity compiler commandline interface\\nVersion: ' + solc.version().replace('.Emscripten.clang', '.Linux.g++') + '\\n');
} else if (process.argv.includes('--standard-json')) {
  fs.writeSync(1, solc.compile(fs.readFileSync(0, 'utf8')) + '\\n');
} else {
  process.exit(2);
}
`
}

/** An analyser is not there and could not be installed. */
export class ToolNotInstalledError extends Error {
  readonly tool: string
  readonly said: readonly string[]
  constructor(tool: string, said: readonly string[]) {
    super(
      `${tool} is needed to verify the contracts and could not be installed: ${said.join(' ')}\nIt takes Python 3.11 or later with venv, and reaching PyPI and npm's registry once.`,
    )
    this.tool = tool
    this.said = said
  }
}
