/**
 * The provers against each other in one run: the same key, the same input, in turns, all warm.
 *
 *   npm run bench:prover [-- --runs 5] [-- --circuit riskArray5] [-- --json]
 *
 * Compared is the time from witness to proof of the native prover in its resident process, of `snarkjs.groth16.prove` called again
 * and again in one process with key and witness in memory, and of our own kernel, at 2^15, 2^16 and 2^17 rows.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { marketBuilds } from '../circuits/statements/index.ts'
import {
  type CircuitInput,
  type CircuitKeys,
  NativeProver,
  type ProofTimings,
  SnarkjsProver,
} from '../prover/proof/index.ts'
import { readZkey } from '../prover/proof/keys/zkey.ts'
import { shardBook } from '../prover/portfolio/sharding.ts'
import { marginSizes } from '../prover/service/answers/margins.ts'
import { loadKeys, portfolioBuildOf } from '../prover/service/workspace.ts'
import { stateBatch } from '../prover/statement/marketRisk.ts'
import { stateBook } from '../prover/statement/optionBook.ts'
import { stateRiskArray } from '../prover/statement/riskArray.ts'
import { usualMarket, usualPolicy } from './tools/cases/expiries.ts'
import { Random } from './tools/cases/random.ts'
import { arrayRootOf, CONTEXT, randomArray, randomPositions } from './tools/cases/portfolios.ts'
import { randomBatch } from './tools/cases/batches.ts'
import { isThere, oneOf, readFlags, whole } from './tools/flags.ts'

/** How many times faster than plain snarkjs they are at least, at the rows of a risk array; the kernel where it has fused vectors. */
const BARS = { native: 7, 'own kernel': 5 } as const
const BAR_CIRCUIT = 'riskArray5'
const ENTRANTS = ['snarkjs.groth16.prove', 'own kernel', 'native'] as const
type Entrant = (typeof ENTRANTS)[number]
type Run = { readonly proofMs: number; readonly wholeMs?: number }
type Result = { readonly runs: readonly Run[]; readonly peakMegabytes: number }
/** What the child that runs plain snarkjs is sent. */
type PlainJob = { readonly input: object; readonly wasm: string; readonly zkey: string }

/** A circuit of 2^15, 2^16 and 2^17 rows each, with an input. */
const circuits: Readonly<Record<string, () => Promise<CircuitInput>>> = {
  marketRisk8x2: async () => (await stateBatch(randomBatch(new Random(11n), marketBuilds[0]))).circuitInput,
  riskArray5: async () => {
    const strikesE8 = [60n, 61n, 62n, 63n, 64n].map((thousands) => thousands * 10n ** 11n)
    const build = portfolioBuildOf('riskArray')
    return (await stateRiskArray(build, CONTEXT, usualMarket, usualPolicy, strikesE8)).circuitInput
  },
  optionBook8x5: async () => {
    const random = new Random(3n)
    const asOf = 1_700_000_000n
    // A book's positions ascend by expiry and strike, and so do the strikes of its segments.
    const { segments, expiries } = marginSizes
    const expiryOf = (segment: number): number => Math.floor((segment * expiries) / segments)
    const arrays = Array.from({ length: expiries }, (_, e) => {
      const count = Array.from({ length: segments }, (_, i) => expiryOf(i)).filter((of) => of === e).length
      const { header, leaves } = randomArray(random, asOf + BigInt(e + 1) * 604_800n, asOf, 5 * count)
      const ascending = leaves.map((leaf, i) => ({ ...leaf, strikeE8: BigInt(i + 1) * 10n ** 11n }))
      return Array.from({ length: count }, (_, i) => ({ header, leaves: ascending.slice(5 * i, 5 * i + 5) }))
    }).flat()
    const positions = arrays.flatMap((array) => randomPositions(random, array, 40))
    const [shard] = shardBook(positions, arrays, marginSizes).shards
    if (shard === undefined) throw new Error('The made-up account holds nothing.')
    const roots = await Promise.all(shard.segments.map(({ array }) => arrayRootOf(array)))
    return (await stateBook(portfolioBuildOf('optionBook'), CONTEXT, shard, roots)).circuitInput
  },
}

async function measure(keys: CircuitKeys, input: CircuitInput, runs: number): Promise<Record<Entrant, Result>> {
  const entrants: Record<Entrant, { prove(): Promise<Run>; peak(): number; close(): Promise<void> }> = {
    'snarkjs.groth16.prove': plain(keys, input),
    'own kernel': resident(new SnarkjsProver(), keys, input),
    native: resident(new NativeProver(), keys, input),
  }
  const samples = Object.fromEntries(ENTRANTS.map((name) => [name, [] as Run[]])) as Record<Entrant, Run[]>
  try {
    // The first run of each loads and warms up; then in turns, so that all see the same machine.
    for (let run = 0; run <= runs; run++) {
      for (const name of ENTRANTS) {
        const sample = await entrants[name].prove()
        if (run > 0) samples[name].push(sample)
      }
    }
    const resultOf = (name: Entrant): Result => ({ runs: samples[name], peakMegabytes: entrants[name].peak() })
    return Object.fromEntries(ENTRANTS.map((name) => [name, resultOf(name)])) as Record<Entrant, Result>
  } finally {
    for (const name of ENTRANTS) await entrants[name].close()
  }
}

function resident(prover: SnarkjsProver | NativeProver, keys: CircuitKeys, input: CircuitInput) {
  return {
    prove: async () => {
      const { timings }: { timings: ProofTimings } = await prover.prove(keys, input)
      return { proofMs: timings.proof, wholeMs: timings.total }
    },
    peak: () => peakMegabytes(prover.pid),
    close: () => prover.close(),
  }
}

/** Plain snarkjs in a process of its own, so that its memory can be told apart. */
function plain({ wasm, zkey }: CircuitKeys, input: CircuitInput) {
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
  const {
    runs,
    circuit: only,
    json,
  } = readFlags({
    runs: whole(5, 1_000, 5),
    circuit: oneOf(Object.keys(circuits), undefined),
    json: isThere,
  })
  const say = (line = ''): void => {
    if (!json) console.log(line)
  }
  const load = (): string => `load ${loadavg()[0]?.toFixed(1)}`
  say(
    `Provers, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, ${runs} runs each, ${load()}`,
  )
  const report = []
  for (const [circuit, inputOf] of Object.entries(circuits)) {
    if (circuit !== (only ?? circuit)) continue
    const keys = await loadKeys(circuit)
    const results = await measure(keys, await inputOf(), runs)
    const power = readZkey(readFileSync(keys.zkey), keys.zkey).header.domainPower
    const ratios = Object.fromEntries(ENTRANTS.map((name) => [name, ratioOf(results, name)]))
    report.push({ circuit, rows: 2 ** power, results, ratios })
    say(`\n${circuit}, 2^${power} rows: witness to proof, ms`)
    for (const line of table(results)) say(line)
    const whole = (name: Entrant): string => median(results[name].runs.map((run) => run.wholeMs ?? 0)).toFixed(0)
    say(
      `  input to verified proof, median: own kernel ${whole('own kernel')} ms, native ${whole('native')} ms; ${load()}`,
    )
  }
  if (json) console.log(JSON.stringify(report, null, 2))
  const results = report.find(({ circuit }) => circuit === BAR_CIRCUIT)?.results
  if (results === undefined) return
  say()
  for (const [name, bar] of Object.entries(BARS) as [keyof typeof BARS, number][]) {
    const reached = least(timesOf(results, ENTRANTS[0])) / least(timesOf(results, name))
    say(`${BAR_CIRCUIT}, ${name}: 1/${reached.toFixed(2)} of snarkjs' time (least of each); the bar is 1/${bar}.`)
    if (reached < bar) process.exitCode = 1
  }
}

const timesOf = (results: Record<Entrant, Result>, name: Entrant): number[] =>
  results[name].runs.map(({ proofMs }) => proofMs)

/** An entrant's time over the native prover's. */
const ratioOf = (results: Record<Entrant, Result>, name: Entrant) => ({
  least: least(timesOf(results, name)) / least(timesOf(results, 'native')),
  median: median(timesOf(results, name)) / median(timesOf(results, 'native')),
})

function table(results: Record<Entrant, Result>): string[] {
  const heads = ['least', 'median', '× native', 'peak MB']
  const lines = [`  ${'prover'.padEnd(24)}${heads.map((head) => head.padStart(12)).join('')}`]
  for (const name of ENTRANTS) {
    const ratio = ratioOf(results, name)
    const cells = [
      least(timesOf(results, name)).toFixed(0),
      median(timesOf(results, name)).toFixed(0),
      `${ratio.least.toFixed(2)}/${ratio.median.toFixed(2)}`,
      results[name].peakMegabytes.toFixed(0),
    ]
    lines.push(`  ${name.padEnd(24)}${cells.map((cell) => cell.padStart(12)).join('')}`)
  }
  return lines
}

if (process.argv.includes('--plain')) process.once('message', (job: PlainJob) => void runPlain(job))
else await bench()
