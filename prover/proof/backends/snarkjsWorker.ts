/**
 * The child process of `SnarkjsProver`: keys, witness generators and threads stay warm in here, and whatever goes wrong in
 * WebAssembly goes wrong in here too. It ends when its parent does.
 */
import { Groth16 } from '../kernel/groth16.ts'
import { KernelThreads } from '../kernel/kernelThreads.ts'
import {
  type CircuitFiles,
  OUT_OF_MEMORY_EXIT,
  type ProveRequest,
  type ProveResponse,
  serialiseError,
  type UnverifiedProof,
  type WorkerLimits,
} from './proverProtocol.ts'
import { ignoreStopSignals } from './stopSignals.ts'
import { peakResidentBytes } from './residentMemory.ts'
import { readCircuit } from './warmCircuit.ts'
import type { CircuitInput, WitnessCalculator } from './witnessCalculator.ts'

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

  const { calculator, zkey } = await readCircuit(files)
  const circuit = { calculator, groth16: await Groth16.load(zkey, await threads, circuits.size) }
  circuits.set(name, circuit)
  return circuit
}

function respond(response: ProveResponse): void {
  process.send?.(response)
}

/** Looks at the most memory ever held: no result leaves a process that was too large, however fast it came. */
function endWhereTooLarge(): void {
  if (peakResidentBytes() > limits.memoryBytes) process.exit(OUT_OF_MEMORY_EXIT)
}

process.on('message', async (request: ProveRequest) => {
  try {
    const result = await perform(request)
    endWhereTooLarge()
    respond({ result })
  } catch (error) {
    respond({ failure: serialiseError(error) })
  }
})
ignoreStopSignals()
process.on('disconnect', () => process.exit())

setInterval(endWhereTooLarge, MEMORY_CHECK_INTERVAL)
