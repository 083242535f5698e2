/**
 * `npm run campaign:venue`: 10,000 sequences of 64 requests to the venue, or as many as VENUE_RUNS and VENUE_STEPS say, shared
 * among as many processes as there are cores (VENUE_WORKERS), each with seeds of its own.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { readFlags } from './tools/flags.ts'
import { root } from './tools/sources.ts'

readFlags({})

/** Of the first process; others begin so much later, for each lot of sequences takes one more. */
const SEED = 20_261_129
const SEEDS = 1_000
const vitest = ['node_modules/vitest/vitest.mjs', 'run', 'test/consumers/venue.invariants.test.ts']
const { VENUE_RUNS = '10000', VENUE_STEPS = '64', VENUE_WORKERS = String(availableParallelism()) } = process.env
const [runs, workers] = [Number(VENUE_RUNS), Number(VENUE_WORKERS)]

const began = performance.now()
const codes = await Promise.all(
  Array.from({ length: workers }, async (_, i) => {
    const own = Math.floor(runs / workers) + (i < runs % workers ? 1 : 0)
    const env = { ...process.env, VENUE_RUNS: String(own), VENUE_STEPS, VENUE_SEED: String(SEED + SEEDS * i) }
    const [code] = await once(spawn(process.execPath, vitest, { cwd: root, env, stdio: 'inherit' }), 'close')
    return Number(code ?? 1)
  }),
)
const minutes = (performance.now() - began) / 60_000
process.exitCode = Math.max(...codes)
const verdict = process.exitCode === 0 ? 'passed' : 'FAILED, of'
console.log(
  `${verdict} ${runs} sequences by ${workers} processes in ${minutes.toFixed(1)} min: ${(runs / minutes).toFixed(0)} a minute.`,
)
