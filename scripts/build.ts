/**
 * Builds what is missing or stale, in order: generated code, circuits, development keys, contracts, library, native prover.
 * Every stage is keyed by the content of its inputs and the versions of its tools, and its result appears whole or not at all.
 *
 *   node scripts/build.ts             everything
 *   node scripts/build.ts --markets   without the circuits of options and portfolios, which a feed of parameters needs not
 */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { allBuilds, type Build, builds, type PortfolioBuild } from '../circuits/builds.ts'
import { buildCircuit, constraintsOf } from './buildCircuits.ts'
import { contentHash, filesBelow, root, versionOf } from './sources.ts'

const circuits: readonly (Build | PortfolioBuild)[] = process.argv.includes('--markets') ? builds : allBuilds

/** Says what it did, or undefined when there was nothing to do. */
type Stage = { readonly name: string; readonly run: () => Promise<string | undefined> }

const stages: readonly Stage[] = [
  { name: 'generated code', run: generateCode },
  { name: 'circuits', run: compileCircuits },
  { name: 'keys', run: makeKeys },
  { name: 'contracts', run: compileContracts },
  { name: 'library', run: compileLibrary },
  { name: 'native prover', run: buildNativeProver },
]

async function generateCode(): Promise<string | undefined> {
  const generators = filesBelow('scripts', '.ts').filter((file) => /^scripts\/generate\w*\.ts$/.test(file))
  const key = (): string =>
    contentHash([
      ...generators,
      ...filesBelow('circuits', '.ts'),
      ...filesBelow('prover/math', '.ts'),
      ...filesBelow('prover/statement', '.ts'),
      ...filesBelow('circuits/generated', '.circom'),
      ...filesBelow('contracts/generated', '.sol'),
    ])
  if (isStamped('generated-code', key())) return undefined
  for (const generator of generators) await runNode(generator)
  stamp('generated-code', key())
  return generators.join(', ')
}

async function compileCircuits(): Promise<string | undefined> {
  let compiled = 0
  const compileNext = async (queue: (Build | PortfolioBuild)[]): Promise<void> => {
    for (let build = queue.shift(); build !== undefined; build = queue.shift()) {
      const started = performance.now()
      const circuit = await buildCircuit(build)
      if (!circuit.fresh) continue
      compiled++
      say(`      ${build.name}: ${constraintsOf(circuit).toLocaleString('en')} constraints (${secondsSince(started)})`)
    }
  }
  const queue = [...circuits]
  await Promise.all(Array.from({ length: availableParallelism() }, () => compileNext(queue)))
  return compiled === 0 ? undefined : `${compiled} compiled`
}

/** Development keys where a circuit has none, and the verifier contract of whatever keys it has. */
async function makeKeys(): Promise<string | undefined> {
  const { generateVerifierContract, KeyStore } = await import('../prover/proof/index.ts')
  const store = new KeyStore(join(root, 'build', 'keys'))
  let made = 0
  for (const build of circuits) {
    const started = performance.now()
    const title = `      ${build.name}: development keys`
    const progress = { said: started, begun: false }
    const onProgress = (fraction: number): void => {
      progress.begun = true
      if (performance.now() - progress.said < 5_000) return
      progress.said = performance.now()
      say(`${title} ${Math.floor(fraction * 100)} %`)
    }
    const keys = await store.loadOrMakeDevelopmentKeys(await buildCircuit(build), { onProgress })
    if (progress.begun) {
      made++
      say(`${title} (${secondsSince(started)})`)
    }
    const contract = `${build.name.charAt(0).toUpperCase()}${build.name.slice(1)}Verifier`
    writeIfChanged(`build/contracts/${contract}.sol`, generateVerifierContract(keys.verificationKey, contract))
  }
  return made === 0 ? undefined : `${made} made`
}

function writeIfChanged(path: string, text: string): void {
  const file = join(root, path)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.draft`, text)
  renameSync(`${file}.draft`, file)
}

async function compileContracts(): Promise<string | undefined> {
  mkdirSync(join(root, 'build', 'contracts'), { recursive: true })
  const sources = [...filesBelow('contracts', '.sol'), ...filesBelow('build/contracts', '.sol')]
  const tools = ['hardhat', 'solc', '@openzeppelin/contracts', 'solady'].map(versionOf)
  const key = contentHash([...sources, 'hardhat.config.ts'], ...tools)
  if (existsSync(join(root, 'build', 'artifacts')) && isStamped('contracts', key)) return undefined
  await runNode('node_modules/hardhat/dist/src/cli.js', 'build', '--quiet')
  stamp('contracts', key)
  return `${sources.length} files`
}

/** Types are checked by `npm run check`; here only what runs is wanted. */
async function compileLibrary(): Promise<string | undefined> {
  const sources = [...filesBelow('circuits', '.ts'), ...filesBelow('prover', '')]
  const key = contentHash([...sources, 'tsconfig.json', 'tsconfig.build.json'], versionOf('typescript'))
  const library = join(root, 'dist')
  if (existsSync(library) && isStamped('library', key)) return undefined
  const draft = join(root, 'build', `dist.draft-${process.pid}`)
  rmSync(draft, { recursive: true, force: true })
  await runNode('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--noCheck', '--outDir', draft)
  for (const file of sources.filter((path) => !path.endsWith('.ts') || path.endsWith('.d.ts'))) {
    cpSync(join(root, file), join(draft, file))
  }
  putInPlace(draft, library)
  stamp('library', key)
  return `${sources.length} files`
}

/** Wanted, not needed: without Go or a network everything works, only slower. */
async function buildNativeProver(): Promise<string | undefined> {
  const { buildNative, NativeBuildError } = await import('./buildNative.ts')
  try {
    return await buildNative()
  } catch (error) {
    if (!(error instanceof NativeBuildError)) throw error
    return `skipped, snarkjs proves instead: ${error.message}`
  }
}

/** Another build may put its own there between the removal and the renaming: then ours follows. */
function putInPlace(draft: string, folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  try {
    renameSync(draft, folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
    putInPlace(draft, folder)
  }
}

const stampFile = (name: string): string => `build/stamps/${name}`

function isStamped(name: string, key: string): boolean {
  const file = join(root, stampFile(name))
  return existsSync(file) && readFileSync(file, 'utf8') === key
}

const stamp = (name: string, key: string): void => writeIfChanged(stampFile(name), key)

/** Runs a script; what it says is shown only when it fails. */
async function runNode(script: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [script, ...args], { cwd: root })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  if (code !== 0) throw new Error(`${[script, ...args].join(' ')} failed (exit ${code}):\n${output}`)
}

const say = (line: string): void => console.error(line)
const secondsSince = (started: number): string => `${((performance.now() - started) / 1000).toFixed(1)} s`

const begun = performance.now()
for (const [i, stage] of stages.entries()) {
  const started = performance.now()
  say(`[${i + 1}/${stages.length}] ${stage.name} …`)
  const sign = setInterval(() => say(`      ${secondsSince(started)} …`), 10_000)
  try {
    const done = await stage.run()
    say(`[${i + 1}/${stages.length}] ${stage.name}: ${done ?? 'up to date'} (${secondsSince(started)})`)
  } catch (error) {
    say(error instanceof Error ? error.message : String(error))
    say(`Build stopped at '${stage.name}'. What is complete stays; the same command takes up from there.`)
    process.exit(1)
  } finally {
    clearInterval(sign)
  }
}
say(`Built in ${secondsSince(begun)}.`)
