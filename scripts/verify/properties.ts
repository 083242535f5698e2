/**
 * Properties of contracts, proved for all inputs by symbolic execution of the compiled source, and their wrong twins: the same
 * source with one place changed, for which the property must have a counterexample. A property that its twin passes says
 * nothing.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { filesBelow, root } from '../tools/sources.ts'
import { type Tools, writeFoundryConfig } from './tools.ts'

type Twin = { readonly file: string; readonly from: string; readonly to: string }

export type Property = {
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

/** Proves properties and tries their twins, contract by contract; `onVerdict` hears of each. */
export function proveProperties(
  tools: Tools,
  properties: readonly Property[],
  onVerdict: (verdict: Verdict) => void,
): readonly Verdict[] {
  try {
    writeProject(tools, properties)
    build(tools)
    const contracts = [...new Set(properties.map(({ contract }) => contract))]
    return contracts.flatMap((contract) => verdictsOf(contract, properties, execute(tools, contract), onVerdict))
  } finally {
    rmSync(project, { recursive: true, force: true })
  }
}

function verdictsOf(
  contract: string,
  properties: readonly Property[],
  answers: ReadonlyMap<string, Answer>,
  onVerdict: (verdict: Verdict) => void,
): readonly Verdict[] {
  return properties.flatMap((property, index) => {
    if (property.contract !== contract) return []
    const [honest, twin] = [contract, twinOf(contract, index)].map((each) => answers.get(`${each}.${property.name}`))
    const verdict = {
      ...property,
      isProved: honest?.exitcode === PASSED,
      isTwinCaught: twin?.exitcode === COUNTEREXAMPLE,
      seconds: secondsOf(honest) + secondsOf(twin),
    }
    onVerdict(verdict)
    return [verdict]
  })
}

function writeProject(tools: Tools, properties: readonly Property[]): void {
  rmSync(project, { recursive: true, force: true })
  mkdirSync(join(project, 'test'), { recursive: true })
  cpSync(join(root, 'contracts'), join(project, 'src'), { recursive: true })
  openParts(join(project, 'src', PARTS))
  for (const file of new Set(properties.map((property) => property.file))) {
    const wanted = properties.filter((property) => property.file === file)
    writeFileSync(join(project, 'test', basename(file)), onlyProperties(readFileSync(join(root, file), 'utf8'), wanted))
  }
  for (const [index, property] of properties.entries()) writeTwin(property, index)
  writeFoundryConfig(tools, project, { sources: 'nothing', tests: 'test' })
}

/** Its private functions are called one by one. */
const PARTS = join('registry', 'GuardRails.sol')

/** Visibility alone: bodies stay as they are. */
function openParts(file: string): void {
  const source = readFileSync(file, 'utf8')
  writeFileSync(file, source.replaceAll(') private pure', ') internal pure'))
}

/** The others are no tests then. */
function onlyProperties(text: string, properties: readonly Property[]): string {
  const wanted = new Set(properties.map(({ name }) => name))
  return text.replaceAll(/function check_(\w+)/g, (all, name: string) =>
    wanted.has(name) ? all : `function other_${name}`,
  )
}

/** The property over a copy of all sources with one place changed. */
function writeTwin(property: Property, index: number): void {
  const { name, contract, file, twin } = property
  const sources = `src${index}`
  cpSync(join(project, 'src'), join(project, sources), { recursive: true })
  const source = readFileSync(join(project, sources, twin.file), 'utf8')
  if (!source.includes(twin.from)) throw new TwinWithoutPlaceError(name, twin.file, twin.from)
  writeFileSync(
    join(project, sources, twin.file),
    source.replace(twin.from, () => twin.to),
  )
  const text = onlyProperties(readFileSync(join(root, file), 'utf8'), [property])
    .replaceAll('"../src/', `"../${sources}/`)
    .replaceAll(new RegExp(`\\b${contract}\\b`, 'g'), twinOf(contract, index))
  writeFileSync(join(project, 'test', `Twin${index}.t.sol`), text)
}

const twinOf = (contract: string, index: number): string => `${contract}Twin${index}`

function build({ forge, environment }: Tools): void {
  const args = ['build', '--ast', '--extra-output', 'storageLayout', 'metadata']
  const { status, stdout, stderr } = spawnSync(forge, args, { cwd: project, env: environment, encoding: 'utf8' })
  if (status !== 0) throw new PropertiesNotCompiledError(`${stdout}${stderr}`)
}

/** What halmos says of one test. */
const PASSED = 0
const COUNTEREXAMPLE = 1

const answerSchema = z.object({ name: z.string(), exitcode: z.number(), time: z.array(z.number()) })
const answersSchema = z.object({ test_results: z.record(z.string(), z.array(answerSchema)) })
type Answer = z.infer<typeof answerSchema>

const secondsOf = (answer: Answer | undefined): number => answer?.time[0] ?? 0

/** A query that takes longer is not answered; nor is anything of a contract that takes longer as a whole. */
const QUERY_SECONDS = 60
const CONTRACT_SECONDS = 1800

/** Answers of all properties of one contract and of their twins, by `contract.property`; what has none was not run to its end. */
function execute({ halmos, environment }: Tools, contract: string): ReadonlyMap<string, Answer> {
  const file = join(project, 'answer.json')
  rmSync(file, { force: true })
  const tests = ['--match-contract', `^${contract}(Twin[0-9]+)?$`]
  const limits = ['--solver-timeout-assertion', `${QUERY_SECONDS}s`, '--solver-threads', '2', '--early-exit']
  spawnSync(halmos, [...tests, ...limits, '--no-status', '--statistics', '--json-output', file], {
    cwd: project,
    env: environment,
    encoding: 'utf8',
    timeout: CONTRACT_SECONDS * 1000,
  })
  if (!existsSync(file)) return new Map()
  const { test_results: results } = answersSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  return new Map(
    Object.entries(results).flatMap(([place, answers]) =>
      answers.map((answer) => {
        const name = answer.name.replace(/^check_/, '').replace(/\(.*$/, '')
        return [`${place.split(':').at(-1)}.${name}`, answer] as const
      }),
    ),
  )
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
