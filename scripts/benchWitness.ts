/**
 * What computing a witness costs, every build with every slot of its input taken, in a warm instance:
 *
 *   npm run bench:witness [-- --runs 15] [-- --against <folder>] [-- --json]
 *
 * `--against` names another checkout with its circuits built (`node scripts/buildCircuits.ts`): its generators, run by its
 * own code on the same inputs, in turns. Exits 1 if a witness differs in any wire.
 */
import { existsSync, readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { CircuitInput, WitnessCalculator } from '../prover/proof/backends/witnessCalculator.ts'
import { buildInputs } from './tools/benchInputs.ts'
import { root } from './tools/sources.ts'
import { isThere, present, readFlags, whole } from './tools/flags.ts'

/** Time of the processor, median of the runs; of an instance that never ran; bytes of the generator. */
type Cost = { readonly warmMs: number; readonly firstMs: number; readonly bytes: number }
type Row = { readonly build: string; readonly wires: number; readonly ours: Cost; readonly theirs?: Cost }

/** Runs before the engine has compiled what it runs often. */
const WARM_UP = 10

const flags = readFlags({ runs: whole(5, 10_000, 15), against: present('a checkout'), json: isThere })
const runs = flags.runs

/** A checkout's generator of one build, its memory for the wires beside it. */
class Entrant {
  readonly witness: Uint8Array
  private readonly calculator: WitnessCalculator
  private readonly samples: number[] = []
  private readonly bytes: number

  private constructor(calculator: WitnessCalculator, wires: number, bytes: number) {
    this.calculator = calculator
    this.bytes = bytes
    this.witness = new Uint8Array(32 * wires)
  }

  static async of(folder: string, build: string): Promise<Entrant> {
    const code = readFileSync(join(folder, 'build', 'circuits', build, `${build}.wasm`))
    // Older checkouts have it one folder up.
    const at = ['backends/witnessCalculator.ts', 'witnessCalculator.ts'].map((file) =>
      join(folder, 'prover', 'proof', file),
    )
    const module = await import(pathToFileURL(at.find((file) => existsSync(file)) ?? folder).href)
    const calculator = (await module.WitnessCalculator.load(build, code)) as WitnessCalculator
    return new Entrant(calculator, await calculator.size(), code.length)
  }

  async run(input: CircuitInput): Promise<void> {
    const before = process.cpuUsage()
    await this.calculator.calculate(input, this.witness)
    const { user, system } = process.cpuUsage(before)
    this.samples.push((user + system) / 1000)
  }

  cost(): Cost {
    const warm = this.samples.slice(WARM_UP).toSorted((a, b) => a - b)
    return { warmMs: warm[warm.length >> 1] ?? Number.NaN, firstMs: this.samples[0] ?? Number.NaN, bytes: this.bytes }
  }
}

async function measure(build: string, input: CircuitInput, against: string | undefined): Promise<Row> {
  const ours = await Entrant.of(root, build)
  const theirs = against === undefined ? undefined : await Entrant.of(against, build)
  for (let run = 0; run < WARM_UP + runs; run++) {
    await ours.run(input)
    await theirs?.run(input)
  }
  const row = { build, wires: ours.witness.length / 32, ours: ours.cost() }
  if (theirs === undefined) return row
  if (Buffer.compare(ours.witness, theirs.witness) !== 0) {
    console.error(`${build}: the witnesses differ`)
    process.exitCode = 1
  }
  return { ...row, theirs: theirs.cost() }
}

const against = flags.against === undefined ? undefined : resolve(flags.against)
const rows: Row[] = []
const say = (line: string): void => {
  if (!flags.json) console.log(line)
}
const cells = (...texts: readonly string[]): string => texts.map((text) => text.padStart(12)).join('')
const megabytes = ({ bytes }: Cost): string => (bytes / 1e6).toFixed(1)

say(
  `bench:witness, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`,
)
say(
  `Processor time in ms, median of ${runs} in a warm instance${against === undefined ? '' : `; against ${against}`}\n`,
)
const heads = ['wires', 'warm', 'first', 'code, MB']
say(
  `${'build'.padEnd(18)}${cells(...heads, ...(against === undefined ? [] : ['their warm', 'first', 'code, MB', 'times less']))}`,
)
for (const [build, input] of Object.entries(await buildInputs())) {
  const row = await measure(build, input, against)
  rows.push(row)
  const { wires, ours, theirs } = row
  const own = [wires.toLocaleString('en'), ours.warmMs.toFixed(1), ours.firstMs.toFixed(0), megabytes(ours)]
  const other =
    theirs === undefined
      ? []
      : [
          theirs.warmMs.toFixed(1),
          theirs.firstMs.toFixed(0),
          megabytes(theirs),
          (theirs.warmMs / ours.warmMs).toFixed(1),
        ]
  say(`${build.padEnd(18)}${cells(...own, ...other)}`)
}
if (against !== undefined && process.exitCode === undefined) say('\nWitnesses are equal in every wire.')
if (flags.json) console.log(JSON.stringify(rows, null, 2))
