/**
 * Properties of contracts, proved for all inputs by symbolic execution of the compiled source, and their wrong twins: the same
 * source with one place changed, for which the property must have a counterexample. A property that its twin passes says
 * nothing.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { filesBelow, root } from '../tools/sources.ts'
import type { Tools } from './tools.ts'

type Twin = { readonly file: string; readonly from: string; readonly to: string }

type Property = {
  readonly name: string
  /** Test contract, and the file of scripts/verify/properties that holds it. */
  readonly contract: string
  readonly file: string
  readonly twin: Twin
}

export type Verdict = Property & {
  readonly isProved: boolean
  readonly isTwinCaught: boolean
  readonly seconds: number
}

/** Of this process, for two at once would write into each other's. */
const project = join(root, 'build', 'verify', `properties-${process.pid}`)

/** All properties: functions `check_…` with the change of their twin in the line above. */
export function readProperties(): readonly Property[] {
  return filesBelow('scripts/verify/properties', '.sol').flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const contract = /contract (\w+Properties) /.exec(text)?.[1] ?? ''
    const pattern = /\/\/\/ @custom:twin (\S+) ~> (.*?) ~>(?: (.*))?\n\s*function check_(\w+)/g
    return [...text.matchAll(pattern)].map(([, source = '', from = '', to = '', name = '']) => ({
      name,
      contract,
      file,
      twin: { file: source, from, to },
    }))
  })
}

/** Proves properties one by one; `onVerdict` hears of each. */
export function proveProperties(
  tools: Tools,
  properties: readonly Property[],
  onVerdict: (verdict: Verdict) => void,
): readonly Verdict[] {
  process.once('exit', () => rmSync(project, { recursive: true, force: true }))
  writeProject(tools, properties)
  build(tools)
  return properties.map((property, index) => {
    const started = performance.now()
    const honest = execute(tools, property.contract, property.name)
    const twin = execute(tools, `${property.contract}Twin${index}`, property.name)
    const seconds = (performance.now() - started) / 1000
    const verdict = { ...property, isProved: honest === PASSED, isTwinCaught: twin === COUNTEREXAMPLE, seconds }
    onVerdict(verdict)
    return verdict
  })
}

function writeProject(tools: Tools, properties: readonly Property[]): void {
  rmSync(project, { recursive: true, force: true })
  mkdirSync(join(project, 'test'), { recursive: true })
  cpSync(join(root, 'contracts'), join(project, 'src'), { recursive: true })
  for (const file of new Set(properties.map((property) => property.file))) {
    cpSync(join(root, file), join(project, 'test', basename(file)))
  }
  for (const [index, property] of properties.entries()) writeTwin(property, index)
  writeFileSync(
    join(project, 'foundry.toml'),
    // The settings of hardhat.config.ts; nothing but the tests and what they import is compiled.
    `[profile.default]
src = "nothing"
test = "test"
solc = ${JSON.stringify(tools.solc)}
offline = true
evm_version = "cancun"
ast = true
via_ir = true
optimizer = true
optimizer_runs = 10000
`,
  )
}

/** The property over a copy of the source with one place changed. */
function writeTwin({ name, contract, file, twin }: Property, index: number): void {
  const source = readFileSync(join(root, 'contracts', twin.file), 'utf8')
  if (!source.includes(twin.from)) throw new TwinWithoutPlaceError(name, twin.file, twin.from)
  const twinFile = join(dirname(twin.file), `${basename(twin.file, '.sol')}Twin${index}.sol`)
  writeFileSync(
    join(project, 'src', twinFile),
    source.replace(twin.from, () => twin.to),
  )
  const property = readFileSync(join(root, file), 'utf8')
    .replaceAll(`"../src/${twin.file}"`, `"../src/${twinFile}"`)
    .replaceAll(new RegExp(`\\b${contract}\\b`, 'g'), `${contract}Twin${index}`)
  writeFileSync(join(project, 'test', `Twin${index}.t.sol`), property)
}

function build({ forge, environment }: Tools): void {
  const args = ['build', '--ast', '--extra-output', 'storageLayout', 'metadata']
  const { status, stdout, stderr } = spawnSync(forge, args, { cwd: project, env: environment, encoding: 'utf8' })
  if (status !== 0) throw new PropertiesNotCompiledError(`${stdout}${stderr}`)
}

/** What halmos says of one test. */
const PASSED = 0
const COUNTEREXAMPLE = 1

function execute({ halmos, environment }: Tools, contract: string, name: string): number | undefined {
  const answer = join(project, 'answer.json')
  rmSync(answer, { force: true })
  const args = [
    '--contract',
    contract,
    '--match-test',
    `^check_${name}\\(`,
    '--no-status',
    '--early-exit',
    '--json-output',
    answer,
  ]
  const limits = ['--solver-timeout-assertion', '120s', '--solver-threads', '2']
  spawnSync(halmos, [...args, ...limits], { cwd: project, env: environment, encoding: 'utf8' })
  try {
    const { test_results: results } = JSON.parse(readFileSync(answer, 'utf8')) as {
      readonly test_results: Readonly<Record<string, readonly { readonly exitcode: number }[]>>
    }
    const tests = Object.values(results).flat()
    return tests.length === 1 ? tests[0]?.exitcode : undefined
  } catch {
    return undefined
  }
}

/** The source that a property's twin changes has moved on. */
export class TwinWithoutPlaceError extends Error {
  readonly property: string
  readonly file: string
  constructor(property: string, file: string, from: string) {
    super(
      `The twin of ${property} changes a place that contracts/${file} no longer has:\n  ${from}\nName another in its @custom:twin.`,
    )
    this.property = property
    this.file = file
  }
}

/** The compiler refused the properties or one of their twins. */
export class PropertiesNotCompiledError extends Error {
  readonly report: string
  constructor(report: string) {
    super(`The properties of scripts/verify/properties do not compile:\n${report}`)
    this.report = report
  }
}
