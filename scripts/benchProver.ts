/**
 * The provers against each other in one run: the same key, the same input, in turns, all warm.
 *
 *   npm run bench:prover [-- --runs 5] [-- --json]
 *
 * Compared is the time from witness to proof of rapidsnark in its resident process, of `snarkjs.groth16.prove` called again and
 * again in one process with key and witness in memory, and of our own kernel over snarkjs' arithmetic, at 2^15 and 2^16 rows.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { type Build, builds } from '../circuits/builds.ts'
import { marketIdOf } from '../prover/market/marketId.ts'
import { defaultEnginePolicy, defaultMarketPolicy, INITIAL_MULTIPLIER_X18 } from '../prover/parameters/defaultPolicy.ts'
import { initialState, type Observation } from '../prover/parameters/marketRisk.ts'
import { encodeEnginePolicy, encodeMarketPolicy } from '../prover/parameters/policy.ts'
import {
  type CircuitKeys,
  KeyStore,
  NativeProver,
  type ProofTimings,
  readZkey,
  SnarkjsProver,
} from '../prover/proof/index.ts'
import { stateBatch } from '../prover/statement/marketRisk.ts'
import { mainSource } from './buildCircuits.ts'
import { compileCircom } from './compileCircom.ts'
import { root } from './sources.ts'

/** The bar at 2^16. */
const BAR = 4.5
const ENTRANTS = ['snarkjs.groth16.prove', 'own kernel', 'native'] as const
type Entrant = (typeof ENTRANTS)[number]
type Run = { readonly proofMs: number; readonly wholeMs?: number }
type Result = { readonly runs: readonly Run[]; readonly peakMegabytes: number }
/** What the child that runs plain snarkjs is sent. */
type PlainJob = { readonly input: object; readonly wasm: string; readonly zkey: string }

/** The live template for as many markets as fit the rows: 8 in 2^15, 16 in 2^16. */
const sizes = [8, 16].map((markets): Build => ({ ...builds[0], name: `marketRisk${markets}x2`, markets }))

async function inputOf(build: Build): Promise<object> {
  const engine = encodeEnginePolicy(defaultEnginePolicy)
  const market = encodeMarketPolicy(defaultMarketPolicy)
  const asOf = 1_583_971_200n
  const markets = Array.from({ length: build.markets }, (_, i) => {
    const priceE8 = BigInt(7_900_00000000 - i * 100_00000000)
    const observation = (after: bigint, fallBps: bigint): Observation => ({
      priceE8: (priceE8 * (10_000n - fallBps)) / 10_000n,
      asOf: asOf + after,
      impliedVolatilityX24: 0n,
    })
    return {
      // In the order of their names, which is the order a batch must have.
      marketId: marketIdOf(`M${String(i).padStart(2, '0')}-USD`),
      sequence: 1n,
      previous: initialState({ priceE8, asOf }, 13_421_773n, INITIAL_MULTIPLIER_X18, { ...engine, market }),
      observations: [observation(1800n, 120n), observation(3600n, 260n)],
      policy: market,
    }
  })
  const registry = `0x${'00'.repeat(19)}01` as const
  const modelId = `0x${'00'.repeat(31)}02` as const
  const statement = await stateBatch({ build, chainId: 31337n, registry, modelId, ...engine, markets } as never)
  return statement.circuitInput
}

async function measure(build: Build, runs: number): Promise<{ power: number; results: Record<Entrant, Result> }> {
  const circuit = await compileCircom(build.name, mainSource(build), join(root, 'build', 'bench', build.name))
  const keys = await new KeyStore(join(root, 'build', 'bench', 'keys')).loadOrMakeDevelopmentKeys(circuit)
  const input = await inputOf(build)
  const entrants: Record<Entrant, { prove(): Promise<Run>; peak(): number; close(): Promise<void> }> = {
    'snarkjs.groth16.prove': plain(keys, input),
    'own kernel': resident(new SnarkjsProver(), keys, input),
    native: resident(new NativeProver(), keys, input),
  }
  const samples: Record<Entrant, Run[]> = { 'snarkjs.groth16.prove': [], 'own kernel': [], native: [] }
  try {
    // The first run of each loads and warms up; then in turns, so that all see the same machine.
    for (let run = 0; run <= runs; run++) {
      for (const name of ENTRANTS) {
        const sample = await entrants[name].prove()
        if (run > 0) samples[name].push(sample)
      }
    }
    const resultOf = (name: Entrant): Result => ({ runs: samples[name], peakMegabytes: entrants[name].peak() })
    const results = Object.fromEntries(ENTRANTS.map((name) => [name, resultOf(name)])) as Record<Entrant, Result>
    return { power: readZkey(readFileSync(keys.zkey), keys.zkey).header.domainPower, results }
  } finally {
    for (const name of ENTRANTS) await entrants[name].close()
  }
}

function resident(prover: SnarkjsProver | NativeProver, keys: CircuitKeys, input: object) {
  return {
    prove: async () => {
      const { timings }: { timings: ProofTimings } = await prover.prove(keys, input as never)
      return { proofMs: timings.proof, wholeMs: timings.total }
    },
    peak: () => peakMegabytes(prover.pid),
    close: () => prover.close(),
  }
}

/** Plain snarkjs in a process of its own, so that its memory can be told apart. */
function plain({ wasm, zkey }: CircuitKeys, input: object) {
  const child = fork(import.meta.filename, ['--plain'], { serialization: 'advanced' })
  child.send({ input, wasm, zkey } satisfies PlainJob)
  const ready = nextMessage(child)
  return {
    prove: async () => {
      await ready
      child.send('prove')
      return { proofMs: (await nextMessage(child)) as number }
    },
    peak: () => peakMegabytes(child.pid),
    close: async () => void child.kill(),
  }
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`The process of plain snarkjs ended (${code}).`)))
  })
}

async function runPlain({ input, wasm, zkey }: PlainJob): Promise<void> {
  const { groth16, wtns } = await import('snarkjs')
  const witness: { type: 'mem'; data?: Uint8Array } = { type: 'mem' }
  await wtns.calculate(input, wasm, witness)
  const key = { type: 'mem' as const, data: new Uint8Array(readFileSync(zkey)) }
  process.on('message', async () => {
    const start = performance.now()
    await groth16.prove(key, witness)
    process.send?.(performance.now() - start)
  })
  process.send?.('ready')
}

/** Most memory that a process has held, where the system tells (Linux). */
function peakMegabytes(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
  } catch {
    return Number.NaN
  }
}

const least = (values: readonly number[]): number => Math.min(...values)
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

async function bench(): Promise<void> {
  const json = process.argv.includes('--json')
  const runs = Math.max(5, Number(process.argv[process.argv.indexOf('--runs') + 1]) || 5)
  const say = (line = ''): void => {
    if (!json) console.log(line)
  }
  say(
    `Provers, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${runs} runs each`,
  )
  const report = []
  for (const build of sizes) {
    const { power, results } = await measure(build, runs)
    const times = (name: Entrant): number[] => results[name].runs.map(({ proofMs }) => proofMs)
    const row = (name: Entrant) => ({ least: least(times(name)), median: median(times(name)) })
    const ratio = (name: Entrant) => ({
      least: row(name).least / row('native').least,
      median: row(name).median / row('native').median,
    })
    report.push({
      circuit: build.name,
      rows: 2 ** power,
      results,
      ratios: { plain: ratio(ENTRANTS[0]), kernel: ratio(ENTRANTS[1]) },
    })

    say(`\n${build.name}, 2^${power} rows: witness to proof, ms`)
    say(
      `  ${'prover'.padEnd(24)}${['least', 'median', '× native', 'peak MB'].map((head) => head.padStart(12)).join('')}`,
    )
    for (const name of ENTRANTS) {
      const cells = [
        row(name).least.toFixed(0),
        row(name).median.toFixed(0),
        `${ratio(name).least.toFixed(2)}/${ratio(name).median.toFixed(2)}`,
        results[name].peakMegabytes.toFixed(0),
      ]
      say(`  ${name.padEnd(24)}${cells.map((cell) => cell.padStart(12)).join('')}`)
    }
    const whole = (name: Entrant): string => median(results[name].runs.map((run) => run.wholeMs ?? 0)).toFixed(0)
    say(`  input to verified proof, median: own kernel ${whole('own kernel')} ms, native ${whole('native')} ms`)
  }
  if (json) console.log(JSON.stringify(report, null, 2))
  const reached = report.at(-1)?.ratios.plain.least ?? 0
  say(`\nAt 2^16 native takes 1/${reached.toFixed(2)} of snarkjs' time (least of each); the bar is 1/${BAR}.`)
  if (reached < BAR) process.exitCode = 1
}

if (process.argv.includes('--plain')) process.once('message', (job: PlainJob) => void runPlain(job))
else await bench()
