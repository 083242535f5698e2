import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { withShortOperands } from './shortOperands.ts'
import { contentHash, root, versionOf } from './sources.ts'

/** Where `include "math/MulDown.circom"` and `include "bitify.circom"` are looked up. WASI does not follow symlinks. */
const includeFolders = ['circuits', 'node_modules/circomlib/circuits'] as const

const flags = ['--O2', '--r1cs', '--wasm', '--sym', '--inspect'] as const

/** Files of a compiled circuit, all in one folder. */
export type CompiledCircuit = {
  readonly name: string
  readonly r1cs: string
  /** Witness generator. */
  readonly wasm: string
  /** Names of the signals. */
  readonly symbols: string
  /** What the compiler said: constraint counts and warnings. */
  readonly report: string
  /** False when it was there already. */
  readonly fresh: boolean
}

/**
 * Compiles a main component with circom 2.2.3 (WASM, from npm) unless the folder already holds the result for the same
 * sources and compiler. The folder appears at once and complete, so an interrupted compilation leaves nothing to mistake.
 *
 * @param name   - name of the circuit and of its files
 * @param source - Circom text of the main file; includes are found below circuits/ and in circomlib
 * @param folder - absolute path of the folder to make, inside the project (WASI sees no further)
 * @throws {@link CompilationError} with the compiler's words
 */
export async function compileCircom(name: string, source: string, folder: string): Promise<CompiledCircuit> {
  const key = sourceKey(source)
  if (isCompiled(folder, key)) return compiledCircuit(name, folder, false)

  mkdirSync(dirname(folder), { recursive: true })
  removeAbandonedDrafts(folder)
  const draft = mkdtempSync(`${folder}.draft-`)
  try {
    writeFileSync(join(draft, `${name}.circom`), source)
    const report = await runCircom(name, draft)
    if (sourceKey(source) !== key) return await compileCircom(name, source, folder)
    const generator = readFileSync(join(draft, `${name}_js`, `${name}.wasm`))
    writeFileSync(join(draft, `${name}.wasm`), withShortOperands(generator))
    rmSync(join(draft, `${name}_js`), { recursive: true })
    writeFileSync(join(draft, 'report.txt'), report)
    writeFileSync(join(draft, 'key'), key)
    replaceFolder(draft, folder, key)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return compiledCircuit(name, folder, true)
}

/** Puts a draft in its place, unless another process has put an equal one there in the meantime. */
function replaceFolder(draft: string, folder: string, key: string): void {
  if (isCompiled(folder, key)) return
  rmSync(folder, { recursive: true, force: true })
  try {
    renameSync(draft, folder)
  } catch (error) {
    if (!isCompiled(folder, key)) throw error
  }
}

/** A process that was killed leaves its draft; none compiles for an hour. */
function removeAbandonedDrafts(folder: string): void {
  for (const entry of readdirSync(dirname(folder))) {
    if (!entry.startsWith(`${basename(folder)}.draft-`)) continue
    const draft = join(dirname(folder), entry)
    const changed = statSync(draft, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - changed > 3_600_000) rmSync(draft, { recursive: true, force: true })
  }
}

function compiledCircuit(name: string, folder: string, fresh: boolean): CompiledCircuit {
  return {
    name,
    r1cs: join(folder, `${name}.r1cs`),
    wasm: join(folder, `${name}.wasm`),
    symbols: join(folder, `${name}.sym`),
    report: join(folder, 'report.txt'),
    fresh,
  }
}

/** Hash of a main file, of every file it includes in turn, of the compiler and its flags, and of what changes its code. */
function sourceKey(source: string): string {
  const files = [...[...includedFiles(source, '.')].sort(), 'scripts/shortOperands.ts']
  return contentHash(files, source, versionOf('circom2'), flags.join(' '))
}

/** Files that a source includes, and theirs, as paths from the root. */
export function includedFiles(source: string, folder: string, found = new Set<string>()): ReadonlySet<string> {
  for (const [, path = ''] of source.matchAll(/^\s*include\s+"([^"]+)"/gm)) {
    const candidates = [folder, ...includeFolders].map((each) => join(each, path))
    const file = candidates.find((each) => readIfPresent(each) !== undefined)
    if (file === undefined) throw new IncludeNotFoundError(path, candidates)
    if (found.has(file)) continue
    found.add(file)
    includedFiles(readIfPresent(file) ?? '', dirname(file), found)
  }
  return found
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'utf8')
  } catch {
    return undefined
  }
}

function isCompiled(folder: string, key: string): boolean {
  try {
    return readFileSync(join(folder, 'key'), 'utf8') === key
  } catch {
    return false
  }
}

async function runCircom(name: string, folder: string): Promise<string> {
  const compiler = join(root, 'node_modules', 'circom2', 'cli.js')
  const here = relative(root, folder)
  const libraries = includeFolders.flatMap((each) => ['-l', each])
  const options = [...flags, ...libraries, '-o', here]
  const child = spawn(process.execPath, [compiler, join(here, `${name}.circom`), ...options], { cwd: root })
  const stop = (): boolean => child.kill()
  process.once('exit', stop)
  let report = ''
  child.stdout.on('data', (text) => {
    report += text
  })
  child.stderr.on('data', (text) => {
    report += text
  })
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  process.off('exit', stop)
  const plain = stripVTControlCharacters(report)
  if (code !== 0) throw new CompilationError(name, code, plain)
  return plain
}

/** The compiler refused a circuit. */
export class CompilationError extends Error {
  readonly circuit: string
  readonly exitCode: number | null
  readonly report: string
  constructor(circuit: string, exitCode: number | null, report: string) {
    super(`circom refused ${circuit} (exit ${exitCode}):\n${report}`)
    this.circuit = circuit
    this.exitCode = exitCode
    this.report = report
  }
}

/** An include names no file in any of the folders searched. */
export class IncludeNotFoundError extends Error {
  readonly path: string
  constructor(path: string, searched: readonly string[]) {
    super(`include "${path}" names no file; looked for ${searched.join(', ')}.`)
    this.path = path
  }
}
