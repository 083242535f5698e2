/**
 * How many wrong contracts the tests of the update path notice. Each mutant has one place of a source changed, and the tests that
 * concern it run over the contract that the source goes into. All mutants of a source are compiled into one contract, which a number
 * turns into one of them (mutantSwitch.ts), and a process that stays runs the tests of many. A mutant that does not compile is none,
 * nor is one that survives and has the same code with the settings of hardhat.config.ts. Who was caught is counted, who survived is
 * listed, and no threshold decides.
 *
 *   npm run verify:mutation                          10 mutants of each source
 *   npm run verify:mutation -- --sample 50           50 of each; the same ones each time
 *   npm run verify:mutation -- --sample 1000         all of them
 *   npm run verify:mutation -- PlausibleInbox …      of these sources
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from '../tools/sources.ts'
import { hastySettings } from './hastySettings.ts'
import { type Mutant, mutantsOf } from './mutants.ts'
import { compile, type Sources, switchOf } from './mutantSwitch.ts'
import { type Target, targets } from './mutationTargets.ts'

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

const folder = join(root, 'build', 'verify', `mutation-${process.pid}`)

/** A build of its own, whose contracts are replaced. */
function copyBuild(): void {
  mkdirSync(join(folder, 'tests'), { recursive: true })
  for (const name of readdirSync(join(root, 'build'))) {
    if (name === 'artifacts') cpSync(join(root, 'build', name), join(folder, name), { recursive: true })
    else if (name !== 'verify' && name !== 'hardhat') symlinkSync(join(root, 'build', name), join(folder, name))
  }
}

/** Sources of contracts and packages. What is not ASCII stands in comments, and would move places. */
const sources: Sources = (path) =>
  readFileSync(join(root, path.startsWith('contracts/') ? '' : 'node_modules', path), 'utf8').replaceAll(
    /[^\p{ASCII}]/gu,
    '?',
  )

const fileOf = ({ file }: Target): string => `contracts/${file}.sol`
const rootsOf = ({ contracts }: Target): readonly string[] => contracts.map((contract) => `contracts/${contract}.sol`)

/** Tries a sample; what it returns are the survivors. */
function tryTarget(name: string, target: Target): readonly string[] {
  const mutants = shuffled(mutantsOf(sources(fileOf(target))))
  const { source, mutants: alone } = switchOf(fileOf(target), rootsOf(target), sources, mutants)
  placeCode(target, source)
  const chosen = [...alone.keys()].sort((a, b) => a - b).slice(0, sample)
  const survivors: number[] = []
  for (const [number, survives] of outcomes(name, target, chosen)) {
    if (survives) survivors.push(number)
    console.log(`${survives ? 'survived' : 'caught  '} ${textOf(name, mutants[number] as Mutant)}`)
  }
  const others = survivors.filter((number) => !hasSameCode(target, alone.get(number) ?? ''))
  const tried = chosen.length - survivors.length + others.length
  const none = chosen.length - tried === 0 ? '' : `, ${chosen.length - tried} are the same code`
  console.log(`${name}: ${tried - others.length} of ${tried} mutants caught, of ${alone.size} that compile${none}.`)
  return others.map((number) => `  ${textOf(name, mutants[number] as Mutant)}`)
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

/** Creation code of a contract over the target's source. */
function codeOf(target: Target, path: string, source: string, settings: object): string {
  const given = { [path]: sources(path), [fileOf(target)]: source }
  const { contracts, errors } = compile(given, sources, { '*': ['evm.bytecode.object'] }, settings)
  const code = contracts?.[path]?.[nameOf(path)]?.evm.bytecode.object
  if (code === undefined) throw new Error(`${path} does not compile over its source: ${JSON.stringify(errors)}`)
  return code
}

const nameOf = (path: string): string => /(\w+)\.sol$/.exec(path)?.[1] ?? path

/** Those of hardhat.config.ts. */
const shippedSettings = { evmVersion: 'cancun', viaIR: true, optimizer: { enabled: true, runs: 10_000 } }

/** Of contracts as they ship; a third of a minute each, so made once. */
const shippedCodes = new Map<string, string>()

function hasSameCode(target: Target, source: string): boolean {
  const paths = target.smallest === undefined ? rootsOf(target) : [`contracts/${target.smallest}.sol`]
  return paths.every((path) => {
    const honest = shippedCodes.get(path) ?? codeOf(target, path, sources(fileOf(target)), shippedSettings)
    shippedCodes.set(path, honest)
    return codeOf(target, path, source, shippedSettings) === honest
  })
}

function placeCode(target: Target, source: string): void {
  for (const path of rootsOf(target)) {
    const code = codeOf(target, path, source, hastySettings)
    const file = join(folder, 'artifacts', path, `${nameOf(path)}.json`)
    if (!existsSync(file)) throw new Error(`${path} is not built: run npm run build first.`)
    const artifact = JSON.parse(readFileSync(file, 'utf8')) as object
    writeFileSync(file, JSON.stringify({ ...artifact, bytecode: `0x${code}` }))
  }
}

/** No mutant: the switch is there, and turned to none. */
const HONEST = 999_999
/** So often it is said how far it is. */
const AT_ONCE = 20

/** Whether each survives; the source itself goes first, and has to. */
function* outcomes(name: string, target: Target, numbers: readonly number[]): Generator<readonly [number, boolean]> {
  if (!survivorsOf(target, [HONEST]).has(HONEST)) throw new HonestRefusedError(name)
  for (let at = 0; at < numbers.length; at += AT_ONCE) {
    const some = numbers.slice(at, at + AT_ONCE)
    const surviving = survivorsOf(target, some)
    for (const number of some) yield [number, surviving.has(number)]
  }
}

/** Runs the tests over each mutant, in one process. */
function survivorsOf({ tests }: Target, numbers: readonly number[]): ReadonlySet<number> {
  const report = join(folder, 'report.json')
  rmSync(join(folder, 'tests'), { recursive: true, force: true })
  rmSync(report, { force: true })
  mkdirSync(join(folder, 'tests'))
  for (const [i, number] of numbers.entries()) {
    for (const [part, test] of tests.entries()) {
      const file = join(folder, 'tests', `${String(i).padStart(4, '0')}-${part}-${number}.test.ts`)
      writeFileSync(file, testOver(number, test))
    }
  }
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const config = join(import.meta.dirname, 'mutation.config.ts')
  spawnSync(
    process.execPath,
    [vitest, 'run', '--config', config, '--reporter=json', `--outputFile.json=${report}`, `${folder}/tests`],
    {
      cwd: root,
      stdio: 'ignore',
      env: {
        ...process.env,
        HARDHAT_CONFIG: join(import.meta.dirname, 'roomyChain.config.ts'),
        ZKRISK_BUILD: folder,
      },
    },
  )
  const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report
  if (testResults.length !== numbers.length * tests.length) throw new Error(`Vitest did not end: see ${report}.`)
  const caught = new Set(testResults.filter(({ status }) => status !== 'passed').map(({ name }) => numberOf(name)))
  return new Set(numbers.filter((number) => !caught.has(number)))
}

type Report = { readonly testResults: readonly { readonly name: string; readonly status: string }[] }
const numberOf = (file: string): number => Number(/-(\d+)\.test\.ts$/.exec(file)?.[1])

/** A test file that stops at the first test that notices the mutant, and does not begin if one before it did. */
const testOver = (number: number, test: string): string => `import { afterEach, beforeEach, test } from 'vitest'
const caught = (globalThis.mutantsCaught ??= new Set())
if (caught.has(${number})) test('was caught before', () => undefined)
else {
  process.env.MUTANT_NUMBER = '${number}'
  beforeEach(({ skip }) => { if (caught.has(${number})) skip() })
  afterEach(({ task }) => { if (task.result?.state === 'fail') caught.add(${number}) })
  await import('../../../../test/${test}.test.ts?mutant=${number}')
}
`

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

process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
const chosen = Object.entries(targets).filter(([name]) => positionals.length === 0 || positionals.includes(name))
const survivors = chosen.flatMap(([name, target]) => {
  rmSync(folder, { recursive: true, force: true })
  copyBuild()
  return tryTarget(name, target)
})
console.log(survivors.length === 0 ? 'None survived.' : `Survived:\n${survivors.join('\n')}`)
