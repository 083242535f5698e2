/**
 * How many wrong contracts the tests of the update path notice. Each mutant has one place of a source changed; the contract that it
 * goes into is compiled anew, and the tests that concern it run in a copy of the clone. Mutants that do not compile, or to the
 * same code, are none. Who was caught is counted, who survived is listed, and no threshold decides.
 *
 *   npm run verify:mutation                          10 mutants of each source
 *   npm run verify:mutation -- --sample 50           50 of each; the same ones each time
 *   npm run verify:mutation -- PlausibleInbox …      of these sources
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../tools/sources.ts'
import { type Mutant, mutantsOf } from './mutants.ts'

type Target = { readonly file: string; readonly contracts: readonly string[]; readonly tests: readonly string[] }

const registry = ['registry/RiskRegistry']
const targets: Readonly<Record<string, Target>> = {
  GuardRails: { file: 'registry/GuardRails.sol', contracts: registry, tests: ['registry/guardRails'] },
  PlausibleInbox: {
    file: 'market/PlausibleInbox.sol',
    contracts: ['market/AttestedFeed', 'market/MedianFeed'],
    tests: ['market/plausibleInbox', 'market/medianFeed'],
  },
  PolicyBounds: { file: 'parameters/PolicyBounds.sol', contracts: registry, tests: ['parameters/riskPolicy'] },
  ShadowScore: {
    file: 'registry/ShadowScore.sol',
    contracts: registry,
    tests: ['registry/shadows', 'parameters/score'],
  },
  RiskRegistry: {
    file: 'registry/RiskRegistry.sol',
    contracts: registry,
    tests: ['registry/submit', 'registry/shadows', 'registry/implausible', 'registry/pauses'],
  },
}

const { values, positionals } = parseArgs({
  options: { sample: { type: 'string', default: '10' } },
  allowPositionals: true,
})
const sample = Number(values.sample)
const unknown = positionals.filter((name) => !(name in targets))
if (unknown.length > 0 || !Number.isInteger(sample) || sample < 1) {
  console.error(`--sample takes a count from 1, and sources are ${Object.keys(targets).join(', ')}.`)
  process.exit(2)
}

const workspace = join(root, 'build', 'verify', `mutation-${process.pid}`)
/** What tests and contracts are read from, so that nothing that a mutant goes into is the clone's own. */
function copyClone(): void {
  rmSync(workspace, { recursive: true, force: true })
  mkdirSync(join(workspace, 'build'), { recursive: true })
  for (const name of readdirSync(root)) {
    if (name === 'build' || name === '.git') continue
    if (name === 'node_modules') symlinkSync(join(root, name), join(workspace, name))
    else cpSync(join(root, name), join(workspace, name), { recursive: true })
  }
  for (const name of readdirSync(join(root, 'build'))) {
    if (name === 'artifacts') cpSync(join(root, 'build', name), join(workspace, 'build', name), { recursive: true })
    else if (name !== 'verify') symlinkSync(join(root, 'build', name), join(workspace, 'build', name))
  }
}

/** Tries a sample; what it returns are the survivors. */
function tryTarget(name: string, target: Target): readonly string[] {
  const source = readFileSync(join(root, 'contracts', target.file), 'utf8')
  const honest = codesOf(target, source)
  if (honest === undefined || !passesTests(target, honest)) throw new HonestRefusedError(name)
  const all = mutantsOf(source)
  let [tried, caught] = [0, 0]
  const survivors: string[] = []
  for (const mutant of shuffled(all)) {
    if (tried === sample) break
    const codes = codesOf(target, mutant.source)
    if (codes === undefined || codes.every((code, i) => code === honest[i])) continue
    tried++
    const survives = passesTests(target, codes)
    if (survives) survivors.push(`  ${textOf(name, mutant)}`)
    else caught++
    console.log(`${survives ? 'SURVIVED' : 'caught  '} ${textOf(name, mutant)}`)
  }
  console.log(`${name}: ${caught} of ${tried} mutants caught, a sample of ${all.length} places.`)
  return survivors
}

const textOf = (name: string, { line, operator, before, after }: Mutant): string =>
  `${name}.sol:${line} ${operator}: ${before}${after === '' ? '' : ` ~> ${after}`}`

/** In an order that only the mutants decide. */
function shuffled(mutants: readonly Mutant[]): readonly Mutant[] {
  const keyOf = ({ source }: Mutant): string => createHash('sha256').update(source).digest('hex')
  return mutants
    .map((mutant) => ({ mutant, key: keyOf(mutant) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1))
    .map((each) => each.mutant)
}

type Compiler = { compile(input: string, callbacks: { import(path: string): { contents: string } }): string }
type Output = {
  readonly contracts?: Record<
    string,
    Record<string, { readonly evm: { readonly bytecode: { readonly object: string } } }>
  >
}

/** Creation code of the target's contracts over a source; undefined if it does not compile. */
function codesOf({ file, contracts }: Target, source: string): readonly string[] | undefined {
  const compiler = createRequire(import.meta.url)('solc') as Compiler
  const selection = contracts.map(
    (contract) => [`contracts/${contract}.sol`, { '*': ['evm.bytecode.object'] }] as const,
  )
  const read = (path: string): string =>
    path === `contracts/${file}`
      ? source
      : readFileSync(join(root, path.startsWith('contracts/') ? '' : 'node_modules', path), 'utf8')
  const input = {
    language: 'Solidity',
    sources: Object.fromEntries(selection.map(([path]) => [path, { content: read(path) }])),
    settings: {
      evmVersion: 'cancun',
      viaIR: true,
      optimizer: { enabled: true, runs: 10_000 },
      // Else every change of the source is one of the code.
      metadata: { appendCBOR: false, bytecodeHash: 'none' },
      outputSelection: Object.fromEntries(selection),
    },
  }
  const answer = compiler.compile(JSON.stringify(input), { import: (path) => ({ contents: read(path) }) })
  const output = (JSON.parse(answer) as Output).contracts
  const codes = contracts.map(
    (contract) => output?.[`contracts/${contract}.sol`]?.[nameOf(contract)]?.evm.bytecode.object,
  )
  return codes.every((code) => code !== undefined && code !== '') ? (codes as string[]) : undefined
}

const nameOf = (contract: string): string => contract.split('/').at(-1) ?? contract

/** A test that hangs has noticed as well. */
const MOST_SECONDS = 900

function passesTests({ contracts, tests }: Target, codes: readonly string[]): boolean {
  for (const [i, contract] of contracts.entries()) {
    const file = join(workspace, 'build', 'artifacts', 'contracts', `${contract}.sol`, `${nameOf(contract)}.json`)
    if (!existsSync(file)) throw new Error(`${contract} is not built: run npm run build first.`)
    const artifact = JSON.parse(readFileSync(file, 'utf8')) as object
    writeFileSync(file, JSON.stringify({ ...artifact, bytecode: `0x${codes[i]}` }))
  }
  const files = tests.map((test) => `test/${test}.test.ts`)
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...files, '--bail', '1'], {
    cwd: workspace,
    stdio: 'ignore',
    timeout: MOST_SECONDS * 1000,
  })
  return status === 0
}

/** The tests refuse what nobody changed: they would catch everything. */
class HonestRefusedError extends Error {
  readonly source: string
  constructor(source: string) {
    super(
      `The tests of ${source} fail over the source as it is. Run npm run build, and them: their trouble is not a mutant's.`,
    )
    this.source = source
  }
}

process.once('exit', () => rmSync(workspace, { recursive: true, force: true }))
copyClone()
const chosen = Object.entries(targets).filter(([name]) => positionals.length === 0 || positionals.includes(name))
const survivors = chosen.flatMap(([name, target]) => tryTarget(name, target))
console.log(survivors.length === 0 ? 'None survived.' : `Survived:\n${survivors.join('\n')}`)
