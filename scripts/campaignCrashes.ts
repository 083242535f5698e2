/**
 * Feedback loops on the contracts: a venue, a pool, a hedger and liquidators through four recorded crashes minute by minute, with every
 * damper and without each.
 *
 *   npm run campaign:crashes                              all four, two at a time; under twenty minutes
 *   npm run campaign:crashes -- --crash may2021 --hours 2 --accounts 30 --seed 7
 *   npm run campaign:crashes -- --json
 *   npm run campaign:crashes -- --svg docs/crashes.svg
 *
 * Proofs are told by the twin through verifiers of a circuit that states nothing; docs/crashes.md says what that leaves out, and a test
 * makes every proof of a short run. Without ../shared it takes March 2020 from the project's own extract.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { underWay } from '../prover/service/daemon/underWay.ts'
import { formatTable } from '../prover/service/text/table.ts'
import { writeWholeFile } from '../prover/service/wholeFile.ts'
import { type Outcome, suppositions } from './tools/crashes/outcome.ts'
import { CrashSetting, openedUnder } from './tools/crashes/setting.ts'
import { crashesSvg } from './tools/crashes/picture.ts'
import { type Crash, type CrashName, crashNames, crashTitles, readCrash } from './tools/crashes/recorded.ts'
import { variants } from './tools/crashes/variants.ts'

const AT_ONCE = 2
const { values } = parseArgs({
  options: {
    crash: { type: 'string' },
    hours: { type: 'string', default: '4' },
    seed: { type: 'string', default: '1' },
    accounts: { type: 'string', default: String(suppositions.accounts) },
    svg: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

/** A whole number among the flags, or the end. */
function whole(name: 'hours' | 'seed' | 'accounts', least: number, most: number): number {
  const text = values[name]
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= least && value <= most)) refuse(`--${name} ${text}: expected a whole number from ${least} to ${most}.`)
  return value
}

function refuse(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(2)
}

const [hours, seed, accounts] = [whole('hours', 1, 8), whole('seed', 0, 1_000_000), whole('accounts', 8, 200)]
const crash = crashNames.find((name) => name === values.crash)
if (values.crash !== undefined && crash === undefined) {
  refuse(`--crash ${values.crash}: expected one of ${crashNames.join(', ')}.`)
}

const percent = (share: number): string => (100 * share).toFixed(2)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

/** All variants of a crash, in this process. */
async function runCrash(name: CrashName): Promise<readonly Outcome[]> {
  const recorded = readCrash(name, hours, BigInt(seed)) as Crash
  const supposed = { ...suppositions, accounts, seed: BigInt(seed) }
  const settings = new Map<number, CrashSetting>()
  const outcomes: Outcome[] = []
  for (const variant of variants) {
    const started = performance.now()
    const inForce = openedUnder(recorded, variant)
    const setting =
      settings.get(inForce.initial) ?? (await CrashSetting.open(recorded, supposed, { by: 'told' }, inForce))
    settings.set(inForce.initial, setting)
    outcomes.push(await setting.run(variant))
    say(`${recorded.title}, ${variant.name}: ${((performance.now() - started) / 1000).toFixed(0)} s`)
  }
  return outcomes
}

/** The same in a process of its own. */
function runApart(name: CrashName): Promise<readonly Outcome[]> {
  const flags = ['--json', '--crash', name, '--hours', `${hours}`, '--seed', `${seed}`, '--accounts', `${accounts}`]
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.on('data', (piece) => {
    text += piece
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(text).outcomes)
      else reject(new Error(`The run of ${name} ended with ${code}.`))
    })
  })
}

function sayTable(outcomes: readonly Outcome[]): void {
  for (const [name, runs] of Map.groupBy(outcomes, (outcome) => outcome.crash)) {
    const [first] = runs
    console.log(
      `\n${crashTitles.get(name)}: ${first?.minutes} minutes, perpetuals of ${first?.openInterest.toFixed(0)}`,
    )
    console.log(formatTable(columns, runs.map(cellsOf)))
  }
  console.log('\nWithout:')
  for (const { name, off } of variants.filter((each) => each.off !== '')) console.log(`  ${name}: ${off}`)
}

const columns = [
  '',
  'sales',
  'forced %',
  'bad debt bp',
  'insurance bp',
  'owed bp',
  'pool below %',
  'observed below %',
  'hedger bp',
  'informed bp',
  'liquidators bp',
  'margin %',
]

function cellsOf(outcome: Outcome): readonly string[] {
  const bp = (amount: number): string => ((10_000 * amount) / outcome.openInterest).toFixed(1)
  return [
    outcome.variant,
    String(outcome.forcedSales),
    percent(outcome.forcedNotional / outcome.openInterest),
    ...[outcome.badDebt, outcome.insuranceUsed, outcome.owed].map(bp),
    ...[outcome.poolOvershoot, outcome.observedOvershoot].map(percent),
    ...[outcome.hedgerCost, outcome.informedGain, outcome.liquidatorsGain].map(bp),
    percent(outcome.greatestMaintenance),
  ]
}

/** Those whose prices are at hand. */
const there = (crash === undefined ? crashNames : [crash]).filter((name) => {
  const isThere = readCrash(name, hours, BigInt(seed)) !== undefined
  if (!isThere) say(`${crashTitles.get(name)} is left out: its prices are not beside the checkout.`)
  return isThere
})
const isAlone = there.length === 1
const outcomes = (await underWay(there, AT_ONCE, isAlone ? runCrash : runApart)).flat()
if (values.svg !== undefined) writeWholeFile(values.svg, crashesSvg(outcomes, crashTitles))
if (values.json) console.log(JSON.stringify({ hours, seed, accounts, suppositions, outcomes }, jsonValue, 2))
else sayTable(outcomes)
process.exit(outcomes.length > 0 ? 0 : 1)

function jsonValue(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
