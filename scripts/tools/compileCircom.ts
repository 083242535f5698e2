import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { cache, type Entry } from './cache.ts'
import { runCircom } from './circom.ts'
import { withShortOperands } from './shortOperands.ts'
import { contentHash, root, versionOf } from './sources.ts'

/** Where `include "math/MulDown.circom"` and `include "bitify.circom"` are looked up. WASI does not follow symlinks. */
const includeFolders = ['circuits', 'node_modules/circomlib/circuits'] as const

const flags = ['--O2', '--r1cs', '--wasm', '--sym', '--inspect'] as const

/** What the compiler makes of a main file. */
export type CompiledSource = {
  readonly r1cs: Buffer
  /** Witness generator. */
  readonly wasm: Buffer
  /** Names of the signals. */
  readonly symbols: Buffer
  /** What the compiler said: constraint counts and warnings. */
  readonly report: string
  readonly origin: 'compiled' | 'cache'
}

/** Files of a compiled circuit, all in one folder. */
export type CompiledCircuit = {
  readonly name: string
  readonly r1cs: string
  readonly wasm: string
  readonly symbols: string
  readonly report: string
  /** Where it came from; `folder` when it was there already. */
  readonly origin: CompiledSource['origin'] | 'folder'
}

/**
 * Compiles a main component with circom, or takes what came of it from the cache. The result depends on the sources and the
 * compiler alone, not on where the project lies.
 *
 * @param source - Circom text of the main file; includes are found below circuits/ and in circomlib
 * @param name   - of the circuit, for what the compiler refuses
 * @throws {@link CompilationError} with the compiler's words
 */
export async function compileSource(source: string, name = 'main'): Promise<CompiledSource> {
  const key = sourceKey(source)
  const kept = cache.get('circuit', key)
  if (kept !== undefined) return compiledSource(kept, 'cache')
  const files = await runCompiler(source, name)
  if (sourceKey(source) !== key) return compileSource(source, name)
  cache.put('circuit', key, files)
  return compiledSource(files, 'compiled')
}

function compiledSource(files: Entry, origin: CompiledSource['origin']): CompiledSource {
  const file = (name: string): Buffer => files.get(name) ?? Buffer.alloc(0)
  const report = file('report.txt').toString()
  return { r1cs: file('r1cs'), wasm: file('wasm'), symbols: file('sym'), report, origin }
}

/**
 * Puts a compiled circuit into a folder unless that already holds the result for the same sources and compiler. The folder
 * appears at once and complete, so an interruption leaves nothing to mistake.
 *
 * @param name   - name of the circuit and of its files
 * @param source - as {@link compileSource} takes it
 * @param folder - path of the folder to make
 * @throws {@link CompilationError} with the compiler's words
 */
export async function compileCircom(name: string, source: string, folder: string): Promise<CompiledCircuit> {
  const key = sourceKey(source)
  if (isCompiled(folder, key)) return compiledCircuit(name, folder, 'folder')

  const { r1cs, wasm, symbols, report, origin } = await compileSource(source, name)
  if (sourceKey(source) !== key) return compileCircom(name, source, folder)
  mkdirSync(dirname(folder), { recursive: true })
  removeAbandonedDrafts(folder)
  const draft = mkdtempSync(`${folder}.draft-`)
  // Whoever proves may be another user than whoever builds.
  chmodSync(draft, 0o755)
  try {
    writeFileSync(join(draft, `${name}.circom`), source)
    writeFileSync(join(draft, `${name}.r1cs`), r1cs)
    writeFileSync(join(draft, `${name}.wasm`), wasm)
    writeFileSync(join(draft, `${name}.sym`), symbols)
    writeFileSync(join(draft, 'report.txt'), report)
    writeFileSync(join(draft, 'key'), key)
    replaceFolder(draft, folder, key)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return compiledCircuit(name, folder, origin)
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

/** A process that was killed leaves its draft; none writes for an hour. */
function removeAbandonedDrafts(folder: string): void {
  for (const entry of readdirSync(dirname(folder))) {
    if (!entry.startsWith(`${basename(folder)}.draft-`)) continue
    const draft = join(dirname(folder), entry)
    const changed = statSync(draft, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    if (Date.now() - changed > 3_600_000) rmSync(draft, { recursive: true, force: true })
  }
}

function compiledCircuit(name: string, folder: string, origin: CompiledCircuit['origin']): CompiledCircuit {
  return {
    name,
    r1cs: join(folder, `${name}.r1cs`),
    wasm: join(folder, `${name}.wasm`),
    symbols: join(folder, `${name}.sym`),
    report: join(folder, 'report.txt'),
    origin,
  }
}

/** Hash of a main file, of every file it includes in turn, of the compiler and its flags, and of what changes its code. */
function sourceKey(source: string): string {
  const files = [...[...includedFiles(source, '.')].sort(), 'scripts/tools/shortOperands.ts']
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

/** Compiles in a folder of its own, which the compiler knows as `out` wherever it is. */
async function runCompiler(source: string, name: string): Promise<Entry> {
  const out = mkdtempSync(join(tmpdir(), 'zkrisk-circom-'))
  const remove = (): void => rmSync(out, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    writeFileSync(join(out, 'main.circom'), source)
    const libraries = includeFolders.flatMap((each) => ['-l', each])
    const args = ['out/main.circom', ...flags, ...libraries, '-o', 'out']
    const { exitCode, report } = await runCircom({ args, project: root, out })
    const plain = stripVTControlCharacters(report)
    if (exitCode !== 0) throw new CompilationError(name, exitCode, plain)
    return new Map([
      ['r1cs', readFileSync(join(out, 'main.r1cs'))],
      ['wasm', Buffer.from(withShortOperands(readFileSync(join(out, 'main_js', 'main.wasm'))))],
      ['sym', readFileSync(join(out, 'main.sym'))],
      ['report.txt', Buffer.from(plain)],
    ])
  } finally {
    process.off('exit', remove)
    remove()
  }
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
