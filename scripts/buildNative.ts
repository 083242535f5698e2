/**
 * Builds the native prover into build/native: prover/proof/native with Go, and a small circuit with keys for its self-test, which it
 * must then pass. Keyed by the sources, the version of Go and the platform.
 *
 *   node scripts/buildNative.ts
 *
 * Everything works without it. Where it cannot be built the reason is written to build/native/missing.txt, for `zkrisk doctor`.
 */
import { type ExecFileOptions, execFile } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nativeProgram, refusalFile, selfTestKeys } from '../prover/proof/backends/nativeBuild.ts'
import { NativeProver } from '../prover/proof/backends/nativeProver.ts'
import { SELF_TEST_INPUT, testNativeProver } from '../prover/proof/backends/nativeSelfTest.ts'
import { compileCircom } from './tools/compileCircom.ts'
import { contentHash, filesBelow, root, versionOf } from './tools/sources.ts'

const SOURCE = 'prover/proof/native'
/** Downloading modules included, and a newer Go where the one that is there fetches it (GOTOOLCHAIN). */
const TIMEOUT_MS = 300_000
const SELF_TEST = `pragma circom 2.2.0;
template SelfTest() {
    signal input factors[${SELF_TEST_INPUT.factors.length}];
    signal output number <== factors[0] * factors[1];
}
component main = SelfTest();
`

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
    const version = await goVersion()
    const key = `${sources} ${contentHash([], version, process.platform, process.arch)}`
    if (stampOf(folder) === key) return undefined
    rmSync(stampFile(folder), { force: true })
    await compileProgram(folder)
    const circuit = await compileCircom('selfTest', SELF_TEST, join(folder, 'selfTest'))
    await selfTestKeys(folder).loadOrMakeDevelopmentKeys(circuit)
    await runSelfTest(folder)
    rmSync(refusalFile(folder), { force: true })
    writeFileSync(stampFile(folder), key)
    return version
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

/** The Go that builds here; an old one may have fetched it, unless its user has said otherwise. */
async function goVersion(): Promise<string> {
  try {
    return (await run('go', ['env', 'GOVERSION'], { cwd: join(root, SOURCE) })).trim()
  } catch (error) {
    const { cause, message } = error as Error & { cause?: NodeJS.ErrnoException }
    const isAbsent = cause?.code === 'ENOENT'
    throw new NoToolchainError(isAbsent ? 'there is no Go toolchain in PATH (https://go.dev/dl)' : message.trim())
  }
}

async function compileProgram(folder: string): Promise<void> {
  const draft = `${nativeProgram(folder)}.draft-${process.pid}`
  // Read by run.mjs too: only the same arguments find what is compiled already.
  const goBuild = JSON.parse(readFileSync(join(root, SOURCE, 'goBuild.json'), 'utf8'))
  try {
    await run('go', [...goBuild.arguments, '-o', draft, '.'], {
      cwd: join(root, SOURCE),
      env: { ...process.env, ...goBuild.environment },
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

/** It lacks what a build takes: Go, of a version that will do. */
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
