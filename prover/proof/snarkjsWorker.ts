/**
 * The child process of `SnarkjsProver`: keys, witness generators and threads stay warm in here, and whatever goes wrong in
 * WebAssembly goes wrong in here too. It ends when its parent does.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { WrongCircuitError } from './ceremony.ts'
import { Groth16 } from './groth16.ts'
import { KernelThreads } from './kernel/kernelThreads.ts'
import { CorruptKeyFileError, sha256 } from './keyStore.ts'
import {
  type CircuitFiles,
  OUT_OF_MEMORY_EXIT,
  type ProveRequest,
  type ProveResponse,
  serialiseError,
  type UnverifiedProof,
  type WorkerLimits,
} from './proverProtocol.ts'
import { type CircuitInput, WitnessCalculator } from './witnessCalculator.ts'
import { readZkey } from './zkey.ts'

const MEMORY_CHECK_INTERVAL = 200

interface WarmCircuit {
  readonly calculator: WitnessCalculator
  readonly groth16: Groth16
}

const limits = JSON.parse(process.argv[2] as string) as WorkerLimits
const circuits = new Map<string, WarmCircuit>()
const threads = KernelThreads.start(limits.threads)

async function perform({ files, input }: ProveRequest): Promise<UnverifiedProof | undefined> {
  const start = performance.now()
  const circuit = await warm(files)
  return input === undefined ? undefined : prove(circuit, input, performance.now() - start)
}

async function prove(
  { calculator, groth16 }: WarmCircuit,
  input: CircuitInput,
  load: number,
): Promise<UnverifiedProof> {
  const start = performance.now()
  await calculator.calculate(input, groth16.witness)
  const witnessed = performance.now()
  const points = await groth16.prove()
  const publicSignals = groth16.publicSignals()
  // The witness is the prover's secret; it is needed no longer.
  groth16.witness.fill(0)
  const timings = { load, witness: witnessed - start, proof: performance.now() - witnessed }
  return { points, publicSignals, timings }
}

async function warm(files: CircuitFiles): Promise<WarmCircuit> {
  const name = `${files.zkeySha256}/${files.wasmSha256}`
  const known = circuits.get(name)
  if (known !== undefined) return known

  const code = await readFile(files.wasm).catch((error) => {
    throw new CorruptKeyFileError(files.wasm, error)
  })
  if (sha256(code) !== files.wasmSha256) throw new CorruptKeyFileError(files.wasm)
  const calculator = await WitnessCalculator.load(files.circuit, code)
  const zkeyBytes = readShared(files.zkey)
  if (sha256(zkeyBytes) !== files.zkeySha256) throw new CorruptKeyFileError(files.zkey)
  const zkey = readZkey(zkeyBytes, files.zkey)
  if ((await calculator.size()) !== zkey.header.wires) throw new WrongCircuitError(files.circuit)

  const circuit = { calculator, groth16: await Groth16.load(zkey, await threads, circuits.size) }
  circuits.set(name, circuit)
  return circuit
}

/** Reads a file into memory that threads share. */
function readShared(file: string): Uint8Array {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const bytes = new Uint8Array(new SharedArrayBuffer(fstatSync(descriptor).size))
      for (let position = 0; position < bytes.length; ) {
        const count = readSync(descriptor, bytes, position, bytes.length - position, position)
        if (count === 0) throw new CorruptKeyFileError(file)
        position += count
      }
      return bytes
    } finally {
      closeSync(descriptor)
    }
  } catch (error) {
    throw error instanceof CorruptKeyFileError ? error : new CorruptKeyFileError(file, error)
  }
}

function respond(response: ProveResponse): void {
  process.send?.(response)
}

process.on('message', async (request: ProveRequest) => {
  try {
    respond({ id: request.id, result: await perform(request) })
  } catch (error) {
    respond({ id: request.id, failure: serialiseError(error) })
  }
})
process.on('disconnect', () => process.exit())

setInterval(() => {
  if (process.memoryUsage.rss() > limits.memoryBytes) process.exit(OUT_OF_MEMORY_EXIT)
}, MEMORY_CHECK_INTERVAL)
