/**
 * From an accepted observation to parameters in force, on the embedded chain: hours of March 2020, one batch of BTC and ETH an
 * hour, each event timed by stage.
 *
 *   npm run bench:latency                          120 events with the prover at hand
 *   npm run bench:latency -- --events 100 --backend snarkjs
 *   npm run bench:latency -- --json
 *
 * The clock starts when the observations are in the feed and stops when the batch is in a block.
 */
import { cpus, loadavg } from 'node:os'
import { parseTime } from '../prover/market/time.ts'
import { createProver } from '../prover/proof/index.ts'
import { crashHistory } from '../prover/service/development/demo.ts'
import { startDevelopmentChain } from '../prover/service/development/chain.ts'
import { deployDevelopmentEngine } from '../prover/service/development/engine.ts'
import { type ProvenStep, replayProven, type StageTimings } from '../prover/service/answers/provenReplay.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../prover/service/workspace.ts'
import { isThere, oneOf, readFlags, whole } from './tools/flags.ts'

/** Early enough that 120 hours and the crash lie behind it. */
const START = parseTime('2020-03-09 06:00:00') as bigint
/** Until caches and compilers are warm; not counted. */
const WARM_UP = 5
const stages = [
  'read',
  'state',
  'witness',
  'proof',
  'verify',
  'simulate',
  'land',
] as const satisfies readonly (keyof StageTimings)[]
const percentiles = [50, 95, 99] as const

const flags = readFlags({
  events: whole(1, 10_000, 120),
  backend: oneOf(['auto', 'native', 'snarkjs'], undefined),
  json: isThere,
})

const keys = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
const { warmUps, steps } = crashHistory(START, flags.events + WARM_UP)
const prover = createProver({}, flags.backend)
const chain = await startDevelopmentChain(START)
try {
  const engine = await deployDevelopmentEngine(chain, keys, warmUps)
  await prover.warm(keys[0])
  const events = (await replayProven(engine, prover, keys[0], steps)).slice(WARM_UP)
  const figures = figuresOf(events)
  console.log(flags.json ? JSON.stringify(figures, undefined, 2) : textOf(figures))
} finally {
  await prover.close()
  await chain.close()
}
process.exit()

function figuresOf(events: readonly ProvenStep[]) {
  const spread = (milliseconds: readonly number[]) =>
    Object.fromEntries(percentiles.map((percent) => [`p${percent}`, nearestRank(milliseconds, percent)]))
  return {
    events: events.length,
    markets: warmUps.map(({ name }) => name),
    backend: [...new Set(events.map(({ backend }) => backend))].join(', '),
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    load: loadavg()[0] ?? Number.NaN,
    milliseconds: {
      ...Object.fromEntries(stages.map((stage) => [stage, spread(events.map((event) => event.stages[stage]))])),
      total: spread(events.map(({ totalMs }) => totalMs)),
    } as Record<string, Record<string, number>>,
  }
}

/** The smallest value that so many percent of all do not exceed. */
function nearestRank(values: readonly number[], percent: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil((percent / 100) * values.length) - 1)] ?? Number.NaN
}

function textOf({ events, markets, backend, machine, load, milliseconds }: ReturnType<typeof figuresOf>): string {
  const column = (text: string): string => text.padStart(8)
  return [
    `${events} batches of ${markets.join(' and ')}, ${backend}, ${machine}, load ${load.toFixed(1)}`,
    `${'milliseconds'.padEnd(14)}${percentiles.map((percent) => column(`p${percent}`)).join('')}`,
    ...Object.entries(milliseconds).map(
      ([stage, spread]) =>
        `${stage.padEnd(14)}${Object.values(spread)
          .map((ms) => column(ms.toFixed(0)))
          .join('')}`,
    ),
  ].join('\n')
}
