/**
 * The child process of `NativeProver`: computes witnesses, kept warm, and owns the native process that makes proofs of them. It
 * ends when its parent does, and the native process when it does.
 *
 * A request may come while another is under way: its witness is computed while the native process proves the one before.
 */
import { readUint256 } from '../binaryFile.ts'
import { WrongCircuitError } from '../keys/ceremony.ts'
import { type NativeAnswer, NativeCrashedError, NativeProcess, NativeRefusedError } from './nativeProcess.ts'
import {
  type CircuitFiles,
  OUT_OF_MEMORY_EXIT,
  type ProveRequest,
  serialiseError,
  type UnverifiedProof,
  type WorkerLimits,
  type WorkerMessage,
} from './proverProtocol.ts'
import { ignoreStopSignals } from './stopSignals.ts'
import { peakResidentBytes, residentBytes } from './residentMemory.ts'
import { SelfVerificationError } from './selfVerification.ts'
import type { ProofPoints } from '../strictProof.ts'
import { TwoStages } from './twoStages.ts'
import { ProofRejectedError } from '../verify.ts'
import { readWitnessGenerator } from './warmCircuit.ts'
import type { CircuitInput, WitnessCalculator } from './witnessCalculator.ts'

const MEMORY_CHECK_INTERVAL = 200
const ELEMENT_BYTES = 32
/** Of the memory limit; the rest is for proofs and witness generators. */
const KEY_SHARE = 0.4

interface WarmCircuit {
  readonly calculator: WitnessCalculator
  readonly witnessBytes: number
  /** Buffers that no witness is in. */
  readonly free: Uint8Array[]
}

/** A request whose witness is there, if it wants a proof. */
interface Prepared {
  readonly circuit: WarmCircuit
  readonly wires: Uint8Array | undefined
  readonly load: number
  readonly witness: number
}

const limits = JSON.parse(process.argv[2] as string) as WorkerLimits
const circuits = new Map<string, WarmCircuit>()
let native: NativeProcess | undefined
/** The most that the native process has held, as it said itself. */
let nativePeakBytes = 0
const work = new TwoStages(prepare, finish)

async function prepare({ files, input }: ProveRequest): Promise<Prepared> {
  const start = performance.now()
  const circuit = await warm(files)
  const load = performance.now() - start
  if (input === undefined) return { circuit, wires: undefined, load, witness: 0 }
  const wires = await computeWitness(circuit, input)
  return { circuit, wires, load, witness: performance.now() - start - load }
}

async function computeWitness(
  { calculator, witnessBytes, free }: WarmCircuit,
  input: CircuitInput,
): Promise<Uint8Array> {
  const wires = free.pop() ?? new Uint8Array(witnessBytes)
  try {
    await calculator.calculate(input, wires)
    return wires
  } catch (error) {
    forget(wires, free)
    throw error
  }
}

async function finish(
  { files }: ProveRequest,
  prepared: Prepared,
  handedOver: () => void,
): Promise<UnverifiedProof | undefined> {
  const { circuit, wires, load, witness } = prepared
  if (wires === undefined) {
    const key = await askNative(files)
    if (key.wires * ELEMENT_BYTES !== circuit.witnessBytes) throw new WrongCircuitError(files.circuit)
    return undefined
  }
  try {
    const start = performance.now()
    const { points, publicSignals, loadMs } = await askNative(files, wires, handedOver)
    return {
      points: points as ProofPoints,
      publicSignals: Array.from({ length: publicSignals }, (_, i) => readUint256(wires, (i + 1) * ELEMENT_BYTES)),
      timings: { load: load + loadMs, witness, proof: performance.now() - start - loadMs },
    }
  } finally {
    forget(wires, circuit.free)
  }
}

/** The witness is the prover's secret. */
function forget(wires: Uint8Array, free: Uint8Array[]): void {
  wires.fill(0)
  free.push(wires)
}

/** The native process loads and checks the key, of which memory then holds this one copy. */
async function askNative(files: CircuitFiles, wires?: Uint8Array, onSent?: () => void): Promise<NativeAnswer> {
  try {
    const answer = await nativeProcess().request({ zkey: files.zkey, sha256: files.zkeySha256 }, wires, onSent)
    nativePeakBytes = answer.peakBytes
    return answer
  } catch (error) {
    if (error instanceof ProofRejectedError) throw new SelfVerificationError(files.circuit, error)
    if (error instanceof NativeRefusedError && error.condition === 'wrong-size') {
      throw new WrongCircuitError(files.circuit)
    }
    if (error instanceof NativeCrashedError && error.exitCode === OUT_OF_MEMORY_EXIT) process.exit(OUT_OF_MEMORY_EXIT)
    throw error
  }
}

async function warm(files: CircuitFiles): Promise<WarmCircuit> {
  const name = `${files.zkeySha256}/${files.wasmSha256}`
  const known = circuits.get(name)
  if (known !== undefined) return known

  const calculator = await readWitnessGenerator(files)
  const circuit = { calculator, witnessBytes: (await calculator.size()) * ELEMENT_BYTES, free: [] }
  circuits.set(name, circuit)
  return circuit
}

/** The process that is running, or a new one. */
function nativeProcess(): NativeProcess {
  if (native !== undefined) return native
  const { memoryBytes } = limits
  const share = { memoryBytes, keyBytes: Math.floor(memoryBytes * KEY_SHARE) }
  const started = new NativeProcess(limits.nativeProgram as string, share, () => {
    if (native !== started) return
    native = undefined
    nativePeakBytes = 0
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
    const result = await work.run(request)
    // The most that both have ever held: no result leaves when that was too much, however fast it came.
    endWhere(peakResidentBytes() + nativePeakBytes > limits.memoryBytes)
    send({ result })
  } catch (error) {
    send({ failure: serialiseError(error) })
  }
})
ignoreStopSignals()
process.on('disconnect', () => process.exit())

setInterval(() => {
  const nativeBytes = native?.pid === undefined ? 0 : (residentBytes(native.pid) ?? nativePeakBytes)
  endWhere(process.memoryUsage.rss() + nativeBytes > limits.memoryBytes)
}, MEMORY_CHECK_INTERVAL)

function endWhere(isTooLarge: boolean): void {
  if (!isTooLarge) return
  native?.kill()
  process.exit(OUT_OF_MEMORY_EXIT)
}
