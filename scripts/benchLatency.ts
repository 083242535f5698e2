/**
 * From an oracle's event in a block to what follows from it in force in a later block, by stage, on a chain with a block every two
 * seconds: batches of BTC and ETH by the service as it runs, one account's margin of 10 options, and an account below maintenance until
 * it can be liquidated.
 *
 *   npm run bench:latency                          100 events each with the prover at hand; half an hour
 *   npm run bench:latency -- --events 20 --backend snarkjs
 *   npm run bench:latency -- --of markets --json
 *   npm run bench:latency -- --at-once             batches on a chain that mines each transaction at once: without waiting for blocks
 *
 * The clock starts when the block of the observations, or of the round, is there, and stops when the block is there in which the numbers
 * are in force: one block at least is included.
 */
import { cpus, loadavg } from 'node:os'
import { parseTime } from '../prover/market/time.ts'
import { createProver } from '../prover/proof/index.ts'
import { crashHistory } from '../prover/service/development/demo.ts'
import { startDevelopmentChain } from '../prover/service/development/chain.ts'
import { deployDevelopmentEngine } from '../prover/service/development/engine.ts'
import { replayProven } from '../prover/service/answers/provenReplay.ts'
import { CATCH_UP_BUILD, LIVE_BUILD, loadKeys } from '../prover/service/workspace.ts'
import { isThere, oneOf, readFlags, whole } from './tools/flags.ts'
import { liquidationLatencies, marginLatencies } from './tools/latency/margins.ts'
import { marketLatencies } from './tools/latency/markets.ts'
import { type Latencies, latenciesOf, percentiles } from './tools/latency/spread.ts'

const START = parseTime('2020-03-09 06:00:00') as bigint
/** Until caches and compilers are warm; not counted. */
const WARM_UP = 5
const kinds = ['markets', 'margin', 'liquidation'] as const

const flags = readFlags({
  events: whole(1, 10_000, 100),
  of: oneOf(kinds, undefined),
  'block-seconds': whole(1, 60, 2),
  'at-once': isThere,
  backend: oneOf(['auto', 'native', 'snarkjs'], undefined),
  json: isThere,
})
// The service asks the environment for its prover.
if (flags.backend !== undefined) process.env.ZKRISK_PROVER = flags.backend

const prover = createProver({}, flags.backend)
const latencies: Latencies[] = []
try {
  if (flags['at-once']) latencies.push(await atOnce())
  else {
    const [events, seconds] = [flags.events, flags['block-seconds']]
    const measure = {
      markets: () => marketLatencies(events, seconds),
      margin: () => marginLatencies(prover, events, seconds),
      liquidation: () => liquidationLatencies(prover, events, seconds),
    }
    for (const kind of flags.of === undefined ? kinds : [flags.of]) latencies.push(await measure[kind]())
  }
  const figures = {
    backend: flags.backend ?? process.env.ZKRISK_PROVER ?? 'auto',
    machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}`,
    load: loadavg()[0] ?? Number.NaN,
    blockSeconds: flags['at-once'] ? 0 : flags['block-seconds'],
    latencies,
  }
  console.log(flags.json ? JSON.stringify(figures, undefined, 2) : textOf(figures))
} finally {
  await prover.close()
}
process.exit()

/** One batch an hour of March 2020 on the embedded chain. */
async function atOnce(): Promise<Latencies> {
  const keys = await Promise.all([loadKeys(LIVE_BUILD), loadKeys(CATCH_UP_BUILD)])
  const { warmUps, steps } = crashHistory(START, flags.events + WARM_UP)
  const chain = await startDevelopmentChain(START)
  try {
    const engine = await deployDevelopmentEngine(chain, keys, warmUps)
    await prover.warm(keys[0])
    const events = (await replayProven(engine, prover, keys[0], steps)).slice(WARM_UP)
    return latenciesOf(
      `batches of ${warmUps.map(({ name }) => name).join(' and ')}`,
      events.map(({ stages }) => ({ ...stages })),
    )
  } finally {
    await chain.close()
  }
}

type Figures = {
  readonly backend: string
  readonly machine: string
  readonly load: number
  readonly blockSeconds: number
  readonly latencies: readonly Latencies[]
}

function textOf({ backend, machine, load, blockSeconds, latencies: all }: Figures): string {
  const blocks = blockSeconds === 0 ? 'each transaction mined at once' : `a block every ${blockSeconds} s`
  const column = (text: string): string => text.padStart(8)
  return [
    `${backend}, ${machine}, load ${load.toFixed(1)}, ${blocks}; milliseconds`,
    ...all.flatMap(({ of, events, stages }) => [
      '',
      `${`${of}, ${events} events`.padEnd(48)}${percentiles.map((percent) => column(`p${percent}`)).join('')}`,
      ...Object.entries(stages).map(
        ([stage, spread]) =>
          `  ${stage.padEnd(46)}${Object.values(spread)
            .map((ms) => column(`${ms}`))
            .join('')}`,
      ),
    ]),
  ].join('\n')
}
