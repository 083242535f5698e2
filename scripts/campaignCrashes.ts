/**
 * Feedback loops on the contracts: engine, venue, pool, hedging agent and liquidators through four recorded crashes minute by minute,
 * with every damper and without each.
 *
 *   npm run campaign:crashes                              all four, two at a time; 21 minutes of processor time
 *   npm run campaign:crashes -- --crash may2021 --hours 2 --accounts 30 --seed 7
 *   npm run campaign:crashes -- --hostile                 with every damper, and with somebody who trades about the hedge
 *   npm run campaign:crashes -- --json
 *   npm run campaign:crashes -- --svg docs/crashes.svg
 *
 * Proofs are told by the twin, by keys whose trapdoor is known; docs/crashes.md says what that leaves out, and a test
 * makes every proof of a short run. Without ../shared it takes March 2020 from the project's own extract.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { underWay } from '../prover/service/daemon/underWay.ts'
import { formatTable } from '../prover/service/text/table.ts'
import { writeWholeFile } from '../prover/service/wholeFile.ts'
import { type Outcome, suppositions } from './tools/crashes/outcome.ts'
import { CrashSetting, openedUnder } from './tools/crashes/setting.ts'
import { crashesSvg } from './tools/crashes/picture.ts'
import { type Crash, type CrashName, crashNames, crashTitles, readCrash } from './tools/crashes/recorded.ts'
import { hostileVariants, type Variant, variants } from './tools/crashes/variants.ts'
import { isThere, oneOf, readFlags, toWrite, whole } from './tools/flags.ts'

const AT_ONCE = 2
const flags = readFlags({
  crash: oneOf(crashNames, undefined),
  hours: whole(1, 8, 4),
  seed: whole(0, 1_000_000, 1),
  accounts: whole(8, 200, suppositions.accounts),
  hostile: isThere,
  svg: toWrite,
  json: isThere,
})
const { crash, hours, seed, accounts } = flags

const percent = (share: number): string => (100 * share).toFixed(2)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const chosen: readonly Variant[] = flags.hostile ? [...variants.slice(0, 1), ...hostileVariants] : variants

/** All variants of a crash, in this process. */
async function runCrash(name: CrashName): Promise<readonly Outcome[]> {
  const recorded = readCrash(name, hours, BigInt(seed)) as Crash
  const supposed = { ...suppositions, accounts, seed: BigInt(seed) }
  const settings = new Map<number, CrashSetting>()
  const outcomes: Outcome[] = []
  for (const variant of chosen) {
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
  const own = [
    ...(flags.hostile ? ['--hostile'] : []),
    '--json',
    '--crash',
    name,
    '--hours',
    `${hours}`,
    '--seed',
    `${seed}`,
    '--accounts',
    `${accounts}`,
  ]
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...own], {
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
    const { minutes, openInterest = 0 } = first ?? {}
    console.log(`\n${crashTitles.get(name)}: ${minutes} minutes, perpetuals of ${openInterest.toFixed(0)}`)
    console.log(formatTable(columns, runs.map(cellsOf)))
    console.log(`\n${formatTable(hedgeColumns, runs.map(hedgeCellsOf))}`)
  }
  console.log('\nWhat differs:')
  for (const { name, off } of chosen.filter((each) => each.off !== '')) console.log(`  ${name}: ${off}`)
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
  'informed bp',
  'liquidators bp',
  'margin %',
]

const bpOf =
  ({ openInterest }: Outcome) =>
  (amount: number): string =>
    ((10_000 * amount) / openInterest).toFixed(1)

function cellsOf(outcome: Outcome): readonly string[] {
  const bp = bpOf(outcome)
  return [
    outcome.variant,
    String(outcome.forcedSales),
    percent(outcome.forcedNotional / outcome.openInterest),
    ...[outcome.badDebt, outcome.insuranceUsed, outcome.owed].map(bp),
    ...[outcome.poolOvershoot, outcome.observedOvershoot].map(percent),
    ...[outcome.informedGain, outcome.liquidatorsGain].map(bp),
    percent(outcome.greatestMaintenance),
  ]
}

const hedgeColumns = ['hedge', 'counts', 'trades', 'cost bp', 'open % mean', 'most', 'hostile bp', 'refused']

function hedgeCellsOf(outcome: Outcome): readonly string[] {
  const bp = bpOf(outcome)
  const refused = Object.entries(outcome.hedgesRefused).map(([name, times]) => `${name} ${times}`)
  return [
    outcome.variant,
    ...[outcome.counts, outcome.hedges].map(String),
    bp(outcome.hedgerCost),
    ...[outcome.unhedged, outcome.greatestUnhedged].map(percent),
    bp(outcome.hostileGain),
    refused.join(', '),
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
if (flags.svg !== undefined) writeWholeFile(flags.svg, crashesSvg(outcomes, crashTitles))
if (flags.json) console.log(JSON.stringify({ hours, seed, accounts, suppositions, outcomes }, jsonValue, 2))
else sayTable(outcomes)
process.exit(outcomes.length > 0 ? 0 : 1)

function jsonValue(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
