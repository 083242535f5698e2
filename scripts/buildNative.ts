/**
 * Builds the native prover into build/native: prover/proof/native/main.go with Go and a C compiler, and a small circuit with keys
 * for its self-test, which it must then pass. Keyed by the sources, the compilers and the processor.
 *
 *   node scripts/buildNative.ts
 *
 * Everything works without it. Where it cannot be built the reason is written to build/native/missing.txt, for `zkrisk doctor`.
 */
import { type ExecFileOptions, execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nativeProgram, refusalFile, selfTestKeys } from '../prover/proof/nativeBuild.ts'
import { NativeProver } from '../prover/proof/nativeProver.ts'
import { SELF_TEST_INPUT, testNativeProver } from '../prover/proof/nativeSelfTest.ts'
import { compileCircom } from './compileCircom.ts'
import { contentHash, filesBelow, root, versionOf } from './sources.ts'

const SOURCE = 'prover/proof/native'
/** Downloading the module (10 MB) included. */
const TIMEOUT_MS = 300_000
/** What go-rapidsnark has a library for. */
const PLATFORMS = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']

const SELF_TEST = `pragma circom 2.2.0;
template SelfTest() {
    signal input factors[${SELF_TEST_INPUT.factors.length}];
    signal output number <== factors[0] * factors[1];
}
component main = SelfTest();
`

type Toolchain = { readonly versions: readonly string[]; readonly tags: readonly string[] }

/**
 * Builds what is missing or stale.
 *
 * @param folder - absolute path, inside the project
 * @returns what was done; undefined when all was up to date
 * @throws {@link NativeBuildError} if it cannot be built here; one of older sources is gone then
 */
export async function buildNative(folder: string = join(root, 'build', 'native')): Promise<string | undefined> {
  mkdirSync(folder, { recursive: true })
  const sources = contentHash([...filesBelow(SOURCE, ''), 'scripts/buildNative.ts'], versionOf('circom2'))
  try {
    const toolchain = await findToolchain()
    const key = `${sources} ${contentHash([], ...toolchain.versions, ...toolchain.tags)}`
    if (stampOf(folder) === key) return undefined
    rmSync(stampFile(folder), { force: true })
    await compileProgram(folder, toolchain)
    const circuit = await compileCircom('selfTest', SELF_TEST, join(folder, 'selfTest'))
    await selfTestKeys(folder).loadOrMakeDevelopmentKeys(circuit)
    await runSelfTest(folder)
    rmSync(refusalFile(folder), { force: true })
    writeFileSync(stampFile(folder), key)
    return toolchain.versions.join(', ')
  } catch (error) {
    // What was built from these sources stays good when its compilers are out of reach.
    if (stampOf(folder)?.startsWith(sources)) return undefined
    rmSync(nativeProgram(folder), { force: true })
    const { message } = error as Error
    writeFileSync(refusalFile(folder), `${message}\n`)
    throw error instanceof NativeBuildError ? error : new NativeBuildError(message)
  }
}

const stampFile = (folder: string): string => join(folder, 'key')

/** What the program was built from; written last. */
function stampOf(folder: string): string | undefined {
  if (!existsSync(nativeProgram(folder)) || !existsSync(stampFile(folder))) return undefined
  return readFileSync(stampFile(folder), 'utf8')
}

async function findToolchain(): Promise<Toolchain> {
  const platform = `${process.platform}-${process.arch}`
  if (!PLATFORMS.includes(platform)) throw new NoToolchainError(`rapidsnark is not available for ${platform}`)
  const go = await run('go', ['env', 'GOVERSION', 'CC', 'CXX']).catch(() => {
    throw new NoToolchainError('there is no Go toolchain in PATH (https://go.dev/dl)')
  })
  const [goVersion = '', ...compilers] = go.trim().split('\n')
  const versions = await Promise.all(compilers.map(compilerVersion))
  return { versions: [goVersion, ...versions, platform], tags: hasModernArithmetic() ? [] : ['rapidsnark_noasm'] }
}

/** @param command - as Go calls it, options included */
async function compilerVersion(command: string): Promise<string> {
  const [program = '', ...options] = command.split(' ')
  const version = await run(program, [...options, '--version']).catch(() => {
    throw new NoToolchainError(
      `Go is there, but the C compiler it asks for is not (\`${command}\`); install gcc or clang, with C++`,
    )
  })
  return version.split('\n')[0] ?? ''
}

/** The library's assembly wants ADX and BMI2, which processors for x86-64 have had since 2015. */
function hasModernArithmetic(): boolean {
  if (process.arch !== 'x64' || !existsSync('/proc/cpuinfo')) return true
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? []
  return flags.includes('adx') && flags.includes('bmi2')
}

async function compileProgram(folder: string, { tags }: Toolchain): Promise<void> {
  const draft = join(folder, `prover.draft-${process.pid}`)
  // The library's assembly does not say that its stack need not be executable.
  const linker = process.platform === 'linux' ? ['-extldflags', '-Wl,-z,noexecstack'] : []
  const flags = ['-mod=readonly', '-buildvcs=false', '-trimpath', `-tags=${tags.join(',')}`]
  try {
    await run('go', ['build', ...flags, `-ldflags=-s -w ${linker.join(' ')}`, '-o', draft, '.'], {
      cwd: join(root, SOURCE),
      env: { ...process.env, CGO_ENABLED: '1', GOTOOLCHAIN: 'local', GOWORK: 'off' },
    })
    renameSync(draft, nativeProgram(folder))
  } catch (error) {
    throw new NativeBuildError(`go build failed: ${(error as Error).message.trim()}`)
  } finally {
    rmSync(draft, { force: true })
  }
}

async function runSelfTest(folder: string): Promise<void> {
  const prover = new NativeProver({ nativeFolder: folder })
  try {
    await testNativeProver(prover, folder)
  } finally {
    await prover.close()
  }
}

/** Runs a program; resolves to what it printed, rejects with what it complained of. */
async function run(program: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { ...options, encoding: 'utf8', timeout: TIMEOUT_MS })
    return stdout
  } catch (error) {
    const { stderr, killed, message } = error as Error & { stderr?: string; killed?: boolean }
    throw new Error(killed ? `it took longer than ${TIMEOUT_MS / 1000} s` : stderr || message, { cause: error })
  }
}

/** The native prover cannot be built on this machine. */
export class NativeBuildError extends Error {}

/** It lacks what a build takes: Go, a C compiler, or a library for this machine. */
export class NoToolchainError extends NativeBuildError {}

if (import.meta.main) {
  try {
    const built = await buildNative()
    console.error(`Native prover: ${built ?? 'up to date'}`)
  } catch (error) {
    if (!(error instanceof NativeBuildError)) throw error
    console.error(
      `The native prover was not built: ${error.message}.\nEverything works without it; proofs take longer.`,
    )
    process.exitCode = 1
  }
}
