/**
 * What a batch costs, against named peers in the same run on the same machine: `npm run bench [-- --runs 5] [--json]`.
 *
 * 1. constraints, by part of the circuit
 * 2. proving: from observations to a self-verified proof, cold and warm, against snarkjs' own `groth16 fullprove`
 * 3. gas by part, from test/snapshots/gas.json, and against a design with every word a public input, measured here
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { marketBuilds } from '../circuits/statements/index.ts'
import type { CircuitKeys, Prover } from '../prover/proof/index.ts'
import { createProver } from '../prover/proof/index.ts'
import { loadKeys } from '../prover/service/workspace.ts'
import { stateBatch } from '../prover/statement/marketRisk.ts'
import { fullBatch } from './tools/benchInputs.ts'
import { partsTable } from './tools/constraintParts.ts'
import { plainVerificationGas } from './plainDesign.ts'
import { isThere, readFlags, whole } from './tools/flags.ts'
import { root } from './tools/sources.ts'

const run = promisify(execFile)
const { json, runs } = readFlags({ runs: whole(1, 1_000, 5), json: isThere })

type Sample = { readonly milliseconds: number; readonly peakMegabytes: number }

async function ours(
  prover: Prover,
  keys: CircuitKeys,
  seed: number,
): Promise<{ ms: number; parts: Record<string, number> }> {
  const start = performance.now()
  const statement = await stateBatch(fullBatch(marketBuilds[0], seed))
  const stated = performance.now()
  const { timings } = await prover.prove(keys, statement.circuitInput as never)
  return { ms: performance.now() - start, parts: { twin: stated - start, ...timings } }
}

/** snarkjs' command line, as its README says: witness and proof, nothing verified. */
async function snarkjsCli(keys: CircuitKeys, seed: number, folder: string): Promise<Sample> {
  const require = createRequire(import.meta.url)
  const cli = join(dirname(require.resolve('snarkjs')), 'cli.cjs')
  const { circuitInput } = await stateBatch(fullBatch(marketBuilds[0], seed))
  const input = join(folder, 'input.json')
  writeFileSync(
    input,
    JSON.stringify(circuitInput, (_, v) => (typeof v === 'bigint' ? `${v}` : v)),
  )
  const files = [input, keys.wasm, keys.zkey, join(folder, 'proof.json'), join(folder, 'public.json')]
  const report = `process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS))`
  const start = performance.now()
  const { stderr } = await run(process.execPath, [
    '--import',
    `data:text/javascript,${encodeURIComponent(report)}`,
    cli,
    'groth16',
    'fullprove',
    ...files,
  ])
  return {
    milliseconds: performance.now() - start,
    peakMegabytes: Number(/peak (\d+)/.exec(stderr)?.[1] ?? Number.NaN) / 1024,
  }
}

/** Most memory that a child of this process has held, where the system tells (Linux). */
function peakOfChildren(): number {
  try {
    const peaks = readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map((pid) => readFileSync(`/proc/${pid}/status`, 'utf8'))
      .filter((status) => new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status))
      .map((status) => Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0))
    return Math.max(0, ...peaks) / 1024
  } catch {
    // No /proc, or a process ended while it was read.
    return Number.NaN
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const say = (line = ''): void => {
  if (!json) console.log(line)
}

const keys = await loadKeys('marketRisk8x2')
const parts = await partsTable()
say(`zk-risk-engine bench, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}`)
say('\nConstraints of marketRisk8x2 (--O2), by part')
for (const { part, each, times, total } of parts.rows) {
  say(`  ${part.padEnd(62)} ${String(each).padStart(6)} × ${String(times).padStart(2)} ${String(total).padStart(7)}`)
}
say(`  ${'whole circuit'.padEnd(62)} ${' '.repeat(11)} ${String(parts.whole).padStart(7)}   2^15 = 32,768`)

const folder = mkdtempSync(join(tmpdir(), 'zkrisk-bench-'))
// What npm alone gives; `npm run bench:prover` sets it against the native prover.
const prover = createProver({}, 'snarkjs')
let coldMs = 0
const warm: number[] = []
const cli: Sample[] = []
let last: Record<string, number> = {}
let peakMegabytes = Number.NaN
try {
  coldMs = (await ours(prover, keys, 0)).ms
  // In turns, so that both see the same machine.
  for (let i = 1; i <= runs; i++) {
    const mine = await ours(prover, keys, i)
    warm.push(mine.ms)
    last = mine.parts
    cli.push(await snarkjsCli(keys, i, folder))
  }
  peakMegabytes = peakOfChildren()
} finally {
  await prover.close()
  rmSync(folder, { recursive: true, force: true })
}

const cliTimes = cli.map((sample) => sample.milliseconds)
const ratio = Math.min(...warm) / Math.min(...cliTimes)
const ratioOfMedians = median(warm) / median(cliTimes)
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`
say(`\nProving 8 markets × 2 observations, observation to self-verified proof, ${runs} runs in turns`)
say(`  cold (new prover)               ${seconds(coldMs)}`)
say(`  warm                            ${seconds(Math.min(...warm))} least, ${seconds(median(warm))} median`)
say(
  `    of the last run:              ${Object.entries(last)
    .map(([k, v]) => `${k} ${v.toFixed(0)}`)
    .join(', ')} ms`,
)
say(
  `  snarkjs CLI groth16 fullprove   ${seconds(Math.min(...cliTimes))} least, ${seconds(median(cliTimes))} median (verifies nothing)`,
)
say(`  ratio                           ${ratio.toFixed(2)} of least, ${ratioOfMedians.toFixed(2)} of medians; bar 0.90`)
say(
  `  peak memory                     ${peakMegabytes.toFixed(0)} MB, snarkjs CLI ${Math.max(...cli.map((sample) => sample.peakMegabytes)).toFixed(0)} MB`,
)

const gas = JSON.parse(readFileSync(join(root, 'test/snapshots/gas.json'), 'utf8')) as Record<string, number>
const words = 58
const plain = { words, verification: await plainVerificationGas(words), ours: await plainVerificationGas(3) }
say('\nGas of one submit of 8 markets (test/snapshots/gas.json, measured by a test on a real chain)')
for (const [part, used] of Object.entries(gas)) say(`  ${part.padEnd(46)} ${String(used).padStart(9)}`)
say(
  `\nVerification gas, measured now: ${words} words as public inputs ${plain.verification}, three public signals ${plain.ours}`,
)
const evaluation = gas['evaluation of the statement'] ?? 0
const gasRatio = (plain.ours + evaluation) / plain.verification
const inAll = gas['in all'] ?? 0
const plainWhole = inAll - (gas.verification ?? 0) - evaluation + plain.verification
say(`  with the evaluation of the statement (${evaluation}): ${gasRatio.toFixed(2)} of the plain design; bar 0.50`)
say(`  whole submit: ${inAll}, and by the plain design ${plainWhole}: ${(inAll / plainWhole).toFixed(2)}`)

if (json) {
  console.log(
    JSON.stringify(
      {
        constraints: parts,
        coldMs,
        warmMs: warm,
        cliMs: cliTimes,
        ratio,
        ratioOfMedians,
        lastRun: last,
        gas,
        plain,
        gasRatio,
      },
      null,
      2,
    ),
  )
}
if (ratio > 0.9) {
  console.error(`The warm batch took ${ratio.toFixed(2)} of the snarkjs CLI's time; the bar is 0.90.`)
  process.exitCode = 1
}
if (gasRatio > 0.5) {
  console.error(`Binding and verification take ${gasRatio.toFixed(2)} of the plain design's gas; the bar is 0.50.`)
  process.exitCode = 1
}
process.exit()
