/**
 * The child process of `NativeProver`: computes witnesses, kept warm, and owns the native process that makes proofs of them. It
 * ends when its parent does, and the native process when it does.
 */
import { readFileSync } from 'node:fs'
import { dataView, readUint256, writeSections, writeUint256 } from './binaryFile.ts'
import { SCALAR_FIELD_ORDER } from './bn254.ts'
import { NativeProcess } from './nativeProcess.ts'
import {
  type CircuitFiles,
  OUT_OF_MEMORY_EXIT,
  type ProveRequest,
  serialiseError,
  type UnverifiedProof,
  type WorkerLimits,
  type WorkerMessage,
} from './proverProtocol.ts'
import type { ProofPoints } from './strictProof.ts'
import { readCircuit } from './warmCircuit.ts'
import type { CircuitInput, WitnessCalculator } from './witnessCalculator.ts'

const MEMORY_CHECK_INTERVAL = 200
const ELEMENT_BYTES = 32
/** Of the memory limit; the rest is for the copy in use, the proof and the witness generators. */
const KEY_SHARE = 0.4

interface WarmCircuit {
  readonly calculator: WitnessCalculator
  readonly publicSignals: number
  /** A *.wtns file, its last piece the wires. */
  readonly witnessFile: readonly Uint8Array[]
  readonly wires: Uint8Array
}

const limits = JSON.parse(process.argv[2] as string) as WorkerLimits
const circuits = new Map<string, WarmCircuit>()
let native: NativeProcess | undefined

async function perform({ files, input }: ProveRequest): Promise<UnverifiedProof | undefined> {
  const start = performance.now()
  const circuit = await warm(files)
  const key = { zkey: files.zkey, sha256: files.zkeySha256 }
  const load = performance.now() - start
  if (input !== undefined) return prove(circuit, key, input, load)
  await nativeProcess().request(key, [])
  return undefined
}

async function prove(
  { calculator, publicSignals, witnessFile, wires }: WarmCircuit,
  key: { zkey: string; sha256: string },
  input: CircuitInput,
  load: number,
): Promise<UnverifiedProof> {
  const start = performance.now()
  try {
    await calculator.calculate(input, wires)
    const witnessed = performance.now()
    const { points, loadMs } = await nativeProcess().request(key, witnessFile)
    const proof = performance.now() - witnessed - loadMs
    return {
      points: points as ProofPoints,
      publicSignals: Array.from({ length: publicSignals }, (_, i) => readUint256(wires, (i + 1) * ELEMENT_BYTES)),
      timings: { load: load + loadMs, witness: witnessed - start, proof },
    }
  } finally {
    // The witness is the prover's secret; it is needed no longer.
    wires.fill(0)
  }
}

/** The key itself is read here to be checked, strictly, before a library that checks nothing gets it. */
async function warm(files: CircuitFiles): Promise<WarmCircuit> {
  const name = `${files.zkeySha256}/${files.wasmSha256}`
  const known = circuits.get(name)
  if (known !== undefined) return known

  const { calculator, zkey } = await readCircuit(files)
  const { wires, publicSignals } = zkey.header
  const elements = new Uint8Array(wires * ELEMENT_BYTES)
  const circuit = { calculator, publicSignals, witnessFile: witnessFileOf(elements), wires: elements }
  circuits.set(name, circuit)
  return circuit
}

/** The pieces of a *.wtns file around these wires, without a copy of them. */
function witnessFileOf(wires: Uint8Array): readonly Uint8Array[] {
  const header = new Uint8Array(4 + ELEMENT_BYTES + 4)
  dataView(header).setUint32(0, ELEMENT_BYTES, true)
  writeUint256(header, 4, SCALAR_FIELD_ORDER)
  dataView(header).setUint32(4 + ELEMENT_BYTES, wires.length / ELEMENT_BYTES, true)
  return writeSections({ magic: 'wtns', versions: [2] }, 2, [
    [1, [header]],
    [2, [wires]],
  ])
}

/** The process that is running, or a new one. */
function nativeProcess(): NativeProcess {
  if (native !== undefined) return native
  const started = new NativeProcess(limits.nativeProgram as string, Math.floor(limits.memoryBytes * KEY_SHARE), () => {
    if (native !== started) return
    native = undefined
    send({ servantPid: undefined })
  })
  native = started
  send({ servantPid: started.pid })
  return started
}

function send(message: WorkerMessage): void {
  process.send?.(message)
}

process.on('message', async (request: ProveRequest) => {
  try {
    send({ id: request.id, result: await perform(request) })
  } catch (error) {
    send({ id: request.id, failure: serialiseError(error) })
  }
})
process.on('disconnect', () => process.exit())

setInterval(() => {
  if (process.memoryUsage.rss() + nativeResidentBytes() <= limits.memoryBytes) return
  native?.kill()
  process.exit(OUT_OF_MEMORY_EXIT)
}, MEMORY_CHECK_INTERVAL)

/** What the system says of the native process; 0 where it does not say (only Linux does). */
function nativeResidentBytes(): number {
  try {
    const status = readFileSync(`/proc/${native?.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
