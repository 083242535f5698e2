/**
 * The child process of `NativeProver`: computes witnesses, kept warm, and owns the native process that makes proofs of them. It
 * ends when its parent does, and the native process when it does.
 */
import { readFileSync } from 'node:fs'
import { readUint256 } from './binaryFile.ts'
import { WrongCircuitError } from './ceremony.ts'
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
import { SelfVerificationError } from './selfVerification.ts'
import type { ProofPoints } from './strictProof.ts'
import { ProofRejectedError } from './verify.ts'
import { readWitnessGenerator } from './warmCircuit.ts'
import type { CircuitInput, WitnessCalculator } from './witnessCalculator.ts'

const MEMORY_CHECK_INTERVAL = 200
const ELEMENT_BYTES = 32
/** Of the memory limit; the rest is for proofs and witness generators. */
const KEY_SHARE = 0.4

interface WarmCircuit {
  readonly calculator: WitnessCalculator
  readonly wires: Uint8Array
}

const limits = JSON.parse(process.argv[2] as string) as WorkerLimits
const circuits = new Map<string, WarmCircuit>()
let native: NativeProcess | undefined

async function perform({ files, input }: ProveRequest): Promise<UnverifiedProof | undefined> {
  const start = performance.now()
  const circuit = await warm(files)
  const load = performance.now() - start
  if (input !== undefined) return prove(circuit, files, input, load)
  const { wires } = await request(files)
  if (wires * ELEMENT_BYTES !== circuit.wires.length) throw new WrongCircuitError(files.circuit)
  return undefined
}

async function prove(
  { calculator, wires }: WarmCircuit,
  files: CircuitFiles,
  input: CircuitInput,
  load: number,
): Promise<UnverifiedProof> {
  const start = performance.now()
  try {
    await calculator.calculate(input, wires)
    const witnessed = performance.now()
    const { points, publicSignals, loadMs } = await request(files, wires)
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

/** The native process loads and checks the key, of which memory then holds this one copy. */
async function request(files: CircuitFiles, wires?: Uint8Array): Promise<NativeAnswer> {
  try {
    return await nativeProcess().request({ zkey: files.zkey, sha256: files.zkeySha256 }, wires)
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
  const circuit = { calculator, wires: new Uint8Array((await calculator.size()) * ELEMENT_BYTES) }
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
