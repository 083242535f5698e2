/**
 * Builds what is missing or stale: generated code, circuits, development keys, contracts, library, native prover, side by
 * side where they do not need each other. Every stage is keyed by the content of its inputs and the versions of its tools,
 * and its result appears whole or not at all.
 *
 *   node scripts/build.ts             everything
 *   node scripts/build.ts --markets   what a feed of parameters needs: without the circuits and contracts of options and
 *                                     portfolios, and without the library, which a checkout does not use
 *   node scripts/build.ts --margins riskArray5 optionBook8x5 portfolioMargin3
 *                                     what proves margins with these circuits, which are most of them
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Build, builds, defaultBuilds } from '../circuits/statements/index.ts'
import { buildCircuit, constraintsOf } from './buildCircuits.ts'
import { type BuildScope, compileOwnContracts, compileVerifiers } from './buildContracts.ts'
import { makeKeys } from './buildKeys.ts'
import { cache } from './tools/cache.ts'
import type { CompiledCircuit } from './tools/compileCircom.ts'
import { contentHash, filesBelow, root } from './tools/sources.ts'
import { runStages, type Stage, StageError, secondsSince } from './tools/stages.ts'
import { isStamped, stamp } from './tools/stamps.ts'

const [, , option, ...named] = process.argv
const scope: BuildScope = option === '--markets' ? 'markets' : option === '--margins' ? 'margins' : 'all'
const circuits: readonly Build[] = {
  all: builds,
  markets: defaultBuilds,
  margins: (builds as readonly Build[]).filter(({ name }) => named.includes(name)),
}[scope]

/** Circuits as they become compiled, for the keys. */
const compiled = circuits.map(() => Promise.withResolvers<CompiledCircuit>())

/** Path of the native prover once it is built or known to be missing; keys wait so long for it, which saves more. */
const nativeProver = Promise.withResolvers<string | undefined>()
const NATIVE_PATIENCE_MS = 60_000

const stages: readonly Stage[] = [
  { name: 'generated code', run: generateCode },
  { name: 'circuits', after: ['generated code'], run: compileCircuits },
  { name: 'contracts', after: ['generated code'], run: () => compileOwnContracts(scope) },
  { name: 'keys', after: ['generated code'], run: makeAllKeys },
  { name: 'verifiers', after: ['contracts', 'keys'], run: () => compileVerifiers(scope) },
  { name: 'native prover', run: buildNativeProver },
  ...(scope === 'all'
    ? [
        { name: 'library', after: ['generated code'], run: compileLibrary },
        { name: 'what the package ships', after: ['verifiers'], run: gatherShipped },
      ]
    : []),
]

async function generateCode(): Promise<string | undefined> {
  const generators = filesBelow('scripts', '.ts').filter((file) => /^scripts\/generate\w*\.ts$/.test(file))
  const parts = filesBelow('scripts/generators', '.ts')
  const key = (): string =>
    contentHash([
      ...generators,
      ...parts,
      ...filesBelow('circuits', '.ts'),
      ...filesBelow('prover/math', '.ts'),
      ...filesBelow('prover/statement', '.ts'),
      ...filesBelow('circuits', '.circom'),
      ...filesBelow('contracts', '.sol'),
    ])
  if (isStamped('generated-code', key())) return undefined
  for (const generator of generators) await runNode(generator)
  stamp('generated-code', key())
  return generators.join(', ')
}

async function compileCircuits(tell: (line: string) => void): Promise<string | undefined> {
  let fresh = 0
  const compileNext = async (queue: number[]): Promise<void> => {
    for (let i = queue.shift(); i !== undefined; i = queue.shift()) {
      const build = circuits[i] as Build | Build
      const started = performance.now()
      const circuit = await buildCircuit(build)
      compiled[i]?.resolve(circuit)
      if (circuit.origin === 'folder') continue
      fresh++
      const origin = circuit.origin === 'cache' ? ', from the cache' : ''
      tell(
        `${build.name}: ${constraintsOf(circuit).toLocaleString('en')} constraints (${secondsSince(started)}${origin})`,
      )
    }
  }
  // Books take as long as all others together, for which the other processors have time meanwhile.
  const isBook = (i: number): boolean => circuits[i]?.name.startsWith('optionBook') ?? false
  const queue = [...circuits.keys()].sort((a, b) => Number(isBook(b)) - Number(isBook(a)))
  await Promise.all(Array.from({ length: availableParallelism() }, () => compileNext(queue)))
  return fresh === 0 ? undefined : `${fresh} compiled`
}

/** One circuit after the other, as they become compiled: each set-up uses every processor. */
async function makeAllKeys(tell: (line: string) => void): Promise<string | undefined> {
  let fresh = 0
  let last = Promise.resolve()
  const patience = sleep(NATIVE_PATIENCE_MS, undefined, { ref: false })
  const makeNext = async ({ promise }: PromiseWithResolvers<CompiledCircuit>): Promise<void> => {
    const circuit = await promise
    last = last.then(async () => {
      const started = performance.now()
      const onProgress = progressOf(circuit.name, tell)
      const origin = await makeKeys(circuit, () => Promise.race([nativeProver.promise, patience]), onProgress)
      if (origin === undefined) return
      fresh++
      const words = { made: 'development keys made', cache: 'development keys from the cache', checked: 'checked' }[
        origin
      ]
      tell(`${circuit.name}: ${words} (${secondsSince(started)})`)
    })
    return last
  }
  await Promise.all(compiled.map(makeNext))
  return fresh === 0 ? undefined : `${fresh} made or checked`
}

/** Says how far a set-up has come, now and then. */
function progressOf(name: string, tell: (line: string) => void): (fraction: number) => void {
  let said = performance.now()
  return (fraction) => {
    if (performance.now() - said < 5_000) return
    said = performance.now()
    tell(`${name}: development keys ${Math.floor(fraction * 100)} %`)
  }
}

/** Loaded only where they are wanted, as a first start does not want them. */
async function compileLibrary(): Promise<string | undefined> {
  return (await import('./buildLibrary.ts')).compileLibrary(runNode)
}

async function gatherShipped(): Promise<string | undefined> {
  return (await import('./buildShipped.ts')).gatherShipped()
}

/** Wanted, not needed: without Go or a network everything works, only slower. */
async function buildNativeProver(): Promise<string | undefined> {
  const { buildNative, NativeBuildError } = await import('./buildNative.ts')
  const { nativeFolder, nativeProgram } = await import('../prover/proof/backends/nativeBuild.ts')
  try {
    const built = await buildNative()
    nativeProver.resolve(nativeProgram(nativeFolder))
    return built
  } catch (error) {
    nativeProver.resolve(undefined)
    if (!(error instanceof NativeBuildError)) throw error
    return `skipped, snarkjs proves instead: ${error.message}`
  }
}

const children = new Set<ChildProcess>()

/** Runs a script; what it says is shown only when it fails. */
async function runNode(script: string, ...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [script, ...args], { cwd: root })
  children.add(child)
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text) => {
      output += text
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  children.delete(child)
  if (code !== 0) throw new Error(`${[script, ...args].join(' ')} failed (exit ${code}):\n${output}`)
}

const say = (line: string): void => console.error(line)

process.once('exit', () => {
  for (const child of children) child.kill()
})
// A signal ends a process without a word to those who clean up.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    process.emit('exit', 1)
    process.kill(process.pid, signal)
  })
}
const begun = performance.now()
try {
  if (cache.problem !== undefined) say(`Cache: ${cache.problem}; building without it.`)
  await runStages(stages, say)
  say(`Built in ${secondsSince(begun)}.`)
} catch (error) {
  if (!(error instanceof StageError)) throw error
  say(`[${error.stage}] ${error.message}`)
  say(`Build stopped at '${error.stage}'. What is complete stays; the same command takes up from there.`)
  process.exit(1)
}
